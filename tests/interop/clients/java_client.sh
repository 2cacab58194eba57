#!/usr/bin/env bash
# Kafka's own tools (the Java client) write, read, measure and administer. usage: java_client.sh BOOTSTRAP, with BIN the folder of tools
set -euo pipefail
topic=java-$$-$RANDOM
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
at=(--bootstrap-server "$1")
says() { grep -q -- "$1" "$work/said" || { cat "$work/said"; echo "expected: $1"; exit 1; }; }

"$BIN/kafka-topics.sh" "${at[@]}" --create --topic "$topic" --partitions 3 --config retention.ms=3600000
seq 1 1000 >"$work/sent"
"$BIN/kafka-console-producer.sh" "${at[@]}" --topic "$topic" --compression-codec lz4 <"$work/sent"
"$BIN/kafka-console-consumer.sh" "${at[@]}" --topic "$topic" --group "$topic" --from-beginning --max-messages 1000 --timeout-ms 30000 \
	>"$work/read" 2>"$work/said"
diff "$work/sent" <(sort -n "$work/read")
"$BIN/kafka-consumer-groups.sh" "${at[@]}" --describe --group "$topic" >"$work/said"
[ "$(awk -v topic="$topic" '$2 == topic {sum += $4; lag += $6} END {print sum, lag}' "$work/said")" = "1000 0" ] ||
	{ cat "$work/said"; exit 1; }
"$BIN/kafka-consumer-groups.sh" "${at[@]}" --reset-offsets --group "$topic" --topic "$topic" --to-earliest --execute >"$work/said"
"$BIN/kafka-consumer-groups.sh" "${at[@]}" --describe --group "$topic" --state >"$work/said"
says Empty
"$BIN/kafka-get-offsets.sh" "${at[@]}" --topic "$topic" >"$work/said"
[ "$(awk -F: '{sum += $3} END {print sum}' "$work/said")" = 1000 ]
"$BIN/kafka-configs.sh" "${at[@]}" --describe --topic "$topic" >"$work/said"
says retention.ms=3600000
"$BIN/kafka-configs.sh" "${at[@]}" --alter --topic "$topic" --add-config max.message.bytes=2000000
"$BIN/kafka-producer-perf-test.sh" --topic "$topic" --num-records 20000 --record-size 1024 --throughput -1 \
	--bootstrap-server "$1" --producer-props acks=all enable.idempotence=true >"$work/said"
says '20000 records sent'
"$BIN/kafka-consumer-perf-test.sh" --bootstrap-server "$1" --topic "$topic" --group "$topic-perf" --num-records 20000 \
	--timeout 30000 >"$work/said"
says ', 2[0-9]\{4\}, '
"$BIN/kafka-consumer-groups.sh" "${at[@]}" --delete --group "$topic" >"$work/said"
says successful
"$BIN/kafka-topics.sh" "${at[@]}" --delete --topic "$topic"
