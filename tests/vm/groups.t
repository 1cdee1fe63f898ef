#!/usr/bin/perl
# groups.t -- a control group for each worker on a host that has the unified tree alone and systemd as process 1: found and
# used without configuration, in a unit, in a user's unit, in a scope of a user's own session, and in bascule.service.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../integration';
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);
use support;

plan(skip_all => 'machine: for a guest of tests/vm') if !$ENV{BASCULE_VM};
my $tree = '/sys/fs/cgroup';
plan(skip_all => 'machine: no unified tree of control groups') if !-e "$tree/cgroup.controllers";

my $connector = dirname(bascule()) . '/../tests/evil/evil/evil';
$ENV{BASCULE_CONNECTORS} = scratch() . '/connectors';	# one is enough for a doctor where processors are emulated
system('sh', '-c', "mkdir $ENV{BASCULE_CONNECTORS} && cp -r ${\(dirname(bascule()))}/../connectors/scim $ENV{BASCULE_CONNECTORS}/");
chmod(0755, scratch());
my $uid = 1000;
my $memory = 128 << 20;
my $slack = 24 << 20;		# launcher/core/cgroup.c
my %ways = (
	unit => [qw(systemd-run -q --wait --pipe --collect -p Delegate=yes)],
	'unit of a user' => [qw(systemd-run -q --wait --pipe --collect -p Delegate=yes -p User=someone)],
	'scope of a session' => ['setpriv', "--reuid=$uid", "--regid=$uid", '--clear-groups', 'env', "XDG_RUNTIME_DIR=/run/user/$uid",
	    qw(systemd-run -q --user --scope --collect -p Delegate=yes)],
	# Not every host passes a processor on to users.
	'unit without cpu' => [qw(systemd-run -q --wait --pipe --collect), '-p', 'Delegate=memory pids'],
);

# A kernel that has not all that strict needs.
my ($major, $minor) = (POSIX::uname())[2] =~ /^(\d+)\.(\d+)/;
my @less = $major * 1000 + $minor >= 5013 ? () : ('--sandbox', 'container', '--without', 'landlock');

sub request {
	my ($attack) = @_;
	my $file = spill('request.json', { type => "evil:$attack", config => {}, input => {} });
	chmod(0644, $file);
	return $file;
}

# begin(way, program...): its pid; its output in scratch.
sub begin {
	my ($way, $in, @command) = @_;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDIN, '<', $in);
		open(STDOUT, '>', scratch() . '/out');
		open(STDERR, '>', scratch() . '/err');
		exec(@{$ways{$way}}, @command) or POSIX::_exit(127);
	}
	return $pid;
}

sub end {
	my ($pid) = @_;
	waitpid($pid, 0);
	my $exit = $? >> 8;
	my ($last) = slurp(scratch() . '/out') =~ /([^\n]*)\n\z/;
	my $verdict = eval { decode_json($last // '')->{data} } // {};
	return { exit => $exit, out => slurp(scratch() . '/out'), err => slurp(scratch() . '/err'), %$verdict };
}

sub invoke_in {
	my ($way, $attack, @args) = @_;
	return begin($way, request($attack), bascule(), 'invoke', $connector, '--verdict', '--timeout', '60s',
	    '--limit', "memory=${\($memory >> 20)}m", @less, @args);
}

sub groups { return grep { -d } map { chomp; $_ } `find $tree -type d -name 'bascule-*-*-*' 2>/dev/null` }

# The group of a worker that hangs: its folder.
sub worker_group {
	my ($launcher) = @_;
	for (1 .. 600) {
		return undef if waitpid($launcher, POSIX::WNOHANG) != 0;
		for my $folder (glob(join(' ', map { "$_/w*" } groups()))) {
			return $folder if slurp("$folder/cgroup.procs") =~ /\d/;
		}
		sleep(0.1);
	}
	return undef;
}

sub look {
	my ($way) = @_;
	my $launcher = invoke_in($way, 'hang', '--require', 'cgroup');
	my $folder = worker_group($launcher);
	ok($folder, "$way: a worker is in a group of its own") or do { kill('TERM', $launcher); diag(explain(end($launcher))); return };
	my ($pid) = slurp("$folder/cgroup.procs") =~ /^(\d+)\n\z/;
	ok($pid, "$way: alone");
	is(slurp("$folder/memory.max"), $memory + $slack . "\n", "$way: memory.max");
	# A kernel without swap has no such file.
	is(slurp("$folder/memory.swap.max"), "0\n", "$way: no swap") if -e "$folder/memory.swap.max";
	is(slurp("$folder/pids.max"), "1\n", "$way: pids.max");
	if ($way eq 'unit without cpu') {
		ok(!-e "$folder/cpu.max", "$way: cpu.max cannot be had");
	} else {
		is(slurp("$folder/cpu.max"), "100000 100000\n", "$way: cpu.max");
	}
	my $of = slurp("/proc/$pid/cgroup");
	my ($base) = $of =~ m{^0::(/.*)/bascule-[^/]*/w\d+$}m;
	like($base, $way =~ /session/ ? qr{^/user\.slice/.*\.scope$} : qr{^/system\.slice/}, "$way: below the group that was delegated");
	if (-e "$folder/cgroup.kill") {
		ok(cgroup_kill($folder), "$way: cgroup.kill is written");
		my $r = end($launcher);
		is($r->{layers}{cgroup}{state}, 'on', "$way: the receipt says so");
		like($r->{cause} // '', qr/signal:KILL/, "$way: the group's own switch ends the worker") or diag(explain($r));
	} else {
		kill('TERM', $pid);
		end($launcher);
	}
	my @left = groups();
	is_deeply(\@left, [], "$way: nothing of it is left");
}

sub cgroup_kill {
	open(my $fh, '>', "$_[0]/cgroup.kill") or return 0;
	my $ok = syswrite($fh, '1');
	return close($fh) && $ok;
}

for my $way (sort keys %ways) {
	look($way);
	my $r = end(invoke_in($way, 'ok'));
	is($r->{exit}, 0, "$way: a command") or diag(explain($r));
	is_deeply([grep { $r->{layers}{$_}{state} ne (@less && /namespaces|landlock/ ? 'waived' : 'on') } sort keys %{$r->{layers}}], [], "$way: every layer is on that the kernel can");
	my $d = end(begin($way, '/dev/null', bascule(), 'doctor', '--json', '--require', 'cgroup', @less));
	my $json = eval { decode_json($d->{out}) } // {};
	ok($json->{holds}, "$way: doctor finds that it can be had") or diag($d->{out}, $d->{err});
	is_deeply([groups()], [], "$way: and cleans up");
}

# Somebody else in the group that we are in: groups cannot be had, and are not needed unless they are required.
my $shell = "${\bascule()} invoke $connector --verdict @less";
my $r = end(begin('unit', request('ok'), 'sh', '-c', "$shell; exit \$?"));
is($r->{exit}, 0, 'beside a shell: a command all the same') or diag($r->{err});
is($r->{layers}{cgroup}{state}, 'absent', 'without a group');
is_deeply([groups()], [], 'nothing is left of the attempt');
like($r->{layers}{cgroup}{why} // '', qr/other processes are in this group/, 'and why');
$r = end(begin('unit', request('ok'), 'sh', '-c', "$shell --require cgroup; exit \$?"));
is($r->{exit}, 81, 'required it fails closed');
like($r->{out} . $r->{err}, qr/cgroup: .*Delegate=yes/, 'and says what to do');
is_deeply([groups()], [], 'nothing is left, though a broker and a nursery had been moved');
# That shell moves aside, what it starts too: then that place is ours.
my $aside = spill('aside.sh', "g=$tree\$(cut -d: -f3 /proc/self/cgroup)\nmkdir \$g/shell \$g/inner\necho \$\$ >\$g/shell/cgroup.procs\n"
    . "echo '+memory +pids' >\$g/cgroup.subtree_control\nsh -c \"echo \\\$\\\$ >\$g/inner/cgroup.procs; exec $shell --require cgroup\"\n");
$r = end(begin('unit', request('ok'), 'sh', $aside));
is($r->{exit}, 0, 'a shell that moved aside') or diag($r->{out}, $r->{err});
is($r->{layers}{cgroup}{state}, 'on', 'leaves the group to us');

done_testing();
