# `tarn topic`: made, looked at, read, configured, deleted.
. "$here/server.sh"
serve platform --roles broker,registry --data data --broker-listen 127.0.0.1:0 --registry-listen 127.0.0.1:0
there="--brokers 127.0.0.1:$(port_of platform broker)"

expect 0 "$tarn" topic create quiet $there --partitions 3 retention.ms=-1
expect 1 "$tarn" topic create quiet $there
says err "already exists"
expect 1 "$tarn" topic create bad/name $there
expect 1 "$tarn" topic create other $there retention.ms=soon
says err "retention.ms"
expect 2 "$tarn" topic create other $there retention.ms
says err "expected KEY=VALUE"

object="$golden/raw/v2/experiments/experiment.vqe/partition=0/experiment.vqe+0+000000000"
expect 0 "$tarn" publish "${object}0.avro" "${object}1.avro" "${object}2.avro" --topic experiment.vqe \
	$there --registry "http://127.0.0.1:$(port_of platform registry)" --data client
expect 0 "$tarn" topic ls $there
says out "experiment.vqe"
says out "quiet"
! grep -q __consumer_offsets out || fail "ls shows what the broker keeps for itself"
expect 0 "$tarn" topic ls $there --all --json
says out '"topic":"__consumer_offsets"'
says out '"topic":"quiet","partitions":3,"records":0,"bytes":0,"records_per_second":0.0,"bytes_per_second":0.0'
expect 0 "$tarn" topic describe quiet experiment.vqe $there
says out "setting      retention.ms=-1"
says out "partitions   3"
says out "BYTES A SECOND"
expect 1 "$tarn" topic describe quiett $there
says err 'did you mean "quiet"?'

expect 0 "$tarn" topic read experiment.vqe $there --json
[ "$(grep -c '"offset":' out)" = 3 ] || fail "not three records: $(cat out)"
says out '"value_base64":"AAAAAAE' # magic 0, schema 1
expect 0 "$tarn" topic read experiment.vqe $there --count 1
[ "$(grep -c '^0:0 ' out)" = 1 ] || fail "not the first record: $(cat out)"
expect 0 "$tarn" topic read experiment.vqe $there --partition 0 --offset 2 --json
says out '"offset":2'
[ "$(grep -c '"offset":' out)" = 1 ] || fail "more than the last record"
expect 0 "$tarn" topic read experiment.vqe $there --from end
[ ! -s out ] || fail "something behind the end"
expect 0 "$tarn" topic read experiment.vqe $there --from 2001-01-01T00:00:00Z --json
[ "$(grep -c '"offset":' out)" = 3 ] || fail "not all since 2001"
expect 1 "$tarn" topic read experiment.vqe $there --from yesterday
says err "expected beginning, end, or a time"
expect 2 "$tarn" topic read experiment.vqe $there --offset 2
says err "needs --partition"
expect 1 "$tarn" topic read experiment.vqe $there --partition 7
says err "no partition 7"

expect 0 "$tarn" topic config quiet $there segment.ms=100000 cleanup.policy=compact
expect 0 "$tarn" topic config quiet $there retention.ms=
expect 0 "$tarn" topic config quiet $there --own --json
says out '{"setting":"cleanup.policy","value":"compact","own":true}'
says out '{"setting":"segment.ms","value":"100000","own":true}'
! grep -q retention.ms out || fail "a setting that was taken back is still the topic's own"
expect 0 "$tarn" topic config quiet $there
says out "retention.ms"
expect 1 "$tarn" topic config quiet $there no.such.key=1
says err "no.such.key"

expect 0 "$tarn" topic delete experiment.vqe quiet $there
says out "would delete experiment.vqe: 1 partition, "
expect 0 "$tarn" topic ls $there
says out "experiment.vqe"
expect 0 "$tarn" topic delete experiment.vqe $there --delete
says out "deleted experiment.vqe: 1 partition, "
expect 1 "$tarn" topic describe experiment.vqe $there
end "$served" TERM
expect 1 "$tarn" topic ls $there
says err "no answer from the broker"
