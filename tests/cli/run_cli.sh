#!/bin/sh
# The program from the outside, with nothing but a shell: each *.sh beside this one is a test, run in an empty folder of its own
# with $tarn (the program) and $golden (real input). usage: tests/cli/run_cli.sh [NAME...]
set -u
here=$(cd "$(dirname "$0")" && pwd)
tarn=$(realpath "${TARN:-$here/../../build/tarn}")
golden=$(cd "$here/../data/golden" && pwd)
export here tarn golden
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- $(cd "$here" && ls test_*.sh | sed 's/\.sh$//')

passed=0 failed=0
for name; do
	mkdir "$work/$name"
	if (cd "$work/$name" && sh -eu -c '. "$here/steps.sh"; . "$here/$0.sh"' "$name") >"$work/$name.log" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$name:"
		sed 's/^/  /' "$work/$name.log" | tail -20
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
