#!/bin/sh
# `make demo`: molecules go through the whole platform into tables; then two loads of real records, and what can be seen of them.
# Everything lies below build/, and every port is a free one.
set -eu
cd "$(dirname "$0")/.."
tarn=${TARN:-build/tarn}
golden=tests/data/golden
home=build/demo
topic=experiments/experiment.vqe

say() {
	if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then printf '\n\033[1m%s\033[0m\n' "$1"; else printf '\n%s\n' "$1"; fi
}
run() {
	printf '$ tarn %s\n' "$*"
	"$tarn" "$@"
}

# A run, with the wall time of the whole program in $spent.
load() {
	before=$(date +%s%N)
	run features run --raw "$home/raw" --lake "$home/lake"
	spent="$((($(date +%s%N) - before) / 1000000)) ms"
}
files() { find "$home/lake/quantum_features" -type f | wc -l; }

# The objects of one half, by the manifest: one "half" and one "file" line a record.
objects_of_half() {
	sed -n 's/^ *"half": \([0-9]*\),*$/half \1/p; s/^ *"file": "\(.*\.avro\)",*$/file \1/p' "$golden/manifest.json" |
		awk -v wanted="$1" '$1 == "half" { half = $2 } $1 == "file" && half == wanted { print $2 }'
}
deliver() {
	n=0
	for object in $(objects_of_half "$1"); do
		[ -f "$golden/raw/v2/experiments/$object" ] || continue
		mkdir -p "$home/raw/experiments/${object%/*}"
		cp "$golden/raw/v2/experiments/$object" "$home/raw/experiments/$object"
		n=$((n + 1))
	done
	say "$2: $n raw objects arrive"
}

# Where a role of the platform listens.
port_of() { sed -n "s/.* $1 *listening at .*, port \([0-9]*\);*.*/\1/p" "$home/serve.log"; }
# wait_for WHAT COMMAND...: until the command succeeds, at most 20 seconds.
wait_for() {
	what=$1 tries=0
	shift
	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt 200 ] || { echo "no $what after 20 seconds" >&2; cat "$home/serve.log" >&2; exit 1; }
		sleep 0.1
	done
}
is_ready() { grep -q ' ready$' "$home/serve.log"; }
# in_raw COUNT: the sink has put so many records into raw objects and holds none back.
in_raw() {
	now=$("$tarn" connector status raw --json --connect "$connect" | tr -d ' \n')
	case $now in *'"records":'"$1"','*'"memory_bytes":0,'*) ;; *) false ;; esac
}

rm -rf "$home"
mkdir -p "$home/raw/$topic"

echo "Tarn, on $(. /etc/os-release && echo "$PRETTY_NAME"), $(nproc) cores. All of this is below $home/."

say "One process is the platform: broker, schema registry, sink, and what they need"
printf '$ tarn serve --data %s --raw %s &\n' "$home/data" "$home/stream"
"$tarn" serve --data "$home/data" --raw "$home/stream" --broker-listen 127.0.0.1:0 --registry-listen 127.0.0.1:0 \
	--connect-listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 2>"$home/serve.log" &
platform=$!
trap 'kill "$platform" 2>/dev/null; wait' EXIT
wait_for "platform" is_ready
cat "$home/serve.log"
broker="127.0.0.1:$(port_of broker)"
registry="http://127.0.0.1:$(port_of registry)"
connect="http://127.0.0.1:$(port_of sink)"

say "Stages 1 and 2: molecules become VQE results, and these schema-checked messages"
for molecule in H2 HeH+ LiH; do
	run simulate "$molecule" --seed 3 --publish --brokers "$broker" --registry "$registry" --data "$home/data"
done
run schema ls --registry "$registry"

say "Stage 3: messages in a topic, read back and decoded; the sink makes raw objects of them"
run topic ls --brokers "$broker"
run topic read experiment.vqe --decode --count 1 --brokers "$broker" --registry "$registry" | cut -c 1-160
wait_for "raw object" in_raw 3
run connector ls --connect "$connect"
(cd "$home" && find stream -name '*.avro' -exec ls -l {} +)

say "Stages 5 and 6: raw objects become rows of nine Iceberg tables"
run features run --raw "$home/stream" --lake "$home/lake"

say "At a glance"
run status --data "$home/data" --brokers "$broker" --registry "$registry" --connect "$connect" --lake "$home/lake"

echo
echo "Now records of the reference platform, as its Kafka Connect wrote them, into the same lake."

deliver 1 "First load"
load
times="first load $spent"

deliver 2 "Second load"
load
times="$times, second load $spent"

say "Once more, with nothing new"
was=$(files)
load
times="$times, nothing new $spent"
echo "files below the tables: $was before, $(files) after"

say "The tables"
run table ls --lake "$home/lake"

say "Every load is a snapshot with a tag; a reader can go back to either"
run table snapshots vqe_results --lake "$home/lake"

say "Some rows"
run table head vqe_results --lake "$home/lake" -n 5 --columns experiment_id,basis_set,num_qubits,total_iterations,minimum_energy

say "What the runs did"
run features runs --lake "$home/lake"

metadata=$("$tarn" table show vqe_results --lake "$home/lake" --json |
	sed -n 's/.*"metadata_location": *"\([^"]*\)".*/\1/p')
say "Times, from start to end of the program: $times"
cat <<END

The lake is plain Iceberg; any engine reads it. In DuckDB:

  INSTALL iceberg; LOAD iceberg;
  SELECT basis_set, count(*), min(minimum_energy) FROM iceberg_scan('${metadata#file://}') GROUP BY 1;

In Python, with pyiceberg[sql-sqlite,pyarrow]:

  SqlCatalog("quantum_catalog", uri="sqlite:///$PWD/$home/lake/catalog.db")
    .load_table("quantum_features.vqe_results").scan().to_pandas()
END
