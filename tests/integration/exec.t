#!/usr/bin/perl
# exec.t -- connectors that are any program: examples reach their source through the gateway, hostile ones are contained and named.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use File::Copy qw(copy);
use JSON::PP;
use Test::More;
use support;

my $tests = root() . '/tests/exec';
for my $program ('/usr/bin/python3', '/usr/bin/jq', '/usr/bin/curl') {
	plan skip_all => "machine: no $program" unless -x $program;
}
my $b = root() . '/' . ($ENV{B} || 'build');
my %log = (http => start('http', qr/^practice source: .*\n/m, {}, "$b/libexec/bascule-practice", '--users', 30),
    https => start('https', qr/^practice source: .*\n/m, {}, "$b/libexec/bascule-practice", '--users', 30, '--tls',
	'--ca-out', scratch() . '/ca.pem'));
my %config;
for my $s (keys %log) {
	my ($url, $token) = slurp($log{$s}) =~ /source: (\S+) token (\S+)/;
	$config{$s} = { baseUrl => $url, token => $token };
}
$config{https}{caBundle} = slurp(scratch() . '/ca.pem');
for my $s (keys %log) {
	$config{"$s-named"} = { %{$config{$s}}, baseUrl => $config{$s}{baseUrl} =~ s/127\.0\.0\.1/localhost/r };
}
my @open = ('--allow-private', 'localhost', '--allow-private', '127.0.0.1');

# run(connector, config, input, arguments...): {exit, err, outputs, verdict}
sub run {
	my ($connector, $config, $input, @more) = @_;
	my $command = $input->{command} // 'std:account:list';
	my $request = spill('request.json', { type => $command, config => $config, input => $input });
	my ($out, $err) = map { scratch() . "/$_" } 'out', 'err';
	my $path = $connector =~ m{^/} ? $connector : "$tests/$connector";
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDIN, '<', $request);
		open(STDOUT, '>', $out);
		open(STDERR, '>', $err);
		exec('timeout', 60, bascule(), 'invoke', $path, '--verdict', @more) or POSIX::_exit(127);
	}
	waitpid($pid, 0);
	my %r = (exit => $? >> 8, err => slurp($err), outputs => [], verdict => {});
	for my $line (split(/\n/, slurp($out))) {
		my $o = eval { decode_json($line) } or next;
		push(@{$r{outputs}}, $o->{data}) if $o->{type} eq 'output';
		$r{verdict} = $o->{data} if $o->{type} =~ /^(end|error)$/;
	}
	return \%r;
}

# Go is compiled, where there is one (Debian's takes 450 MB, so tests/deps.sh has it for make check-all only).
mkdir(scratch() . '/go');
copy("$tests/go/$_", scratch() . "/go/$_") for 'connector-spec.json', 'list.go';
my $has_go = system('command -v go >/dev/null') == 0;
chmod(0755, scratch(), scratch() . '/go');
if ($has_go) {
	local $ENV{CGO_ENABLED} = 0;
	local $ENV{GOCACHE} = scratch() . '/go-cache';
	$has_go = 0 if system('go', 'build', '-o', scratch() . '/go/list', scratch() . '/go/list.go') != 0;
}

# Examples, to a place that is a number and to one that is a name, plain and by TLS.
for my $connector ('python', 'shell', scratch() . '/go') {
	for my $s (sort keys %config) { SKIP: {
		skip('machine: no go', 4) if $connector =~ /go$/ && !$has_go;
		my $r = run($connector, $config{$s}, {}, @open);
		is(scalar(@{$r->{outputs}}), 30, "$connector lists users by $s") or diag($r->{err});
		my ($contact) = @{$r->{verdict}{egress} // []};
		is($contact->{outcome}, 'ok', "$connector by $s: the contact is in the receipt");
		ok(($contact->{bytesIn} // 0) > 1000 && ($contact->{bytesOut} // 0) > 50, "$connector by $s: and its bytes");
		is($contact->{host}, $s =~ /named/ ? 'localhost' : '127.0.0.1', "$connector by $s: by its name");
	} }
}
my $refused = run('python', $config{http}, {});
is($refused->{exit}, 1, 'without the operator a private place is refused');
is($refused->{verdict}{egress}[0]{outcome}, 'refused', 'and on record');
is(run('python', { %{$config{https}}, caBundle => undef }, {}, @open)->{verdict}{outcome}, 'failed',
    'a certificate that nobody trusts is refused by the program');

# Node's ways out: by both families, where this host has both.
my $six = -r '/proc/net/if_inet6' && slurp('/proc/sys/net/ipv6/conf/default/disable_ipv6') == 0;
my @nowhere = ('::1', 'fe80::1', 'fd00::1', '64:ff9b::7f00:1', '2001:db8::1', '::ffff:169.254.169.254', '::ffff:10.0.0.1',
    '::127.0.0.1', '2002:7f00:1::');
my %node = (
	http => { lookup => 'made up', resolve4 => 1, resolveOther => 'ENOTFOUND', lookupOther => 'ENOTFOUND', resolveMx => 'ENODATA',
	    get => 200, fetch => 200, http2 => 'connected', fronted => 'ECONNRESET', udp => 'ECONNREFUSED', eyeballs => 200,
	    mapped4 => 'connected', resolve6Other => 'ENOTFOUND',
	    $six ? (resolve6 => 'made up', lookup6 => 6, lookupAll => '4,6', get6 => 200, literal6 => 'connected', udp6 => 'ECONNREFUSED')
		: (resolve6 => 'ENODATA', lookup6 => 'ENOTFOUND', lookupAll => 4) },
	https => { get => 200, fetch => 200, http2 => 'connected', fronted => 'ECONNRESET', eyeballs => 200, $six ? (get6 => 200) : () },
);
SKIP: {
	skip('machine: no /usr/bin/node', 1) unless -x '/usr/bin/node' || -x '/usr/local/bin/node';
	for my $s (sort keys %node) {
		my $r = run('node', $config{"$s-named"}, {}, @open);
		my %o = map { $_->{look} => $_->{got} // $_->{refused} } @{$r->{outputs}};
		is($o{$_}, $node{$s}{$_}, "node: $_ by $s") for sort keys %{$node{$s}};
		like($o{$_}, qr/^E(NETUNREACH|HOSTUNREACH|ADDRNOTAVAIL|INVAL|ACCES|AFNOSUPPORT)$/, "node: $_ by $s is nowhere") for @nowhere;
		# In the network of made-up addresses, and nobody's.
		like($o{'2001:2::9'}, qr/^E(CONNRESET|NETUNREACH|AFNOSUPPORT)$/, "node: an address that nobody was given, by $s");
	}
}

# A place that has IPv6 alone.
SKIP: {
	my $has = "python3 -c 'import socket; socket.getaddrinfo(\"localhost\", 1, socket.AF_INET6)' 2>/dev/null";
	skip('machine: localhost has no IPv6 address', 2) if !$six || system($has) != 0;
	my $log = start('six', qr/port \d+/, { PYTHONUNBUFFERED => 1 }, 'python3', '-m', 'http.server', '--bind', '::1', '0');
	my ($port) = slurp($log) =~ /port (\d+)/;
	my $r = run('hostile', { baseUrl => "http://localhost:$port" }, { looks => ['source'] }, @open);
	is($r->{outputs}[0]{got}, 'HTTP/1.0 2', 'a place of IPv6 alone is reached') or diag($r->{err});
	is($r->{verdict}{egress}[0]{address}, '::1', 'and on record by its address');
	stop('six');
}

# What a hostile one looks for: refused with one of these, or what it gets is its own.
my %got = (environ => 'BASCULE_RESULTS HOME LANG PATH SSL_CERT_FILE TMPDIR TZ', processes => '1', descriptors => '0 1 2 3',
    folder => 'connector-spec.json main.py');
my @files = qw(root shadow passwd hosts otherProgram kernel parent ownFile library device);
my @sockets = qw(unix netlink packet vsock alg six raw ping listen);
my @places = qw(loopback loopback6 loopback2 metadata private mapped unnamed otherPort otherName udp udpOut fronted);
my @powers = qw(fork exec execOwn execCopy shell loader ring memfd clone3 setuid session killParent);
my $looks = [sort(keys %got), @files, @sockets, @places, @powers];
for my $time (1, 2) {
	my $r = run('hostile', $config{'https-named'}, { looks => $looks }, @open);
	is(scalar(@{$r->{outputs}}), scalar(@$looks), "hostile: every look was answered, time $time") or diag($r->{err});
	for my $o (@{$r->{outputs}}) {
		my $look = $o->{look};
		if ($got{$look}) {
			is($o->{got}, $got{$look}, "hostile: $look is its own");
		} else {
			like($o->{refused} // 'got ' . ($o->{got} // ''),
			    qr/^(EACCES|EROFS|ENOENT|EPERM|ENOSYS|ENETUNREACH|ECONNREFUSED|ECONNRESET|EAFNOSUPPORT|ESRCH|EAI -2)$/,
			    "hostile: $look is refused");
		}
	}
	my %contacts = map { $_->{host} => $_->{outcome} } @{$r->{verdict}{egress} // []};
	is($contacts{$_}, 'refused', "hostile: $_ is on record") for '198.18.77.77', 'evil.example', 'other.example', '127.0.0.2';
	for my $layer (qw(namespaces landlock seccomp rlimits)) {
		is($r->{verdict}{layers}{$layer}{state}, 'on', "hostile: $layer is on");
	}
}

# Ways to end: {cause, pattern of the message}.
my @ways = (
	[end => undef],
	[leaves => undef],
	[fails => 'failed', qr/^it went wrong \(exit status 1\)$/],
	[silent => 'failed', qr/exit status 3 and no word/],
	[error => 'notFound', qr/no such user/],
	[endThenFail => 'protocol', qr/said "end" and left with exit status 4/],
	[garbage => 'protocol'], [half => 'protocol'], [locked => 'protocol'], [results => 'protocol'],
	[huge => 'record-too-large'],
	[memory => 'memory'], [tmp => 'failed', qr/too large|No space/],
	[loop => 'deadline'], [stdout => 'deadline'], [threads => 'deadline'],
	(map { [$_ => "syscall:$_", qr/not allowed \($_\)/] } qw(ptrace unshare bpf keyctl mount seccomp)),
	[uffd => 'syscall:userfaultfd'],
	[names => 'failed', qr/refused n0\.example/],
);
my @limits = ('--limit', 'deadline=3s', '--limit', 'memory=128m');
sub ways {
	my ($connector, @list) = @_;
	for my $w (@list) {
		my ($way, $cause, $words) = @$w;
		my $r = run($connector, $config{http}, { way => $way }, @open, @limits);
		is($r->{verdict}{cause}, $cause, "$connector: $way") or diag($r->{err});
		like($r->{verdict}{message} // '', $words, "$connector: $way says so") if $words;
	}
}
ways('hostile', @ways);
# Through a server the cause is the same.
my $socket = scratch() . '/socket';
start('serve', qr/"event":"listening"/, { BASCULE_CONNECTORS => $tests }, bascule(), 'serve', '--listen', "unix:$socket", @open);
for my $w ([ptrace => 'syscall', qr/not allowed \(ptrace\)/], [memory => 'memory', qr/over 128 MiB/],
    [loop => 'deadline', qr/no end after (?:3000|2\d{3}) ms/]) {
	my ($way, $cause, $words) = @$w;
	my $body = spill('body.json', { type => 'std:account:list', config => $config{http}, input => { way => $way },
	    limits => { memory => '128m', deadline => '3s' } });
	my $answer = `curl -s --max-time 60 --unix-socket $socket -H 'Content-Type: application/json' -d \@$body http://x/v1/connectors/hostile/invoke`;
	my $e = eval { decode_json($answer) } // {};
	is($e->{error}{cause} // $e->{cause}, $cause, "serve: $way") or diag($answer);
	like($answer, $words, "serve: $way says so");
}
stop('serve');
my $single = run('hostile', $config{http}, { command => 'std:account:read', identity => 'a' }, @open);
is($single->{verdict}{cause}, 'protocol', 'a command that gives one output does not end well without');

# With processes: as many as it said, and no program that it did not name.
my $many = scratch() . '/many';
mkdir($many);
chmod(0755, scratch(), $many);
copy("$tests/hostile/main.py", "$many/main.py");
chmod(0755, "$many/main.py");
my $spec = decode_json(slurp("$tests/hostile/connector-spec.json"));
sub spec { spill('many/connector-spec.json', { %$spec, runtime => { kind => 'exec', argv => ['./main.py'], @_ } }) }
spec(processes => 8, tools => ['/usr/bin/jq']);
ways('hostile', [end => undef]);
for my $w ([bomb => 'deadline'], [orphan => undef], [memory => 'memory']) {
	my $r = run($many, $config{http}, { way => $w->[0] }, @open, @limits);
	is($r->{verdict}{cause}, $w->[1], "with processes: $w->[0]") or diag($r->{err});
}
my $r = run($many, $config{http}, { looks => ['shell', 'execCopy'] }, @open);
is($r->{outputs}[0]{refused}, 'ENOENT', 'with processes: another program is not there');
is($r->{outputs}[1]{refused}, 'EACCES', 'with processes: nothing in /tmp is executed');

# One that is gone before anybody has looked: its end is its own all the same.
for my $w (['/usr/bin/true' => undef], ['/usr/bin/false' => 'failed']) {
	spec(argv => [$w->[0]]);
	for (1 .. 5) {
		is(run($many, $config{http}, {})->{verdict}{cause}, $w->[1], "$w->[0] ends as it does");
	}
}

# A budget holds for connections.
spill('many/connector-spec.json', { %$spec, rate => { requests => 2, per => '1s' } });
$r = run($many, $config{http}, { looks => [('source') x 6] }, @open);
is($r->{verdict}{rateRequests}, 6, 'each connection takes a permit');
cmp_ok($r->{verdict}{rateWaitMs} // 0, '>', 1500, 'and waits for it');

# Specifications that cannot be.
for my $bad ([qr/kind/, kind => 'perl'], [qr/argv/, argv => []], [qr/processes/, processes => 1000],
    [qr/tools/, tools => ['/usr/bin/jq']], [qr/connector's folder/, argv => ['../main.py']],
    [qr/no program there/, argv => ['./absent']], [qr{must be in /usr/bin}, argv => ['/tmp/x']],
    [qr/not installed/, argv => ['/usr/bin/no-such-program']]) {
	my ($words, @runtime) = @$bad;
	spec(@runtime);
	my $e = run($many, $config{http}, {});
	is($e->{exit}, 72, "a specification is refused: $words") or diag($e->{err});
	like($e->{err}, $words, 'and says why');
}

done_testing();
