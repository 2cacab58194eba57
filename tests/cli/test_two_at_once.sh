# Two runs on one lake: one waits for the other; nothing is doubled.
cp -r "$golden/raw/v2" raw
"$tarn" features run --raw raw --lake lake >one 2>&1 &
first=$!
code=0
"$tarn" features run --raw raw --lake lake >two 2>&1 || code=$?
wait $first || fail "the first run: $(cat one)"
[ $code = 0 ] || fail "the second run: $(cat two)"
has vqe_results 11
has iteration_parameters 41648
