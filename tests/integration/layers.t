#!/usr/bin/perl
# layers.t -- a worker's layers, looked at from outside while it lives, as root and as nobody,
# with all of them and with fewer.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);
use support;

my $b = dirname(bascule()) . '/..';
my $connector = "$b/tests/evil/evil/evil";
plan(skip_all => 'machine: needs make evil-connectors') if !-x $connector;

sub drop {
	$) = '65534 65534';
	$( = 65534;
	POSIX::setuid(65534);
}

# begin(prepare, attack, arguments...): the launcher's pid, and a descriptor of its request's end.
sub begin {
	my ($prepare, $attack, @args) = @_;
	my $request = spill('request.json', { type => "evil:$attack", config => {}, input => {} });
	my ($out, $err) = (scratch() . '/layers.out', scratch() . '/layers.err');
	chmod(0644, $request);
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDIN, '<', $request);
		open(STDOUT, '>', $out);
		open(STDERR, '>', $err);
		umask(022);
		$prepare->() if $prepare;
		exec(bascule(), 'invoke', $connector, '--verdict', @args) or POSIX::_exit(127);
	}
	return $pid;
}

sub end {
	my ($pid) = @_;
	waitpid($pid, 0);
	my $exit = $? >> 8;
	my ($last) = slurp(scratch() . '/layers.out') =~ /([^\n]*)\n\z/;
	my $verdict = eval { decode_json($last // '')->{data} } // {};
	return { exit => $exit, err => slurp(scratch() . '/layers.err'), %$verdict };
}

sub once { return end(begin(@_)) }

# The worker of this launcher: its child, first of a pid namespace or under one filter more than a nursery.
sub worker {
	my ($launcher) = @_;
	for (1 .. 200) {
		my %of;
		for my $pid (grep { /^\d+$/ } map { s{/proc/}{}r } glob('/proc/[0-9]*')) {
			my $status = slurp("/proc/$pid/status");
			next if $status !~ /^PPid:\t$launcher$/m || $status !~ /^Name:\tevil$/m;
			$of{$pid} = $status;
		}
		# Both are the launcher's children; the worker's limit of processes is 0.
		for my $pid (keys %of) {
			return $pid if slurp("/proc/$pid/limits") =~ /^Max processes +0 +0 /m;
		}
		sleep(0.05);
	}
	return 0;
}

sub nursery_of {
	my ($launcher, $worker) = @_;
	for my $pid (grep { /^\d+$/ } map { s{/proc/}{}r } glob('/proc/[0-9]*')) {
		next if $pid == $worker;
		my $status = slurp("/proc/$pid/status");
		return $pid if $status =~ /^PPid:\t$launcher$/m && $status =~ /^Name:\tevil$/m;
	}
	return 0;
}

my %limits = ('cpu time' => 7, 'file size' => 0, 'data size' => 128 << 20, 'stack size' => 8 << 20, 'core file size' => 0,
    processes => 0, 'open files' => 64, 'locked memory' => 0, 'address space' => 640 << 20, 'pending signals' => 64,
    'msgqueue size' => 0, 'realtime priority' => 0);
my @spaces = qw(user mnt net ipc uts cgroup time pid);

# look(name, prepare, own namespaces?, arguments...): everything that can be seen of a worker from outside.
sub look {
	my ($name, $prepare, $spaces, @args) = @_;
	my $launcher = begin($prepare, 'hang', '--timeout', '20s', '--limit', 'memory=128m', '--limit', 'cpu=7s', @args);
	my $pid = worker($launcher);
	ok($pid, "$name: there is a worker") or do { kill('TERM', $launcher); diag(explain(end($launcher))); return };
	my $status = slurp("/proc/$pid/status");
	my $table = slurp("/proc/$pid/limits");
	for my $what (sort keys %limits) {
		like($table, qr/^Max \Q$what\E +$limits{$what} +$limits{$what} /m, "$name: limit of $what");
	}
	like($status, qr/^$_:\t0+$/m, "$name: $_ is empty") for qw(CapInh CapPrm CapEff CapAmb);
	like($status, qr/^NoNewPrivs:\t1$/m, "$name: no new privileges");
	like($status, qr/^Seccomp:\t2$/m, "$name: under a filter");
	like($status, qr/^Umask:\t0077$/m, "$name: umask");
	my ($uids) = $status =~ /^Uid:\t(.*)$/m;
	unlike($uids, qr/\b0\b/, "$name: nowhere root");
	is(slurp("/proc/$pid/environ"), '', "$name: no environment");
	like(slurp("/proc/$pid/coredump_filter"), qr/^0+$/, "$name: nothing of it in a dump");
	my @fds = sort map { s{.*/}{}r } glob("/proc/$pid/fd/*");
	is_deeply(\@fds, [0, 1, 2, 3], "$name: four descriptors");
	# Fields 5 and 6 behind the name: group and session.
	my ($group, $session) = (split(/ /, slurp("/proc/$pid/stat") =~ s/.*\) //r))[2, 3];
	my $own = (split(/ /, slurp("/proc/$launcher/stat") =~ s/.*\) //r))[3];
	isnt($session, $own, "$name: another session");
	for my $space (@spaces) {
		my ($theirs, $ours) = (readlink("/proc/$pid/ns/$space"), readlink("/proc/$launcher/ns/$space"));
		if ($spaces) {
			isnt($theirs, $ours, "$name: a $space namespace of its own");
		} else {
			is($theirs, $ours, "$name: the launcher's $space namespace, as asked");
		}
	}
	if ($spaces) {
		my $nursery = nursery_of($launcher, $pid);
		isnt(readlink("/proc/$pid/ns/pid"), readlink("/proc/$nursery/ns/pid"), "$name: not its nursery's pid namespace");
		like($status, qr/^NSpid:\t\d+\t1$/m, "$name: first of it");
		like($status, qr/^CapBnd:\t0+$/m, "$name: nothing can be gained");
	}
	kill('KILL', $launcher);
	waitpid($launcher, 0);
	for (1 .. 100) {
		last if !-d "/proc/$pid" || slurp("/proc/$pid/stat") =~ /\) Z/;
		sleep(0.05);
	}
	ok(!-d "/proc/$pid" || slurp("/proc/$pid/stat") =~ /\) Z/, "$name: it died with the launcher");
}

SKIP: {
	# What a process that cannot be dumped shows is shown to root.
	skip('machine: needs root', 150) if $> != 0;
	look('root', undef, 1);
	look('unprivileged', \&drop, 1);
	look('container', undef, 0, '--sandbox', 'container');
	look('unprivileged container', \&drop, 0, '--sandbox', 'container');
	look('no landlock', undef, 1, '--without', 'landlock');

	my $u = once(\&drop, 'ok');
	is($u->{exit}, 0, 'an unprivileged launcher runs a command');
	is($u->{layers}{$_}{state}, 'on', "unprivileged: $_") for qw(birth ids namespaces landlock seccomp rlimits memory);
}

my $r = once(undef, 'ok');
is($r->{exit}, 0, 'a command') or diag($r->{err});
cmp_ok($r->{layers}{landlock}{level}, '>=', 1, 'the receipt carries Landlock\'s level');
ok(exists($r->{layers}{memory}{mdwe}), 'and whether written memory can be kept from being executed');
is($r->{err}, '', 'no line on standard error where no terminal is');

$r = once(undef, 'ok', '--sandbox', 'container', '--without', 'landlock', '--without', 'cgroup');
is($r->{exit}, 0, 'less');
is($r->{layers}{$_}{state}, 'waived', "the receipt says that $_ is waived") for qw(namespaces landlock cgroup);
is($r->{layers}{$_}{state}, 'on', "and that $_ is not") for qw(birth ids seccomp rlimits memory);
ok(!exists($r->{layers}{landlock}{level}), 'no level of what is waived');

SKIP: {
	my ($script) = grep { -x $_ } map { "$_/script" } split(/:/, $ENV{PATH});
	skip('machine: needs script(1)', 1) if !$script;
	my $request = spill('tty.json', { type => 'evil:ok', config => {}, input => {} });
	my $text = `$script -qec '${\bascule()} invoke $connector --without landlock <$request' /dev/null 2>&1`;
	like($text, qr/confined without landlock, as asked/, 'a terminal is told');
}

SKIP: {
	my $launcher = begin(undef, 'hang', '--timeout', '20s', '--limit', 'memory=64m');
	my $pid = worker($launcher);
	my $path;
	# It is put in once its walls were seen.
	for (1 .. 60) {
		($path) = slurp("/proc/$pid/cgroup") =~ m{^\d+:(?:|memory):(/\S*bascule-\d+-\d+-\d+/w\d+)$}m;
		last if $path;
		sleep(0.05);
	}
	kill('TERM', $launcher);
	my $end = end($launcher);
	skip("machine: $end->{layers}{cgroup}{why}", 3) if $end->{layers}{cgroup}{state} ne 'on';
	like($path, qr{/bascule-$launcher-}, 'a group that carries the launcher\'s pid');
	is(scalar(() = glob("/sys/fs/cgroup/{,*/}bascule-$launcher-*")), 0, 'nothing of it is left');
	$r = once(undef, 'ok', '--require', 'cgroup');
	is($r->{exit}, 0, 'it can be required');
}

done_testing();
