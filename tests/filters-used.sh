#!/bin/sh
# filters-used.sh BUILD -- runs the integration tests under strace and writes down which rules of the
# filters they needed (tests/cases/filters/used-*.txt).  Takes some minutes; for a change of the filters or a new libc.
set -u
b=$1
top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v strace >/dev/null || { echo "filters-used needs strace"; exit 1; }

# Stands in for bascule; test lists find its name in BASCULE.
mkdir -p "$work/traces"
cat >"$work/bascule" <<-EOT
	#!/bin/sh
	traces=\$(mktemp -d "$work/traces/XXXXXXXX")	# pids come again
	exec strace -ff -qq -e raw=all -e signal=none -o "\$traces/t" "$top/$b/bin/bascule" "\$@"
EOT
chmod +x "$work/bascule"
export SCIM_USERS=2000
export BASCULE="$work/bascule" BASCULE_BROKER="$top/$b/libexec/bascule-broker" BASCULE_CONNECTORS="$top/$b/connectors"

# With and without namespaces: both have their filters.
printf '{"type":"std:spec:read","config":{},"input":{}}' >"$work/request"
"$work/bascule" invoke scim --without namespaces <"$work/request" >/dev/null || exit 1
for t in ${FILTERS_USED_TESTS:-scim github weather}; do
	unset BASCULE_CONNECTORS
	"$top/tests/integration/$t.t" >"$work/log" 2>&1
	echo "$t: $(grep -c '^ok' "$work/log") ok, $(grep -c '^not ok' "$work/log") not ok under strace" >&2
done

# The broker's look-ups: its unit tests start it, and give it name servers of their own.
for t in broker broker_dns broker_life; do
	strace -ff -qq -e raw=all -e signal=none -o "$(mktemp -d "$work/traces/XXXXXXXX")/t" "$top/$b/tests/unit/test_$t" \
	    >/dev/null 2>&1 || echo "test_$t: not ok under strace" >&2
done

# A process is in the stage that its last filter began, and a child in its parent's.  A nursery is exec'd under
# its first filter; the broker enters one and is exec'd no more.
cat >"$work/stages.pl" <<-'EOT'
	my %calls;
	for my $run (glob("$ARGV[0]/*")) {
	my (%born, %parent, %nursery, %broker);
	my @files = glob("$run/t.*");
	for my $pass (1, 2) {
		for my $file (@files) {
			my ($pid) = $file =~ /\.(\d+)$/;
			my $stage = $born{$pid} // 0;
			open(my $f, "<", $file) or die;
			while (<$f>) {
				my ($name, $args, $r) = /^(\w+)\((.*?)(?:\)|<unfinished).*?(?:= (\S+).*)?$/ or next;
				$args =~ s/,//g;
				my $where = $broker{$pid} || $broker{$parent{$pid} // 0} ? "serve" : $stage == 1 ? "load" : "lock";
				$calls{"$where $name $args"} = 1 if $pass == 2 && $stage > 0;
				$nursery{$pid} = 1 if $name eq "execve" && $stage == 1;
				$stage++ if $name eq "seccomp" && $args =~ /^0x1 \S+ 0x/ && ($r // "") eq "0";
				if ($name eq "clone" && $stage > 0 && ($r // "") =~ /^0x/) {
					$born{hex($r)} = $stage;
					$parent{hex($r)} = $pid;
				}
			}
			$broker{$pid} = 1 if $pass == 1 && $stage > 0 && !$nursery{$pid} && !$parent{$pid};
		}
	}
	}
	print "$_\n" for sort keys %calls;
EOT
perl "$work/stages.pl" "$work/traces" >"$work/calls"
# What an earlier run saw stays: under strace some tests run into their deadlines.  Remove the lists to begin anew.
for profile in native broker; do
	list=$top/tests/cases/filters/used-$profile.txt
	"$b/tests/unit/test_filters_used" --collect $profile <"$work/calls" >"$work/used" || exit 1
	{ head -n 1 "$work/used"; cat "$work/used" "$list" 2>/dev/null | grep -v '^#' | LC_ALL=C sort -u; } >"$work/list"
	cp "$work/list" "$list"
done
