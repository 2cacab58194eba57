# What cannot be read is in dead_letters with its reason, the rest is processed, and the exit code says so.
deliver 0 0 1 1 0 2
object=raw/experiments/experiment.vqe/partition=0/experiment.vqe+0+0000000002.avro
size=$(wc -c <"$object")
head -c $((size - 100)) "$object" >cut
mv cut "$object"
echo "not Avro at all" >raw/experiments/experiment.vqe/partition=1/experiment.vqe+1+0000000007.avro
expect 3 "$tarn" features run --raw raw --lake lake
has vqe_results 2
has dead_letters 2
"$tarn" table head dead_letters --lake lake --json >letters
says letters "experiment.vqe+0+0000000002.avro"
says letters "experiment.vqe+1+0000000007.avro"
expect 0 "$tarn" features run --raw raw --lake lake
has dead_letters 2
