#!/usr/bin/env bash
# Installs the libraries that the programs beside this script use, below build/peers (or $TARN_PEERS); what is there is left alone.
# usage: install_clients.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${TARN_PEERS:-$here/../../../build/peers}
mkdir -p "$peers"
peers=$(cd "$peers" && pwd)

venv() { # NAME REQUIREMENTS
	local folder=$peers/venv-$1
	! cmp -s "$2" "$folder/pins.txt" || return 0
	python3 -m venv --clear "$folder"
	"$folder/bin/pip" install --quiet --disable-pip-version-check -r "$2"
	cp "$2" "$folder/pins.txt"
}

node() {
	local folder=$peers/node
	mkdir -p "$folder"
	cmp -s "$here/package.json" "$folder/pins.json" || {
		cp "$here/package.json" "$folder/package.json"
		(cd "$folder" && npm install --no-audit --no-fund --ignore-scripts --silent)
		cp "$here/package.json" "$folder/pins.json"
	}
	cp "$here"/*.mjs "$folder"
}

venv clients "$here/../requirements-kafka.txt"
venv ng "$here/ng.txt"
node
(cd "$here/go" && go build -o "$peers/judge" .)
"$here/../suites/kafka_tools.sh" "$peers/kafka-tools"
