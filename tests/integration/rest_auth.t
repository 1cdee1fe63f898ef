#!/usr/bin/perl
# Every way in which a description can sign in, through the real worker: against oidc-provider, against a server that checks
# signatures with node's cryptography, and against HAProxy that wants a certificate.  Secrets are looked for in all that is said.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use File::Copy qw(copy);
use JSON::PP;
use Test::More;
use support;

my $script = root() . '/tests/targets/targets.sh';
for my $program (qw(node npm haproxy openssl curl)) {
	plan skip_all => "machine: no $program" if system("command -v $program >/dev/null 2>&1") != 0;
}
plan skip_all => 'machine: the packages of oidc cannot be had' if system($script, 'install', 'oidc') != 0;

my $build = $ENV{B} // root() . '/build';
my $dir = scratch();
chmod(0755, $dir);
my ($port, $oidc, $tls) = map { free_port() } 1 .. 3;
my $url = "http://localhost:$port";

sub openssl { system("openssl @_ 2>/dev/null") == 0 or die "openssl @_" }
openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out $dir/rsa.key");
openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $dir/ec.key");
openssl("pkey -in $dir/rsa.key -aes-256-cbc -passout pass:key-password-1 -out $dir/locked.key");
openssl("pkey -in $dir/$_.key -pubout -out $dir/$_.pub") for qw(rsa ec);
my ($rsa, $ec, $locked) = map { slurp("$dir/$_.key") } qw(rsa ec locked);

start('oidc', qr/^ready/m, { BASCULE_TARGETS => targets(), PORT => $oidc, TTL => 20, KEYS => $dir }, 'node',
    root() . '/tests/targets/oidc-server.mjs');
start('source', qr/^ready/m, { PORT => $port, KEYS => $dir, JWKS => "http://127.0.0.1:$oidc/jwks" }, 'node',
    root() . '/tests/targets/signin-server.mjs');

my @secret = qw(secret key password other);
my $spec = {
	name => 'Doors', commands => ['std:account:list', 'std:test-connection'], keyType => 'simple',
	egress => [{ host => '{{config.baseUrl}}' }, { host => '{{config.tokenUrl}}' }],
	sourceConfig => [{ type => 'menu', label => 'x', items => [{ type => 'section', items => [
	    { key => 'baseUrl', label => 'URL', type => 'url' }, { key => 'tokenUrl', label => 'Token URL', type => 'url' },
	    map { { key => $_, label => $_, type => 'secret' } } @secret] }] }],
	accountSchema => { identityAttribute => 'id', displayAttribute => 'id', attributes => [{ name => 'id', type => 'string' }] },
};

# A connector of its own with this sign-in.
my $made = 0;
sub door {
	my ($auth, %more) = @_;
	my $folder = "$dir/door" . ++$made;
	mkdir($folder);
	chmod(0755, $folder);
	copy("$build/libexec/bascule-rest", "$folder/door$made") or die "copy: $!";
	chmod(0755, "$folder/door$made");
	spill("door$made/rest.json", JSON::PP->new->utf8->canonical->encode({
		format => 1,
		http => { base => $more{base} // '${config.baseUrl}', auth => $auth, ($more{tls} ? (tls => $more{tls}) : ()) },
		test => { get => '/users' },
		account => { id => '/id', attributes => { id => $more{id} // '/id' },
		    list => { get => '/users', items => '/users', page => { kind => 'cursor', next => '/next', param => 'cursor' } } },
	}));
	spill("door$made/connector-spec.json", { %$spec, ($more{cache} ? (cache => ['token']) : ()) });
	$support::connector = $folder;
	return $folder;
}

# A list through this door; no secret of the configuration is told, whatever comes of it.
my $r;
sub enters {
	my ($where, $config, $what) = @_;
	my $all = { baseUrl => "$url/$where", tokenUrl => "$url/token", %$config };
	$r = invoke($all, 'std:account:list', {});
	my $said = slurp($r->{out}) . $r->{err};
	my @told = grep { defined $all->{$_} && index($said, $all->{$_}) >= 0 } @secret;
	is("$r->{exit} $r->{records} @told", '0 6 ', $what) or diag($r->{err});
}
sub refused {
	my ($where, $config, $re, $what) = @_;
	my $all = { baseUrl => "$url/$where", tokenUrl => "$url/token", %$config };
	$r = invoke($all, 'std:account:list', {});
	my $said = slurp($r->{out}) . $r->{err};
	my @told = grep { defined $all->{$_} && index($said, $all->{$_}) >= 0 } @secret;
	ok($r->{exit} != 0 && $r->{records} == 0 && !@told && $r->{err} =~ $re, $what) or diag("exit $r->{exit}, told: @told, $r->{err}");
}
sub stat_of { return get_json($port, '/stats')->{$_[0]} }

subtest 'a token server' => sub {
	my $scope = 'users.read users.write';
	my $token = { baseUrl => "$url/oidc", tokenUrl => "http://127.0.0.1:$oidc/token" };
	my %cc = (kind => 'oauth2', tokenUrl => '${config.tokenUrl}', scope => $scope, user => '${config.client}', secret => '${secret.secret}');
	door({ %cc });
	enters('oidc', { %$token, client => 'basic', secret => 'basic-secret' }, 'client secret in the header');
	refused('oidc', { %$token, client => 'basic', secret => 'not-the-secret' }, qr/sign-in at .*invalid_client/, 'a wrong one');
	door({ %cc, clientAuth => 'post' });
	enters('oidc', { %$token, client => 'post', secret => 'post-secret' }, 'in the body');
	door({ %cc, clientAuth => 'client_secret_jwt', clientAssertion => { alg => 'HS256', claims => { aud => "http://127.0.0.1:$oidc" } } });
	enters('oidc', { %$token, client => 'hs', secret => 'hs-secret-0123456789-0123456789-01' }, 'client_secret_jwt');
	refused('oidc', { %$token, client => 'hs', secret => 'hs-secret-0123456789-0123456789-02' }, qr/invalid_client/, 'with a wrong secret');
	door({ %cc, clientAuth => 'private_key_jwt', clientAssertion => { header => { kid => 'k1' }, claims => { aud => "http://127.0.0.1:$oidc" } } });
	enters('oidc', { %$token, client => 'jwt', secret => $rsa }, 'private_key_jwt');
	refused('oidc', { %$token, client => 'jwt', secret => $ec }, qr/no RSA key/, 'with a key of another kind');
	enters('oidc', { %$token, client => 'jwt', secret => $rsa =~ s/\n/\\n/gr }, 'with a key as JSON files hold it');
	door({ %cc, clientAuth => 'private_key_jwt', clientAssertion => { keyPassword => '${secret.password}', header => { kid => 'k1' },
	    claims => { aud => "http://127.0.0.1:$oidc" } } });
	enters('oidc', { %$token, client => 'jwt', secret => $locked, password => 'key-password-1' }, 'with a key that has a password');
	refused('oidc', { %$token, client => 'jwt', secret => $locked }, qr/password is wrong or missing/, 'which is wanted');
};

subtest 'grants' => sub {
	my $assertion = { key => '${secret.key}', claims => { iss => 'client', sub => 'admin' } };
	my %bearer = (kind => 'oauth2', grant => 'jwt-bearer', clientAuth => 'none', tokenUrl => '${config.tokenUrl}', assertion => $assertion);
	door({ %bearer, keep => { instance => '/instance_url' }, params => { to => '${config.to}' } }, base => '${session.instance}');
	enters('instance', { baseUrl => "$url/nowhere", key => $rsa }, 'jwt-bearer; the instance that the answer names is the base');
	like(slurp($r->{out}), qr/"id":"6"/, 'all pages of it');
	refused('x', { key => $ec }, qr/no RSA key/, 'a wrong key');
	refused('x', { key => $rsa, to => 'http://localhost:' . free_port() }, qr/no-egress|not allowed/i, 'an instance that egress does not name');
	refused('x', { key => $rsa, to => 'file:///etc/passwd' }, qr/must be http/, 'one that is no URL of the web');
	door({ %bearer, keep => { instance => '/access_token' } }, base => "$url/instance/\${session.instance}");
	refused('x', { key => $rsa }, qr{/http/auth/keep/instance: a token is no place}, 'a token taken for one');
	door({ %bearer, assertion => { %$assertion, claims => { iss => 'other', sub => 'admin' } } });
	refused('plain', { key => $rsa }, qr{sign-in at \S+/token refused \(HTTP 400\): invalid_grant user hasn't approved}, 'the source\'s own words');

	my %refresh = (kind => 'oauth2', grant => 'refresh_token', user => 'client', secret => '${secret.secret}', tokenUrl => '${config.tokenUrl}',
	    rotate => 'other');
	door({ %refresh, params => { refresh_token => '${secret.other}' } });
	enters('plain', { secret => 'c:s', other => 'refresh-0' }, 'refresh token; odd letters in a secret are encoded');
	refused('plain', { secret => 'c:s', other => 'refresh-9' }, qr/invalid_grant/, 'a used one');
	door({ %refresh, params => { refresh_token => '${secret.other}', rotate => '1' } });
	$r = invoke({ baseUrl => "$url/plain", tokenUrl => "$url/token", secret => 'c:s', other => 'refresh-0' }, 'std:account:list', {});
	my ($patch) = slurp($r->{out}) =~ /^(.*"type":"config".*)$/m;
	my $patches = decode_json($patch // '{"data":[]}')->{data};
	is("$r->{exit} $patches->[0]{op} $patches->[0]{path}", '0 replace /connectorAttributes/other', 'a new one replaces the configured one');
	enters('plain', { secret => 'c:s', other => $patches->[0]{value} // 'none' }, 'and is good the next time');

	door({ kind => 'oauth2', grant => 'account_credentials', clientAuth => 'post', user => 'client', secret => '${secret.secret}',
	    tokenUrl => '${config.tokenUrl}', params => { account_id => 'acc 1', empty => '${config.nothing}' },
	    token => '/data/ticket', expires => '/data/until' });
	my $before = stat_of('tokens');
	enters('short', { secret => 'zoom-secret-1' }, 'a grant of its own, parameters, pointers to token and end');
	door({ kind => 'oauth2', grant => 'account_credentials', clientAuth => 'post', user => 'client', secret => '${secret.secret}',
	    tokenUrl => '${config.tokenUrl}', params => { account_id => 'acc 1' }, token => '/data/nothing' });
	refused('short', { secret => 'zoom-secret-1' }, qr{no token at /data/nothing}, 'a pointer to nothing');
};

subtest 'signed by ourselves' => sub {
	my %jwt = (kind => 'jwt', key => '${secret.key}', header => { kid => '${config.kid}' }, claims => { iss => 'me', aud => 'api', sub => 'u-${config.n}' });
	my %with = (kid => 'k-1', n => 1);
	door({ %jwt });
	enters('jwt', { %with, key => $rsa }, 'RS256');
	refused('jwt', { %with, kid => 'k-2', key => $rsa }, qr/401|status 401/, 'another header');
	refused('jwt', { %with, n => 2, key => $rsa }, qr/401/, 'another claim');
	refused('jwt', { %with, key => 'no key' }, qr{/http/auth.*no RSA key}, 'no key');
	door({ %jwt, alg => 'ES256' });
	enters('jwt', { %with, key => $ec }, 'ES256');
	door({ %jwt, alg => 'HS256' });
	enters('jwt', { %with, key => 'shared-secret-0123456789-0123456789' }, 'HS256');
	refused('jwt', { %with, key => 'shared-secret-0123456789-012345678X' }, qr/401/, 'with a wrong secret');
	door({ kind => 'jwt', key => '${secret.key}', name => 'X-Token', prefix => 'Token ' });
	enters('bare', { key => $rsa }, 'in a header of another name');
};

subtest 'login first' => sub {
	my $body = { user => 'admin', password => '${secret.password}' };
	my %ok = (password => 'login-secret-1');
	door({ kind => 'login', login => { post => '/login/header', json => $body, keep => { token => { header => 'X-Subject-Token' } } },
	    base => '${config.tokenUrl}', name => 'X-Auth-Token',
	    logout => { delete => '/logout', headers => { 'X-Subject-Token' => '${token.token}' } } });
	my ($in, $out) = map { stat_of($_) } qw(logins logouts);
	enters('header', { %ok, tokenUrl => $url }, 'a value of a header');
	is_deeply([map { stat_of($_) } qw(logins logouts)], [$in + 1, $out + 1], 'once, and signed out at the end');
	refused('header', { password => 'login-secret-2', tokenUrl => $url }, qr{/http/auth/login}, 'a wrong password names the step');
	is(stat_of('logouts'), $out + 1, 'and there is nothing to sign out of');
	door({ kind => 'login', base => $url, login => { post => '/login/query', json => $body, keep => { t => '/session/ticket', s => '/session/seconds' } },
	    token => '${token.t}', expires => '${token.s}', name => 'ticket', in => 'query' });
	enters('query', \%ok, 'a value of the body, in the query');
	door({ kind => 'login', base => $url, login => { post => '/login/cookie', json => $body, keep => { token => { cookie => 'sid' } } },
	    name => 'sid', in => 'cookie' });
	enters('cookie', \%ok, 'a cookie');
	door({ kind => 'login', base => $url, login => { post => '/login/short', json => $body, keep => { token => '/token' } } });
	$in = stat_of('logins');
	enters('short', \%ok, 'a token that ends in the middle of a list');
	is(stat_of('logins'), $in + 2, 'is replaced once');
	door({ kind => 'login', base => $url, jwt => { key => '${secret.key}', claims => { iss => 'app-7' } },
	    login => { post => '/login/app', headers => { Authorization => 'Bearer ${token.jwt}' }, keep => { token => '/token', until => '/expires_at' } },
	    expires => '${token.until}' });
	enters('plain', { key => $rsa }, 'a signed token for another one');
	door({ kind => 'login', base => $url, login => { post => '/login/query', json => $body, keep => { t => '/nothing' } }, token => '${token.t}' });
	refused('query', \%ok, qr{/http/auth/token: .*nothing is there}, 'an answer without a token');
	door({ kind => 'login', base => $url, login => { post => '/login/short', json => $body, keep => { token => '/token' } } }, id => 'x${token.token}');
	refused('short', \%ok, qr{a secret may not go into results}, 'what it kept goes into no result');
};

subtest 'keys and signatures' => sub {
	door({ kind => 'apiKey', name => 'key', prefix => 'k/', secret => '${secret.key}', in => 'cookie' });
	enters('crumb', { key => 'key-secret' }, 'a key in a cookie');
	door({ kind => 'aws', user => 'AKIDFIXTURE', secret => '${secret.key}', sessionToken => '${secret.other}', region => '${config.region}',
	    service => 'identitystore' });
	enters('aws', { key => 'aws/secret+key=40', region => 'eu-west-1' }, 'AWS Signature Version 4');
	enters('aws', { key => 'aws/secret+key=40', region => 'eu-west-1', other => 'session/token+1=' }, 'with a session token');
	refused('aws', { key => 'aws/secret+key=41', region => 'eu-west-1' }, qr/401/, 'with a wrong key');
	door([{ kind => 'apiKey', when => "\${config.how | eq:'key'}", name => 'key', prefix => 'k/', secret => '${secret.key}', in => 'cookie' },
	    { kind => 'jwt', when => "\${config.how | eq:'jwt'}", key => '${secret.key}' }]);
	enters('crumb', { how => 'key', key => 'key-secret' }, 'the configuration chooses');
	refused('crumb', { how => 'jwt', key => 'key-secret' }, qr/no RSA key/, 'among several');
	refused('crumb', { how => 'x', key => 'key-secret' }, qr{/http/auth: no way to sign in}, 'or none');
};

subtest 'a certificate of our own' => sub {
	system($script, 'ca', $dir) == 0 or die 'no test authority';
	openssl("req -newkey rsa:2048 -nodes -subj /CN=bascule -keyout $dir/client.key -out $dir/client.csr");
	openssl("x509 -req -days 2 -in $dir/client.csr -CA $dir/ca.pem -CAkey $dir/ca.key -CAcreateserial -out $dir/client.crt");
	openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=stranger -keyout $dir/other.key -out $dir/other.crt");
	openssl("pkey -in $dir/client.key -aes-256-cbc -passout pass:key-password-1 -out $dir/client.locked");
	spill('mtls.cfg', "global\n\tmaxconn 100\ndefaults\n\tmode http\n\ttimeout connect 5s\n\ttimeout client 60s\n\ttimeout server 60s\n" .
	    "listen m\n\tbind 127.0.0.1:$tls ssl crt $dir/server.pem alpn h2,http/1.1 ca-file $dir/ca.pem verify required\n" .
	    "\tserver s 127.0.0.1:$port\n");
	start('mtls', $tls, {}, 'haproxy', '-db', '-f', "$dir/mtls.cfg");
	my %own = (baseUrl => "https://localhost:$tls/crumb", caBundle => slurp("$dir/ca.pem"), secret => 'key-secret',
	    cert => slurp("$dir/client.crt"), key => slurp("$dir/client.key"));
	door({ kind => 'apiKey', name => 'key', prefix => 'k/', secret => '${secret.secret}', in => 'cookie' },
	    tls => { cert => '${config.cert}', key => '${secret.key}', password => '${secret.password}' });
	enters('', { %own }, 'it is shown, and taken');
	enters('', { %own, key => slurp("$dir/client.locked"), password => 'key-password-1' }, 'with a key that has a password');
	refused('', { %own, key => slurp("$dir/client.locked") }, qr/password is wrong or missing/, 'which is wanted');
	refused('', { %own, cert => undef, key => undef }, qr/certificate required|handshake|SSL|TLS|to the peer|from the peer/i, 'without one there is no way in');
	refused('', { %own, cert => slurp("$dir/other.crt"), key => slurp("$dir/other.key") }, qr/SSL|TLS|alert|to the peer|from the peer/i, 'nor with a stranger\'s');
	refused('', { %own, key => slurp("$dir/other.key") }, qr/do not belong together/, 'nor with another one\'s key');
};

subtest 'kept for the next invocation' => sub {
	my ($name) = door({ kind => 'login', base => $url, login => { post => '/login/query', json => { user => 'admin', password => '${secret.password}' },
	    keep => { t => '/session/ticket', s => '/session/seconds' } }, token => '${token.t}', expires => '${token.s}', name => 'ticket', in => 'query' },
	    cache => 1) =~ m{/([^/]+)$};
	my $socket = "$dir/serve.socket";
	start('serve', qr/"event":"listening"/, { BASCULE_CONNECTORS => $dir }, bascule(), 'serve', '--listen', "unix:$socket",
	    '--allow-private', 'localhost');
	my $ask = sub {
		my $body = spill('ask.json', { type => 'std:account:list', config => { baseUrl => "$url/query", tokenUrl => $url, password => 'login-secret-1' }, input => {} });
		return scalar `curl -s --unix-socket $socket -H 'Content-Type: application/json' --data-binary \@$body http://localhost/v1/connectors/$name/invoke`;
	};
	my $in = stat_of('logins');
	like($ask->(), qr/"id":"6"/, 'signed in');
	like($ask->(), qr/"id":"6"/, 'and again');
	is(stat_of('logins'), $in + 1, 'by one login');
	system('curl', '-s', '-o', '/dev/null', '-X', 'POST', "$url/forget");
	like($ask->(), qr/"id":"6"/, 'what was kept is refused: signed in anew');
	is(stat_of('logins'), $in + 2, 'once');
	stop('serve');
};

subtest 'descriptions that are wrong' => sub {
	my @wrong = (
		[{ kind => 'oauth' }, qr{/http/auth/kind}], [{ kind => 'basic', user => 'x' }, qr{"secret" is wanted for basic}],
		[{ kind => 'basic', user => 'x', secret => 'y', tokenUrl => 'z' }, qr{"tokenUrl" is not known here}],
		[{ kind => 'oauth2', tokenUrl => '${secret.key}', user => 'x', secret => 'y' }, qr{/http/auth/tokenUrl: a secret may not}],
		[{ kind => 'oauth2', tokenUrl => 'https://x', user => 'x' }, qr{"secret" is wanted}],
		[{ kind => 'oauth2', tokenUrl => 'https://x', user => 'x', secret => 'y', clientAuth => 'magic' }, qr{/http/auth/clientAuth}],
		[{ kind => 'jwt', key => 'x', alg => 'none' }, qr{/http/auth/alg: RS256}], [{ kind => 'jwt', key => 'x', life => 0 }, qr{/http/auth/life}],
		[{ kind => 'login' }, qr{"login" is wanted}], [{ kind => 'login', login => { post => '/x/${secret.key}' } }, qr{/http/auth/login/post: a secret}],
		[{ kind => 'login', login => { post => '/x', query => { k => '${token.x}' } } }, qr{/http/auth/login/query/k: a secret}],
		[{ kind => 'aws', user => 'x', secret => 'y' }, qr{"region" is wanted for aws}],
		[{ kind => 'apiKey', name => "a\nb", secret => 'x' }, qr{/http/auth/name: this is no name}],
		[{ kind => 'apiKey', name => 'a', secret => 'x', in => 'mouth' }, qr{/http/auth/in}], [[], qr{no way to sign in}],
	);
	for my $case (@wrong) {
		my ($auth, $re) = @$case;
		my $folder = door($auth);
		my $out = `@{[bascule()]} validate --spec $folder 2>/dev/null`;
		ok($? >> 8 == 65 && $out =~ $re, "$re") or diag($out);
	}
	my $out = `@{[bascule()]} validate --spec @{[door({ kind => 'none' }, base => 'https://x/\${token.t}')]} 2>/dev/null`;
	like($out, qr{/http/base: a secret may not go there}, 'a token in the base');
	$out = `@{[bascule()]} validate --spec @{[door({ kind => 'none' }, id => '\${session.t}')]} 2>/dev/null`;
	like($out, qr{/account/attributes/id: a secret may not go into results}, 'what sign-in said in a result');
};
done_testing();
