#include "serialize/record/record_batch.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmocka_tarn.h"
#include "golden_records.h"
#include "serialize/record/write.h"

struct fixture {
	struct tarn_record_plans *plans;
	struct tarn_record_batch *batch;
	struct tarn_buf scratch;
};

static int setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));
	f->plans = tarn_record_plans_new();
	f->batch = tarn_record_batch_new();
	tarn_buf_init(&f->scratch, 1 << 26);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	tarn_record_plans_free(f->plans);
	tarn_record_batch_free(f->batch);
	tarn_buf_release(&f->scratch);
	free(f);
	return 0;
}

static struct tarn_record_ids ids_at(struct fixture *f, size_t i)
{
	struct tarn_record record;
	struct tarn_record_ids ids;
	struct tarn_err err;
	tarn_record_batch_get(f->batch, i, &record);
	if (tarn_record_check(&record, &err))
		fail_msg("record %zu refused: %s", i, err.message);
	tarn_record_identify(&record, &f->scratch, &ids);
	return ids;
}

static void expect_id(struct fixture *f, size_t i, const char *key, const char *expected)
{
	struct tarn_record_ids ids = ids_at(f, i);
	if (memcmp(ids.experiment, expected, TARN_ID_SIZE))
		fail_msg("%s has id %.64s, expected %s", key, ids.experiment, expected);
}

/* ---- every golden record, by the ids that the reference computed ---- */

struct golden {
	char key[8], file[256], id[TARN_ID_SIZE + 1];
};

static size_t load_golden(struct golden golden[32])
{
	struct tarn_buf packed, text;
	struct tarn_compressor *compressor = tarn_compressor_new();
	tarn_buf_init(&packed, 1 << 20);
	tarn_buf_init(&text, 1 << 22);
	golden_read(GOLDEN "canonical/experiment_ids.jsonl.gz", &packed);
	assert_int_equal(tarn_decompress(compressor, TARN_CODEC_GZIP, tarn_buf_slice(&packed), 1 << 22, &text, NULL),
			 0);
	tarn_buf_add_byte(&text, '\0');
	size_t n = 0;
	for (char *line = strtok((char *)text.data, "\n"); line && n < 32; line = strtok(NULL, "\n"), n++) {
		json_t *entry = json_loads(line, 0, NULL);
		assert_non_null(entry);
		snprintf(golden[n].key, sizeof(golden[n].key), "%s", json_string_value(json_object_get(entry, "key")));
		snprintf(golden[n].file, sizeof(golden[n].file), "%s",
			 json_string_value(json_object_get(entry, "file")));
		snprintf(golden[n].id, sizeof(golden[n].id), "%s",
			 json_string_value(json_object_get(entry, "experiment_id")));
		json_decref(entry);
	}
	tarn_compressor_free(compressor);
	tarn_buf_release(&packed);
	tarn_buf_release(&text);
	return n;
}

static const char *id_of(const struct golden *golden, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(golden[i].key, key))
			return golden[i].id;
	fail_msg("no golden record %s", key);
	return NULL;
}

static void ids_of_v1_and_v2_files(void **state)
{
	struct fixture *f = *state;
	struct golden golden[32];
	size_t n = load_golden(golden);
	assert_int_equal(n, 16);
	for (size_t i = 0; i < n; i++) {
		char path[512];
		snprintf(path, sizeof(path), GOLDEN_RAW "%s/experiments/%s", golden[i].key[0] == 'v' ? "v1" : "v2",
			 golden[i].file);
		golden_add_avro(path, f->plans, f->batch);
	}
	/* All of them in one batch: offsets of lists and texts do not begin at 0. */
	assert_int_equal(tarn_record_batch_count(f->batch), n);
	for (size_t i = 0; i < n; i++)
		expect_id(f, i, golden[i].key, golden[i].id);
}

static void ids_of_files_of_six(void **state)
{
	struct fixture *f = *state;
	struct golden golden[32];
	size_t n = load_golden(golden);
	for (int partition = 7; partition <= 9; partition++) {
		char path[512];
		snprintf(path, sizeof(path),
			 GOLDEN_RAW "multi/experiments/experiment.vqe/partition=%d/experiment.vqe+%d+0000000000.avro",
			 partition, partition);
		tarn_record_batch_clear(f->batch);
		golden_add_avro(path, f->plans, f->batch);
		assert_int_equal(tarn_record_batch_count(f->batch), 6);
		for (size_t i = 0; i < 6; i++) {
			char key[8];
			snprintf(key, sizeof(key), "p%02zu", i + 1);
			expect_id(f, i, key, id_of(golden, n, key));
		}
	}
}

static const struct {
	const char *key, *json;
} json_files[] = {
	{ "p01", "1-1767225600000000000" },  { "p02", "2-1767225601234567891" },  { "p03", "3-1767225602469135782" },
	{ "p04", "4-1767225603703703673" },  { "p05", "5-1767225604938271564" },  { "p06", "6-1767225606172839455" },
	{ "p07", "7-1767225607407407346" },  { "p08", "8-1767225608641975237" },  { "p09", "9-1767225609876543128" },
	{ "p10", "10-1767225611111111019" }, { "p12", "11-1767225612345678910" }, { "p11", "12-1767225613580246801" },
};

/* The same record has the same three ids, whether it came in Avro or in JSON. */
static void json_is_the_same_record(void **state)
{
	struct fixture *f = *state;
	struct golden golden[32];
	size_t n = load_golden(golden);
	for (size_t i = 0; i < sizeof(json_files) / sizeof(*json_files); i++) {
		char path[512];
		size_t k = 0;
		while (strcmp(golden[k].key, json_files[i].key))
			k++;
		tarn_record_batch_clear(f->batch);
		snprintf(path, sizeof(path), GOLDEN_RAW "v2/experiments/%s", golden[k].file);
		golden_add_avro(path, f->plans, f->batch);
		snprintf(path, sizeof(path), GOLDEN_RAW "v2json/experiments/experiment.vqe/%s.json",
			 json_files[i].json);
		golden_add_json(path, f->batch);
		assert_int_equal(tarn_record_batch_count(f->batch), 2);
		expect_id(f, 1, json_files[i].key, id_of(golden, n, json_files[i].key));
		struct tarn_record_ids avro = ids_at(f, 0), json = ids_at(f, 1);
		assert_memory_equal(&avro, &json, sizeof(avro));
	}
}

static void canonical_text_of_p11(void **state)
{
	struct fixture *f = *state;
	struct tarn_buf expected;
	struct tarn_record record;
	tarn_buf_init(&expected, 1 << 20);
	golden_read(GOLDEN "canonical/p11.canonical.json", &expected);
	golden_add_avro(GOLDEN_RAW "v2/experiments/experiment.vqe/partition=1/experiment.vqe+1+0000000005.avro",
			f->plans, f->batch);
	tarn_record_batch_get(f->batch, 0, &record);
	tarn_buf_clear(&f->scratch);
	tarn_record_canonical(&record, &f->scratch);
	while (expected.len && expected.data[expected.len - 1] == '\n')
		expected.len--;
	assert_int_equal(f->scratch.len, expected.len);
	assert_memory_equal(f->scratch.data, expected.data, expected.len);
	tarn_buf_release(&expected);
}

/* p01, p10 and p12 are one command line: p12 repeats p01's numbers in other times, p10 does not. */
static void what_the_ids_tell_apart(void **state)
{
	struct fixture *f = *state;
	static const int order[] = { 1, 10, 11 };
	struct tarn_record_ids ids[3];
	for (size_t i = 0; i < 3; i++) {
		char path[512];
		snprintf(path, sizeof(path), GOLDEN_RAW "v2json/experiments/experiment.vqe/%s.json",
			 json_files[order[i] - 1].json);
		golden_add_json(path, f->batch);
	}
	for (size_t i = 0; i < 3; i++)
		ids[i] = ids_at(f, i);
	assert_memory_equal(ids[0].configuration, ids[1].configuration, TARN_ID_SIZE);
	assert_memory_equal(ids[0].configuration, ids[2].configuration, TARN_ID_SIZE);
	assert_memory_not_equal(ids[0].experiment, ids[1].experiment, TARN_ID_SIZE);
	assert_memory_equal(ids[0].experiment, ids[2].experiment, TARN_ID_SIZE);
	assert_memory_not_equal(ids[0].result, ids[2].result, TARN_ID_SIZE);
}

/* A load set repeats real records with the first iterations only, their energies moved by a few 1e-9. */
static void any_first_part_of_a_run_is_kept(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(json_files) / sizeof(*json_files); i++) {
		char path[512];
		snprintf(path, sizeof(path), GOLDEN_RAW "v2json/experiments/experiment.vqe/%s.json",
			 json_files[i].json);
		golden_add_json(path, f->batch);
	}
	for (size_t i = 0; i < tarn_record_batch_count(f->batch); i++) {
		struct tarn_record record;
		struct tarn_err err;
		tarn_record_batch_get(f->batch, i, &record);
		double energies[1024];
		assert_in_range(record.iterations.n, 1, 1024);
		for (size_t k = 0; k < record.iterations.n; k++)
			energies[k] = record.iterations.energy[k] + 2e-7;
		record.iterations.energy = energies;
		while (record.iterations.n) {
			if (tarn_record_check(&record, &err))
				fail_msg("%s, first %zu: %s", json_files[i].key, record.iterations.n, err.message);
			record.iterations.n--;
		}
	}
}

static void v1_lacks_what_v2_added(void **state)
{
	struct fixture *f = *state;
	struct tarn_record record;
	golden_add_avro(GOLDEN_RAW
			"v1/experiments/vqe_decorated_result_mol2_HH_it50_bs_sto3g_bk_aer_simulator/partition=0/"
			"vqe_decorated_result_mol2_HH_it50_bs_sto3g_bk_aer_simulator+0+0000000000.avro",
			f->plans, f->batch);
	tarn_record_batch_get(f->batch, 0, &record);
	assert_null(record.setup.init_strategy.data);
	assert_null(record.setup.ansatz_name.data);
	assert_false(record.setup.seed.present);
	assert_false(record.setup.exact_estimator.present);
	assert_false(record.success.present || record.nfev.present || record.nit.present);
	assert_false(record.nuclear_repulsion_energy.present);
	assert_true(record.setup.default_shots.present);
	assert_int_equal(record.setup.default_shots.value, 512);
	for (size_t i = 0; record.iterations.energy_delta.valid && i < record.iterations.n; i++)
		assert_false(record.iterations.energy_delta.valid[i]);
}

/* ---- plans ---- */

static void a_schema_is_compiled_once(void **state)
{
	struct fixture *f = *state;
	const struct tarn_record_plan *v1, *v2, *again;
	struct tarn_buf copy;
	assert_int_equal(tarn_record_plan_get(f->plans, tarn_record_schema(TARN_RECORD_V1), &v1, NULL), TARN_OK);
	assert_int_equal(tarn_record_plan_get(f->plans, tarn_record_schema(TARN_RECORD_V2), &v2, NULL), TARN_OK);
	tarn_buf_init(&copy, 1 << 20);
	tarn_buf_add_slice(&copy, tarn_record_schema(TARN_RECORD_V1));
	assert_int_equal(tarn_record_plan_get(f->plans, tarn_buf_slice(&copy), &again, NULL), TARN_OK);
	tarn_buf_release(&copy);
	assert_ptr_equal(again, v1);
	assert_ptr_not_equal(v1, v2);
	assert_int_equal(tarn_record_plan_get(f->plans, tarn_record_schema(TARN_RECORD_V1), &again, NULL), TARN_OK);
	assert_ptr_equal(again, v1);
}

static void other_schemas_are_refused(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *schema, *message;
	} cases[] = {
		{ "\"int\"", "" },
		{ "{\"type\":\"record\",\"name\":\"VQEDecoratedResult\",\"fields\":[]}", "vqe_result" },
		{ "{\"type\":\"record\",\"name\":\"VQEDecoratedResult\",\"fields\":[{\"name\":\"vqe_result\","
		  "\"type\":\"string\"}]}",
		  "vqe_result" },
		{ "{", "" },
		{ "", "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct tarn_record_plan *plan = NULL;
		struct tarn_err err;
		assert_int_equal(tarn_record_plan_get(f->plans, tarn_slice_str(cases[i].schema), &plan, &err),
				 TARN_EINVALID);
		assert_null(plan);
		if (!strstr(err.message, cases[i].message))
			fail_msg("expected \"%s\" in \"%s\"", cases[i].message, err.message);
	}
}

static void *get_both_plans(void *plans)
{
	for (int i = 0; i < 100; i++) {
		const struct tarn_record_plan *plan;
		if (tarn_record_plan_get(plans, tarn_record_schema(i % 2), &plan, NULL))
			return plans;
	}
	return NULL;
}

static void threads_share_plans(void **state)
{
	struct fixture *f = *state;
	enum { THREADS = 4 };
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, get_both_plans, f->plans), 0);
	for (int i = 0; i < THREADS; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

/* ---- damage ---- */

static void records_before_the_damage_stay(void **state)
{
	struct fixture *f = *state;
	const struct tarn_record_plan *plan;
	struct tarn_buf wire;
	tarn_buf_init(&wire, 1 << 20);
	golden_read(TEST_DATA "/records/p04.bin", &wire);
	struct tarn_slice datum = tarn_slice_of(wire.data + 5, wire.len - 5);
	struct tarn_buf two;
	tarn_buf_init(&two, 1 << 20);
	tarn_buf_add_slice(&two, datum);
	tarn_buf_add_slice(&two, datum);
	assert_int_equal(tarn_record_plan_get(f->plans, tarn_record_schema(TARN_RECORD_V2), &plan, NULL), TARN_OK);
	for (size_t len = 0; len < two.len; len += len < datum.len + 200 ? 7 : 97) {
		struct tarn_cursor cursor = tarn_cursor_of(tarn_slice_of(two.data, len));
		struct tarn_err err;
		size_t added = 9;
		tarn_record_batch_clear(f->batch);
		assert_int_equal(tarn_record_batch_add_avro(f->batch, plan, &cursor, 2, &added, &err), TARN_EINVALID);
		assert_int_equal(added, len >= datum.len);
		assert_int_equal(tarn_record_batch_count(f->batch), added);
		assert_in_range(err.position, 0, len);
		if (added)
			ids_at(f, 0);
	}
	tarn_buf_release(&two);
	tarn_buf_release(&wire);
}

static void flipped_bytes_do_no_harm(void **state)
{
	struct fixture *f = *state;
	const struct tarn_record_plan *plan;
	struct tarn_buf wire;
	tarn_buf_init(&wire, 1 << 20);
	golden_read(TEST_DATA "/records/p04.bin", &wire);
	assert_int_equal(tarn_record_plan_get(f->plans, tarn_record_schema(TARN_RECORD_V2), &plan, NULL), TARN_OK);
	for (size_t at = 5; at < wire.len; at += 13) {
		struct tarn_cursor cursor = tarn_cursor_of(tarn_slice_of(wire.data + 5, wire.len - 5));
		struct tarn_record_ids ids;
		size_t added = 0;
		tarn_record_batch_clear(f->batch);
		wire.data[at] ^= 0xff;
		if (tarn_record_batch_add_avro(f->batch, plan, &cursor, 1, &added, NULL))
			assert_int_equal(added, 0);
		wire.data[at] ^= 0xff;
		assert_int_equal(tarn_record_batch_count(f->batch), added);
		struct tarn_record record;
		if (!added)
			continue;
		tarn_record_batch_get(f->batch, 0, &record);
		if (!tarn_record_check(&record, NULL))
			tarn_record_identify(&record, &f->scratch, &ids);
	}
	tarn_buf_release(&wire);
}

#define WITH_BATCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BATCH(ids_of_v1_and_v2_files),	     WITH_BATCH(ids_of_files_of_six),
		WITH_BATCH(json_is_the_same_record),	     WITH_BATCH(canonical_text_of_p11),
		WITH_BATCH(any_first_part_of_a_run_is_kept), WITH_BATCH(what_the_ids_tell_apart),
		WITH_BATCH(v1_lacks_what_v2_added),	     WITH_BATCH(a_schema_is_compiled_once),
		WITH_BATCH(other_schemas_are_refused),	     WITH_BATCH(threads_share_plans),
		WITH_BATCH(records_before_the_damage_stay),  WITH_BATCH(flipped_bytes_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
