#!/usr/bin/perl
# The described connector: the practice source by a description, against the hand-written connector for the same;
# answers that look good and are not; descriptions that are wrong or mean harm.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use support;

my $users = 1500;
my $port = free_port();
my $build = $ENV{B} // root() . '/build';
my $described = "$build/tests/rest/practice";
my $config = { baseUrl => "http://localhost:$port/scim/v2", token => 'practice-token-1' };
my $dir = scratch();
my $r;

start('practice', qr/^practice source/m, {}, bascule(), 'practice', '--port', $port, '--users', $users, '--groups', 12,
    '--token', 'practice-token-1', '--die-with-parent');
$support::connector = $described;

sub ids {
	my ($run) = @_;
	return join("\n", sort(slurp($run->{out}) =~ /"key":\{"simple":\{"id":"([^"]+)"\}\}/g));
}

sub read_back {
	my ($id) = @_;
	return invoke($config, 'std:account:read', { identity => $id })->{output};
}

subtest 'reading' => sub {
	is(invoke($config, 'std:test-connection')->{exit}, 0, 'the connection');
	$r = invoke($config, 'std:account:list');
	is($r->{exit}, 0, 'a list ends well') or diag($r->{err});
	is($r->{records}, $users, "$users accounts");
	my $mine = ids($r);
	my $first = $r->{outputs}[0];
	$support::connector = 'scim';
	my $theirs = invoke($config, 'std:account:list');
	$support::connector = $described;
	is($mine, ids($theirs), 'the same as the hand-written connector lists');
	is_deeply([sort @{$first->{attributes}{groups}}], [sort @{$theirs->{outputs}[0]{attributes}{groups}}], 'with their groups');
	is_deeply(read_back($first->{identity}), $first, 'read singly it is the same');
	is(invoke($config, 'std:entitlement:list', { type => 'group' })->{records}, 12, 'entitlements');
	is(invoke($config, 'std:entitlement:list', { type => 'role' })->{exit}, 65, 'of no other type');
	$r = invoke($config, 'std:account:read', { identity => '../Groups' });
	like($r->{err}, qr/notFound/, 'an id never becomes a path');
	is(invoke({ %$config, token => 'wrong-token-2' }, 'std:account:list')->{exit}, 77, 'a wrong token');
};

subtest 'writing' => sub {
	$r = invoke($config, 'std:account:create', { attributes => { userName => 'new.one', displayName => 'New One',
	    password => 'S3cret-to-set' } });
	is($r->{exit}, 0, 'create') or diag($r->{err});
	my $id = $r->{output}{identity};
	is($r->{output}{attributes}{userName}, 'new.one', 'it is shown as the source has it');
	unlike(slurp($r->{out}) . $r->{err}, qr/S3cret-to-set/, 'without its password');
	my @groups = map { $_->{identity} } @{invoke($config, 'std:entitlement:list', { type => 'group' })->{outputs}}[0 .. 2];
	my $change = sub { invoke($config, 'std:account:update', { identity => $id, changes => [@_] }) };
	$r = $change->({ op => 'Set', attribute => 'displayName', value => 'Newer' },
	    { op => 'Add', attribute => 'groups', value => [@groups[0, 1]] });
	is($r->{exit}, 0, 'update') or diag($r->{err});
	is(read_back($id)->{attributes}{displayName}, 'Newer', 'set');
	is_deeply([sort @{read_back($id)->{attributes}{groups}}], [sort @groups[0, 1]], 'added');
	$change->({ op => 'Remove', attribute => 'groups', value => $groups[0] });
	is_deeply(read_back($id)->{attributes}{groups}, [$groups[1]], 'removed');
	$change->({ op => 'Set', attribute => 'groups', value => [@groups[0, 2]] });
	is_deeply([sort @{read_back($id)->{attributes}{groups}}], [sort @groups[0, 2]], 'set as a whole: added and removed');
	is(invoke($config, 'std:account:disable', { identity => $id })->{output}{disabled}, JSON::PP::true, 'disable');
	is(read_back($id)->{disabled}, JSON::PP::true, 'is so on the source');
	is(invoke($config, 'std:account:enable', { identity => $id })->{output}{disabled}, JSON::PP::false, 'enable');
	is(invoke($config, 'std:change-password', { identity => $id, password => 'An0ther-secret' })->{exit}, 0, 'password');
	$r = invoke($config, 'std:account:create', { attributes => { userName => 'new.one' } });
	is($r->{exit}, 65, 'made twice');
	like($r->{err}, qr/exists already/, 'it says what is wrong');
	$r = $change->({ op => 'Set', attribute => 'nonsense', value => 'x' }, { op => 'Set', attribute => 'displayName', value => 'No' });
	is($r->{exit}, 65, 'an unknown attribute is refused');
	is(read_back($id)->{attributes}{displayName}, 'Newer', 'before anything is changed');
	is(invoke($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'delete');
	is(invoke($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'deleted again it is deleted');
	like(invoke($config, 'std:account:read', { identity => $id })->{err}, qr/notFound/, 'and gone');
};

# A source that answers from a table: "METHOD /path?query", parameters in alphabetical order, to a status, headers and a body.
my %answers = (
	'GET /said-no/users?limit=2' => [200, '', '{"ok":false,"error":"account_inactive"}'],
	'GET /half/users?limit=2' => [200, '', '{"ok":true,"users":[{"id":"1"},{"id":"2"}],"next":"b"}'],
	'GET /half/users?cursor=b&limit=2' => [200, '', '{"ok":false,"error":"ratelimited"}'],
	'GET /round/users?limit=2' => [200, '', '{"ok":true,"users":[{"id":"1"}],"next":"b"}'],
	'GET /round/users?cursor=b&limit=2' => [200, '', '{"ok":true,"users":[{"id":"2"}],"next":"b"}'],
	'GET /twice/users?limit=2' => [200, '', '{"ok":true,"users":[{"id":"1"},{"id":"2"}],"next":"b"}'],
	'GET /twice/users?cursor=b&limit=2' => [200, '', '{"ok":true,"users":[{"id":"2"},{"id":"3"}],"next":""}'],
	'GET /good/users?limit=2' => [200, '', '{"ok":true,"users":[{"id":"1","n":12345678901234567890},{"id":"2"}],"next":"b"}'],
	'GET /good/users?cursor=b&limit=2' => [200, '', '{"ok":true,"users":[{"id":"3","hidden":"x"}],"next":""}'],
	'POST /good/users' => [201, "Location: /good/users/77?x=1\r\n", ''],
	'GET /good/users/77' => [200, '', '{"user":{"id":"77"}}'],
	'GET /elsewhere/users' => [200, "Link: <http://elsewhere.example/users?p=2>; rel=\"next\"\r\n", '{"users":[{"id":"1"}]}'],
	'GET /good/users/secret' => [200, '', '{"user":{"id":"secret-value-9"}}'],
);
my $table = free_port();
my $server = fork() // die;
if ($server == 0) {
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $table, Listen => 64, ReuseAddr => 1) or exit 1;
	while (my $s = $listen->accept) {
		my ($line, $length) = (scalar <$s> // '', 0);
		while (my $h = <$s>) {
			$length = $1 if $h =~ /^Content-Length: (\d+)/i;
			last if $h =~ /^\r?\n$/;
		}
		read($s, my $body, $length) if $length;
		my ($what) = $line =~ /^(\S+ \S+)/;
		$what =~ s/\?(\S*)/'?' . join('&', sort(split(m{&}, $1)))/e;
		my ($status, $headers, $text) = @{$answers{$what} // [404, '', '{}']};
		print $s "HTTP/1.1 $status X\r\nContent-Type: application/json\r\nConnection: close\r\n$headers",
		    'Content-Length: ', length $text, "\r\n\r\n$text";
		close($s);
	}
	exit 0;
}
END { kill('KILL', $server) if $server }

my $spec = { name => 'Table', commands => ['std:account:list', 'std:account:read', 'std:account:create'], keyType => 'simple',
	egress => [{ host => '{{config.baseUrl}}' }],
	sourceConfig => [{ type => 'menu', label => 'x', items => [{ type => 'section', items => [
	    { key => 'baseUrl', label => 'URL', type => 'url' }, { key => 'key', label => 'Key', type => 'secret' }] }] }],
	accountSchema => { identityAttribute => 'id', displayAttribute => 'id', attributes => [
	    { name => 'id', type => 'string' }, { name => 'n', type => 'long' }] } };
my $description = {
	format => 1,
	http => { base => '${config.baseUrl}', auth => { kind => 'apiKey', name => 'X-Key', secret => '${secret.key}' },
	    errors => [{ status => [200], when => "\${response.body.ok | eq:false}", then => 'fatal', message => '/error' }] },
	account => { id => '/id', attributes => { id => '/id', n => '/n' },
	    list => { get => '/users', items => '/users', page => { kind => 'cursor', next => '/next', param => 'cursor',
	        sizeParam => 'limit', size => 2 } },
	    read => { get => '/users/${id}', item => '/user' },
	    create => { post => '/users', json => { name => '${input.attributes.name}' }, newId => ['/id', 'location'] } },
};

# A connector of its own for this description: a folder and two files.
my $made = 0;
sub connector_for {
	my ($d, $s) = @_;
	my $folder = "$dir/made" . ++$made;
	mkdir($folder);
	chmod(0755, $dir, $folder);
	spill("made$made/rest.json", ref $d ? JSON::PP->new->utf8->canonical->encode($d) : $d);
	spill("made$made/connector-spec.json", $s // $spec);
	return $folder;
}
sub at { return { baseUrl => "http://localhost:$table/$_[0]", key => 'key-secret-7' } }

$support::connector = connector_for($description);

subtest 'answers that look good' => sub {
	$r = invoke(at('good'), 'std:account:list');
	is($r->{exit}, 0, 'a good one') or diag($r->{err});
	is($r->{records}, 3, 'three accounts of two pages');
	like(slurp($r->{out}), qr/"n":12345678901234567890\D/, 'numbers keep their digits');
	unlike(slurp($r->{out}), qr/hidden/, 'what the schema does not list stays behind');
	$r = invoke(at('said-no'), 'std:account:list');
	isnt($r->{exit}, 0, 'a failure inside a 200');
	like($r->{err}, qr{/account/list: .*account_inactive}, 'names the step and the source\'s own word');
	like($r->{err}, qr{\(GET /users: HTTP 200, by /http/errors/0\)}, 'the request, and the rule that decided');
	is($r->{last}, 'error', 'its verdict is an error');
	$r = invoke(at('half'), 'std:account:list');
	isnt($r->{exit}, 0, 'a failure on the second page');
	is($r->{records}, 2, 'after the rows of the first');
	isnt(invoke(at('round'), 'std:account:list')->{exit}, 0, 'a cursor that comes again');
	is(invoke(at('twice'), 'std:account:list')->{records}, 4, 'a record that comes twice is none of our business');
	{
		local $support::connector = connector_for(with('/account/list/page/distinct', JSON::PP::true));
		$r = invoke(at('twice'), 'std:account:list');
		isnt($r->{exit}, 0, 'unless the description says so');
		like($r->{err}, qr{/account/list: .*record 2 came twice}, 'then it is named');
		is(invoke(at('good'), 'std:account:list')->{records}, 3, 'and others are listed');
	}
	{
		local $support::connector = connector_for(with('/http/errors', [{ status => [200],
		    when => "\${response.body | match:'contains','x'}", then => 'ok' }]));
		isnt(invoke(at('good'), 'std:account:list')->{exit}, 0, 'an answer that a rule cannot judge');
	}
	$r = invoke(at('good'), 'std:account:create', { attributes => { name => 'x' } });
	is($r->{exit}, 0, 'an id only in Location') or diag($r->{err});
	is($r->{output}{identity}, '77', 'is found, and read back');
	isnt(invoke(at('good'), 'std:account:read', { identity => 'none' })->{exit}, 0, 'one that is not there');
};

subtest 'a description that changes under a server' => sub {
	my $folder = connector_for($description);
	my ($name) = $folder =~ m{/([^/]+)$};
	my $socket = "$dir/serve.socket";
	start('serve', qr/"event":"listening"/, { BASCULE_CONNECTORS => $dir }, bascule(), 'serve', '--listen', "unix:$socket",
	    '--allow-private', 'localhost');
	my $body = spill('ask.json', { type => 'std:account:read', config => at('good'), input => { identity => '77' } });
	my $ask = sub { return scalar `curl -s --unix-socket $socket -H 'Content-Type: application/json' --data-binary \@$body http://localhost/v1/connectors/$name/invoke` };
	like($ask->(), qr/"id":"77"/, 'served');
	my $d = decode_json(encode_json($description));
	$d->{account}{read}{item} = '/nobody';
	spill("$name/rest.json", JSON::PP->new->utf8->encode($d));
	like($ask->(), qr/no record where one is described/, 'the next call is by the new one');
	my ($other) = connector_for($description) =~ m{/([^/]+)$};
	my $as = sub { return scalar `curl -s --unix-socket $socket -H 'Content-Type: application/json' --data-binary \@$body http://localhost/v1/connectors/$_[0]/invoke` };
	for (1 .. 2) {
		like($as->($other), qr/"id":"77"/, 'another folder, run by the same program, is another connector');
		like($as->($name), qr/no record where one is described/, 'and so is this one');
	}
	stop('serve');
};

sub with {
	my ($path, $value) = @_;
	my $d = decode_json(encode_json($description));
	my @names = split(m{/}, substr($path, 1));
	my $last = pop(@names);
	my $o = $d;
	$o = $o->{$_} for @names;
	$o->{$last} = $value;
	return $d;
}

sub without {
	my $d = with($_[0], 0);
	my ($in, $name) = $_[0] =~ m{^/(.*)/(.*)$};
	my $o = $d;
	$o = $o->{$_} for split(m{/}, $in);
	delete $o->{$name};
	return $d;
}

subtest 'descriptions that are wrong' => sub {
	my @wrong = (
		[ 'no JSON', '{', qr/rest\.json/ ],
		[ 'another format', with('/format', 2), qr{/format: 1 is wanted} ],
		[ 'an unknown member', with('/account/lst', {}), qr{/account: "lst" is not known here} ],
		[ 'an unknown filter', with('/account/read/get', '/users/${id | eval}'), qr{/account/read/get: character \d+: there is no such filter} ],
		[ 'an expression left open', with('/account/read/get', '/users/${id'), qr{/account/read/get: .*expected} ],
		[ 'a path that is none', with('/account/read/get', 'http://elsewhere.example/x'), qr{begins with '/'} ],
		[ 'a secret in a path', with('/account/read/get', '/users/${secret.key}'), qr{/account/read/get: a secret may not go there} ],
		[ 'a secret in a query', with('/account/list/query', { k => '${secret.key}' }), qr{/account/list/query/k: a secret} ],
		[ 'a secret in a result', with('/account/attributes/id', '${secret.key}'), qr{/account/attributes/id: a secret} ],
		[ 'an attribute that the schema lacks', with('/account/attributes/nickname', '/x'), qr{no attribute "nickname"} ],
		[ 'an attribute that is not mapped', with('/account/attributes', { id => '/id' }), qr{"n" is not mapped} ],
		[ 'a command that nothing does', without('/account/create'), qr{names std:account:create, and nothing here does it} ],
		[ 'a list without rows', without('/account/list/items'), qr{/account/list: "items" is wanted} ],
		[ 'an unknown outcome', with('/http/errors', [{ status => [400], then => 'panic' }]), qr{/http/errors/0/then} ],
		[ 'a page kind of nobody', with('/account/list/page', { kind => 'guess' }), qr{/account/list/page/kind} ],
		[ 'a body of a GET', with('/account/read/json', {}), qr{a GET has no body} ],
	);
	for my $case (@wrong) {
		my ($name, $d, $message) = @$case;
		local $support::connector = connector_for($d);
		$r = invoke(at('good'), 'std:account:read', { identity => '77' });
		ok($r->{exit} != 0 && $r->{records} == 0 && $r->{err} =~ $message, $name)
		    or diag("exit $r->{exit}, $r->{records} records: $r->{err}");
	}
	local $support::connector = connector_for(with('/account/attributes', { bad => '/x', worse => '/y' }));
	like(invoke(at('good'), 'std:account:list')->{err}, qr/"bad".*"worse"/s, 'every fault is told, not the first');
};

subtest 'validate' => sub {
	my $validate = sub { my $out = `@{[bascule()]} validate --spec $_[0] 2>/dev/null`; return ($? >> 8, $out) };
	for my $folder (map { root() . "/$_" } qw(connectors/okta tests/rest/practice)) {
		is_deeply([$validate->($folder)], [0, ''], "$folder has no fault");
	}
	my $folder = connector_for("{\n\"format\": 1,\n\"http\": { \"base\": \"\${config.baseUrl}\" },\n\"account\": {\n" .
	    "\"id\": \"/id\",\n\"attributes\": { \"id\": \"/id\", \"n\": \"\${record.n | nonsense}\" },\n\"list\": { \"get\": \"users\" } } }\n");
	my ($status, $out) = $validate->($folder);
	is($status, 65, 'faults have a status of their own');
	like($out, qr{^\Q$folder\E/rest\.json:6: /account/attributes/n: .*no such filter$}m, 'file, line, place and what');
	like($out, qr{rest\.json:7: /account/list/get: a path begins with '/'$}m, 'each of them');
	like($out, qr{: /account/read: connector-spec\.json names std:account:read}m, 'also what is missing');
	spill((split(m{/}, $folder))[-1] . '/rest.json', "{\n\"format\":\n}\n");
	like(($validate->($folder))[1], qr{rest\.json:3: byte}, 'and where it is no JSON');
	is(($validate->("$dir/nowhere"))[0], 66, 'nothing to check');
};

subtest 'descriptions that mean harm' => sub {
	local $support::connector = connector_for(with('/http/base', 'http://localhost:' . free_port()));
	$r = invoke(at('good'), 'std:account:list');
	isnt($r->{exit}, 0, 'another port than the declared host\'s');
	like($r->{err}, qr/no-egress|not allowed/, 'is out of reach');
	$support::connector = connector_for(with('/account/read/get', '/users/${input.identity | match:\'prefix\',\'x\' | if:\'a\',\'b\'}${config.key}'));
	$r = invoke(at('good'), 'std:account:read', { identity => '77' });
	ok($r->{exit} != 0 && $r->{err} !~ /key-secret-7/, 'a secret of the configuration is not among config.') or diag($r->{err});
	$support::connector = connector_for(with('/account/attributes/id', '${input.password}'));
	spill('pw', '');
	$r = invoke(at('good'), 'std:account:list', { password => 'pw-secret-8' });
	ok($r->{exit} != 0 && slurp($r->{out}) !~ /pw-secret-8/ && $r->{err} !~ /pw-secret-8/, 'a password of the input does not come out');
	$support::connector = connector_for(with('/account/attributes/id', '${record.id' . ' | json | b64' x 33 . '}'));
	like(invoke(at('good'), 'std:account:list')->{err}, qr/too many filters/, 'a pipeline has an end');
	$support::connector = connector_for(with('/account/where', '${record.id' . (' | split:\'\'' x 2) . '}'));
	isnt(invoke(at('good'), 'std:account:list')->{exit}, 0, 'a filter that makes no sense is an error, not an empty list');
	# Nothing of the machine has a name.
	for my $expression ('${env.PATH}', '${config.HOME | lookup:env}', '${file:/etc/passwd}', '${include}') {
		$support::connector = connector_for(with('/account/attributes/id', $expression));
		like(invoke(at('good'), 'std:account:list')->{err}, qr{/account/attributes/id: }, "$expression is no expression");
	}
	for my $base ('file:///etc', 'http://127.0.0.1:1/', 'http://localhost:' . $table . '@127.0.0.1:1/', 'gopher://localhost/') {
		$support::connector = connector_for(with('/http/base', $base));
		$r = invoke(at('good'), 'std:account:list');
		ok($r->{exit} != 0 && $r->{records} == 0, "base $base leads nowhere") or diag($r->{err});
	}
	$support::connector = connector_for(with('/account/list/page', { kind => 'link' }));
	$r = invoke(at('elsewhere'), 'std:account:list');
	like($r->{err}, qr/another origin/, 'a Link to another host is not followed');
	# Work that grows without end has one.
	my $many = [map { "v$_" } 1 .. 300];
	my $deep = { '$each' => '${input.l}', '$item' => { '$each' => '${input.l}', '$item' => { '$each' => '${input.l}', '$item' => '${value}' } } };
	$support::connector = connector_for(with('/account/create/json', $deep));
	$r = invoke(at('good'), 'std:account:create', { attributes => {}, l => $many });
	like($r->{err}, qr/took over \d+ steps/, 'lists of lists of lists');
	$support::connector = connector_for(with('/account/create/json', { x => '${input.s' . ' | hex' x 60 . '}' }));
	$r = invoke(at('good'), 'std:account:create', { attributes => {}, s => 'x' x 1000 });
	ok($r->{exit} != 0 && ($r->{verdict}{cause} // '') !~ /memory|signal/, 'a value that doubles with each filter') or diag($r->{err});
	$support::connector = connector_for(with('/account/create', { post => '/users', each => '${input.l}', newId => '/id' }));
	$r = invoke(at('good'), 'std:account:create', { attributes => {}, l => [1 .. 10001] });
	like($r->{err}, qr/more than 10000 values/, 'a request for each of very many values');
	# A secret by a detour.
	for my $body ({ '$each' => '${secret.key}', '$item' => '${value}' }, { '$merge' => [{ a => '${secret.key}' }] }) {
		$support::connector = connector_for(with('/account/attributes/id', $body));
		$r = invoke(at('good'), 'std:account:list');
		ok($r->{exit} != 0 && slurp($r->{out}) !~ /key-secret-7/ && $r->{err} !~ /key-secret-7/, 'a secret by way of ' . join(' ', sort keys %$body));
	}
	$support::connector = connector_for(with('/account/list/query', { q => '${input.password | b64 | cut:\'=\',0}' }));
	$r = invoke(at('good'), 'std:account:list', { password => 'pw-secret-8' });
	ok($r->{exit} != 0 && $r->{err} =~ /secret may not/, 'a password in a query, encoded') or diag($r->{err});
};

kill('KILL', $server);
waitpid($server, 0);
$server = 0;
done_testing();
