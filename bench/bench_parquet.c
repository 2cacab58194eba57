/* How fast a table of the shape of iteration_parameters is written. The target is built when asked for:
 *
 *   ninja -C build tests/unit/store/parquet/bench_parquet
 *   bench_parquet [EXPERIMENTS [ITERATIONS [PARAMETERS [FILE [LEVEL]]]]]
 *
 * Defaults are 2000 200 21, no file, the writer's own level. Prints seconds of this thread, sizes, and the bytes of
 * each column. The parameter values repeat every 15 iterations, as in the load set of the main job. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/number.h"
#include "store/parquet/writer.h"

#define OPTIONAL(field_id, field_name, field_kind)                                                                     \
	{                                                                                                              \
		.id = (field_id), .name = (field_name), .kind = TARN_TYPE_##field_kind                                 \
	}

enum { ROWS_PER_GROUP = 350000, DISTINCT_ITERATIONS = 15, ID_SIZE = 64 };

static const struct tarn_field fields[] = {
	OPTIONAL(1, "experiment_id", STRING),
	OPTIONAL(2, "molecule_id", INT),
	OPTIONAL(3, "basis_set", STRING),
	OPTIONAL(4, "backend", STRING),
	OPTIONAL(5, "num_qubits", INT),
	OPTIONAL(6, "iteration_step", INT),
	OPTIONAL(7, "parameter_index", INT),
	OPTIONAL(8, "parameter_value", DOUBLE),
	OPTIONAL(9, "processing_timestamp", TIMESTAMPTZ),
	OPTIONAL(10, "processing_date", DATE),
	OPTIONAL(11, "processing_batch_id", STRING),
	OPTIONAL(12, "processing_name", STRING),
	OPTIONAL(13, "iteration_id", STRING),
	OPTIONAL(14, "parameter_id", STRING),
	OPTIONAL(15, "configuration_id", STRING),
	OPTIONAL(16, "source_object", STRING),
	OPTIONAL(17, "source_record", LONG),
	OPTIONAL(18, "source_topic", STRING),
	OPTIONAL(19, "source_partition", INT),
	OPTIONAL(20, "source_offset", LONG),
};
enum { N_FIELDS = sizeof(fields) / sizeof(*fields) };

struct experiment {
	char id[ID_SIZE + 1];
	int number, iterations, parameters;
	double *values;
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void make_experiment(struct experiment *experiment, int number)
{
	uint64_t state = (uint64_t)number * 0x9e3779b97f4a7c15 + 88172645463325252;
	size_t period = (size_t)experiment->parameters, n = (size_t)experiment->iterations * period;
	size_t distinct = DISTINCT_ITERATIONS * period;
	experiment->number = number;
	for (size_t i = 0; i < 4; i++)
		snprintf(experiment->id + 16 * i, 17, "%016llx", (unsigned long long)next_random(&state));
	for (size_t i = 0; i < n; i++)
		experiment->values[i] = i < distinct ? (double)(next_random(&state) >> 11) / 9007199254740992.0 * 6.28
						     : experiment->values[i - distinct];
}

static void put_text(struct tarn_parquet_group *group, size_t column, const char *text, size_t rows)
{
	tarn_parquet_put_string(group, column, tarn_slice_str(text), rows);
}

static void put_iterations(struct tarn_parquet_group *group, const struct experiment *experiment)
{
	char id[ID_SIZE + 64];
	memcpy(id, experiment->id, ID_SIZE);
	memcpy(id + ID_SIZE, "_iter_", 6);
	for (int step = 1; step <= experiment->iterations; step++) {
		size_t rows = (size_t)experiment->parameters, len = ID_SIZE + 6;
		len += tarn_format_int(step, id + len);
		tarn_parquet_put_int(group, 5, step, rows);
		tarn_parquet_put_string(group, 12, tarn_slice_of(id, len), rows);
		memcpy(id + len, "_param_", 7);
		tarn_parquet_put_series(group, 13, tarn_slice_of(id, len + 7), 0, rows);
	}
}

static void put_experiment(struct tarn_parquet_group *group, const struct experiment *experiment)
{
	size_t rows = (size_t)experiment->iterations * (size_t)experiment->parameters;
	char object[128];
	int number = experiment->number;
	snprintf(object, sizeof(object), "experiments/experiment.vqe/partition=%d/experiment.vqe+%d+%010d.avro",
		 number % 4, number % 4, number / 4);
	put_text(group, 0, experiment->id, rows);
	tarn_parquet_put_int(group, 1, number, rows);
	put_text(group, 2, "sto3g", rows);
	put_text(group, 3, "aer_simulator_statevector", rows);
	tarn_parquet_put_int(group, 4, 4, rows);
	tarn_parquet_put_cycle(group, 6, 0, experiment->parameters, rows);
	tarn_parquet_put_doubles(group, 7, experiment->values, NULL, rows);
	tarn_parquet_put_long(group, 8, 1795375315461743, rows);
	tarn_parquet_put_int(group, 9, 20779, rows);
	put_text(group, 10, "4b806830-98ac-4ed0-9989-7e109e4e4e6d", rows);
	put_text(group, 11, "quantum_base_processing", rows);
	put_text(group, 14, experiment->id, rows);
	put_text(group, 15, object, rows);
	tarn_parquet_put_long(group, 16, 0, rows);
	put_text(group, 17, "experiment.vqe", rows);
	tarn_parquet_put_int(group, 18, number % 4, rows);
	tarn_parquet_put_long(group, 19, number / 4, rows);
	put_iterations(group, experiment);
}

static enum tarn_rc count_bytes(void *context, struct tarn_slice bytes, struct tarn_err *err)
{
	FILE *out = context;
	if (out && fwrite(bytes.data, 1, bytes.len, out) != bytes.len)
		return tarn_fail_errno(err, "write");
	return TARN_OK;
}

static void end_group(struct tarn_parquet_file *file, struct tarn_parquet_group *group)
{
	struct tarn_err err;
	if (tarn_parquet_group_finish(group, &err) != TARN_OK ||
	    tarn_parquet_file_append(file, group, &err) != TARN_OK) {
		fprintf(stderr, "bench_parquet: %s\n", err.message);
		exit(1);
	}
	tarn_parquet_group_free(group);
}

static double cpu_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void report(const struct tarn_parquet_file *file, double seconds)
{
	struct rusage usage;
	size_t n;
	const struct tarn_parquet_metrics *metrics = tarn_parquet_file_metrics(file, &n);
	double rows = (double)tarn_parquet_file_rows(file), size = (double)tarn_parquet_file_size(file);
	getrusage(RUSAGE_SELF, &usage);
	printf("%.0f rows in %.3f CPU-s: %.1f ns a row, %.2f M rows/s\n", rows, seconds, seconds / rows * 1e9,
	       rows / seconds / 1e6);
	printf("%.0f bytes (%.1f MB), %.1f MB/s of file, peak memory %ld KiB\n", size, size / 1e6, size / seconds / 1e6,
	       usage.ru_maxrss);
	for (size_t i = 0; i < n; i++)
		printf("%12lld %s\n", (long long)metrics[i].compressed_bytes, fields[i].name);
}

int main(int argc, char **argv)
{
	int experiments = argc > 1 ? atoi(argv[1]) : 2000;
	struct experiment experiment = {
		.iterations = argc > 2 ? atoi(argv[2]) : 200,
		.parameters = argc > 3 ? atoi(argv[3]) : 21,
	};
	struct tarn_compressor *compressor = tarn_compressor_new();
	struct tarn_parquet_options options = {
		.codec = TARN_CODEC_ZSTD,
		.level = argc > 5 ? atoi(argv[5]) : 0,
		.compressor = compressor,
	};
	FILE *out = argc > 4 ? fopen(argv[4], "wb") : NULL;
	struct tarn_parquet_file *file =
		tarn_parquet_file_new(fields, N_FIELDS, tarn_slice_str("{}"), count_bytes, out);
	struct tarn_parquet_group *group = tarn_parquet_group_new(fields, N_FIELDS, &options);
	struct tarn_err err;
	double spent = 0;
	experiment.values =
		malloc((size_t)experiment.iterations * (size_t)experiment.parameters * sizeof(*experiment.values));
	for (int i = 0; i < experiments; i++) {
		make_experiment(&experiment, i);
		double start = cpu_seconds();
		put_experiment(group, &experiment);
		if (tarn_parquet_group_rows(group) >= ROWS_PER_GROUP) {
			end_group(file, group);
			group = tarn_parquet_group_new(fields, N_FIELDS, &options);
		}
		spent += cpu_seconds() - start;
	}
	double start = cpu_seconds();
	end_group(file, group);
	if (tarn_parquet_file_finish(file, &err) != TARN_OK)
		return 1;
	report(file, spent + cpu_seconds() - start);
	tarn_parquet_file_free(file);
	tarn_compressor_free(compressor);
	free(experiment.values);
	return out && fclose(out) ? 1 : 0;
}
