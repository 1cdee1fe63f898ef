#!/usr/bin/perl
# Descriptions, and sources, that mean harm: ways out to a host that was not declared, work and memory without end, and secrets
# by every detour.  What gets out is looked for in results, logs and messages; what gets away at a port where nobody may come.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use MIME::Base64 qw(encode_base64 encode_base64url);
use Test::More;
use support;

my $json = JSON::PP->new->utf8->canonical->max_depth(10_000);
my $dir = scratch();
my $key = 'key-secret-7-and-much-longer-than-that';
my $password = 'pw-secret-8-and-much-longer-than-that';
my ($r, $made) = (undef, 0);

# Where nobody may come: every connection is written down.
my $away = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64) or die "listen: $!";
my $elsewhere = 'http://localhost:' . $away->sockport;
sub nobody_came {
	my ($name) = @_;
	$away->blocking(0);
	my $came = 0;
	while (my $s = $away->accept) { $came++; close($s) }
	is($came, 0, "$name: nobody came where nobody may");
}

# The declared source: a path to status, headers, body; or code that writes for itself.
my $deep = '{"users":[' . '{"id":"1","x":' . '[' x 20_000 . ']' x 20_000 . '}]}';
my %answers = (
	'/redirect/users' => [302, "Location: $elsewhere/users\r\n", ''],
	'/redirect-port/users' => [307, "Location: //localhost:@{[$away->sockport]}/users\r\n", ''],
	'/next/users' => [200, '', $json->encode({ users => [{ id => '1' }], next => "$elsewhere/users" })],
	'/next-slashes/users' => [200, '', $json->encode({ users => [{ id => '1' }], next => "//localhost:@{[$away->sockport]}/users" })],
	'/next-user/users' => [200, '', $json->encode({ users => [{ id => '1' }], next => "http://localhost\@localhost:@{[$away->sockport]}/users" })],
	'/next-back/users' => [200, '', $json->encode({ users => [{ id => '1' }], next => "\\\\localhost:@{[$away->sockport]}\\users" })],
	'/next-file/users' => [200, '', $json->encode({ users => [{ id => '1' }], next => 'file:///etc/passwd' })],
	'/deep/users' => [200, '', $deep],
	'/one/users' => [200, '', $json->encode({ users => [{ id => '1', x => 'y' }] })],
	'/wide/users' => [200, '', $json->encode({ users => [{ id => '1', x => [map { $_ } 1 .. 200_000] }] })],
	'/echo/users' => [200, '', $json->encode({ users => [{ id => '1', x => "Bearer $key", hex => unpack('H*', $key), b => encode_base64("user:$key", ''),
	    in => [{ deep => { er => $key } }], $key => 'as a name' }] })],
	'/echo/users/1' => [200, '', $json->encode({ id => $key })],
	'/said/users' => [400, '', $json->encode({ why => 'x' x 185 . $key . ' and more' })],
	'/plain/users' => [400, '', 'x' x 185 . $key . ' and more'],
	'/one/token' => [200, '', $json->encode({ access_token => 'an-access-token-of-some-length', instance => $elsewhere })],
	'/file/token' => [200, '', $json->encode({ access_token => 'an-access-token-of-some-length', instance => 'file:///etc/passwd' })],
	'/crlf/token' => [200, '', $json->encode({ access_token => 'an-access-token-of-some-length', instance => "http://localhost/\r\nHost: x" })],
	'/away/token' => [307, "Location: $elsewhere/token\r\n", ''],
	'POST /echo/users' => [201, "Location: /users/$key\r\n", ''],
	'POST /one/users' => [201, '', '{"id":"1"}'],
);
my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64) or die "listen: $!";
my $source = 'http://localhost:' . $listen->sockport;
sub endless {
	my ($s, $what) = @_;
	local $SIG{PIPE} = 'IGNORE';
	print $s "HTTP/1.1 200 X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
	print $s '{"users":[' if $what eq 'rows';
	my $piece = $what eq 'rows' ? '{"id":"1","x":"' . 'y' x 1000 . '"},' x 50 : $what eq 'text' ? 'z' x 65536 : '[' x 65536;
	print $s '{"users":[{"id":"' if $what eq 'text';
	for (1 .. 20_000) { print $s $piece or last }
}
my $server = fork() // die;
if ($server == 0) {
	$SIG{CHLD} = 'IGNORE';
	while (my $s = $listen->accept) {
		next if fork();
		my ($line, $length) = (scalar <$s> // '', 0);
		while (my $h = <$s>) {
			$length = $1 if $h =~ /^Content-Length: (\d+)/i;
			last if $h =~ /^\r?\n$/;
		}
		read($s, my $body, $length) if $length;
		my ($method, $path) = $line =~ m{^(\S+) ([^\s?]+)};
		if ($path =~ m{^/endless-(\w+)/}) {
			endless($s, $1);
		} else {
			my ($status, $headers, $text) = @{$answers{"$method $path"} // $answers{$path} // [404, '', '{}']};
			print $s "HTTP/1.1 $status X\r\nContent-Type: application/json\r\nConnection: close\r\n$headers",
			    'Content-Length: ', length $text, "\r\n\r\n$text";
		}
		close($s);
		POSIX::_exit(0);
	}
	exit 0;
}
END { kill('KILL', $server) if $server }

my $spec = { name => 'Hostile', commands => ['std:account:list', 'std:account:read', 'std:account:create', 'std:change-password'], keyType => 'simple',
	egress => [{ host => '{{config.baseUrl}}' }],
	sourceConfig => [{ type => 'menu', label => 'x', items => [{ type => 'section', items => [
	    { key => 'baseUrl', label => 'URL', type => 'url' }, { key => 'key', label => 'Key', type => 'secret' }] }] }],
	accountSchema => { identityAttribute => 'id', displayAttribute => 'id', attributes => [
	    { name => 'id', type => 'string' }, { name => 'x', type => 'string' }] } };
sub description {
	my %with = @_;
	my $d = {
		format => 1,
		http => { base => '${config.baseUrl}', auth => { kind => 'bearer', secret => '${secret.key}' },
		    errors => [{ status => [400], then => 'invalid', message => '/why' }] },
		account => { id => '/id', attributes => { id => '/id', x => "\${'x'}" },
		    list => { get => '/users', items => '/users' },
		    read => { get => '/users/${id}' },
		    create => { post => '/users', json => { a => 'b' }, newId => ['/id', 'location'] },
		    password => { post => '/users', json => { a => 'b' } } },
	};
	for my $path (keys %with) {
		my @names = split(m{/}, $path);
		my $last = pop(@names);
		my $o = $d;
		$o = $o->{$_} //= {} for @names;
		$o->{$last} = $with{$path};
	}
	return $d;
}
# One command by a description of its own; nothing of a secret may be in what it says, whole or its beginning.
sub run {
	my ($name, $at, $command, $input, %with) = @_;
	my $folder = "$dir/hostile" . ++$made;
	mkdir($folder);
	chmod(0755, $dir, $folder);
	spill("hostile$made/rest.json", $json->encode(description(%with)));
	spill("hostile$made/connector-spec.json", $spec);
	local $support::connector = $folder;
	$r = invoke({ baseUrl => "$source/$at", key => $key }, $command, $input // {}, '--logs', '--limit', 'deadline=60s');
	my $said = slurp($r->{out}) . $r->{err};
	my @forms = map { (substr($_, 0, 12), unpack('H*', substr($_, 0, 12)), encode_base64(substr($_, 0, 12), ''), uc substr($_, 0, 12)) } $key, $password;
	my @told = grep { index($said, $_) >= 0 } @forms, encode_base64url(substr($key, 0, 12));
	ok(!@told, "$name: no secret is told") or diag("told: @told\n", substr($said, 0, 1500));
	return $r;
}
sub fails {
	my ($name, $why, @more) = @_;
	run($name, @more);
	ok($r->{exit} != 0 && $r->{err} =~ $why, "$name: fails") or diag("exit $r->{exit}, $r->{records} records: " . substr($r->{err}, 0, 800));
}

subtest 'ways out' => sub {
	fails('a redirect to another host', qr/redirect to another origin/, $_, 'std:account:list') for qw(redirect redirect-port);
	my %page = ('account/list' => { get => '/users', items => '/users', page => { kind => 'next', next => '/next' } });
	fails("a next page: $_", qr/another origin|no URL|not allowed|no-egress|404/, $_, 'std:account:list', {}, %page)
	    for qw(next next-slashes next-user next-back next-file);
	my $sign = { kind => 'oauth2', tokenUrl => '${config.baseUrl}/token', user => 'u', secret => '${secret.key}', keep => { instance => '/instance' } };
	fails("a base that the sign-in says: $_", qr/no-egress|not allowed|not a valid|no URL|base|egress/, $_, 'std:account:list', {},
	    'http/auth' => $sign, 'http/base' => '${session.instance}') for qw(one file crlf);
	fails('a sign-in that is redirected', qr/redirect|307/, 'away', 'std:account:list', {}, 'http/auth' => $sign);
	fails('a sign-in elsewhere', qr/no-egress|not allowed|egress/, 'one', 'std:account:list', {}, 'http/auth' => { %$sign, tokenUrl => "$elsewhere/token" });
	fails('a step elsewhere', qr/begins with/, 'one', 'std:account:list', {}, 'account/list' => { get => "$elsewhere/users", items => '/users' });
	fails('a path that is a host', qr/./, 'one', 'std:account:list', {}, 'account/list' => { get => "//localhost:@{[$away->sockport]}/users", items => '/users' });
	fails('another Host', qr/Host|header|404/i, 'none', 'std:account:list', {}, 'account/list' => { get => '/users', items => '/users',
	    headers => { Host => 'elsewhere.example' } });
	nobody_came('ways out');
};

subtest 'nothing of the machine' => sub {
	for my $expression ('${config/../../etc/passwd}', '${env/PATH}', '${config.baseUrl | include}', '${record | lookup:\'/proc/self/environ\'}') {
		run("expression $expression", 'one', 'std:account:list', {}, 'account/attributes' => { id => '/id', x => $expression });
		unlike(slurp($r->{out}) . $r->{err}, qr{root:|PATH=|/usr/bin}, "$expression tells nothing of it");
	}
};

subtest 'work without end' => sub {
	my $calm = sub { my ($name) = @_; unlike($r->{verdict}{cause} // '', qr/signal|syscall/, "$name: no crash") };
	run('a deep answer', 'deep', 'std:account:list');
	isnt($r->{exit}, 0, 'a deep answer fails');
	$calm->('a deep answer');
	fails('a value that is an array where a text is wanted', qr/not of the schema's type/, 'wide', 'std:account:list', {}, 'account/attributes' => { id => '/id', x => '/x' });
	for my $what (qw(text deeper)) {
		run("an endless $what", "endless-$what", 'std:account:list');
		isnt($r->{exit}, 0, "an endless $what ends");
		$calm->("an endless $what");
	}
	my $grow = '${record.x' . ' | json' x 60 . '}';
	run('a text that grows', 'one', 'std:account:list', {}, 'account/attributes' => { id => '/id', x => $grow });
	isnt($r->{exit}, 0, 'a text that grows has an end');
	$calm->('a text that grows');
	my $each = '${record.x}';
	$each = { '$each' => '${record.y}', '$item' => $each } for 1 .. 12;
	run('lists of lists', 'wide', 'std:account:create', { attributes => {} }, 'account/create' => [
	    { get => '/users', keep => { y => '/users/0/x' } },
	    { post => '/users', newId => '/id', json => { '$each' => '${step.y}', '$item' => { '$each' => '${step.y}', '$item' => '${value}' } } }]);
	like($r->{err}, qr/took over \d+ steps/, 'lists of lists have an end');
	my $nest = 'x';
	$nest = [$nest] for 1 .. 5000;
	run('a deep description', 'one', 'std:account:create', { attributes => {} }, 'account/create' => { post => '/users', newId => '/id', json => $nest });
	isnt($r->{exit}, 0, 'a deep description is refused');
	$calm->('a deep description');
	run('many parts', 'one', 'std:account:list', {}, 'account/attributes' => { id => '/id', x => '${record.x}' x 300 });
	isnt($r->{exit}, 0, 'so is a text of many parts');
};

subtest 'what is no file' => sub {
	my $folder = "$dir/nofile";
	mkdir($folder);
	chmod(0755, $dir, $folder);
	spill('nofile/connector-spec.json', $spec);
	local $support::connector = $folder;
	for my $case ([ 'a pipe', sub { POSIX::mkfifo("$folder/rest.json", 0644) } ], [ 'a device', sub { symlink('/dev/zero', "$folder/rest.json") } ],
	    [ 'a folder', sub { mkdir("$folder/rest.json") } ], [ 'one of 2 MiB', sub { spill('nofile/rest.json', '{"format":1,"x":"' . 'x' x (2 << 20) . '"}') } ]) {
		my ($name, $make) = @$case;
		$make->();
		my $started = time;
		my $out = `timeout 20 @{[bascule()]} validate --spec $folder 2>&1`;
		is($? >> 8, 66, "$name is nothing to check");
		like($out, qr/no file of at most 1024 KiB/, 'which is said');
		$r = invoke({ baseUrl => "$source/one", key => $key }, 'std:account:list');
		isnt($r->{exit}, 0, "$name is no description");
		cmp_ok(time - $started, '<', 8, 'at once');
		-d "$folder/rest.json" ? rmdir("$folder/rest.json") : unlink("$folder/rest.json");
	}
};

subtest 'secrets by filters' => sub {
	# Whatever a filter makes of a secret, or with one, is one.
	my @ways = ('%s', '%s | lower', '%s | upper', '%s | b64', '%s | b64url', '%s | hex', '%s | sha256', "%s | hmac:'k'", "'k' | hmac:%s", '%s | json', '%s | str',
	    "%s | cut:'-',0", "%s | split:'-' | first", "%s | split:'-' | last", "%s | split:'-' | join:'+'", "%s | split:'-' | count", "%s | split:'-' | at:'/0'",
	    "%s | match:'prefix','k'", "%s | match:'prefix','k' | if:'yes','no'", "%s | eq:'x'", "'x' | eq:%s", "'x' | in:%s,'y'", "%s | in:'x','y'", "%s | not | not",
	    "'a' | if:%s,'b'", "%s | if:'a','b'", "'' | if:'a',%s", "record.none | default:%s", "%s | default:'x'", "'a,b' | split:%s", "'a,b' | split:',' | join:%s",
	    "'abc' | cut:%s,0", "'abc' | match:'contains',%s", "%s | scimstr", "%s | soqlstr", "%s | adfstr", "%s | split:'-' | sort", "%s | split:'-' | unique | first",
	    "%s | trim", "%s | split:'-' | map:'' | first", "record.x | date:%s,'iso'", "'2026-01-01T00:00:00Z' | date:'iso',%s", "'x' | match:%s,'y'", "'x' | now:%s");
	for my $way (@ways) {
		run("password, $way", 'one', 'std:account:list', { password => $password }, 'account/attributes' => { id => '/id', x => '${' . sprintf($way, 'input.password') . '}' });
		ok($r->{exit} != 0 && $r->{records} == 0, "$way of a password is no result") or diag(slurp($r->{out}));
	}
	# In a body, where a secret may go, what is wrong with it says nothing of it either.
	for my $way ("'x' | match:%s,'y'", "record.x | date:%s,'iso'", "'2026-01-01T00:00:00Z' | date:'iso',%s", "'x' | date:%s,'iso'", "'x' | now:%s", '%s | addsec:5',
	    "%s | int", "%s | bool", "%s | at:'/x'", "%s | lookup:'x'") {
		run("a body, $way", 'one', 'std:account:create', { attributes => {} }, 'account/create' => { post => '/users', newId => '/id',
		    json => { a => '${' . sprintf($way, 'secret.key') . '}' } });
	}
	for my $flag (qw(disabled locked where truncated)) {
		fails("$flag by a password", qr/a secret may not/, 'one', 'std:account:list', { password => $password }, "account/$flag" => "\${input.password | match:'prefix','p'}");
	}
	fails('a rule that a password decides', qr/./, 'one', 'std:account:list', { password => $password }, 'http/errors' => [{ status => [200],
	    when => "\${input.password | match:'prefix','x'}", then => 'ok' }]);
};

subtest 'secrets that a source repeats' => sub {
	for my $way ('${record.x}', '${record.b}', '${record.b | hex}', '${record.x | upper}', '${record.x | split:\' \' | last | hex}', '${record | json}', '${record.in | json | b64}',
	    '${record.in.0.deep.er | cut:\'-\',0}') {
		fails("$way of a repeated one", qr/a secret may not go into results/, 'echo', 'std:account:list', {}, 'account/attributes' => { id => '/id', x => $way });
	}
	fails('a pointer to it', qr/a secret may not go into results/, 'echo', 'std:account:list', {}, 'account/attributes' => { id => '/id', x => $_ }) for qw(/x /b);
	fails('as an id', qr/a secret may not go into results/, 'echo', 'std:account:read', { identity => '1' });
	fails('as the id of what was made', qr/./, 'echo', 'std:account:create', { attributes => {} });
	fails('in a failure, cut', qr{/account/list: the source does not take it}, 'said', 'std:account:list');
	fails('in a failure without a rule', qr/400/, 'plain', 'std:account:list', {}, 'http/errors' => []);
	run('what is not mapped', 'echo', 'std:account:list');
	is($r->{exit}, 0, 'a repeated secret that is not mapped does no harm') or diag($r->{err});
};

kill('KILL', $server);
waitpid($server, 0);
$server = 0;
done_testing();
