#!/bin/sh
# `make demo`: two loads of real records into a lake below build/, and what can be seen of them.
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

rm -rf "$home"
mkdir -p "$home/raw/$topic"

echo "Tarn, on $(. /etc/os-release && echo "$PRETTY_NAME"), $(nproc) cores. All of this is below $home/."

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
