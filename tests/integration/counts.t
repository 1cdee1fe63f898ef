#!/usr/bin/perl
# counts.t -- instructions of our own code for each record along the hot paths, against tests/bench/counts.txt.
# They do not drift with the machine: over 5 % more is a regression.  "counts.t --write" writes the file anew;
# read the difference before it is committed.  What libraries do is not counted: it differs by processor.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Temp qw(tempdir);

chdir(dirname(__FILE__) . "/../..") or die;
my $build = $ENV{B} // "build";
my $program = "$build/tests/bench/counted";
my $list = "tests/bench/counts.txt";
my $dir = tempdir(CLEANUP => 1);
my ($few, $many, $slack) = (100, 600, 0.05);
my @paths = qw(judge print rows copied request);
my $write = @ARGV && $ARGV[0] eq "--write";

# Own costs of all functions in the program's file; a "calls=" line is followed by what the callee cost.
sub total {
	my ($file, $own, $callee, $sum, %names) = (shift, 0, 0, 0);
	open(my $f, "<", $file) or die "$file: $!";
	local $_;
	while (<$f>) {
		if (/^ob=\((\d+)\)(?: (.+))?$/) {
			$names{$1} = $2 if defined $2;
			$own = $names{$1} =~ m{/counted$};
		} elsif (/^cob=\((\d+)\)(?: (.+))?$/) {
			$names{$1} = $2 if defined $2;
		} elsif (/^calls=/) {
			$callee = 1;
		} elsif (/^[+\-*\d]\S* (\d+)$/) {
			$sum += $1 if $own && !$callee;
			$callee = 0;
		}
	}
	return $sum;
}

sub count {
	my ($path, $n) = @_;
	my $out = "$dir/$path.$n";
	system("valgrind --tool=callgrind --callgrind-out-file=$out $program $path $n >$dir/log 2>&1") == 0
	    or die "counted $path: " . `tail -n 3 $dir/log`;
	return total($out);
}

if (system("valgrind --version >/dev/null 2>&1") != 0) {
	print "1..0 # SKIP no valgrind\n";
	exit 0;
}
my %want;
if (open(my $f, "<", $list)) {
	while (<$f>) {
		$want{$1} = $2 if /^(\w+)\s+(\d+)$/;
	}
}
my %got;
$got{$_} = int((count($_, $many) - count($_, $few)) / ($many - $few) + 0.5) for @paths;
if ($write) {
	open(my $f, ">", $list) or die "$list: $!";
	print $f "# Instructions of our own code a record (tests/integration/counts.t --write).\n";
	printf $f "%-8s %d\n", $_, $got{$_} for @paths;
	exit 0;
}
my $failed = 0;
print "1..", scalar(@paths), "\n";
for my $i (0 .. $#paths) {
	my $p = $paths[$i];
	my $good = defined $want{$p} && $got{$p} > 0 && $got{$p} <= $want{$p} * (1 + $slack);
	$failed++ if !$good;
	printf "%sok %d - %s: %d instructions a record (%s, 5 %% more at most)\n", $good ? "" : "not ", $i + 1, $p, $got{$p},
	    $want{$p} // "not in $list";
}
exit($failed > 0);
