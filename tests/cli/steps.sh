# What the tests of this folder share.

fail() {
	echo "FAILED: $*"
	exit 1
}

# expect CODE COMMAND...: runs it, its output into ./out and ./err
expect() {
	wanted=$1
	shift
	code=0
	"$@" >out 2>err </dev/null || code=$?
	[ "$code" = "$wanted" ] || { cat out err; fail "exit $code, expected $wanted: $*"; }
}

# says FILE TEXT: one line of the file holds the text
says() {
	grep -qF -e "$2" "$1" || { cat "$1"; fail "$1 does not say: $2"; }
}

# deliver OBJECT...: raw objects of the golden v2 set, by partition and offset ("0 3")
deliver() {
	while [ $# -gt 1 ]; do
		object=experiments/experiment.vqe/partition=$1/experiment.vqe+$1+000000000$2.avro
		mkdir -p "raw/${object%/*}"
		cp "$golden/raw/v2/$object" "raw/$object"
		shift 2
	done
}

# rows TABLE: how many the table has
rows() {
	"$tarn" table ls --lake lake --json | sed -n "s/.*\"table\": *\"$1\", *\"rows\": *\([0-9]*\).*/\1/p"
}

# has TABLE ROWS
has() {
	[ "$(rows "$1")" = "$2" ] || fail "$1 has $(rows "$1") rows, expected $2"
}

# dump LAKE: every row of every table
dump() {
	for table in $("$tarn" table ls --lake "$1" --json | sed 's/.*"table": *"\([^"]*\)".*/\1/'); do
		echo "$table"
		"$tarn" table head "$table" --lake "$1" -n 1000000 --json
	done
}
