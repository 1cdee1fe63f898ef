#!/usr/bin/perl
# tenants.t -- two tenants at one server, their calls interleaved, each with secrets that are marked: no byte of one comes to
# the other, by an answer, by a log, by the journal, or in the memory of a worker that comes later.
# TENANTS_CALLS=N calls of them, 600 by default; make check-all has 10000.
use strict;
use warnings;
no warnings 'portable';		# addresses have 64 bits
use FindBin;
use lib $FindBin::Bin;
use support;
use Fcntl qw(SEEK_SET);
use IO::Socket::UNIX;
use JSON::PP;
use POSIX;
use Test::More;
use Time::HiRes qw(sleep);

my $calls = $ENV{TENANTS_CALLS} || 600;
my $callers = 8;
my $b = root() . '/build';
$b = $1 if bascule() =~ m{^(.*)/bin/bascule$};
my $work = scratch();
my $name = "evt$$";
mkdir("$work/c");
for my $c ([$name, "$b/tests/evil/evil", 'evil'], ['bench', "$b/tests/bench/connector", 'connector']) {
	mkdir("$work/c/$c->[0]");
	system('cp', "$c->[1]/$c->[2]", "$work/c/$c->[0]/$c->[0]") == 0 or plan skip_all => "$c->[2] is not built";
	system('cp', "$c->[1]/connector-spec.json", "$work/c/$c->[0]/");
}
my $socket = "$work/s";
# The marks are made of a part of this run, so that no text of ours holds one.
my %mark = map { $_ => "tenant-$_-" . substr(rand() . $$, 2, 10) } qw(A B);
my %secret = map { $_ => "secret$mark{$_}" } keys %mark;
my $log = start('tenants', qr/"event":"listening"/, { BASCULE_CONNECTORS => "$work/c" }, bascule(), 'serve', '--listen', "unix:$socket",
    '--journal', "$work/journal.db", '--log-level', 'debug', '--worker-logs', '--parked-max', 4, '--parked-min', 2);
my $launcher = pid_of('tenants');

# One call on a connection that is kept; its body.
sub call {
	my ($s, $connector, $body) = @_;
	my $text = encode_json($body);
	print $s "POST /v1/connectors/$connector/invoke HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ",
	    length($text), "\r\n\r\n$text";
	$s->flush;
	my $got = '';
	while ($got !~ /\r\n0\r\n\r\n\z/) {
		sysread($s, my $part, 65536) or return $got;
		$got .= $part;
		return $got if $got =~ /\AHTTP\S+ [45]/;
	}
	return $got;
}
sub tenant_call {
	my ($s, $t, $n) = @_;
	return call($s, 'bench', { type => 'std:account:read', source => "source-$t", input => { identity => "$mark{$t}-$n" },
	    config => { password => "$secret{$t}-$n", token => "$secret{$t}-t" } });
}

my @pids;
for my $k (1 .. $callers) {
	my $pid = fork() // die "fork: $!";
	push(@pids, $pid);
	next if $pid;
	my ($s, $bad) = (IO::Socket::UNIX->new(Peer => $socket), 0);
	for my $i (1 .. $calls / $callers) {
		my ($t, $other) = ($i + $k) % 2 ? qw(A B) : qw(B A);
		my $got = tenant_call($s, $t, "$k.$i");
		next if $got =~ m{\AHTTP/1\.1 200 } && $got =~ /"\Q$mark{$t}-$k.$i\E"/ && $got !~ /\Q$mark{$other}\E/ && $got !~ /secret/;
		$bad++;
		print STDERR "# $t: ", substr($got, 0, 300), "\n" if $bad == 1;
	}
	POSIX::_exit($bad > 100 ? 100 : $bad);
}
my $bad = 0;
for (@pids) { waitpid($_, 0); $bad += $? }
is($bad, 0, "$calls calls, interleaved: each answer is its own and tells no secret");

my $s = IO::Socket::UNIX->new(Peer => $socket);
print $s "GET /v1/invocations?limit=100 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
$s->flush;
my $rows = do { local $/; <$s> };
like($rows, qr/source-A.*source-B|source-B.*source-A/s, 'both are remembered');
unlike($rows, qr/secret/, 'without a secret');
unlike(slurp($log), qr/\Qsecrettenant-\E/, 'none in the log');
for my $file (glob("$work/journal.db*")) {
	unlike(slurp($file), qr/secrettenant-/, "none in " . ($file =~ s{.*/}{}r));
}

# Marks in a process's memory, all that can be read of it.
sub marks_in {
	my ($pid) = @_;
	my (%seen, $bytes);
	open(my $maps, '<', "/proc/$pid/maps") or return ();
	open(my $mem, '<:raw', "/proc/$pid/mem") or return ();
	while (my $line = <$maps>) {
		my ($from, $to, $may) = $line =~ /^([0-9a-f]+)-([0-9a-f]+) (\S+)/ or next;
		next if $may !~ /^r/ || $line =~ /\[v(var|syscall)/;
		my ($at, $end) = (hex($from), hex($to));
		next if $end - $at > 1 << 30;
		sysseek($mem, $at, SEEK_SET) or next;
		my $n = sysread($mem, my $text, $end - $at) or next;
		$bytes += $n;
		for my $t (keys %mark) {
			$seen{$t}++ while $text =~ /\Q$mark{$t}\E/g;
		}
	}
	return (bytes => $bytes, %seen);
}
my ($supervisor) = map { /^\s*(\d+)/ } grep { /bascule-supervise/ } `ps -o pid=,args= --ppid $launcher`;
sub children {
	return map { /^\s*(\d+) \S*Z/ ? () : /^\s*(\d+)/ } grep { /$_[0]/ } `ps -o pid=,stat=,args= --ppid $supervisor`;
}

SKIP: {
	skip 'machine: not root', 6 if $> != 0;
	# Whoever runs for A holds what is A's, so that the search is seen to find.
	my $hang = fork() // die "fork: $!";
	if ($hang == 0) {
		call(IO::Socket::UNIX->new(Peer => $socket), $name, { type => 'evil:hang', deadline => '20s', source => 'source-A',
		    config => { password => "$secret{A}-hang" } });
		POSIX::_exit(0);
	}
	my (%of, $running);
	for (1 .. 50) {
		%of = map { $_ => { marks_in($_) } } children('--nursery');
		($running) = grep { $of{$_}{A} } keys %of;
		last if $running && keys %of >= 4;
		sleep(0.1);
	}
	ok($running, 'a worker that runs for A holds what is A\'s');
	is($of{$running // 0}{B} // 0, 0, 'and nothing of B');
	my @others = grep { $_ != ($running // 0) } keys %of;
	cmp_ok(scalar @others, '>=', 3, 'nurseries and parked workers are there');
	is(scalar(grep { ($of{$_}{bytes} // 0) < 1 << 20 } @others), 0, 'their memory is read');
	is(join(' ', map { "$_: A $of{$_}{A}" } grep { $of{$_}{A} } @others), '', 'and holds nothing of A');
	is(join(' ', map { "$_: B $of{$_}{B}" } grep { $of{$_}{B} } @others), '', 'nor of B');
	kill('KILL', $hang);
	waitpid($hang, 0);
}
stop('tenants');
done_testing();
