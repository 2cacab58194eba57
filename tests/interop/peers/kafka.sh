#!/usr/bin/env bash
# Apache Kafka as one node (KRaft), in the foreground; it ends with this process.
# usage: kafka.sh DIR PORT [KEY=VALUE...]   everything below DIR; settings of the broker may be added
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${TARN_PEERS:-$here/../../../build/peers}
"$here/install.sh" kafka
jars=$(cd "$peers" && pwd)/kafka-jars
dir=$1 port=$2
shift 2
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
controller=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$dir/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
log.dirs=$dir/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
PROPERTIES
printf '%s\n' "$@" >>"$dir/server.properties"
cat >"$dir/log4j2.properties" <<'PROPERTIES'
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m%n
PROPERTIES
kafka=(java -Xms128m -Xmx512m -Djava.awt.headless=true "-Dlog4j2.configurationFile=$dir/log4j2.properties" -cp "$jars/*")
if [ ! -e "$dir/data/meta.properties" ]; then
	id=$("${kafka[@]}" kafka.tools.StorageTool random-uuid 2>/dev/null)
	"${kafka[@]}" kafka.tools.StorageTool format -t "$id" -c "$dir/server.properties" >"$dir/format.log"
fi
exec "${kafka[@]}" kafka.Kafka "$dir/server.properties"
