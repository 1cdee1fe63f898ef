#!/usr/bin/perl
# serve_manage.t -- what an operator sees and sets while the server runs: logs of workers, doctor, audit log, limits.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use asking;
use support;
use IO::Handle;
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'machine: no curl' if system('command -v curl >/dev/null') != 0;
my $b = root() . '/build';
$b = $1 if bascule() =~ m{^(.*)/bin/bascule$};
my $name = "evm$$";
hostile($name, $b) or plan skip_all => 'evil is not built';
my $work = scratch();
my $secret = "s3cret-$$";
sub evil {
	my ($attack, $more, @options) = @_;
	return curl('POST', "/v1/connectors/$name/invoke?mode=async", { type => "evil:$attack", config => { password => $secret },
	    %{$more // {}} }, @options);
}
sub logs { my ($id, $query) = @_; return curl('GET', "/v1/invocations/$id/logs" . ($query // '')) }
sub lines { return map { decode_json($_) } split(/\n/, $_[0]{body}) }
my $api = decode_json(slurp(root() . '/launcher/serve/openapi.json'));
sub described { my ($r, $path, $text) = @_; ok($api->{paths}{$path}{get}{responses}{$r->{code}}, "$text: $r->{code} is described") }

# --- logs
server('one', '--journal', "$work/j.db");
evil('half-log', { id => 'l1' });
ok(state_is('l1', 'done'), 'one that logs megabytes without an end of line');
my $r = logs('l1');
is("$r->{rc} $r->{code}", '0 200', 'its log can be read');
my @l = lines($r);
is(scalar @l, row('l1')->{receipt}{logLines}, 'line by line');
like($l[0]{text}, qr/^ +$/, 'as text, and no control character is in it');
evil('flood-log', { id => 'l2', deadline => '700ms' });
my $reader = begin('GET', '/v1/invocations/l2/logs?follow=true');
$r = result($reader);
is($r->{rc}, 0, 'a follower goes on to the end');
@l = lines($r);
is($l[-1]{line}{message}, 'and another one', 'of what is JSON, as it is');
is(row('l2')->{state}, 'done', 'which is that of the invocation');
$r = logs('l2');
@l = lines($r);
ok($l[0]{dropped} > 1000, 'of a flood the oldest lines are gone, and it says how many');
cmp_ok(length($r->{body}), '<', 70_000, 'so that it stays small');
is($l[0]{dropped} + $#l, row('l2')->{receipt}{logLines}, 'and none is lost in between');
evil('ok', { id => 'l3' });
state_is('l3', 'done');
is(logs('l3')->{code} . logs('l3')->{body}, '200', 'one that logged nothing has an empty one');
for my $case ([404, 'nobody'], [400, 'l1', '?follow=perhaps'], [400, 'l1', '?nonsense=1']) {
	$r = logs(@$case[1, 2]);
	is($r->{code}, $case->[0], "$case->[1]" . ($case->[2] // '') . ": $case->[0]");
	described($r, '/v1/invocations/{id}/logs', 'which');
}
unlike(slurp("$work/j.db") . slurp("$work/j.db-wal"), qr/and another one|\Q$secret\E/, 'neither logs nor secrets are on disk');

# --- doctor
my $own = decode_json(`BASCULE_CONNECTORS=$work/c @{[bascule()]} doctor --json`);
my @both = map { begin('GET', '/v1/doctor') } 1, 2;
$r = result($both[0]);
described($r, '/v1/doctor', 'doctor');
is(result($both[1])->{body}, $r->{body}, 'two who ask at once get the same');
is($r->{json}{kernel}, $own->{kernel}, 'its kernel');
is_deeply([map { "$_->{group}/$_->{name} $_->{state}" } grep { $_->{group} ne 'connector' } @{$r->{json}{findings}}],
    [(map { "$_->{group}/$_->{name} $_->{state}" } grep { $_->{group} ne 'connector' } @{$own->{findings}}), 'server/front ok'],
    'and the findings of bascule doctor, and one of the server');
ok((grep { $_->{group} eq 'connector' && $_->{name} eq $name && $_->{state} eq 'ok' } @{$r->{json}{findings}}), 'connectors are run');
evil('ok', { id => 'after' });
ok(state_is('after', 'done'), 'the server is unharmed');
is(row('after')->{receipt}{layers}{cgroup}{state}, row('l3')->{receipt}{layers}{cgroup}{state}, 'and its groups, too');
my $gone = begin('GET', '/v1/doctor');
sleep(0.01);
kill('KILL', $gone->{pid});
result($gone);
is(curl('GET', '/v1/doctor')->{code}, 200, 'one that left does no harm');
stop('one');
server('waived', '--without', 'landlock');
$r = curl('GET', '/v1/doctor');
is_deeply($r->{json}{waived}, ['landlock'], 'layers that the server does without are waived');
stop('waived');

# --- the caller's trace goes on to the source
{
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 16) or die "no port: $!";
	my $port = $listener->sockport;
	my $source = fork() // die "fork: $!";
	if ($source == 0) {
		open(my $asked, '>', "$work/asked") or POSIX::_exit(1);
		$asked->autoflush;
		while (my $s = $listener->accept) {
			my $head = '';
			while (defined(my $line = <$s>)) { last if $line =~ /^\r?\n/; $head .= $line }
			print $asked $head, "\n";
			print $s "HTTP/1.1 200 OK\r\nContent-Type: application/scim+json\r\nContent-Length: 58\r\nConnection: close\r\n\r\n",
			    sprintf('%-58s', '{"totalResults":0,"Resources":[],"schemas":["x"]}');
			close($s);
		}
	}
	close($listener);
	server('trace');
	my $body = { type => 'std:account:list', config => { baseUrl => "http://localhost:$port/scim/v2", token => $secret }, input => {} };
	my $trace = '0123456789abcdef0123456789abcdef';
	curl('POST', '/v1/connectors/scim/invoke', $body, '-H', "traceparent: 00-$trace-0123456789abcdef-01");
	my @sent = slurp("$work/asked") =~ /^traceparent: (.*?)\r$/mig;
	my $requests = () = slurp("$work/asked") =~ m{ HTTP/1.1\r}g;
	cmp_ok($requests, '>', 0, 'a source is asked');
	is(scalar @sent, $requests, 'with the trace, each time');
	ok(!(grep { !/^00-$trace-[0-9a-f]{16}-01$/ || /-0123456789abcdef-/ } @sent), 'of its caller, and a span of its own');
	curl('POST', '/v1/connectors/scim/invoke', $body);
	my $then = () = slurp("$work/asked") =~ m{ HTTP/1.1\r}g;
	cmp_ok($then, '>', $requests, 'it is asked for a caller without one');
	is(() = slurp("$work/asked") =~ /^traceparent:/mig, scalar @sent, 'and no trace is made up');
	stop('trace');
	kill('KILL', $source);
	waitpid($source, 0);
}

# --- limits and the audit log
spill('limits', "# ours\n\ndeadline=5s\n");
server('two', '--journal', "$work/j.db", '--limit', 'deadline=20s', '--limits', "$work/limits");
is(evil('ok', { deadline => '10s' })->{code}, 400, 'a file of limits binds');
spill('limits', "deadline=30s\n");
kill('HUP', pid_of('two'));
ok(until_true(sub { log_of() =~ /"event":"reloaded"/ }), 'told to, it reads it again');
is(evil('ok', { deadline => '25s' })->{code}, 202, 'and it binds anew');
spill('limits', "colour=red\n");
kill('HUP', pid_of('two'));
ok(until_true(sub { log_of() =~ /"event":"reload.failed".*limits:1.*colour/ }), 'one that is no good is refused, by line and name');
is(evil('ok', { deadline => '25s' })->{code}, 202, 'and the old ones stay');
evil('slow', { id => 'own' });
state_is('own', 'streaming');
curl('DELETE', '/v1/invocations/own');
$r = curl('GET', '/v1/audit');
described($r, '/v1/audit', 'the audit log');
my @what = map { "$_->{who} $_->{what}" } @{$r->{json}{audit}};
is("@what[0 .. 2]", 'server reload.failed server limits.load server limits.load', 'says what was read');
ok((grep { $_->{what} eq 'reload.failed' && $_->{detail} =~ /colour/ } @{$r->{json}{audit}}), 'and why it was not');
ok((grep { $_ eq 'server stop' } @what), 'and who came before, across a restart');
ok(!(grep { /cancel/ } @what), 'to cancel one\'s own is nobody else\'s business');
is(scalar @{curl('GET', '/v1/audit?limit=2')->{json}{audit}}, 2, 'as much of it as was asked for');
is(curl('GET', '/v1/audit?limit=0')->{code}, 400, 'and none is no page');
stop('two');
ok(until_true(sub { `ps -o stat=,args= -C $name` =~ s/^Z.*\n//gmr eq '' }), 'no process is left');

done_testing();
