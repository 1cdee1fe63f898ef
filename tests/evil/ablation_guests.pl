#!/usr/bin/perl
# ablation_guests.pl BUILD -- what a hostile guest (tests/exec/hostile) tries, with all layers, then with one off at a time, as a table.
# BUILD may go without the filter and the limits, as for ablation.sh; namespaces are never off: a guest is not run then.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../integration";
use JSON::PP;
use support;

my $b = shift // die "usage: ablation_guests.pl BUILD\n";
my @layers = qw(landlock seccomp rlimits cgroup);
my @groups = (
	[files => [qw(shadow passwd hosts otherProgram kernel parent ownFile library device)]],
	['sockets, programs' => [qw(unix netlink packet vsock alg six raw ping listen fork exec execOwn execCopy shell loader setuid session killParent)]],
	[places => [qw(loopback loopback2 metadata private mapped unnamed otherPort otherName udp udpOut fronted)]],
	[kernel => [qw(ring memfd clone3 way:ptrace way:unshare way:bpf way:uffd way:keyctl way:mount way:seccomp)]],
	[ends => [qw(way:memory way:threads way:loop way:tmp way:stdout)]],
);
my $log = start('source', qr/^practice source: .*\n/m, {}, "$b/libexec/bascule-practice", '--users', 3);
my ($url) = slurp($log) =~ /source: (\S+)/;
my $config = { baseUrl => $url, token => 'x' };

# A refusal, a cause of death, or "through".  A bound held where what grows without end has ended at all.
sub outcome {
	my ($attack, @without) = @_;
	my ($way) = $attack =~ /^way:(.*)/;
	my $input = $way ? { way => $way } : { looks => [$attack] };
	my $request = spill('request.json', { type => 'std:account:list', config => $config, input => $input });
	my $out = `timeout -s KILL 40 $b/bin/bascule invoke @{[root()]}/tests/exec/hostile --verdict --allow-private 127.0.0.1 --limit deadline=4s --limit memory=96m @without <$request 2>/dev/null`;
	my ($refused, $cause);
	for my $line (split(/\n/, $out)) {
		my $o = eval { decode_json($line) } or next;
		$refused = $o->{data}{refused} if $o->{type} eq 'output';
		$cause = $o->{data}{cause} if $o->{type} eq 'error';
	}
	return $refused // $cause // 'through';
}

my %got;
for my $off ('none', @layers) {
	for my $g (@groups) {
		$got{$off}{$_} = outcome($_, $off eq 'none' ? () : ('--without', $off)) for @{$g->[1]};
	}
}
if (my $to = $ENV{ABLATION_RESULTS}) {
	open(my $f, '>', "$to.guests") or die "$to.guests: $!";
	print $f encode_json(\%got), "\n";
}
print '| guests | | with all layers |', (map { " without $_ |" } @layers), "\n|---|---|---|", ('---|') x @layers, "\n";
for my $g (@groups) {
	my ($name, $attacks) = @$g;
	print "| $name | ", scalar(@$attacks), ' |';
	for my $off ('none', @layers) {
		my @through = map { s/^way://r } grep { $got{$off}{$_} eq 'through' } @$attacks;
		print @through ? ' ' . (@$attacks - @through) . ' of ' . @$attacks . "; not @through |" : ' all |';
	}
	print "\n";
}
