#!/usr/bin/perl
# doors.t -- the doors that clients of the platform know, by a client that reads answers as the command line tool of the
# platform does, to the letter: a token that is a JWT, a login for each call, a body taken as a sequence of JSON
# values, exactly one output of single commands, and the legacy format never fallen back to.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use support;
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'machine: no curl' if system('command -v curl >/dev/null') != 0;
my $b = root() . '/build';
$b = $1 if bascule() =~ m{^(.*)/bin/bascule$};
my $name = "evd$$";
my $work = scratch();
mkdir("$work/c");
mkdir("$work/c/$name");
system('cp', "$b/tests/evil/evil/evil", "$work/c/$name/$name") == 0 or plan skip_all => 'evil is not built';
system('cp', "$b/tests/evil/evil/connector-spec.json", "$work/c/$name/");
my %env = (BASCULE_CONNECTORS => "$work/c:$b/connectors");

# server(name, options...): its base URL and log.
sub server {
	my ($as, @options) = @_;
	my $log = start($as, qr/"event":"listening"/, \%env, bascule(), 'serve', '--listen', '127.0.0.1:0', @options);
	my ($base) = slurp($log) =~ m{"place":"(http://[^"]+)"} or die slurp($log);
	return ($base, $log);
}

my $calls = 0;
# One request; body: a reference is JSON, a text goes as it is.
sub http {
	my ($method, $url, $body, @more) = @_;
	my $n = ++$calls;
	my @body = defined $body ? ((grep { /^Content-Type:/ } @more) ? () : ('-H', 'Content-Type: application/json'),
	    '--data-binary', '@' . spill("body.$n", $body)) : ();
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', "$work/code.$n");
		open(STDERR, '>', "$work/err.$n");
		exec('curl', '-sS', '-m', 30, '-X', $method, '-D', "$work/head.$n", '-o', "$work/out.$n", '-w', '%{http_code}',
		    @body, @more, $url) or POSIX::_exit(127);
	}
	waitpid($pid, 0);
	my %r = (rc => $? >> 8, code => slurp("$work/code.$n"), head => slurp("$work/head.$n"), body => slurp("$work/out.$n"));
	$r{json} = eval { decode_json($r{body}) };
	return \%r;
}

# A body as that tool reads it: (outputs, state), or it dies.
sub outputs_of {
	my ($body) = @_;
	my $json = JSON::PP->new->utf8->allow_nonref;
	my (@outputs, $state);
	$json->incr_parse($body);
	while (defined(my $v = eval { $json->incr_parse })) {
		ref $v eq 'HASH' or die "decode error: a value that is no object\n";
		my %low = map { lc $_ => $v->{$_} } keys %$v;
		die "legacy mode\n" if ($low{type} // '') eq '' || !exists $low{data};
		push(@outputs, $low{data}) if $low{type} eq 'output';
		$state = $low{data} if $low{type} eq 'state';
	}
	die "decode error: $@" if $@;
	die "decode error: something is left\n" if $json->incr_text =~ /\S/;
	return (\@outputs, $state);
}

my ($base, $log, %login);
# Its own URL of an endpoint, its envelope, its order of members.
sub envelope {
	my ($ref, $type, $config, $input, $version) = @_;
	my $j = JSON::PP->new->canonical->allow_nonref;
	return '{"connectorRef":' . $j->encode($ref) . ',' . (defined $version ? '"version":' . $version : '"tag":"latest"') .
	    ',"type":' . $j->encode($type) . ',"config":' . $j->encode($config) . ',"input":' . $j->encode($input) . '}';
}

sub token {
	return () unless %login;
	my $r = http('POST', "$base/oauth/token?grant_type=client_credentials", "client_id=$login{id}&client_secret=$login{secret}",
	    '-H', 'Content-Type: application/x-www-form-urlencoded');
	$r->{code} eq '200' or die "login: $r->{code} $r->{body}";
	$r->{json}{access_token} =~ /^[\w-]+\.[\w-]+\.[\w-]+$/ && $r->{json}{expires_in} > 0 or die 'login: no JWT';
	return ('-H', "Authorization: Bearer $r->{json}{access_token}");
}
sub call { my ($method, $path, $body, @more) = @_; return http($method, "$base$path", $body, token(), @more) }
sub invoke_at {
	my ($path, $ref, $type, $input, $config, $version) = @_;
	my $r = call('POST', $path, envelope($ref, $type, $config // {}, $input // {}, $version));
	($r->{outputs}, $r->{state}) = eval { outputs_of($r->{body}) } if $r->{code} eq '200' && $r->{rc} == 0;
	$r->{why} = $@ if $@;
	return $r;
}
sub invoked { my ($ref, @rest) = @_; return invoke_at("/beta/platform-connectors/$ref/invoke", $ref, @rest) }
# The error object, and that it is one.
sub error_is {
	my ($r, $code, $detail, $text) = @_;
	my $e = ref $r->{json} eq 'HASH' ? $r->{json} : {};
	is("$r->{code} " . ($e->{detailCode} // $r->{body}), "$code $code $detail", $text);
	is(join(',', sort keys %$e), 'causes,detailCode,messages,trackingId', '... by the error object of the platform');
	is(join(',', sort keys %{$e->{messages}[0]}), 'locale,localeOrigin,text', '... with a message');
	return $e->{messages}[0]{text} // '';
}

# --- invoking
($base, $log) = server('plain', '--limit', 'deadline=20s');
for my $path ((map { "/$_/platform-connectors/$name/invoke" } qw(beta v2024 v2025 v2026)), "/$name/invoke",
    '/sp-conn-runtime-exec/runtime-connector-invoke', "/sp-conn-runtime-exec/runtime-connector-invoke/$name/invoke-direct",
    "/beta/platform-connectors/$name\@latest/invoke", "/beta/platform-connectors/$name%400/invoke") {
	my $r = invoke_at($path, $name, 'std:test-connection');
	is("$r->{rc} $r->{code} $r->{body}", "0 200 {\"data\":{},\"type\":\"output\"}\n", "POST $path");
	like($r->{head}, qr{^Content-Type: application/x-ndjson\r$}m, '... as lines');
	is(scalar @{$r->{outputs} // []}, 1, '... one output');
}
my $r = invoked($name, 'evil:ok', undef);
is_deeply($r->{outputs}, [{ attack => 'none' }], 'an input that is null');
is(invoked($name, 'std:test-connection', {}, {}, 0)->{code}, 200, 'a version');
like(error_is(invoked($name, 'std:test-connection', {}, {}, 7), 404, 'no-connector', 'a version it has not'), qr/7/, '... named');
error_is(call('POST', "/beta/platform-connectors/$name/invoke", { type => 'evil:ok', tag => 'gold' }), 404, 'no-connector', 'a tag it has not');
error_is(invoked("$name\@1", 'std:test-connection', {}, {}, 0), 400, 'request', 'two versions at once');
$r = call('POST', "/beta/platform-connectors/$name/invoke", { type => 'evil:ok', id => '///', state => 1, anything => {} },
    '-H', 'Accept: application/json');
is("$r->{code} $r->{body}", "200 {\"data\":{\"attack\":\"none\"},\"type\":\"output\"}\n", 'unknown members and Accept are let be');
$r = call('POST', "/beta/platform-connectors/$name/invoke", { type => 'evil:ok', input => { x => 'y' x 200_000 } });
is($r->{code}, 200, 'a body over 100 KiB');
error_is(call('POST', '/sp-conn-runtime-exec/runtime-connector-invoke', { type => 'evil:ok' }), 400, 'request', 'no connector named');
error_is(invoked('nobody', 'std:test-connection'), 404, 'no-connector', 'no such connector');
error_is(invoked($name, 'std:nothing'), 400, 'unsupported', 'no such command');
error_is(invoked($name, 'std:account:read'), 400, 'request', 'an input that lacks something');
error_is(call('POST', "/beta/platform-connectors/$name/invoke", '{"type":'), 400, 'request', 'no JSON');
error_is(call('POST', "/beta/platform-connectors/$name/invoke", '[]'), 400, 'request', 'no object');
error_is(call('POST', "/beta/platform-connectors/$name/invoke", '{}', '-H', 'Content-Type: text/plain'), 415, 'request', 'no JSON by its type');
error_is(call('GET', '/beta/nothing'), 404, 'usage', 'nothing there');
error_is(call('PATCH', "/beta/platform-connectors/$name/invoke"), 405, 'usage', 'another method');
is(call('GET', '/v1/nothing')->{json}{status}, 404, 'and /v1 keeps its problem documents');

# --- failures
my $text = error_is($r = invoked($name, 'std:account:read', { identity => 'x' }, { attack => 'emit-none' }), 500, 'failed', 'a connector says no');
like($text, qr/^\[ConnectorError\] /, '... which is told');
my ($id) = $r->{head} =~ /^Bascule-Invocation: (\S+)\r$/m;
is($r->{json}{trackingId}, $id, '... trackingId is the invocation');
is(call('GET', "/v1/invocations/$id")->{json}{receipt}{outcome}, 'failed', '... which is remembered');
error_is(invoked($name, 'evil:crash'), 500, 'signal', 'a crash');
$r = call('POST', '/v1/connectors/nobody/invoke', { type => 'x' });
like($r->{head}, qr{^Content-Type: application/problem\+json}m, 'a problem document on /v1');
($base, $log) = server('short', '--limit', 'deadline=500ms', '--concurrency', 1, '--queue', 0);
$r = invoked($name, 'evil:flood');
is("$r->{rc} $r->{code}", '18 200', 'a failure behind output: cut');
{
	my $s = IO::Socket::INET->new(PeerAddr => $base =~ s{http://}{}r);
	my $body = envelope($name, 'evil:slow', {}, {});
	print $s "POST /$name/invoke HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ",
	    length($body), "\r\n\r\n$body";
	$s->flush;
	sysread($s, my $some, 100);
	error_is($r = invoked($name, 'evil:ok'), 429, 'shed', 'too many at once');
	like($r->{head}, qr/^Retry-After: \d+\r$/m, '... with Retry-After');
}
stop('short');
stop('plain');

done_testing();
