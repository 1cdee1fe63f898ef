#!/usr/bin/perl
# pod.t -- a restricted pod as a node runs it: crun on the unified tree, runAsNonRoot, drop: [ALL], no_new_privs,
# readOnlyRootFilesystem, seccomp RuntimeDefault -- the profile that Debian's golang-github-containers-common ships as it stands,
# and one as narrow as containerd's (tests/containers/seccomp.jq).  The image itself is tests/containers/image.t's.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../integration';
use JSON::PP;
use Test::More;
use support;

plan(skip_all => 'machine: for a guest of tests/vm') if !$ENV{BASCULE_VM};
my $profile = '/usr/share/containers/seccomp.json';
plan(skip_all => 'machine: no crun') if system('command -v crun >/dev/null') != 0;
plan(skip_all => "machine: no $profile") if !-e $profile;
my $user = 65532;
my $work = scratch();
my $arch = `uname -m` =~ /x86_64/ ? 'amd64' : 'arm64';
my $build = dirname(bascule()) . '/..';
chmod(0755, $work);
mkdir("$work/root");
mkdir("$work/connectors");
system("cp -r $build/connectors/scim $build/tests/evil/evil $work/connectors/; chmod -R go+rX $work/connectors");
system("mount --bind / $work/root") == 0 or plan(skip_all => 'machine: no bind mounts');
END { system("umount -l $work/root 2>/dev/null") if $work }

# What a runtime makes of the profile for a container without a capability: rules that need one are left out.
sub plain_rules {
	my ($p) = @_;
	my $of = sub { my ($r, $w, $k) = @_; return @{(($r->{$w} // {})->{$k}) // []} };
	my @rules;
	for my $r (@{$p->{syscalls}}) {
		next if $of->($r, 'includes', 'caps') || grep { $_ eq $arch } $of->($r, 'excludes', 'arches');
		my @arches = $of->($r, 'includes', 'arches');
		next if @arches && !grep { $_ eq $arch } @arches;
		my %rule = (names => $r->{names}, action => $r->{action});
		$rule{errnoRet} = $r->{errnoRet} if defined $r->{errnoRet};
		$rule{args} = $r->{args} if @{$r->{args} // []};
		push(@rules, \%rule);
	}
	return { defaultAction => $p->{defaultAction}, defaultErrnoRet => $p->{defaultErrnoRet} // 1, syscalls => \@rules,
	    architectures => [$arch eq 'amd64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64'] };
}
my %profiles = (
	'as shipped' => plain_rules(decode_json(slurp($profile))),
	'narrow' => plain_rules(decode_json(scalar `jq -f '${\(root())}/tests/containers/seccomp.jq' $profile`)),
);

my $pods = 0;
# pod(profile, request, arguments...): bascule in a pod of its own.
sub pod {
	my ($which, $request, @args) = @_;
	my $bundle = "$work/bundle";
	my $name = "pod$$-" . $pods++;
	mkdir($bundle);
	spill('bundle/config.json', {
		ociVersion => '1.0.2',
		root => { path => "$work/root", readonly => JSON::PP::true },
		process => {
			args => [bascule(), @args], cwd => '/', noNewPrivileges => JSON::PP::true, user => { uid => $user, gid => $user },
			env => ["BASCULE_CONNECTORS=/mnt", 'PATH=/usr/bin:/bin'],
			capabilities => { map { ($_ => []) } qw(bounding effective permitted inheritable ambient) },
		},
		mounts => [
			{ destination => '/proc', type => 'proc', source => 'proc' },
			{ destination => '/dev', type => 'tmpfs', source => 'tmpfs', options => ['nosuid', 'mode=755'] },
			{ destination => '/sys', type => 'sysfs', source => 'sysfs', options => ['nosuid', 'noexec', 'nodev', 'ro'] },
			{ destination => '/sys/fs/cgroup', type => 'cgroup', source => 'cgroup', options => ['nosuid', 'noexec', 'nodev', 'ro'] },
			{ destination => '/bascule', type => 'bind', source => '/bascule', options => ['rbind', 'ro'] },
			{ destination => '/mnt', type => 'bind', source => "$work/connectors", options => ['rbind', 'ro'] },
		],
		linux => {
			namespaces => [map { { type => $_ } } qw(pid network ipc uts mount cgroup)],
			maskedPaths => [qw(/proc/kcore /proc/keys /proc/timer_list /proc/sched_debug /sys/firmware /proc/acpi)],
			readonlyPaths => [qw(/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger)],
			seccomp => $profiles{$which}, cgroupsPath => "/pods/$name",
			resources => { memory => { limit => 536870912 }, pids => { limit => 128 } },
		},
	});
	my $in = $request ? spill('request', { type => $request, config => {}, input => {} }) : '/dev/null';
	my $exit = system("crun --cgroup-manager=cgroupfs run -b $bundle $name <$in >$work/out 2>$work/err") >> 8;
	my ($last) = slurp("$work/out") =~ /([^\n]*)\n\z/;
	my $json = eval { decode_json($last // '') } // {};
	return { exit => $exit, out => slurp("$work/out"), err => slurp("$work/err"), json => $json, verdict => $json->{data} // {} };
}

for my $which (sort keys %profiles) {
	my $d = pod($which, undef, 'doctor', '--json');
	my ($advice) = grep { $_->{layer} eq 'namespaces' } @{$d->{json}{advice} // []};
	diag("$which: strict " . ($d->{exit} == 0 ? 'holds' : 'does not hold'));
	if ($d->{exit} != 0) {
		is($d->{exit}, 81, "$which: strict does not hold") or diag($d->{out}, $d->{err});
		ok((grep { /filter of somebody else/ } @{$advice->{why} // []}), "$which: the filter is why") or diag($d->{out});
		ok((grep { /^Kubernetes: securityContext/ } @{$advice->{allow} // []}), "$which: the line of the manifest");
		ok((grep { /hostUsers: false/ } @{$advice->{allow} // []}), "$which: or a user namespace for the pod");
		my $r = pod($which, 'evil:ok', 'invoke', 'evil', '--verdict');
		is($r->{exit}, 81, "$which: strict fails closed");
		like($r->{err}, qr/namespaces/, "$which: by name");
	}
	my $c = pod($which, undef, 'doctor', '--json', '--sandbox', 'container');
	is($c->{exit}, 0, "$which: container holds") or diag($c->{out}, $c->{err});
	my ($group) = grep { $_->{group} eq 'cgroup' } @{$c->{json}{findings} // []};
	is($group->{state}, 'absent', "$which: no group can be made");
	like($group->{text} // '', qr/cgroup/, "$which: and why: " . ($group->{text} // ''));
	my $r = pod($which, 'evil:ok', 'invoke', 'evil', '--sandbox', 'container', '--verdict');
	is($r->{exit}, 0, "$which: a command") or diag($r->{out}, $r->{err});
	is($r->{verdict}{layers}{$_}{state}, 'on', "$which: $_") for qw(birth ids landlock seccomp rlimits memory);
	for my $attack (qw(fork ptrace open socket-inet exec unshare kill-parent)) {
		my $a = pod($which, "evil:$attack", 'invoke', 'evil', '--sandbox', 'container', '--verdict');
		ok(($a->{verdict}{cause} // '') =~ /^syscall:/ || $a->{out} =~ /"result":"refused"/, "$which: $attack is stopped") or
		    diag($a->{out}, $a->{err});
	}
}

done_testing();
