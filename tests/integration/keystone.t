#!/usr/bin/perl
# The described Keystone connector against Keystone itself: each command changes the server, and the server is asked again.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use JSON::PP;
use Test::More;
use support;

my $script = root() . '/tests/targets/keystone.sh';
plan skip_all => 'machine: Keystone\'s packages cannot be had' if system("$script install >/dev/null 2>&1") != 0;

my ($place, $port) = (scratch() . '/keystone', free_port());
plan skip_all => 'machine: Keystone cannot be set up' if system("timeout 240 $script init $place $port >/dev/null 2>&1") != 0;
my $url = "http://127.0.0.1:$port/v3";
my $config = { baseUrl => $url, signIn => 'password', username => 'admin', password => 'adminpw1' };
$support::connector = 'keystone';
my ($r, $token);

# The server's own word, not by way of the connector.
sub curl {
	my ($method, $path, $body, @more) = @_;
	my $data = defined $body ? '--data-binary @' . spill('ask.json', $body) : '';
	return `curl -s -X $method -H 'X-Auth-Token: $token' -H 'Content-Type: application/json' @more $data '$url$path'`;
}
sub ask { return eval { decode_json(curl(@_)) } // {} }
sub login {
	my ($user, $password, $scope) = @_;
	my $body = spill('login.json', { auth => { identity => { methods => ['password'], password => { user => { name => $user,
	    domain => { id => 'default' }, password => $password } } }, scope => $scope // { system => { all => JSON::PP::true } } } });
	my $head = `curl -s -o /dev/null -D - -H 'Content-Type: application/json' --data-binary \@$body $url/auth/tokens`;
	return ($head =~ /^x-subject-token: (\S+)/mi ? $1 : undef);
}
sub signs_in { return `curl -s -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' --data-binary \@@{[spill('in.json',
    { auth => { identity => { methods => ['password'], password => { user => { id => $_[0], password => $_[1] } } } } })]} $url/auth/tokens` == 201 }
sub user { return ask('GET', "/users/$_[0]")->{user} }
sub groups_of { return [sort map { $_->{name} } @{ask('GET', "/users/$_[0]/groups")->{groups}}] }
sub begin { start('keystone', $port, {}, $script, 'serve', $place, $port); $token = login('admin', 'adminpw1') }

begin();
my %group = map { $_ => ask('POST', '/groups', { group => { name => $_ } })->{group}{id} } qw(one two three);

subtest 'provisioning' => sub {
	is(invoke($config, 'std:test-connection')->{exit}, 0, 'signed in by a token from a header');
	$r = invoke({ %$config, password => 'wrong-secret-9' }, 'std:test-connection');
	is($r->{exit}, 77, 'with a wrong password');
	unlike($r->{err}, qr/wrong-secret-9/, 'which is not told');
	$r = invoke($config, 'std:account:create', { attributes => { name => 'ada', email => 'ada@acme.test', password => 'first-secret-1',
	    groups => [@group{qw(one two)}] } });
	is($r->{exit}, 0, 'create') or diag($r->{err});
	my $id = $r->{output}{identity};
	is(user($id)->{email}, 'ada@acme.test', 'it is there');
	is_deeply(groups_of($id), ['one', 'two'], 'in its groups');
	ok(signs_in($id, 'first-secret-1'), 'with its password');
	unlike(slurp($r->{out}) . $r->{err}, qr/first-secret-1|adminpw1|gAAAAA/, 'neither password nor token comes out');

	my $again = { attributes => { name => 'ada', description => 'Countess', groups => [$group{three}] } };
	$r = invoke($config, 'std:account:create', $again);
	is($r->{exit}, 65, 'twice is refused');
	like($r->{err}, qr/exists already.*Duplicate entry found with name ada/s, 'as existing, in Keystone\'s words');
	$r = invoke($config, 'std:account:create', { attributes => { name => 'weak', password => 'x' } });
	like($r->{err}, qr/does not take it.*does not match the requirements/s, 'a rule of passwords is another thing');
	$r = invoke({ %$config, adopt => JSON::PP::true }, 'std:account:create', $again);
	is($r->{exit}, 0, 'or taken for what was to be made') or diag($r->{err});
	is($r->{output}{identity}, $id, 'the same user');
	is(user($id)->{description}, 'Countess', 'changed to what was asked for');

	my $change = sub { invoke($config, 'std:account:update', { identity => $id, changes => [@_] }) };
	my $project = ask('GET', '/projects')->{projects}[0]{id};
	my %role = map { $_->{name} => $_->{id} } @{ask('GET', '/roles')->{roles}};
	my $holds = sub { return curl('HEAD', "/projects/$project/users/$id/roles/$role{$_[0]}", undef, '--head', '-o', '/dev/null', '-w', "'%{http_code}'") == 204 };
	$r = $change->({ op => 'Set', attribute => 'email', value => 'ada@other.test' }, { op => 'Remove', attribute => 'description', value => 'Countess' },
	    { op => 'Remove', attribute => 'groups', value => $group{one} },
	    { op => 'Add', attribute => 'projectRoles', value => ["$project:$role{reader}", "$project:$role{member}"] });
	is($r->{exit}, 0, 'Set, Remove, Add') or diag($r->{err});
	is(user($id)->{email}, 'ada@other.test', 'is set');
	is(user($id)->{description}, undef, 'is cleared');
	is_deeply(groups_of($id), ['three', 'two'], 'is removed');
	ok($holds->('reader') && $holds->('member'), 'and added');
	$change->({ op => 'Set', attribute => 'groups', value => [@group{qw(one two)}] }, { op => 'Remove', attribute => 'projectRoles', value => "$project:$role{reader}" });
	is_deeply(groups_of($id), ['one', 'two'], 'Set of a list');
	ok(!$holds->('reader') && $holds->('member'), 'Remove of a role');
	like($change->({ op => 'Set', attribute => 'name', value => 'admin' })->{err}, qr/exists already/, 'a name of somebody else');
	like($change->({ op => 'Add', attribute => 'groups', value => 'none' })->{err}, qr/Could not find group/, 'a group that is not');

	is(invoke($config, 'std:account:disable', { identity => $id })->{output}{disabled}, JSON::PP::true, 'disable');
	ok(!user($id)->{enabled} && !signs_in($id, 'first-secret-1'), 'is so on the server');
	is(invoke($config, 'std:account:enable', { identity => $id })->{output}{disabled}, JSON::PP::false, 'enable');
	ok(signs_in($id, 'first-secret-1'), 'is so as well');
	signs_in($id, 'wrong') for 1 .. 3;
	ok(!signs_in($id, 'first-secret-1'), 'locked by three wrong passwords');
	is(invoke($config, 'std:account:unlock', { identity => $id })->{exit}, 0, 'unlock');
	ok(signs_in($id, 'first-secret-1'), 'lets in again');
	is(invoke($config, 'std:change-password', { identity => $id, password => 'second-secret-2' })->{exit}, 0, 'password');
	ok(signs_in($id, 'second-secret-2') && !signs_in($id, 'first-secret-1'), 'is changed');

	is(invoke($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'delete');
	is(user($id), undef, 'it is gone');
	is(invoke($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'deleted again it is deleted');
	like(invoke($config, 'std:account:read', { identity => $id })->{err}, qr/notFound/, 'and not found');
};

subtest 'an application credential' => sub {
	my $project = ask('GET', '/projects')->{projects}[0]{id};
	my ($admin) = map { $_->{id} } @{ask('GET', '/users?name=admin')->{users}};
	my $ours = $token;
	$token = login('admin', 'adminpw1', { project => { id => $project } });
	my $credential = ask('POST', "/users/$admin/application_credentials", { application_credential => { name => 'bascule' } })->{application_credential};
	$token = $ours;
	$r = invoke({ baseUrl => $url, signIn => 'application', credentialId => $credential->{id}, credentialSecret => $credential->{secret} }, 'std:test-connection');
	is($r->{exit}, 0, 'signs in too') or diag($r->{err});
};

my $users = 3000;
open(my $sql, '|-', $script, 'sql', $place) or die;
print $sql <<SQL;
BEGIN;
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<$users)
INSERT INTO user(id,extra,enabled,created_at,domain_id) SELECT printf('%032x',i+4096), json_object('email','seed'||i||'\@acme.test'), i%20<>0, datetime('now'),'default' FROM c;
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<$users)
INSERT INTO local_user(user_id,domain_id,name,failed_auth_count) SELECT printf('%032x',i+4096),'default',printf('seed%06d',i),0 FROM c;
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<40)
INSERT INTO "group"(id,domain_id,name,description,extra) SELECT printf('a%031x',i),'default','grp'||i,'seeded','{}' FROM c;
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<$users)
INSERT INTO user_group_membership(user_id,group_id) SELECT printf('%032x',i+4096), printf('a%031x',1+i%40) FROM c;
COMMIT;
SQL
close($sql);

subtest 'aggregation' => sub {
	$r = invoke($config, 'std:account:list');
	is($r->{exit}, 0, 'a list') or diag($r->{err});
	is($r->{records}, $users + 1, 'of all users, in one answer');
	my $out = slurp($r->{out});
	is(() = $out =~ /"disabled":true/g, $users / 20, 'some of them disabled');
	my ($line) = grep { /"name":"seed000007"/ } split(/\n/, $out);
	my $one = decode_json($line)->{data};
	is_deeply($one->{attributes}{groups}, [sprintf('a%031x', 8)], 'with its group, found from the groups\' side');
	is_deeply(invoke($config, 'std:account:read', { identity => $one->{identity} })->{output}, $one, 'read singly it is the same');
	is(invoke($config, 'std:entitlement:list', { type => 'group' })->{records}, 43, 'groups');
	is(invoke($config, 'std:entitlement:list', { type => 'project' })->{records}, 1, 'projects');
	is(invoke({ %$config, domainId => 'none' }, 'std:account:list')->{records}, 0, 'a domain of nobody');
	stop('keystone');
	system($script, 'limit', $place, 100);
	begin();
	$r = invoke($config, 'std:account:list');
	isnt($r->{exit}, 0, 'a list that the server cut off at 100 rows');
	like($r->{err}, qr/not complete: the source says that it left some out/, 'is an error and no list');
	is($r->{last}, 'error', 'to who reads it as well');
};
done_testing();
