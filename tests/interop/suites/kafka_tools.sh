#!/usr/bin/env bash
# Makes FOLDER/bin/kafka-*.sh as a download of Kafka has them, over the jars that ../peers/install.sh fetches.
# usage: kafka_tools.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${TARN_PEERS:-$here/../../../build/peers}
"$here/../peers/install.sh" kafka
jars=$(cd "$peers" && pwd)/kafka-jars
mkdir -p "$1/bin"
while read -r name class; do
	cat >"$1/bin/$name.sh" <<-TOOL
		#!/bin/sh
		exec java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '$jars/*' $class "\$@"
	TOOL
	chmod +x "$1/bin/$name.sh"
done <<'TOOLS'
kafka-acls org.apache.kafka.tools.AclCommand
kafka-configs kafka.admin.ConfigCommand
kafka-console-consumer org.apache.kafka.tools.consumer.ConsoleConsumer
kafka-console-producer org.apache.kafka.tools.ConsoleProducer
kafka-consumer-groups org.apache.kafka.tools.consumer.group.ConsumerGroupCommand
kafka-consumer-perf-test org.apache.kafka.tools.ConsumerPerformance
kafka-get-offsets org.apache.kafka.tools.GetOffsetShell
kafka-producer-perf-test org.apache.kafka.tools.ProducerPerformance
kafka-topics org.apache.kafka.tools.TopicCommand
kafka-transactions org.apache.kafka.tools.TransactionsCommand
kafka-verifiable-consumer org.apache.kafka.tools.VerifiableConsumer
kafka-verifiable-producer org.apache.kafka.tools.VerifiableProducer
TOOLS
