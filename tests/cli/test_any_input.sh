# v1, v2, JSON and many records a file, in one run: an experiment is there once, whatever it came in.
mkdir raw
for set in v1 v2 v2json multi; do
	mkdir -p "raw/$set"
	cp -r "$golden/raw/$set/experiments" "raw/$set"
done
for set in v2json multi v2; do
	mkdir -p all
	cp -r "raw/$set/experiments" all
	expect 0 "$tarn" features run --raw all --lake lake
done
has vqe_results 11
cp -r raw/v1/experiments all
expect 0 "$tarn" features run --raw all --lake lake
has vqe_results 14
has dead_letters 0
