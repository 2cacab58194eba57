#!/bin/sh
# Simulation beside Aer, lightning, Qulacs and the reference: see bench_simulate.py. Installs them below build/ where they are missing.
set -eu
cd "$(dirname "$0")/../.."
ninja -C build --quiet bench_energy
mkdir -p build/bench
cc -O2 -o build/bench/measure bench/measure.c
tests/interop/peers/install.sh physics
exec python3 bench/simulate/bench_simulate.py "$@"
