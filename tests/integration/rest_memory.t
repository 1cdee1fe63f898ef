#!/usr/bin/perl
# What a list by a description costs in memory does not depend on its length: the worker's peak at ten times the records.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use JSON::PP;
use Test::More;
use support;

use constant SLACK => 1.03;	# of the shorter list's peak

my $build = bascule() =~ m{^(.*)/bin/bascule$} ? $1 : root() . '/build';
$support::connector = "$build/tests/rest/practice";
my @users = (20_000, 200_000);
my %peak;

for my $n (@users) {
	my $port = free_port();
	start('practice', qr/^practice source/m, {}, bascule(), 'practice', '--port', $port, '--users', $n, '--groups', 20,
	    '--token', 'practice-token-1', '--die-with-parent');
	my $r = invoke({ baseUrl => "http://localhost:$port/scim/v2", token => 'practice-token-1' }, 'std:account:list', {},
	    '--receipt', scratch() . '/receipt.json');
	is($r->{exit}, 0, "a list of $n") or diag($r->{err});
	is($r->{records}, $n, 'with all of them');
	$peak{$n} = decode_json(slurp(scratch() . '/receipt.json'))->{maxRssBytes};
	cmp_ok($peak{$n}, '>', 1 << 20, "its worker's peak was told: $peak{$n} bytes");
	stop('practice');
}
cmp_ok($peak{$users[1]}, '<=', $peak{$users[0]} * SLACK, sprintf('ten times the records: %.1f %% more',
    100 * ($peak{$users[1]} / $peak{$users[0]} - 1)));
done_testing();
