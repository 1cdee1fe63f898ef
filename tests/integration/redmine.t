#!/usr/bin/perl
# The described Redmine connector against Redmine itself: each command changes the server, and the server is asked again.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use JSON::PP;
use Test::More;
use support;

my $script = root() . '/tests/targets/redmine.sh';
plan skip_all => 'machine: Redmine\'s packages cannot be had' if system("$script install >/dev/null 2>&1") != 0;

my $place = scratch() . '/redmine';
plan skip_all => 'machine: Redmine cannot be set up' if system("timeout 240 $script init $place >/dev/null 2>&1") != 0;
my $port = free_port();
start('redmine', $port, {}, $script, 'serve', $place, $port);
my ($key) = slurp("$place/apikey") =~ /^(\w+)/;
my $config = { baseUrl => "http://127.0.0.1:$port", apiKey => $key };
$support::connector = 'redmine';
my $r;

# The server's own word, not by way of the connector.
sub ask {
	my ($method, $path, $body) = @_;
	my $data = defined $body ? '--data-binary @' . spill('ask.json', $body) : '';
	my $text = `curl -s -X $method -H 'X-Redmine-API-Key: $key' -H 'Content-Type: application/json' $data 'http://127.0.0.1:$port$path'`;
	return eval { decode_json($text) } // {};
}
sub user { return ask('GET', "/users/$_[0].json?include=groups")->{user} }
sub groups_of { return [sort map { $_->{id} } @{user($_[0])->{groups}}] }
sub signs_in { my ($login, $password) = @_; return `curl -s -o /dev/null -w '%{http_code}' -u '$login:$password' http://127.0.0.1:$port/users/current.json` == 200 }

my @groups = map { ask('POST', '/groups.json', { group => { name => $_ } })->{group}{id} } qw(one two three);

subtest 'provisioning' => sub {
	is(invoke($config, 'std:test-connection')->{exit}, 0, 'the connection');
	is(invoke({ %$config, apiKey => 'wrong' }, 'std:test-connection')->{exit}, 77, 'with a wrong key');
	$r = invoke($config, 'std:account:create', { attributes => { login => 'ada', mail => 'ada@acme.test', firstname => 'Ada',
	    lastname => 'L', password => 'first-secret-1', groups => ["$groups[0]", "$groups[1]"] } });
	is($r->{exit}, 0, 'create') or diag($r->{err});
	my $id = $r->{output}{identity};
	is(user($id)->{login}, 'ada', 'it is there');
	is_deeply(groups_of($id), [@groups[0, 1]], 'in its groups');
	ok(signs_in('ada', 'first-secret-1'), 'with its password');
	my $api_key = user($id)->{api_key};
	unlike(slurp($r->{out}) . $r->{err}, qr/first-secret-1|$api_key|\Q$key\E/, 'no secret comes out: neither password nor API key');

	my $again = { attributes => { login => 'ada', mail => 'ada2@acme.test', firstname => 'Ada', lastname => 'Lovelace' } };
	$r = invoke($config, 'std:account:create', $again);
	is($r->{exit}, 65, 'twice is refused');
	like($r->{err}, qr/exists already.*Login has already been taken/s, 'as existing, in Redmine\'s words');
	$r = invoke($config, 'std:account:create', { attributes => { login => 'x' } });
	like($r->{err}, qr/does not take it.*cannot be blank/s, 'what is incomplete is another thing');
	$r = invoke({ %$config, adopt => JSON::PP::true }, 'std:account:create', $again);
	is($r->{exit}, 0, 'or taken for what was to be made') or diag($r->{err});
	is($r->{output}{identity}, $id, 'the same user');
	is(user($id)->{lastname}, 'Lovelace', 'changed to what was asked for');

	my $change = sub { invoke($config, 'std:account:update', { identity => $id, changes => [@_] }) };
	$r = $change->({ op => 'Set', attribute => 'firstname', value => 'Augusta' },
	    { op => 'Add', attribute => 'groups', value => ["$groups[0]", "$groups[2]"] });
	is($r->{exit}, 0, 'Set, and Add of a group it has and one it has not') or diag($r->{err});
	is(user($id)->{firstname}, 'Augusta', 'is set');
	is(user($id)->{lastname}, 'Lovelace', 'and nothing else');
	is_deeply(groups_of($id), [@groups], 'is added');
	$change->({ op => 'Remove', attribute => 'groups', value => "$groups[1]" });
	is_deeply(groups_of($id), [@groups[0, 2]], 'Remove');
	$change->({ op => 'Set', attribute => 'groups', value => ["$groups[1]"] });
	is_deeply(groups_of($id), [$groups[1]], 'Set of a list');
	$r = $change->({ op => 'Set', attribute => 'mail', value => 'admin@example.net' });
	like($r->{err}, qr/exists already/, 'an address of somebody else');

	$r = invoke($config, 'std:account:disable', { identity => $id });
	is($r->{output}{disabled}, JSON::PP::true, 'disable');
	is(user($id)->{status}, 3, 'locks');
	$r = invoke($config, 'std:account:enable', { identity => $id });
	is(user($id)->{status}, 1, 'enable');
	invoke($config, 'std:account:disable', { identity => $id });
	is(invoke($config, 'std:account:unlock', { identity => $id })->{output}{disabled}, JSON::PP::false, 'unlock');
	is(invoke($config, 'std:change-password', { identity => $id, password => 'second-secret-2' })->{exit}, 0, 'password');
	ok(signs_in('ada', 'second-secret-2') && !signs_in('ada', 'first-secret-1'), 'is changed');
	$r = invoke($config, 'std:change-password', { identity => $id, password => 'abc12' });
	ok($r->{exit} == 65 && $r->{err} =~ /too short/ && $r->{err} !~ /abc12/, 'or refused, in Redmine\'s words');

	is(invoke($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'delete');
	is(user($id), undef, 'it is gone');
	is(invoke($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'deleted again it is deleted');
	like(invoke($config, 'std:account:read', { identity => $id })->{err}, qr/notFound/, 'and not found');
};

# Users, every tenth of them locked, every fifteenth registered, in ten groups.
my $users = 455;
open(my $sql, '|-', $script, 'sql', $place) or die;
print $sql <<SQL;
BEGIN;
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<$users)
INSERT INTO users(id,login,firstname,lastname,admin,status,language,type,created_on,updated_on,mail_notification,hashed_password)
SELECT 100000+i,printf('seed%06d',i),'Seed','User'||i,0,CASE WHEN i%10=0 THEN 3 WHEN i%15=0 THEN 2 ELSE 1 END,'en','User',datetime('now'),datetime('now'),'only_my_events','' FROM c;
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<10)
INSERT INTO users(id,login,firstname,lastname,admin,status,type,mail_notification,hashed_password)
SELECT 90000+i,'','','Group'||i,0,1,'Group','','' FROM c;
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<$users)
INSERT INTO groups_users(group_id,user_id) SELECT 90001+i%10,100000+i FROM c;
COMMIT;
SQL
close($sql);

subtest 'aggregation' => sub {
	$r = invoke($config, 'std:account:list');
	is($r->{exit}, 0, 'a list') or diag($r->{err});
	is($r->{records}, $users + 1, 'of all users, the locked ones among them');
	my $out = slurp($r->{out});
	my $locked = () = $out =~ /"status":"3".*"disabled":true/g;
	my $registered = () = $out =~ /"status":"2".*"disabled":true/g;
	is($locked, int($users / 10), 'those are disabled');
	is($registered, int($users / 15) - int($users / 30), 'and so are those that never were active');
	is(() = $out =~ /"disabled":true/g, $locked + $registered, 'and nobody else');
	unlike($out, qr/api_key|passwd|twofa/, 'only what the schema names');
	my ($line) = grep { /"login":"seed000010"/ } split(/\n/, $out);
	my $one = decode_json($line)->{data};
	is_deeply($one->{attributes}{groups}, ['90001'], 'with its group, found from the groups\' side');
	is_deeply(invoke($config, 'std:account:read', { identity => $one->{identity} })->{output}, $one, 'read singly it is the same');
	is(invoke($config, 'std:entitlement:list', { type => 'group' })->{records}, 13, 'groups');
	is(invoke($config, 'std:entitlement:read', { type => 'group', identity => '90001' })->{output}{attributes}{name}, 'Group1', 'one of them');
};
done_testing();
