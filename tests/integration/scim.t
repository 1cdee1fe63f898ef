#!/usr/bin/perl
# The SCIM connector against servers of independent make: scimmy with 100,000 users, oidc-provider's client
# credentials, both behind HAProxy's TLS with an authority of the test's own.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use Test::More;
use JSON::PP;
use support;

my $users = $ENV{SCIM_USERS} || 100_000;
my $script = root() . '/tests/targets/targets.sh';
my $dir = scratch();

for my $program (qw(node npm haproxy openssl)) {
	plan skip_all => "machine: no $program" if system("command -v $program >/dev/null 2>&1") != 0;
}
for my $target (qw(scim oidc)) {
	plan skip_all => "machine: the packages of $target cannot be had" if system($script, 'install', $target) != 0;
}

my ($scim, $oidc, $scim_tls, $oidc_tls, $small) = map { free_port() } 1 .. 5;
my %env = (BASCULE_TARGETS => targets());
start('oidc', qr/^ready/m, { %env, PORT => $oidc, TTL => 20 }, 'node', root() . '/tests/targets/oidc-server.mjs');
start('scim', qr/^ready/m, { %env, PORT => $scim, SEED => $users, TOKEN => 'admin-token', MAX => 1000,
    JWKS => "http://127.0.0.1:$oidc/jwks" }, 'node', root() . '/tests/targets/scimmy-server.mjs');
start('small', qr/^ready/m, { %env, PORT => $small, SEED => 200, GROUPS => 4, TOKEN => 'admin-token', NO_PATCH => 1,
    OWN_GROUPS => 1 }, 'node', root() . '/tests/targets/scimmy-server.mjs');
system($script, 'ca', $dir) == 0 or die 'no test authority';
system($script, 'haproxy', $dir, "$scim_tls:$scim", "$oidc_tls:$oidc") == 0 or die 'haproxy refuses its configuration';
start('haproxy', $scim_tls, {}, 'haproxy', '-db', '-f', "$dir/haproxy.cfg");

my $ca = slurp("$dir/ca.pem");
my $config = {
	baseUrl => "https://localhost:$scim_tls/scim/v2", authKind => 'oauth2',
	tokenUrl => "https://localhost:$oidc_tls/token",
	clientId => 'basic', clientSecret => 'basic-secret', scope => 'users.read users.write', caBundle => $ca,
	groupsFrom => 'list', pageSize => 1000,
};
my $bearer = { baseUrl => "https://localhost:$scim_tls/scim/v2", token => 'admin-token', caBundle => $ca,
	groupsFrom => 'list' };
my $r;

# invoke() with the reason beside a failed test.
sub run {
	my ($with, $command, $input, @more) = @_;
	my $done = invoke($with, $command, $input, @more);
	diag("$command: exit $done->{exit} $done->{err}") if $ENV{VERBOSE};
	return $done;
}

sub attribute { return $_[0]{output}{attributes}{$_[1]} }

subtest 'signing in' => sub {
	is(run($config, 'std:test-connection')->{exit}, 0, 'client credentials in the header');
	is(run({ %$config, clientId => 'post', clientSecret => 'post-secret', secretInBody => JSON::PP::true },
	    'std:test-connection')->{exit}, 0, 'client credentials in the body');
	is(run($bearer, 'std:test-connection')->{exit}, 0, 'a bearer token');
	$r = run({ %$config, clientSecret => 'wrong-secret' }, 'std:test-connection');
	is($r->{exit}, 77, 'a wrong client secret is a matter of permission');
	unlike(slurp($r->{out}) . $r->{err}, qr/wrong-secret/, 'and does not appear in what is said');
	is(run({ %$bearer, token => 'wrong' }, 'std:test-connection')->{exit}, 77, 'a wrong bearer token too');
	isnt(run({}, 'std:test-connection')->{exit}, 0, 'an empty configuration fails');
};

subtest 'TLS' => sub {
	my %open = %$bearer;
	delete $open{caBundle};
	$r = run(\%open, 'std:account:list');
	isnt($r->{exit}, 0, 'an unknown authority is refused');
	is($r->{records}, 0, 'nothing was read');
	like($r->{verdict}{message}, qr/certificate/i, 'the message says why');
	$r = run({ %$bearer, baseUrl => "https://127.0.0.1:$scim_tls/scim/v2" }, 'std:test-connection');
	is($r->{exit}, 0, 'an address that the certificate names');
};

subtest "all $users users over a token that expires meanwhile" => sub {
	my $before = get_json($oidc, '/stats')->{given};
	$r = run($config, 'std:account:list', { stateful => JSON::PP::true });
	is($r->{exit}, 0, 'ends well') or diag($r->{err});
	is($r->{last}, 'end', 'the verdict says so');
	my %ids;
	open(my $fh, '<', $r->{out});
	while (<$fh>) {
		$ids{$1}++ if /"key":\{"simple":\{"id":"([^"]+)"\}\}/;
	}
	is(scalar keys %ids, $users, "$users unique ids");
	is($r->{records}, $users, 'none twice');
	my $seconds = $r->{verdict}{totalMs} / 1000;
	note("$users users in $seconds s, " . int($r->{verdict}{maxRssBytes} / 1048576) . ' MiB, ' .
	    (get_json($oidc, '/stats')->{given} - $before) . ' tokens');
	cmp_ok($r->{verdict}{maxRssBytes}, '<', 64 * 1048576, 'in flat memory');
	SKIP: {
		skip 'machine: too fast for a token to expire', 1 if $seconds < 20;
		cmp_ok(get_json($oidc, '/stats')->{given} - $before, '>=', 2, 'the token was renewed');
	}
	is_deeply($r->{outputs}[1]{attributes}{groups}, ['g0'], 'groups come from the groups');
	ok($r->{outputs}[0]{disabled}, 'user 0 is disabled');
	ok(!$r->{outputs}[1]{disabled}, 'user 1 is not');
	is($r->{states}, 1, 'one state');
	like($r->{state}{lastModified}, qr/^\d{4}-/, 'it is a time');
};
my $state = $r->{state};

subtest 'delta' => sub {
	plan skip_all => 'no state' unless $state;
	sleep(1);
	is(run($bearer, 'std:account:update', { identity => 'u0000777',
	    changes => [{ op => 'Set', attribute => 'title', value => 'Changed' }] })->{exit}, 0, 'a user changes');
	$r = run($config, 'std:account:list', { stateful => JSON::PP::true, state => $state });
	is($r->{exit}, 0, 'only changes are read') or diag($r->{err});
	cmp_ok($r->{records}, '<', $users / 10, "$r->{records} rows");
	like(slurp($r->{out}), qr/"id":"u0000777".*"title":"Changed"/, 'the changed user among them');
	isnt($r->{state}{lastModified}, $state->{lastModified}, 'the state moves on');
	$r = run($config, 'std:account:list', { stateful => JSON::PP::true, state => { lastModified => 'yesterday' } });
	isnt($r->{exit}, 0, 'a state that is no time is refused');
};

my $id;
subtest 'create' => sub {
	$r = run($config, 'std:account:create', { attributes => { userName => 'o"brien\\x', givenName => 'Flann',
	    familyName => "O'Brien", email => 'flann@example.com', password => 'Sesame-1', department => 'Letters',
	    employeeNumber => '0017', groups => 'g3', title => undef } });
	is($r->{exit}, 0, 'made') or diag($r->{err});
	$id = $r->{output}{key}{simple}{id};
	ok($id, 'has an id');
	is(attribute($r, 'userName'), 'o"brien\\x', 'its name came through');
	is(attribute($r, 'employeeNumber'), '0017', 'an extension attribute');
	is(attribute($r, 'email'), 'flann@example.com', 'an element of a list');
	is_deeply(attribute($r, 'groups'), ['g3'], 'its group, given as a bare string');
	ok(!exists $r->{output}{attributes}{password}, 'no password');
	ok(!exists $r->{output}{results}, 'nothing went wrong');
	$r = run($config, 'std:account:create', { attributes => { userName => 'o"brien\\x' } });
	isnt($r->{exit}, 0, 'the same name again');
	like($r->{err}, qr/taken|exists/, 'the message says why');
	isnt($r->{verdict}{cause}, 'notFound', 'and is not notFound');
	$r = run($config, 'std:account:create', { attributes => { userName => 'half', groups => ['g1', 'no-such'] } });
	is($r->{exit}, 0, 'a group that is not there does not hide the account');
	is($r->{output}{results}[0]{attribute}, 'groups', 'but is told');
	is_deeply(attribute($r, 'groups'), ['g1'], 'the other was given');
	isnt(run($config, 'std:account:create', { attributes => {} })->{exit}, 0, 'no name, no account');
};

subtest 'read' => sub {
	my $read = run($config, 'std:account:read', { identity => $id });
	is($read->{exit}, 0, 'by identity');
	is_deeply(run($config, 'std:account:read', { key => { simple => { id => $id } } })->{output}, $read->{output},
	    'by key');
	$r = run($config, 'std:account:read', { identity => 'no-such' });
	is($r->{exit}, 66, 'notFound');
	is($r->{verdict}{cause}, 'notFound', 'by its name');
	is(run($config, 'std:account:read', { identity => '../Groups/g1' })->{exit}, 66, 'an id is no path');
	$r = run($config, 'std:account:read', { identity => $id, schema => { attributes => [{ name => 'userName' }] } });
	is_deeply([keys %{$r->{output}{attributes}}], ['userName'], 'only what the schema names');
	for my $filter (qw(valuePath none)) {
		$r = run({ %$config, memberFilter => $filter }, 'std:account:read', { identity => $id });
		is_deeply(attribute($r, 'groups'), ['g3'], "groups found by $filter");
	}
	$r = run({ %$config, memberFilter => 'none', groupsFrom => 'each' }, 'std:account:read', { identity => $id });
	is_deeply(attribute($r, 'groups'), ['g3'], 'groups found in each group');
};

sub change {
	return { identity => $id, changes => [map { { op => $_->[0], attribute => $_->[1], value => $_->[2] } } @_] };
}

subtest 'update' => sub {
	$r = run($config, 'std:account:update', change(['Set', 'title', 'Author'], ['Set', 'familyName', 'Nolan'],
	    ['Add', 'groups', ['g4', 'g5']], ['Remove', 'groups', 'g3'], ['Set', 'phone', '1'], ['Remove', 'department']));
	is($r->{exit}, 0, 'several changes') or diag($r->{err});
	is(attribute($r, 'title'), 'Author', 'a first value');
	is(attribute($r, 'familyName'), 'Nolan', 'a new value');
	is(attribute($r, 'phone'), '1', 'a first element');
	ok(!defined attribute($r, 'department'), 'a value taken away');
	is(attribute($r, 'employeeNumber'), '0017', 'its neighbour stays');
	is_deeply([sort @{attribute($r, 'groups')}], ['g4', 'g5'], 'groups added and removed');
	$r = run($config, 'std:account:update', change(['Set', 'title', 'Author'], ['Add', 'groups', 'g4']));
	is_deeply($r->{output}, {}, 'no change is said as such');
	$r = run($config, 'std:account:update', change(['Set', 'groups', ['g4', 'g6']]));
	is_deeply([sort @{attribute($r, 'groups')}], ['g4', 'g6'], 'groups set');
	$r = run($config, 'std:account:update', change(['Set', 'email', 'new@example.com']));
	is(attribute($r, 'email'), 'new@example.com', 'an element replaced');
	isnt(run($config, 'std:account:update', change(['Set', 'id', 'x']))->{exit}, 0, 'an id cannot be set');
	isnt(run($config, 'std:account:update', change(['Add', 'groups', 'no-such']))->{verdict}{cause}, 'notFound',
	    'a missing group is not a missing account');
	$r = run($config, 'std:account:update', { identity => 'no-such', changes => [{ op => 'Set', attribute => 'title',
	    value => 'x' }] });
	is($r->{exit}, 66, 'a missing account is');
};

subtest 'disable, enable, password, delete' => sub {
	ok(run($config, 'std:account:disable', { identity => $id })->{output}{disabled}, 'disabled');
	ok(run($config, 'std:account:read', { identity => $id })->{output}{disabled}, 'and stays so');
	$r = run($config, 'std:account:enable', { identity => $id });
	ok($r->{output} && !$r->{output}{disabled}, 'enabled');
	$r = run($config, 'std:change-password', { identity => $id, password => 'Geheim-2' });
	is_deeply($r->{output}, {}, 'a new password') or diag($r->{err});
	ok(run({ %$config, deleteMode => 'deactivate' }, 'std:account:delete', { identity => $id })->{exit} == 0 &&
	    run($config, 'std:account:read', { identity => $id })->{output}{disabled}, 'deleting may disable');
	is(run($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'deleted');
	is(run($config, "std:account:$_", { identity => $id })->{exit}, 66, "$_: notFound") for qw(read delete disable);
};

subtest 'entitlements and schema' => sub {
	$r = run($config, 'std:entitlement:list', { type => 'group' });
	is($r->{records}, 20, 'all groups');
	is($r->{output}{type}, 'group', 'with their type');
	$r = run($config, 'std:entitlement:read', { type => 'group', identity => 'g7' });
	is(attribute($r, 'displayName'), 'Group 7', 'one group');
	is(run($config, 'std:entitlement:read', { type => 'group', identity => 'no-such' })->{exit}, 66, 'none');
	isnt(run($config, 'std:entitlement:list', { type => 'role' })->{exit}, 0, 'another type');
	$r = run($config, 'std:account:discover-schema');
	is($r->{exit}, 0, 'the schema is read');
	my %by = map { $_->{name} => $_ } @{$r->{output}{attributes}};
	is($r->{output}{identityAttribute}, 'id', 'identity attribute');
	ok($by{$_}, "it has $_") for qw(id userName givenName email department);
	ok($by{groups}{entitlement}, 'groups are entitlements');
	ok(!$by{password}, 'no password');
	my $read = run($config, 'std:account:read', { identity => 'u0000001', schema => $r->{output} });
	is($read->{exit}, 0, 'an account in the discovered schema');
	is(attribute($read, 'userName'), 'user1', 'shows its attributes');
};

subtest 'a server without PATCH that shows groups on users' => sub {
	my $plain = { baseUrl => "http://localhost:$small/scim/v2", token => 'admin-token' };
	is(run($plain, 'std:test-connection')->{exit}, 0, 'no setting but address and token');
	is(run($plain, 'std:account:list')->{records}, 200, 'all users, 100 a page');
	is(run({ %$plain, pageSize => 7, sortBy => 'userName' }, 'std:account:list')->{records}, 200, '7 a page, sorted');
	is(run({ %$plain, userFilter => 'active eq false' }, 'std:account:list')->{records}, 10, 'filtered');
	$r = run($plain, 'std:account:update', { identity => 'u0000003', changes => [
	    { op => 'Set', attribute => 'department', value => 'R&D' }, { op => 'Add', attribute => 'groups', value => 'g2' },
	    { op => 'Remove', attribute => 'groups', value => 'g0' }] });
	is($r->{exit}, 0, 'an update') or diag($r->{err});
	is(attribute($r, 'department'), 'R&D', 'the attribute changed');
	is_deeply(attribute($r, 'groups'), ['g2'], 'the groups changed');
	is(attribute($r, 'userName'), 'user3', 'the rest stays');
	ok(run($plain, 'std:account:disable', { identity => 'u0000003' })->{output}{disabled}, 'disabled');
	my $stats = get_json($small, '/stats');
	cmp_ok($stats->{methods}{PUT}, '>=', 4, 'all went by PUT');
	ok(!$stats->{methods}{PATCH}, 'none by PATCH');
	$r = run({ %$bearer, groupsFrom => 'user' }, 'std:test-connection');
	like($r->{err}, qr/groupsFrom/, 'the other server does not show groups on users, and the test says so');
	my $wrong = { %$plain, baseUrl => "http://localhost:$small/wrong" };
	$r = run($wrong, 'std:account:list');
	is($r->{verdict}{cause}, 'invalidConfiguration', 'a wrong address is no empty list');
	$r = run($wrong, 'std:account:create', { attributes => { userName => 'x' } });
	is($r->{verdict}{cause}, 'invalidConfiguration', 'nor a missing account');
};

done_testing();
