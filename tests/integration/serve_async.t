#!/usr/bin/perl
# serve_async.t -- invocations that run without their caller, keys of writes that must not run twice, and what becomes
# of both when the server is killed.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use asking;
use support;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'machine: no curl' if system('command -v curl >/dev/null') != 0;
my $b = root() . '/build';
$b = $1 if bascule() =~ m{^(.*)/bin/bascule$};
my $name = "eva$$";
hostile($name, $b) or plan skip_all => 'evil is not built';

sub invoke_path { return "/v1/connectors/$name/invoke" . ($_[0] // '') }
sub evil { my ($attack, $more, @options) = @_; return begin('POST', invoke_path(), { type => "evil:$attack", %{$more // {}} }, @options) }
sub async { my ($attack, $more, @options) = @_; return curl('POST', invoke_path('?mode=async'), { type => "evil:$attack", %{$more // {}} }, @options) }
sub records { my ($id, $query, @options) = @_; return curl('GET', "/v1/invocations/$id/records" . ($query // ''), undef, @options) }
sub key { return ('-H', "Idempotency-Key: $_[0]") }
my @with_verdict = ('-H', 'Accept: application/x-ndjson; verdict=1');
my $api = decode_json(slurp(root() . '/launcher/serve/openapi.json'));
sub described { my ($r, $path, $method, $text) = @_; ok($api->{paths}{$path}{$method}{responses}{$r->{code}}, "$text: $r->{code} is described") }
my $records_path = '/v1/invocations/{id}/records';

# --- without a caller
my $work = scratch();
my @journal = ('--journal', "$work/journal.db");
server('one', @journal);
my $r = async('ok', { id => 'a1' }, '-H', 'Accept: application/json');
is("$r->{rc} $r->{code}", '0 202', 'mode=async is answered at once');
is($r->{json}{id}, 'a1', 'with the invocation');
is(head($r, 'Location'), '/v1/invocations/a1', 'and its place');
described($r, '/v1/connectors/{name}/invoke', 'post', 'which');
ok(state_is('a1', 'done'), 'it runs to its end');
my $line = "{\"data\":{\"attack\":\"none\"},\"type\":\"output\"}\n";
$r = records('a1');
is("$r->{rc} $r->{code} $r->{body}", "0 200 $line", 'its results are kept, byte for byte');
is(head($r, 'Bascule-State') . ' ' . head($r, 'Bascule-Outcome'), 'done ok', 'and how it stands is told');
is(records('a1', '?offset=10')->{body}, substr($line, 10), 'from an offset');
is(records('a1', '?offset=' . length($line))->{body}, '', 'and from the end');
for my $case ([416, '?offset=999'], [400, '?offset=x'], [400, '?offset=-1'], [400, '?follow=maybe'], [400, '?nonsense=1']) {
	$r = records('a1', $case->[1]);
	is($r->{code}, $case->[0], "$case->[1]: $case->[0]");
	described($r, $records_path, 'get', 'which');
}
is(records('a1', '?offset=3', '-H', 'Accept: text/event-stream')->{code}, 416, 'an event does not begin within a line');
like(records('a1', '', '-H', 'Accept: text/event-stream')->{body},
    qr/\Aevent: output\ndata: \{.*\}\n\nevent: verdict\ndata: \{.*"type":"end"\}\n\n\z/, 'as events');
like(records('a1', '', @with_verdict)->{body}, qr/\A\Q$line\E\{"data":\{.*"id":"a1".*"type":"end"\}\n\z/, 'a last record for whoever asks');
like(records('a1', '', '--compressed', '-H', 'Accept-Encoding: gzip')->{body}, qr/\A\Q$line\E\z/, 'gzip');
is(async('ok', { id => 'a1' })->{code}, 409, 'an id whose results are kept is taken');
is(result(evil('ok', { id => 'a1' }))->{code}, 409, 'for every caller');
is(curl('POST', invoke_path('?mode=later'), { type => 'evil:ok' })->{code}, 400, 'another mode is refused');
is(async('nothing')->{code}, 400, 'and so is a wrong request');
is(records('nobody')->{code}, 404, 'none of that id');
result(evil('ok', { id => 'plain' }));
$r = records('plain');
is($r->{code}, 404, 'none are kept of one that had a caller');
like($r->{json}{detail}, qr/mode=async/, 'and it says what keeps them');

# --- a part is never taken for the whole
async('flood', { id => 'f1', deadline => '1500ms' });
my $follower = begin('GET', '/v1/invocations/f1/records');
ok(state_is('f1', 'streaming'), 'one that runs');
$r = records('f1', '?follow=false');
is($r->{code}, 202, 'what there is so far is no 200');
described($r, $records_path, 'get', 'which');
my $next = head($r, 'Bascule-Next-Offset');
is(length($r->{body}), $next, 'and says where to go on');
is(head($r, 'Bascule-State'), 'streaming', 'and how it stands');
my $part = $r->{body};
$r = result($follower);
is("$r->{rc} $r->{code}", '18 200', 'a follower of one that fails is cut');
is(substr($r->{body}, 0, length($part)), $part, 'after what there was');
my $whole = $r->{body};
ok(state_is('f1', 'done'), 'it has failed');
$r = records('f1');
is("$r->{rc} " . ($r->{body} eq $whole), '18 1', 'whoever reads it later is cut as well');
is(head($r, 'Bascule-Outcome'), 'failed', 'and is told before');
$r = records('f1', "?offset=$next");
is("$r->{rc} " . ($part . $r->{body} eq $whole), '18 1', 'from an offset, too');
$r = records('f1', '?offset=' . length($whole));
is("$r->{code} $r->{json}{cause}", '504 deadline', 'and at its end gets the status of the failure');
described($r, $records_path, 'get', 'which');
$r = records('f1', '', @with_verdict);
is($r->{rc}, 0, 'with a last record it ends properly');
like($r->{body}, qr/\A\Q$whole\E\{"data":\{.*"cause":"deadline".*"type":"error"\}\n\z/s, 'which says so');
isnt(records('f1', '', '--compressed', '-H', 'Accept-Encoding: gzip')->{rc}, 0, 'compressed, too');
async('crash', { id => 'c1' });
ok(state_is('c1', 'done'), 'one that fails at once');
$r = records('c1');
is("$r->{code} $r->{json}{cause} $r->{json}{invocation}", '500 signal c1', 'has its own status');
$r = curl('POST', invoke_path('?mode=async'), { type => 'std:account:read', id => 'c2', config => { attack => 'emit-none' }, input => { identity => 'x' } });
state_is('c2', 'done');
is(records('c2')->{json}{errorType}, 'generic', 'and what a connector said');
async('slow', { id => 's1' });
$follower = begin('GET', '/v1/invocations/s1/records?wait=true', undef, @with_verdict);
state_is('s1', 'streaming');
is(curl('DELETE', '/v1/invocations/s1')->{code}, 202, 'it can be cancelled');
like(result($follower)->{body}, qr/"cause":"cancelled".*"type":"error"\}\n\z/, 'and its follower is told');

# --- keys
my $first = result(evil('ok', {}, key('k1')));
is("$first->{code} $first->{body}", "200 $line", 'a write with a key runs');
is(head($first, 'Idempotent-Replayed'), undef, 'for the first time');
$r = result(evil('ok', {}, key('k1')));
is("$r->{code} $r->{body}", "200 $line", 'and once more has the same answer');
is(head($r, 'Idempotent-Replayed'), 'true', 'which is a replay');
is(head($r, 'Bascule-Invocation'), head($first, 'Bascule-Invocation'), 'of the first');
is(curl('POST', invoke_path(), '{ "type":"evil:ok" }', key('k1'))->{code}, 200, 'other blanks are the same body');
$r = curl('POST', invoke_path('?mode=async'), { type => 'evil:ok' }, key('k1'));
is("$r->{code} $r->{json}{id}", '202 ' . head($first, 'Bascule-Invocation'), 'by mode=async, too');
$r = result(evil('ok', { source => 'other' }, key('k1')));
is($r->{code}, 422, 'another body with it is refused');
like($r->{json}{detail}, qr/Idempotency-Key/, 'by name');
$r = result(evil('hang', { deadline => '300ms' }, key('k2')));
is($r->{code}, 504, 'one that fails');
is(result(evil('hang', { deadline => '300ms' }, key('k2')))->{code}, 504, 'has failed');
is(() = log_of() =~ /"command":"evil:hang".*"event":"invocation.end"|"event":"invocation.end".*"command":"evil:hang"/g, 1, 'once');
$first = evil('slow', { id => 'k3', deadline => '5s' }, key('k3'), @with_verdict);
ok(state_is('k3', 'streaming'), 'one that runs');
my @same = map { evil('slow', { id => 'k3', deadline => '5s' }, key('k3'), @with_verdict) } 1 .. 3;
kill('KILL', $first->{pid});
waitpid($first->{pid}, 0);
sleep(0.3);
is(row('k3')->{state}, 'streaming', 'goes on without its caller');
my @bodies = map { result($_)->{body} } @same;
like($bodies[0], qr/"cause":"deadline".*"type":"error"\}\n\z/, 'and who came with its key waits for its end');
is("@bodies", join(' ', ($bodies[0]) x 3), 'all of them');
$r = curl('POST', invoke_path(), { type => 'std:test-connection', config => { attack => 'ok' } }, key('k1'));
isnt($r->{code}, 422, 'a command that reads ignores a key');
is(result(evil('ok', {}, key("k\x01")))->{code}, 400, 'a key that is none');
is(result(evil('ok', {}, key('k' x 256)))->{code}, 400, 'or too long');

# --- what is kept of a body: nobody without the key's file can find out by trying what was in it
use Digest::SHA qw(sha256 hmac_sha256);
my $pin = 4711;
my $told = { type => 'evil:ok', config => { attack => 'ok', pin => $pin } };
is(result(begin('POST', invoke_path(), $told, key('pin')))->{code}, 200, 'a write with a secret that is easily guessed');
my $printed = "{\"config\"{\"attack\"\"ok\"\"pin\"$pin}\"input\"{}\"type\"\"evil:ok\"}";
sub kept_bytes { return join('', map { slurp($_) } glob("$work/journal.db $work/journal.db-wal")) }
my $secret = slurp("$work/journal.db.key");
is(length($secret), 32, 'a secret is kept beside the journal');
is((stat("$work/journal.db.key"))[2] & 07777, 0600, 'for its owner only');
my $mac = hmac_sha256("pin\n$name\n$printed", $secret);
ok(index(kept_bytes(), $mac) >= 0, 'the journal has a MAC of the request under it');
is(index(kept_bytes(), sha256(sha256($printed) . "pin\n$name")), -1, 'and no digest that anybody can make');
is(index(kept_bytes(), sha256("pin\n$name\n$printed")), -1, 'of any form');
is(index(kept_bytes(), $printed), -1, 'nor the request');
is(index(kept_bytes(), $secret), -1, 'nor the secret');

# --- the server dies
async('slow', { id => 'lost' });
ok(state_is('lost', 'streaming'), 'one runs');
evil('slow', { id => 'lost-key' }, key('k9'));
ok(state_is('lost-key', 'streaming'), 'and a write with a key');
crash('one');
server('one', @journal);
is(records('a1')->{body}, $line, 'after a crash results are still there');
$r = records('f1', '', @with_verdict);
ok($r->{rc} == 0 && $r->{body} =~ /\A\Q$whole\E\{/, 'all of them');
is(row('lost')->{receipt}{cause}, 'launcher', 'one that was interrupted has failed');
$r = records('lost');
is($r->{rc}, 18, 'and its reader is cut');
like($r->{body}, qr/\A(\{"data":\{\},"type":"keepAlive"\}\n)+\z/, 'after what had been kept');
$r = records('lost', '?offset=' . length($r->{body}));
is("$r->{code} $r->{json}{cause}", '500 launcher', 'or told so');
$r = result(evil('ok', {}, key('k1')));
is("$r->{body} " . head($r, 'Idempotent-Replayed'), "$line true", 'a key outlives it');
is(result(evil('hang', { deadline => '300ms' }, key('k2')))->{code}, 504, 'with a failure, too');
is(result(evil('ok', { source => 'other' }, key('k1')))->{code}, 422, 'and its body');
$r = result(evil('slow', { id => 'lost-key' }, key('k9')));
is("$r->{code} $r->{json}{cause}", '409 launcher', 'one whose outcome nobody knows is not run again');
like($r->{json}{detail}, qr/lost-key.*look at the source/, 'and it says what to do');
described($r, '/v1/connectors/{name}/invoke', 'post', 'which');
is(row('lost-key')->{state}, 'done', 'indeed');
stop('one');

# --- the secret is lost
chmod(0640, "$work/journal.db.key");
like(`'@{[bascule()]}' serve --listen 127.0.0.1:0 --journal $work/journal.db 2>&1`, qr/journal\.db\.key: .*nobody but/,
    'a secret that others read is none');
unlink("$work/journal.db.key");
server('one', @journal);
ok(-s "$work/journal.db.key", 'one that is gone is made anew');
isnt(slurp("$work/journal.db.key"), $secret, 'another');
is(result(begin('POST', invoke_path(), $told, key('pin')))->{code}, 422, 'what had been asked for is not run again');
is(index(kept_bytes(), $mac), -1, 'and the old digests are gone');
stop('one');

# --- turned away: the key is free
server('two', '--concurrency', 1, '--queue', 0, @journal);
my $busy = evil('hang', { id => 'busy', deadline => '10s' });
ok(state_is('busy', 'starting'), 'the only turn is taken');
$r = result(evil('ok', { source => 'z' }, key('k20')));
is($r->{code}, 429, 'a write is turned away');
$r = async('ok', { id => 'away' });
is($r->{code}, 429, 'and one without a caller');
ok(head($r, 'Retry-After'), 'and told when to come back');
curl('DELETE', '/v1/invocations/busy');
result($busy);
$r = result(evil('ok', { source => 'z' }, key('k20')));
is("$r->{code} " . (head($r, 'Idempotent-Replayed') // 'first'), '200 first', 'its key then runs');
stop('two');

# --- bounds
server('three', '--results-budget', '32m', '--results-age', '2s', '--journal', "$work/bounds.db");
async('flood', { id => 'big' });
ok(state_is('big', 'done'), 'one that floods');
is(row('big')->{receipt}{cause}, 'limit', 'ends when no more can be kept');
is(result(evil('ok'))->{code}, 200, 'who takes its results itself is not concerned');
ok(until_true(sub { records('big', '?follow=false')->{code} == 404 }), 'old results are forgotten');
$r = async('ok', { id => 'after' });
is($r->{code}, 202, 'and there is room again');
stop('three');
is(() = log_of() =~ /"level":"error"/g, 0, 'no error of its own');
ok(until_true(sub { `ps -o stat=,args= -C $name` =~ s/^Z.*\n//gmr eq '' }), 'no process is left');

done_testing();
