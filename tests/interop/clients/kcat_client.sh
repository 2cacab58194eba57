#!/usr/bin/env bash
# kcat writes with one codec and reads, by offsets and in a group. usage: kcat_client.sh BOOTSTRAP CODEC
set -euo pipefail
topic=kcat-$2-$$-$RANDOM
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
seq 1 500 | sed 's/.*/k&:value &/' >"$work/sent"
kcat -b "$1" -P -t "$topic" -K : -z "$2" -H h=1 -X enable.idempotence=true <"$work/sent"
kcat -b "$1" -L -J -t "$topic" | grep -q "\"topic\":\"$topic\""
kcat -b "$1" -C -t "$topic" -e -q -o beginning -f '%k:%s\n' >"$work/read"
diff <(sort "$work/sent") <(sort "$work/read")
[ "$(kcat -b "$1" -C -t "$topic" -e -q -o -1 -c 1 -f '%h')" = h=1 ]
timeout 60 kcat -b "$1" -q -G "$topic" -c 500 -X auto.offset.reset=earliest -f '%k:%s\n' "$topic" >"$work/group"
diff <(sort "$work/sent") <(sort "$work/group")
