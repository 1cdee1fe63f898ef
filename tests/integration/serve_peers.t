#!/usr/bin/perl
# serve_peers.t -- who may do what at a unix socket, by the user and the groups of the process at its other end.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use asking;
use support;
use JSON::PP;
use Test::More;

plan skip_all => 'machine: no curl' if system('command -v curl >/dev/null') != 0;
plan skip_all => 'machine: only root can be somebody else' if $> != 0 || system('command -v setpriv >/dev/null') != 0;
my $b = root() . '/build';
$b = $1 if bascule() =~ m{^(.*)/bin/bascule$};
my $name = "evp$$";
hostile($name, $b) or plan skip_all => 'evil is not built';
my $work = scratch();
chmod(0711, $work);

# Nobody, with groups beside its own; not root.
my %who = (
	nobody	=> ['--reuid', 65534, '--regid', 65534, '--clear-groups'],
	eyes	=> ['--reuid', 61001, '--regid', 61001, '--clear-groups'],
	hands	=> ['--reuid', 61002, '--regid', 61050, '--clear-groups'],
	member	=> ['--reuid', 61003, '--regid', 61003, '--groups', join(',', 61050, 62000 .. 62099)],
	both	=> ['--reuid', 61001, '--regid', 61050, '--clear-groups'],
	boss	=> ['--reuid', 61004, '--regid', 61004, '--clear-groups'],
);
my $socket;
sub as {
	my ($who, $method, $path, $body, @more) = @_;
	my @body = defined $body ? ('-H', 'Content-Type: application/json', '-d', encode_json($body)) : ();
	open(my $fh, '-|', 'setpriv', @{$who{$who}}, 'curl', '-sS', '-m', 30, '-X', $method, '-w', '\n%{http_code}', @body, @more,
	    '--unix-socket', $socket, "http://localhost$path") or die "setpriv: $!";
	my $all = do { local $/; <$fh> };
	close($fh);
	my ($text, $code) = $all =~ /\A(.*)\n(\d+)\z/s;
	return { code => $code, body => $text, json => eval { decode_json($text) } // {} };
}
sub invoked { my ($who, $connector) = @_; return as($who, 'POST', "/v1/connectors/$connector/invoke", { type => $connector eq $name ? 'evil:ok' : 'std:spec:read' }) }
sub code { my ($who, @what) = @_; return as($who, @what)->{code} }

sub begins { my ($as, @options) = @_; server($as, @options); $socket = "$work/$as.socket" }

begins('rows', '--socket-mode', '0666', '--peer', 'uid:61001=read', '--peer', "gid:61050=invoke:$name,read", '--peer', '61004');
is(curl('POST', "/v1/connectors/$name/invoke", { type => 'evil:ok', id => 'mine' })->{code}, 200, 'root may do everything');
is(curl('GET', '/v1/audit')->{code}, 200, 'indeed');
my $r = as('nobody', 'GET', '/v1/connectors');
is($r->{code}, 403, 'who is not named is not let in');
like($r->{json}{detail}, qr/user 65534.*--peer/, 'and is told how it could be');
is(code('nobody', 'GET', '/healthz'), 403, 'not even to look');

is(code('eyes', 'GET', '/v1/invocations'), 200, 'a user with the scope read sees');
$r = invoked('eyes', $name);
is($r->{code}, 403, '... and invokes nothing');
like($r->{json}{detail}, qr/uid:61001/, '... as it is told by name');
is(code('eyes', 'DELETE', '/v1/invocations/mine'), 403, '... and cancels nothing');
is(code('eyes', 'GET', '/v1/audit'), 403, '... and manages nothing');
is(code('eyes', 'POST', '/beta/platform-connectors', { alias => 'x' }), 403, '... at the compatible doors either');

is(invoked('hands', $name)->{code}, 200, 'its own group lets a user invoke a connector');
is(invoked('hands', 'scim')->{code}, 403, '... and no other');
is(code('hands', 'GET', '/v1/invocations/mine'), 200, '... and see what ran');
is(code('hands', 'GET', '/v1/audit'), 403, '... and no more');
is(invoked('member', $name)->{code}, 200, 'a group beside its own, one of a hundred, does the same');
is(invoked('member', 'scim')->{code}, 403, '... and no more');
is(invoked('both', $name)->{code}, 403, "a user's own row goes before its groups");
is(code('both', 'GET', '/v1/invocations'), 200, '... for good, too');
is(invoked('boss', 'scim')->{code}, 200, 'a row without scopes allows everything');
is(code('boss', 'GET', '/v1/audit'), 200, 'indeed');
my @callers = map { $_->{caller} } @{curl('GET', '/v1/invocations')->{json}{invocations}};
is_deeply(\@callers, ['uid:61004', 'uid:61003', 'uid:61002', 'uid:0'], 'the journal says whose each was');
stop('rows');

begins('none', '--socket-mode', '0666');
is(invoked('nobody', $name)->{code}, 200, 'with no row at all the mode of the socket is what counts');
stop('none');
begins('shut', '--peer', '65534');
is(code('nobody', 'GET', '/healthz'), '000', 'a row opens no socket that is shut');
stop('shut');

for my $wrong ('uid:', 'root', '-1', '4294967295', 'uid:1x', 'pid:1', 'uid:1=', 'uid:1=fly', 'gid:1=read,,') {
	like(`'@{[bascule()]}' serve --listen unix:$work/x --peer '$wrong' 2>&1`, qr/usage: --peer: /, "--peer $wrong is refused");
}
like(`'@{[bascule()]}' serve --listen unix:$work/x --peer 5 --peer uid:5=read 2>&1`, qr/--peer: uid:5 is named twice/, 'nobody twice');

done_testing();
