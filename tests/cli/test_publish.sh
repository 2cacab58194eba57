# Records wait for a broker, then arrive once and in order, whatever dies on the way.
. "$here/server.sh"
topic_holds() { # topic_holds TOPIC COUNT: that many records that were committed
	"$tarn" topic read "$1" --brokers "$brokers" --json >records
	count=$(grep -c . records || true)
	[ "$count" = "$2" ] || fail "$1 holds $count records, expected $2"
}

expect 0 "$tarn" simulate H2 --seed 1 --max-iterations 5 --out raw
expect 0 "$tarn" simulate HeH+ --seed 2 --max-iterations 5 --out raw
first=raw/experiments/experiment.vqe/partition=0/experiment.vqe+0+0000000000.avro
second=raw/experiments/experiment.vqe/partition=0/experiment.vqe+0+0000000001.avro

# Nobody answers.
nobody="--brokers 127.0.0.1:1 --registry http://127.0.0.1:1 --data client"
expect 0 "$tarn" publish "$first" --topic experiment.vqe $nobody
says out "1 waits"
expect 0 "$tarn" simulate H2 --seed 3 --max-iterations 5 --publish $nobody
says out "waits in client/spool"

serve platform --roles broker,registry,publisher --data data --broker-listen 127.0.0.1:0 --registry-listen 127.0.0.1:0
brokers=127.0.0.1:$(port_of platform broker)
there="--brokers $brokers --registry http://127.0.0.1:$(port_of platform registry) --data client"
expect 0 "$tarn" publish $there
says out "published 2 records"
topic_holds experiment.vqe 2
expect 0 "$tarn" publish $there
says out "nothing waits"
registry=http://127.0.0.1:$(port_of platform registry)
expect 0 "$tarn" topic read experiment.vqe --decode --count 1 --json --brokers "$brokers" --registry "$registry"
says out '"schema_id":1,"value":{"vqe_result":{"initial_data":{"backend":"tarn_statevector"'
expect 0 "$tarn" status --data client --brokers "$brokers" --registry "$registry" --connect http://127.0.0.1:1
says out "0 records wait, 0 records refused"
says out "1 subjects"

# Killed at each step between taking a record and forgetting it: nothing is lost, nothing comes twice.
n=2
for point in spool.added publish.sent publish.committed; do
	code=0
	TARN_KILL_AT=$point "$tarn" publish "$second" --topic experiment.vqe $there >/dev/null 2>&1 || code=$?
	[ "$code" = 137 ] || fail "exit $code at $point, expected 137"
	expect 0 "$tarn" publish "$first" --topic experiment.vqe $there
	n=$((n + 2))
	topic_holds experiment.vqe "$n"
done

# Several files of different sizes in one go.
expect 0 "$tarn" publish $(find "$golden/raw/v2/experiments/experiment.vqe" -name '*.avro' | sort) --topic together $there
topic_holds together 13

# A schema that those who read the old one could not follow is refused with the reason, and the record is kept.
sed 's/"multiplicity"/"multiplicitx"/' "$first" >other.avro # of the same length, so that the file stays readable
cmp -s "$first" other.avro && fail "the schema's text is not what was expected"
expect 1 "$tarn" publish other.avro --topic experiment.vqe $there
says err "refused, kept in \"client/spool/refused\""
says err multiplic
topic_holds experiment.vqe "$n"
[ "$(ls client/spool/refused | wc -l)" = 1 ] || fail "the refused record is not kept"

# A topic may want values that the registry knows: what is none is refused by the broker, with the reason, and kept.
expect 0 "$tarn" topic create guarded schema.validation=true --brokers "$brokers"
expect 0 "$tarn" publish "$first" --topic guarded $there
printf '\000\000\000\000\001short' >damaged.bin
printf '\000\000\000\143\001unknown' >unknown.bin
expect 1 "$tarn" publish damaged.bin --topic guarded $there
says err "refused"
expect 1 "$tarn" publish unknown.bin --topic guarded $there
topic_holds guarded 1
[ "$(ls client/spool/refused | wc -l)" = 3 ] || fail "refused messages are not kept"

# A result of many iterations is larger than Kafka's own limit of 1 MiB: topics that are made for it take it, others refuse.
{ printf '\000\000\000\000\001' && head -c 3000000 /dev/zero; } >large.bin
expect 0 "$tarn" publish large.bin --topic made.for.it $there
topic_holds made.for.it 1
expect 0 "$tarn" topic create small --brokers "$brokers"
expect 1 "$tarn" publish large.bin --topic small $there
says err "refused"
says err "too large"

# What waits in the platform's own folder is sent by itself.
expect 0 "$tarn" publish "$first" --topic of.its.own --brokers 127.0.0.1:1 --registry http://127.0.0.1:1 --data data
says out "1 waits"
for _ in $(seq 100); do
	[ ! -e data/spool/*.avro ] && break
	sleep 0.1
done
topic_holds of.its.own 1
says platform.log "publisher sent 1 records that waited"

expect 1 "$tarn" publish platform.log --topic t $there
says err ".avro, .json or .bin"
expect 2 "$tarn" publish "$first"
says err "--topic"
end "$served" TERM
