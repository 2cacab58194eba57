#!/usr/bin/env bash
# franz-go's own tests of its client (pkg/kgo) against a broker; the sources come from the Go module proxy.
# usage: franz_go.sh install                   fetch and build below build/peers (or $TARN_PEERS); what is there is left alone
#        franz_go.sh run BOOTSTRAP FOLDER [PATTERN]
#            a line each: name, pass|fail|skip; FOLDER/franz_go.log keeps everything
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=v1.22.2
peers=${TARN_PEERS:-$here/../../../build/peers}
mkdir -p "$peers"
peers=$(cd "$peers" && pwd)
source=$peers/franz-go

build() {
	[ ! -x "$source/kgo.test" ] || return 0
	local folder found
	folder=$(mktemp -d "$peers/franz-go.XXXXXX")
	cd "$folder"
	go mod init suite >/dev/null 2>&1
	found=$(go mod download -json "github.com/twmb/franz-go@$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
	cp -r "$found" source
	chmod -R u+w source
	(cd source && go test -c -o kgo.test ./pkg/kgo)
	rm -rf "$source"
	mv source "$source"
	rm -rf "$folder"
}

run() { # BOOTSTRAP FOLDER [PATTERN]
	mkdir -p "$2"
	local log
	log=$(cd "$2" && pwd)/franz_go.log
	cd "$source/pkg/kgo"
	# Topics have one replica here; the suite's half a million records are of no more use than ten thousand.
	KGO_SEEDS=$1 KGO_TEST_RF=1 KGO_TEST_RECORDS=10000 timeout 900 "$source/kgo.test" -test.v -test.timeout 800s \
		${3:+-test.run "$3"} >"$log" 2>&1 || true
	sed -nE 's/^ *--- (PASS|FAIL|SKIP): ([^ ]+) .*/\2\t\L\1/p' "$log"
	! grep -aE -m1 '^(panic|fatal error):' "$log" >&2
}

case ${1:-} in
install) build ;;
run)
	shift
	run "$@"
	;;
*)
	sed -n '2,5p' "$0"
	exit 2
	;;
esac
