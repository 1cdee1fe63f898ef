#!/bin/sh
# readme.sh BUILD -- writes what the last run in BUILD/bench measured into README.md, and its picture beside this script.
set -eu
cd "$(dirname "$0")/../.."
results=$1/bench/results.json
[ -s "$results" ] || { echo "readme.sh: no $results: run make bench first" >&2; exit 1; }
table=$(mktemp)
trap 'rm -f "$table"' EXIT
jq -rs '
	def figure: if . >= 100 then round elif . >= 10 then (. * 10 | round) / 10 else (. * 100 | round) / 100 end | tostring;
	def size: if . >= 1048576 then "\(. / 1048576 | figure) GiB" elif . >= 1024 then "\(. / 1024 | figure) MiB" else "\(figure) KiB" end;
	def quantity($unit): if $unit == "KiB" then size else figure + (if $unit == "" then "" else " " + $unit end) end;
	def row($g): "| \($g.goal) | \($g.what) | \(if $g.atMost != null then "≤ " + ($g.atMost | quantity($g.unit)) else "≥ " + ($g.atLeast | quantity($g.unit)) end) | \($g.measured | quantity($g.unit)) | \(if $g.met then "yes" else "**no**" end) |";
	(map(select(.rounds))[0]) as $run |
	(map(select(.goal))) as $goals |
	"One run of `make bench` on \($run.processors) processors (\($run.model), Linux \($run.kernel)), \($run.rounds) rounds of interleaved",
	"blocks; before a round others used \($run.othersUsed * 100 | round) % of the machine (median; at most \($run.othersUsedMost * 100 | round) %). A ratio is the median over rounds",
	"of two medians of one round. F: a bare `clone3` child of a tiny static process that reads one line and writes one. P:",
	"a pipe to a process that runs already. What is not met is shown as it is.",
	"",
	"| # | what | goal | measured | met |",
	"|---|---|--:|--:|---|",
	($goals[] | select(.unmeasured == null) | row(.)),
	"",
	([$goals[] | select(.unmeasured != null) | .what] | select(length > 0) | "Not measured: " + join("; ") + ".", ""),
	"![Request to first record, in bare clone3 children](tests/bench/ratios.svg)"
' "$results" >"$table"
sed -i -e '/^<!-- bench -->$/,/^<!-- end -->$/{/^<!--/!d}' -e "/^<!-- bench -->\$/r $table" README.md
cp "$1/bench/ratios.svg" tests/bench/ratios.svg
