#!/usr/bin/perl
# levels.t -- a kernel older than the newest: the best level of each layer that it has is used and recorded, and where it has
# too little strict fails closed and says what to do.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../integration';
use JSON::PP;
use POSIX ();
use Test::More;
use support;

plan(skip_all => 'machine: for a guest of tests/vm') if !$ENV{BASCULE_VM};
my $connector = dirname(bascule()) . '/../tests/evil/evil/evil';
$ENV{BASCULE_CONNECTORS} = scratch() . '/connectors';	# one is enough for a doctor where processors are emulated
system('sh', '-c', "mkdir $ENV{BASCULE_CONNECTORS} && cp -r ${\(dirname(bascule()))}/../connectors/scim $ENV{BASCULE_CONNECTORS}/");
chmod(0755, scratch());

my ($major, $minor) = (POSIX::uname())[2] =~ /^(\d+)\.(\d+)/;
my $kernel = $major * 1000 + $minor;
# What each kernel has: Landlock's level (0: none), mount_setattr(2), PR_SET_MDWE.
my @levels = ([6012, 6], [6010, 5], [6007, 4], [6002, 3], [5019, 2], [5013, 1], [0, 0]);
my ($landlock) = map { $_->[1] } grep { $kernel >= $_->[0] } @levels;
my $booted = slurp('/sys/kernel/security/lsm') =~ /landlock/;
my $built = $landlock;
$landlock = 0 if !$booted;
my $mounts = $kernel >= 5012;
my $mdwe = $kernel >= 6003;

sub run {
	my ($in, @args) = @_;
	my ($out, $err) = (scratch() . '/out', scratch() . '/err');
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDIN, '<', $in);
		open(STDOUT, '>', $out);
		open(STDERR, '>', $err);
		exec(bascule(), @args) or POSIX::_exit(127);
	}
	waitpid($pid, 0);
	return { exit => $? >> 8, out => slurp($out), err => slurp($err) };
}

sub doctor {
	my $r = run('/dev/null', 'doctor', '--json', @_);
	$r->{json} = eval { decode_json($r->{out}) } // {};
	$r->{of} = { map { ("$_->{group}/$_->{name}" => $_) } @{$r->{json}{findings} // []} };
	$r->{advice} = { map { ($_->{layer} => $_) } @{$r->{json}{advice} // []} };
	return $r;
}

sub invoke_with {
	my ($attack, @args) = @_;
	my $r = run(spill('request.json', { type => "evil:$attack", config => {}, input => {} }), 'invoke', $connector, '--verdict', @args);
	my ($last) = $r->{out} =~ /([^\n]*)\n\z/;
	$r->{verdict} = eval { decode_json($last // '')->{data} } // {};
	return $r;
}

diag("kernel $major.$minor: Landlock $landlock, mount_setattr " . ($mounts ? 'yes' : 'no') . ', MDWE ' . ($mdwe ? 'yes' : 'no'));
my $d = doctor();
my $whole = $landlock > 0 && $mounts;
is($d->{exit}, $whole ? 0 : 81, $whole ? 'strict holds' : 'strict does not hold') or diag($d->{out});
for my $name (sort keys %{$d->{of}}) {
	my $expected = $name eq 'landlock/landlock' && !$landlock || $name eq 'namespaces/mount' && !$mounts ? 'missing'
	    : $name =~ /^connector/ && !$whole ? 'missing' : 'ok';
	next if $name =~ /^cgroup/;
	is($d->{of}{$name}{state}, $expected, "$name: $expected") or diag($d->{of}{$name}{text} // '');
}
like($d->{of}{'landlock/landlock'}{text}, qr/level $landlock:/, 'its level is told') if $landlock;
like($d->{of}{'landlock/landlock'}{text}, $landlock >= 6 ? qr/a read, a port and a signal were/ : $landlock >= 4 ? qr/a read and a port were/ :
    qr/a read was refused/, 'and what it refuses, no more') if $landlock;
like($d->{of}{'memory/memory'}{text} // '', qr/no MDWE/, 'that there is no MDWE is told') if !$mdwe;

my @less;
if (!$landlock) {
	push(@less, '--without', 'landlock');
	my $way = $built ? qr/^boot with lsm=landlock,/ : qr/5\.13/;
	ok((grep { /$way/ } @{$d->{advice}{landlock}{allow}}), 'how to have Landlock') or diag(explain($d->{advice}{landlock}));
	ok((grep { /--without landlock/ } @{$d->{advice}{landlock}{allow}}), 'or the waiver');
	like($d->{advice}{landlock}{remains} // '', qr/mount namespace/, 'and what remains');
}
if (!$mounts) {
	push(@less, '--sandbox', 'container');
	ok((grep { /5\.12/ } @{$d->{advice}{namespaces}{why}}), 'which kernel has the mounts') or diag(explain($d->{advice}{namespaces}));
	ok((grep { /--sandbox container/ } @{$d->{advice}{namespaces}{allow}}), 'or the waiver');
}
if (!$whole) {
	my $r = invoke_with('ok');
	is($r->{exit}, 81, 'strict: no command is run');
	is($r->{verdict}{cause}, 'sandbox', 'by cause');
	is($r->{verdict}{layers}{landlock}{state}, $landlock ? 'on' : 'absent', 'and the receipt claims no Landlock that is not there');
	like($r->{err}, qr/landlock|namespaces/, 'the layer is named') or diag($r->{err});
	is(doctor(@less)->{exit}, 0, "@less: holds") or diag(doctor(@less)->{out});
}
my $r = invoke_with('ok', @less);
is($r->{exit}, 0, 'a command') or diag($r->{out}, $r->{err});
my %waived = (namespaces => !$mounts, landlock => !$landlock);
for my $l (qw(birth ids namespaces landlock seccomp rlimits memory)) {
	is($r->{verdict}{layers}{$l}{state}, $waived{$l} ? 'waived' : 'on', "the receipt: $l");
}
is($r->{verdict}{layers}{landlock}{level}, $landlock, 'with the level') if $landlock;
is($r->{verdict}{layers}{memory}{mdwe} ? 1 : 0, $mdwe ? 1 : 0, 'and whether memory can be kept from being executed');
for my $attack (qw(fork ptrace open socket-inet exec)) {
	my $a = invoke_with($attack, @less);
	ok(($a->{verdict}{cause} // '') =~ /^syscall:/ || $a->{out} =~ /"result":"refused"/, "stopped all the same: $attack") or diag($a->{out});
}

done_testing();
