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
use File::Find;
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
our %env = (BASCULE_CONNECTORS => "$work/c:$b/connectors");

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
# A state that would be too deep where it goes is not too large.
sub nested { my ($n) = @_; return { type => 'std:account:list', config => { attack => 'none' }, input => { stateful => JSON::PP::true, stateId => '{"a":' x $n . '1' . '}' x $n } } }
$r = error_is(call('POST', "/beta/platform-connectors/$name/invoke", nested($_)), 400, 'request', "a stateId of $_ objects inside each other") for 127;
like($r, qr/^input\.stateId: /, '... is told where');
isnt(call('POST', "/beta/platform-connectors/$name/invoke", nested(126))->{code}, 413, '... and 126 are not too much');
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
error_is(call('POST', '/beta/platform-connectors', { alias => 'x' }), 501, 'unsupported', 'no registry, no new connectors');
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

# --- logs and numbers
($base, $log) = server('logs', '--limit', 'deadline=20s');
my $L = '/beta/platform-logs';
sub logs {
	my ($filter) = @_;
	my ($token, $turns, @all) = ('', 0);
	while (1) {
		my $r = call('POST', "$L/query", { filter => $filter, nextToken => $token });
		die "$r->{code} $r->{body}" if $r->{code} ne '200' || ++$turns > 50;
		push(@all, @{$r->{json}{logs}});
		return ($turns, @all) if !defined($token = $r->{json}{nextToken});
	}
}
is(join(' ', logs({})), '1', 'no logs yet');
my $last;
for (1 .. 3) { $r = invoked($name, 'std:test-connection') }
($last) = $r->{head} =~ /^Bascule-Invocation: (\S+)\r$/m;
invoked($name, 'std:account:read', { identity => 'x' }, { attack => 'emit-none', password => 'pa55w0rd' });
my ($turns, @logs) = logs({});
is(scalar(@logs), 12, 'three lines of each invocation');
is(join(',', sort keys %{$logs[0]}), 'component,event,level,message,requestID,targetID,targetName,tenantID,timestamp', '... as the platform has them');
like($logs[0]{timestamp}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, '... in time');
like($logs[0]{message}, qr/^Command execution started : std:test-connection, for connector version 0\.$/, '... its beginning');
is_deeply([@{$logs[1]{message}}{qw(commandType completed message requestId version)}],
    ['std:test-connection', JSON::PP::true, 'command completed', $logs[1]{requestID}, 0], '... its end');
like("$logs[2]{event} $logs[2]{message}", qr/^invokeCommand Command invocation complete : std:test-connection, for connector version: 0\. Elapsed time (0s|\d+ms|\d+(\.\d+)?s)$/, '... and again');
is_deeply([$logs[10]{level}, $logs[10]{message}{message}], ['ERROR', 'command failed'], 'a failure');
like($logs[10]{message}{error}, qr/^\[ConnectorError\] /, '... says why');
unlike(JSON::PP->new->encode(\@logs), qr/pa55w0rd/, '... and no secret');
my @of = ([{ event => 'commandOutcome' }, 4], [{ logLevels => ['ERROR'] }, 1], [{ logLevels => ['INFO', 'ERROR'] }, 12], [{ requestID => $last }, 3],
    [{ targetName => $name }, 12], [{ targetName => 'x' }, 0], [{ targetID => $logs[0]{targetID} }, 12], [{ event => 'invokeCommand' }, 8], [{ component => 'x' }, 0],
    [{ startTime => '2100-01-01T00:00:00Z' }, 0], [{ endTime => '2020-01-01T00:00:00Z' }, 0], [{ startTime => $logs[10]{timestamp} }, 2]);
for my $case (@of) {
	my (undef, @some) = logs($case->[0]);
	$case->[0]{startTime} ? cmp_ok(scalar @some, $case->[1] ? '>=' : '==', $case->[1], 'filtered by startTime')
	    : is(scalar @some, $case->[1], 'filtered by ' . join(',', keys %{$case->[0]}));
}
for my $bad ({ filter => { startTime => 'yesterday' } }, { nextToken => 'x' }, { nextToken => '1' }) {
	error_is(call('POST', "$L/query", $bad), 400, 'request', 'a query that is none');
}
sub stats { my ($f) = @_; return call('GET', "$L/stats" . (defined $f ? '?filters=' . ($f =~ s/([^\w.:-])/sprintf('%%%02X', ord $1)/ger) : '')) }
$r = stats('from eq "2020-01-01T00:00:00Z"');
my ($c) = @{$r->{json}{connectors}};
is("$c->{alias} $c->{connectorID}", "$name $logs[0]{targetID}", 'numbers of a connector');
my %by = map { $_->{commandType} => $_ } @{$c->{stats}};
is_deeply([@{$by{'std:test-connection'}}{qw(invocationCount errorCount errorRate)}], [3, 0, 0], '... counted');
is_deeply([@{$by{'std:account:read'}}{qw(invocationCount errorCount errorRate)}], [1, 1, 1], '... failures, too');
cmp_ok($by{'std:test-connection'}{elapsed95th}, '>=', $by{'std:test-connection'}{elapsedAvg} - 0.001, '... and measured');
is(scalar @{stats("from eq \"2020-01-01T00:00:00Z\" and connectorID eq \"$name\"")->{json}{connectors}}, 1, 'of this one alone');
is(scalar @{stats('from eq "2020-01-01T00:00:00Z" and connectorID eq "nobody"')->{json}{connectors}}, 0, 'of another');
is(scalar @{stats('from eq "2100-01-01T00:00:00+01:00"')->{json}{connectors}}, 0, 'in another time');
is(scalar @{stats()->{json}{connectors}}, 1, 'of late');
error_is(stats($_), 400, 'request', "a filter that is none") for 'from', 'from eq "x"', 'from eq "2020-01-01T00:00:00Z" or x', 'colour eq "red"';
system('curl', '-s', '--no-progress-meter', '-Z', '--parallel-max', 8, '-m', 60, '-o', '/dev/null', '-H', 'Content-Type: application/json', '-d',
    '{"type":"std:test-connection"}', "$base/$name/invoke?[1-260]");
my %once;
($turns, @logs) = logs({ event => 'commandOutcome' });
$once{$_->{requestID}}++ for @logs;
is_deeply([$turns, scalar @logs, scalar keys %once], [6, 264, 264], 'over a page: each line once, and an end');
$r = invoked($name, 'evil:half-log');
($last) = $r->{head} =~ /^Bascule-Invocation: (\S+)\r$/m;
(undef, @logs) = logs({ requestID => $last });
my @said = grep { $_->{event} eq 'connectorMessage' } @logs;
cmp_ok(scalar @said, '>', 0, 'what a worker logged');
is_deeply([map { $_->{event} } @logs[0, -2, -1]], [qw(invokeCommand commandOutcome invokeCommand)], '... between beginning and end');
is_deeply([@{$said[0]{message}}{qw(commandType invocationId version)}], ['evil:half-log', $last, 0], '... with what it belongs to');
stop('logs');

# --- the registry
my $dir = "$work/registry";
my @keep = ('--registry', $dir, '--limit', 'deadline=20s');
# pack_zip(name, file => content, or \path of one to copy...): a zip of these.
sub pack_zip {
	my ($as, %files) = @_;
	mkdir("$work/$as");
	for my $f (keys %files) {
		mkdir("$work/$as/$1") if $f =~ m{^(.*)/};
		if (ref $files{$f}) { system('cp', ${$files{$f}}, "$work/$as/$f") == 0 or die } else { spill("$as/$f", $files{$f}) }
	}
	system("cd $work/$as && zip -qr ../$as.zip .") == 0 or die 'zip';
	return "$work/$as.zip";
}
my @commands = qw(std:test-connection std:spec:read evil:ok evil:slow);
sub spec { return JSON::PP->new->encode({ name => $_[0], commands => \@commands, sourceConfig => [] }) }
my $program = "$work/c/$name/$name";
my $P = '/beta/platform-connectors';
sub upload {
	my ($ref, $zip, @more) = @_;
	return call('POST', "$P/$ref/versions", slurp($zip), @more ? @more : ('-H', 'Content-Type: application/zip'));
}
# Which version answers: by the name in its specification.
sub who { my ($r) = @_; return $r->{body} =~ /"name":"(One|Two)"/ ? $1 : $r->{body} }
sub asks { return who(invoked($_[0], 'std:spec:read', {}, {}, $_[1])) }
SKIP: {
	skip('machine: no zip', 1) if system('command -v zip >/dev/null') != 0;
	my %zips = map { $_ => pack_zip($_, 'hr-connector' => \$program, 'connector-spec.json' => spec($_), 'src/main.c' => "int main;\n") }
	    qw(One Two);
	($base, $log) = server('reg', @keep);
	is_deeply([grep { $_ eq $name || $_ eq 'scim' } map { $_->{alias} } @{call('GET', $P)->{json}}], [$name, 'scim'],
	    'what came with the server is listed');
	is_deeply([map { @{call('GET', "$P/$name/$_")->{json}} } qw(versions tags)]->[1]{activeVersion}, 0, '... version 0, tag latest');
	$r = call('POST', $P, { alias => 'hr' });
	is("$r->{code} $r->{json}{alias}", '200 hr', 'a new connector');
	my $cid = $r->{json}{id};
	like($cid, qr/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, '... has an id');
	error_is(call('POST', $P, { alias => $_ }), 400, 'request', "no new connector \"$_\"") for 'hr', $name, '../x', $cid;
	error_is(call('POST', $P, {}), 400, 'request', 'no alias');
	is_deeply(call('GET', "$P/$_")->{json}, { id => $cid, alias => 'hr' }, "it is at $_") for 'hr', $cid;
	error_is(invoked('hr', 'std:test-connection'), 404, 'no-connector', 'it has no version yet');
	is(call('GET', "$P/hr/versions")->{body}, "[]\n", '... none at all');

	$r = upload('hr', $zips{One});
	is_deeply([$r->{code}, $r->{json}], [200, { connectorId => $cid, version => 1 }], 'an upload') or diag($r->{body}, slurp($log));
	is(asks('hr'), 'One', '... is what is run');
	is_deeply(upload($cid, $zips{Two})->{json}, { connectorId => $cid, version => 2 }, 'the next one');
	is(asks('hr'), 'Two', '... by tag latest');
	is(asks('hr', 1), 'One', '... version 1 still is what it was');
	is_deeply(call('GET', "$P/hr/versions")->{json}, [map { { connectorId => $cid, version => $_ } } 1, 2], 'both are listed');

	# As the tool does it with -t: look, then make or move.
	is(call('GET', "$P/hr/tags/gold")->{code}, 404, 'no such tag');
	$r = call('POST', "$P/hr/tags", { tagName => 'gold', activeVersion => 1 });
	is("$r->{code} $r->{json}{tagName} $r->{json}{activeVersion}", '200 gold 1', 'a tag is made');
	is(asks('hr@gold'), 'One', '... and invoked by');
	is(who(call('POST', '/v1/connectors/hr@gold/invoke', { type => 'std:spec:read' })), 'One', '... on /v1 as well');
	is(who(call('POST', "$P/hr/invoke", { type => 'std:spec:read', tag => 'gold' })), 'One', '... by the tag of the body');
	$r = call('PUT', "$P/hr/tags/gold", { activeVersion => 2 });
	is("$r->{code} $r->{json}{activeVersion}", '200 2', 'it is moved');
	is(asks('hr@gold'), 'Two', '... and invoked by');
	is(call('PUT', "$P/hr/tags/latest", { activeVersion => 1 })->{code}, 200, 'back to the first');
	is(asks('hr'), 'One', '... which is run again');
	error_is(call('PUT', "$P/hr/tags/gold", { activeVersion => 9 }), 400, 'request', 'to a version that is none');
	error_is(call('PUT', "$P/hr/tags/nope", { activeVersion => 1 }), 404, 'no-connector', 'a tag that is none');
	error_is(call('POST', "$P/hr/tags", { tagName => '7', activeVersion => 1 }), 400, 'request', 'a tag that looks like a version');
	is_deeply([map { "$_->{tagName}=$_->{activeVersion}" } @{call('GET', "$P/hr/tags")->{json}}], [qw(latest=1 gold=2)], 'both tags');
	$r = call('GET', '/v1/connectors/hr/versions/1/source');
	ok($r->{body} eq slurp($zips{One}), 'the archive is given back');
	is(scalar(grep { $_->{name} eq 'hr@1' } @{call('GET', '/v1/connectors')->{json}{connectors}}), 1, 'listed on /v1');

	# A script of its own, which no archive says is executable.
	my $script = sub {
		my ($as, $argv, %more) = @_;
		return pack_zip($as, 'connector-spec.json' => encode_json({ name => 'script', commands => ['std:test-connection'],
		    sourceConfig => [], runtime => { kind => 'exec', argv => $argv } }), %more);
	};
	my $sh = "#!/bin/sh\nprintf '{\"type\":\"output\",\"data\":{}}\\n' >&3\n";
	is(call('POST', $P, { alias => 'script' })->{code}, 200, 'a connector for a script');
	is(upload('script', $script->('script', ['bin/run.sh'], 'bin/run.sh' => $sh))->{code}, 200, '... is uploaded') or diag(slurp($log));
	is(invoked('script', 'std:test-connection')->{body}, "{\"type\":\"output\",\"data\":{}}\n", '... and run');
	for my $argv (['absent.sh'], ['bin'], ['../run.sh'], ['bin/../../run.sh']) {
		my $no = upload('script', $script->('script' . ++$calls, $argv, 'bin/run.sh' => $sh));
		like(error_is($no, 400, 'request', "a script at @$argv"), qr/runtime\.argv: .* is not in it/, '... is told why');
	}

	is(call('DELETE', "$P/script")->{code}, 204, '... and taken away');

	# What is refused, and why.
	for my $case (['no specification', { hr => \$program }, qr/connector-spec\.json/],
	    ['no program', { 'connector-spec.json' => spec('x') }, qr/neither a program/],
	    ['a broken specification', { hr => \$program, 'connector-spec.json' => '{"name":1}' }, qr/connector-spec\.json/],
	    ['two programs', { a => \$program, b => \$program, 'connector-spec.json' => spec('x') }, qr/two programs/],
	    ['a folder around it', { 'x/hr' => 'x', 'x/connector-spec.json' => spec('x') }, qr/pack the files/],
	    ['a program for another machine', { hr => "\177ELF\001\001" . "\0" x 100, 'connector-spec.json' => spec('x') }, qr/kind of machine/]) {
		my $zip = pack_zip('bad' . ++$calls, %{$case->[1]});
		like(error_is(upload('hr', $zip), 400, 'request', "an archive with $case->[0]"), $case->[2], '... is told why');
	}
	like(error_is(upload('hr', spill('junk.zip', 'PK junk')), 400, 'request', 'no archive at all'), qr/no zip/, '... is told why');
	system("cd $work/One && ln -s /etc/passwd l && zip -qry ../link.zip . && rm l");
	like(error_is(upload('hr', "$work/link.zip"), 400, 'request', 'a link'), qr/plain files/, '... is told why');
	# By hand, since no tool makes them: [name, mode, content]...
	my $forge = sub {
		my ($zip, $dir, $n) = ('', '', 0);
		for my $f (['hr', 0100755, slurp($program)], ['connector-spec.json', 0100644, spec('x')], @_) {
			my ($file, $mode, $text) = @$f;
			my $crc = 0xffffffff;
			if (length $text < 100000) {
				for my $c (unpack('C*', $text)) { $crc ^= $c; $crc = $crc & 1 ? ($crc >> 1) ^ 0xedb88320 : $crc >> 1 for 1 .. 8 }
			}
			my @common = (0, 0, 0, 0, $crc ^ 0xffffffff, length $text, length $text, length $file, 0);
			$dir .= pack('VvvvvvvVVVvvvvvVV', 0x02014b50, 0x31e, 10, @common, 0, 0, 0, $mode << 16, length $zip) . $file;
			$zip .= pack('VvvvvvVVVvv', 0x04034b50, 10, @common) . $file . $text;
			$n++;
		}
		return spill('forged.zip', $zip . $dir . pack('VvvvvVVv', 0x06054b50, 0, 0, $n, $n, length $dir, length $zip, 0));
	};
	for my $case (['..', '../x', 0100644], ['a way out in the middle', 'a/../../x', 0100644], ['the root', '/tmp/x', 0100644],
	    ['the same name twice', 'connector-spec.json', 0100644], ['a device', 'null', 0020666], ['a pipe', 'fifo', 0010644]) {
		is(upload('hr', $forge->([@$case[1, 2], 'x']))->{code}, 400, "an archive with $case->[0]");
	}
	my $bomb = pack_zip('bomb', zeros => "\0" x 20_000_000, 'connector-spec.json' => spec('x'));
	like(error_is(upload('hr', $bomb), 400, 'request', 'a bomb'), qr/200 times/, '... is told why');
	error_is(upload('hr', $zips{One}, '-H', 'Content-Type: application/json'), 415, 'request', 'no zip by its type');
	error_is(upload($name, $zips{One}), 409, 'request', 'what came with the server is left alone');
	is_deeply([glob("$dir/staged/*")], [], 'nothing is left of them');
	is(scalar @{call('GET', "$P/hr/versions")->{json}}, 2, 'nor is a version');
	$r = upload('hr', pack_zip('node', 'index.js' => 'exports.connector = { _exec: async (type, context, input, res) => ' .
	    'res.write({ data: { of: context.name }, type: "output" }) }', 'connector-spec.json' => spec('Node')));
	is("$r->{code} $r->{json}{version}", '200 3', 'a Node bundle is kept');
	SKIP: {
		skip('machine: no node', 1) if !-x '/usr/bin/node' && !-x '/usr/local/bin/node';
		is(invoked('hr', 'std:test-connection')->{body}, qq({"data":{"of":"Node"},"type":"output"}\n), '... and run');
	}

	# What runs keeps what it started with.
	is(call('PUT', "$P/hr/tags/latest", { activeVersion => 1 })->{code}, 200, 'back to a native one');
	my $s = IO::Socket::INET->new(PeerAddr => $base =~ s{http://}{}r);
	my $body = envelope('hr', 'evil:slow', {}, {});
	print $s "POST /hr/invoke HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ",
	    length($body), "\r\n\r\n$body";
	$s->flush;
	sysread($s, my $some, 4096);
	like($some, qr{^HTTP/1.1 200 }, 'one is running');
	is(call('PUT', "$P/hr", { alias => 'people' })->{json}{alias}, 'people', 'renamed meanwhile');
	is(asks('people'), 'One', '... and invoked by its new name');
	is(call('DELETE', "$P/people")->{code}, 204, 'deleted meanwhile');
	error_is(invoked('people', 'std:spec:read'), 404, 'no-connector', '... it is gone');
	ok(sysread($s, $some, 4096), 'the one that was running goes on');
	close($s);

	# The server dies at once; what it said stays.
	is(call('POST', $P, { alias => 'stay' })->{code}, 200, 'another one');
	is(upload('stay', $zips{Two})->{json}{version}, 1, '... with a version');
	kill('KILL', pid_of('reg'));
	stop('reg');
	($base, $log) = server('again', @keep);
	is(asks('stay'), 'Two', 'it is there after kill -9');
	is(scalar(my @objects = glob("$dir/objects/*")), 1, 'what nothing names was swept');
	like(`'@{[bascule()]}' serve --listen 127.0.0.1:0 --registry $dir 2>&1`, qr/in use by another server/, 'a second server is refused');
	stop('again');
	# --- no more than fits: archives of 8 MB that do not get smaller, and what is in them
	my $full = "$work/full";
	my @bounded = ('--registry', $full, '--registry-budget', '32m');
	for (['--registry-budget', '31m', 'a size of 32m to 1024t'], ['--memory-budget', '1025t', 'a size of 32m to 1024t'], ['--grace', '8d', 'a time of 1ms to 7d'], ['--results-budget', '64', 'a size of 32m']) {
		like(scalar(qx(@{[bascule()]} serve $_->[0] $_->[1] 2>&1)), qr/^bascule: usage: $_->[0]: $_->[2]/, "$_->[0] $_->[1] is refused by what it may be");
	}
	open(my $urandom, '<:raw', '/dev/urandom') or die;
	my $large = sub { my ($n) = @_; read($urandom, my $noise, 8_000_000) == 8_000_000 or die; return $script->("large$n", ['run.sh'], 'run.sh' => "#!/bin/sh\n", noise => $noise) };
	my $on_disk = sub { my $n = 0; find({ no_chdir => 1, wanted => sub { $n += -s $_ if -f $_ } }, $full); $n };
	($base, $log) = server('full', @bounded);
	call('POST', $P, { alias => 'big' });
	my @codes = map { upload('big', $large->($_))->{code} } 1 .. 3;
	is("@codes", '200 200 507', 'uploads until there is no more room') or diag(slurp($log));
	like(error_is(upload('big', $large->(5)), 507, 'limit', 'one more'), qr/--registry-budget/, '... is told why');
	ok(decode_json(slurp(root() . "/launcher/serve/openapi.json"))->{paths}{"$P/{ref}/versions"}{post}{responses}{507}, '... as is described');
	is(scalar @{call('GET', "$P/big/versions")->{json}}, 2, '... and is none');
	is(scalar(() = glob("$full/objects/*")), 2, '... of which nothing is kept');
	is(scalar(() = glob("$full/staged/*")), 0, '... half-written either');
	cmp_ok($on_disk->(), '<', 32 << 20, '... on disk');
	my ($said) = http('GET', "$base/metrics")->{body} =~ /^bascule_registry_bytes (\d+)$/m;
	cmp_ok($said, '>', 2 * 16_000_000, 'what is used can be seen');
	is(call('PUT', "$P/big/tags/latest", { activeVersion => 1 })->{code}, 200, 'all else goes on');
	call('DELETE', "$P/big");
	stop('full');
	($base, $log) = server('full', @bounded);
	is(http('GET', "$base/metrics")->{body} =~ /^bascule_registry_bytes (\d+)$/m && $1, 0, 'deleted, and started anew: all is free');
	call('POST', $P, { alias => 'big' });
	is(upload('big', $large->(1))->{code}, 200, '... and there is room');
	stop('full');

	chmod(0777, $dir);
	like(`'@{[bascule()]}' serve --listen 127.0.0.1:0 --registry $dir 2>&1`, qr/others may write it/, 'a folder that others write, too');
}

# --- as it is installed
{
	my $usr = "$work/usr";
	system('mkdir', '-p', "$usr/bin", "$usr/libexec/bascule", "$usr/lib/bascule/connectors/scim");
	system('cp', "$b/bin/bascule", "$usr/bin/");
	system("cp $b/libexec/bascule-* $usr/libexec/bascule/");
	system('cp', "$b/connectors/scim/scim", "$b/connectors/scim/connector-spec.json", "$usr/lib/bascule/connectors/scim/");
	local $ENV{BASCULE} = "$usr/bin/bascule";
	local %env = (BASCULE_CONNECTORS => '');
	($base, $log) = server('installed', '--registry', "$work/installed");
	is(invoked('scim', 'std:spec:read')->{code}, 200, 'installed: its connectors and its broker are found');
	call('POST', $P, { alias => 'one' });
	is(upload('one', "$work/One.zip")->{code}, 200, '... and what takes archives apart') if -e "$work/One.zip";
	stop('installed');
}

# --- logging in
my $tokens = "$work/tokens";
my %secret;
sub token_add {
	my ($who, $scopes) = @_;
	chomp($secret{$who} = `'@{[bascule()]}' serve token add $who --tokens $tokens --scope $scopes 2>/dev/null`);
}
sub token_drop { system(bascule(), 'serve', 'token', 'remove', $_[0], '--tokens', $tokens) }
sub hup {
	my ($as) = @_;
	my $before = () = slurp($log) =~ /"event":"reloaded"/g;
	kill('HUP', pid_of($as));
	for (1 .. 100) { last if $before < (() = slurp($log) =~ /"event":"reloaded"/g); sleep(0.05) }
}
token_add('ops', 'manage,invoke');
token_add('app', "invoke:$name");
my @with = ('--registry', "$work/keys", '--tokens', $tokens);
($base, $log) = server('login', @with);
error_is(call('POST', "/beta/platform-connectors/$name/invoke", { type => 'evil:ok' }), 401, 'insufficientPermission', 'nobody');
my $form = 'Content-Type: application/x-www-form-urlencoded';
sub login { my ($query, $body, @more) = @_; return http('POST', "$base/oauth/token$query", $body, '-H', $form, @more) }
my $g = '?grant_type=client_credentials';
for my $case ([400, 'invalid_request', ''], [400, 'invalid_request', $g . '&grant_type=client_credentials'],
    [400, 'unsupported_grant_type', '?grant_type=password'], [401, 'invalid_client', $g],
    [401, 'invalid_client', $g, "client_id=ops&client_secret=$secret{app}"], [401, 'invalid_client', $g, 'client_id=ops&client_secret='],
    [401, 'invalid_client', $g, "client_id=app&client_secret=$secret{ops}"], [400, 'invalid_request', $g, 'client_id=ops&client_id=app'],
    [401, 'invalid_client', $g, "client_secret=$secret{ops}"]) {
	$r = login(@$case[2, 3]);
	is("$r->{code} $r->{json}{error}", "$case->[0] $case->[1]", "a login that is none: $case->[1]");
	is(join(',', sort keys %{$r->{json}}), 'error,error_description', '... by an OAuth error');
}
is(login('', "{}", '-H', 'Content-Type: application/json')->{code}, 400, 'no form');
$r = login($g, "client_id=ops&client_secret=$secret{ops}");
is_deeply([$r->{code}, @{$r->{json}}{qw(token_type expires_in scope)}], [200, 'bearer', 600, 'manage invoke'], 'a login');
like($r->{head}, qr/^Cache-Control: no-store\r$/mi, '... not to be kept by others');
my $jwt = $r->{json}{access_token};
my (undef, $claims) = split(/\./, $jwt);
$claims = decode_json(do { require MIME::Base64; MIME::Base64::decode_base64($claims =~ tr{-_}{+/}r) });
is("$claims->{user_name} $claims->{sub}", 'ops ops', '... has a user_name');
unlike($r->{body}, qr/\Q$secret{ops}\E/, '... and not the secret');
$r = login('', undef, '-u', "ops:$secret{ops}", '-d', 'grant_type=client_credentials');
is($r->{code}, 200, 'a login by Authorization: Basic');
$r = login("$g&client_id=ops&client_secret=$secret{ops}");
is($r->{code}, 200, 'all in the query');
sub bears { return http('POST', "$base/beta/platform-connectors/$name/invoke", { type => 'evil:ok' }, '-H', "Authorization: Bearer $_[0]") }
is(bears($jwt)->{code}, 200, 'it opens a door');
is(http('GET', "$base/v1/connectors", undef, '-H', "Authorization: Bearer $jwt")->{code}, 200, '... and those of /v1');
is(bears($secret{app})->{code}, 200, 'as a token itself does');
my ($head, $payload, $sig) = split(/\./, $jwt);
error_is(bears($_), 401, 'insufficientPermission', 'one that is forged') for "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.$payload.",
    "$head.$payload.", "$head." . ($payload =~ s/^(.)/$1 eq 'e' ? 'f' : 'e'/er) . ".$sig";

%login = (id => 'app', secret => $secret{app});
is(scalar @{invoked($name, 'std:test-connection')->{outputs}}, 1, 'a login for each call');
error_is(invoked('scim', 'std:test-connection'), 403, 'insufficientPermission', 'another connector than its scope says');
error_is(call('POST', $P, { alias => 'x' }), 403, 'insufficientPermission', 'a change without manage');
%login = (id => 'ops', secret => $secret{ops});
is(call('POST', $P, { alias => 'x' })->{code}, 200, '... with it');
token_add('eyes', 'read');
hup('login');
%login = (id => 'app', secret => $secret{app});
invoked($name, 'evil:half-log');
error_is(call('POST', "$L/query", {}), 403, 'insufficientPermission', 'logs without read');
%login = (id => 'eyes', secret => $secret{eyes});
(undef, @logs) = logs({});
is(scalar(grep { $_->{event} eq 'connectorMessage' } @logs), 0, 'who reads sees no lines of others\' workers');
cmp_ok(scalar @logs, '>', 0, '... but that they ran');
%login = (id => 'ops', secret => $secret{ops});
(undef, @logs) = logs({});
cmp_ok(scalar(grep { $_->{event} eq 'connectorMessage' } @logs), '>', 0, 'who manages sees them');
my $I = '/beta/connector-instances';
$r = call('POST', $I, { name => 'A source', connectorRef => $name });
is($r->{code}, 200, 'an instance, with manage');
my $instance = $r->{json}{id};
is(ref $r->{json}{config}, 'HASH', '... whose config is seen by who may manage');
for my $case (['app', 'HASH', 200], ['eyes', '', 403]) {
	%login = (id => $case->[0], secret => $secret{$case->[0]});
	is(ref call('GET', "$I/$instance")->{json}{config}, $case->[1], "... by $case->[0]: " . ($case->[1] ? 'who invokes its connector' : 'not by who does not'));
	is(call('POST', "$I/$instance/invoke", { type => 'evil:ok' })->{code}, $case->[2], '... and invoked likewise');
	error_is(call(@$_), 403, 'insufficientPermission', "$case->[0] does not change it: $_->[0]") for ['POST', $I, { name => 'x', connectorRef => $name }],
	    ['PUT', "$I/$instance", { name => 'x' }], ['PATCH', "$I/$instance", [{ op => 'remove', path => '/config' }]], ['DELETE', "$I/$instance"],
	    ['POST', '/beta/connector-customizers', { name => 'x' }];
}
%login = (id => 'ops', secret => $secret{ops});
is(call('DELETE', "$I/$instance")->{code}, 204, 'away with it');
my $app = login($g, "client_id=app&client_secret=$secret{app}")->{json}{access_token};
stop('login');
is((stat("$work/keys/jwt.key"))[2] & 07777, 0600, 'the key is nobody else\'s');
($base, $log) = server('login2', @with);
is(bears($jwt)->{code}, 200, 'what was made before is good after a new start');
token_drop('app');
hup('login2');
error_is(bears($app), 401, 'insufficientPermission', 'what was made of a token goes with it');
is(bears($jwt)->{code}, 200, '... that of another stays');
token_drop('ops');
token_add('ops', 'manage,invoke');
hup('login2');
error_is(bears($jwt), 401, 'insufficientPermission', '... until that is made anew');
unlike(slurp($log), qr/\Q$secret{ops}\E|\Q$jwt\E/, 'no secret is in the log');
stop('login2');
chmod(0644, "$work/keys/jwt.key");
like(`'@{[bascule()]}' serve --listen 127.0.0.1:0 --registry $work/keys 2>&1`, qr/jwt\.key/, 'a key that others read is none');
%login = ();
($base, $log) = server('open');
$r = login($g, 'client_id=any&client_secret=thing');
like($r->{json}{access_token} // '', qr/^[\w-]+\.[\w-]+\.[\w-]+$/, 'where nobody is asked, everybody gets one');
is(bears($r->{json}{access_token})->{code}, 200, '... and it is let be');
stop('open');

done_testing();
