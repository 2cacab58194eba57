# Two loads of the golden records and one with nothing new: the rows that the reference's job made of them.
deliver 0 0 1 0 0 1 1 1 0 2 1 2
expect 0 "$tarn" features run --raw raw --lake lake
has molecules 6
has vqe_iterations 620
cp -r "$golden/raw/v2/experiments" raw
expect 0 "$tarn" features run --raw raw --lake lake
while read -r table count; do
	has "$table" "$count"
done <<END
molecules 11
ansatz_info 11
performance_metrics 11
vqe_results 11
initial_parameters 260
optimal_parameters 260
vqe_iterations 1802
iteration_parameters 41648
hamiltonian_terms 975
repeated_results 1
dead_letters 0
processing_metadata 2
END

"$tarn" table ls --lake lake --json >before
find lake/quantum_features | sort >files
expect 0 "$tarn" features run --raw raw --lake lake
"$tarn" table ls --lake lake --json | cmp - before || fail "nothing new, and the tables changed"
find lake/quantum_features | sort | cmp - files || fail "nothing new, and files were added"
[ "$("$tarn" features runs --lake lake --json | grep -o '"run_id"' | wc -l)" = 3 ] || fail "three runs are not in the catalog"
expect 0 "$tarn" table orphans --lake lake
says out "no orphans"

for table in molecules vqe_results dead_letters; do
	expect 0 "$tarn" table show $table --lake lake
	expect 0 "$tarn" table snapshots $table --lake lake
	expect 0 "$tarn" table files $table --lake lake
	expect 0 "$tarn" table head $table --lake lake -n 3
done
