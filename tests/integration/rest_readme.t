#!/usr/bin/perl
# The connector that connectors/rest/README.md writes from start to finish: taken out of the page and run, every command of it.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use JSON::PP;
use Test::More;
use support;

my ($tour) = slurp(root() . '/connectors/rest/README.md') =~ /^## A new system(.*)/ms or die 'no such part';
my ($spec, $description) = $tour =~ /^```json\n(.*?)^```$/msg;
my ($shell) = $tour =~ /^```sh\n(.*?)^```$/ms;
cmp_ok(($spec . $description) =~ tr/\n//, '<', 150, 'both files together are under 150 lines');
my $dir = scratch() . '/practice-directory';
mkdir($dir);
chmod(0755, scratch(), $dir);
spill('practice-directory/connector-spec.json', $spec);
spill('practice-directory/rest.json', $description);

# Its commands, but with a port that is free and a bascule that need not be installed.
my $port = free_port();
start('practice', qr/^practice source/m, {}, bascule(), 'practice', '--port', $port, '--token', 'practice', '--die-with-parent');
my $run = 0;
for my $line (split(/\n/, $shell)) {
	next if $line =~ /^bascule practice/;
	my $with = $line =~ s/8480/$port/gr;
	$with =~ s{^bascule}{bascule()}e;
	my $out = `cd @{[scratch()]} && $with 2>&1`;
	is($? >> 8, 0, $line) or diag($out);
	$run++;
}
is($run, 4, 'all of them');

$support::connector = $dir;
my $config = { baseUrl => "http://localhost:$port/scim/v2", token => 'practice' };
my $read = sub { return invoke($config, 'std:account:read', { identity => $_[0] })->{output} };
is(invoke($config, 'std:account:list')->{records}, 1000, 'list');
my @groups = map { $_->{identity} } @{invoke($config, 'std:entitlement:list', { type => 'group' })->{outputs}}[0 .. 2];
is(invoke($config, 'std:entitlement:read', { type => 'group', identity => $groups[0] })->{output}{identity}, $groups[0], 'an entitlement');
my $made = invoke($config, 'std:account:create', { attributes => { userName => 'new.one', displayName => 'New', email => 'new@acme.test',
    password => 'S3cret-to-set', groups => [$groups[0]] } });
is($made->{exit}, 0, 'create') or diag($made->{err});
my $id = $made->{output}{identity};
is_deeply([@{$read->($id)->{attributes}}{qw(userName displayName email)}], ['new.one', 'New', 'new@acme.test'], 'it is there');
is_deeply($read->($id)->{attributes}{groups}, [$groups[0]], 'in its group');
is(invoke($config, 'std:account:update', { identity => $id, changes => [{ op => 'Set', attribute => 'displayName', value => 'Newer' },
    { op => 'Add', attribute => 'groups', value => $groups[1] }, { op => 'Remove', attribute => 'groups', value => $groups[0] }] })->{exit}, 0, 'update');
is($read->($id)->{attributes}{displayName}, 'Newer', 'set');
is_deeply($read->($id)->{attributes}{groups}, [$groups[1]], 'added and removed');
is(invoke($config, 'std:account:update', { identity => $id, changes => [{ op => 'Set', attribute => 'groups', value => [@groups[0, 2]] }] })->{exit}, 0, 'Set');
is_deeply([sort @{$read->($id)->{attributes}{groups}}], [sort @groups[0, 2]], 'as a whole');
is(invoke($config, 'std:account:disable', { identity => $id })->{output}{disabled}, JSON::PP::true, 'disable');
is(invoke($config, 'std:account:enable', { identity => $id })->{output}{disabled}, JSON::PP::false, 'enable');
is(invoke($config, 'std:change-password', { identity => $id, password => 'An0ther-secret' })->{exit}, 0, 'password');
like(invoke($config, 'std:account:create', { attributes => { userName => 'new.one' } })->{err}, qr/exists already/, 'taken');
is(invoke($config, 'std:account:delete', { identity => $id })->{exit}, 0, 'delete');
like(invoke($config, 'std:account:read', { identity => $id })->{err}, qr/notFound/, 'gone');
done_testing();
