#!/usr/bin/perl
# tls_cache.t -- TLS sessions that bascule serve keeps between invocations, where a connector asks for it; the server, which is
# haproxy in front of a practice source, says whether a connection was resumed.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use support;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

$ENV{PATH} .= ':/usr/sbin';
for my $program (qw(curl haproxy openssl)) {
	plan skip_all => "machine: no $program" if system("command -v $program >/dev/null") != 0;
}
my $work = scratch();
my $b = root() . '/build';
$b = $1 if bascule() =~ m{^(.*)/bin/bascule$};
mkdir("$work/c");
my %asks = (plain => ['token'], tls1 => ['tls'], tls2 => ['token', 'tls']);
for my $name (keys %asks) {
	mkdir("$work/c/$name");
	system('cp', "$b/connectors/scim/scim", "$work/c/$name/$name") == 0 or die;
	my $spec = decode_json(slurp("$b/connectors/scim/connector-spec.json"));
	$spec->{cache} = $asks{$name};
	spill("c/$name/connector-spec.json", $spec);
}
my %env = (BASCULE_CONNECTORS => "$work/c:$b/connectors");
my $log = start('practice', qr/^practice source/m, {}, bascule(), 'practice', '--users', 20);
my ($plain) = slurp($log) =~ m{http://(\S+?)/};

# A certificate, and two doors with it: TLS 1.3 and, at most, TLS 1.2.
system("cd $work && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout key.pem -out cert.pem " .
    '-subj /CN=localhost -addext subjectAltName=DNS:localhost >/dev/null 2>&1 && cat cert.pem key.pem >both.pem') == 0 or die 'openssl';
my %port = ('1.3' => free_port(), '1.2' => free_port());
spill('haproxy.cfg', <<"END");
global
	log stdout format raw local0
	maxconn 100
defaults
	mode http
	log global
	log-format "resumed=%[ssl_fc_is_resumed] %[ssl_fc_protocol] %HU"
	timeout connect 5s
	timeout client 60s
	timeout server 60s
frontend new
	bind 127.0.0.1:$port{'1.3'} ssl crt $work/both.pem ssl-min-ver TLSv1.3
	default_backend source
frontend old
	bind 127.0.0.1:$port{'1.2'} ssl crt $work/both.pem ssl-max-ver TLSv1.2
	default_backend source
backend source
	server s $plain
END
my @haproxy = ('haproxy', $port{'1.2'}, {}, 'haproxy', '-db', '-f', "$work/haproxy.cfg");
my $front = start(@haproxy);

my ($socket, $slog);
sub server {
	my ($as, @options) = @_;
	$socket = "$work/$as.socket";
	$slog = start($as, qr/"event":"listening"/, \%env, bascule(), 'serve', '--listen', "unix:$socket", '--allow-private', 'localhost',
	    '--worker-logs', '--log-level', 'debug', @options);
}
# A list's receipt, and what the server saw of its connections: "resumed", "full" or both.
my ($calls, $seen) = (0, 0);
sub list {
	my ($connector, $version, $with, %more) = @_;
	my $body = spill('body', { type => 'std:account:list', config => { baseUrl => "https://localhost:$port{$version}/scim/v2",
	    token => 'practice', pageSize => 10, caBundle => slurp("$work/cert.pem"), %$with }, %more });
	my $n = ++$calls;
	system('curl', '-sS', '-m', 30, '--unix-socket', $socket, '-H', 'Content-Type: application/json', '-H',
	    'Accept: application/x-ndjson; verdict=1', '--data-binary', "\@$body", '-o', "$work/out.$n",
	    "http://localhost/v1/connectors/$connector/invoke");
	my $last = eval { decode_json((split(/\n/, slurp("$work/out.$n")))[-1] // '{}') } // {};
	my $r = $last->{data} // (eval { decode_json(qx(curl -sS --unix-socket $socket http://localhost/v1/invocations/$last->{invocation})) }
	    // {})->{receipt} // {};
	my ($before, @lines) = (-1);
	for (1 .. 40) {
		@lines = grep { /^resumed=/ } split(/\n/, slurp($front));
		last if @lines > $seen && @lines == $before;
		$before = @lines;
		sleep(0.1);
	}
	my %how = map { /^resumed=(\d) TLSv\Q$version\E/ ? ($1 ? 'resumed' : 'full', 1) : () } @lines[$seen .. $#lines];
	$seen = @lines;
	$r->{how} = join(' and ', sort keys %how);
	return $r;
}
sub gets {
	my ($word, $how, $what, @list) = @_;
	my $r = list(@list);
	is($r->{outcome} // '', 'ok', $what) or diag(encode_json($r), slurp($front));
	is("$r->{how}, " . ($r->{tlsCache} // 'no word'), "$how, $word", "  $how, $word");
	return $r;
}

server('one');
for my $version ('1.3', '1.2') {
	subtest "TLS $version" => sub {
		my $first = gets('miss', 'full', 'the first', 'tls1', $version, {});
		my $second = gets('hit', 'resumed', 'the next', 'tls1', $version, {});
		gets('hit', 'resumed', 'and the one after it', 'tls1', $version, {});
		cmp_ok($second->{egress}[0]{bytesIn}, '<', $first->{egress}[0]{bytesIn} - 200, 'less comes: no certificate');
		ok(!exists $second->{tokenCache}, 'of tokens, for which it does not ask, there is no word');
		gets('miss', 'full', 'another source', 'tls1', $version, {}, source => 'other');
		gets('hit', 'resumed', 'which has its own', 'tls1', $version, {}, source => 'other');
		gets('miss', 'full', 'another connector', 'tls2', $version, {});
		gets('miss', 'full', 'another configuration', 'tls1', $version, { pageSize => 7 });
		my $r = list('tls1', $version, { token => 'wrong' });
		is("$r->{outcome} $r->{how} $r->{tlsCache}", 'failed full miss', 'another credential gets none');
		gets('hit', 'resumed', 'the right one still does', 'tls1', $version, {});
		gets('no word', 'full', 'a connector that does not ask for it', 'plain', $version, {}) for 1 .. 3;
	};
}

subtest 'what is not trusted any more' => sub {
	gets('hit', 'resumed', 'a session is there', 'tls1', '1.3', {});
	my $r = list('tls1', '1.3', { caBundle => undef });
	is("$r->{outcome} $r->{tlsCache}", 'failed miss', 'and is no way in for a configuration that does not trust the server');
};

subtest 'another version, and one that breaks the rules' => sub {
	system('touch', "$work/c/tls1/connector-spec.json");
	gets('miss', 'full', 'of the specification', 'tls1', '1.3', {});
	gets('hit', 'resumed', 'and its next', 'tls1', '1.3', {});
	my $r = list('tls1', '1.3', {}, limits => { records => 2 });
	is($r->{cause}, 'limit', 'one that is killed');
	gets('hit', 'resumed', 'gave nothing, and takes nothing away', 'tls1', '1.3', {});
};

subtest 'a server that forgets' => sub {
	stop('haproxy');
	$front = start(@haproxy);
	$seen = 0;
	gets('hit', 'full', 'is met as for the first time', 'tls1', '1.3', {});
	gets('hit', 'resumed', 'and then knows us again', 'tls1', '1.3', {});
};

subtest 'seen' => sub {
	my $page = qx(curl -sS --unix-socket $socket http://localhost/metrics);
	like($page, qr/^bascule_tls_cache_hits_total [1-9]/m, 'in the metrics');
	my $all = join('', map { slurp("$work/out.$_") } 1 .. $calls);
	unlike($all . slurp($slog), qr/"type":"cache"|"tls:[0-9a-f]|"ttlMs"/, 'and nothing of a session in answers or logs');
};

server('two', '--no-token-cache');
subtest 'the operator says no' => sub {
	gets('no word', 'full', 'none is kept', 'tls1', '1.3', {}) for 1 .. 2;
};

subtest 'bascule invoke keeps nothing' => sub {
	$ENV{BASCULE_CONNECTORS} = $env{BASCULE_CONNECTORS};
	$support::connector = 'tls1';
	for (1 .. 2) {
		my $r = invoke({ baseUrl => "https://localhost:$port{'1.3'}/scim/v2", token => 'practice', caBundle => slurp("$work/cert.pem") },
		    'std:account:list', {});
		is($r->{exit}, 0, 'a list') or diag($r->{err});
		ok(!exists $r->{verdict}{tlsCache}, 'no word of it');
	}
};

done_testing();
