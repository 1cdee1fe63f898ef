#!/usr/bin/perl
# A connector without code in the registry: uploaded as two files, named, versioned and run like any other, beside one that is a
# program; and what is refused at its door.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use JSON::PP;
use Test::More;
use support;

for my $program (qw(curl zip)) {
	plan skip_all => "machine: no $program" if system("command -v $program >/dev/null 2>&1") != 0;
}
my $build = bascule() =~ m{^(.*)/bin/bascule$} ? $1 : root() . '/build';
my $work = scratch();
my $port = free_port();
my $socket = "$work/serve.socket";
my $P = '/beta/platform-connectors';
my $calls = 0;
my $r;

start('practice', qr/^practice source/m, {}, bascule(), 'practice', '--port', $port, '--users', 40, '--groups', 2,
    '--token', 'practice-token-1', '--die-with-parent');
my @serve = ('serve', qr/"event":"listening"/, { BASCULE_CONNECTORS => "$build/connectors" }, bascule(), 'serve', '--listen', "unix:$socket",
    '--registry', "$work/registry", '--allow-private', 'localhost');
start(@serve);
my $config = { baseUrl => "http://localhost:$port/scim/v2", token => 'practice-token-1' };

sub call {
	my ($method, $path, $body, @more) = @_;
	my $file = defined $body ? spill('body.' . ++$calls, $body) : '';
	push(@more, '-H', 'Content-Type: application/json') if defined $body && !grep { /^Content-Type/ } @more;
	my @body = defined $body ? ('--data-binary', "\@$file") : ();
	open(my $fh, '-|', 'curl', '-sS', '-m', 30, '--unix-socket', $socket, '-X', $method, '-w', "\n%{http_code}", @body, @more,
	    "http://localhost$path") or die "curl: $!";
	local $/;
	my ($text, $code) = <$fh> =~ /^(.*)\n(\d+)$/s;
	return { code => $code, body => $text, json => scalar eval { decode_json($text) } };
}
sub pack_zip {
	my (%files) = @_;
	my $as = 'zip' . ++$calls;
	mkdir("$work/$as");
	spill("$as/$_", $files{$_}) for keys %files;
	system("cd $work/$as && zip -qr ../$as.zip .") == 0 or die 'zip';
	return slurp("$work/$as.zip");
}
sub upload { return call('POST', "$P/$_[0]/versions", pack_zip(%{$_[1]}), '-H', 'Content-Type: application/zip') }
sub run { return call('POST', "/v1/connectors/$_[0]/invoke", { type => $_[1], config => $config, input => $_[2] // {} }) }
sub outputs { return [map { $_->{data} } grep { $_->{type} eq 'output' } map { decode_json($_) } split(/\n/, $_[0]{body})] }

my %files = map { $_ => slurp(root() . "/tests/rest/practice/$_") } qw(rest.json connector-spec.json);
is(call('POST', $P, { alias => 'people' })->{code}, 200, 'a connector');
$r = upload('people', \%files);
is("$r->{code} " . ($r->{json}{version} // ''), '200 1', 'two files are a version') or diag($r->{body});
is(run('people', 'std:test-connection')->{code}, 200, 'it is invoked by its name');
$r = outputs(run('people', 'std:account:list'));
is(scalar @$r, 40, 'a list');
is(scalar @{outputs(run('scim', 'std:account:list'))}, 40, 'as the program beside it makes');
my $one = $r->[0]{identity};
is(outputs(run('people', 'std:account:read', { identity => $one }))->[0]{identity}, $one, 'a record');
is(outputs(run('people', 'std:account:disable', { identity => $one }))->[0]{disabled}, JSON::PP::true, 'a write');
is(call('POST', "$P/people/invoke", { type => 'std:test-connection', config => $config, input => {} })->{code}, 200, 'at the other door too');
is_deeply([sort grep { /^people/ } map { $_->{name} } @{call('GET', '/v1/connectors')->{json}{connectors}}], ['people@1'], 'listed');

# Another version: another description for the same name.
my $d = decode_json($files{'rest.json'});
$d->{account}{attributes}{displayName} = '${record.userName | upper}';
is(upload('people', { %files, 'rest.json' => JSON::PP->new->utf8->encode($d) })->{json}{version}, 2, 'the next version');
my $name = sub { return outputs(run($_[0], 'std:account:read', { identity => $one }))->[0]{attributes}{displayName} };
my ($first, $second) = ($name->('people@1'), $name->('people'));
like($second, qr/^[^a-z]+$/, 'is run');
isnt($first, $second, 'the first is still there');
is(call('PUT', "$P/people/tags/latest", { activeVersion => 1 })->{code}, 200, 'back to it');
is($name->('people'), $first, 'by a tag');

# After a start it is all there.
stop('serve');
unlink($socket);
start(@serve);
is($name->('people@2'), $second, 'after a new start');

# What is no description is said at the door; what is a wrong one, by the first invocation, fault by fault.
for my $case ([ 'no JSON', '{', qr/rest\.json: / ], [ 'no object', '[]', qr/format.{1,3} is wanted/ ],
    [ 'a very large one', '{"format":1,"x":"' . join('', map { chr(97 + rand(26)) } 0 .. 1 << 20) . '"}', qr/up to 1024 KiB/ ]) {
	$r = upload('people', { %files, 'rest.json' => $case->[1] });
	is($r->{code}, 400, "$case->[0] is refused");
	like($r->{body}, $case->[2], 'with the reason');
}
$r = upload('people', { 'connector-spec.json' => $files{'connector-spec.json'} });
like("$r->{code} $r->{body}", qr/^400 .*nor rest\.json/, 'neither program nor description');
$d->{account}{attributes}{displayName} = '${record.userName | shout}';
is(upload('people', { %files, 'rest.json' => JSON::PP->new->utf8->encode($d) })->{code}, 200, 'a wrong expression');
$r = run('people', 'std:account:list');
unlike($r->{code}, qr/^200/, 'fails when it is run');
like($r->{body}, qr{/account/attributes/displayName: .*no such filter}, 'and says where');
is(call('DELETE', "$P/people")->{code}, 204, 'taken away');
is(run('people', 'std:test-connection')->{code}, 404, 'it is gone');
stop('serve');
done_testing();
