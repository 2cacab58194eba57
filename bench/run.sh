#!/bin/sh
# `make bench`: all of the comparisons, one after the other; README.md says what each is. Installs the real systems below build/ where
# they are missing. --write puts the pages into docs/, --quick tries the scripts.
set -eu
cd "$(dirname "$0")/.."
venv=build/venv
if ! cmp -s tests/interop/requirements.txt "$venv/bench-pins.txt"; then
	[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
	"$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/interop/requirements.txt
	cp tests/interop/requirements.txt "$venv/bench-pins.txt"
fi
[ "${1:-}" = --no-spark ] || tests/interop/peers/install.sh spark
"$venv/bin/python" bench/bench.py "$@"
case " $* " in
*" --quick "*) how=--quick ;;
*" --write "*) how=--write ;;
*) how= ;;
esac
bench/simulate/run_simulate.sh $how
bench/broker/run_broker.sh $how
bench/registry/bench_registry.py $how
bench/publish/bench_publish.py $how
bench/sink/run_sink.sh $how
