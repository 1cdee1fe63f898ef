#!/bin/bash
# image.t -- the image: the same twice, small, and run as a cluster would: no root, no capability, a root that nobody may write,
# and a filter of system calls like that of containerd.  The hostile suite is run in it.  Needs root and podman; ten minutes at most.
set -u
cd "$(dirname "$0")/../.." || exit 1
b=${B:-build}
image=localhost/bascule-test:$$
name=bascule-test-$$
most_mib=80

skip() { echo "1..0 # SKIP machine: $1"; exit 0; }
[ "$(id -u)" = 0 ] || skip "not root"
for tool in podman runc jq curl openssl perl; do command -v "$tool" >/dev/null || skip "no $tool"; done
profile=/usr/share/containers/seccomp.json
[ -f "$profile" ] || skip "no $profile"

work=$(mktemp -d) || exit 1
# crun refuses hybrid hierarchies; default limits may be above what this root may set.
cat >"$work/containers.conf" <<-'EOT'
	[engine]
	runtime = "runc"
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	[containers]
	default_ulimits = ["nofile=8192:8192", "nproc=4096:4096"]
EOT
export CONTAINERS_CONF=$work/containers.conf
podman="podman --root $work/store --runroot $work/run"
finish() {
	$podman rm -f -t 0 --all >/dev/null 2>&1
	$podman rmi -f --all >/dev/null 2>&1
	umount "$work/store/overlay" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT
n=0
ok() {		# ok STATUS TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
	return "$1"
}
tell() { cut -c 1-300 "$@" | head -n 8 | sed 's/^/# /'; }

# --- the same twice
first=$(PODMAN=$podman B=$b sh containers/build.sh "$image" 2>"$work/err")
[ -n "$first" ]
ok $? "it is built" || { tell "$work/err"; echo "1..$n"; exit 1; }
sleep 1
second=$(PODMAN=$podman B=$b sh containers/build.sh "$image" 2>"$work/err")
[ "$first" = "$second" ]
ok $? "and again, to the same id"
oci=$(PODMAN=$podman B=$b FORMAT=oci sh containers/build.sh "$image-oci" 2>"$work/err")
[ "$($podman image inspect "$oci" | jq -r '.[0].ManifestType')" = application/vnd.oci.image.manifest.v1+json ]
ok $? "or as an OCI image"

# --- what is in it
$podman image inspect "$image" >"$work/image"
jq -e '.[0] | .Config.User == "65532:65532" and (.Healthcheck // .HealthCheck).Test[0] == "CMD" and
    (.Config.Labels | has("org.opencontainers.image.version") and has("org.opencontainers.image.licenses"))' "$work/image" >"$work/out"
ok $? "a user, a health check, labels"
mib=$(jq '.[0].Size / 1048576 | floor' "$work/image")
[ "$mib" -le "$most_mib" ]
ok $? "$mib MiB, at most $most_mib"
root=$($podman image mount "$image")
[ -z "$(find "$root" -perm /6000 -print -quit)" ] && [ -z "$(find "$root" -perm -002 ! -type l ! -path "$root/tmp" -print -quit)" ]
ok $? "no set-user-id file, none that everybody may write"
[ -z "$(find "$root" \( -name sh -o -name bash -o -name busybox -o -name perl -o -name dpkg -o -name apt \) -type f -print -quit)" ]
ok $? "no shell"
libraries=$(find "$root/usr/lib" -name '*.so.*' | wc -l)
[ "$libraries" -gt 10 ] && [ "$(find "$root/var/lib/dpkg/status.d" -type f | wc -l)" -gt 10 ] &&
    ! grep -L '^Version: .' "$root"/var/lib/dpkg/status.d/* | grep -q .
ok $? "$libraries libraries, their packages named with versions"
grep -q 'BEGIN CERTIFICATE' "$root/etc/ssl/certs/ca-certificates.crt"
ok $? "certificates"
! grep -rqF "$PWD" "$root/usr/bin" "$root/usr/libexec" "$root/etc" "$root/var" "$root/usr/lib/bascule"
ok $? "nothing of this machine"
$podman image unmount "$image" >/dev/null

# --- run as told to
jq -f tests/containers/seccomp.jq "$profile" >"$work/seccomp.json" || exit 1
usual="--network none --read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges
	--security-opt seccomp=$work/seccomp.json --pids-limit 512 --memory 1g --user 65532:65532 --no-healthcheck"
# shellcheck disable=SC2086
$podman run --rm $usual "$image" doctor --sandbox container >"$work/out" 2>&1
ok $? "doctor: the set holds" || tell "$work/out"
until_ready() {	# until_ready CONTAINER PLACE
	local i
	for i in $(seq 50); do
		$podman exec "$1" /usr/bin/bascule serve check "$2" 2>"$work/err" && return 0
		sleep 0.2
	done
	return 1
}
# shellcheck disable=SC2086
$podman run -d --name "$name" ${usual/--no-healthcheck/} "$image" >/dev/null 2>"$work/err"
until_ready "$name" 127.0.0.1:7080
ok $? "its own command needs no place to write" || tell "$work/err"
$podman healthcheck run "$name" >"$work/out" 2>&1
ok $? "and is healthy" || tell "$work/out"
! $podman exec "$name" /usr/bin/bascule serve check 127.0.0.1:7081 2>/dev/null && ! $podman exec "$name" /usr/bin/bascule serve check unix:/nowhere 2>/dev/null
ok $? "another place is not"
pid=$($podman inspect "$name" | jq '.[0].State.Pid')
grep -q '^CapEff:	0000000000000000$' "/proc/$pid/status" && grep -q '^CapBnd:	0000000000000000$' "/proc/$pid/status" &&
    grep -q '^NoNewPrivs:	1$' "/proc/$pid/status" && grep -q '^Seccomp:	2$' "/proc/$pid/status" &&
    grep -qP '^Uid:\t65532\t65532\t65532\t65532$' "/proc/$pid/status"
ok $? "no root, no capability, no new privilege, filtered"
$podman stop -t 20 "$name" >/dev/null 2>&1
[ "$($podman inspect "$name" | jq '.[0].State.ExitCode')" = 0 ]
ok $? "told to end it does, with status 0"

# --- as in the cluster: the manifest's arguments, secrets in files
# fsGroup makes volumes root's, and the group's to write.
mkdir "$work/tls" "$work/tokens" "$work/run-volume" "$work/state"
chgrp 65532 "$work/run-volume" "$work/state"
chmod 2775 "$work/run-volume" "$work/state"
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout "$work/tls/tls.key" -out "$work/tls/tls.crt" 2>/dev/null
token=$("$b/bin/bascule" serve token add tester --tokens "$work/tokens/tokens" --scope invoke,read 2>/dev/null)
chgrp -R 65532 "$work/tls" "$work/tokens"
chmod 750 "$work/tls" "$work/tokens"
chmod 440 "$work"/tls/* "$work"/tokens/*
mapfile -t args < <(sed -n 's/^            - \(serve\|--.*\)$/\1/p' containers/deploy.yaml)
[ "${#args[@]}" -gt 8 ]
ok $? "the manifest has arguments"
memory=$(sed -n 's/^              memory: \([0-9]*\)Gi$/\1g/p' containers/deploy.yaml)
# shellcheck disable=SC2086
$podman run -d --name "$name-k" ${usual/--memory 1g/--memory $memory} -v "$work/tls:/etc/bascule/tls:ro" \
    -v "$work/tokens:/etc/bascule/tokens:ro" -v "$work/run-volume:/run/bascule" -v "$work/state:/var/lib/bascule" "$image" "${args[@]}" >/dev/null 2>"$work/err"
until_ready "$name-k" unix:/run/bascule/bascule.sock
ok $? "with them it is ready" || { $podman logs "$name-k" >"$work/err" 2>&1; tell "$work/err"; }
inside() { nsenter -t "$($podman inspect "$name-k" | jq '.[0].State.Pid')" -n curl -sS -m 20 --cacert "$work/tls/tls.crt" "$@"; }
[ "$(inside -o /dev/null -w '%{http_code}' https://localhost:8443/readyz)" = 200 ]
ok $? "a probe by HTTPS"
[ "$(inside -o /dev/null -w '%{http_code}' https://localhost:8443/v1/connectors)" = 401 ] &&
    inside -H "Authorization: Bearer $token" https://localhost:8443/v1/connectors | jq -e '.connectors | length >= 2' >/dev/null
ok $? "a token is wanted, and good"
inside -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -H 'Accept: application/x-ndjson; verdict=1' \
    -d '{"type":"std:test-connection","config":{"baseUrl":"https://169.254.169.254/scim","token":"x"},"input":{}}' \
    https://localhost:8443/v1/connectors/scim/invoke >"$work/out"
grep -q 'no-egress' "$work/out"
ok $? "a command is run, and the metadata service is out of its reach" || tell "$work/out"
$podman rm -f -t 0 "$name-k" >/dev/null

# --- a user namespace of its own: strict
mkdir -p "$work/evil/evil" "$work/sock"
cp "$b/tests/evil/evil/evil" "$b/tests/evil/evil/connector-spec.json" "$work/evil/evil/"
chmod 755 "$work"
echo '{"type":"evil:ok","config":{},"input":{}}' >"$work/request"
strict() {	# strict PROFILE: the receipt
	# shellcheck disable=SC2086
	$podman run --rm -i ${usual/seccomp=$work\/seccomp.json/seccomp=$1} --uidmap 0:100000:65536 --gidmap 0:100000:65536 \
	    -v "$work/evil:/evil:ro" -e BASCULE_CONNECTORS=/evil "$image" invoke evil --sandbox strict --verdict \
	    <"$work/request" 2>"$work/err" | tail -n 1 >"$work/out"
}
strict containers/seccomp-strict.json
jq -e '.data.outcome == "ok" and ([.data.layers[] | .state] | index("waived") | not)' "$work/out" >/dev/null
ok $? "strict, in a user namespace, with seccomp-strict.json" || tell "$work/out" "$work/err"
strict "$work/seccomp.json"
jq -e '.data.cause == "sandbox" and .data.exit == 81' "$work/out" >/dev/null
ok $? "with the usual filter it is refused, not weakened" || tell "$work/out" "$work/err"

# --- the hostile suite, in the image; two nurseries stay, for one row has limits of its own
rm -rf "$work/evil"
mkdir "$work/evil"
chmod 755 "$work/evil"
chown 65532 "$work/sock"
# shellcheck disable=SC2086
$podman run -d --name "$name-e" $usual -v "$work/evil:/evil:ro" -v "$work/sock:/run/bascule" -e BASCULE_CONNECTORS=/evil "$image" \
    serve --sandbox container --listen unix:/run/bascule/s --parked-max 0 >/dev/null 2>"$work/err"
until_ready "$name-e" unix:/run/bascule/s
ok $? "a server for the hostile suite" || tell "$work/err"
EVIL_ROWS=$PWD/tests/containers/attacks.tsv EVIL_RUN=$work/evil EVIL_STAY=2 BASCULE=$PWD/tests/containers/by-serve.sh \
    BY_SERVE_SOCKET=$work/sock/s B=$b timeout 500 tests/evil/evil.t >"$work/rows" 2>&1
held=$(grep -c '^ok ' "$work/rows")
[ "$held" -gt 250 ] && ! grep -q '^not ok' "$work/rows" && grep -qx "1..$held" "$work/rows"
ok $? "$held attacks are held by it" || grep -A 2 '^not ok' "$work/rows" | cut -c 1-300 | sed 's/^/# /'
until_ready "$name-e" unix:/run/bascule/s
ok $? "and it lives"
pid=$($podman inspect "$name-e" | jq '.[0].State.Pid')
$podman kill -s KILL "$name-e" >/dev/null
for _ in $(seq 20); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
! ps -eo uid= | grep -qw 65532
ok $? "killed, it leaves no process"
echo "1..$n"
