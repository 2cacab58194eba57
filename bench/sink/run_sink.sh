#!/bin/sh
# The sink beside a plain consumer and Kafka Connect: see bench_sink.py. Installs what is missing below build/.
set -eu
cd "$(dirname "$0")/../.."
ninja -C build --quiet tarn tarn-network.so
venv=build/venv-bench-sink
if ! cmp -s tests/interop/requirements-kafka.txt "$venv/pins.txt"; then
	python3 -m venv --clear "$venv"
	"$venv/bin/pip" install --quiet --disable-pip-version-check "$(grep confluent-kafka tests/interop/requirements-kafka.txt)"
	cp tests/interop/requirements-kafka.txt "$venv/pins.txt"
fi
case " $* " in
*" --no-connect "*) ;;
*) tests/interop/peers/install.sh kafka ;;
esac
exec "$venv/bin/python" bench/sink/bench_sink.py "$@"
