#!/bin/sh
# build.sh [NAME:TAG] -- builds the image with podman from this tree and this machine's Debian packages, without network.
# The same tree, compiler and packages give the same image id.  Prints it.
#	B=build		build folder
#	PODMAN=podman	and its options
#	FORMAT=docker	or oci, which has no place for HEALTHCHECK
set -eu
umask 022
cd "$(dirname "$0")/.."
name=${1:-localhost/bascule:latest}
b=${B:-build}
podman=${PODMAN:-podman}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sh containers/root.sh "$b" "$work/root"
mkdir -m 700 "$work/own"
version=$(sed -n 's/^#define BASCULE_VERSION[^"]*"\(.*\)"/\1/p' worker/contract/version.h)
cp containers/Containerfile "$work/"

# shellcheck disable=SC2086
$podman build --quiet --format "${FORMAT:-docker}" --network none --timestamp 0 --identity-label=false --pull=never -t "$name" \
    --label org.opencontainers.image.title=bascule \
    --label org.opencontainers.image.description="runs commands of identity connectors, each in a fresh, confined process" \
    --label org.opencontainers.image.version="$version" \
    --label org.opencontainers.image.licenses=Apache-2.0 \
    -f "$work/Containerfile" "$work"
