#!/usr/bin/perl
# The described Okta connector against emulate, a stateful emulator by other hands.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use JSON::PP;
use Test::More;
use support;

my $script = root() . '/tests/targets/targets.sh';
for my $program (qw(node npm)) {
	plan skip_all => "machine: no $program" if system("command -v $program >/dev/null 2>&1") != 0;
}
plan skip_all => 'machine: the packages of emulate cannot be had' if system($script, 'install', 'emulate') != 0;

my $users = 95;
my $port = free_port();
my $seed = { tokens => { 'okta-admin-1' => { login => 'user0@acme.test', scopes => [] } }, okta => {
	users => [map { { login => "user$_\@acme.test", email => "user$_\@acme.test", first_name => 'User', last_name => "$_",
	    status => $_ % 10 == 9 ? 'SUSPENDED' : 'ACTIVE' } } 0 .. $users - 1],
	groups => [{ name => 'Everyone', type => 'BUILT_IN', okta_id => '00g_everyone' }, { name => 'Engineering',
	    type => 'OKTA_GROUP', okta_id => '00g_eng', description => 'eng' }, { name => 'Sales', type => 'OKTA_GROUP',
	    okta_id => '00g_sales' }] } };
start('okta', $port, {}, 'node', '--require', root() . '/tests/targets/loopback.js',
    targets() . '/emulate/node_modules/emulate/dist/index.js', 'start', '--service', 'okta', '--port', $port,
    '--seed', spill('seed.json', $seed));
my $config = { baseUrl => "http://127.0.0.1:$port", apiToken => 'okta-admin-1' };
$support::connector = 'okta';
my $r;

sub read_back { return invoke($config, 'std:account:read', { identity => $_[0] })->{output} }

is(invoke($config, 'std:test-connection')->{exit}, 0, 'the connection');
$r = invoke($config, 'std:account:list');
is($r->{exit}, 0, 'a list over Link pages') or diag($r->{err});
# The emulator has one user of its own.
is($r->{records}, $users + 1, 'every user');
my %ids = map { $_ => 1 } slurp($r->{out}) =~ /"key":\{"simple":\{"id":"([^"]+)"\}\}/g;
is(scalar keys %ids, $users + 1, 'each once');
is((() = slurp($r->{out}) =~ /"disabled":true/g), 9, 'suspended ones are disabled');
is(invoke($config, 'std:entitlement:list', { type => 'group' })->{records}, 3, 'groups');
is(invoke($config, 'std:entitlement:read', { type => 'group', identity => '00g_eng' })->{output}{attributes}{name}, 'Engineering', 'one group');

$r = invoke($config, 'std:account:create', { attributes => { login => 'new@acme.test', firstName => 'New', lastName => 'One',
    password => 'Secret-to-set-1' } });
is($r->{exit}, 0, 'create') or diag($r->{err});
my $id = $r->{output}{identity};
is($r->{output}{attributes}{email}, 'new@acme.test', 'the address is the login where none was given');
unlike(slurp($r->{out}) . $r->{err}, qr/Secret-to-set-1/, 'its password is nowhere');
$r = invoke($config, 'std:account:create', { attributes => { login => 'new@acme.test', firstName => 'New', lastName => 'One' } });
is($r->{exit}, 65, 'twice is refused');
like($r->{err}, qr/exists already.*A user with the same login/s, 'in Okta\'s words');

my $change = sub { invoke($config, 'std:account:update', { identity => $id, changes => [@_] }) };
$r = $change->({ op => 'Set', attribute => 'lastName', value => 'Other' }, { op => 'Add', attribute => 'groups',
    value => ['00g_eng', '00g_sales'] });
is($r->{exit}, 0, 'update') or diag($r->{err});
is(read_back($id)->{attributes}{lastName}, 'Other', 'set');
is(read_back($id)->{attributes}{firstName}, 'New', 'and nothing else');
my %has = map { $_ => 1 } @{read_back($id)->{attributes}{groups}};
ok($has{'00g_eng'} && $has{'00g_sales'}, 'added to both groups');
$change->({ op => 'Remove', attribute => 'groups', value => '00g_eng' });
%has = map { $_ => 1 } @{read_back($id)->{attributes}{groups}};
ok(!$has{'00g_eng'} && $has{'00g_sales'}, 'removed from one');
my @keep = grep { $_ ne '00g_sales' } keys %has;
$change->({ op => 'Set', attribute => 'groups', value => [@keep, '00g_eng'] });
%has = map { $_ => 1 } @{read_back($id)->{attributes}{groups}};
ok($has{'00g_eng'} && !$has{'00g_sales'}, 'set as a whole');

is(invoke($config, 'std:account:disable', { identity => $id })->{output}{attributes}{status}, 'SUSPENDED', 'disable suspends');
is(invoke($config, 'std:account:enable', { identity => $id })->{output}{disabled}, JSON::PP::false, 'enable');
is(invoke($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'delete');
like(invoke($config, 'std:account:read', { identity => $id })->{err}, qr/notFound/, 'it is gone');
is(invoke($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'deleted again it is deleted');
done_testing();
