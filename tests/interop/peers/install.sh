#!/usr/bin/env bash
# Installs the readers that `make interop` and `make bench` compare with, below build/peers (or $TARN_PEERS):
#   venv-readers   Daft, ClickHouse (chdb), DataFusion, Polars' Iceberg plugin
#   venv-sail      Sail
#   venv-physics   PySCF, Qiskit with Aer, PennyLane lightning, Qulacs, quantum-pipeline
#   kafka-jars     Apache Kafka 4.3.1 with its tools (Java 17)
#   venv-spark, spark-jars   Spark 4.0.2, Iceberg 1.10.1, Avro 1.12.1, sqlite-jdbc (Java 17)
#   venv-registry, registry-node, go/bin/registry   clients of schema registries (Node 18, Go)
#   venv-publish   confluent-kafka with its Avro serializer, for the bench of publishing
#   avro-jars      Avro 1.12.1, asked through py4j of venv-registry (Java 17)
#   apicurio       Apicurio Registry 2.6.13 (Java 17)
#   venv-seaweed   SeaweedFS, an S3 server and an Iceberg REST catalog
#   nessie         Nessie 0.99.0, an Iceberg REST catalog (Java 21 or later)
#   iceberg-rest-jars   the REST catalog of Iceberg 1.10.1's own tests (Java 17)
#   go/bin   versitygw and minio, S3 servers (Go; some minutes to build)
# usage: install.sh [NAME]...   readers, sail, spark, seaweed and versitygw, or those named (kafka, registry, avro, apicurio,
#   physics, minio ...); what is there
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

# npm_packages NAME
npm_packages() {
	local folder=$peers/$1-node pins=$here/$1-package.json
	cmp -s "$pins" "$folder/pins.json" && return
	echo "install: $folder" >&2
	rm -rf "$folder"
	mkdir -p "$folder"
	cp "$pins" "$folder/package.json"
	(cd "$folder" && npm install --no-audit --no-fund --ignore-scripts --silent)
	cp "$pins" "$folder/pins.json"
}

# go_build NAME: the module in this folder's go/NAME
go_build() {
	local pins
	pins=$(cat "$here/go/$1"/* | sha256sum)
	[ -x "$peers/go/bin/$1" ] && [ "$(cat "$peers/go/$1.sum" 2>/dev/null)" = "$pins" ] && return
	echo "install: $peers/go/bin/$1" >&2
	mkdir -p "$peers/go/bin"
	(cd "$here/go/$1" && GOTOOLCHAIN=local GOFLAGS=-mod=mod nice go build -o "$peers/go/bin/$1" .)
	echo "$pins" >"$peers/go/$1.sum"
}

apicurio() {
	local folder=$peers/apicurio version=2.6.13.Final
	[ "$(cat "$folder/version" 2>/dev/null)" = $version ] && return
	echo "install: $folder" >&2
	rm -rf "$folder"
	mkdir -p "$folder"
	mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
		-Dartifact="io.apicurio:apicurio-registry-app:$version:tar.gz:all" -DoutputDirectory="$folder"
	tar xzf "$folder/apicurio-registry-app-$version-all.tar.gz" -C "$folder"
	rm "$folder/apicurio-registry-app-$version-all.tar.gz"
	echo $version >"$folder/version"
}

nessie() {
	local folder=$peers/nessie version=0.99.0
	[ "$(cat "$folder/version" 2>/dev/null)" = $version ] && return
	echo "install: $folder" >&2
	rm -rf "$folder"
	mkdir -p "$folder"
	mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
		-Dartifact="org.projectnessie.nessie:nessie-quarkus:$version:jar:runner" -DoutputDirectory="$folder"
	echo $version >"$folder/version"
}

go_program() {
	[ -x "$peers/go/bin/$(basename "${1%@*}")" ] && return
	echo "install: $1" >&2
	GOBIN=$peers/go/bin GOTOOLCHAIN=local nice go install "$1"
}

for name in "${@:-readers sail spark seaweed versitygw}"; do
	for peer in $name; do
		case $peer in
		apicurio) apicurio ;;
		nessie) nessie ;;
		versitygw) go_program github.com/versity/versitygw/cmd/versitygw@v1.8.0 ;;
		minio) go_program github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c ;;
		*)
			[ ! -e "$here/$peer.txt" ] || venv "$peer"
			[ ! -e "$here/$peer-pom.xml" ] || jars "$peer"
			[ ! -e "$here/$peer-package.json" ] || npm_packages "$peer"
			[ ! -d "$here/go/$peer" ] || go_build "$peer"
			;;
		esac
	done
done
