#!/usr/bin/perl
# Described connectors against servers that hold state: lists of changes and links that go out of date; PatchOp in batches and
# read-merge-PUT on a SCIM server of other hands.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use JSON::PP;
use Test::More;
use support;

my $script = root() . '/tests/targets/targets.sh';
my $r;
plan skip_all => 'machine: no node' if system('command -v node >/dev/null 2>&1') != 0;

sub names { return join(' ', sort map { $_->{attributes}{displayName} // "-$_->{identity}" } @{$_[0]{outputs}}) }

subtest 'a link of changes' => sub {
	my $port = free_port();
	my $url = "http://localhost:$port";
	start('graph', qr/^ready/m, { PORT => $port }, 'node', root() . '/tests/targets/graph-server.mjs');
	$support::connector = 'entra-id';
	my $config = { tenantId => 'tenant-1', clientId => 'client-1', clientSecret => 'client-secret-1', graphUrl => $url, loginUrl => $url };
	my %id;
	my $make = sub {
		my $made = invoke($config, 'std:account:create', { attributes => { userPrincipalName => "$_[0]\@acme.test", displayName => $_[0],
		    mailNickname => $_[0], password => 'Pass-word-1' } });
		is($made->{exit}, 0, "$_[0] is made") or diag($made->{err});
		$id{$_[0]} = $made->{output}{identity};
	};
	my $changes = sub { return invoke($config, 'std:account:list', { stateful => JSON::PP::true, defined $_[0] ? (state => $_[0]) : () }, '--logs') };
	$make->($_) for qw(ada bob cyd dan eve);
	my $first = $changes->();
	is($first->{exit}, 0, 'the first list') or diag($first->{err});
	is(names($first), 'ada bob cyd dan eve', 'is a whole one');
	$r = $changes->($first->{state});
	is($r->{records}, 0, 'nothing changed');
	is(invoke($config, 'std:account:disable', { identity => $id{bob} })->{output}{disabled}, JSON::PP::true, 'one is disabled');
	is(invoke($config, 'std:account:update', { identity => $id{cyd}, changes => [{ op => 'Add', attribute => 'groups',
	    value => ['g1', 'g2'] }, { op => 'Set', attribute => 'displayName', value => 'cid' }] })->{exit}, 0, 'one changed');
	is_deeply([sort @{invoke($config, 'std:account:read', { identity => $id{cyd} })->{output}{attributes}{groups}}], ['g1', 'g2'], 'and is in groups');
	invoke($config, 'std:account:delete', { identity => $id{eve} });
	$r = $changes->($r->{state});
	is(names($r), join(' ', sort('bob', 'cid', "-$id{eve}")), 'these three come, one of them as gone');
	ok((grep { $_->{deleted} && $_->{identity} eq $id{eve} } @{$r->{outputs}}), 'and says so');
	for my $how (qw(410 400)) {
		my $state = $r->{state};
		$make->("more$how");
		system('curl', '-s', '-o', '/dev/null', "$url/forget?how=$how");
		$r = $changes->($state);
		is($r->{exit}, 0, "a link that the source forgot ($how)") or diag($r->{err});
		is(names($r), join(' ', sort('ada', 'bob', 'cid', 'dan', $how eq '400' ? 'more410' : (), "more$how")), 'leads to a list of all');
		is($r->{state}{afresh}, JSON::PP::true, 'its state says so');
		like($r->{err}, qr/no longer knows the state/, 'and a warning does');
		isnt($r->{state}{link}, $state->{link}, 'the state is a new one');
		$r = $changes->($r->{state});
		is($r->{exit} . $r->{records}, '00', 'from which the next list goes on');
		ok(!exists $r->{state}{afresh}, 'as usual');
	}
	my $state = $r->{state};
	$make->("late$_") for 1 .. 3;
	system('curl', '-s', '-o', '/dev/null', "$url/forget?how=late");
	$r = $changes->($state);
	is($r->{exit}, 0, 'one that goes out of date between two pages') or diag($r->{err});
	my %seen = map { $_->{attributes}{displayName} => 1 } @{$r->{outputs}};
	is(join(' ', sort keys %seen), 'ada bob cid dan late1 late2 late3 more400 more410', 'leads there too');
	is($r->{state}{afresh}, JSON::PP::true, 'with a fresh state');
	stop('graph');
};

SKIP: {
	skip 'machine: the packages of scim cannot be had', 2 if system('command -v npm >/dev/null 2>&1') != 0 || system($script, 'install', 'scim') != 0;
	subtest 'SCIM: PatchOp in batches, read-merge-PUT, changes by time' => sub {
		my $port = free_port();
		start('scim', qr/^ready/m, { BASCULE_TARGETS => targets(), PORT => $port, SEED => 12, GROUPS => 4, TOKEN => 'scim-token-1' }, 'node',
		    root() . '/tests/targets/scimmy-server.mjs');
		my $build = $ENV{B} // root() . '/build';
		$build = root() . "/$build" if $build !~ m{^/};
		$support::connector = "$build/tests/rest/scim-groups";
		my $config = { baseUrl => "http://localhost:$port/scim/v2", token => 'scim-token-1' };
		my $now = sub { return invoke($config, 'std:account:read', { identity => $_[0] })->{output}{attributes} };
		my $patches = sub { return decode_json(scalar `curl -s http://localhost:$port/stats`)->{methods}{PATCH} // 0 };
		my $change = sub { my $id = shift; my $c = invoke($config, 'std:account:update', { identity => $id, changes => [@_] });
			is($c->{exit}, 0, 'update') or diag($c->{err}); };
		sleep(2);	# the clock of HTTP's dates is one of seconds
		my $first = invoke($config, 'std:account:list', { stateful => JSON::PP::true });
		is($first->{records}, 4, 'a whole list of two pages') or diag($first->{err});
		$r = invoke($config, 'std:account:create', { attributes => { displayName => 'Made', members => [map { sprintf('u%07d', $_) } 1 .. 3] } });
		is($r->{exit}, 0, 'create') or diag($r->{err});
		my $id = $r->{output}{identity};
		is_deeply([sort @{$now->($id)->{members}}], [map { sprintf('u%07d', $_) } 1 .. 3], 'what create does not know is added, and re-read');
		my $before = $patches->();
		$change->($id, { op => 'Add', attribute => 'members', value => [map { sprintf('u%07d', $_) } 4 .. 8] });
		is($patches->() - $before, 3, 'five values in requests of two');
		is(scalar @{$now->($id)->{members}}, 8, 'are all there');
		$change->($id, { op => 'Remove', attribute => 'members', value => ['u0000001', 'u0000003', 'u0000008'] });
		is_deeply([sort @{$now->($id)->{members}}], [map { sprintf('u%07d', $_) } 2, 4 .. 7], 'three are taken away');
		$change->($id, { op => 'Set', attribute => 'members', value => ['u0000002', 'u0000009'] });
		is_deeply([sort @{$now->($id)->{members}}], ['u0000002', 'u0000009'], 'set as a whole');
		$change->($id, { op => 'Set', attribute => 'displayName', value => 'Renamed' });
		is_deeply([$now->($id)->{displayName}, sort @{$now->($id)->{members}}], ['Renamed', 'u0000002', 'u0000009'], 'a PUT keeps what it does not change');
		$r = invoke($config, 'std:account:create', { attributes => { displayName => 'renamed' } });
		like($r->{err}, qr/exists already/, 'a name that is taken');
		$r = invoke($config, 'std:account:list', { stateful => JSON::PP::true, state => $first->{state} });
		is($r->{exit}, 0, 'changes') or diag($r->{err});
		ok((grep { $_->{identity} eq $id } @{$r->{outputs}}), 'tell of what was made since');
		my $again = invoke($config, 'std:account:list', { stateful => JSON::PP::true, state => $r->{state} });
		cmp_ok($again->{records}, '<', 4, 'and then of no more than the newest');
		is(invoke($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'delete');
		like(invoke($config, 'std:account:read', { identity => $id })->{err}, qr/notFound/, 'is gone');
		stop('scim');
	};
	subtest 'the description for Atlassian, on a SCIM server of other hands' => sub {
		my $port = free_port();
		start('scim', qr/^ready/m, { BASCULE_TARGETS => targets(), PORT => $port, SEED => 250, GROUPS => 3, MAX => 100, TOKEN => 'scim-token-1',
		    MOUNT => '/scim/directory/dir-1', OWN_GROUPS => 1 }, 'node', root() . '/tests/targets/scimmy-server.mjs');
		$support::connector = 'atlassian';
		my $config = { baseUrl => "http://localhost:$port", directoryId => 'dir-1', apiKey => 'scim-token-1' };
		my $read = sub { return invoke($config, 'std:account:read', { identity => $_[0] })->{output} };
		is(invoke($config, 'std:test-connection')->{exit}, 0, 'the connection');
		is(invoke({ %$config, apiKey => 'other-token-2' }, 'std:test-connection')->{exit}, 77, 'another key');
		$r = invoke($config, 'std:account:list');
		is($r->{exit} . " $r->{records}", '0 250', 'a list of three pages') or diag($r->{err});
		is(invoke($config, 'std:entitlement:list', { type => 'group' })->{records}, 3, 'groups');
		$r = invoke($config, 'std:account:create', { attributes => { userName => 'new.one', email => 'new@acme.test', givenName => 'New',
		    familyName => 'One', groups => ['g0', 'g1'] } });
		is($r->{exit}, 0, 'create') or diag($r->{err});
		my $id = $r->{output}{identity};
		is_deeply([$read->($id)->{attributes}{email}, sort @{$read->($id)->{attributes}{groups}}], ['new@acme.test', 'g0', 'g1'], 'it is there');
		like(invoke($config, 'std:account:create', { attributes => { userName => 'new.one', email => 'x@acme.test' } })->{err}, qr/exists already/, 'twice');
		my $change = sub { my $c = invoke($config, 'std:account:update', { identity => $id, changes => [@_] }); is($c->{exit}, 0, 'update') or diag($c->{err}) };
		$change->({ op => 'Set', attribute => 'title', value => 'Lady' }, { op => 'Add', attribute => 'groups', value => 'g2' },
		    { op => 'Remove', attribute => 'groups', value => 'g0' });
		is_deeply([$read->($id)->{attributes}{title}, sort @{$read->($id)->{attributes}{groups}}], ['Lady', 'g1', 'g2'], 'set, added, removed');
		$change->({ op => 'Set', attribute => 'groups', value => ['g0'] });
		is_deeply($read->($id)->{attributes}{groups}, ['g0'], 'set as a whole');
		invoke($config, 'std:account:disable', { identity => $id });
		is($read->($id)->{disabled}, JSON::PP::true, 'disabled');
		invoke($config, 'std:account:enable', { identity => $id });
		is($read->($id)->{disabled}, JSON::PP::false, 'enabled');
		is(invoke($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'delete');
		is(invoke($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'and again');
		like(invoke($config, 'std:account:read', { identity => $id })->{err}, qr/notFound/, 'it is gone');
		stop('scim');
	};
}
done_testing();
