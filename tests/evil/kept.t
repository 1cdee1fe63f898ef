#!/usr/bin/perl
# kept.t -- guests where no namespace can be had (--sandbox container): examples reach their source by their keeper, and
# whatever a hostile one tries with calls, addresses and neighbours is refused by Landlock, the filter or the broker.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../integration";
use File::Copy qw(copy);
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Test::More;
use support;

for my $program ('/usr/bin/python3', '/usr/bin/jq', '/usr/bin/curl') {
	plan skip_all => "machine: no $program" unless -x $program;
}
my $tests = root() . '/tests/exec';
my $b = root() . '/' . ($ENV{B} || 'build');
my %config;
for my $s ('http', 'https') {
	my $log = start($s, qr/^practice source: .*\n/m, {}, "$b/libexec/bascule-practice", '--users', 30,
	    $s eq 'https' ? ('--tls', '--ca-out', scratch() . '/ca.pem') : ());
	my ($url, $token) = slurp($log) =~ /source: (\S+) token (\S+)/;
	$config{$s} = { baseUrl => $url, token => $token };
	$config{"$s-named"} = { %{$config{$s}}, baseUrl => $url =~ s/127\.0\.0\.1/localhost/r };
}
$config{$_}{caBundle} = slurp(scratch() . '/ca.pem') for 'https', 'https-named';
my @open = ('--allow-private', 'localhost', '--allow-private', '127.0.0.1');

# As root where this is, and as a user without any power, whose own processes are beside it.
my @as;

# run(connector, config, input, arguments...): {exit, err, outputs, verdict}
sub run {
	my ($connector, $config, $input, @more) = @_;
	my $request = spill('request.json', { type => 'std:account:list', config => $config, input => $input });
	my ($out, $err) = map { scratch() . "/$_" } 'out', 'err';
	my $path = $connector =~ m{^/} ? $connector : "$tests/$connector";
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDIN, '<', $request);
		open(STDOUT, '>', $out);
		open(STDERR, '>', $err);
		exec(@as, 'timeout', 60, bascule(), 'invoke', $path, '--verdict', '--sandbox', 'container', @more) or POSIX::_exit(127);
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

# The hostile connector in a folder of its own, with that in its runtime.
sub hostile_copy {
	my ($name, %runtime) = @_;
	my $folder = scratch() . "/$name";
	mkdir($folder, 0755);
	chmod(0755, scratch(), $folder);
	copy("$tests/hostile/main.py", "$folder/main.py");
	chmod(0755, "$folder/main.py");
	my $spec = decode_json(slurp("$tests/hostile/connector-spec.json"));
	spill("$name/connector-spec.json", { %$spec, runtime => { kind => 'exec', argv => ['./main.py'], %runtime } });
	chmod(0644, "$folder/connector-spec.json");
	return $folder;
}

# Processes of a folder: its program, its nursery and its keeper have its name in their arguments, which all may read.
sub alive {
	my ($folder, $which) = @_;
	return scalar(grep { m{\Q$folder\E[/\0]} && $_ =~ $which } map { slurp("$_/cmdline") } glob('/proc/[0-9]*'));
}

# Those of it that live; given a moment to go until there are so many.
sub living {
	my ($folder, $stay) = @_;
	my $n;
	for (1 .. 100) {
		return $n if ($n = alive($folder, qr/./)) == ($stay // 0);
		select(undef, undef, undef, 0.05);
	}
	return $n;
}

chmod(0755, scratch());
mkdir(scratch() . '/go');
copy("$tests/go/$_", scratch() . "/go/$_") for 'connector-spec.json', 'list.go';
my $has_go = system('command -v go >/dev/null') == 0;
if ($has_go) {
	local ($ENV{CGO_ENABLED}, $ENV{GOCACHE}) = (0, scratch() . '/go-cache');
	$has_go = 0 if system('go', 'build', '-o', scratch() . '/go/list', scratch() . '/go/list.go') != 0;
}
for my $connector ('python', scratch() . '/go') {
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

# A program of this host without one line of its own.
SKIP: {
	skip('machine: no /usr/bin/curl', 2) unless -x '/usr/bin/curl';
	my $folder = scratch() . '/curl';
	mkdir($folder, 0755);
	my %spec = %{decode_json(slurp("$tests/python/connector-spec.json"))};
	spill('curl/connector-spec.json', { %spec, runtime => { kind => 'exec',
	    argv => ['/usr/bin/curl', '-sf', '--connect-timeout', '5', '-o', '/dev/fd/3', "$config{'http-named'}{baseUrl}/Users"] } });
	my $r = run($folder, $config{'http-named'}, {}, @open);
	is($r->{verdict}{egress}[0]{host}, 'localhost', 'curl resolves and connects') or diag($r->{err});
	is($r->{verdict}{egress}[0]{outcome}, 'ok', 'and it is on record');
}

# Node's ways out.
my %node = (lookup => 'made up', resolve4 => 1, resolveOther => 'ENOTFOUND', lookupOther => 'ENOTFOUND', resolveMx => 'ENODATA',
    get => 200, fetch => 200, udp => 'EACCES', udp6 => 'EACCES', eyeballs => 200, mapped4 => 'connected', resolve6Other => 'ENOTFOUND',
    resolve6 => 'made up', lookup6 => 6, lookupAll => '4,6', get6 => 200, literal6 => 'connected', http2 => 'connected',
    map { $_ => 'EACCES' } '::1', 'fe80::1', 'fd00::1', '64:ff9b::7f00:1', '2001:db8::1', '::ffff:169.254.169.254', '::ffff:10.0.0.1',
    '::127.0.0.1', '2002:7f00:1::', '2001:2::9');
SKIP: {
	skip('machine: no /usr/bin/node', 1) unless -x '/usr/bin/node' || -x '/usr/local/bin/node';
	for my $s ('http-named', 'https-named') {
		my $r = run('node', $config{$s}, {}, @open);
		my %o = map { $_->{look} => $_->{got} // $_->{refused} } @{$r->{outputs}};
		is($o{$_}, $node{$_}, "node: $_ by $s") for sort keys %node;
	}
}

# Each look, and what stops it: F the filter, L Landlock, B the broker (by way of the keeper), K the keeper.
my @looks = (
	[F => qw(netlink packet vsock alg six raw ping listen unix fork exec execOwn shell loader ring memfd clone3 setuid session)],
	[F => qw(killParent killGroup killAll killNext ownGroup fastOpen sendTo sendMessage datagramTo bindTo modeOfOther timeOfOther lock watch)],
	[L => qw(processes descriptors root shadow passwd hosts otherProgram kernel parent ownFile library device execCopy tmpFile
	    shmFile connections nameServers)],
	[B => qw(loopback loopback2 loopback6 metadata private mapped zero unnamed otherPort otherName reconnect)],
	[K => qw(udp udpOut unconnect unixPath noAddress farAddress longAddress noSocket noDescriptor)],
);
my %got = (environ => 'BASCULE_RESULTS HOME LANG PATH RES_OPTIONS SSL_CERT_FILE TMPDIR TZ', folder => 'connector-spec.json main.py',
    neighbours => 'nothing', race => 'only the allowed', storm => '30 refused', source => 'HTTP/1.0 4');
my %layer = (F => 'the filter', L => 'Landlock', B => 'the broker', K => 'the keeper');
my $listens = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1');
my @nobody = ('setpriv', '--reuid', 65532, '--regid', 65532, '--clear-groups', '--inh-caps=-all', '--bounding-set=-all');
my @users = ([]);
push(@users, \@nobody) if $> == 0 && system("@nobody test -x $b/bin/bascule -a -r $tests/hostile/main.py 2>/dev/null") == 0;
for my $group (map { my $as = $_; map { [$as, @$_] } @looks, [undef, sort keys %got] } @users) {
	my ($as, $layer, @names) = @$group;
	@as = @$as;
	my $r = run('hostile', $config{'http-named'}, { looks => \@names, forbidden => $listens->sockport }, @open);
	is(scalar(@{$r->{outputs}}), scalar(@names), 'every look was answered') or diag($r->{err});
	for my $o (@{$r->{outputs}}) {
		if (!defined($layer)) {
			like($o->{got} // "refused $o->{refused}", qr/^\Q$got{$o->{look}}\E/, "$o->{look} is its own");
			next;
		}
		like($o->{refused} // 'got ' . ($o->{got} // ''), qr/^(E(ACCES|PERM|NOSYS|ROFS|FAULT|INVAL|NOTSOCK|BADF|ADDRNOTAVAIL|AFNOSUPPORT)|EAI -2)$/,
		    "$o->{look} is refused by $layer{$layer}");
	}
	my %contacts = map { $_->{host} => $_->{outcome} } @{$r->{verdict}{egress} // []};
	if (($layer // '') eq 'B') {
		is($contacts{$_}, 'refused', "$_ is on record") for '169.254.169.254', '10.0.0.1', '127.0.0.2', '::1', 'evil.example';
	}
	is($r->{verdict}{layers}{namespaces}{state}, 'waived', 'the waiver is in the receipt');
	is($r->{verdict}{layers}{$_}{state}, 'on', "$_ is on") for qw(landlock seccomp rlimits);
}
$listens->blocking(0);
ok(!$listens->accept, 'nobody came to the forbidden place');

@as = ();

# By a server, parked and not; nothing is left of them when it is gone.
my $socket = scratch() . '/socket';
start('serve', qr/"event":"listening"/, { BASCULE_CONNECTORS => $tests }, bascule(), 'serve', '--listen', "unix:$socket",
    '--sandbox', 'container', '--parked-min', 1, @open);
for my $time (1 .. 3) {
	my $body = spill('body.json', { type => 'std:account:list', config => $config{'http-named'}, input => {} });
	my $answer = `curl -s --max-time 60 --unix-socket $socket -H 'Content-Type: application/json' -d \@$body http://x/v1/connectors/python/invoke`;
	is(scalar(() = $answer =~ /\n/g), 30, "by a server, time $time");
	select(undef, undef, undef, 0.3);
}
stop('serve');

# Ways to end, as in namespaces; its keeper ends with it.  In a folder of its own, by which its processes are known.
mkdir(scratch() . '/own', 0755);
my $alone = hostile_copy('own/alone');
my @limits = ('--limit', 'memory=128m');
my @soon = ('--limit', 'deadline=3s');
for my $w ([fails => 'failed'], [silent => 'failed'], [loop => 'deadline'], [memory => qr/^(memory|failed)$/], [threads => 'deadline'],
    [stdout => 'deadline'], (map { [$_ => "syscall:$_"] } qw(ptrace unshare bpf keyctl mount))) {
	my ($way, $cause) = @$w;
	my $r = run($alone, $config{http}, { way => $way }, @open, @limits, $cause eq 'deadline' ? @soon : ());
	like($r->{verdict}{cause} // '', ref($cause) ? $cause : qr/^\Q$cause\E$/, "hostile: $way") or diag($r->{err});
	is(living($alone), 0, "hostile: $way leaves nobody, no keeper either");
}

# A shell, and what it runs.
for my $c (sort keys %config) {
	my $r = run('shell', $config{$c}, {}, @open);
	is(scalar(@{$r->{outputs}}), 30, "shell lists users by $c") or diag($r->{err});
}
my $refused_shell = run('shell', $config{http}, {});
is($refused_shell->{verdict}{egress}[0]{outcome}, 'refused', 'shell: a private place is refused');

# With processes: all of them end, whatever they do, and whoever is left to end them.
my $many = hostile_copy('own/many', processes => 8, tools => ['/usr/bin/jq']);
for my $w ([end => undef], [orphan => undef], [bomb => 'deadline'], [loop => 'deadline']) {
	my $r = run($many, $config{http}, { way => $w->[0] }, @open, @limits, $w->[1] ? @soon : ());
	is($r->{verdict}{cause}, $w->[1], "with processes: $w->[0]") or diag($r->{err});
	is(living($many), 0, "with processes: $w->[0] leaves none");
}
my $powers = run($many, $config{http}, { looks => [qw(shell execCopy ownGroup session killAll killParent)] }, @open);
isnt($_->{refused}, undef, "with processes: $_->{look} is refused") for @{$powers->{outputs}};
is(scalar(@{$powers->{outputs}}), 6, 'with processes: every look was answered');

# The same by a server, which lives on: of each connector it has a nursery, and nobody else.
start('own', qr/"event":"listening"/, { BASCULE_CONNECTORS => scratch() . '/own' }, bascule(), 'serve', '--listen', "unix:$socket",
    '--sandbox', 'container', '--parked-max', 0, @open);
for my $w ((map { [alone => $_] } qw(end fails silent)), (map { [many => $_] } qw(end orphan orphan))) {
	my ($connector, $way) = @$w;
	my $body = spill('body.json', { type => 'std:account:list', config => $config{http}, input => { way => $way, looks => ['folder'] } });
	my $answer = `curl -s --max-time 60 --unix-socket $socket -H 'Content-Type: application/json' -d \@$body http://x/v1/connectors/$connector/invoke`;
	like($answer, qr/main\.py/, "by a server: $connector, $way was run");
	is(living(scratch() . "/own/$connector", 1), 1, "by a server: $connector, $way leaves its nursery alone");
}
stop('own');

# Its launcher is killed while it forks on, and while its keeper waits for the source's budget.
for my $w ([bomb => sub { alive($many, qr/^\S*python/) > 2 }],
    [waits => sub { slurp(scratch() . '/out') =~ /connected/ && alive($many, qr/^\S*python/) > 1 && select(undef, undef, undef, 0.5) == 0 },
	'--rate', '1/1h']) {
	my ($way, $is_there, @more) = @$w;
	my $request = spill('way.json', { type => 'std:account:list', config => $config{http}, input => { way => $way } });
	my $launcher = fork() // die "fork: $!";
	if ($launcher == 0) {
		open(STDIN, '<', $request);
		open(STDOUT, '>', scratch() . '/out');
		open(STDERR, '>', '/dev/null');
		exec(bascule(), 'invoke', $many, '--sandbox', 'container', @open, @more) or POSIX::_exit(127);
	}
	my $there = 0;
	for (1 .. 400) {
		last if $there = $is_there->();
		select(undef, undef, undef, 0.05);
	}
	ok($there, "$way: there are several of it");
	kill('KILL', $launcher);
	waitpid($launcher, 0);
	is(living($many), 0, "$way: a launcher that is killed leaves none either");
}

# Nothing is run without Landlock as well.
my $bare = run('python', $config{http}, {}, '--without', 'landlock', @open);
is($bare->{verdict}{cause}, 'sandbox', 'nor without Landlock as well');
done_testing();
