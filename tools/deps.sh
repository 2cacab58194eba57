#!/bin/sh
# Installs the Debian packages of the named groups (tools/packages.txt) that are missing; does nothing where all are there.
# usage: tools/deps.sh build|test|interop...
set -eu
list=$(dirname "$0")/packages.txt
[ $# -gt 0 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }

wanted=
for group; do
	names=$(sed -n "s/^$group  *//p" "$list")
	[ -n "$names" ] || { echo "deps: no group \"$group\" in $list" >&2; exit 2; }
	wanted="$wanted $names"
done

if ! command -v dpkg-query >/dev/null; then
	echo "deps: this is not Debian; the libraries of $list are taken to be installed" >&2
	exit 0
fi
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
missing=
for name in $wanted; do
	echo "$installed" | grep -qx "$name" || missing="$missing $name"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
	as_root=sudo
	if ! command -v sudo >/dev/null; then
		echo "deps: not root, and no sudo here; as root, run: apt-get install$missing" >&2
		exit 1
	fi
fi
echo "deps: installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt_get() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 </dev/null && return
	cat "$log" >&2
	echo "deps: apt-get $1 failed" >&2
	exit 1
}
start=$(date +%s)
apt_get update
# shellcheck disable=SC2086 # a list of names
apt_get install --no-install-recommends $missing
echo "deps: installed in $(($(date +%s) - start)) s"
