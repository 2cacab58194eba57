# plan, work and commit, each a command, make what run makes; work may be done twice.
deliver 0 0 1 0 0 1 1 1
stamp="--run-id 00000000-0000-4000-8000-000000000001 --now 2026-01-02T03:04:05Z"
# shellcheck disable=SC2086 # words
{
	expect 0 "$tarn" features run --raw raw --lake lake $stamp
	"$tarn" features plan --raw raw --lake steps --split-bytes 20000 $stamp >plan
}
[ "$(grep -c . plan)" -gt 1 ] || fail "one split for all"
"$tarn" features work --lake steps plan >accounts
[ ! -e steps/catalog.db ] || ! "$tarn" table ls --lake steps --json | grep -q vqe_results || fail "work shows its tables"
"$tarn" features work --lake steps plan >again
cat again >>accounts
expect 0 "$tarn" features commit --lake steps accounts
dump lake | sort >whole
dump steps | sort >stepwise
cmp whole stepwise || { diff whole stepwise | cut -c1-300 | head; fail "the steps make other rows"; }
