#!/usr/bin/perl
# A description of Clerk's API as emulate serves it, written by connectors/rest/README.md alone, against that emulator: software of
# other hands that holds state.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use JSON::PP;
use Test::More;
use support;

my $script = root() . '/tests/targets/targets.sh';
for my $program (qw(node npm curl)) {
	plan skip_all => "machine: no $program" if system("command -v $program >/dev/null 2>&1") != 0;
}
plan skip_all => 'machine: the packages of emulate cannot be had' if system($script, 'install', 'emulate') != 0;

my $users = 230;
my $port = free_port();
my $key = 'sk_test_fixture_of_this_test';
my $seed = { tokens => { $key => { login => 'user0@acme.test', scopes => [] } }, clerk => {
	users => [map { { first_name => 'User', last_name => "$_", email_addresses => ["user$_\@acme.test"] } } 0 .. $users - 1],
	organizations => [map { { name => $_, slug => lc $_, members => [map { { email => "user$_\@acme.test", role => 'member' } } 0 .. 120] } } qw(One Two Three)] } };
start('clerk', $port, {}, 'node', '--require', root() . '/tests/targets/loopback.js',
    targets() . '/emulate/node_modules/emulate/dist/index.js', 'start', '--service', 'clerk', '--port', $port, '--seed', spill('seed.json', $seed));
my $build = $ENV{B} // root() . '/build';
$build = root() . "/$build" if $build !~ m{^/};
$support::connector = "$build/tests/rest/clerk";
my $config = { baseUrl => "http://127.0.0.1:$port", secretKey => $key };
my $r;
sub read_back { return invoke($config, 'std:account:read', { identity => $_[0] })->{output} }

cmp_ok(join('', map { slurp(root() . "/tests/rest/clerk/$_.json") } qw(rest connector-spec)) =~ tr/\n//, '<', 150, 'the whole of it is under 150 lines');
is(invoke($config, 'std:test-connection')->{exit}, 0, 'the connection');
$r = invoke($config, 'std:account:list');
is($r->{exit}, 0, 'a list of three pages') or diag($r->{err});
cmp_ok($r->{records}, '>=', $users, 'of all users');
my %ids = map { $_ => 1 } slurp($r->{out}) =~ /"key":\{"simple":\{"id":"([^"]+)"\}\}/g;
is(scalar keys %ids, $r->{records}, 'each once');
$r = invoke($config, 'std:entitlement:list', { type => 'organization' });
my %org = map { $_->{attributes}{name} => $_->{identity} } @{$r->{outputs}};
ok($org{One} && $org{Two} && $org{Three}, 'organisations');
is(invoke($config, 'std:entitlement:read', { type => 'organization', identity => $org{Two} })->{output}{attributes}{name}, 'Two', 'one of them');

$r = invoke($config, 'std:account:create', { attributes => { email => 'new@acme.test', firstName => 'New', lastName => 'One', password => 'Secret-to-set-1',
    organizations => [$org{One}] } });
is($r->{exit}, 0, 'create') or diag($r->{err});
my $id = $r->{output}{identity};
unlike(slurp($r->{out}) . $r->{err}, qr/Secret-to-set-1/, 'its password is nowhere');
is_deeply([@{read_back($id)->{attributes}}{qw(email firstName)}], ['new@acme.test', 'New'], 'it is there');
is_deeply(read_back($id)->{attributes}{organizations}, [$org{One}], 'and a member');
sub verified { return decode_json(scalar `curl -s -X POST -H 'Authorization: Bearer $key' -H 'Content-Type: application/json' -d '{"password":"$_[0]"}' http://127.0.0.1:$port/v1/users/$id/verify_password`)->{verified} }
ok(verified('Secret-to-set-1'), 'with the password that was given');
my $change = sub { my $c = invoke($config, 'std:account:update', { identity => $id, changes => [@_] }); is($c->{exit}, 0, 'update') or diag($c->{err}) };
$change->({ op => 'Set', attribute => 'lastName', value => 'Other' }, { op => 'Set', attribute => 'email', value => 'newer@acme.test' },
    { op => 'Add', attribute => 'organizations', value => [$org{One}, $org{Two}] });
is_deeply([@{read_back($id)->{attributes}}{qw(firstName lastName email)}], ['New', 'Other', 'newer@acme.test'], 'set, and nothing else');
is_deeply([sort @{read_back($id)->{attributes}{organizations}}], [sort @org{qw(One Two)}], 'added');
$change->({ op => 'Remove', attribute => 'organizations', value => $org{One} });
is_deeply(read_back($id)->{attributes}{organizations}, [$org{Two}], 'removed');
$change->({ op => 'Set', attribute => 'organizations', value => [@org{qw(One Three)}] });
is_deeply([sort @{read_back($id)->{attributes}{organizations}}], [sort @org{qw(One Three)}], 'set as a whole');
is(invoke($config, 'std:account:disable', { identity => $id })->{output}{disabled}, JSON::PP::true, 'disable');
is(read_back($id)->{disabled}, JSON::PP::true, 'is so on the source');
is(invoke($config, 'std:account:enable', { identity => $id })->{output}{disabled}, JSON::PP::false, 'enable');
system('curl', '-s', '-o', '/dev/null', '-X', 'POST', '-H', "Authorization: Bearer $key", "http://127.0.0.1:$port/v1/users/$id/lock");
is(read_back($id)->{locked}, JSON::PP::true, 'one that was locked');
is(invoke($config, 'std:account:unlock', { identity => $id })->{output}{locked}, JSON::PP::false, 'unlock');
is(read_back($id)->{locked}, JSON::PP::false, 'is so on the source');
is(invoke($config, 'std:change-password', { identity => $id, password => 'An0ther-secret-2' })->{exit}, 0, 'password');
ok(verified('An0ther-secret-2') && !verified('Secret-to-set-1'), 'is the new one');
is(invoke($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'delete');
is(invoke($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'and again');
like(invoke($config, 'std:account:read', { identity => $id })->{err}, qr/notFound/, 'it is gone');
done_testing();
