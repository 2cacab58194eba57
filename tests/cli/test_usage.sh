# Wrong usage is exit code 2 and a word of help; --help is there for everything.
expect 2 "$tarn"
says err usage
expect 2 "$tarn" tabel
expect 2 "$tarn" table lss
expect 2 "$tarn" features run --raw raw
says err --lake
expect 2 "$tarn" features run --raw raw --lake lake --jobs many
expect 2 "$tarn" table head --lake lake
expect 0 "$tarn" --version
says out tarn
expect 0 "$tarn" --help
for group in features table; do
	says out "$group"
done
for command in "features run" "features plan" "features work" "features commit" "features runs" "table ls" "table show" \
	"table snapshots" "table files" "table head" "table orphans" "schema ls" "schema show" "schema register" "schema check" \
	"schema diff" "schema rm" "schema config" "schema export" "schema import" "connector ls" "connector create" \
	"connector status" "connector pause" "connector resume" "connector stop" "connector restart" "connector reset" \
	"connector delete" "dlq ls" "dlq show" "dlq replay"; do
	# shellcheck disable=SC2086 # two words
	"$tarn" $command --help >help || fail "$command --help"
	says help "usage: tarn $command"
done
expect 1 "$tarn" table ls --lake nowhere
says err nowhere
expect 1 "$tarn" features run --raw nowhere --lake lake
says err nowhere
mkdir there
export TARN_CATALOG_ATTEMPTS=1
expect 1 "$tarn" table ls --lake there --catalog http://127.0.0.1:1
says err "http://127.0.0.1:1/v1/config"
expect 1 "$tarn" table ls --lake there --catalog http://me:secret@127.0.0.1:1
says err "TARN_CATALOG_CREDENTIAL"
expect 1 "$tarn" table ls --lake there --catalog ftp://127.0.0.1
says err "expected sqlite:////path"
