#!/usr/bin/perl
# service.t -- bascule.service and bascule.socket as they are installed, under systemd as process 1.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../integration';
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);
use support;

plan(skip_all => 'machine: for a guest of tests/vm') if !$ENV{BASCULE_VM};
my $build = dirname(bascule()) . '/..';
my $installed = "$build/../installed";

sub sh { return system('sh', '-c', $_[0]) == 0 }

ok(sh("cp -a $installed/. / && mkdir -p /usr/lib/bascule/connectors/evil && cp $build/tests/evil/evil/* /usr/lib/bascule/connectors/evil/"),
    'it is installed');
my ($socket) = slurp('/usr/lib/systemd/system/bascule.socket') =~ /^ListenStream=(\S+)/m;
ok(sh('systemctl daemon-reload && systemctl start bascule.socket'), 'its socket listens');

sub ask {
	my (@args) = @_;
	open(my $fh, '-|', 'curl', '-sS', '-m', 120, '--unix-socket', $socket, @args) or die;
	local $/;
	return scalar <$fh> // '';
}

sub command {
	my ($attack) = @_;
	my $out = ask('-H', 'Accept: application/x-ndjson; verdict=1', '-H', 'Content-Type: application/json',
	    '-d', "{\"type\":\"evil:$attack\",\"config\":{},\"input\":{}}", 'http://localhost/v1/connectors/evil/invoke');
	my ($last) = $out =~ /([^\n]*)\n\z/;
	my $verdict = eval { decode_json($last // '')->{data} } // {};
	return { out => $out, %$verdict };
}

sub every_layer {
	my ($name) = @_;
	my $r = command('ok');
	is($r->{outcome}, 'ok', "$name: a command") or diag($r->{out}, `journalctl -u bascule.service -n 20 --no-pager`);
	is_deeply([map { "$_: " . ($r->{layers}{$_}{why} // $r->{layers}{$_}{state}) } grep { $r->{layers}{$_}{state} ne 'on' }
	    sort keys %{$r->{layers}}], [], "$name: every layer is on");
}

sub property { my ($p) = `systemctl show -p $_[0] --value bascule.service`; chomp($p); return $p }

every_layer('started by a connection');
my $group = '/sys/fs/cgroup' . property('ControlGroup');
is(slurp("$group/cgroup.procs"), '', 'the service has stepped aside');
my @mine = glob("$group/bascule-*");
is(scalar(@mine), 1, 'into one group of its own');
my $main = property('MainPID');
like(slurp("$mine[0]/launcher/cgroup.procs"), qr/^$main$/m, 'the front too');
like(command('ptrace')->{out}, qr/syscall.*ptrace|ptrace.*syscall/s, 'a hostile one dies of the filter');
every_layer('afterwards');

ok(sh('systemctl reload bascule.service'), 'it reloads');
every_layer('reloaded');

# Killed hard, it is started anew, and what it left is no hindrance.
kill('KILL', $main);
for (1 .. 200) {
	last if property('ActiveState') eq 'active' && property('MainPID') !~ /^(0|$main)$/;
	sleep(0.1);
}
isnt(property('MainPID'), $main, 'killed it is started anew');
every_layer('started anew');

# Its other half is what owns the groups.
my ($half) = map { chomp; $_ } `pgrep -f bascule-supervise`;
kill('KILL', $half) if $half;
for (1 .. 200) {
	sleep(0.1);
	last if property('ActiveState') eq 'active' && `pgrep -f bascule-supervise` !~ /^(|$half)$/m;
}
every_layer('its other half was killed');

ok(sh('systemctl stop bascule.service bascule.socket'), 'it stops');
is(property('Result'), 'success', 'well') or diag(`journalctl -u bascule.service -n 10 -o short-precise --no-pager; journalctl -k -n 10 -g seccomp --no-pager; dmesg | grep -i 1326`);
ok(!-d $group, 'and nothing is left of its group');

done_testing();
