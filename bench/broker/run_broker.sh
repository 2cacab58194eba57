#!/bin/sh
# The broker beside Apache Kafka: see bench_broker.py. Installs Kafka below build/ where it is missing.
set -eu
cd "$(dirname "$0")/../.."
tests/interop/peers/install.sh kafka
exec python3 bench/broker/bench_broker.py "$@"
