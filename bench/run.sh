#!/bin/sh
# `make bench`: see bench.py, simulate/ and broker/. Installs Spark and the Python readers below build/ where they are missing.
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
