#!/bin/bash
# deploy.t -- the Kubernetes manifests, offline: schemas, names of fields, the restricted Pod Security Standard.
# The npm packages for it are those of deploy/package-lock.json, by their hashes, from whatever registry npm is set to.
set -u
cd "$(dirname "$0")/../.." || exit 1
tree=$PWD
b=$(mkdir -p "${B:-build}" && cd "${B:-build}" && pwd)
for tool in node npm; do command -v "$tool" >/dev/null || { echo "1..0 # SKIP machine: no $tool"; exit 0; }; done
if grep -qE '"resolved"|https?:' tests/containers/deploy/package-lock.json; then
	echo "1..1"
	echo "not ok 1 - the lock file names a host"
	exit 1
fi
mkdir -p "$b/deploy" && cp tests/containers/deploy/* "$b/deploy/" || exit 1
cd "$b/deploy" || exit 1
if ! cmp -s package-lock.json node_modules/.locked; then
	timeout 300 npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 || {
		echo "1..1"
		echo "not ok 1 - npm packages are installed"
		tail -n 5 npm.log | sed 's/^/# /'
		exit 1
	}
	cp package-lock.json node_modules/.locked
fi
exec node validate.js "$tree/containers/deploy.yaml" "$tree/containers/deploy-userns.yaml"
