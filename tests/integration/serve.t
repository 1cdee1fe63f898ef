#!/usr/bin/perl
# serve.t -- bascule serve as callers, supervisors and attackers meet it: curl and raw sockets, unix and TLS.
# The hostile connector runs under a name of this run, so that what is left behind is surely ours.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use support;
use Fcntl qw(F_SETFD);
use IO::Select;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Test::More;
use Time::HiRes qw(sleep time);

for my $tool (qw(curl openssl)) {
	plan skip_all => "machine: no $tool" if system("command -v $tool >/dev/null") != 0;
}
my $b = root() . '/build';
$b = $1 if bascule() =~ m{^(.*)/bin/bascule$};
my $name = "evs$$";
my $work = scratch();
mkdir("$work/c");
mkdir("$work/c/$name");
system('cp', "$b/tests/evil/evil/evil", "$work/c/$name/$name") == 0 or plan skip_all => 'evil is not built';
system('cp', "$b/tests/evil/evil/connector-spec.json", "$work/c/$name/");
my %env = (BASCULE_CONNECTORS => "$work/c:$b/connectors");
my ($socket, $log);
my $secret = "s3cret-$$";

sub until_true { my ($is) = @_; for (1 .. 100) { return 1 if $is->(); sleep(0.1) } return 0 }

# server(name, options...): at a unix socket; $socket and $log are its.
sub server {
	my ($as, @options) = @_;
	$socket = "$work/$as.socket";
	$log = start($as, qr/"event":"listening"/, \%env, bascule(), 'serve', '--listen', "unix:$socket",
	    '--allow-private', 'localhost', '--allow-private', '127.0.0.1', @options);
	my $places = 1 + grep { $_ eq '--listen' } @options;
	until_true(sub { $places == (() = slurp($log) =~ /"event":"listening"/g) }) or die "$as: " . slurp($log);
}

# One curl in the background: its name; see result().
my $calls = 0;
sub begin {
	my ($method, $path, $body, @more) = @_;
	my $n = ++$calls;
	my @body = defined $body ? ((grep { /^Content-Type:/ } @more) ? () : ('-H', 'Content-Type: application/json'),
	    '--data-binary', '@' . spill("body.$n", $body)) : ();
	my @to = (grep { $_ eq '--insecure' || $_ eq '--cacert' } @more) ? () : ('--unix-socket', $socket);
	my $url = $path =~ /^http/ ? $path : "http://localhost$path";
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', "$work/code.$n");
		open(STDERR, '>', "$work/err.$n");
		exec('curl', '-sS', '-m', 30, '-X', $method, @to, '-D', "$work/head.$n", '-o', "$work/out.$n",
		    '-w', '%{http_code}', @body, @more, $url) or POSIX::_exit(127);
	}
	return { n => $n, pid => $pid };
}
sub result {
	my ($r) = @_;
	my $n = $r->{n};
	waitpid($r->{pid}, 0);
	@$r{qw(rc code head body)} = ($? >> 8, slurp("$work/code.$n"), slurp("$work/head.$n"), slurp("$work/out.$n"));
	$r->{json} = eval { decode_json($r->{body}) } // {};
	return $r;
}
sub curl { return result(begin(@_)) }
sub evil {
	my ($attack, $more, @options) = @_;
	return begin('POST', "/v1/connectors/$name/invoke",
	    { type => "evil:$attack", config => { password => $secret }, %{$more // {}} }, @options);
}
sub row { return curl('GET', "/v1/invocations/$_[0]")->{json} }
sub state_is { my ($id, $s) = @_; return until_true(sub { (row($id)->{state} // '') eq $s }) }
my @with_verdict = ('-H', 'Accept: application/x-ndjson; verdict=1');

sub metric {
	return curl('GET', '/metrics')->{body} =~ /^\Q$_[0]\E (\S+)$/m ? $1 : undef;
}
# Bytes as they are, on a connection of its own; what comes back until the other side closes or is quiet.
sub raw {
	my ($text, $quiet) = @_;
	my $s = IO::Socket::UNIX->new(Peer => $socket) or return '';
	local $SIG{PIPE} = 'IGNORE';
	syswrite($s, $text);
	my ($got, $sel) = ('', IO::Select->new($s));
	while ($sel->can_read($quiet // 10)) {
		sysread($s, my $part, 65536) or return "$got<closed>";
		$got .= $part;
	}
	return "$got<open>";
}

# What the API says of itself, as far as it can be held to it.
my $api = decode_json(slurp(root() . '/launcher/serve/openapi.json'));
sub fits {
	my ($v, $s, $at) = @_;
	return fits($v, $api->{components}{schemas}{$1}, $at) if ($s->{'$ref'} // '') =~ m{/([^/]+)$};
	return "$at: not of the list" if $s->{enum} && !grep { $_ eq $v } @{$s->{enum}};
	my $is = ref $v eq 'HASH' ? 'object' : ref $v eq 'ARRAY' ? 'array' : ref $v ? 'boolean'
	    : JSON::PP->new->allow_nonref->encode($v) =~ /^"/ ? 'string' : 'integer';
	return "$at: $is, not $s->{type}" if $s->{type} && $s->{type} ne $is;
	if ($is eq 'object') {
		defined $v->{$_} or return "$at: no $_" for @{$s->{required} // []};
		for my $k (keys %$v) {
			my $p = ($s->{properties} // {})->{$k};
			return "$at: $k is not described" if !$p && defined $s->{additionalProperties};
			my $why = $p ? fits($v->{$k}, $p, "$at/$k") : '';
			return $why if $why;
		}
	}
	if ($is eq 'array' && $s->{items}) {
		for my $i (@$v) { my $why = fits($i, $s->{items}, "$at\[]"); return $why if $why }
	}
	return '';
}
sub described {
	my ($r, $path, $method, $text) = @_;
	my $answer = $api->{paths}{$path}{$method}{responses}{$r->{code}} or return fail("$text: $r->{code} is described");
	my ($type) = $r->{head} =~ /^Content-Type: ([^;\r]+)/mi;
	my $c = $answer->{content}{$type // ''} or return fail("$text: $type is described");
	is(fits($r->{json}, $c->{schema}, ''), '', $text);
}

# --- answers
server('one', '--parked-max', 2, '--limit', 'deadline=20s', '--request-timeout', '2s', '--worker-logs');
my $r = curl('GET', '/healthz');
is($r->{code}, 200, 'it lives');
like(slurp('/proc/' . pid_of('one') . '/limits'), qr/^Max core file size +0 +0 /m, 'it leaves no core file');
like(slurp('/proc/' . pid_of('one') . '/coredump_filter'), qr/^0+$/, 'and gives no memory to who is piped one');
described($r, '/healthz', 'get', 'and says so as described');
described(curl('GET', '/readyz'), '/readyz', 'get', 'it is ready, as described');
$r = result(evil('ok'));
is("$r->{rc} $r->{code} $r->{body}", "0 200 {\"data\":{\"attack\":\"none\"},\"type\":\"output\"}\n", 'a command, its lines');
like($r->{head}, qr{^Content-Type: application/x-ndjson\r$}m, 'as lines');
my ($id) = $r->{head} =~ /^Bascule-Invocation: (\S+)\r$/m;
$r = curl('GET', "/v1/invocations/$id");
described($r, '/v1/invocations/{id}', 'get', 'it is remembered, as described');
is($r->{json}{receipt}{outcome}, 'ok', 'with its receipt');
$r = result(evil('ok', { id => 'my:id-1' }, @with_verdict, '-H', 'traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-01'));
my $last = (split(/\n/, $r->{body}))[-1];
is(decode_json($last)->{type}, 'end', 'a last record for whoever asks');
is(decode_json($last)->{data}{id}, 'my:id-1', 'with the id that was given');
like(slurp($log), qr/"trace":"00-0123456789abcdef0123456789abcdef-/, 'traceparent is in the log');
$r = result(evil('ok', {}, '-H', 'Accept: text/event-stream'));
like($r->{body}, qr/\Aevent: output\ndata: \{.*\}\n\nevent: verdict\ndata: \{.*"type":"end"\}\n\n\z/, 'as events');
$r = result(evil('ok', {}, '--compressed', '-H', 'Accept-Encoding: gzip'));
like($r->{head} . $r->{body}, qr/Content-Encoding: gzip.*"attack":"none"/s, 'gzip');
SKIP: {
	skip('machine: no zstd', 1) if system('command -v zstd >/dev/null') != 0;
	my $c = evil('flood', { deadline => '300ms' }, @with_verdict, '-H', 'Accept-Encoding: zstd');
	result($c);
	like(`zstd -dc <$work/out.$c->{n} | tail -n 1`, qr/"cause":"deadline".*"type":"error"\}$/, 'zstd');
}

# --- failures
my @refusals = (
	[400, { type => 'evil:ok', confg => {} }, 'confg', 'a member that nobody knows'],
	[400, { type => 'evil:nothing' }, 'evil:nothing', 'a command it has not'],
	[400, { type => 'std:account:read', input => {} }, 'input', 'a member is missing'],
	[400, { type => 'evil:ok', limits => { memory => '1t' } }, 'memory', 'a limit that is none'],
	[400, { type => 'evil:ok', limits => { memory => '2g' } }, 'memory', "more than the operator's"],
	[400, { type => 'evil:ok', deadline => '1h' }, 'deadline', "longer than the operator's"],
	[400, '{"type":', 'byte', 'no JSON'],
	[400, '[]', 'object', 'no object'],
);
for my $case (@refusals) {
	$r = curl('POST', "/v1/connectors/$name/invoke", $case->[1]);
	is($r->{code}, $case->[0], "$case->[3]: $case->[0]");
	like($r->{json}{detail} // '', qr/\Q$case->[2]\E/, 'which is named');
	described($r, '/v1/connectors/{name}/invoke', 'post', 'by a problem document');
}
for my $case ([404, 'POST', '/v1/connectors/nobody/invoke'], [404, 'POST', '/v1/connectors/..%2fscim/invoke'],
    [404, 'GET', '/v1'], [404, 'GET', '/v1/connectors/'], [405, 'PUT', '/v1/connectors'], [404, 'GET', '/v1/invocations/none'],
    [400, 'GET', '/v1/invocations?limit=x'], [400, 'GET', '/v1/invocations?nonsense=1']) {
	$r = curl(@$case[1, 2], $case->[1] eq 'POST' ? { type => 'evil:ok' } : undef);
	is($r->{code}, $case->[0], "$case->[1] $case->[2]: $case->[0]");
}
is(curl('POST', "/v1/connectors/$name/invoke", '{}', '-H', 'Content-Type: text/plain')->{code}, 415, 'text/plain: 415');
is(curl('POST', "/v1/connectors/$name/invoke", '{}', '-H', 'Accept: image/png')->{code}, 406, 'image/png: 406');
is(result(evil('ok', {}, '--http1.0'))->{code}, 505, 'HTTP/1.0: 505');
is(curl('GET', '/healthz', undef, '-H', 'Origin: http://example.com')->{code}, 200, 'a unix socket knows no web pages');
$r = result(evil('hang', { deadline => '300ms' }));
is("$r->{code} $r->{json}{cause}", '504 deadline', 'a failure before output has its status');
described($r, '/v1/connectors/{name}/invoke', 'post', 'by a problem document');
is(result(evil('crash'))->{json}{cause}, 'signal', 'a crash is told');
$r = curl('POST', "/v1/connectors/$name/invoke", { type => 'std:account:read', config => { attack => 'emit-none' },
    input => { identity => 'x' } });
is("$r->{code} $r->{json}{errorType}", '500 generic', 'what a connector says is told');

# --- a part is never taken for the whole
$r = result(evil('flood', { deadline => '500ms' }));
is("$r->{rc} $r->{code}", '18 200', 'a failure behind output: the connection is cut');
like($r->{body}, qr/"type":"output"\}\n\z/, 'after what was written had gone out');
$r = result(evil('flood', { deadline => '500ms' }, '--compressed', '-H', 'Accept-Encoding: gzip'));
isnt($r->{rc}, 0, 'compressed, too');
$r = result(evil('flood', { deadline => '500ms' }, @with_verdict));
like("$r->{rc} $r->{body}", qr/\A0 .*"cause":"deadline".*"type":"error"\}\n\z/s, 'with a last record it ends properly');

# --- cancel, gone
sub living { return `ps -o stat=,args= -C $name` =~ s/^Z.*\n//gmr =~ tr/\n// }
my $parked = sub { living() <= 1 + (metric('bascule_parked_workers') // 0) };
my $c = evil('slow', { id => 'slow-1' });
ok(state_is('slow-1', 'streaming'), 'one that runs is seen');
is(result(evil('ok', { id => 'slow-1' }))->{code}, 409, 'its id is taken');
$r = curl('DELETE', '/v1/invocations/slow-1');
described($r, '/v1/invocations/{id}', 'delete', 'DELETE, as described');
is($r->{code}, 202, 'is accepted');
is(result($c)->{rc}, 18, 'and cuts it');
is(row('slow-1')->{receipt}{cause}, 'cancelled', 'for this cause');
is(curl('DELETE', '/v1/invocations/slow-1')->{code}, 200, 'once more: it had ended');
$c = evil('ignore-term', { id => 'gone-1' });
ok(state_is('gone-1', 'starting'), 'one that has written nothing yet');
kill('KILL', $c->{pid});
waitpid($c->{pid}, 0);
ok(state_is('gone-1', 'done'), 'ends with its caller');
is(row('gone-1')->{receipt}{cause}, 'client-gone', 'for this cause');
ok(until_true($parked), 'and its process is gone');

# --- slow caller: its worker waits, others do not, memory stays
{
	my $s = IO::Socket::UNIX->new(Peer => $socket);
	my $body = "{\"type\":\"evil:flood\",\"id\":\"reader\",\"config\":{}}";
	print $s "POST /v1/connectors/$name/invoke HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ",
	    length($body), "\r\n\r\n$body";
	$s->flush;
	ok(state_is('reader', 'streaming'), 'a caller that does not read');
	my $before = metric('process_resident_memory_bytes');
	is(result(evil('ok'))->{code}, 200, 'does not hold up others') for 1 .. 5;
	cmp_ok(metric('process_resident_memory_bytes'), '<', $before + 4 * 1024 * 1024, 'and costs no memory');
	is(row('reader')->{state}, 'streaming', 'while its worker waits');
}
ok(state_is('reader', 'done'), 'and ends when it leaves');

# --- bytes that no client sends
my $get = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
is(() = raw("$get$get$get", 1) =~ /"status":"ok"/g, 3, 'requests sent ahead are answered in turn');
my $invoke = sub { "POST /v1/connectors/$name/invoke HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    . "Content-Length: " . length($_[0]) . "\r\n\r\n$_[0]" };
like(raw($invoke->('{"type":"evil:ok"}') . $get, 2), qr/"attack":"none".*\r\n0\r\n\r\nHTTP.*"status":"ok"/s,
    'behind an invocation, too');
$c = $invoke->('{"type":"evil:hang","id":"ahead"}') . 'x' x 300000;
like(raw($c), qr/<closed>/, 'too much sent ahead is cut');
ok(state_is('ahead', 'done'), 'and what it was ahead of is cancelled');
unlike(raw("GET /healthz HTTP/1.1\r\nX: " . 'x' x 100000 . "\r\n\r\n"), qr/200 OK/, 'a flood of headers is refused');
unlike(raw("GET /healthz HTTP/1.1\r\n" . "X: y\r\n" x 50000 . "\r\n"), qr/200 OK/, 'of many, too');
my $chunked = "POST /v1/connectors/$name/invoke HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";
for my $bomb ('ffffffffffffffff', '7fffffffffffffff', '-1', 'zz', '900000') {
	unlike(raw("$chunked$bomb\r\n{}"), qr/ 200 /, "a chunk of $bomb bytes is refused");
}
like(raw($invoke->('x' x 9_000_000)), qr/ 413 /, 'a body over 8 MiB: 413');
like(raw("GET /healthz HTTP/1.1\r\nHost: x\r\n"), qr/\A<closed>/, 'a request that never comes whole is cut');
my $drip = IO::Socket::UNIX->new(Peer => $socket);
{
	local $SIG{PIPE} = 'IGNORE';
	ok(until_true(sub { !defined syswrite($drip, 'G') }), 'one byte after the other, too');
}
like(raw("\x16\x03\x01\x02\x00\x01\x00"), qr/<closed>/, 'TLS where there is none');
is(curl('GET', '/healthz')->{code}, 200, 'it lives');
sub check { return system("'@{[bascule()]}' serve check $_[0] 2>$work/check.err") >> 8 }
is(check("unix:$socket"), 0, 'serve check: it is ready');
is(check("unix:$work/nobody"), 71, 'where nobody is, none is');
is(check("::1:7080"), 64, 'and a place it does not know is a mistake');
is(metric('bascule_queue_length'), 0, 'nobody waits');
ok(until_true(sub { metric('bascule_request_bytes_held') < 4096 }), 'and no request is held');

# --- what there is
$r = curl('GET', '/v1/connectors');
described($r, '/v1/connectors', 'get', 'the connectors, as described');
ok((grep { $_->{name} eq 'scim' } @{$r->{json}{connectors}}), 'scim is one');
described(curl('GET', '/v1/connectors/scim'), '/v1/connectors/{name}', 'get', 'one, as described');
$r = curl('GET', "/v1/invocations?outcome=failed&limit=2");
described($r, '/v1/invocations', 'get', 'a page of invocations, as described');
is(scalar @{$r->{json}{invocations}}, 2, 'of two');
my $next = curl('GET', "/v1/invocations?outcome=failed&limit=2&before=$r->{json}{next}")->{json};
ok((!grep { my $one = $_->{id}; grep { $_->{id} eq $one } @{$r->{json}{invocations}} } @{$next->{invocations}}),
    'the next page has others');
is(curl('GET', '/v1/openapi.json')->{body}, slurp(root() . '/launcher/serve/openapi.json'), 'its description is the tree\'s');
my @bad = grep { !/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"\\]*",?)+\})? [0-9.e+-]+)$/ } split(/\n/, curl('GET', '/metrics')->{body});
is("@bad", '', 'the numbers are in Prometheus\' format');
unlike(slurp($log), qr/\Q$secret\E/, 'no configuration is in the log');
ok((!grep { !eval { decode_json($_)->{event} } } split(/\n/, slurp($log))), 'and each line of it is an object with an event');
stop('one');
like(slurp($log), qr/"event":"ended"/, 'it ended properly');
ok(!-e $socket, 'and its socket is gone');

# --- turns
server('two', '--concurrency', 1, '--per-source', 1, '--queue', 6, '--parked-max', 0);
my $first = evil('hang', { id => 'a0', source => 'a' });
ok(state_is('a0', 'starting'), 'the only turn is taken');
my @a = map { my $q = evil('ok', { id => "a$_", source => 'a' }); state_is("a$_", 'queued'); $q } 1 .. 4;
my $late = evil('ok', { id => 'late', source => 'l', deadline => '4s' });
state_is('late', 'queued');
my $one_b = evil('ok', { id => 'b1', source => 'b' });
ok(state_is('b1', 'queued'), 'others wait');
$r = result(evil('ok', { source => 'c' }));
is("$r->{code} $r->{json}{cause}", '429 shed', 'one too many is turned away');
like($r->{head}, qr/^Retry-After: \d+\r$/m, 'and told when to come back');
described($r, '/v1/connectors/{name}/invoke', 'post', 'as described');
is(result($late)->{json}{cause}, 'deadline', 'a deadline passes while waiting, too');
my $leaver = evil('ok', { id => 'leaver', source => 'z' });
state_is('leaver', 'queued');
kill('KILL', $leaver->{pid});
waitpid($leaver->{pid}, 0);
ok(state_is('leaver', 'done'), 'one that waits ends with its caller');
curl('DELETE', '/v1/invocations/a0');
is(result($first)->{code}, 499, 'the first is cancelled');
is(result($_)->{code}, 200, 'who waited gets its turn') for @a, $one_b;
my @order = slurp($log) =~ /"event":"invocation.end","invocation":"([ab][1-4])"/g;
my ($turn) = grep { $order[$_] eq 'b1' } 0 .. $#order;
cmp_ok($turn, '<=', 1, "the other source was not starved: @order");
stop('two');

# --- two tenants, interleaved
server('tenants', '--concurrency', 4);
my %tenant;
for my $t (1, 2) {
	my $source = start("source$t", qr/practice source/, {}, "$b/libexec/bascule-practice", '--seed', $t, '--users', 40,
	    '--token', "token-of-$t");
	my ($port) = slurp($source) =~ m{http://127\.0\.0\.1:(\d+)};
	$tenant{$t} = { type => 'std:account:list', config => { baseUrl => "http://localhost:$port/scim/v2",
	    token => "token-of-$t" }, input => {} };
	$tenant{$t}{whole} = result(begin('POST', '/v1/connectors/scim/invoke', { %{$tenant{$t}} }))->{body};
	is(() = $tenant{$t}{whole} =~ /"type":"output"/g, 40, "tenant $t has its list");
}
isnt($tenant{1}{whole}, $tenant{2}{whole}, 'which is not the other\'s');
my @mixed = map { my $t = 1 + $_ % 2; my %q = %{$tenant{$t}}; delete $q{whole};
    [$t, begin('POST', '/v1/connectors/scim/invoke', \%q)] } 1 .. 24;
my $mixed_up = grep { result($_->[1])->{body} ne $tenant{$_->[0]}{whole} } @mixed;
is($mixed_up, 0, '24 interleaved lists, each its own');
unlike(slurp($log), qr/token-of-/, 'and no token in the log');
stop($_) for qw(tenants source1 source2);

# --- the end
server('drain', '--grace', '20s');
$c = evil('slow', { id => 'last', deadline => '2s' }, @with_verdict);
ok(state_is('last', 'streaming'), 'one is running');
my $kept = IO::Socket::UNIX->new(Peer => $socket);
kill('TERM', pid_of('drain'));
ok(until_true(sub { slurp($log) =~ /"event":"draining"/ }), 'told to end, it drains');
print $kept "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
$kept->flush;
sysread($kept, my $ready, 4096);
like($ready, qr/ 503 .*draining/s, 'it is not ready any more');
isnt(curl('GET', '/healthz')->{rc}, 0, 'and takes no connection');
like(result($c)->{body}, qr/"cause":"deadline".*\n\z/, 'what runs is finished');
ok(until_true(sub { slurp($log) =~ /"event":"ended","how":"nothing/ }), 'then it ends');
stop('drain');
server('hurry', '--grace', '300ms');
$c = evil('hang', { id => 'last' });
ok(state_is('last', 'starting'), 'one is hanging');
kill('TERM', pid_of('hurry'));
$r = result($c);
is("$r->{code} $r->{json}{cause}", '499 cancelled', 'when the grace is over, it is cancelled');
ok(until_true(sub { slurp($log) =~ /"event":"ended"/ }), 'and it ends');
stop('hurry');
ok(until_true(sub { living() == 0 }), 'no process is left');

# --- TLS, tokens
my $quiet = '>/dev/null 2>&1';
system("cd $work && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca $quiet"
    . " && printf 'subjectAltName=IP:127.0.0.1,DNS:localhost,URI:spiffe://x/it' >ext && for n in server client; do"
    . " openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \$n.key -out \$n.csr -subj /CN=\$n $quiet"
    . " && openssl x509 -req -in \$n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out \$n.pem -days 2 -extfile ext $quiet; done") == 0
    or die 'no certificates';
my @tls = ('--tls-cert', "$work/server.pem", '--tls-key', "$work/server.key");
sub refuses {
	my ($text, $pattern, @options) = @_;
	my $err = `timeout 10 @{[bascule()]} serve @options 2>&1`;
	is($? >> 8, 64, "$text is refused");
	like($err, $pattern, 'and told why');
}
refuses('an open address without TLS', qr/--tls-cert.*--tokens/, '--listen', '0.0.0.0:0');
refuses('one without tokens', qr/--tokens/, '--listen', '[::]:0', @tls);
refuses('a key without its certificate', qr/belong together/, '--tls-key', 'x');
refuses('a certificate that is none', qr/tls-cert/, '--listen', '127.0.0.1:0', '--tls-cert', '/dev/null', '--tls-key', '/dev/null');
sub token { my ($verb, @more) = @_; return `@{[bascule()]} serve token $verb @more --tokens $work/tokens 2>/dev/null` =~ s/\n\z//r }
my $all = token('add', 'all', '--scope', 'read,invoke,manage');
my $some = token('add', 'some', '--scope', "invoke:$name");
like($all, qr/^bsc_[0-9a-f]{64}$/, 'a token is made');
unlike(slurp("$work/tokens"), qr/\Q$all\E|\Q@{[substr($all, 4)]}\E/, 'and not kept');
is((stat("$work/tokens"))[2] & 0777, 0600, 'in a file of its owner');
is(token('add', 'all', '--scope', 'read'), '', 'a name is taken once');
my $place = sub { my ($p) = slurp($log) =~ m{"place":"(https://[^"]*)"}; $p =~ s/0\.0\.0\.0|127\.0\.0\.1/localhost/r };
server('tls', '--listen', '0.0.0.0:0', @tls, '--tokens', "$work/tokens");
my $url = $place->();
my @ca = ('--cacert', "$work/ca.pem");
sub bearer { return @_ ? ('-H', "Authorization: Bearer $_[0]") : () }
is(curl('GET', "$url/healthz", undef, @ca)->{code}, 200, 'health needs no token');
$r = curl('GET', "$url/v1/connectors", undef, @ca);
is($r->{code}, 401, 'everything else does');
like($r->{head}, qr/^WWW-Authenticate: Bearer/m, 'and says which kind');
is(curl('GET', "$url/v1/connectors", undef, @ca, bearer("$all" =~ tr/0-9a-f/1-9a-f0/r))->{code}, 401, 'a wrong one is none');
is(curl('GET', "$url/v1/connectors", undef, @ca, bearer($all))->{code}, 200, 'with the right one');
my $run = { type => 'evil:ok' };
is(curl('POST', "$url/v1/connectors/$name/invoke", $run, @ca, bearer($some))->{code}, 200, 'a token for one connector');
is(curl('POST', "$url/v1/connectors/scim/invoke", $run, @ca, bearer($some))->{code}, 403, 'is not for another');
is(curl('GET', "$url/v1/invocations", undef, @ca, bearer($some))->{code}, 403, 'nor for reading');
is(curl('GET', "$url/metrics", undef, @ca, bearer($all))->{code}, 200, 'one with that scope is');
$c = begin('POST', "$url/v1/connectors/$name/invoke", { type => 'evil:slow', id => 'theirs' }, @ca, bearer($all));
ok(state_is('theirs', 'streaming'), 'one of another caller');
is(curl('DELETE', "$url/v1/invocations/theirs", undef, @ca, bearer($some))->{code}, 403, 'is not to be cancelled');
is(curl('DELETE', "$url/v1/invocations/theirs", undef, @ca, bearer($all))->{code}, 202, 'but by its own');
cmp_ok(result($c)->{rc}, '>', 0, 'and is cut through TLS, too');
my $new = token('add', 'new', '--scope', 'read');
is(curl('GET', "$url/v1/invocations", undef, @ca, bearer($new))->{code}, 401, 'a new token is not known yet');
token('remove', 'some');
kill('HUP', pid_of('tls'));
ok(until_true(sub { slurp($log) =~ /"event":"reloaded"/ }), 'told to, it reads them again');
is(curl('GET', "$url/v1/invocations", undef, @ca, bearer($new))->{code}, 200, 'now it is');
is(curl('GET', "$url/v1/connectors", undef, @ca, bearer($some))->{code}, 401, 'and a removed one no more');
chmod(0666, "$work/tokens");
kill('HUP', pid_of('tls'));
ok(until_true(sub { slurp($log) =~ /"event":"reload.failed"/ }), 'a file that others may write is refused');
is(curl('GET', "$url/v1/invocations", undef, @ca, bearer($new))->{code}, 200, 'and the old ones stay');
unlike(slurp($log), qr/bsc_/, 'no token is in the log');
chmod(0600, "$work/tokens");
stop('tls');
server('mtls', '--listen', '127.0.0.1:0', @tls, '--client-ca', "$work/ca.pem");
$url = $place->();
isnt(curl('GET', "$url/healthz", undef, @ca)->{rc}, 0, 'no certificate, no connection');
is(curl('GET', "$url/healthz", undef, @ca, '--cert', "$work/client.pem", '--key', "$work/client.key")->{code}, 200, 'with one');
stop('mtls');
my @client = ('--cert', "$work/client.pem", '--key', "$work/client.key");
sub subject {
	my ($entry, $subject, $scope) = @_;
	return system("@{[bascule()]} serve token add $entry --subject $subject --scope $scope --tokens $work/subjects >/dev/null 2>&1") >> 8;
}
isnt(subject('bad', 'cn:', 'read'), 0, 'a subject without a name is refused');
isnt(subject('bad', 'ip:127.0.0.1', 'read'), 0, 'or of another kind');
is(subject('others', 'uri:spiffe://x/i', 'read'), 0, 'subjects may stand where tokens do');
is(subject('named', 'cn:client', "invoke:$name"), 0, 'by common name');
is(subject('late', 'uri:spiffe://x/it', 'read'), 0, 'by URI');
spill('tokens-2', slurp("$work/subjects") . slurp("$work/tokens"));
chmod(0600, "$work/tokens-2");
server('subjects', '--listen', '127.0.0.1:0', @tls, '--client-ca', "$work/ca.pem", '--tokens', "$work/tokens-2");
$url = $place->();
is(curl('POST', "$url/v1/connectors/$name/invoke", $run, @ca, @client)->{code}, 200, 'a certificate stands for its entry');
is((curl('GET', '/v1/invocations')->{json}{invocations}[0]{caller}), 'named', 'which is the caller: the first of the file');
is(curl('GET', "$url/v1/invocations", undef, @ca, @client)->{code}, 403, 'with its scopes, and no others');
is(curl('GET', "$url/v1/invocations", undef, @ca, @client, bearer($all))->{code}, 200, 'a token goes before it');
is(curl('GET', "$url/v1/connectors", undef, @ca, @client, bearer('bsc_no'))->{code}, 401, 'a wrong one, too');
is(curl('GET', "$url/v1/connectors", undef, @ca, '--cert', "$work/server.pem", '--key', "$work/server.key")->{code}, 200, 'a URI is enough');
is(curl('GET', "$url/v1/audit", undef, @ca, '--cert', "$work/server.pem", '--key', "$work/server.key")->{code}, 403, 'for what it may');
system("cd $work && sed -i '/^named\\|^late/d' tokens-2");
kill('HUP', pid_of('subjects'));
until_true(sub { slurp($log) =~ /"event":"reloaded"/ });
is(curl('GET', "$url/v1/connectors", undef, @ca, @client)->{code}, 401, 'and none that is not there: part of a name is no name');
stop('subjects');
server('local', '--listen', '127.0.0.1:0');
($url) = slurp($log) =~ m{"place":"(http://127[^"]*)"};
my @tcp = ('--insecure');
is(curl('GET', "$url/healthz", undef, @tcp)->{code}, 200, 'loopback needs nothing');
is(curl('GET', "$url/healthz", undef, @tcp, '-H', 'Host: evil.example')->{code}, 403, 'but a name that was bound to it is refused');
is(curl('GET', "$url/healthz", undef, @tcp, '-H', 'Origin: http://evil.example')->{code}, 403, 'and so are web pages');
stop('local');

# --- systemd's side
my $notify = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$work/notify");
my $handed = IO::Socket::UNIX->new(Local => "$work/handed", Listen => 16);
my $pid = fork() // die "fork: $!";
if ($pid == 0) {
	POSIX::dup2(fileno($handed), 3);
	open(my $three, '+<&=', 3);
	fcntl($three, F_SETFD, 0);
	open(STDERR, '>', "$work/handed.log");
	%ENV = (%ENV, %env, LISTEN_PID => $$, LISTEN_FDS => 1, NOTIFY_SOCKET => "$work/notify", WATCHDOG_USEC => 400000);
	exec(bascule(), 'serve') or POSIX::_exit(127);
}
my $said = sub { my ($what) = @_; until_true(sub { IO::Select->new($notify)->can_read(1) or return 0;
    sysread($notify, my $text, 4096); $text =~ /^\Q$what\E/ }) };
ok($said->('READY=1'), 'READY');
ok($said->('WATCHDOG=1'), 'WATCHDOG');
$socket = "$work/handed";
is(curl('GET', '/healthz')->{code}, 200, 'a socket that was handed over is served');
kill('TERM', $pid);
ok($said->('STOPPING=1'), 'STOPPING');
waitpid($pid, 0);
is($?, 0, 'exit status 0');
ok(-e $socket, 'and the socket that is not ours is left');
ok(until_true(sub { living() == 0 }), 'no process is left');

done_testing();
