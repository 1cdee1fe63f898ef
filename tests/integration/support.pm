# support.pm -- what integration tests share: servers that end with the test, and invocations taken apart.
package support;
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);
use Exporter qw(import);
our @EXPORT = qw(bascule root targets scratch free_port start pid_of stop finish spill slurp invoke get_json send_json);

our $connector = 'scim';	# that invoke() runs: a name or a path
my $root = abs_path(dirname(__FILE__) . '/../..');
my $scratch = tempdir(CLEANUP => 1);
my %running;

sub root { return $root }
sub scratch { return $scratch }
sub bascule { return $ENV{BASCULE} || "$root/build/bin/bascule" }
sub targets { return $ENV{BASCULE_TARGETS} || "$root/build/targets" }

sub slurp {
	my ($file) = @_;
	open(my $fh, '<', $file) or return '';
	local $/;
	return scalar <$fh> // '';
}

sub spill {
	my ($name, $text) = @_;
	open(my $fh, '>', "$scratch/$name") or die "$scratch/$name: $!";
	print $fh ref $text ? encode_json($text) : $text;
	close($fh);
	return "$scratch/$name";
}

sub free_port {
	my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1) or die "no port: $!";
	return $s->sockport;
}

# start(name, until, env, program...): runs it, waits until its output matches or its port answers.
sub start {
	my ($name, $until, $env, @command) = @_;
	my $log = "$scratch/$name.log";
	unlink($log);	# of one that had the name before: its "ready" is not this one's
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', $log);
		open(STDERR, '>&', \*STDOUT);
		$ENV{$_} = $env->{$_} for keys %$env;
		exec(@command) or POSIX::_exit(127);
	}
	$running{$name} = $pid;
	my $end = time() + 60;
	while (time() < $end) {
		my $ready = ref $until ? slurp($log) =~ $until
		    : IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $until, Timeout => 1);
		return $log if $ready;
		last if waitpid($pid, WNOHANG) == $pid;
		sleep(0.05);
	}
	die "$name did not start: " . slurp($log);
}

sub pid_of { return $running{$_[0]} }

sub stop {
	my ($name) = @_;
	my $pid = delete $running{$name} or return;
	kill('TERM', $pid);
	for (1 .. 40) {
		return if waitpid($pid, WNOHANG) != 0;
		sleep(0.05);
	}
	kill('KILL', $pid);
	waitpid($pid, 0);
}

sub finish { stop($_) for keys %running }
END { my $status = $?; finish(); $? = $status }

# A plain HTTP GET on the loopback, its JSON.
sub get_json {
	my ($port, $path) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or return {};
	print $s "GET $path HTTP/1.0\r\n\r\n";
	local $/;
	my $answer = <$s> // '';
	$answer =~ s/^.*?\r?\n\r?\n//s;
	return eval { decode_json($answer) } // {};
}

# Another request on the loopback, with a bearer token; its status.
sub send_json {
	my ($port, $method, $path, $token) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or return 0;
	print $s "$method $path HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer $token\r\nConnection: close\r\n",
	    "Content-Length: 0\r\n\r\n";
	my $line = <$s> // '';
	return $line =~ m{^HTTP/\S+ (\d+)} ? $1 : 0;
}

# invoke(config, command, input, arguments...), of $support::connector: {exit, out (file), err, lines, verdict, last, outputs, state}.
# Lines are decoded where there are few; a long list keeps its file and its count.
sub invoke {
	my ($config, $command, $input, @more) = @_;
	my $file = spill('config.json', $config);
	my $given = spill('input.json', $input // {});
	my $out = "$scratch/out.ndjson";
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', $out);
		open(STDERR, '>', "$scratch/err.txt");
		exec(bascule(), 'invoke', $connector, $command, '--config', $file, '--input', "\@$given",
		    '--verdict', '--allow-private', 'localhost', '--allow-private', '127.0.0.1', @more)
		    or POSIX::_exit(127);
	}
	waitpid($pid, 0);
	my %r = (exit => $? >> 8, out => $out, err => slurp("$scratch/err.txt"), outputs => [], states => 0, records => 0);
	open(my $fh, '<', $out) or return \%r;
	while (my $line = <$fh>) {
		my ($type) = $line =~ /"type":"(\w+)"\}$/;
		if (($type // '') eq 'output') {
			$r{records}++;
			push(@{$r{outputs}}, decode_json($line)->{data}) if $r{records} <= 20;
		} elsif (($type // '') eq 'state') {
			$r{states}++;
			$r{state} = decode_json($line)->{data};
		} elsif (($type // '') =~ /^(end|error)$/) {
			$r{last} = $type;
			$r{verdict} = eval { decode_json($line)->{data} } // {};
		}
	}
	$r{output} = $r{outputs}[0];
	$r{verdict} //= {};
	return \%r;
}

1;
