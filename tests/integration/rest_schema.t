#!/usr/bin/perl
# The published JSON Schema of descriptions (connectors/rest/rest.schema.json) and the loader are of one mind: both take every
# description of the tree, and both refuse what is spoiled in any one place.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use IPC::Open2;
use JSON::PP;
use Test::More;
use support;

my $schema = root() . '/connectors/rest/rest.schema.json';
my $python = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';
plan skip_all => 'machine: python3-jsonschema is not installed' if system("$python -W ignore -c 'import jsonschema' 2>/dev/null") != 0;
my $json = JSON::PP->new->utf8->canonical->allow_bignum;
my $dir = scratch();
my $pid = open2(my $answers, my $questions, $python, '-W', 'ignore', root() . '/tests/rest/schema-check.py', $schema);
$questions->autoflush(1);

sub by_schema {
	print $questions "$_[0]\n";
	chomp(my $answer = <$answers> // 'gone');
	return $answer;
}

sub by_loader {
	my $out = `@{[bascule()]} validate --spec $_[0] 2>/dev/null`;
	return $? >> 8 == 0 ? 'ok' : $? >> 8 == 65 ? $out : "exit " . ($? >> 8);
}

my @folders = map { s{/rest\.json$}{}r } sort(glob(root() . '/connectors/*/rest.json'), glob(root() . '/tests/rest/*/rest.json'));
for my $folder (@folders) {
	my ($name) = $folder =~ m{([^/]+/[^/]+)$};
	is(by_schema("$folder/rest.json"), 'ok', "$name: the schema takes it");
	is(by_loader($folder), 'ok', "$name: and so does the loader");
}

# Every place in a description: [path...].
sub places {
	my ($v, @path) = @_;
	my @found = @path ? [@path] : ();
	push(@found, map { places($v->{$_}, @path, $_) } sort keys %$v) if ref $v eq 'HASH';
	push(@found, map { places($v->[$_], @path, $_) } 0 .. $#$v) if ref $v eq 'ARRAY';
	return @found;
}

# A copy in which one place is another thing.
sub spoiled {
	my ($text, $path, $do) = @_;
	my $doc = $json->decode($text);
	my $in = $doc;
	$in = ref $in eq 'HASH' ? $in->{$_} : $in->[$_] for @$path[0 .. $#$path - 1];
	$do->($in, $path->[-1]);
	return $json->encode($doc);
}

# Members that hold whatever the source wants, or whose names are the description's own.
my $free = qr{/(json|form|claims|header|value|since)(/|$)|/attributes(/|$)|^/(name|\$schema)$};
my $named = qr{/(query|headers|params|keep|joins|routed|entitlements)/[^/]+$};
sub put { my ($in, $name, $v) = @_; ref $in eq 'HASH' ? ($in->{$name} = $v) : ($in->[$name] = $v) }
my %harm = (
	'an unknown member' => sub { my ($in, $name) = @_; my $v = ref $in eq 'HASH' ? $in->{$name} : $in->[$name]; $v->{nobody} = 'x' if ref $v eq 'HASH' },
	'a number instead' => sub { put(@_, 7.5) },
	'null instead' => sub { put(@_, undef) },
	'an array in it' => sub { put(@_, [[]]) },
	'an object instead' => sub { put(@_, { nobody => 1 }) },
	'gone' => sub { my ($in, $name) = @_; ref $in eq 'HASH' ? delete $in->{$name} : splice(@$in, $name, 1) },
);
my $specimen = "$dir/specimen";
mkdir($specimen);
my @specimens = map { [$_ =~ m{([^/]+)$}, $_, slurp("$_/rest.json"), qr{^/}] } grep { m{/(engine|practice|redmine|okta)$} } @folders;
# Every way to sign in, put into one of them.
my $practice = root() . '/tests/rest/practice';
for my $auth (
	{ kind => 'basic', user => 'u', secret => 's' },
	{ kind => 'oauth2', tokenUrl => 'https://x', user => 'u', secret => 's', scope => 'a', audience => 'b', clientAuth => 'post', grant => 'password',
	    params => { x => 'y' }, assertion => { key => 'k', alg => 'ES256', claims => {}, life => 60 }, clientAssertion => { header => {}, key => 'k' },
	    token => '/t', expires => '/e', keep => { i => '/i' }, rotate => 'r', name => 'X', in => 'header', prefix => 'T ' },
	{ kind => 'jwt', key => 'k', alg => 'RS256', keyPassword => 'p', cert => 'c', header => {}, claims => {}, life => 9, name => 'X', in => 'query' },
	[{ kind => 'login', when => '${config.x}', login => { post => '/l', json => {}, keep => { token => { header => 'X' }, c => { cookie => 'c' } } },
	    logout => { delete => '/l' }, token => '${token.token}', expires => '${token.c}', base => 'https://y', jwt => { key => 'k' }, keep => { a => '/b' } },
	    { kind => 'aws', user => 'u', secret => 's', sessionToken => 't', region => 'r', service => 'q' }, { kind => 'none' }],
) {
	my $doc = $json->decode(slurp("$practice/rest.json"));
	$doc->{http}{auth} = $auth;
	$doc->{http}{tls} = { cert => 'c', key => 'k', password => 'p' };
	push(@specimens, [ref $auth eq 'ARRAY' ? 'several ways' : $auth->{kind}, $practice, $json->encode($doc), qr{^/http/(auth|tls)}]);
}
for my $one (@specimens) {
	my ($name, $folder, $text, $part) = @$one;
	system('cp', "$folder/connector-spec.json", $specimen);
	spill('specimen/rest.json', $text);
	is(by_schema("$specimen/rest.json") . by_loader($specimen), 'okok', "$name: both take it");
	my @places = grep { ('/' . join('/', @$_)) =~ $part } places($json->decode($text));
	for my $harm (sort keys %harm) {
		my (@apart, %seen);
		my $n = 0;
		for my $path (@places) {
			my $where = '/' . join('/', @$path);
			next if $where =~ $free || ($harm eq 'an unknown member' && $where =~ m{^/entitlements$|/(query|headers|joins|routed|keep)$});
			# What is alike is tried once.
			my $like = ($where =~ s{/\d+}{/0}gr) =~ s{$named}{/$1/X}r;
			next if $seen{$like}++;
			my $spoiled = spoiled($text, $path, $harm{$harm});
			next if $spoiled eq $json->encode($json->decode($text));
			spill('specimen/rest.json', $spoiled);
			my ($schema_says, $loader_says) = (by_schema("$specimen/rest.json"), by_loader($specimen));
			$n++;
			# The loader knows more: the specification, and what refers to what.
			push(@apart, "$where: schema: $schema_says; loader: $loader_says") if $schema_says ne 'ok' && $loader_says eq 'ok';
			push(@apart, "$where: schema: ok; loader: $loader_says") if $schema_says eq 'ok' && $loader_says ne 'ok' && $harm ne 'gone';
		}
		ok(!@apart && $n > 0, "$name: $harm, in $n places") or diag(join("\n", @apart[0 .. ($#apart < 14 ? $#apart : 14)]));
	}
}
close($questions);
waitpid($pid, 0);
done_testing();
