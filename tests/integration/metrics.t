#!/usr/bin/perl
# metrics.t -- the page of figures, as Prometheus's own tool reads it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use support;
use Test::More;

my $promtool = qx(sh ${\root()}/tests/targets/promtool.sh 2>/dev/null);
chomp($promtool);
plan skip_all => 'machine: promtool cannot be had' if $promtool eq '' || !-x $promtool;
plan skip_all => 'machine: no curl' if system('command -v curl >/dev/null') != 0;

my $socket = scratch() . '/socket';
start('serve', qr/"event":"listening"/, {}, bascule(), 'serve', '--listen', "unix:$socket");
my $page = scratch() . '/page';

sub told {
	my ($when) = @_;
	is(system("curl -sS -m 10 --unix-socket $socket -o $page http://localhost/metrics"), 0, "$when: there is a page");
	my $said = qx($promtool check metrics <$page 2>&1);
	is($?, 0, "$when: promtool finds no fault") or diag($said);
	is($said, '', "$when: and has nothing to advise");
}

told('before any call');
for my $type ('std:spec:read', 'std:account:list', 'no such "command"\\') {
	my $body = spill('body.json', { type => $type, config => {}, input => {} });
	system("curl -sS -m 30 --unix-socket $socket -o /dev/null -H 'Content-Type: application/json' -d \@$body "
	    . 'http://localhost/v1/connectors/scim/invoke');
}
told('after some');
stop('serve');
done_testing();
