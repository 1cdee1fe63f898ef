#!/usr/bin/perl
# doctor.t -- what bascule doctor finds, on this host and on hosts that lack something.
# A user namespace of the test's own takes layers away: sysctls of its own, its own maps, a filter of its own.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use JSON::PP;
use POSIX ();
use Test::More;
use support;

my %nr = $^X && `uname -m` =~ /^x86_64/ ?
    (unshare => 272, prctl => 157, seccomp => 317, clone3 => 435, landlock => 444, arch => 0xc000003e) :
    (unshare => 97, prctl => 167, seccomp => 277, clone3 => 435, landlock => 444, arch => 0xc00000b7);
my $CLONE_NEWUSER = 0x10000000;

# run(prepare, arguments...): bascule doctor in a child that `prepare` changes first; exit, out, json.
sub run {
	my ($prepare, @args) = @_;
	my ($out, $err) = (scratch() . '/doctor.out', scratch() . '/doctor.err');
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDOUT, '>', $out);
		open(STDERR, '>', $err);
		$prepare->() if $prepare;
		exec(bascule(), 'doctor', @args) or POSIX::_exit(127);
	}
	waitpid($pid, 0);
	my %r = (exit => $? >> 8, out => slurp($out), err => slurp($err));
	$r{json} = eval { decode_json($r{out}) } // {};
	$r{states} = { map { ("$_->{group}/$_->{name}" => $_->{state}) } @{$r{json}{findings} // []} };
	$r{advice} = { map { ($_->{layer} => $_) } @{$r{json}{advice} // []} };
	return \%r;
}

sub put {
	my ($file, $text) = @_;
	open(my $fh, '>', $file) or return 0;
	my $ok = syswrite($fh, $text);
	return close($fh) && defined($ok);
}

# A user namespace in which root and nobody are mapped, so that root can still become nobody; then sysctls of it.
sub nested {
	my (@sysctls) = @_;
	pipe(my $made_r, my $made_w) or die;
	pipe(my $mapped_r, my $mapped_w) or die;
	my $parent = $$;
	my $helper = fork() // die;
	if ($helper == 0) {
		close($made_w);
		sysread($made_r, my $c, 1);
		my $ok = put("/proc/$parent/uid_map", "0 0 1\n65534 65534 1\n") && put("/proc/$parent/gid_map", "0 0 1\n65534 65534 1\n");
		syswrite($mapped_w, $ok ? 'y' : 'n');
		POSIX::_exit(0);
	}
	syscall($nr{unshare}, $CLONE_NEWUSER) == 0 or POSIX::_exit(99);
	syswrite($made_w, 'x');
	sysread($mapped_r, my $c, 1);
	waitpid($helper, 0);
	$c eq 'y' or POSIX::_exit(98);
	put("/proc/sys/user/$_", "0\n") or POSIX::_exit(97) for @sysctls;
}

# A filter that answers ENOSYS to these calls and allows the rest, as old containers' do.
sub refusing {
	my (@calls) = @_;
	my $program = pack('SCCL', 0x20, 0, 0, 0);				# load the call's number
	for my $i (0 .. $#calls) {
		$program .= pack('SCCL', 0x15, @calls - $i, 0, $calls[$i]);	# equal: to the answer
	}
	$program .= pack('SCCL', 0x06, 0, 0, 0x7fff0000) . pack('SCCL', 0x06, 0, 0, 0x00050000 | 38);
	my $fprog = pack('Sx![P]P', length($program) / 8, $program);
	syscall($nr{prctl}, 38, 1, 0, 0, 0) == 0 or POSIX::_exit(96);
	syscall($nr{prctl}, 22, 2, $fprog, 0, 0) == 0 or POSIX::_exit(95);
}

sub unprivileged {
	$) = '65534 65534';
	$( = 65534;
	POSIX::setuid(65534);
}

my $strict = run(undef, '--json');
is($strict->{exit}, 0, 'this host holds every layer') or diag($strict->{out}, $strict->{err});
ok($strict->{json}{holds}, 'and says so');
is($strict->{json}{set}, 'strict', 'the set is strict unless asked');
my @layers = qw(birth/birth ids/ids namespaces/user namespaces/mount namespaces/pid namespaces/net namespaces/ipc namespaces/uts
    namespaces/cgroup namespaces/time landlock/landlock seccomp/no_new_privs seccomp/seccomp rlimits/rlimits memory/memory
    broker/start connector/scim connector/github);
is($strict->{states}{$_}, 'ok', "$_ is tried and holds") for @layers;

my $table = run(undef);
like($table->{out}, qr/^landlock +landlock +ok +level \d+/m, 'a table for people');
unlike($table->{out}, qr/\033/, 'no colour where there is no terminal');
like(run(undef, '--color', 'always')->{out}, qr/\033\[32mok/, 'colour where it is asked for');
like(run(undef, '--help')->{out}, qr/^usage: bascule doctor/, 'help');

my $container = run(undef, '--sandbox', 'container', '--json');
is($container->{exit}, 0, 'container holds too');
is_deeply($container->{json}{waived}, ['namespaces'], 'it waives namespaces');
is($container->{states}{'namespaces/user'}, 'waived', 'and shows it');
like($container->{advice}{namespaces}{remains}, qr/Landlock/, 'and what still stops a connector');

for my $wrong (['--sandbox', 'lax'], ['--without', 'seccomp'], ['--without', 'walls'], ['--json', '--table'], ['--require'],
    ['--without', 'cgroup', '--require', 'cgroup']) {
	is(run(undef, @$wrong)->{exit}, 64, "wrong: @$wrong");
}
like(run(undef, '--without', 'seccomp')->{err}, qr/never to be done without are birth, ids, seccomp, rlimits, memory/,
    'what is never waived is named');

SKIP: {
	skip('machine: needs root', 30) if $> != 0;

	my $nobody = run(\&unprivileged, '--json');
	is($nobody->{exit}, 0, 'an unprivileged user has them, too') or diag($nobody->{out}, $nobody->{err});
	is($nobody->{states}{$_}, 'ok', "unprivileged: $_") for grep { /namespaces|landlock|connector/ } @layers;

	my $none = run(sub { nested('max_user_namespaces') }, '--json');
	is($none->{exit}, 81, 'without user namespaces strict does not hold');
	is($none->{states}{'namespaces/user'}, 'missing', 'user namespaces are missing');
	is($none->{states}{'connector/scim'}, 'missing', 'and no connector runs');
	is($none->{states}{'landlock/landlock'}, 'ok', 'Landlock is there all the same');
	my $a = $none->{advice}{namespaces};
	ok((grep { /user.max_user_namespaces is 0/ } @{$a->{why}}), 'the reason is found');
	ok((grep { $_ eq 'sysctl -w user.max_user_namespaces=16384' } @{$a->{allow}}), 'the command is given');
	ok((grep { /--sandbox container/ } @{$a->{allow}}), 'and the other way');

	my $less = run(sub { nested('max_user_namespaces') }, '--json', '--sandbox', 'container');
	is($less->{exit}, 0, 'container holds there') or diag($less->{out}, $less->{err});
	is($less->{states}{'connector/scim'}, 'ok', 'and connectors run in it');

	my $one = run(sub { nested('max_net_namespaces') }, '--json');
	is($one->{exit}, 81, 'one kind of namespace is enough to miss');
	is($one->{states}{'namespaces/net'}, 'missing', 'it is the one');
	is($one->{states}{'namespaces/pid'}, 'ok', 'and no other');
	ok((grep { /max_net_namespaces is 0/ } @{$one->{advice}{namespaces}{why}}), 'named');

	my $old = run(sub { refusing($nr{landlock}) }, '--json');
	is($old->{exit}, 81, 'without Landlock strict does not hold');
	is($old->{states}{'landlock/landlock'}, 'missing', 'Landlock is missing');
	ok((grep { /landlock_create_ruleset/ } @{$old->{advice}{landlock}{allow}}), 'what a profile must add is named');
	my $waived = run(sub { refusing($nr{landlock}) }, '--json', '--without', 'landlock');
	is($waived->{exit}, 0, 'it can be waived') or diag($waived->{out}, $waived->{err});

	my $docker = run(sub { refusing($nr{unshare}, $nr{clone3}) }, '--json');
	is($docker->{exit}, 81, 'a filter that refuses namespaces');
	ok((grep { /filter of somebody else/ } @{$docker->{advice}{namespaces}{why}}), 'is recognised');
	ok((grep { /^Kubernetes: .*seccompProfile/ } @{$docker->{advice}{namespaces}{allow}}), 'with the line of a manifest');
	my $pod = run(sub { refusing($nr{unshare}, $nr{clone3}) }, '--json', '--sandbox', 'container');
	is($pod->{exit}, 0, 'container holds under it') or diag($pod->{out}, $pod->{err});

	my $required = run(\&unprivileged, '--json', '--require', 'cgroup');
	my $plain = run(\&unprivileged, '--json');
	if ($plain->{states}{'cgroup/group'} eq 'absent') {
		is($required->{exit}, 81, 'a group that is required and absent');
		ok((grep { /Delegate=yes/ } @{$required->{advice}{cgroup}{allow}}), 'how to get one');
	}
}

done_testing();
