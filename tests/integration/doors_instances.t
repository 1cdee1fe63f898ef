#!/usr/bin/perl
# doors_instances.t -- customizers and instances at the doors of the platform's kind: kept, changed, linked, invoked.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use support;
use asking;
use JSON::PP;
use Test::More;

for my $tool (qw(curl zip node)) { plan skip_all => "machine: no $tool" if system("command -v $tool >/dev/null") != 0 }
my $b = root() . '/build';
$b = $1 if bascule() =~ m{^(.*)/bin/bascule$};
hostile("evi$$", $b) or plan skip_all => 'evil is not built';
my $work = scratch();
my ($C, $I, $P) = map { "/beta/$_" } qw(connector-customizers connector-instances platform-connectors);
my $uuid = qr/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
my $nobody = '00000000-0000-4000-8000-000000000000';
my $json = JSON::PP->new->canonical->allow_nonref;

# Each answer is held against the description of this API, at the end.
my @answers;
{
	no warnings 'redefine';
	my $plain = \&asking::curl;
	*main::curl = sub {
		my ($method, $path) = @_;
		my $r = $plain->(@_);
		push(@answers, { method => lc $method, path => $path =~ s/\?.*//sr, code => $r->{code}, body => $r->{body} });
		return $r;
	};
}

sub pack_zip {
	my ($as, %files) = @_;
	mkdir("$work/$as");
	spill("$as/$_", $files{$_}) for keys %files;
	system("cd $work/$as && rm -f ../$as.zip && zip -qr ../$as.zip .") == 0 or die 'zip';
	return "$work/$as.zip";
}
sub upload { my ($to, $zip, $type) = @_; return curl('POST', "$to/versions", undef, '-H', 'Content-Type: ' . ($type // 'application/zip'), '--data-binary', "\@$zip") }
# A bundle that says what reached it, and has the customizer that is linked do its part.
sub bundle {
	my ($says) = @_;
	my $items = join(',', map { qq({"key":"$_->[0]","type":"$_->[1]","label":"l"}) } ['url', 'url'], ['region', 'text'], ['password', 'secret'], ['headers', 'keyValue']);
	return ('connector-spec.json' => qq({"name":"$says","commands":["std:test-connection","std:account:list"],"sourceConfig":[{"type":"section","items":[$items]}]}),
	    'index.js' => <<"JS");
exports.connector = { _exec: async (type, context, input, res, customizer) => {
	const config = JSON.parse(Buffer.from(process.env.CONNECTOR_CONFIG ?? "e30=", "base64")), seen = await context.reloadConfig();
	const before = customizer?.handlers.get("before:" + type);
	if (before !== undefined)
		input = await before(context, input);
	res.write({ data: { by: "$says", input, config: seen, instance: context.connectorInstanceId,
	    ...(input?.which ? { which: [context.id, context.version] } : {}) }, type: "output" });
} };
JS
}
sub customizer {
	my ($says) = @_;
	return "exports.connectorCustomizer = { handlers: new Map([['before:std:account:list', 1]]), _exec: async (key, context, input) => ({ ...input, by: '$says' }) };\n";
}
sub said { my ($r) = @_; return $r->{json}{data} // $r->{body} }
sub refused {
	my ($r, $code, $words, $text) = @_;
	is($r->{code}, $code, $text);
	like($r->{json}{messages}[0]{text} // $r->{body}, $words, '... is told why');
}
my @keep = ('--registry', "$work/registry", '--journal', "$work/j.db", '--limit', 'deadline=20s');

# --- without a registry
server('none');
is(curl('GET', $_)->{body}, "[]\n", "$_: nothing is there") for $C, $I;
refused(curl('POST', $_, { name => 'x' }), 501, qr/--registry/, "and nothing can be made at $_") for $C, $I;
refused(curl('GET', "$C/$nobody"), 501, qr/--registry/, 'nor found');
stop('none');

# --- customizers
server('one', @keep);
my $r = curl('POST', $C, { id => '', name => 'My Customizer' });
is($r->{code}, 200, 'a customizer');
my $cid = $r->{json}{id};
like($cid, $uuid, '... has an id');
is(join(',', sort keys %{$r->{json}}), 'created,id,name,tenantID', '... and no version');
like($r->{json}{created}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, '... a time');
is_deeply(curl('GET', "$C/$cid")->{json}, $r->{json}, 'it is found');
is(curl('PUT', "$C/$cid", { id => '', name => "\x{dc}n\x{ef}code & <co>" })->{json}{name}, "\x{dc}n\x{ef}code & <co>", 'renamed');
refused(curl('POST', $C, $_), 400, qr/^name: /, 'a name that is none') for {}, { name => '' }, { name => "a\tb" }, { name => 'x' x 129 }, { name => 7 };
refused(curl('PUT', "$C/$cid", { name => '' }), 400, qr/^name: /, 'nor can it be renamed so');
is(curl('POST', "$_/connector-customizers", { name => 'Other door' })->{code}, 201, "at $_ a new one is told by 201") for qw(/v2024 /v2026);
is(curl('POST', '/connector-customizers/v1', { name => 'Other door' })->{code}, 201, 'and by the newest name');
is(curl('DELETE', "$C/$_->{id}")->{code}, 204, '... away') for grep { $_->{name} eq 'Other door' } @{curl('GET', $C)->{json}};
refused(curl('GET', "$C/$_"), 404, qr/no customizer/, "none at $_") for $nobody, 'x', 'hr';
my $zip = pack_zip('c1', 'index.js' => customizer('one'));
$r = upload("$C/$cid", $zip);
is($r->{code}, 200, 'an upload: index.js alone') or diag($r->{body}, log_of());
is(join(',', sort keys %{$r->{json}}), 'connectorCustomizerId,created,customizerID,imageID,version', '... says what the tool and the published API want');
is_deeply([@{$r->{json}}{qw(connectorCustomizerId customizerID version)}], [$cid, $cid, 1], '... of this one');
like($r->{json}{imageID}, qr/^[0-9a-f]{32}$/, '... an image');
like($r->{body}, qr/"version":1,/, '... by a whole number');
$r = curl('GET', "$C/$cid")->{json};
is_deeply([$r->{imageVersion}, length $r->{imageID}], [1, 32], 'which it has now');
is(upload("/v2025/connector-customizers/$cid", $zip)->{json}{version}, 2, 'another, by another name of the door');
is(upload("/connector-customizers/v1/$cid", $zip)->{json}{version}, 3, 'and by a third');
refused(upload("$C/$nobody", $zip), 404, qr/no customizer/, 'an upload for nobody');
refused(upload("$C/$cid", $zip, 'application/json'), 415, qr/zip/, 'no zip by its type');
refused(upload("$C/$cid", pack_zip('c2', 'main.js' => 'x')), 400, qr/connector-spec\.json is not at its top/, 'an archive without index.js');
refused(upload("$C/$cid", pack_zip('c3', 'connector-spec.json' => '{"name":"x","commands":[]}', 'main.js' => 'x')), 400, qr/index\.js is wanted/, 'nor is a specification enough');
refused(upload("$C/$cid", spill('junk.zip', 'PK junk')), 400, qr/no zip/, 'no archive');
is(curl('GET', "$C/$cid")->{json}{imageVersion}, 3, 'nothing of these is kept');

# --- a connector of its own
is(curl('POST', $P, { alias => 'hr' })->{code}, 200, 'a connector');
$r = curl('GET', "$P/hr")->{json};
my $hr = $r->{id};
refused(upload("$P/hr", $zip), 400, qr/connector-spec\.json is not at its top/, 'a customizer\'s archive is no connector');
is(upload("$P/hr", pack_zip('hr1', bundle('One')))->{json}{version}, 1, 'its archive');
is(upload("$P/hr", pack_zip('hr2', bundle('Two')))->{json}{version}, 2, 'the next one');

# --- instances
$r = curl('POST', $I, { name => 'HR prod', connectorRef => 'hr', config => { url => 'https://hr.example/', region => 'eu' } });
is($r->{code}, 200, 'an instance') or diag($r->{body});
my $iid = $r->{json}{id};
like($iid, $uuid, '... has an id');
is_deeply($r->{json}, { id => $iid, name => 'HR prod', connectorCustomizerId => undef, connectorSpecId => $hr,
    config => { url => 'https://hr.example/', region => 'eu' } }, '... and what was said');
is_deeply(curl('GET', $I)->{json}, [{ id => $iid, name => 'HR prod', connectorCustomizerId => undef, connectorSpecId => $hr }], 'it is listed, without its config');
is(curl('POST', $I, { name => 'Own', connectorSpecId => 'scim' })->{code}, 200, 'one of a connector that came with the server');
refused(curl('POST', $I, $_->[0]), 400, $_->[1], 'an instance that is none') for [{ name => 'x' }, qr/^connectorSpecId: /], [{ connectorRef => 'hr' }, qr/^name: /],
    [{ name => 'x', connectorRef => 'nobody' }, qr/^connectorSpecId: /], [{ name => 'x', connectorRef => 'hr@1' }, qr/^connectorSpecId: .*\@/],
    [{ name => 'x', connectorRef => 'hr', connectorCustomizerId => $nobody }, qr/^connectorCustomizerId: /],
    [{ name => 'x', connectorRef => 'hr', connectorCustomizerId => $hr }, qr/^connectorCustomizerId: /], [{ name => 'x', connectorRef => 'hr', config => [] }, qr/^config: /],
    [{ name => 'x', connectorRef => 'hr', config => { password => 'pa55w0rd' } }, qr/^config: password: it is a secret/],
    [{ name => 'x', connectorRef => 'hr', config => { headers => [] } }, qr/^config: headers: /], [{ name => 'x', connectorRef => 'hr', config => { token => 'pa55w0rd' } }, qr/^config: token: .*no such item/],
    [{ name => 'x', connectorRef => 'hr', config => { url => 'https://me:pa55w0rd@h/' } }, qr/^config: url: /];
refused(curl('POST', $I, { name => 'x', connectorRef => 'hr', config => { map { $_ => 1 } 1 .. 257 } }), 400, qr/^config: it has over 256/, 'a config of too many members');
refused(curl('POST', $I, { name => 'x', connectorRef => 'hr', config => { region => 'x' x 20_000 } }), 413, qr/^config: /, 'a config that is too long');
is(scalar @{curl('GET', $I)->{json}}, 2, 'none of these is there');
refused(curl('GET', "$I/$nobody"), 404, qr/no instance/, 'one that is not');

# --- linked, as the command line tool does it: a patch without a content type
sub patch { my ($id, $ops, @more) = @_; return curl('PATCH', "$I/$id", undef, (@more ? @more : ('-H', 'Content-Type:')), '--data-binary', $json->encode($ops)) }
sub listed { my ($id, $body) = @_; return curl('POST', "$I/$id/invoke", { type => 'std:account:list', input => { stateful => JSON::PP::true }, %{$body // {}} }) }
$r = listed($iid);
is("$r->{code} " . $json->encode(said($r)), '200 {"by":"Two","config":{"region":"eu","spConnectorInstanceId":"' . $iid . '","url":"https://hr.example/"},"input":{"stateful":true},"instance":"' . $iid . '"}',
    'invoked: its connector, its config, no customizer') or diag(log_of());
my ($id) = $r->{head} =~ /^Bascule-Invocation: (\S+)\r$/m;
is(row($id)->{source}, $iid, '... as the source that it is');
$r = patch($iid, [{ op => 'replace', path => '/connectorCustomizerId', value => $cid }]);
is_deeply([$r->{code}, @{$r->{json}}{qw(id name connectorCustomizerId)}], [200, $iid, 'HR prod', $cid], 'linked');
$r = listed($iid);
is_deeply(said($r)->{input}, { stateful => JSON::PP::true, by => 'one' }, 'its customizer acts') or diag($r->{body}, log_of());
is(upload("$C/$cid", pack_zip('c4', 'index.js' => customizer('two')))->{json}{version}, 4, 'another version of that');
is(said(listed($iid))->{input}{by}, 'two', '... acts from now on');
$r = listed($iid, { config => { region => 'us', password => 'pa55w0rd', spConnectorInstanceId => $nobody }, version => 1 });
is_deeply([@{said($r)->{config}}{qw(url region password spConnectorInstanceId)}, said($r)->{by}], ['https://hr.example/', 'us', 'pa55w0rd', $iid, 'One'], 'what is sent comes over what is kept; a version is chosen');
is(said(listed($iid, { connectorRef => $_ }))->{by}, 'Two', 'the body may name its connector') for 'hr', $hr, 'hr@latest';
is(said(listed($iid, { connectorRef => 'hr@1' }))->{by}, 'One', '... and a version of it');
refused(listed($iid, { connectorRef => 'scim' }), 400, qr/of another connector/, '... but no other');
refused(listed($iid, { config => [] }), 400, qr/^config: /, 'a config that is none');
refused(listed($iid, { tag => 'gold' }), 404, qr/gold/, 'a tag that it has not');
refused(listed($nobody), 404, qr/no instance/, 'an instance that is none');
# At the doors of the connector, by the member that the platform puts into a config.
sub at_door { my ($config) = @_; return said(curl('POST', "$P/hr/invoke", { type => 'std:account:list', config => $config })) }
is_deeply([@{at_door({ spConnectorInstanceId => $iid })->{input} // {}}{by}, at_door({ spConnectorInstanceId => $nobody })->{input}, at_door({})->{input}], ['two', {}, {}],
    'at other doors the config says whose it is') or diag(log_of());
is_deeply(at_door({ spConnectorInstanceId => $iid })->{config}, { spConnectorInstanceId => $iid }, '... and its config is as it was sent');
refused(curl('POST', "$P/scim/invoke", { type => 'std:test-connection', config => { spConnectorInstanceId => $iid } }), 400, qr/of another connector/, '... and of which connector');

# --- changed
refused(patch($iid, $_->[0]), 400, $_->[1], 'a patch that is none') for [[{ op => 'move', path => '/name', from => '/x' }], qr/^0: op: /], [[{ op => 'replace', path => '/name' }], qr/^0: value: /],
    [[{ op => 'remove', path => '/name' }], qr/^0: name: /], [[{ op => 'replace', path => '/id', value => 'x' }], qr/^0: path: /], [[{ op => 'add', path => '/config/a/b', value => 1 }], qr/^0: path: /],
    [[{ op => 'replace', path => '/connectorCustomizerId', value => $nobody }], qr/^0: connectorCustomizerId: /], [[7], qr/^0: op: /], [{}, qr/must be a JSON list/],
    [[{ op => 'add', path => '/config/password', value => 'pa55w0rd' }], qr/^config: password: /], [[map { { op => 'add', path => '/name', value => 'x' } } 0 .. 100], qr/over 100/];
refused(patch($iid, [{ op => 'replace', path => '/name', value => 'New' }, { op => 'remove', path => '/nothing' }]), 400, qr/^1: path: /, 'one operation of two that is none');
is(curl('GET', "$I/$iid")->{json}{name}, 'HR prod', '... and neither was done');
$r = patch($iid, [{ op => 'replace', path => '/name', value => 'HR' }, { op => 'remove', path => '/config/region' }, { op => 'add', path => '/config/url', value => 'https://x/' }],
    '-H', 'Content-Type: application/json-patch+json');
is_deeply($r->{json}, { id => $iid, name => 'HR', connectorCustomizerId => $cid, connectorSpecId => $hr, config => { url => 'https://x/' } }, 'a patch of many');
is_deeply(curl('PUT', "$I/$iid", { name => 'HR 2', connectorCustomizerId => $cid })->{json}, { id => $iid, name => 'HR 2', connectorCustomizerId => $cid, connectorSpecId => $hr, config => {} },
    'replaced: its connector stays');
refused(curl('DELETE', "$C/$cid"), 409, qr/1 instance/, 'a customizer that is linked stays');
refused(curl('DELETE', "$P/hr"), 409, qr/1 instance/, 'so does a connector');

# --- one archive that is both: as a customizer's nothing of it is executed, as a connector's what it says
my $both = pack_zip('both', 'index.js' => customizer('both'), 'run.sh' => "#!/bin/sh\nprintf '{\"type\":\"output\",\"data\":{}}\\n' >&3\n",
    'connector-spec.json' => { name => 'both', commands => ['std:test-connection'], sourceConfig => [], runtime => { kind => 'exec', argv => ['./run.sh'] } });
my $bid = curl('POST', $C, { name => 'Both' })->{json}{id};
curl('POST', $P, { alias => 'both' });
is(upload($_, $both)->{code}, 200, "an archive for $_") for "$C/$bid", "$P/both";
is(curl('POST', "$P/both/invoke", { type => 'std:test-connection' })->{body}, qq({"type":"output","data":{}}\n), '... is run') or diag(log_of());
is(curl('DELETE', $_)->{code}, 204, '... and gone') for "$C/$bid", "$P/both";

# --- pages
for my $n (1 .. 5) { curl('POST', $C, { name => "Page $n" }) }
sub names { return join(',', map { $_->{name} =~ /Page (\d)/ ? $1 : () } @{curl('GET', $C . $_[0])->{json}}) }
is(names(''), '1,2,3,4,5', 'all of them');
is(names('?limit=2'), '1,2', 'a page');
is(names('?limit=2&offset=2'), '3,4', '... the next');
is(names('?offset=4&filters=x'), '5', '... the rest; what nobody knows is let be');
is(names('?limit=0'), '', 'none');
$r = curl('GET', "$C?limit=1&count=true");
is(head($r, 'X-Total-Count'), 6, 'how many there are');
is(head(curl('GET', $C), 'X-Total-Count'), undef, '... is said to who asks');
refused(curl('GET', "$_->[0]?$_->[1]"), 400, qr/^(limit|offset|count): /, "$_->[0]?$_->[1] is refused") for [$C, 'limit=251'], [$I, 'offset=-1'], [$P, 'limit=x'], ["$P/hr/tags", 'count=perhaps'],
    ["$P/hr/versions", 'limit='];
is(scalar @{curl('GET', "$P?limit=3")->{json}}, 3, 'connectors, too');
is_deeply([map { $_->{version} } @{curl('GET', "$P/hr/versions?offset=1")->{json}}], [2], 'versions, too');

# --- what came before the end stays
my %before = map { $_ => curl('GET', $_)->{body} } $C, $I, "$C/$cid", "$I/$iid";
crash('one');
server('again', @keep, '--concurrency', 1);
is(curl('GET', $_)->{body}, $before{$_}, "$_ is as it was after kill -9") for sort keys %before;
is(said(listed($iid))->{input}{by}, 'two', '... and acts');
# One that has to wait for its turn is the same one when that comes.
my $busy = begin('POST', "/v1/connectors/evi$$/invoke", { type => 'evil:hang', id => 'busy', deadline => '15s' });
ok(state_is('busy', 'starting'), 'the only turn is taken');
my $late = begin('POST', "$I/$iid/invoke", { type => 'std:account:list', input => { which => JSON::PP::true } });
ok(until_true(sub { scalar grep { ($_->{source} // '') eq $iid && $_->{state} eq 'queued' } @{curl('GET', '/v1/invocations')->{json}{invocations}} }), 'one waits');
is(upload("$C/$cid", pack_zip('c5', 'index.js' => customizer('three')))->{code}, 200, 'another version of its customizer meanwhile');
# Another connector of its name and version, meanwhile, is not what it asked for.
is(curl('PUT', "$P/hr", { alias => 'hr-old' })->{code}, 200, 'its connector is called otherwise');
is(curl('POST', $P, { alias => 'hr' })->{code}, 200, '... and another one as it was');
curl('DELETE', '/v1/invocations/busy');
$r = result($late);
result($busy);
is_deeply(scalar(eval { [@{said($r)->{input}}{qw(by)}, said($r)->{which}] }), ['two', [$hr, 2]], '... and when its turn comes has its customizer of then, and its name and version')
    or diag($r->{body}, log_of());
is(curl('DELETE', "$P/hr")->{code}, 204, 'the other one goes');
is(curl('PUT', "$P/hr-old", { alias => 'hr' })->{code}, 200, '... and it has its name again');
is(said(listed($iid))->{input}{by}, 'three', 'the next one has the new one');
my @audit = map { "$_->{what} " . ($_->{detail} // '') } @{curl('GET', '/v1/audit?limit=1000')->{json}{audit}};
for my $what (qr/^customizer\.create My Customizer$/, qr/^customizer\.rename My Customizer -> /, qr/^customizer\.upload .*\@4 [0-9a-f]{64}$/, qr/^instance\.create \Q$iid\E HR prod: connector \Q$hr\E, customizer none$/,
    qr/^instance\.update \Q$iid\E HR prod: .*customizer \Q$cid\E$/) {
	is(scalar(grep { $_ =~ $what } @audit) >= 1, 1, "audited: $what");
}
is(patch($iid, [{ op => 'remove', path => '/connectorCustomizerId' }])->{json}{connectorCustomizerId}, undef, 'unlinked');
is(said(listed($iid))->{input}{by}, undef, '... it acts no more');
is(patch($iid, [{ op => 'remove', path => '/connectorCustomizerId' }])->{code}, 200, '... and again');
for my $gone ("$C/$cid", "$I/$iid", "$P/hr") {
	is(curl('DELETE', $gone)->{code}, 204, "DELETE $gone");
	is(curl('DELETE', $gone)->{code}, 404, '... once');
}
$r = curl('POST', $C, { name => 'Empty' });
my $own = (grep { $_->{name} eq 'Own' } @{curl('GET', $I)->{json}})[0]{id};
is(patch($own, [{ op => 'add', path => '/connectorCustomizerId', value => $r->{json}{id} }])->{code}, 200, 'one without a version is linked');
refused(curl('POST', "$I/$own/invoke", { type => 'std:test-connection' }), 404, qr/nothing was uploaded yet/, '... and cannot act');
upload("$C/$r->{json}{id}", $zip);
refused(curl('POST', "$I/$own/invoke", { type => 'std:test-connection' }), 404, qr/no Node bundle/, 'nor can any on a program');
stop('again');

# --- what an upload takes on disk: folders, too, and the same after a new start
my @room = ('--registry', "$work/room");
sub used { return curl('GET', '/metrics')->{body} =~ /^bascule_registry_bytes (\d+)$/m ? $1 : 'none' }
server('room', @room);
$r = curl('POST', $C, { name => 'Deep' });
system('mkdir', '-p', map { "$work/deep/" . join('/', $_, 1 .. 7) } 1 .. 20) == 0 or die;
spill("deep/$_/1/2/3/4/5/6/7/x", '') for 1 .. 20;
is(upload("$C/$r->{json}{id}", pack_zip('deep', 'index.js' => customizer('deep')))->{code}, 200, 'an archive of folders');
my $used = used();
cmp_ok($used, '>', 4096 * (20 * 8 + 20), 'its folders count');
stop('room');
server('room', @room);
is(used(), $used, '... as they do at the start');
stop('room');
is(system('grep', '-rqs', 'pa55w0rd', "$work/registry", "$work/j.db", "$work/one.log", "$work/again.log") >> 8, 1, 'no secret is kept or logged');

SKIP: {
	skip('machine: no python3-jsonschema', 1) if system('python3 -c "import jsonschema" 2>/dev/null') != 0;
	my $said = `python3 - @{[root()]}/launcher/serve/openapi.json @{[spill('answers.json', \@answers)]} <<'PY'
import json, re, sys
import jsonschema

api = json.load(open(sys.argv[1]))
seen, wrong = set(), []
plain = {re.compile("^" + re.sub(r"{[a-z]+}", "[^/]+", p) + "\$"): p for p in api["paths"]}
for a in json.load(open(sys.argv[2])):
    path = re.sub(r"^/v202[456]/", "/beta/", re.sub(r"^/(connector-customizers)/v1", r"/beta/\\1", a["path"]))
    found = next((p for r, p in plain.items() if r.match(path) and a["method"] in api["paths"][p]), None)
    if found is None:
        wrong.append("%s %s" % (a["method"], a["path"]))
        continue
    answer = api["paths"][found][a["method"]]["responses"].get(a["code"])
    seen.add((found, a["method"], a["code"]))
    if answer is None:
        wrong.append("%s %s: %s is not described" % (a["method"], found, a["code"]))
    elif "content" not in answer or "application/json" not in answer["content"]:
        continue
    else:
        schema = dict(answer["content"]["application/json"]["schema"], components=api["components"])
        try:
            jsonschema.Draft202012Validator(schema).validate(json.loads(a["body"]))
        except jsonschema.ValidationError as e:
            wrong.append("%s %s %s: %s" % (a["method"], found, a["code"], e.message))
print("\\n".join(sorted(set(wrong))))
ours = [(p, m) for p in api["paths"] if p.startswith("/beta/connector-") for m in api["paths"][p]]
print("\\n".join("%s %s: never asked for" % (m, p) for p, m in ours if not any(s[:2] == (p, m) for s in seen)))
PY`;
	is($said, "\n\n", 'each answer is as the description has it, and each of its doors was asked at') or diag(scalar @answers);
}

done_testing();
