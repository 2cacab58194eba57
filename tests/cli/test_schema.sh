# `tarn schema` against the registry of `tarn serve`.
serve_registry() { # serve_registry NAME OPTION...: in the background, up to "ready"; its process is $served, its URL $url
	name=$1
	shift
	: >"$name.log" # that of an earlier one says "ready", too
	"$tarn" serve --roles broker,registry --data "$name" --broker-listen 127.0.0.1:0 --registry-listen 127.0.0.1:0 "$@" \
		2>"$name.log" >"$name.out" </dev/null &
	served=$!
	while ! grep -q ' ready$' "$name.log"; do
		kill -0 "$served" 2>/dev/null || { cat "$name.log"; fail "$name ended"; }
		sleep 0.05
	done
	url=http://127.0.0.1:$(sed -n 's/.*registry listening.*, port \([0-9]*\);.*/\1/p' "$name.log")
	export TARN_SCHEMA_REGISTRY="$url"
}

stop_registry() { # stop_registry PROCESS
	kill -TERM "$1"
	wait "$1" || fail "the server's exit code is $?"
}

serve_registry first
first=$served
cat >1.avsc <<'END'
{ "type": "record", "name": "R", "namespace": "n", "fields": [ { "name": "a", "type": "int" } ] }
END
cat >2.avsc <<'END'
{ "type": "record", "name": "R", "namespace": "n",
  "fields": [ { "name": "a", "type": "int" }, { "name": "b", "type": "n.E", "default": "X" } ] }
END
cat >3.avsc <<'END'
{ "type": "record", "name": "R", "namespace": "n",
  "fields": [ { "name": "a", "type": "int" }, { "name": "c", "type": "string" } ] }
END
echo '{"type":"enum","name":"n.E","symbols":["X"]}' >e.avsc

expect 0 "$tarn" schema register e-value e.avsc
says out 1
expect 0 "$tarn" schema register r-value 1.avsc
says out 2
expect 0 "$tarn" schema register r-value 1.avsc
says out 2
expect 1 "$tarn" schema register r-value 2.avsc
says err 'unknown type "n.E"'
expect 0 "$tarn" schema register r-value 2.avsc --references n.E=e-value:1
says out 3
expect 2 "$tarn" schema register r-value
expect 1 "$tarn" schema register r-value 2.avsc --references n.E=e-value
says err "NAME=SUBJECT:VERSION"

expect 1 "$tarn" schema check r-value 3.avsc
says out "/fields/1"
says out "it does not fit"
expect 1 "$tarn" schema register r-value 3.avsc
says err "incompatible with an earlier schema"
expect 0 "$tarn" schema check r-value 1.avsc
says out "it fits"

expect 0 "$tarn" schema ls
says out r-value
expect 0 "$tarn" schema ls r- --json
says out '"subject":"r-value","versions":2,"latest":2,"id":3,"type":"AVRO","compatibility":"BACKWARD"'
expect 0 "$tarn" schema show r-value
says out '"name": "b"'
expect 0 "$tarn" schema show r-value 1 --json
says out '"id":2'
expect 0 "$tarn" schema show --id 1
says out '"X"'
expect 1 "$tarn" schema show nobody
says err "Subject 'nobody' not found."
expect 2 "$tarn" schema show

expect 0 "$tarn" schema diff r-value
says out '+       "name": "b",'
says out "version 2 reads what version 1 has written"
says out "version 1 reads what version 2 has written"

expect 0 "$tarn" schema config
says out BACKWARD
expect 0 "$tarn" schema config r-value --compatibility full
says out FULL
expect 0 "$tarn" schema config r-value --unset
says out BACKWARD
expect 1 "$tarn" schema config r-value --compatibility sideways
says err "Invalid compatibility level"
expect 0 "$tarn" schema config r-value --compatibility NONE

# A second registry takes everything over, with its ids.
expect 0 "$tarn" schema export
cp out all.jsonl
serve_registry second
expect 0 "$tarn" schema import all.jsonl
says out "3 schemas and 2 configurations came in, 0 schemas were there"
expect 0 "$tarn" schema import all.jsonl
says out "0 schemas and 2 configurations came in, 3 schemas were there"
expect 0 "$tarn" schema export
cmp out all.jsonl || fail "what was exported is not what was imported"
expect 0 "$tarn" schema register r-value 3.avsc
says out 4
echo "nonsense" >bad.jsonl
expect 1 "$tarn" schema import bad.jsonl
says err "line 1"

expect 0 "$tarn" schema rm r-value 3 --dry-run
says out "would delete r-value version 3"
expect 1 "$tarn" schema rm e-value
says err "One or more references exist"
expect 0 "$tarn" schema rm r-value 3
says out "deleted r-value version 3"
expect 0 "$tarn" schema rm r-value
says out "deleted r-value version 1"
expect 0 "$tarn" schema rm r-value --permanent --dry-run
says out "would delete r-value version 3 for good"
expect 0 "$tarn" schema rm r-value --permanent
expect 1 "$tarn" schema rm r-value
stop_registry "$served"

# What was changed is there after a restart.
serve_registry second
expect 0 "$tarn" schema ls --json
says out e-value
expect 0 "$tarn" schema register r-value 3.avsc
says out 5

# Of JSON Schema and Protobuf a second version is refused, with the reason and the way out, whatever the level but NONE.
echo '{"type":"object"}' >1.json
echo '{"type":"string"}' >2.json
printf 'syntax = "proto3";\nmessage M { int32 a = 1; }\n' >1.proto
printf 'syntax = "proto3";\nmessage M { string a = 1; }\n' >2.proto
for kind in json proto; do
	expect 0 "$tarn" schema register "$kind-value" "1.$kind"
	expect 0 "$tarn" schema register "$kind-value" "1.$kind"
	for level in BACKWARD BACKWARD_TRANSITIVE FORWARD FORWARD_TRANSITIVE FULL FULL_TRANSITIVE; do
		expect 0 "$tarn" schema config "$kind-value" --compatibility "$level"
		for what in check register; do
			expect 1 "$tarn" schema "$what" "$kind-value" "2.$kind"
			cat out err >told
			says told "not compared by this registry"
			says told "set the compatibility of the subject to NONE"
		done
	done
	expect 0 "$tarn" schema config "$kind-value" --compatibility NONE
	expect 0 "$tarn" schema check "$kind-value" "2.$kind"
	expect 0 "$tarn" schema register "$kind-value" "2.$kind"
	expect 0 "$tarn" schema rm "$kind-value"
done
stop_registry "$served"
stop_registry "$first"
expect 1 "$tarn" schema ls
says err "does not answer"
expect 1 "$tarn" schema ls --registry nonsense
says err "http://HOST:PORT was expected"

# Who may ask, and over TLS.
echo "ada:secret" >users
serve_registry guarded --users users
expect 1 "$tarn" schema ls
says err "refuses the credentials"
TARN_SCHEMA_REGISTRY_PASSWORD=secret expect 0 "$tarn" schema ls --registry-user ada
TARN_SCHEMA_REGISTRY_PASSWORD=wrong expect 1 "$tarn" schema ls --registry-user ada
stop_registry "$served"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
	-out cert.pem -keyout key.pem 2>/dev/null
serve_registry hidden --tls-certificate cert.pem --tls-key key.pem
expect 1 "$tarn" schema ls
expect 0 "$tarn" schema ls --registry "https${url#http}" --registry-ca cert.pem
expect 1 "$tarn" schema ls --registry "https${url#http}"
says err "certificate"
stop_registry "$served"
