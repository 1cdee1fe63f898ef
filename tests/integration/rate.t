#!/usr/bin/perl
# rate.t -- a source's budget, shared by all its workers: bascule serve, bascule invoke, the practice source.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use support;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'machine: no curl' if system('command -v curl >/dev/null') != 0;
my $work = scratch();
my $socket = "$work/serve.socket";
my $users = 200;

sub source {
	my ($as, @more) = @_;
	my $log = start($as, qr/^practice source/m, {}, bascule(), 'practice', '--users', $users, @more);
	my ($url) = slurp($log) =~ /(http:\S+)/;
	return { baseUrl => $url, token => 'practice', pageSize => 10 };
}
my $one = source('one');
my $other = source('other');
my $both = { %$one, baseUrl => $other->{baseUrl} };
start('serve', qr/"event":"listening"/, {}, bascule(), 'serve', '--listen', "unix:$socket", '--allow-private', '127.0.0.1',
    '--rate', 'ten=10/1s', '--rate', 'lone=,1', '--rate', 'roomy=500/1s,8', '--rate', 'free=none');

# A list in the background, then what became of it.
my $calls = 0;
sub begin {
	my ($source, $config, @more) = @_;
	my $n = ++$calls;
	my $body = spill("body.$n", { type => 'std:account:list', config => $config, defined $source ? (source => $source) : (), @more });
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		exec('curl', '-sS', '-m', 60, '--unix-socket', $socket, '-H', 'Content-Type: application/json', '-H',
		    'Accept: application/x-ndjson; verdict=1', '--data-binary', "\@$body", '-o', "$work/out.$n",
		    'http://localhost/v1/connectors/scim/invoke') or POSIX::_exit(127);
	}
	return { n => $n, pid => $pid, begun => time() };
}
sub result {
	my ($r) = @_;
	waitpid($r->{pid}, 0);
	$r->{took} = time() - $r->{begun};
	my @lines = split(/\n/, slurp("$work/out.$r->{n}"));
	$r->{records} = grep { /"type":"output"\}$/ } @lines;
	$r->{end} = (eval { decode_json($lines[-1] // '{}') } // {})->{data} // {};
	return $r;
}
sub whole {
	my ($r, $what) = @_;
	is($r->{end}{outcome}, 'ok', "$what: ok") or diag(encode_json($r->{end}));
	is($r->{records}, $users, "$what: every account");
}

sub forecast {
	my ($config, @how) = @_;
	system('curl', '-sS', '-o', '/dev/null', '-H', 'Authorization: Bearer practice', @how, $config->{baseUrl} =~ s{/scim/v2}{/weather}r);
}
sub weather { my ($config, $what) = @_; forecast($config, '-X', 'PUT', '-d', $what) }
sub fair { forecast($_[0], '-X', 'DELETE') }

subtest 'no budget' => sub {
	my $r = result(begin('plain', $one));
	whole($r, 'a list');
	ok(!exists $r->{end}{rateWaitMs} && !exists $r->{end}{rateRequests}, 'and the receipt has nothing of one');
	$r = result(begin('free', $one));
	ok(!exists $r->{end}{rateWaitMs}, 'none is none');
};

subtest 'two lists share it' => sub {
	my @both = map { begin('ten', $one) } 1 .. 2;
	my @alone = result(begin('plain', $one));
	whole($alone[0], 'another source');
	cmp_ok($alone[0]{took}, '<', 2, 'is not slowed down');
	result($_) for @both;
	my $asked = 0;
	for my $r (@both) {
		whole($r, 'of the source');
		$asked += $r->{end}{rateRequests};
		cmp_ok($r->{end}{rateWaitMs}, '>', 2000, 'waited, and the receipt says so');
		cmp_ok($r->{end}{rateWaitMs}, '<=', $r->{end}{totalMs}, 'no longer than it took');
		cmp_ok($r->{end}{rateRequests}, '>=', $users / 10, 'a permit for each page');
	}
	my $least = int(($asked - 1) / 10);
	cmp_ok($both[0]{took} > $both[1]{took} ? $both[0]{took} : $both[1]{took}, '>=', $least - 0.1, "$asked requests took $least s");
	cmp_ok(abs($both[0]{end}{totalMs} - $both[1]{end}{totalMs}), '<', 1500, 'they took turns');
};

subtest 'one at a time' => sub {
	my @three = map { begin('lone', $one) } 1 .. 3;
	whole(result($_), 'one of three') for @three;
	cmp_ok($three[0]{end}{rateWaitMs} + $three[1]{end}{rateWaitMs} + $three[2]{end}{rateWaitMs}, '>', 0, 'somebody waited');
};

subtest 'what one is told holds for all' => sub {
	weather($one, '{"429":3}');
	# The other practice source is the same "source" of ours, and in fine weather.
	my $told = begin('roomy', $one);
	sleep(0.5);
	my $r = result(begin('roomy', $both));
	whole($r, 'the one that was told nothing');
	cmp_ok($r->{end}{rateWaitMs}, '>', 400, 'waits for what the other was told');
	result($told);
	whole($told, 'the other');
	fair($one);
};

subtest 'without a budget, too' => sub {
	weather($one, '{"429":3}');
	my $told = begin('plain', $one);
	sleep(0.5);
	my $r = begin('plain', $both);
	my $elsewhere = result(begin('elsewhere', $both));
	whole($elsewhere, 'another source');
	cmp_ok($elsewhere->{took}, '<', 1.5, 'has nothing to wait for');
	ok(!exists $elsewhere->{end}{rateWaitMs}, 'as its receipt says');
	whole(result($r), 'the one that was told nothing');
	cmp_ok($r->{end}{rateWaitMs} // 0, '>', 400, 'waits for what the other was told');
	whole(result($told), 'the other');
	$r = result(begin('free', $both));
	ok(!exists $r->{end}{rateWaitMs}, 'a source with the rate none is another');
	fair($one);
};

subtest 'one that waits can be ended' => sub {
	my $r = begin('ten', $one, deadline => '1s');
	my $w = begin('ten', $one);
	result($r);
	is($r->{end}{cause}, 'deadline', 'at its deadline');
	cmp_ok($r->{end}{rateWaitMs} // 0, '>', 0, 'and what it waited is told');
	whole(result($w), 'the other');
};

subtest 'counted' => sub {
	my $page = qx(curl -sS --unix-socket $socket http://localhost/metrics);
	my ($n) = $page =~ /^bascule_rate_permits_total (\d+)$/m;
	cmp_ok($n, '>', 100, 'permits');
	like($page, qr/^bascule_rate_wait_seconds_total (?!0\.000$)\d+\.\d{3}$/m, 'and waits');
};

subtest 'bascule invoke' => sub {
	my $begun = time();
	my $r = invoke($one, 'std:account:list', {}, '--rate', '10/1s');
	is($r->{exit}, 0, 'a list') or diag($r->{err});
	is($r->{records}, $users, 'is whole');
	cmp_ok(time() - $begun, '>', 1.9, 'and takes its time');
	cmp_ok($r->{verdict}{rateWaitMs}, '>', 1500, 'as the verdict says');
	$r = invoke({ %$one, authKind => 'oauth2', tokenUrl => $one->{baseUrl} =~ s{/scim/v2}{/oauth/token}r, clientId => 'practice',
	    clientSecret => 'practice-secret', memberFilter => 'path' }, 'std:account:list', {}, '--rate', '100/1s,1');
	is($r->{exit}, 0, 'a sign-in is inside another, and does not wait for it') or diag($r->{err});
	is($r->{records}, $users, 'is whole');
	my $body = spill('request.json', { type => 'std:account:list', config => $one, runtime => { rate => JSON::PP::true } });
	my $lines = () = qx(@{[bascule()]} invoke scim --allow-private 127.0.0.1 --json <$body) =~ /"type":"output"/g;
	is($lines, $users, 'a caller cannot make a worker ask where there is nothing to ask for');
	$r = invoke($one, 'std:account:list', {}, '--rate', 'fast');
	is($r->{exit}, 64, 'no rate');
	like($r->{err}, qr{100/1m}, 'says what one is');
};

done_testing();
