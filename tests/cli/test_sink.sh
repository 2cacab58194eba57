# From topics to raw objects and tables in one process: `tarn serve` with broker, registry and sink, `tarn connector`, `tarn dlq`.
serve() { # serve NAME: in the background, up to "ready"; its process is $served, its ports are $broker, $registry and $connect
	"$tarn" serve --roles broker,registry,sink --data data --raw raw --broker-listen 127.0.0.1:0 --registry-listen 127.0.0.1:0 \
		--connect-listen 127.0.0.1:0 2>"$1.log" >"$1.out" </dev/null &
	served=$!
	while ! grep -q ' ready$' "$1.log"; do
		kill -0 "$served" 2>/dev/null || { cat "$1.log"; fail "$1 ended"; }
		sleep 0.05
	done
	broker=localhost:$(sed -n 's/.* broker .*, port \([0-9]*\);.*/\1/p' "$1.log")
	registry=http://localhost:$(sed -n 's/.* registry .*, port \([0-9]*\);.*/\1/p' "$1.log")
	connect=http://localhost:$(sed -n 's/.* sink .*, port \([0-9]*\);.*/\1/p' "$1.log")
}

end() {
	kill "$served"
	wait "$served" || fail "exit $? at its end: $(cat "$1.log")"
}

publish() { # publish FILE...: to experiment.vqe
	"$tarn" publish --topic experiment.vqe --brokers "$broker" --registry "$registry" --data spool "$@" >published 2>&1 ||
		fail "$(cat published)"
}

# written N: waits until the connector has N records in objects, committed
written() {
	for _ in $(seq 200); do
		"$tarn" connector status raw --connect "$connect" --json >status
		offsets=$(tr -d ' \n' <status | sed -n 's/.*"objects":\([0-9]*\).*/\1/p')
		"$tarn" features run --raw raw --lake lake >/dev/null 2>&1 || true
		[ "$(rows vqe_results)" = "$1" ] && return
		sleep 0.1
	done
	fail "$1 records were to come, there are $(rows vqe_results); $offsets objects"
}

serve first
"$tarn" connector ls --connect "$connect" >list
says list raw
publish "$golden"/raw/v2/experiments/experiment.vqe/partition=0/experiment.vqe+0+000000000[0-3].avro
written 4
find raw -name '*.avro' >objects
says objects raw/experiments/experiment.vqe/partition=0/experiment.vqe+0+0000000000.avro
"$tarn" dlq ls --brokers "$broker" >letters
says letters "no dead letters"

# The reference's file as it is; a paused connector stays paused.
expect 0 "$tarn" connector create "$here/../data/connectors/minio-sink-config.json" --connect "$connect"
says out "minio-sink: created"
says first.log 'minio-sink: "s3.access.key.id": taken for "aws.access.key.id"'
expect 1 "$tarn" connector create "$here/../data/connectors/minio-sink-config.json" --connect "$connect"
says err "already exists (HTTP 409)"
expect 1 "$tarn" connector status nobody --connect "$connect"
says err "Connector nobody not found (HTTP 404)"
expect 0 "$tarn" connector pause minio-sink --connect "$connect"
end first
serve second
"$tarn" connector ls --connect "$connect" >list
grep -q 'minio-sink *PAUSED' list || fail "$(cat list)"
expect 0 "$tarn" connector delete minio-sink --connect "$connect"
says out "minio-sink would be deleted"
expect 0 "$tarn" connector delete minio-sink --connect "$connect" --delete
says out "minio-sink: deleted"
end second

# Killed between an object and its commit, and once more while it is made again: nothing is lost, nothing doubled.
# A dead letter whose offset was not committed is met again, and is in its topic once.
printf '\000\000\000\000\143unknown' >unknown.bin
for point in sink.object sink.recipe; do
	TARN_KILL_AT=$point
	export TARN_KILL_AT
	serve "killed-$point"
	publish unknown.bin "$golden"/raw/v2/experiments/experiment.vqe/partition=1/experiment.vqe+1+000000000[0-3].avro || true
	code=0
	wait "$served" || code=$?
	[ "$code" = 137 ] || fail "exit $code, expected to be killed at $point"
	unset TARN_KILL_AT
done
serve last
publish
written 8
has repeated_results 0
"$tarn" dlq ls --brokers "$broker" --json >letters
sed -n 's/.*"offset":\([0-9]*\).*/\1/p' letters | sort | uniq -d >twice
[ -s letters ] && [ ! -s twice ] || fail "dead letters: $(cat letters)"

# Deleted is deleted, the default connector too; whoever wants it back creates it.
expect 0 "$tarn" connector delete raw --connect "$connect" --delete
end last
serve without
"$tarn" connector ls --connect "$connect" --json >list
! grep -q raw list || fail "the default connector is back: $(cat list)"
end without
