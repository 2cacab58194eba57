# From a molecule to tables; what cannot be asked for is refused in words.
expect 0 "$tarn" simulate --help
says out "tarn simulate LiH --exact --json"
expect 0 "$tarn" simulate H2 --seed 7 --exact
says out "full CI"
expect 0 "$tarn" simulate H2 --seed 7 --out raw --json
says out '"exact_energy":null'
expect 0 "$tarn" simulate HeH+ --seed 7 --out raw
says out "experiment.vqe+0+0000000001.avro"
expect 0 "$tarn" features run --raw raw --lake lake
printf 'molecules: [H2, HeH+]\nseed: [1, 2]\nmax_iterations: 5\n' >sweep.yaml
expect 0 "$tarn" simulate --batch sweep.yaml --out raw --jobs 2
says out "4 done, 0 done before"
expect 0 "$tarn" simulate --batch sweep.yaml --out raw
says out "0 done, 4 done before"
expect 2 "$tarn" simulate
expect 2 "$tarn" simulate H2 --optimizer quick
says err "expected one of L-BFGS-B"
expect 2 "$tarn" simulate --batch sweep.yaml
says err "--out"
expect 1 "$tarn" simulate Hx
says err "HeH+"
expect 1 "$tarn" simulate H2 --charge 1
says err multiplicity
expect 0 "$tarn" simulate H2 --seed 7 --depolarizing 0.001 --depolarizing-two 0.01 --readout-error 0.02 --json
says out '"noise_backend":"depolarizing(0.001,0.01)+readout(0.02)"'
expect 2 "$tarn" simulate H2 --ansatz UCCSD --depolarizing 0.01
says err "wider"
# However many cores there are, the record is the same but for its times: 14 qubits are where threads begin.
simulated() {
	"$@" "$tarn" simulate H2O --ansatz RealAmplitudes --reps 1 --max-iterations 2 --seed 7 --json |
		sed 's/"[a-z_]*_time":[^,}]*//g'
}
simulated >many.json
simulated taskset -c "$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')" >one.json
cmp many.json one.json
