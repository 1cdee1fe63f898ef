#!/usr/bin/perl
# serve_faults.t -- bascule serve when something is killed, when something runs out, and when bytes are no HTTP: what is
# answered is an error or the truth, nothing is left behind, and the journal knows.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use support;
use IO::Select;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Test::More;
use Time::HiRes qw(sleep time);

for my $tool (qw(curl prlimit)) {
	plan skip_all => "machine: no $tool" if system("command -v $tool >/dev/null") != 0;
}
my $build = root() . '/build';
$build = $1 if bascule() =~ m{^(.*)/bin/bascule$};
my $name = "evf$$";
my $work = scratch();
mkdir("$work/c");
mkdir("$work/c/$name");
system('cp', "$build/tests/evil/evil/evil", "$work/c/$name/$name") == 0 or plan skip_all => 'evil is not built';
system('cp', "$build/tests/evil/evil/connector-spec.json", "$work/c/$name/");
my %env = (BASCULE_CONNECTORS => "$work/c:$build/connectors");
my ($socket, $log);

sub until_true { my ($is) = @_; for (1 .. 100) { return 1 if $is->(); sleep(0.1) } return 0 }
sub server {
	my ($as, @options) = @_;
	my @before = ref $options[0] ? @{shift @options} : ();
	$socket = "$work/$as.socket";
	$log = start($as, qr/"event":"listening"/, \%env, @before, bascule(), 'serve', '--listen', "unix:$socket", @options);
}
sub curl {
	my ($method, $path, $body, @more) = @_;
	my @body = defined $body ? ('-H', 'Content-Type: application/json', '-d', encode_json($body)) : ();
	my $pid = open(my $fh, '-|', 'curl', '-sS', '-m', 30, '--unix-socket', $socket, '-X', $method, @body, @more, '-w', "\n%{http_code}",
	    '--stderr', "$work/curl.err", "http://localhost$path") or die "curl: $!";
	my $all = do { local $/; <$fh> } // '';
	close($fh);
	my ($text, $code) = $all =~ /\A(.*)\n(\d+)\z/s;
	return { code => $code // 0, body => $text // '', json => eval { decode_json($text) } // {}, rc => $? >> 8 };
}
sub evil { my ($attack, %more) = @_; return curl('POST', "/v1/connectors/$name/invoke", { type => "evil:$attack", config => {}, %more }) }
sub fork_evil {
	my @how = @_;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		my $r = evil(@how);
		spill("answer.$$", "$r->{rc} $r->{code} " . ($r->{json}{cause} // ''));
		POSIX::_exit(0);
	}
	return $pid;
}
sub answer { my ($pid) = @_; waitpid($pid, 0); return slurp("$work/answer.$pid") }
sub row { return curl('GET', "/v1/invocations/$_[0]")->{json} }
sub state_is { my ($id, $s) = @_; return until_true(sub { (row($id)->{state} // '') eq $s }) }
sub pids {
	my ($pattern, $of) = @_;
	my @all = map { [split(' ', $_, 3)] } `ps -o pid=,stat=,args= --ppid $of`;
	return map { $_->[0] } grep { $_->[1] !~ /^Z/ && $_->[2] =~ $pattern } @all;
}
sub is_alive { my ($pid) = @_; return (`ps -o stat= -p $pid` || 'Z') !~ /^Z/ }
sub living { return scalar grep { !/^Z/ } `ps -o stat=,args= -C $name` }
sub raw {
	my ($text, $half) = @_;
	my $s = IO::Socket::UNIX->new(Peer => $socket) or return '';
	local $SIG{PIPE} = 'IGNORE';
	syswrite($s, $text);
	shutdown($s, 1) if $half;
	my ($got, $sel) = ('', IO::Select->new($s));
	while ($sel->can_read(3)) {
		sysread($s, my $part, 65536) or return "$got<closed>";
		$got .= $part;
	}
	return "$got<open>";
}

# --- killed: worker, nursery, broker
server('kills', '--journal', "$work/journal.db", '--parked-max', 1);
is(evil('ok')->{code}, 200, 'it runs');
my $launcher = pid_of('kills');
my ($supervisor) = pids(qr/bascule-supervise/, $launcher);
ok($supervisor, 'the front has a supervisor, and workers are its children');
my $call = fork_evil('hang', id => 'k1', deadline => '20s');
ok(state_is('k1', 'starting'), 'one is hanging');
my @ours;
until_true(sub { (@ours = sort { $a <=> $b } pids(qr/--nursery/, $supervisor)) >= 2 });
cmp_ok(scalar @ours, '>=', 2, 'nursery and workers are children');
kill('KILL', $_) for @ours[1 .. $#ours];
like(answer($call), qr/^0 5\d\d signal/, 'a worker that is killed fails its call');
is(evil('ok')->{code}, 200, 'the next is well');
$call = fork_evil('hang', id => 'k2', deadline => '3s');
ok(state_is('k2', 'starting'), 'another');
(my $nursery) = sort { $a <=> $b } pids(qr/--nursery/, $supervisor);
kill('KILL', $nursery);
like(answer($call), qr/^0 5\d\d /, 'a nursery that is killed: its call ends with an error');
ok(until_true(sub { evil('ok')->{code} == 200 }), 'a new one is started');
$call = fork_evil('hang', id => 'k3', deadline => '5s');
ok(state_is('k3', 'starting'), 'one more');
my @brokers = pids(qr/bascule-broker/, $supervisor);
ok(@brokers >= 1, 'there is a broker');
kill('KILL', @brokers);
like(answer($call), qr/^0 5\d\d /, 'a broker that is killed: its call ends with an error');
ok(until_true(sub { evil('ok')->{code} == 200 }), 'a new one is started');
ok(until_true(sub { !grep { !/^S|^R|^D/ } `ps -o stat= --ppid $launcher --ppid $supervisor` }), 'nobody is left unburied');

# --- killed: the launcher
$call = fork_evil('hang', id => 'k4', deadline => '60s');
ok(state_is('k4', 'starting'), 'one runs');
kill('KILL', $launcher);
like(answer($call), qr/^(52|56) 0+ /, 'its caller sees the connection end');
ok(until_true(sub { living() == 0 }), 'no worker survives');
ok(until_true(sub { !is_alive($supervisor) }), 'nor does the supervisor');
stop('kills');
server('again', '--journal', "$work/journal.db");
is(row('k4')->{state}, 'done', 'the journal has it');
isnt(row('k4')->{outcome}, 'ok', 'and not as a success');

# --- killed: the supervisor
$launcher = pid_of('again');
($supervisor) = pids(qr/bascule-supervise/, $launcher);
$call = fork_evil('hang', id => 'k5', deadline => '60s');
ok(state_is('k5', 'starting'), 'one runs');
kill('KILL', $supervisor);
like(answer($call), qr/^(52|56) 0+ /, 'a supervisor that is killed: its caller sees the connection end');
ok(until_true(sub { living() == 0 }), 'no worker survives');
ok(until_true(sub { !is_alive($launcher) }), 'nor does the front');
like(slurp($log), qr/"event":"supervisor.gone"/, 'which says why');
stop('again');
server('again', '--journal', "$work/journal.db");
isnt(row('k5')->{outcome}, 'ok', 'the journal has it, and not as a success');
is(row('k1')->{receipt}{cause}, 'signal:KILL', 'and what was before') or diag(encode_json(row('k1')));
is(evil('ok')->{code}, 200, 'it runs again');
stop('again');

# --- no descriptors, no disk, no process
server('files', ['prlimit', '--nofile=64:64'], '--parked-max', 0);
my @idle = map { IO::Socket::UNIX->new(Peer => $socket) } 1 .. 80;
sleep(0.5);
kill(0, pid_of('files')) or fail('it lives');
@idle = ();
ok(until_true(sub { evil('ok')->{code} == 200 }), 'out of descriptors, and back');
my @many = map { fork_evil('hang', deadline => '2s') } 1 .. 24;
my @answers = map { answer($_) } @many;
is(scalar(grep { !/^0 (5\d\d|429) / } @answers), 0, 'too many for its descriptors: each is answered') or diag(join(', ', @answers));
ok(until_true(sub { evil('ok')->{code} == 200 }), 'and then all is well');
stop('files');

server('disk', ['prlimit', '--fsize=200000:200000'], '--journal', "$work/small.db");
my %codes;
$codes{evil('ok')->{code}}++ for 1 .. 150;
is(join(' ', sort grep { $_ != 200 } keys %codes), '503', 'a journal that may not grow: refused') or diag(encode_json(\%codes));
is(curl('GET', '/healthz')->{code}, 200, 'and it lives');
stop('disk');

SKIP: {
	skip 'machine: root knows no such limit', 2 if $> != 0;
	my $who = 61234;
	mkdir("$work/u");
	chmod(0711, $work);
	chown($who, $who, "$work/u");
	$socket = "$work/u/s";
	$log = start('forks', qr/"event":"listening"/, \%env, 'setpriv', '--reuid', $who, '--regid', $who, '--clear-groups',
	    'prlimit', '--nproc=2:2', bascule(), 'serve', '--listen', "unix:$socket");
	my $r = evil('ok');
	like("$r->{code} " . ($r->{json}{cause} // ''), qr/^5\d\d /, 'no process but the two halves may be made: an error');
	is(curl('GET', '/healthz')->{code}, 200, 'and it lives');
	stop('forks');
}

# --- bytes that are no HTTP, or that two readers could read differently.  Left to evhttp, which takes them, as is allowed or
# harms nobody behind one proxy: a folded line, a NUL that ends a value, "+1e" as a chunk's length.
server('bytes', '--request-timeout', '2s');
my $body = '{"type":"evil:ok","config":{}}';
my $n = length($body);
my $post = "POST /v1/connectors/$name/invoke HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
like(raw("${post}Content-Length: $n\r\n\r\n$body"), qr/ 200 /, 'a good one');
for my $case (
	['both lengths', "${post}Content-Length: $n\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
	['two lengths', "${post}Content-Length: $n\r\nContent-Length: 3\r\n\r\n$body"],
	['a list of lengths', "${post}Content-Length: $n, $n\r\n\r\n$body"],
	['a signed length', "${post}Content-Length: +$n\r\n\r\n$body"],
	['a negative length', "${post}Content-Length: -1\r\n\r\n$body"],
	['a length in hex', "${post}Content-Length: 0x1e\r\n\r\n$body"],
	['a coding unknown', "${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
	['a coding disguised', "${post}Transfer-Encoding: xchunked\r\nContent-Length: $n\r\n\r\n$body"],
	['two codings', "${post}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
	['a space before the colon', "${post}Content-Length : $n\r\n\r\n$body"],
	['a bare CR', "${post}X: a\rY: b\r\nContent-Length: $n\r\n\r\n$body"],
	['no name', "${post}: x\r\nContent-Length: $n\r\n\r\n$body"],
	['no colon', "${post}X\r\nContent-Length: $n\r\n\r\n$body"],
	['no host', "POST /v1/connectors/$name/invoke HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: $n\r\n\r\n$body"],
	['two hosts', "${post}Host: y\r\nContent-Length: $n\r\n\r\n$body"],
	['an unknown method', "BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n"],
	['a method in lower case', "get /healthz HTTP/1.1\r\nHost: x\r\n\r\n"],
	['no version', "GET /healthz\r\nHost: x\r\n\r\n"],
	['version 2.0', "GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n"],
	['version 1.10', "GET /healthz HTTP/1.10\r\nHost: x\r\n\r\n"],
	['version x', "GET /healthz HTTP/x\r\nHost: x\r\n\r\n"],
	['two spaces', "GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n"],
	['a space in the path', "GET /hea lthz HTTP/1.1\r\nHost: x\r\n\r\n"],
	['HTTP/2 at once', "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
	['a huge chunk', "${post}Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\n$body\r\n0\r\n\r\n"],
	['a chunk without end', "${post}Transfer-Encoding: chunked\r\n\r\n1e\r\n${body}XX0\r\n\r\n"],
	['noise', "\x00\xff\xfe\r\n\r\n"],
) {
	my $got = raw($case->[1] . "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	unlike($got, qr/"attack":"none"|\A[^\n]* 200 /, "$case->[0] is refused") or diag(substr($got, 0, 300));
	unlike($got, qr/"status":"ok"/, '  and nothing behind it is read as a request') if $case->[1] =~ /^POST/;
}
like(raw("${post}Content-Length: $n\r\n\r\n$body", 1), qr/ 200 .*"attack":"none"|<closed>/s, 'a half-closed connection is answered, or ends');
like(raw("${post}Content-Length: $n\r\n\r\n{", 1), qr/\A(<closed>|[^\n]* 400 .*<closed>)/s, 'one that breaks off is no request');
is(curl('GET', '/healthz')->{code}, 200, 'it lives');
is(row('nobody')->{state} // 'none', 'none', 'and nothing was run');
my @seen = @{curl('GET', '/v1/invocations?limit=100')->{json}{invocations}};
cmp_ok(scalar @seen, '<=', 2, 'but the good ones') or diag(encode_json([map { $_->{command} } @seen]));
my @slow = map { my $s = IO::Socket::UNIX->new(Peer => $socket); syswrite($s, "GET /hea"); $s } 1 .. 200;
is(curl('GET', '/healthz')->{code}, 200, 'two hundred that never finish do not hold up one that does');
my $cut = until_true(sub { !grep { my $s = IO::Select->new($_); !$s->can_read(0) } @slow });
ok($cut, 'and are cut');
stop('bytes');
ok(until_true(sub { living() == 0 }), 'no process is left');
done_testing();
