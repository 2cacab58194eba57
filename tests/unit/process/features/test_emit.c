/* The rows of the golden records against the reference's tables (tests/data/golden/expected/2-incremental). */
#include "cmocka_tarn.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "process/features/feature.h"
#include "serialize/avro/container.h"
#include "serialize/record/record_batch.h"
#include "store/parquet/reader.h"

#define GOLDEN TEST_DATA "/golden/"

static const struct tarn_run_stamp stamp = { .now_us = 1767322800000000,
					     .date = 20455,
					     .run_id = "00000000-0000-4000-8000-000000000001" };

/* ---- texts of rows, to be compared as sorted lists ---- */

struct texts {
	char **items;
	size_t n, capacity;
};

static void add_text(struct texts *texts, json_t *row)
{
	texts->items = tarn_grow(texts->items, &texts->capacity, texts->n + 1, sizeof(*texts->items));
	texts->items[texts->n++] = json_dumps(row, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
	json_decref(row);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void release_texts(struct texts *texts)
{
	for (size_t i = 0; i < texts->n; i++)
		free(texts->items[i]);
	free(texts->items);
}

/* What differs from the reference on purpose, or from run to run. */
static bool is_compared(const char *table, const char *column)
{
	static const char *const left_out[] = {
		"processing_timestamp", "processing_date", "processing_batch_id", "parameter_id", "iteration_id",
		"term_index",		"term_id"
	};

	for (size_t i = 0; i < sizeof(left_out) / sizeof(*left_out); i++)
		if (!strcmp(left_out[i], column))
			return false;
	return strcmp(column, "parameter_index") || !strcmp(table, "iteration_parameters");
}

static void read_expected(const char *table, struct texts *texts)
{
	char *path = tarn_asprintf(GOLDEN "expected/2-incremental/%s.jsonl.gz", table);
	gzFile file = gzopen(path, "rb");
	static char line[1 << 20];

	assert_non_null(file);
	while (gzgets(file, line, sizeof(line))) {
		json_t *row = json_loads(line, 0, NULL);
		const char *column;
		json_t *value;
		void *next;

		assert_non_null(row);
		json_object_foreach_safe(row, next, column, value) if (!is_compared(table, column))
			json_object_del(row, column);
		add_text(texts, row);
	}
	gzclose(file);
	free(path);
}

/* ---- our rows ---- */

static json_t *value_at(const struct tarn_vector *vector, size_t i)
{
	json_t *list;

	if (vector->valid && !vector->valid[i])
		return json_null();
	switch (vector->field->kind) {
	case TARN_TYPE_BOOLEAN: return json_boolean(((uint8_t *)vector->values)[i]);
	case TARN_TYPE_INT:
	case TARN_TYPE_DATE: return json_integer(((int32_t *)vector->values)[i]);
	case TARN_TYPE_LONG:
	case TARN_TYPE_TIMESTAMPTZ: return json_integer(((int64_t *)vector->values)[i]);
	case TARN_TYPE_DOUBLE: return json_real(((double *)vector->values)[i]);
	case TARN_TYPE_STRING:
		return json_stringn((const char *)vector->data + vector->offsets[i],
				    (size_t)(vector->offsets[i + 1] - vector->offsets[i]));
	default: assert_int_equal(vector->field->kind, TARN_TYPE_LIST);
	}
	list = json_array();
	for (int64_t j = vector->offsets[i]; j < vector->offsets[i + 1]; j++)
		json_array_append_new(list, value_at(&vector->children[0], (size_t)j));
	return list;
}

static enum tarn_rc add_bytes(void *context, struct tarn_slice bytes, struct tarn_err *err)
{
	(void)err;
	tarn_buf_add_slice(context, bytes);
	return TARN_OK;
}

static enum tarn_rc get_bytes(void *context, int64_t offset, size_t len, uint8_t *dst, struct tarn_err *err)
{
	const struct tarn_buf *file = context;

	(void)err;
	memcpy(dst, file->data + offset, len);
	return TARN_OK;
}

static void write_group(const struct tarn_table_definition *table, struct tarn_parquet_group *group,
			struct tarn_buf *bytes)
{
	struct tarn_parquet_file *file =
		tarn_parquet_file_new(table->fields, table->n_fields, tarn_slice_str("{}"), add_bytes, bytes);

	assert_int_equal(tarn_parquet_group_finish(group, NULL), TARN_OK);
	assert_int_equal(tarn_parquet_file_append(file, group, NULL), TARN_OK);
	assert_int_equal(tarn_parquet_file_finish(file, NULL), TARN_OK);
	tarn_parquet_file_free(file);
	tarn_parquet_group_free(group);
}

/* Reads the columns from `first` to the one before `end` back into rows. */
static json_t **read_rows(const struct tarn_table_definition *table, struct tarn_buf *bytes, size_t first, size_t end,
			  size_t *n)
{
	struct tarn_parquet_reader *reader;
	json_t **rows;

	assert_int_equal(tarn_parquet_open(get_bytes, bytes, (int64_t)bytes->len, &reader, NULL), TARN_OK);
	*n = (size_t)tarn_parquet_rows(reader);
	rows = tarn_malloc((*n + 1) * sizeof(json_t *));
	for (size_t i = 0; i < *n; i++)
		rows[i] = json_object();
	for (size_t c = first; c < end; c++) {
		struct tarn_vector vector;

		assert_int_equal(tarn_parquet_read(reader, 0, &table->fields[c], &vector, NULL), TARN_OK);
		assert_int_equal(vector.length, *n);
		for (size_t i = 0; i < *n; i++)
			json_object_set_new(rows[i], table->fields[c].name, value_at(&vector, i));
		tarn_vector_release(&vector);
	}
	tarn_parquet_close(reader);
	return rows;
}

/* ---- golden records ---- */

struct golden {
	struct tarn_record_batch *batch;
	struct tarn_experiment *experiments;
	size_t n;
};

static void add_file(struct golden *golden, struct tarn_record_plans *plans, const char *path)
{
	const struct tarn_record_plan *plan;
	struct tarn_avro_header header;
	struct tarn_avro_block block;
	struct tarn_cursor cursor;
	struct tarn_buf bytes;
	size_t position, added;

	tarn_buf_init(&bytes, TARN_BUF_DEFAULT_MAX);
	assert_int_equal(tarn_file_read(path, &bytes, NULL), TARN_OK);
	assert_int_equal(tarn_avro_header_read(tarn_buf_slice(&bytes), &header, NULL), TARN_OK);
	assert_int_equal(tarn_record_plan_get(plans, header.schema_json, &plan, NULL), TARN_OK);
	position = header.size;
	assert_int_equal(tarn_avro_block_next(tarn_buf_slice(&bytes), &header, &position, &block, NULL), TARN_OK);
	cursor = tarn_cursor_of(block.stored);
	assert_int_equal(tarn_record_batch_add_avro(golden->batch, plan, &cursor, block.count, &added, NULL), TARN_OK);
	tarn_buf_release(&bytes);
}

static bool is_known(const struct golden *golden, const struct tarn_experiment *experiment)
{
	for (size_t i = 0; i < golden->n; i++)
		if (!memcmp(golden->experiments[i].ids.experiment, experiment->ids.experiment, TARN_ID_SIZE))
			return true;
	return false;
}

/* All v2 records, each experiment once, the first by file name: p01 before p12, which has its id. */
static void load_golden(struct golden *golden)
{
	struct tarn_record_plans *plans = tarn_record_plans_new();
	struct tarn_buf scratch;

	golden->batch = tarn_record_batch_new();
	for (int partition = 0; partition < 2; partition++) {
		for (int offset = 0; offset < 6; offset++) {
			char *path = tarn_asprintf(GOLDEN "raw/v2/experiments/experiment.vqe/partition=%d/"
							  "experiment.vqe+%d+%010d.avro",
						   partition, partition, offset);

			add_file(golden, plans, path);
			free(path);
		}
	}
	golden->n = 0;
	golden->experiments = tarn_calloc(tarn_record_batch_count(golden->batch), sizeof(*golden->experiments));
	tarn_buf_init(&scratch, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < tarn_record_batch_count(golden->batch); i++) {
		struct tarn_experiment *experiment = &golden->experiments[golden->n];

		tarn_record_batch_get(golden->batch, i, &experiment->record);
		tarn_record_identify(&experiment->record, &scratch, &experiment->ids);
		experiment->lineage = (struct tarn_lineage){ tarn_slice_str("a/b"), tarn_slice_str("a"), i % 2 == 0, 3,
							     (int64_t)i + 100,	    (int64_t)i };
		golden->n += !is_known(golden, experiment);
	}
	tarn_buf_release(&scratch);
	tarn_record_plans_free(plans);
}

static struct golden golden;

static int setup(void **state)
{
	(void)state;
	load_golden(&golden);
	return golden.n == 11 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(golden.experiments);
	tarn_record_batch_free(golden.batch);
	return 0;
}

static void emit_all(const struct tarn_feature *feature, struct tarn_buf *bytes)
{
	struct tarn_parquet_options options = { .codec = TARN_CODEC_ZSTD };
	struct tarn_parquet_group *group =
		tarn_parquet_group_new(feature->table.fields, feature->table.n_fields, &options);
	size_t rows = 0;

	tarn_buf_init(bytes, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < golden.n; i++) {
		rows += feature->rows(&golden.experiments[i].record);
		feature->emit(&golden.experiments[i], &stamp, group);
		assert_int_equal(tarn_parquet_group_rows(group), rows);
	}
	write_group(&feature->table, group, bytes);
}

static size_t reference_columns(const struct tarn_table_definition *table)
{
	size_t n = 0;

	while (strcmp(table->fields[n].name, "configuration_id"))
		n++;
	return n;
}

static void check_feature(const struct tarn_feature *feature)
{
	const char *name = feature->table.name;
	struct texts expected = { 0 }, made = { 0 };
	struct tarn_buf bytes;
	json_t **rows;
	size_t n;

	emit_all(feature, &bytes);
	rows = read_rows(&feature->table, &bytes, 0, reference_columns(&feature->table), &n);
	for (size_t i = 0; i < n; i++) {
		for (size_t c = 0; c < feature->table.n_fields; c++)
			if (!is_compared(name, feature->table.fields[c].name))
				json_object_del(rows[i], feature->table.fields[c].name);
		add_text(&made, rows[i]);
	}
	read_expected(name, &expected);
	assert_int_equal(made.n, expected.n);
	qsort(made.items, made.n, sizeof(*made.items), by_text);
	qsort(expected.items, expected.n, sizeof(*expected.items), by_text);
	for (size_t i = 0; i < made.n; i++)
		assert_string_equal(made.items[i], expected.items[i]);
	release_texts(&made);
	release_texts(&expected);
	free(rows);
	tarn_buf_release(&bytes);
}

static void test_rows_equal_the_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < TARN_N_FEATURES; i++)
		check_feature(tarn_features[i]);
}

/* Ids are "<experiment><infix><position>", unique over the table. */
static void test_ids_are_positions(void **state)
{
	static const struct {
		size_t feature;
		const char *column, *last_of_p01;
	} cases[] = {
		{ 4, "parameter_id", "_init_23" }, { 5, "parameter_id", "_opt_23" },
		{ 6, "iteration_id", "_iter_1" },  { 7, "parameter_id", "_iter_1_param_23" },
		{ 7, "iteration_id", "_iter_1" },  { 8, "term_id", "_term_14" },
	};
	const char *experiment = golden.experiments[0].ids.experiment;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct tarn_table_definition *table = &tarn_features[cases[i].feature]->table;
		char *wanted = tarn_asprintf("%.64s%s", experiment, cases[i].last_of_p01);
		struct texts ids = { 0 };
		struct tarn_buf bytes;
		size_t n, c = 0, found = 0;
		json_t **rows;

		while (strcmp(table->fields[c].name, cases[i].column))
			c++;
		emit_all(tarn_features[cases[i].feature], &bytes);
		rows = read_rows(table, &bytes, c, c + 1, &n);
		for (size_t j = 0; j < n; j++) {
			found += !strcmp(json_string_value(json_object_get(rows[j], cases[i].column)), wanted);
			add_text(&ids, rows[j]);
		}
		qsort(ids.items, ids.n, sizeof(*ids.items), by_text);
		if (cases[i].feature == 7 && !strcmp(cases[i].column, "iteration_id")) {
			assert_int_equal(found, 24);
		} else {
			assert_int_equal(found, 1);
			for (size_t j = 1; j < ids.n; j++)
				assert_string_not_equal(ids.items[j - 1], ids.items[j]);
		}
		release_texts(&ids);
		free(rows);
		free(wanted);
		tarn_buf_release(&bytes);
	}
}

static void test_lineage_and_run(void **state)
{
	(void)state;
	for (size_t f = 0; f < TARN_N_FEATURES; f++) {
		const struct tarn_table_definition *table = &tarn_features[f]->table;
		struct tarn_buf bytes;
		json_t **rows;
		size_t n;

		emit_all(tarn_features[f], &bytes);
		rows = read_rows(table, &bytes, 0, table->n_fields, &n);
		for (size_t i = 0; i < n; i++) {
			json_int_t record = json_integer_value(json_object_get(rows[i], "source_record"));
			json_t *offset = json_object_get(rows[i], "source_offset");

			assert_string_equal(json_string_value(json_object_get(rows[i], "processing_batch_id")),
					    stamp.run_id);
			assert_int_equal(json_integer_value(json_object_get(rows[i], "processing_date")), stamp.date);
			assert_int_equal(json_integer_value(json_object_get(rows[i], "processing_timestamp")),
					 stamp.now_us);
			assert_string_equal(json_string_value(json_object_get(rows[i], "source_object")), "a/b");
			assert_string_equal(json_string_value(json_object_get(rows[i], "source_topic")), "a");
			if (record % 2)
				assert_true(json_is_null(offset));
			else
				assert_int_equal(json_integer_value(offset), record + 100);
			assert_int_equal(json_string_length(json_object_get(rows[i], "configuration_id")),
					 TARN_ID_SIZE);
			json_decref(rows[i]);
		}
		free(rows);
		tarn_buf_release(&bytes);
	}
}

/* One row of a table beside the nine, as JSON text. */
static char *only_row(const struct tarn_table_definition *table, struct tarn_parquet_group *group)
{
	struct tarn_buf bytes;
	json_t **rows;
	char *text;
	size_t n;

	tarn_buf_init(&bytes, TARN_BUF_DEFAULT_MAX);
	write_group(table, group, &bytes);
	rows = read_rows(table, &bytes, 0, table->n_fields, &n);
	assert_int_equal(n, 1);
	text = json_dumps(rows[0], JSON_COMPACT);
	json_decref(rows[0]);
	free(rows);
	tarn_buf_release(&bytes);
	return text;
}

static void test_processing_metadata(void **state)
{
	static const char *const names[] = { "molecules", "vqe_results" }, *const versions[] = { "v_1", "no_changes" };
	static const int64_t counts[] = { 3, 0 };
	struct tarn_parquet_options options = { .codec = TARN_CODEC_ZSTD };
	struct tarn_parquet_group *group = tarn_parquet_group_new(tarn_processing_metadata_table.fields,
								  tarn_processing_metadata_table.n_fields, &options);
	const struct tarn_topic_report report = { names, versions, counts, 2, tarn_slice_str("about") };
	char *text;

	(void)state;
	tarn_processing_metadata_emit(&report, &stamp, group);
	text = only_row(&tarn_processing_metadata_table, group);
	assert_string_equal(text,
			    "{\"processing_batch_id\":\"00000000-0000-4000-8000-000000000001\","
			    "\"processing_name\":\"quantum_base_processing\",\"processing_timestamp\":1767322800000000,"
			    "\"processing_date\":20455,\"table_names\":[\"molecules\",\"vqe_results\"],"
			    "\"table_versions\":[\"v_1\",\"no_changes\"],\"record_counts\":[3,0],"
			    "\"source_data_info\":\"about\"}");
	free(text);
}

static void test_repeated_results(void **state)
{
	struct tarn_parquet_options options = { .codec = TARN_CODEC_ZSTD };
	struct tarn_parquet_group *group = tarn_parquet_group_new(tarn_repeated_results_table.fields,
								  tarn_repeated_results_table.n_fields, &options);
	const struct tarn_first_delivery first = { tarn_slice_str("t/first"), 4, tarn_slice_str("digest"),
						   tarn_slice_str("run-0") };
	char *text, *id = tarn_asprintf("{\"experiment_id\":\"%.64s\"", golden.experiments[0].ids.experiment);

	(void)state;
	tarn_repeated_results_emit(&golden.experiments[0], &first, &stamp, group);
	text = only_row(&tarn_repeated_results_table, group);
	assert_memory_equal(text, id, strlen(id));
	assert_non_null(strstr(text, "\"first_result_digest\":\"digest\",\"first_source_object\":\"t/first\","
				     "\"first_source_record\":4,\"first_processing_batch_id\":\"run-0\""));
	free(text);
	free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_equal_the_reference), cmocka_unit_test(test_ids_are_positions),
		cmocka_unit_test(test_lineage_and_run),		 cmocka_unit_test(test_processing_metadata),
		cmocka_unit_test(test_repeated_results),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
