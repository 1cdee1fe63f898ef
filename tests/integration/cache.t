#!/usr/bin/perl
# cache.t -- what bascule serve keeps between invocations: sign-in tokens, where a connector asks for it, and nothing else.
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
my $b = root() . '/build';
$b = $1 if bascule() =~ m{^(.*)/bin/bascule$};

# The connector as it is, under another name; and one that asks for nothing to be kept.
for my $name (qw(scim2 plain)) {
	mkdir("$work/c") unless -d "$work/c";
	mkdir("$work/c/$name");
	system('cp', "$b/connectors/scim/scim", "$work/c/$name/$name") == 0 or die;
	my $spec = decode_json(slurp("$b/connectors/scim/connector-spec.json"));
	delete $spec->{cache} if $name eq 'plain';
	spill("c/$name/connector-spec.json", $spec);
}
my %env = (BASCULE_CONNECTORS => "$work/c:$b/connectors");
my $log = start('practice', qr/^practice source/m, {}, bascule(), 'practice', '--users', 20);
my ($url) = slurp($log) =~ /(http:\S+)/;
my $config = { baseUrl => $url, authKind => 'oauth2', tokenUrl => $url =~ s{/scim/v2}{/oauth/token}r, clientId => 'practice',
    clientSecret => 'practice-secret' };
my $socket;
my $slog;
sub server {
	my ($as, @options) = @_;
	$socket = "$work/$as.socket";
	$slog = start($as, qr/"event":"listening"/, \%env, bascule(), 'serve', '--listen', "unix:$socket", '--allow-private',
	    '127.0.0.1', '--allow-private', 'localhost', '--worker-logs', @options);
}
# A list's verdict.
my $calls = 0;
sub list {
	my ($connector, $with, %more) = @_;
	my $body = spill('body', { type => 'std:account:list', config => { %$config, %$with }, %more });
	my $n = ++$calls;
	system('curl', '-sS', '-m', 30, '--unix-socket', $socket, '-H', 'Content-Type: application/json', '-H',
	    'Accept: application/x-ndjson; verdict=1', '--data-binary', "\@$body", '-o', "$work/out.$n",
	    "http://localhost/v1/connectors/$connector/invoke");
	my $last = eval { decode_json((split(/\n/, slurp("$work/out.$n")))[-1] // '{}') } // {};
	return $last->{data} if $last->{data};
	# It failed before its first record: the receipt is what is remembered.
	return (eval { decode_json(qx(curl -sS --unix-socket $socket http://localhost/v1/invocations/$last->{invocation})) } // {})
	    ->{receipt} // {};
}
sub gets {
	my ($want, $what, $connector, $with, %more) = @_;
	my $r = list($connector, $with, %more);
	is($r->{outcome} // '', 'ok', $what) or diag(encode_json($r));
	is($r->{tokenCache} // 'nothing', $want, "  $want");
	return $r;
}
sub metric {
	my ($name) = @_;
	return qx(curl -sS --unix-socket $socket http://localhost/metrics) =~ /^\Q$name\E (\S+)$/m ? $1 : undef;
}
sub weather {
	my ($json) = @_;
	my $at = $url =~ s{/scim/v2}{/weather}r;
	system('curl', '-sS', '-o', '/dev/null', '-X', $json eq '' ? 'DELETE' : 'PUT', '-H', 'Authorization: Bearer practice', '-d',
	    $json, $at);
}

server('one');
subtest 'for whom' => sub {
	my $first = gets('miss', 'the first', 'scim', {});
	my $second = gets('hit', 'the next', 'scim', {});
	cmp_ok($second->{egress}[0]{bytesOut}, '<', $first->{egress}[0]{bytesOut} - 100, 'sends less: it did not sign in');
	gets('miss', 'another source', 'scim', {}, source => 'other');
	gets('miss', 'another connector', 'scim2', {});
	gets('hit', 'which has its own', 'scim2', {});
	gets('miss', 'another client', 'scim', { scope => 'more' });
	my $r = list('scim', { clientSecret => 'wrong' });
	is($r->{tokenCache}, 'miss', 'a wrong credential gets none of a right one');
	is($r->{outcome}, 'failed', 'and is refused by the source');
	is($r->{type}, 'insufficientPermission', 'for that');
	gets('hit', 'the right one still does', 'scim', {});
	gets('miss', 'another configuration', 'scim', { pageSize => 7 });
	gets('nothing', 'a connector that does not ask for it', 'plain', {}) for 1 .. 2;
	is(metric('bascule_token_cache_entries'), 5, 'five are kept');
	is(metric('bascule_token_cache_hits_total'), 3, 'hits');
};

subtest 'another version' => sub {
	system('touch', "$work/c/scim2/connector-spec.json");
	gets('miss', 'of the specification', 'scim2', {});
	gets('hit', 'and its next', 'scim2', {});
	system('cp', "$b/connectors/scim/scim", "$work/c/scim2/new") == 0 && rename("$work/c/scim2/new", "$work/c/scim2/scim2");
	gets('miss', 'of the program', 'scim2', {});
};

subtest 'how long' => sub {
	weather('{"expire":4}');
	gets('miss', 'a token of four seconds', 'scim', {}, source => 'short');
	gets('hit', 'at once', 'scim', {}, source => 'short');
	sleep(3.2);
	gets('miss', 'a little before its end', 'scim', {}, source => 'short');
	weather('{"expire-after":2}');
	gets('miss', 'a token of two requests', 'scim', {}, source => 'two');
	gets('hit', 'the source does not take it any more', 'scim', {}, source => 'two') for 1 .. 3;
	weather('');
};

subtest 'whoever breaks the rules' => sub {
	gets('miss', 'signs in', 'scim', {}, source => 'rules');
	gets('hit', 'well', 'scim', {}, source => 'rules');
	my $r = list('scim', { pageSize => 5 }, source => 'rules', limits => { records => 2 });
	is($r->{cause}, 'limit', 'one that is killed') or diag(encode_json($r));
	gets('miss', 'leaves nothing', 'scim', { pageSize => 5 }, source => 'rules');
	gets('hit', 'others are not touched', 'scim', {}, source => 'rules');
};

subtest 'nothing of it is seen' => sub {
	unlike(join('', map { slurp("$work/out.$_") } 1 .. $calls), qr/"type":"cache"/, 'no line of it in any answer');
	unlike(slurp($slog), qr/practice-secret|"ttlMs"/, 'nor in the log');
};

server('two', '--no-token-cache');
subtest 'the operator says no' => sub {
	gets('nothing', 'none is kept', 'scim', {}) for 1 .. 2;
};

subtest 'bascule invoke keeps nothing' => sub {
	my $r = invoke($config, 'std:account:list', {});
	is($r->{exit}, 0, 'a list') or diag($r->{err});
	ok(!exists $r->{verdict}{tokenCache}, 'no word of it');
};

done_testing();
