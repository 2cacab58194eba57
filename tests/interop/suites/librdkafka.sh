#!/usr/bin/env bash
# librdkafka's own tests against a broker. The sources (library and tests) come with the npm package of Confluent's JavaScript client.
# usage: librdkafka.sh install                    fetch and build below build/peers (or $TARN_PEERS); what is there is left alone
#        librdkafka.sh list                       the numbers of the tests that need a broker
#        librdkafka.sh run BOOTSTRAP FOLDER quick|full SECONDS TEST...
#            one process a test; a line each: number, pass|fail|skip|timeout, seconds, what went wrong first; FOLDER keeps the logs
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
package=@confluentinc/kafka-javascript@1.10.1
version=4.3.1 # of Kafka: decides which tests apply
peers=${TARN_PEERS:-$here/../../../build/peers}
mkdir -p "$peers"
peers=$(cd "$peers" && pwd)
tests=$peers/librdkafka/tests

build() {
	[ ! -x "$tests/test-runner" ] || return 0
	local folder
	folder=$(mktemp -d "$peers/librdkafka.XXXXXX")
	cd "$folder"
	tar xzf "$(npm pack --silent "$package" | tail -n 1)"
	cd package/deps/librdkafka
	{ bash ./configure --disable-debug-symbols && make -j2 libs && make -C tests -j2 build; } >"$folder/build.log" 2>&1 ||
		{ tail -n 20 "$folder/build.log" >&2; exit 1; }
	rm -rf "$peers/librdkafka"
	mv "$folder/package/deps/librdkafka" "$peers/librdkafka"
	rm -rf "$folder"
}

numbers() {
	sed -n '/^struct test tests\[\]/,/^};/p' "$tests/test.c" | tr -d '\n' | sed 's/_TEST(/\n_TEST(/g' |
		grep -v -e TEST_F_LOCAL -e TEST_F_MANUAL | sed -nE 's/^_TEST\(([0-9]{4}).*/\1/p' | sort -u
}

# A test that skips itself passes for the runner.
outcome() { # LOG STATUS
	if [ "$2" = 124 ] || [ "$2" = 137 ]; then
		echo timeout
	elif [ "$2" != 0 ]; then
		echo fail
	elif grep -aq 'SKIPPING TEST' "$1" && ! grep -aq ' PASSED' "$1"; then
		echo skip
	else
		echo pass
	fi
}

run() { # BOOTSTRAP FOLDER MODE SECONDS TEST...
	local bootstrap=$1 folder mode=$3 seconds=$4 test status start reason
	mkdir -p "$2"
	folder=$(cd "$2" && pwd)
	shift 4
	cd "$tests"
	printf 'metadata.broker.list=%s\ntest.topic.random=true\ntest.timeout.multiplier=3\n' "$bootstrap" >"$folder/test.conf"
	export RDKAFKA_TEST_CONF=$folder/test.conf BROKERS=$bootstrap TEST_KAFKA_VERSION=$version RDKAFKA_GITVER=npm
	export LD_LIBRARY_PATH=../src:../src-cpp KAFKA_PATH=$folder/kafka
	"$here/kafka_tools.sh" "$KAFKA_PATH"
	for test in "$@"; do
		start=$EPOCHREALTIME
		status=0
		# The group of processes: some tests start Kafka's tools.
		TESTS=$test timeout -k 5 "$seconds" ./test-runner $([ "$mode" = full ] || echo -Q) -E -p1 >"$folder/$test.log" 2>&1 </dev/null ||
			status=$?
		reason=$(sed 's/\x1b\[[0-9;]*m//g' "$folder/$test.log" |
			grep -aEm1 'TEST FAILURE|failed at|SKIPPING TEST|[Aa]ssert' | cut -c1-160 || true)
		printf '%s\t%s\t%.1f\t%s\n' "$test" "$(outcome "$folder/$test.log" "$status")" \
			"$(echo "$EPOCHREALTIME - $start" | bc)" "$reason"
	done
}

case ${1:-} in
install) build ;;
list) numbers ;;
run)
	shift
	run "$@"
	;;
*)
	sed -n '2,7p' "$0"
	exit 2
	;;
esac
