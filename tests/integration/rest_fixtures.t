#!/usr/bin/perl
# Described connectors whose source is not to be had here: each command against requests and answers that were written down
# from the makers' documentation (tests/rest/README.md).  FIXTURES=NAME runs one folder's.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use File::Basename qw(basename dirname);
use JSON::PP;
use Test::More;
use support;
use fixture;

my $json = JSON::PP->new->utf8;
my $build = $ENV{B} // root() . '/build';
$build = root() . "/$build" if $build !~ m{^/};
my $server = fixtures_begin();
my $dir = scratch();

# A key and its certificate, of this run.
my %made;
sub made {
	my ($what) = @_;
	if (!%made) {
		system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=fixture -keyout $dir/key.pem -out $dir/cert.pem 2>/dev/null") == 0
		    or die 'openssl makes no key';
		%made = (key => slurp("$dir/key.pem"), certificate => slurp("$dir/cert.pem"));
	}
	return $made{$what};
}

# Every '{{server}}' by the server's URL, '{{key}}' and '{{certificate}}' by those.
sub filled {
	my ($v) = @_;
	return { map { $_ => filled($v->{$_}) } keys %$v } if ref $v eq 'HASH';
	return [map { filled($_) } @$v] if ref $v eq 'ARRAY';
	return $v if !defined $v || ref $v || $v !~ /\{\{/;
	$v =~ s/\{\{server\}\}/$server/g;
	$v =~ s/\{\{(key|certificate)\}\}/made($1)/ge;
	return $v;
}

# Values of the configuration that its form calls secret.
sub secrets_of {
	my ($form, $config, $found) = @_;
	if (ref $form eq 'HASH') {
		push(@$found, $config->{$form->{key}}) if defined $form->{key} && ($form->{type} // '') =~ /^secret/ &&
		    length($config->{$form->{key}} // '') > 0;
		secrets_of($_, $config, $found) for values %$form;
	} elsif (ref $form eq 'ARRAY') {
		secrets_of($_, $config, $found) for @$form;
	}
	return $found;
}

sub outputs_differ {
	my ($r, $want) = @_;
	return "$r->{records} outputs, " . @$want . ' wanted' if $r->{records} != @$want;
	return differs($r->{outputs}, $want, 1, 'outputs');
}

sub case_run {
	my ($case, $shared, $spec) = @_;
	my $config = filled({ %{$shared->{config} // {}}, %{$case->{config} // {}} });
	my ($r, $wrong);
	$wrong = exchange_play(filled($case->{exchanges} // []), $case->{anyOrder}, "$dir/report", sub {
		$r = invoke($config, $case->{command}, filled($case->{input} // {}));
	});
	my $said = slurp($r->{out}) . $r->{err};
	if (defined $case->{error}) {
		my $re = filled($case->{error});
		$wrong ||= $r->{exit} == 0 ? 'it ended well' : $r->{err} !~ /$re/s ? "another error than $re" : '';
		$wrong ||= "exit status $r->{exit}" if defined $case->{exit} && $r->{exit} != $case->{exit};
	} else {
		$wrong ||= "exit status $r->{exit}" if $r->{exit} != 0;
	}
	$wrong ||= differs($r->{output}, filled($case->{output}), 1, 'output') if exists $case->{output};
	$wrong ||= outputs_differ($r, filled($case->{outputs})) if exists $case->{outputs};
	$wrong ||= differs($r->{state}, filled($case->{state}), 0, 'state') if exists $case->{state};
	for my $never (@{secrets_of($spec->{sourceConfig}, $config, [])}, @{$case->{never} // []}) {
		$wrong ||= 'a secret was told: ' . substr($never, 0, 4) . '...' if index($said, $never) >= 0;
	}
	ok(!$wrong, "$case->{command}: $case->{name}") or diag("$wrong\n" . substr($said, 0, 2000));
}

my %folders;
for my $file (sort glob(root() . '/tests/rest/*/*.json')) {
	next if basename($file) =~ /^(rest|connector-spec)\.json$/;
	my $name = basename(dirname($file));
	next if defined $ENV{FIXTURES} && $ENV{FIXTURES} ne $name;
	push(@{$folders{$name}}, $file);
}

for my $name (sort keys %folders) {
	subtest $name => sub {
		# A folder with a description of its own tests the engine, and has no maker.
		my $own = -f root() . "/tests/rest/$name/rest.json";
		my $place = ($own ? 'tests/rest/' : 'connectors/') . $name;
		my $spec = $json->decode(slurp(root() . "/$place/connector-spec.json"));
		my (%ran, $complete);
		$support::connector = "$build/$place";
		for my $file (@{$folders{$name}}) {
			my $doc = eval { $json->decode(slurp($file)) } or die "$file: $@";
			$own or like($doc->{source}, qr{^https://}, basename($file) . ' names the page that it is from');
			$complete ||= $doc->{complete};
			for my $case (@{$doc->{cases}}) {
				case_run($case, $doc, $spec);
				$ran{$case->{command}} = 1 if !defined $case->{error};
			}
		}
		is(join(' ', grep { !$ran{$_} && $_ ne 'std:spec:read' } @{$spec->{commands}}), '', 'every command was run') if $complete;
	};
}
done_testing();
