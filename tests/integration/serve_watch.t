#!/usr/bin/perl
# serve_watch.t -- a server reads a connector's files once, and finds every change of them at the next call.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use support;
use asking;
use Test::More;
use Time::HiRes qw(sleep);

my $work = scratch();
my $name = "evw$$";
my $build = root() . '/build';
$build = $1 if bascule() =~ m{^(.*)/bin/bascule$};
plan skip_all => 'build: the hostile connector is not built' if !hostile($name, $build);

my $folder = "$work/c/$name";
my $spec = "$folder/connector-spec.json";
my $whole = slurp($spec);
my $n = 0;

sub put { my ($to, $text) = @_; open(my $f, '>', $to) or die "$to: $!"; print $f $text; close($f) or die }
# Runs the command evil:ok: the status.
sub called { return result(begin('POST', "/v1/connectors/" . ($_[0] // $name) . "/invoke", '{"type":"evil:ok","config":{}}'))->{code} }
# The specification with another title, or without that command.
sub titled { my ($title) = @_; (my $s = $whole) =~ s/("name"\s*:\s*")[^"]*"/$1$title"/; return $s }
sub without { (my $s = $whole) =~ s/"evil:ok"/"evil:gone"/; return $s }
sub title { return result(begin('GET', "/v1/connectors/$name"))->{json}{spec}{name} }
sub write_in_place { my ($text) = @_; open(my $f, '+<', $spec) or die; print $f $text; truncate($f, length $text); close($f) }

# --- without workers that wait, and with some, of which the front has one before it is asked for
for my $parked (0, 2) {
	server("watch$parked", '--parked-min', $parked, '--parked-max', $parked);
	is(called(), 200, 'it runs') for 1 .. 3;
	sleep(2) if $parked;		# the supervisor looks after them once a second
	is(called(), 200, 'and goes on') for 1 .. 3;

	# --- each change, by the next call, and back
	my @changes = (
		['written in place', sub { write_in_place(without()) }, sub { write_in_place($whole) }],
		['replaced', sub { put("$spec.new", without()); rename("$spec.new", $spec) }, sub { put("$spec.new", $whole); rename("$spec.new", $spec) }],
		['through another name of it', sub { link($spec, "$work/other"); open(my $f, '>', "$work/other"); print $f without() },
		    sub { open(my $f, '>', "$work/other"); print $f $whole; close($f); unlink("$work/other") }],
		['removed', sub { rename($spec, "$work/kept") }, sub { rename("$work/kept", $spec) }],
		['its folder moved away', sub { rename($folder, "$work/away") }, sub { rename("$work/away", $folder) }],
		['the folder above moved away', sub { rename("$work/c", "$work/d"); mkdir("$work/c") }, sub { rmdir("$work/c"); rename("$work/d", "$work/c") }],
		['another folder in its place', sub { system('cp', '-r', $folder, "$work/second"); put("$work/second/connector-spec.json", without());
		    rename($folder, "$work/first"); rename("$work/second", $folder) }, sub { rename($folder, "$work/second"); rename("$work/first", $folder);
		    system('rm', '-r', "$work/second") }],
		['its program removed', sub { rename("$folder/$name", "$work/program") }, sub { rename("$work/program", "$folder/$name") }],
		['a link instead of it', sub { rename($spec, "$work/kept"); put("$work/linked", without()); symlink("$work/linked", $spec) },
		    sub { rename("$work/kept", $spec) }],
	);
	for my $c (@changes) {
		my ($what, $there, $back) = @$c;
		for my $round (1 .. 2) {
			$there->();
			isnt(called(), 200, "$what: it is not run as it was ($parked parked)");
			$back->();
			is(called(), 200, "$what: and back");
			sleep(1.5), called() if $parked;
		}
	}
	SKIP: {
		skip('machine: no mounts here', 2) if system("mount --bind $work $work 2>/dev/null && umount $work") != 0;
		mkdir("$work/over");
		system('mount', '--bind', "$work/over", $folder);
		isnt(called(), 200, 'something mounted over its folder is seen');
		system('umount', $folder);
		is(called(), 200, 'and that it is there no more');
	}

	stop("watch$parked");
}

server('watch');
# --- links on the way are looked at each time
system('cp', '-r', $folder, "$work/c/v1");
system('cp', '-r', $folder, "$work/c/v2");
rename("$work/c/v$_/$name", "$work/c/v$_/v$_") for 1, 2;
put("$work/c/v2/connector-spec.json", without());
symlink("$work/c/v1", "$work/c/linked");
is(called('linked'), 200, 'one by a link runs') for 1 .. 2;
symlink("$work/c/v2", "$work/c/next") && rename("$work/c/next", "$work/c/linked");
isnt(called('linked'), 200, 'the link leads elsewhere');

# --- what is not there is found once it comes
is(called('later'), 404, 'one that is not there') for 1 .. 2;
system('cp', '-r', $folder, "$work/later");
rename("$work/later/$name", "$work/later/later");
rename("$work/later", "$work/c/later");
is(called('later'), 200, 'and that came');

# --- more names than can be watched
called("none$_") for 1 .. 600;
is(called(), 200, 'after many that are not there it runs');
write_in_place(titled('another'));
is(title(), 'another', 'and a change is seen');
write_in_place(without());
isnt(called(), 200, 'each change is');

write_in_place($whole);
# --- written through a mapping, which the kernel tells nobody: never run as it was
for my $parked (0, 2) {
SKIP: {
	server("mapped$parked", '--parked-min', $parked, '--parked-max', $parked);
	called();
	sleep(2) if $parked;
	is(called(), 200, 'it runs');
	skip('machine: no python3', 2) if system('python3 -c "" 2>/dev/null') != 0;
	open(my $held, '|-', 'python3', '-c', <<'P', $spec, "$work/done") or die;
import mmap, os, sys
f = os.open(sys.argv[1], os.O_RDWR)
m = mmap.mmap(f, 0)
os.close(f)
sys.stdin.readline()
at = m.find(b'"evil:ok"')
m[at:at + 9] = b'"evil:no"'
open(sys.argv[2], 'w').close()
sys.stdin.readline()
P
	$held->autoflush(1);
	sleep(1);
	is(called(), 200, 'it is held open for writing');
	print $held "\n";
	until_true(sub { -e "$work/done" });
	isnt(called(), 200, 'and was written: not run as it was');
	print $held "\n";
	close($held);
	unlink("$work/done");
	write_in_place($whole);
	stop("mapped$parked");
}
}

# --- a call outlasts what its connector's files were watched by: none is handed over ahead that nothing would ring for
server('outlast', '--parked-min', 2, '--parked-max', 2);
is(result(begin('POST', "/v1/connectors/later/invoke", '{"type":"evil:ok","config":{}}'))->{code}, 200, 'the other one runs');
called();
sleep(2);
is(called(), 200, 'it runs');
{
	my $long = begin('POST', "/v1/connectors/$name/invoke", '{"type":"evil:slow","config":{}}');
	sleep(0.5);
	put("$work/c/later/connector-spec.json", titled('later'));
	is(called('later'), 200, 'another one changed meanwhile, and runs');
	sleep(0.5);		# the front does not ask again at once after there was none
	kill('TERM', $long->{pid});
	result($long);
	sleep(1.5);
	rename("$folder/$name", "$work/program");
	system('cp', '/bin/false', "$folder/$name");
	isnt(called(), 200, 'after it ended its program became another: it is not run as it was');
	rename("$work/program", "$folder/$name");
	is(called(), 200, 'and back');
}
stop('outlast');

# --- one that was handed over ahead dies: nobody's call does
server('dying', '--parked-min', 2, '--parked-max', 2);
called();
sleep(2);
my ($supervisor) = map { /^\s*(\d+)/ } grep { /bascule-supervise/ } `ps -o pid=,args= --ppid ${\ pid_of('dying')}`;
sub workers { return grep { slurp("/proc/$_/status") =~ /^NSpid:\s*\d+\s+1$/m } map { /^\s*(\d+)/ } grep { /--nursery/ } `ps -o pid=,args= --ppid $supervisor` }
is(called(), 200, 'one runs') for 1 .. 2;
ok(until_true(sub { scalar(workers()) == 2 }), 'two wait');
for my $round (1 .. 3) {
	my @there = workers();
	kill('KILL', @there);
	is(called(), 200, 'after all that waited were killed, one runs');
	sleep(1.2);
	called();
}
my ($counted) = result(begin('GET', '/metrics'))->{body} =~ /^bascule_parked_workers (\d+)/m;
cmp_ok($counted, '<=', 2, 'no more wait than may');
ok(until_true(sub { my @w = workers(); result(begin('GET', '/metrics'))->{body} =~ /^bascule_parked_workers (\d+)/m; scalar(@w) == $1 }),
    'all that wait are counted');
done_testing();
