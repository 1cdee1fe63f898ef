#!/usr/bin/perl
# serve_calls.t -- system calls of the two halves of a server for each call of the API, against tests/bench/calls.txt: so
# many of each kind, whatever the machine.  One more is a regression.  "serve_calls.t --write" writes the file anew; read the
# difference before it is committed.  Waiting is not counted, nor what found nothing: both are a matter of time.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use support;
use IO::Socket::UNIX;
use Test::More;

my $build = root() . '/' . ($ENV{B} // 'build');
$build = $1 if bascule() =~ m{^(.*)/bin/bascule$};
my $list = root() . '/tests/bench/calls.txt';
my $work = scratch();
my ($calls, $slack, $attach_s) = (200, 0.9, 10);
my %by_time = map { $_ => 1 } qw(epoll_wait epoll_pwait epoll_ctl restart_syscall);
my $write = @ARGV && $ARGV[0] eq '--write';
my $body = '{"type":"std:account:read","config":{},"input":{"identity":"john.doe"}}';
my $request = "POST /v1/connectors/connector/invoke HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
    . length($body) . "\r\n\r\n$body";

plan skip_all => 'machine: no strace, or no leave to trace' if system('strace -o /dev/null true 2>/dev/null') != 0;
plan skip_all => "build: $build/tests/bench/connector is not built" if !-x "$build/tests/bench/connector/connector";

my $socket;
sub one_call {
	my $got = '';
	syswrite($socket, $request);
	while ($got !~ /\r\n0\r\n\r\n\z/) {
		sysread($socket, $got, 65536, length $got) or die "the answer was cut: $got";
	}
	die "an answer: $got" if $got !~ m{^HTTP/1.1 200 };
}

# Begins to count those of a process: the tracer.
sub trace {
	my ($pid, $to) = @_;
	my $tracer = fork() // die "fork: $!";
	exec('strace', '-qq', '-c', '-U', 'calls,errors,name', '-o', $to, '-p', $pid) if $tracer == 0;
	for (1 .. $attach_s * 100) {
		last if slurp("/proc/$pid/status") =~ /^TracerPid:\s*$tracer$/m;
		select(undef, undef, undef, 0.01);
	}
	return $tracer;
}

# By name, what a call made of each.
sub counts {
	my ($from) = @_;
	my %n;
	for (split(/\n/, slurp($from))) {
		my ($all, $bad, $name) = /^\s*(\d+)\s+(\d+)?\s+(\w+)$/ or next;
		next if $name eq 'total' || $by_time{$name};
		my $each = ($all - ($bad // 0)) / $calls;
		$n{$name} = int($each * 10 + 0.5) / 10 if $each >= 0.1;
	}
	return \%n;
}

start('serve', qr/"event":"listening"/, { BASCULE_CONNECTORS => "$build/tests/bench" }, bascule(), 'serve', '--listen', "unix:$work/socket",
    '--parked-max', 0);
my $front = pid_of('serve');
my ($supervisor) = map { /^\s*(\d+)/ } grep { /bascule-supervise/ } `ps -o pid=,args= --ppid $front`;
$socket = IO::Socket::UNIX->new(Peer => "$work/socket") or die "$work/socket: $!";
one_call() for 1 .. 20;
my %tracers = (front => trace($front, "$work/front"), supervisor => trace($supervisor, "$work/supervisor"));
one_call() for 1 .. $calls;
kill('INT', $_) && waitpid($_, 0) for values %tracers;
my %got = map { $_ => counts("$work/$_") } keys %tracers;
die 'nothing was seen' if !$got{front}{writev} || !$got{supervisor}{sendmsg};

if ($write) {
	open(my $f, '>', $list) or die "$list: $!";
	print $f "# System calls for each call of the API, no worker parked (tests/integration/serve_calls.t --write).\n";
	for my $who (sort keys %got) {
		printf $f "%-10s %-16s %g\n", $who, $_, $got{$who}{$_} for sort keys %{$got{$who}};
	}
	exit(0);
}
my %want;
for (split(/\n/, slurp($list))) {
	$want{$1}{$2} = $3 if /^(\w+)\s+(\w+)\s+([\d.]+)$/;
}
for my $who (sort keys %got) {
	my @more = grep { $got{$who}{$_} >= ($want{$who}{$_} // 0) + $slack } sort keys %{$got{$who}};
	is(join(', ', map { sprintf('%s: %g, not %g', $_, $got{$who}{$_}, $want{$who}{$_} // 0) } @more), '', "the $who makes no more of any");
}
done_testing();
