#!/usr/bin/perl
# serve_split.t -- the two halves of a server: what is around the front, what goes on behind it, and how both end.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use support;
use asking;
use Test::More;
use JSON::PP;
use Time::HiRes qw(sleep);

my $work = scratch();
my $name = "evp$$";
my $build = root() . '/build';
$build = $1 if bascule() =~ m{^(.*)/bin/bascule$};
plan skip_all => 'build: the hostile connector is not built' if !hostile($name, $build);

sub status { my ($pid, $what) = @_; return slurp("/proc/$pid/status") =~ /^$what:\s*(\S+)/m ? $1 : '' }
sub is_alive { my ($pid) = @_; return (`ps -o stat= -p $pid` || 'Z') !~ /^Z/ }
sub children { my ($of) = @_; return map { [/^\s*(\d+)\s+(.*)/] } `ps -o pid=,args= --ppid $of` }
sub supervisor_of { my ($of) = @_; my ($s) = map { $_->[0] } grep { $_->[1] =~ /bascule-supervise/ } children($of); return $s }
sub ok_call { return result(begin('POST', "/v1/connectors/$name/invoke", '{"type":"evil:ok","config":{}}')) }

# --- what is around them
server('one', '--journal', "$work/one.db");
my $front = pid_of('one');
my $supervisor = supervisor_of($front);
ok($supervisor, 'there is a supervisor');
is(ok_call()->{code}, 200, 'it runs');
is(status($front, 'Seccomp'), 2, 'the front has a filter');
is(status($front, 'Seccomp_filters'), 1, 'one');
is(status($front, 'NoNewPrivs'), 1, 'and no way to new privileges');
is(status($front, $_), '0000000000000000', "$_: none") for qw(CapEff CapPrm CapInh);
is(status($front, 'Threads'), 1, 'one thread');
is(status($supervisor, 'Seccomp'), 0, 'the supervisor has none: it must start things');
is_deeply([map { $_->[0] } children($front)], [$supervisor], 'the front has no other child');
ok((grep { $_->[1] =~ /bascule-broker/ } children($supervisor)), 'the broker is the supervisor\'s');
ok((grep { $_->[1] =~ /--nursery/ } children($supervisor)), 'so are nurseries');
is(slurp("/proc/$supervisor/cmdline"), "bascule-supervise\0", 'it is told nothing by its arguments');
isnt((slurp("/proc/$front/maps") =~ /^([0-9a-f]+)-.*libc\.so/m)[0], (slurp("/proc/$supervisor/maps") =~ /^([0-9a-f]+)-.*libc\.so/m)[0],
    'nor are they laid out alike');
my @front_links = map { readlink($_) // '' } glob("/proc/$front/fd/*");
is(scalar(grep { m{^/proc|/dev/(?!null)} && !m{/statm$} && !m{^/dev/(pts|tty)} } @front_links), 0, 'no device or process is open in the front')
    or diag("@front_links");

# --- what the walls leave: many calls, a journal that grows, the numbers, a doctor, a reload
is(scalar(grep { ok_call()->{code} == 200 } 1 .. 30), 30, 'it goes on running');
my $doctor = result(begin('GET', '/v1/doctor'))->{json};
is((map { $_->{state} } grep { $_->{name} eq 'front' } @{$doctor->{findings}})[0], 'ok', 'the doctor finds its walls');
like(result(begin('GET', '/metrics'))->{body}, qr/^process_resident_memory_bytes [1-9]/m, 'it knows its own size');

is(result(begin('GET', '/v1/connectors'))->{code}, 200, 'what there is');
kill('HUP', $front);
ok(until_true(sub { log_of() =~ /"event":"reloaded"/ }), 'it reloads');
like(log_of(), qr/"event":"walls","front":"on"/, 'its log says that walls are on');

# --- a connector that comes later is found, one that is not there is not
system('cp', '-r', "$work/c/$name", "$work/c/${name}x") == 0 && rename("$work/c/${name}x/$name", "$work/c/${name}x/${name}x");
is(result(begin('POST', "/v1/connectors/${name}x/invoke", '{"type":"evil:ok","config":{}}'))->{code}, 200, 'a new connector is found');
is(result(begin('POST', '/v1/connectors/nowhere/invoke', '{"type":"evil:ok","config":{}}'))->{code}, 404, 'one that is not is not');

# --- the end
my $call = begin('POST', "/v1/connectors/$name/invoke", '{"type":"evil:hang","config":{},"id":"h1","deadline":"60s"}');
ok(until_true(sub { (row('h1')->{state} // '') eq 'starting' || (row('h1')->{state} // '') eq 'streaming' }), 'one runs');
kill('STOP', $supervisor);
is(result(begin('GET', '/healthz'))->{code}, 200, 'while the supervisor stands still the front answers');
kill('CONT', $supervisor);
kill('TERM', $front);
sleep(0.3);
kill('TERM', $front);		# no more patience
result($call);
ok(until_true(sub { !is_alive($front) && !is_alive($supervisor) }), 'told to end, both do');
stop('one');
like(log_of(), qr/"event":"ended"/, 'in good order');

# --- a signal to the supervisor alone, as a terminal sends it to all, is not for it
server('two');
$front = pid_of('two');
$supervisor = supervisor_of($front);
kill($_, $supervisor) for qw(TERM INT HUP);
sleep(0.3);
is(ok_call()->{code}, 200, 'signals for the server leave the supervisor as it is');
kill('KILL', $supervisor);
ok(until_true(sub { !is_alive($front) }), 'killed, it takes the front along');
stop('two');

# --- without, by name only
server('three', '--without', 'front');
$front = pid_of('three');
is(status($front, 'Seccomp'), 0, 'asked to, it goes without its filter');
like(log_of(), qr/"level":"warn","event":"walls"/, 'and says so');
is(ok_call()->{code}, 200, 'it runs');
$doctor = result(begin('GET', '/v1/doctor'))->{json};
is((map { $_->{state} } grep { $_->{name} eq 'front' } @{$doctor->{findings}})[0], 'waived', 'the doctor says so, too');
stop('three');

# --- what the supervisor was told at the start holds: the proxy is where it was, whoever signs in there
spill('proxy', 'http://joe:one@proxy.example:3128');
chmod(0600, "$work/proxy");
{
	local $ENV{BASCULE_PROXY} = "\@$work/proxy";
	server('four', '--limit', 'memory=128m');
}
is(ok_call()->{code}, 200, 'a server with a proxy');
spill('proxy', 'http://joe:two@proxy.example:3128');
is(ok_call()->{code}, 200, 'whose password is another now');
spill('proxy', 'http://joe:two@elsewhere.example:3128');
my $moved = ok_call();
is($moved->{code}, 500, 'one that is elsewhere is none of this server');
like($moved->{json}{detail}, qr/BASCULE_PROXY.*start it again/, 'as it says');
unlike($moved->{body} . log_of(), qr/joe|two/, 'without its credentials');
spill('proxy', 'http://joe:two@proxy.example:3128');
is(ok_call()->{code}, 200, 'and all is well with the old one');
is(result(begin('POST', "/v1/connectors/$name/invoke", { type => 'evil:ok', limits => { memory => '64m' } }))->{code}, 200, 'less memory');
is(result(begin('POST', "/v1/connectors/$name/invoke", { type => 'evil:ok', limits => { memory => '256m' } }))->{code}, 400, 'and no more');
stop('four');

# --- a journal that a server left in the middle is no reason to die for the next: not at its end, not at a checkpoint
{
	server('killed', '--journal', "$work/left.db");
	is(ok_call()->{code}, 200, 'a server with a journal');
	my $killed = pid_of('killed');
	kill('KILL', $killed);
	waitpid($killed, 0);
	ok(-s "$work/left.db-wal", 'is killed, and leaves a log beside it');
	server('after', '--journal', "$work/left.db");
	is(ok_call()->{code}, 200, 'the next goes on with it');
	my $after = pid_of('after');
	kill('TERM', $after);
	waitpid($after, 0);
	is($?, 0, 'and ends well, told to');
	is(-s "$work/left.db-wal" // 0, 0, 'nothing is left beside it');
}

# --- what the server does by itself is within it, too: the code of a bundle is made by an invocation of its own
SKIP: {
	skip('machine: no node', 4) if system('command -v node >/dev/null') != 0;
	mkdir("$work/cache", 0700);
	mkdir("$work/c/bundle", 0755);
	spill('c/bundle/connector-spec.json', { name => 'bundle', commands => ['std:test-connection'], sourceConfig => [] });
	spill('c/bundle/index.js', 'exports.connector = { _exec: async (type, context, input, res) => { res.write({ data: {}, type: "output" }) } };');
	{
		local $ENV{CACHE_DIRECTORY} = "$work/cache";
		server('five', '--limit', 'connects=5');
	}
	my $bundle = sub { return result(begin('POST', '/v1/connectors/bundle/invoke', { type => 'std:test-connection' }))->{code} };
	is($bundle->(), 200, 'a bundle, where connections are bounded');
	ok(until_true(sub { my @made = glob("$work/cache/bascule/code/*/*"); return @made > 0 }), 'its code is made');
	is($bundle->(), 200, 'and the server goes on');
	unlike(log_of(), qr/everything ends/, 'nobody was taken for an enemy');
	stop('five');
}
done_testing();
