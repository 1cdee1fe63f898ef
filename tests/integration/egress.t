#!/usr/bin/perl
# The way out, from the command line to the receipt: what is refused and how it ends, the operator's own list,
# proxies of independent make, and a broker that dies.
use strict;
use warnings;
use utf8;
use FindBin qw($Bin);
use lib $Bin;
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);
use support;

for my $program (qw(tinyproxy microsocks)) {
	plan skip_all => "machine: no $program" if system("command -v $program >/dev/null 2>&1") != 0;
}
delete @ENV{qw(BASCULE_PROXY BASCULE_NO_PROXY BASCULE_PROXY_DNS)};

my ($port, $tls_port, $http_port, $login_port, $narrow_port, $socks_port, $open_port) = map { free_port() } 1 .. 7;
my $users = 300;
my $ca = scratch() . '/ca.pem';
start('practice', qr/^practice source/m, {}, bascule(), 'practice', '--port', $port, '--users', $users,
    '--die-with-parent');
start('practice-tls', qr/^practice source/m, {}, bascule(), 'practice', '--port', $tls_port, '--users', $users, '--tls',
    '--ca-out', $ca, '--die-with-parent');

my $config = { baseUrl => "http://localhost:$port/scim/v2", token => 'practice', pageSize => 100 };
my @opened = map { ('--allow-private', $_) } qw(localhost 127.0.0.1);

# {exit, err, records, verdict, receipt}; env may be the first argument.
sub list {
	my $env = ref $_[0] && $_[0]{env} ? shift->{env} : {};
	my ($with, @more) = @_;
	my $file = spill('config.json', { %$config, %$with });
	my ($out, $err, $receipt) = map { scratch() . "/$_" } qw(out err receipt);
	unlink($receipt);
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		@ENV{keys %$env} = values %$env;
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', $out);
		open(STDERR, '>', $err);
		exec(bascule(), qw(invoke scim std:account:list --verdict --config), $file, '--receipt', $receipt, @more)
		    or POSIX::_exit(127);
	}
	waitpid($pid, 0);
	my %r = (exit => $? >> 8, err => slurp($err), records => 0, verdict => {});
	for (split(/^/, slurp($out))) {
		$r{records}++ if /"type":"output"\}$/;
		$r{verdict} = decode_json($_)->{data} if /"type":"(end|error)"\}$/;
	}
	$r{receipt} = eval { decode_json(slurp($receipt)) } // {};
	return \%r;
}

# All accounts came, by one row of the receipt: this host and address, bytes on it, by a proxy or not.
sub whole {
	my ($r, $proxy, $what) = @_;
	is($r->{exit}, 0, "$what: ok") or diag($r->{err});
	is($r->{records}, $users, "$what: every account");
	my @rows = @{$r->{receipt}{egress} // []};
	is(scalar @rows, 1, "$what: one contact");
	is($rows[0]{address}, '127.0.0.1', "$what: its address");
	cmp_ok($rows[0]{bytesIn} // 0, '>', $users * 100, "$what: bytes in");
	cmp_ok($rows[0]{bytesOut} // 0, '>', 100, "$what: bytes out");
	is(!!$rows[0]{proxy}, !!$proxy, "$what: " . ($proxy ? 'by the proxy' : 'straight'));
}

sub refused {
	my ($r, $host, $what) = @_;
	is($r->{exit}, 80, "$what: exit status") or diag($r->{err});
	is($r->{verdict}{cause}, "no-egress:$host", "$what: cause");
	is($r->{records}, 0, "$what: nothing came");
}

whole(list({}, @opened), 0, 'no proxy');

subtest 'what is refused' => sub {
	refused(list({}), 'localhost', 'loopback that nobody opened');
	my $r = list({ baseUrl => "http://127.0.0.1:$port/scim/v2" });
	refused($r, '127.0.0.1', 'the address itself');
	is($r->{receipt}{egress}[0]{address}, '127.0.0.1', 'the receipt names it');
	ok(!exists $r->{verdict}{egress}[0]{address}, 'the verdict does not');
	unlike($r->{verdict}{message}, qr/link-local .*127/, 'nor does the message');
	refused(list({ baseUrl => "http://$_/scim/v2" }, '--allow-private', $_), $_, "$_, opened")
	    for qw(169.254.169.254 168.63.129.16 100.100.100.200 0.0.0.0);
};

subtest 'spellings of hosts' => sub {
	for my $host ('2130706433', '0x7f000001', '0177.0.0.1', '127.1', '[::1]', '[::ffff:127.0.0.1]', 'user@localhost',
	    'user:x@localhost', 'localhost%2e', '%6cocalhost', '[fe80::1%25lo]', 'localhost..', 'loc_alhost', "b\x{fc}cher.example",
	    "\x{ff4c}ocalhost", 'localhost\\@x.example', '169.254.169.254%00.x.example') {
		my $r = list({ baseUrl => "http://$host:$port/scim/v2" }, @opened);
		isnt($r->{exit}, 0, 'not ' . encode_json([$host]));
		is(scalar(grep { $_->{outcome} eq 'ok' } @{$r->{receipt}{egress} // []}), 0, '  and no contact');
	}
	like(list({ baseUrl => "http://b\x{fc}cher.example/scim/v2" })->{err}, qr/baseUrl.*xn--/, 'IDN: what to write instead');
	whole(list({ baseUrl => "HTTP://LocalHost.:$port/scim/v2" }, @opened), 0, 'upper case and a trailing dot');
};

subtest 'the operator narrows' => sub {
	whole(list({}, @opened, '--egress', $_), 0, "--egress $_") for ('localhost', "LocalHost.:$port");
	for my $wrong ('other.example', 'localhost:1', '*.localhost', "b\x{fc}cher.example", '', ':', 'localhost:', 'localhost:x') {
		my $text = $wrong;
		utf8::encode($text);
		my $r = list({}, @opened, '--egress', $text);
		is($r->{exit}, 64, "--egress \"$text\" is an error");
		ok(index($r->{err}, "egress $text:") >= 0, '  that names it') if $text =~ /^[ -~]+$/;
	}
	my $signing = { authKind => 'oauth2', tokenUrl => "http://127.0.0.1:$port/oauth/token", clientId => 'practice',
		clientSecret => 'practice-secret' };
	is(list($signing, @opened)->{exit}, 0, 'two hosts of one specification');
	refused(list($signing, @opened, '--egress', 'localhost'), '127.0.0.1', 'one of them');
	is(list($signing, @opened, '--egress', 'localhost', '--egress', "127.0.0.1:$port")->{exit}, 0, 'both of them');
};

subtest 'redirects' => sub {
	my $inside = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5, Blocking => 0);
	my $outside = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5);
	my ($to, $at) = ($inside->sockport, $outside->sockport);
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		while (my $c = $outside->accept) {
			while (<$c>) { last if /^\r?$/ }
			print $c "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:$to/secret\r\nContent-Length: 0\r\n",
			    "Connection: close\r\n\r\n";
		}
		POSIX::_exit(0);
	}
	my $r = list({ baseUrl => "http://localhost:$at/scim/v2" }, @opened, '--timeout', '20s');
	kill('KILL', $pid);
	waitpid($pid, 0);
	isnt($r->{exit}, 0, 'one to another port is no success');
	ok(!$inside->accept, 'and nobody came there');
	is(scalar(grep { $_->{port} == $to && $_->{outcome} eq 'ok' } @{$r->{receipt}{egress}}), 0, 'nor does the receipt say so');
};

sub tinyproxy {
	my ($name, $at, @more) = @_;
	my $file = spill("$name.conf", join("\n", "Port $at", 'Listen 127.0.0.1', 'Timeout 60', 'LogLevel Connect', @more, ''));
	return start($name, $at, {}, 'tinyproxy', '-d', '-c', $file);
}

subtest 'HTTP proxies' => sub {
	my $log = tinyproxy('open', $http_port, "ConnectPort $port", "ConnectPort $tls_port");
	tinyproxy('login', $login_port, 'BasicAuth joe pw1', "ConnectPort $port");
	tinyproxy('narrow', $narrow_port, 'ConnectPort 1');
	my $url = "http://localhost:$http_port";
	my @always = ('--no-proxy', '');
	whole(list({}, @opened, '--proxy', $url, @always), 1, 'CONNECT');
	like(slurp($log), qr/CONNECT 127\.0\.0\.1:$port /, 'the proxy was asked for the checked address');
	whole(list({ baseUrl => "https://localhost:$tls_port/scim/v2", caBundle => slurp($ca) }, @opened, '--proxy', $url,
	    @always), 1, 'TLS through it, verified');
	isnt(list({ baseUrl => "https://localhost:$tls_port/scim/v2" }, @opened, '--proxy', $url, @always)->{exit}, 0,
	    'and not verified without its authority');
	whole(list({}, @opened, '--proxy', $url), 0, 'loopback goes straight by itself');
	whole(list({}, @opened, '--proxy', $url, '--no-proxy', 'x.example, localhost'), 0, 'an exception');
	whole(list({ env => { BASCULE_PROXY => $url, BASCULE_NO_PROXY => '' } }, {}, @opened), 1, 'from the environment');
	whole(list({ env => { BASCULE_PROXY => $url, BASCULE_NO_PROXY => '' } }, {}, @opened, '--proxy', 'none'), 0, 'none');
	whole(list({ env => { BASCULE_PROXY => "http://joe:p%77%31\@127.0.0.1:$login_port" } }, {}, @opened, @always), 1,
	    'with credentials');
	whole(list({}, @opened, '--proxy', '@' . spill('proxy.txt', "http://joe:%70w1\@127.0.0.1:$login_port\n"), @always), 1,
	    'credentials from a file');
	my $r = list({ env => { BASCULE_PROXY => "http://joe:wrong\@127.0.0.1:$login_port" } }, {}, @opened, @always);
	is($r->{exit}, 69, 'wrong ones') or diag($r->{err});
	like($r->{err}, qr/other credentials/, 'it says so');
	unlike($r->{err} . encode_json($r->{receipt}), qr/wrong/, 'and does not repeat them');
	$r = list({}, @opened, '--proxy', "http://joe:secret\@127.0.0.1:$login_port");
	is($r->{exit}, 64, 'credentials by argument are an error');
	unlike($r->{err}, qr/secret/, 'that does not repeat them');
	refused(list({}, @opened, '--proxy', "http://127.0.0.1:$narrow_port", @always), 'localhost', 'a proxy that says no');
	refused(list({}, '--proxy', $url, @always), 'localhost', 'the own list counts first');
	refused(list({ baseUrl => 'http://169.254.169.254/scim/v2' }, '--allow-private', '169.254.169.254', '--proxy', $url,
	    '--proxy-dns', $_), '169.254.169.254', "metadata by a proxy, $_ names") for qw(local remote);
	is(list({}, @opened, '--proxy', $_)->{exit}, 64, "no proxy's URL: $_")
	    for ('localhost:1', 'https://localhost:1', 'http://localhost', 'http://localhost:0', 'http://:1', 'http://a b:1',
	    'ftp://x:1', 'http://localhost:1/x', 'socks4://x:1', '@/nonexistent/file');
	is(list({}, @opened, '--proxy', 'http://localhost:' . free_port(), @always)->{exit}, 69, 'nobody there');
	is(list({}, @opened, '--proxy', $url, '--proxy-dns', 'both')->{exit}, 64, '--proxy-dns has two values');
};

subtest 'SOCKS5 proxies' => sub {
	start('socks', $socks_port, {}, qw(microsocks -i 127.0.0.1 -p), $socks_port, qw(-u joe -P s3cret));
	start('socks-open', $open_port, {}, qw(microsocks -i 127.0.0.1 -p), $open_port);
	whole(list({}, @opened, '--no-proxy', '', '--proxy', "$_://localhost:$open_port"), 1, "$_, no login") for qw(socks5 socks5h);
	whole(list({ env => { BASCULE_PROXY => "socks5://joe:s3cret\@localhost:$socks_port", BASCULE_NO_PROXY => '' } }, {}, @opened),
	    1, 'with credentials');
	is(list({ env => { BASCULE_PROXY => "socks5://joe:no\@localhost:$socks_port", BASCULE_NO_PROXY => '' } }, {}, @opened)->{exit},
	    69, 'wrong ones');
	is(list({}, @opened, '--no-proxy', '', '--proxy', "socks5://localhost:$socks_port")->{exit}, 69, 'none where some are wanted');
	is(list({}, @opened, '--no-proxy', '', '--proxy', "http://localhost:$open_port")->{exit}, 69, 'it is no HTTP proxy');
};

subtest 'a broker that dies' => sub {
	stop('practice');
	start('practice', qr/^practice source/m, {}, bascule(), 'practice', '--port', $port, '--users', $users, '--weather',
	    'hang=1', '--die-with-parent');
	my $file = spill('config.json', $config);
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', scratch() . '/out');
		open(STDERR, '>', scratch() . '/err');
		exec(bascule(), qw(invoke scim std:account:list --verdict --timeout 60s --config), $file, @opened)
		    or POSIX::_exit(127);
	}
	my $broker;
	for (1 .. 200) {
		$broker = qx(pgrep -P $pid -x bascule-broker);
		last if $broker =~ /^\d+$/m;
		sleep(0.05);
	}
	my ($number) = $broker =~ /^(\d+)$/m;
	ok($number, 'it is there') or return;
	kill('KILL', $number);
	waitpid($pid, 0);
	is($? >> 8, 71, 'the invocation ends');
	like(slurp(scratch() . '/out'), qr/"cause":"system","message":"the egress broker is gone"/, 'and says why');
	is(qx(pgrep -P $$ -x scim), '', 'no worker is left');
};

done_testing();
