#!/usr/bin/perl
# denied.t -- a host whose administrator forbids user namespaces, by each means that this kernel has: strict fails closed and
# says what to do, what doctor prints to allow it is run as it stands and does, and meanwhile less can be asked for.
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
my $program = bascule();
my $someone = 1000;

sub value { my $v = slurp("/proc/sys/$_[0]"); chomp($v); return $v }
sub put { open(my $fh, '>', "/proc/sys/$_[0]") or return 0; print $fh $_[1]; return close($fh) }

# run(uid, arguments...): bascule as that user.
sub run {
	my ($uid, $in, @args) = @_;
	my ($out, $err) = (scratch() . "/out.$uid", scratch() . "/err.$uid");
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDIN, '<', $in);
		open(STDOUT, '>', $out);
		open(STDERR, '>', $err);
		if ($uid != 0) {
			$) = "$uid $uid";
			$( = $uid;
			POSIX::setuid($uid);
		}
		exec($program, @args) or POSIX::_exit(127);
	}
	waitpid($pid, 0);
	return { exit => $? >> 8, out => slurp($out), err => slurp($err) };
}

sub doctor {
	my ($uid, @args) = @_;
	my $r = run($uid, '/dev/null', 'doctor', '--json', @args);
	$r->{json} = eval { decode_json($r->{out}) } // {};
	$r->{states} = { map { ("$_->{group}/$_->{name}" => $_->{state}) } @{$r->{json}{findings} // []} };
	($r->{advice}) = grep { $_->{layer} eq 'namespaces' } @{$r->{json}{advice} // []};
	return $r;
}

sub invoke_as {
	my ($uid, $attack, @args) = @_;
	my $in = spill('request.json', { type => "evil:$attack", config => {}, input => {} });
	chmod(0644, $in);
	my $r = run($uid, $in, 'invoke', $connector, '--verdict', @args);
	my ($last) = $r->{out} =~ /([^\n]*)\n\z/;
	$r->{verdict} = eval { decode_json($last // '')->{data} } // {};
	return $r;
}

# denied(name, uid, why, allow): what is the same for every means.  allow: the lines that are commands; they are run.
sub denied {
	my ($name, $uid, $why, $allow) = @_;
	my $d = doctor($uid);
	is($d->{exit}, 81, "$name: strict does not hold");
	is($d->{states}{'namespaces/user'}, 'missing', "$name: it is user namespaces");
	is($d->{states}{$_}, 'ok', "$name: not $_") for qw(landlock/landlock seccomp/seccomp rlimits/rlimits memory/memory);
	ok((grep { /$why/ } @{$d->{advice}{why}}), "$name: why") or diag(explain($d->{advice}));
	like($d->{advice}{remains} // '', qr/Landlock.*filter.*limits.*broker/, "$name: what still stops a connector");
	ok((grep { /--sandbox container/ } @{$d->{advice}{allow}}), "$name: the other way");

	my $r = invoke_as($uid, 'ok');
	is($r->{exit}, 81, "$name: no command is run in strict") or diag($r->{out}, $r->{err});
	is($r->{verdict}{cause}, 'sandbox', "$name: by cause");
	like($r->{err}, qr/namespaces/, "$name: the layer is named");
	like($r->{err}, qr/bascule doctor|CONFINEMENT/, "$name: and where to look") ;
	unlike($r->{out}, qr{"type":"output"}, "$name: nothing was put out");

	for my $less (['--sandbox', 'container'], ['--without', 'namespaces']) {
		my $l = invoke_as($uid, 'ok', @$less);
		is($l->{exit}, 0, "$name: @$less runs") or diag($l->{out}, $l->{err});
		is($l->{verdict}{layers}{namespaces}{state}, 'waived', "$name: @$less: the receipt says so");
		is($l->{verdict}{layers}{$_}{state}, 'on', "$name: @$less: $_") for qw(birth ids landlock seccomp rlimits memory);
		my $a = invoke_as($uid, 'fork', @$less);
		isnt($a->{exit}, 0, "$name: @$less: an attack is stopped all the same");
	}
	my $c = doctor($uid, '--sandbox', 'container');
	is($c->{exit}, 0, "$name: container holds") or diag($c->{out});

	my @commands = grep { /$allow/ } @{$d->{advice}{allow}};
	ok(scalar(@commands), "$name: a command allows it") or diag(explain($d->{advice}));
	return @commands;
}

sub allowed {
	my ($name, $uid, @commands) = @_;
	for my $command (@commands) {
		is(system('sh', '-c', "$command >/dev/null"), 0, "$name: $command");
	}
	is(doctor($uid)->{exit}, 0, "$name: done as told, strict holds");
	is(invoke_as($uid, 'ok')->{exit}, 0, "$name: and a command runs");
}

is(doctor($someone)->{exit}, 0, 'before, strict holds for a user') or diag(doctor($someone)->{out});

# Debian's own switch; root may.
SKIP: {
	skip('machine: kernel.unprivileged_userns_clone is Debian\'s', 1) if value('kernel/unprivileged_userns_clone') eq '';
	put('kernel/unprivileged_userns_clone', 0);
	my @c = denied('userns_clone', $someone, qr/^kernel\.unprivileged_userns_clone is 0$/, qr/^sysctl -w kernel\.unprivileged/);
	is(doctor(0)->{exit}, 0, 'userns_clone: root is not concerned');
	allowed('userns_clone', $someone, @c);
	put('kernel/unprivileged_userns_clone', 1);
}

for my $uid ($someone, 0) {
	my $before = value('user/max_user_namespaces');
	put('user/max_user_namespaces', 0);
	my @c = denied("max_user_namespaces, uid $uid", $uid, qr/^user\.max_user_namespaces is 0$/, qr/^sysctl -w user\.max_user/);
	allowed("max_user_namespaces, uid $uid", $uid, @c);
	put('user/max_user_namespaces', $before);
}

# Ubuntu's switch, and what any AppArmor of Linux 6.7 and later can: a profile without `userns,`.
SKIP: {
	my $switch = 'kernel/apparmor_restrict_unprivileged_userns';
	skip('machine: kernel.apparmor_restrict_unprivileged_userns is Ubuntu\'s', 1) if value($switch) eq '';
	put($switch, 1);
	my @c = denied('apparmor switch', $someone, qr/^kernel\.apparmor_restrict_unprivileged_userns is 1$/, qr/^printf/);
	put($switch, 0);
}
SKIP: {
	my $known = -e '/etc/apparmor.d/abi/4.0' && slurp('/sys/kernel/security/apparmor/features/namespaces/mask') =~ /userns_create/;
	skip('machine: AppArmor does not know user namespaces here', 1) if !$known;
	my $file = spill('profile', "abi <abi/4.0>,\nprofile held $program #FLAGS\n {\n  file,\n  capability,\n  network,\n  unix,\n"
	    . "  signal,\n  ptrace,\n  mqueue,\n  io_uring,\n  #MORE\n}\n");
	is(system('apparmor_parser', '-r', $file), 0, 'apparmor: a profile without userns');
	for my $uid ($someone, 0) {
		denied("apparmor, uid $uid", $uid, qr/held to the AppArmor profile "held"/, qr/^AppArmor: give that profile/);
	}
	my ($line) = grep { /^AppArmor: give/ } @{doctor($someone)->{advice}{allow}};
	my $rules = join("\n", map { "  $_" } $line =~ /"([a-z_]+,)"/g);
	my ($flags) = $line =~ /(flags=\([a-z_,]+\))/;
	spill('profile', slurp($file) =~ s/  #MORE/$rules/r =~ s/#FLAGS/$flags/r);
	allowed('apparmor', $someone, "apparmor_parser -r $file");
	is(system('apparmor_parser', '-R', $file), 0, 'apparmor: removed');
}

done_testing();
