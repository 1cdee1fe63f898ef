#!/usr/bin/perl
# cli_platform.t -- the platform's command line tool (sail, v2.2.10) pointed at this server.
#
# First by a client that makes its requests and reads the answers as it does: one row for each of its commands, with the
# files of its source that say so (cmd/connector/... unless a path says otherwise):
#   internal/client/client.go	a bearer at each call; Content-Type of POST and PUT, none of PATCH; nothing else of its own,
#				so that Go adds Host, User-Agent, Content-Length and Accept-Encoding: gzip
#   internal/config/pat.go	a login before each call, where no keyring keeps the token; 200, access_token, expires_in
#   internal/config/config.go	the token must be a JWS; without user_name it complains
#   internal/util/url.go	path segments are joined and encoded
#   models.go, client/*.go	what answers are decoded into: members in any case, null for nothing, unknown ones let be, and a
#				value of another type the end of the command
# Then by the tool itself, where this machine has one: in PATH, or where BASCULE_SAIL says.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use support;
use IO::Socket::INET;
use IO::Uncompress::Gunzip qw(gunzip $GunzipError);
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use POSIX ();
use Test::More;

for my $tool (qw(zip node)) { plan skip_all => "machine: no $tool" if system("command -v $tool >/dev/null") != 0 }
my $work = scratch();
my $J = JSON::PP->new->canonical->allow_nonref;
$ENV{TZ} = 'Asia/Kathmandu';		# an offset that is not whole hours: +05:45
POSIX::tzset();

# --- a connector that answers all commands the tool has, and a customizer for it
sub pack_zip {
	my ($as, %files) = @_;
	mkdir("$work/$as");
	spill("$as/$_", $files{$_}) for keys %files;
	system("cd $work/$as && zip -qr ../$as.zip .") == 0 or die 'zip';
	return "$work/$as.zip";
}
my %is_one = map { $_ => 1 } qw(std:test-connection std:change-password std:account:create std:account:read std:account:update std:account:delete
    std:account:discover-schema std:entitlement:read std:source-data:discover std:source-data:read);
my @commands = (sort(keys %is_one), qw(std:account:list std:entitlement:list std:spec:read demo:raw demo:fails));
my $bundle = pack_zip('bundle', 'connector-spec.json' => $J->encode({ name => 'Demo', commands => \@commands, sourceConfig => [] }), 'index.js' => <<'JS');
const account = (id, more) => ({ identity: id, key: { simple: { id } }, attributes: { name: "n-" + id, age: 7, tags: ["a"], ...more } });
const answers = {
	"std:test-connection": () => [{}],
	"std:change-password": (i) => { if (i.password !== "n3w & <pass>") throw new Error("another password: " + i.password); return [{}]; },
	"std:account:list": (i) => [account("a", i), account("b", {})],
	"std:account:read": (i) => [account(i.identity, { key: JSON.stringify(i.key) })],
	"std:account:create": (i) => [account(i.identity ?? "made", i.attributes)],
	"std:account:update": (i) => [account(i.identity, { changes: JSON.stringify(i.changes) })],
	"std:account:delete": () => [{}],
	"std:account:discover-schema": () => [{ displayAttribute: "name", identityAttribute: "id", groupAttribute: "tags",
		attributes: [{ name: "name", type: "string", description: "d" }] }],
	"std:entitlement:list": (i) => [{ identity: "e", uuid: "u", type: i.type, attributes: {} }],
	"std:entitlement:read": (i) => [{ key: { compound: { lookupId: i.identity, uniqueId: "u" } }, type: i.type, attributes: {} }],
	"std:source-data:discover": (i) => [[{ key: "k", label: "l", subLabel: "s" }]],
	"std:source-data:read": (i) => [[{ key: i.sourceDataKey, label: JSON.stringify(i.queryInput) }]],
	"std:spec:read": () => [{ specification: require("./connector-spec.json") }],
	"demo:raw": (i, config, context) => [{ input: i ?? null, config, id: context.id, version: context.version }],
	"demo:fails": () => { throw Object.assign(new Error("the source says no"), { name: "ConnectorError", type: "generic" }); },
};
exports.connector = { _exec: async (type, context, input, res, customizer) => {
	const before = customizer?.handlers.get("before:" + type);
	if (before !== undefined)
		input = await before(context, input);
	for (const data of answers[type](input, await context.reloadConfig(), context))
		res.write({ data, type: "output" });
	if (input?.stateful)
		res.write({ data: { cursor: "7" }, type: "state" });
} };
JS
my $custom = pack_zip('custom', 'index.js' =>
    "exports.connectorCustomizer = { handlers: new Map([['before:std:account:list', 1]]), _exec: async (key, context, input) => ({ ...input, customized: true }) };\n");
my $tokens = "$work/tokens";
chomp(my $secret = `'@{[bascule()]}' serve token add cli --tokens $tokens --scope manage,invoke,read 2>/dev/null`);
my ($base, $log);
sub server {
	my ($as) = @_;
	$log = start($as, qr/"event":"listening"/, {}, bascule(), 'serve', '--listen', '127.0.0.1:0', '--registry', "$work/$as", '--tokens', $tokens,
	    '--limit', 'deadline=20s');
	($base) = slurp($log) =~ m{"place":"(http://[^"]+)"} or die slurp($log);
}

# --- requests as Go's net/http sends them
sub encoded { my ($s, $keep) = @_; return $s =~ s/([^A-Za-z0-9_.~$keep-])/sprintf('%%%02X', ord $1)/ger }
# body: [content type or undef, bytes]; a file is sent in chunks, since its length is not known.
sub http {
	my ($method, $path, $body, @headers) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => $base =~ s{http://}{}r) or die "connect: $!";
	my ($type, $bytes, $chunked) = $body ? @$body : ();
	my $head = "$method $path HTTP/1.1\r\nHost: " . ($base =~ s{http://}{}r) . "\r\nUser-Agent: Go-http-client/1.1\r\n";
	$head .= $chunked ? "Transfer-Encoding: chunked\r\n" : 'Content-Length: ' . length($bytes) . "\r\n" if $body;
	$head .= join('', map { "$_\r\n" } sort @headers, defined $type ? "Content-Type: $type" : ()) . "Accept-Encoding: gzip\r\n\r\n";
	print $s $head;
	if ($chunked) {
		printf $s "%x\r\n%s\r\n", length($_), $_ for unpack('(a32768)*', $bytes);
		print $s "0\r\n\r\n";
	} elsif ($body) { print $s $bytes }
	$s->flush;
	return answer($s);
}
# A body that is cut is an error of io.ReadAll, whatever came of it.
sub answer {
	my ($s) = @_;
	local $/ = "\r\n";
	my $line = <$s> // die "no answer\n";
	my %r = (code => ($line =~ m{^HTTP/1\.1 (\d+) })[0]);
	while (defined($line = <$s>) && $line ne "\r\n") { $r{head}{lc $1} = $2 if $line =~ /^([^:]+): *(.*?)\r\n$/ }
	my $body = '';
	if (($r{head}{'transfer-encoding'} // '') eq 'chunked') {
		while (1) {
			my $n = <$s> // die "unexpected EOF\n";
			$n = hex($n =~ s/[\r\n;].*//sr);
			read($s, my $part, $n + 2) == $n + 2 or die "unexpected EOF\n";
			last if $n == 0;
			$body .= substr($part, 0, $n);
		}
	} elsif (my $n = $r{head}{'content-length'}) {
		read($s, $body, $n) == $n or die "unexpected EOF\n";
	}
	if (($r{head}{'content-encoding'} // '') eq 'gzip') {
		gunzip(\(my $packed = $body) => \$body) or die "gzip: $GunzipError";
	}
	$r{body} = $body;
	return \%r;
}

# --- answers as encoding/json decodes them
my %scalar = (
	string => sub { !ref $_[0] && $J->encode($_[0]) =~ /^"/ },
	int => sub { !ref $_[0] && $J->encode($_[0]) =~ /^-?\d+$/ },
	uint32 => sub { !ref $_[0] && $J->encode($_[0]) =~ /^\d+$/ && $_[0] < 2**32 },
	float64 => sub { !ref $_[0] && $J->encode($_[0]) !~ /^"/ },
	time => sub { !ref $_[0] && $_[0] =~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/ },
	any => sub { 1 },
);
my %zero = (string => '', int => 0, uint32 => 0, float64 => 0);
sub into {
	my ($v, $shape, $at) = @_;
	if (!ref $shape) {
		my $pointer = $shape =~ s/^\*//;
		return $pointer ? undef : $zero{$shape} if !defined $v;
		$scalar{$shape}->($v) or die "json: cannot unmarshal into $at of type $shape: " . $J->encode($v) . "\n";
		return $v;
	}
	if (ref $shape eq 'ARRAY') {
		return [] if !defined $v;
		ref $v eq 'ARRAY' or die "json: cannot unmarshal into $at, a slice\n";
		return [map { into($_, $shape->[0], "$at\[]") } @$v];
	}
	return { map { $_ => into(undef, $shape->{$_}, $_) } keys %$shape } if !defined $v;
	ref $v eq 'HASH' or die "json: cannot unmarshal into $at, a struct\n";
	my %low = map { lc $_ => $v->{$_} } sort keys %$v;
	return { map { $_ => into($low{lc $_}, $shape->{$_}, "$at.$_") } keys %$shape };
}
sub decoded { my ($text, $shape) = @_; return into(decode_json($text), $shape, 'v') }
# models.go
my $connector = { id => 'string', alias => 'string' };
my $listed = { %$connector, tagName => 'string', activeVersion => 'uint32' };
my $version = { connectorId => 'string', version => 'int' };
my $tag = { id => 'string', tagName => 'string', activeVersion => 'uint32' };
my $instance = { id => 'string', name => 'string', connectorCustomizerId => 'string' };
my $customizer = { id => 'string', name => 'string', imageVersion => '*int' };
my $customizer_version = { connectorCustomizerId => 'string', imageId => 'string', version => 'int' };
# client/connector_client.go: Account, Entitlement, AccountSchema, sourceData, ConnSpec
my $object = { identity => 'string', uuid => 'string', key => { simple => 'any', compound => 'any' }, attributes => 'any' };
my $schema = { displayAttribute => 'string', groupAttribute => 'string', identityAttribute => 'string', attributes => [{ name => 'string', type => 'string', description => 'string' }] };
my $source_data = [{ key => 'string', label => 'string', sublabel => 'string' }];
my $spec = { specification => { name => 'string', commands => ['string'] } };
# client/logs_client.go
my $logs = { nextToken => '*string', logs => [{ tenantID => 'string', timestamp => 'time', level => 'string', event => 'string', component => 'string', targetID => 'string',
    targetName => 'string', requestID => 'string', message => 'any' }] };
my $stats = { tenantID => 'string', connectors => [{ connectorID => 'string', alias => 'string', stats => [{ commandType => 'string', invocationCount => 'uint32',
    errorCount => 'uint32', errorRate => 'float64', elapsedAvg => 'float64', elapsed95th => 'float64' }] }] };

# --- the client
my $P = '/beta/platform-connectors';
my ($I, $C) = map { "/beta/connector-$_" } qw(instances customizers);
# internal/config/pat.go: PATLogin; config.go: CheckToken.
sub token {
	my $r = http('POST', '/oauth/token?grant_type=client_credentials', ['application/x-www-form-urlencoded', 'client_id=cli&client_secret=' . encoded($secret, '')]);
	$r->{code} == 200 or die "failed to retrieve access token. status $r->{code}\n";
	my $t = decoded($r->{body}, { access_token => 'string', expires_in => 'int' });
	my @parts = split(/\./, $t->{access_token}, -1);
	@parts == 3 && !grep { !/^[\w-]+$/ } @parts or die "square/go-jose: compact JWS format must have three parts\n";
	my ($head, $claims) = map { decode_json(decode_base64(tr{-_}{+/}r)) } @parts[0, 1];
	$head->{alg} && defined $claims->{user_name} or die "no alg, or no user context\n";
	$t->{expires_in} > 0 or die "expired\n";
	return $t->{access_token};
}
sub api {
	my ($want, $method, $path, $body, $shape) = @_;
	my $r = http($method, $path, $body, 'Authorization: Bearer ' . token());
	$r->{code} == $want or die "non-$want response: $r->{code}\nbody: $r->{body}\n";
	return $shape ? decoded($r->{body}, $shape) : $r->{body};
}
# Go's encoder: structs in their order, <, > and & escaped.
sub go { my ($text) = @_; return $text =~ s/([<>&])/sprintf('\\u%04x', ord $1)/ger }
sub js { return go($J->encode($_[0])) }
sub json_body { return ['application/json', $_[0]] }
my $config = '{"url":"https://h/?a=1&b=<2>"}';
sub envelope {
	my ($ref, $type, $input, $v) = @_;
	return '{"connectorRef":' . js($ref) . ',' . (defined $v ? "\"version\":$v" : '"tag":"latest"') . ',"type":' . js($type) . ',"config":' . go($config) .
	    ',"input":' . go($input) . '}';
}
# client/util.go: parseResponseList.
sub outputs {
	my ($body) = @_;
	my $parser = JSON::PP->new->utf8->allow_nonref;
	my (@out, $state);
	$parser->incr_parse($body);
	while (defined(my $v = eval { $parser->incr_parse })) {
		my $r = into($v, { type => 'string', data => 'any' }, 'rr');
		$r->{type} ne '' && grep { lc eq 'data' } keys %$v or die "legacy format\n";
		push(@out, $r->{data}) if $r->{type} eq 'output';
		$state = $r->{data} if $r->{type} eq 'state';
	}
	die "invalid character: $@" if $@ || $parser->incr_text =~ /\S/;
	return ($state, @out);
}
# client/connector_client.go: one output of these, decoded; all of the others.
sub ran {
	my ($type, $input, $shape, %o) = @_;
	my $body = api(200, 'POST', $o{path} // "$P/hr/invoke", json_body(envelope('hr', $type, $input, $o{version})));
	my ($state, @out) = outputs($body);
	die "failed to parse response\n" if $is_one{$type} && @out != 1;
	into($_, $shape, 'data') for @out;
	return $is_one{$type} ? $out[0] : { state => $state, out => \@out };
}
sub key { my ($id, $unique) = @_; return defined $unique ? '{"compound":{"lookupId":' . js($id) . ',"uniqueId":' . js($unique) . '}}' : '{"simple":{"id":' . js($id) . '}}' }

# One row: the tool's command, its source, what it does, what must be true of it.
my %seen;
sub row {
	my ($command, $from, $does, $true) = @_;
	my $got = eval { $does->() };
	if ($@) { fail("$command ($from)"); diag($@); return }
	local $_ = $got;
	ok($true->(), "$command ($from)") or diag(substr($J->encode($got), 0, 1000));
}
server('replay');
row('list', 'conn_list.go', sub {
	my $all = api(200, 'GET', $P, undef, [$listed]);
	api(200, 'GET', "$P/$_->{id}/tags", undef, [$tag]) for grep { $_->{id} ne '' } @$all;
	return $all;
}, sub { grep { $_->{alias} eq 'scim' } @$_ });
row('create hr', 'conn_create.go', sub { $seen{hr} = api(200, 'POST', $P, json_body('{"alias":"hr"}'), $connector)->{id} }, sub { /^[0-9a-f-]{36}$/ });
row('get -c', 'conn_get.go', sub { api(200, 'GET', "$P/hr", undef, $connector) }, sub { $_->{id} eq $seen{hr} });
row('upload -c -f', 'conn_create_version.go', sub { api(200, 'POST', "$P/hr/versions", ['application/zip', slurp($bundle), 1], $version) },
    sub { $_->{connectorId} eq $seen{hr} && $_->{version} == 1 });
for my $time (1, 2) {
	row("upload -c -f -t, time $time", 'conn_create_version.go: looks, then makes or moves', sub {
		my $v = api(200, 'POST', "$P/hr/versions", ['application/zip', slurp($bundle), 1], $version)->{version};
		my $there = http('GET', "$P/hr/tags/rc", undef, 'Authorization: Bearer ' . token())->{code} == 200;
		return { there => $there ? 1 : 0, tag => $there ? api(200, 'PUT', "$P/hr/tags/rc", json_body("{\"activeVersion\":$v}"), $tag)
		    : api(200, 'POST', "$P/hr/tags", json_body("{\"tagName\":\"rc\",\"activeVersion\":$v}"), $tag) };
	}, sub { $_->{there} == $time - 1 && $_->{tag}{activeVersion} == $time + 1 });
}
row('versions -c', 'conn_versions.go', sub { api(200, 'GET', "$P/hr/versions", undef, [$version]) }, sub { "@{[map { $_->{version} } @$_]}" eq '1 2 3' });
row('tags create -c -n -v', 'conn_tag_create.go', sub { api(200, 'POST', "$P/hr/tags", json_body('{"tagName":"gold","activeVersion":1}'), $tag) }, sub { $_->{activeVersion} == 1 });
row('tags update -c -n -v', 'conn_tag_update.go', sub { api(200, 'PUT', "$P/hr/tags/gold", json_body('{"activeVersion":2}'), $tag) }, sub { $_->{activeVersion} == 2 });
row('tags list -c', 'conn_tag_list.go', sub { api(200, 'GET', "$P/hr/tags", undef, [$tag]) }, sub { join(',', sort map { "$_->{tagName}=$_->{activeVersion}" } @$_) eq 'gold=2,latest=3,rc=3' });

my $by = 'client/connector_client.go';
row('invoke test-connection', $by, sub { ran('std:test-connection', '{}', {}) }, sub { ref eq 'HASH' });
row('invoke test-connection -v', $by, sub { ran('std:test-connection', '{}', {}, version => 1) }, sub { ref eq 'HASH' });
row('invoke change-password', $by, sub { ran('std:change-password', '{"identity":"j","key":' . key('j') . ',"password":"n3w & <pass>"}', {}) }, sub { ref eq 'HASH' });
row('invoke account-list', $by, sub { ran('std:account:list', '{}', $object) }, sub { @{$_->{out}} == 2 && !defined $_->{state} });
row('invoke account-list --stateful --stateId --schema', $by, sub { ran('std:account:list', '{"stateful":true,"stateId":"s1","schema":{"attributes":[]}}', $object) },
    sub { $_->{state}{cursor} eq '7' && $_->{out}[0]{attributes}{stateId} eq 's1' });
row('invoke account-list --stateful --stateId, with what was printed', $by, sub { ran('std:account:list', '{"stateful":true,"stateId":"{\\"cursor\\":\\"7\\"}"}', $object) },
    sub { $_->{out}[0]{attributes}{state}{cursor} eq '7' && !exists $_->{out}[0]{attributes}{stateId} });
row('invoke account-read', $by, sub { ran('std:account:read', '{"identity":"j","key":' . key('j') . '}', $object) }, sub { $_->{attributes}{key} eq '{"simple":{"id":"j"}}' });
row('invoke account-read, two ids', $by, sub { ran('std:account:read', '{"identity":"j","key":' . key('j', 'u') . ',"schema":{}}', $object) }, sub { $_->{attributes}{key} =~ /uniqueId/ });
row('invoke account-create', $by, sub { ran('std:account:create', '{"identity":null,"attributes":{"mail":"<j@h>"}}', $object) }, sub { $_->{identity} eq 'made' && $_->{attributes}{mail} eq '<j@h>' });
row('invoke account-update', $by, sub { ran('std:account:update', '{"identity":"j","key":' . key('j') . ',"changes":[{"op":"Set","attribute":"phone","value":2223334444},{"op":"Remove","attribute":"x","value":null}]}', $object) },
    sub { $_->{attributes}{changes} =~ /2223334444.*"value":null/ });
row('invoke account-delete', "$by: the status alone", sub { api(200, 'POST', "$P/hr/invoke", json_body(envelope('hr', 'std:account:delete', '{"identity":"j","key":' . key('j') . '}'))) }, sub { length > 0 });
row('invoke account-discover-schema', $by, sub { ran('std:account:discover-schema', '{}', $schema) }, sub { $_->{attributes}[0]{name} eq 'name' });
row('invoke entitlement-list -t', $by, sub { ran('std:entitlement:list', '{"type":"group"}', $object) }, sub { $_->{out}[0]{uuid} eq 'u' });
row('invoke entitlement-read', $by, sub { ran('std:entitlement:read', '{"identity":"g","key":' . key('g') . ',"type":"group"}', $object) }, sub { $_->{key}{compound}{lookupId} eq 'g' });
row('invoke source-data-discover', "$by: no reference in the path", sub { ran('std:source-data:discover', '{"queryInput":{"limit":10,"query":""}}', $source_data, path => '/sp-conn-runtime-exec/runtime-connector-invoke') },
    sub { $_->[0]{subLabel} eq 's' });
row('invoke source-data-read', $by, sub { ran('std:source-data:read', '{"sourceDataKey":"john","queryInput":{}}', $source_data, path => '/sp-conn-runtime-exec/runtime-connector-invoke/hr/invoke-direct') },
    sub { $_->[0]{key} eq 'john' });
row('invoke raw', 'conn_invoke_raw.go: an input that is not there is null', sub { decode_json(api(200, 'POST', "$P/hr/invoke", json_body(envelope('hr', 'demo:raw', 'null')))) },
    sub { $_->{data}{config}{url} eq 'https://h/?a=1&b=<2>' && $_->{data}{id} eq $seen{hr} && $_->{data}{version} == 3 });
row('invoke raw -e', 'conn_invoke.go: another endpoint', sub { decode_json(api(200, 'POST', '/hr/invoke', json_body(envelope('hr', 'demo:raw', '7')))) }, sub { $_->{data}{input} == 7 });
row('invoke raw, a failure', "$by: newResponseError", sub { http('POST', "$P/hr/invoke", json_body(envelope('hr', 'demo:fails', '{}')), 'Authorization: Bearer ' . token()) },
    sub { $_->{code} == 500 && decode_json($_->{body})->{messages}[0]{text} =~ /the source says no/ });
row('validate', 'validate/: its first call', sub { ran('std:spec:read', '{}', $spec) }, sub { $_->{out}[0]{specification}{name} eq 'Demo' });

# Go's time.Time: nanoseconds, and the local offset.
sub go_time { my ($ago) = @_; my $z = POSIX::strftime('%z', localtime); return POSIX::strftime('%Y-%m-%dT%H:%M:%S', localtime(time() - $ago)) . ".123456789" . substr($z, 0, 3) . ':' . substr($z, 3) }
sub all_logs {
	my ($filter) = @_;
	my ($token, $turns, @all) = ('', 0);
	while (1) {
		my $page = api(200, 'POST', '/beta/platform-logs/query', json_body('{"filter":' . js($filter) . ',"nextToken":' . js($token) . '}'), $logs);
		push(@all, @{$page->{logs}});
		return \@all if !defined($token = $page->{nextToken});
		++$turns < 50 or die "it goes on for ever\n";
	}
}
row('logs', 'conn_logs.go, client/logs_client.go', sub { all_logs({ startTime => go_time(3600) }) }, sub { @$_ >= 30 });
row('logs -s -stop', 'conn_logs.go', sub { all_logs({ startTime => go_time(7200), endTime => go_time(3600) }) }, sub { @$_ == 0 });
row('logs --event --level --target-name', 'conn_logs.go', sub { all_logs({ startTime => go_time(60), event => 'commandOutcome', logLevels => ['ERROR'], targetName => 'hr', targetID => $seen{hr} }) },
    sub { @$_ == 1 && $_->[0]{message}{error} =~ /^\[ConnectorError\] .*says no/ });
row('logs tail', 'conn_logs_tail.go: from the millisecond after the last', sub {
	my $last = (sort map { $_->{timestamp} } @{all_logs({ startTime => go_time(300) })})[-1];
	return all_logs({ startTime => $last =~ s/(\d+)Z$/sprintf('%03dZ', ($1 + 1) % 1000)/er });
}, sub { @$_ <= 1 });
sub stats_since { my ($more) = @_; my $z = POSIX::strftime('%z', localtime); my $f = 'from eq "' . POSIX::strftime('%Y-%m-%dT%H:%M:%S', localtime(time() - 86400)) . substr($z, 0, 3) . ':' . substr($z, 3) . '"' . ($more // '');
	return api(200, 'GET', '/beta/platform-logs/stats?filters=' . (encoded($f, ' ') =~ tr/ /+/r), undef, $stats) }
row('stats', 'conn_stats.go', sub { stats_since() }, sub { my ($c) = @{$_->{connectors}}; $c->{alias} eq 'hr' && grep { $_->{commandType} eq 'demo:fails' && $_->{errorCount} == 1 } @{$c->{stats}} });
row('stats -c', 'conn_stats.go', sub { stats_since(" and connectorID eq \"$seen{hr}\"") }, sub { @{$_->{connectors}} == 1 });
row('stats -c, another', 'conn_stats.go', sub { stats_since(' and connectorID eq "nobody"') }, sub { @{$_->{connectors}} == 0 });

row('instances list', 'instance_list.go', sub { api(200, 'GET', $I, undef, [$instance]) }, sub { @$_ == 0 });
$seen{instance} = api(200, 'POST', $I, json_body('{"name":"HR","connectorRef":"hr"}'), $instance)->{id};
row('customizers create', 'customizer_create.go', sub { api(200, 'POST', $C, json_body('{"id":"","name":' . js('My & <own>') . '}'), $customizer) },
    sub { $seen{customizer} = $_->{id}; $_->{name} eq 'My & <own>' && !defined $_->{imageVersion} });
row('customizers list', 'customizer_list.go', sub { api(200, 'GET', $C, undef, [$customizer]) }, sub { @$_ == 1 });
row('customizers upload', 'customizer_create_version.go', sub { api(200, 'POST', "$C/$seen{customizer}/versions", ['application/zip', slurp($custom), 1], $customizer_version) },
    sub { $_->{connectorCustomizerId} eq $seen{customizer} && length $_->{imageId} && $_->{version} == 1 });
row('customizers get', 'customizer_get.go', sub { api(200, 'GET', "$C/$seen{customizer}", undef, $customizer) }, sub { $_->{imageVersion} == 1 });
row('customizers update', 'customizer_update.go', sub { api(200, 'PUT', "$C/$seen{customizer}", json_body('{"id":"","name":"Other"}'), $customizer) }, sub { $_->{name} eq 'Other' && $_->{id} eq $seen{customizer} });
row('customizers link', 'customizer_link.go: members sorted, no content type', sub { api(200, 'PATCH', "$I/$seen{instance}", [undef, '[{"op":"replace","path":"/connectorCustomizerId","value":"' . $seen{customizer} . '"}]'], $instance) },
    sub { $_->{connectorCustomizerId} eq $seen{customizer} });
$config = "{\"spConnectorInstanceId\":\"$seen{instance}\"}";
row('invoke account-list, of an instance', $by, sub { ran('std:account:list', '{}', $object) }, sub { $_->{out}[0]{attributes}{customized} });
row('customizers unlink', 'customizer_unlink.go', sub { api(200, 'PATCH', "$I/$seen{instance}", [undef, '[{"op":"remove","path":"/connectorCustomizerId"}]'], $instance) }, sub { $_->{connectorCustomizerId} eq '' });
row('customizers delete', 'customizer_delete.go', sub { api(204, 'DELETE', "$C/$seen{customizer}") }, sub { $_ eq '' });
api(204, 'DELETE', "$I/$seen{instance}");
row('update -c -a', 'conn_update.go', sub { api(200, 'PUT', "$P/hr", json_body('{"alias":"people"}'), $connector) }, sub { $_->{alias} eq 'people' && $_->{id} eq $seen{hr} });
row('delete -c', 'conn_delete.go', sub { api(204, 'DELETE', "$P/people") }, sub { $_ eq '' });
row('get -c, of one that is gone', 'conn_get.go', sub { http('GET', "$P/people", undef, 'Authorization: Bearer ' . token()) }, sub { $_->{code} == 404 });
stop('replay');

# --- the tool itself
SKIP: {
	my $sail = $ENV{BASCULE_SAIL} // `command -v sail 2>/dev/null`;
	chomp($sail);
	skip('machine: the platform\'s command line tool is not here (sail in PATH, or BASCULE_SAIL)', 1) if $sail eq '' || !-x $sail;
	server('sail');
	mkdir("$work/home");
	spill('raw.json', '{"type":"demo:raw"}');
	# What it prints, and how it ended; it has no keyring here, and looks for files of the project in its folder.
	my $sail_row = sub {
		my ($args, $like, $fails) = @_;
		my $out = "$work/sail.out";
		my $pid = fork() // die "fork: $!";
		if ($pid == 0) {
			%ENV = (PATH => $ENV{PATH}, HOME => "$work/home", TZ => $ENV{TZ}, SAIL_BASE_URL => $base, SAIL_CLIENT_ID => 'cli', SAIL_CLIENT_SECRET => $secret);
			chdir("$work/home");
			open(STDIN, '<', '/dev/null');
			open(STDOUT, '>', $out);
			open(STDERR, '>&', \*STDOUT);
			exec('timeout', 60, $sail, 'connectors', @$args) or POSIX::_exit(127);
		}
		waitpid($pid, 0);
		my $said = slurp($out);
		like($said, $like, "sail conn @$args");
		# Its status says nothing: 0 after an error as well.
		is($said =~ /^Error: /m ? 1 : 0, $fails // 0, '... ' . ($fails ? 'an error' : 'no error')) or diag($said);
		return $said;
	};
	my @hr = ('-c', 'hr', '--config-json', '{"url":"https://h/?a=1&b=<2>"}');
	$sail_row->(['list'], qr/scim/);
	$sail_row->(['create', 'hr'], qr/\| hr +\|/);
	$sail_row->(['get', '-c', 'hr'], qr/\| hr +\|/);
	$sail_row->(['upload', '-c', 'hr', '-f', $bundle], qr/\| +1 +\|/);
	$sail_row->(['upload', '-c', 'hr', '-f', $bundle, '-t', 'rc'], qr/\| rc +\| +2 +\|/);
	$sail_row->(['upload', '-c', 'hr', '-f', $bundle, '-t', 'rc'], qr/\| rc +\| +3 +\|/);
	$sail_row->(['versions', '-c', 'hr'], qr/\| +3 +\|/);
	$sail_row->(['tags', 'create', '-c', 'hr', '-n', 'gold', '-v', 1], qr/\| gold +\| +1 +\|/);
	$sail_row->(['tags', 'update', '-c', 'hr', '-n', 'gold', '-v', 2], qr/\| gold +\| +2 +\|/);
	$sail_row->(['tags', 'list', '-c', 'hr'], qr/latest.*rc|rc.*latest/s);
	$sail_row->(['invoke', 'test-connection', @hr], qr/\{\}/);
	$sail_row->(['invoke', 'test-connection', '-v', 1, @hr], qr/\{\}/);
	$sail_row->(['invoke', 'account-list', @hr], qr/Accounts:\n.*"identity":"a".*\n.*"identity":"b"/);
	$sail_row->(['invoke', 'account-list', '--stateful', '--stateId', 's1', @hr], qr/State:\n\{"cursor":"7"\}/);
	$sail_row->(['invoke', 'account-read', 'j', 'u', @hr], qr/uniqueId/);
	$sail_row->(['invoke', 'account-create', '--attributes', '{"mail":"<j@h>"}', @hr], qr/"identity":"made".*<j\@h>/);
	$sail_row->(['invoke', 'account-update', 'j', '--changes', '[{"op":"Remove","attribute":"x"}]', @hr], qr/"op\\":\\"Remove/);
	$sail_row->(['invoke', 'account-delete', 'j', @hr], qr/std:account:delete/);
	$sail_row->(['invoke', 'account-discover-schema', @hr], qr/"displayAttribute":"name"/);
	$sail_row->(['invoke', 'entitlement-list', '-t', 'group', @hr], qr/Entitlements:\n.*"uuid":"u"/);
	$sail_row->(['invoke', 'entitlement-read', 'g', '-t', 'group', @hr], qr/"lookupId":"g"/);
	$sail_row->(['invoke', 'source-data-discover', @hr], qr/"subLabel":"s"/);
	$sail_row->(['invoke', 'source-data-read', 'john', @hr], qr/"key":"john"/);
	$sail_row->(['invoke', 'raw', '-f', "$work/raw.json", @hr], qr/"config":\{"url":"https:\/\/h\/\?a=1&b=<2>"\}/);
	$sail_row->(['-e', "$base", 'invoke', 'raw', '-f', "$work/raw.json", @hr], qr/"data":/);
	spill('raw.json', '{"type":"demo:fails","input":{}}');
	$sail_row->(['invoke', 'raw', '-f', "$work/raw.json", @hr], qr/non-200 response: 500 .*the source says no/s, 1);
	$sail_row->(['logs', '--event', 'commandOutcome', '--level', 'ERROR'], qr/commandOutcome.*says no/);
	$sail_row->(['stats', '-d', '1d'], qr/Connector : .*\(hr\).*demo:fails/s);
	my ($cid) = $sail_row->(['customizers', 'create', 'My & <own>'], qr/My & <own>/) =~ /([0-9a-f]{8}-[0-9a-f-]{27})/;
	$sail_row->(['customizers', 'upload', '-c', $cid, '-f', $custom], qr/\| \Q$cid\E +\| [0-9a-f]{32} +\| +1 +\|/);
	$sail_row->(['customizers', 'list'], qr/\Q$cid\E/);
	$sail_row->(['customizers', 'get', '-c', $cid], qr/\| +1 +\|/);
	$sail_row->(['customizers', 'update', '-c', $cid, '-n', 'Other'], qr/Other/);
	my $iid = api(200, 'POST', $I, json_body('{"name":"HR","connectorRef":"hr"}'), $instance)->{id};
	$sail_row->(['instances', 'list'], qr/\| \Q$iid\E +\| HR +\| +\|/);
	$sail_row->(['customizers', 'link', '-c', $cid, '-i', $iid], qr/\| \Q$iid\E +\| HR +\| \Q$cid\E +\|/);
	$sail_row->(['invoke', 'account-list', '-c', 'hr', '--config-json', "{\"spConnectorInstanceId\":\"$iid\"}"], qr/"customized":true/);
	$sail_row->(['customizers', 'delete', '-c', $cid], qr/409 Conflict/, 1);
	$sail_row->(['customizers', 'unlink', '-i', $iid], qr/\| \Q$iid\E +\| HR +\| +\|/);
	$sail_row->(['customizers', 'delete', '-c', $cid], qr/customizer \Q$cid\E deleted/);
	api(204, 'DELETE', "$I/$iid");
	$sail_row->(['update', '-c', 'hr', '-a', 'people'], qr/people/);
	$sail_row->(['delete', '-c', 'people'], qr/connector people deleted/);
	# Its own checks of a connector, all of them, by a source that is a practice one.
	stop('sail');
	my $practice = start('practice', qr/^practice source/m, {}, bascule(), 'practice', '--users', 20);
	my ($url) = slurp($practice) =~ m{source: (http://\S+)};
	$log = start('validate', qr/"event":"listening"/, {}, bascule(), 'serve', '--listen', '127.0.0.1:0', '--tokens', $tokens, '--allow-private', '127.0.0.1');
	($base) = slurp($log) =~ m{"place":"(http://[^"]+)"};
	my $said = $sail_row->(['validate', '-c', 'scim', '-v', 0, '-p', spill('scim.json', { baseUrl => $url, token => 'practice' })], qr/test-connection-success/);
	$said =~ s/\e\[[0-9;]*m//g;
	my %results = $said =~ /^\| ([a-z-]+) +\| (\w+) +\|/mg;
	is_deeply([grep { $results{$_} ne 'PASS' } sort keys %results], [], '... all checks pass');
	cmp_ok(scalar(keys %results), '>=', 14, '... and there are some');
	stop('validate');
	stop('practice');
}

done_testing();
