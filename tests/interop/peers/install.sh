#!/usr/bin/env bash
# Installs the readers that `make interop` and `make bench` compare with, below build/peers (or $TARN_PEERS):
#   venv-readers   Daft, ClickHouse (chdb), DataFusion, Polars' Iceberg plugin
#   venv-sail      Sail
#   venv-physics   PySCF, Qiskit with Aer, PennyLane lightning, Qulacs, quantum-pipeline
#   kafka-jars     Apache Kafka 4.3.1 with its tools (Java 17)
#   venv-spark, spark-jars   Spark 4.0.2, Iceberg 1.10.1, Avro 1.12.1, sqlite-jdbc (Java 17)
#   venv-registry, avro-jars     clients of schema registries; Avro 1.12.1, asked through py4j (Java 17)
#   venv-seaweed   SeaweedFS, an S3 server
#   go/bin   versitygw, an S3 server (Go; three minutes to build)
# usage: install.sh [readers|sail|spark|seaweed|versitygw|kafka|registry|avro|physics]...   the first five by default; what is there
# already is left alone
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${TARN_PEERS:-$here/../../../build/peers}
mkdir -p "$peers"
peers=$(cd "$peers" && pwd)

# venv NAME: made anew whenever its pins change
venv() {
	local folder=$peers/venv-$1 pins=$here/$1.txt
	cmp -s "$pins" "$folder/pins.txt" && return
	echo "install: $folder" >&2
	python3 -m venv --clear "$folder"
	"$folder/bin/pip" install --quiet --disable-pip-version-check -r "$pins"
	cp "$pins" "$folder/pins.txt"
}

# jars NAME
jars() {
	local folder=$peers/$1-jars pins=$here/$1-pom.xml
	cmp -s "$pins" "$folder/pins.xml" && return
	echo "install: $folder" >&2
	rm -rf "$folder"
	mvn -B -q -f "$pins" dependency:copy-dependencies -DoutputDirectory="$folder"
	cp "$pins" "$folder/pins.xml"
}

go_program() {
	[ -x "$peers/go/bin/$(basename "${1%@*}")" ] && return
	echo "install: $1" >&2
	GOBIN=$peers/go/bin GOTOOLCHAIN=local nice go install "$1"
}

for name in "${@:-readers sail spark seaweed versitygw}"; do
	for peer in $name; do
		case $peer in
		versitygw) go_program github.com/versity/versitygw/cmd/versitygw@v1.8.0 ;;
		*)
			[ ! -e "$here/$peer.txt" ] || venv "$peer"
			[ ! -e "$here/$peer-pom.xml" ] || jars "$peer"
			;;
		esac
	done
done
