#!/usr/bin/env bash
# Installs programs that keep their state in Kafka topics, below build/peers (or $TARN_PEERS); what is there is left alone:
#   connect-jars        Kafka Connect 4.3.1 with its file connectors (Java 17)
#   apicurio-kafkasql   Apicurio Registry 2.6.13 with its storage in a topic (Java 17)
# usage: install.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${TARN_PEERS:-$here/../../../build/peers}
mkdir -p "$peers"
peers=$(cd "$peers" && pwd)

cmp -s "$here/connect-pom.xml" "$peers/connect-jars/pins.xml" || {
	rm -rf "$peers/connect-jars"
	mvn -B -q -f "$here/connect-pom.xml" dependency:copy-dependencies -DoutputDirectory="$peers/connect-jars"
	cp "$here/connect-pom.xml" "$peers/connect-jars/pins.xml"
}

version=2.6.13.Final
folder=$peers/apicurio-kafkasql
[ "$(cat "$folder/version" 2>/dev/null)" = $version ] || {
	rm -rf "$folder"
	mkdir -p "$folder"
	mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
		-Dartifact="io.apicurio:apicurio-registry-storage-kafkasql:$version:tar.gz:all" -DoutputDirectory="$folder"
	tar xzf "$folder"/*.tar.gz -C "$folder"
	rm "$folder"/*.tar.gz
	echo $version >"$folder/version"
}
