#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "cmocka_tarn.h"
#include "sample_record.h"
#include "serialize/record/record_batch.h"
#include "serialize/record/write.h"

static json_t *sample_tree(void)
{
	struct sample sample;
	struct tarn_buf out;
	tarn_buf_init(&out, 1 << 20);
	sample_fill(&sample);
	tarn_record_write_json(&sample.record, &out);
	json_t *tree = json_loadb((const char *)out.data, out.len, 0, NULL);
	assert_non_null(tree);
	tarn_buf_release(&out);
	return tree;
}

static char *sample_text(void)
{
	json_t *tree = sample_tree();
	char *text = json_dumps(tree, JSON_COMPACT);
	json_decref(tree);
	return text;
}

static enum tarn_rc add_tree(struct tarn_record_batch *batch, const json_t *tree, struct tarn_err *err)
{
	char *text = json_dumps(tree, JSON_COMPACT | JSON_REAL_PRECISION(17));
	assert_non_null(text);
	enum tarn_rc rc = tarn_record_batch_add_json(batch, tarn_slice_str(text), err);
	free(text);
	return rc;
}

/* The value at a path of names and indexes, "a.b.2.c"; *last is the last part. */
static json_t *parent_of(json_t *tree, const char *path, char last[64])
{
	char part[64];
	int used = 0;
	while (sscanf(path, "%63[^.]%n", part, &used) == 1 && path[used] == '.') {
		tree = json_is_array(tree) ? json_array_get(tree, (size_t)atoi(part)) : json_object_get(tree, part);
		path += used + 1;
	}
	snprintf(last, 64, "%s", part);
	return tree;
}

/* value NULL: the field goes. */
static void change(json_t *tree, const char *path, const char *value)
{
	char last[64];
	json_t *parent = parent_of(tree, path, last);
	json_t *changed = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
	int failed;
	if (json_is_array(parent))
		failed = json_array_set_new(parent, (size_t)atoi(last), changed);
	else
		failed = changed ? json_object_set_new(parent, last, changed) : json_object_del(parent, last);
	assert_int_equal(failed, 0);
}

#define SETUP "vqe_result.initial_data."
static const struct {
	const char *path, *value, *message; /* message NULL: the record is read */
} changes[] = {
	{ "vqe_result.minimum", "-1", NULL },
	{ "vqe_result.minimum", "-15e-1", NULL },
	{ "vqe_result.nfev", "3.0", NULL },
	{ SETUP "default_shots", "null", NULL },
	{ SETUP "default_shots", NULL, NULL },
	{ SETUP "init_strategy", NULL, NULL },
	{ SETUP "exact_estimator", NULL, NULL },
	{ "performance_start", NULL, NULL },
	{ "molecule.molecule_data.masses", NULL, NULL },
	{ "vqe_result.iteration_list.1.energy_delta", NULL, NULL },
	{ "something_new", "{\"a\":[1,2,{}]}", NULL },
	{ SETUP "something_new", "null", NULL },
	{ "vqe_result", NULL, "vqe_result is missing" },
	{ "vqe_result", "3", "vqe_result is a number, expected an object" },
	{ "vqe_result", "null", "vqe_result is null, expected an object" },
	{ "basis_set", NULL, "basis_set is missing" },
	{ "basis_set", "null", "basis_set is null, expected a string" },
	{ "basis_set", "7", "basis_set is a number, expected a string" },
	{ "molecule_id", "1.5", "molecule_id is 1.5, expected a whole number of 32 bits" },
	{ "molecule_id", "2147483648", "molecule_id is 2147483648, expected a whole number of 32 bits" },
	{ "molecule_id", "\"4\"", "molecule_id is a string, expected a whole number" },
	{ "vqe_time", "\"2\"", "vqe_time is a string, expected a number" },
	{ "vqe_time", "null", "vqe_time is null, expected a number" },
	{ SETUP "exact_estimator", "0", SETUP "exact_estimator is a number, expected true or false" },
	{ SETUP "hamiltonian", "{}", SETUP "hamiltonian is an object, expected an array" },
	{ SETUP "hamiltonian.2.coefficients.real", "true",
	  SETUP "hamiltonian[2].coefficients.real is true, expected a number" },
	{ SETUP "hamiltonian.1.label", NULL, SETUP "hamiltonian[1].label is missing" },
	{ "vqe_result.iteration_list.2.parameters.1", "[]",
	  "vqe_result.iteration_list[2].parameters[1] is an array, expected a number" },
	{ "molecule.molecule_data.coords.1.2", "null",
	  "molecule.molecule_data.coords[1][2] is null, expected a number" },
	{ "molecule.molecule_data.symbols.0", "1", "molecule.molecule_data.symbols[0] is a number, expected a string" },
};

static void fields_are_checked_one_by_one(void **state)
{
	(void)state;
	struct tarn_record_batch *batch = tarn_record_batch_new();
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		json_t *tree = sample_tree();
		struct tarn_err err = { 0 };
		size_t before = tarn_record_batch_count(batch);
		change(tree, changes[i].path, changes[i].value);
		enum tarn_rc rc = add_tree(batch, tree, &err);
		json_decref(tree);
		assert_int_equal(rc, changes[i].message ? TARN_EINVALID : TARN_OK);
		assert_int_equal(tarn_record_batch_count(batch), before + !rc);
		if (rc)
			assert_string_equal(err.message, changes[i].message);
	}
	tarn_record_batch_free(batch);
}

static void read_text(struct tarn_record_batch *batch, const char *text, struct tarn_record *record)
{
	struct tarn_err err;
	tarn_record_batch_clear(batch);
	if (tarn_record_batch_add_json(batch, tarn_slice_str(text), &err))
		fail_msg("%s", err.message);
	tarn_record_batch_get(batch, 0, record);
}

/* The shortest record there can be: lists are empty, whatever may be missing is. Fields in another order. */
#define TINY(number)                                                                                                   \
	"{\"molecule_id\":-0,\"total_time\":" number ",\"vqe_time\":1,\"mapping_time\":1,\"hamiltonian_time\":1,"      \
	"\"basis_set\":\"\\u0000\\u03b8\",\"molecule\":{\"molecule_data\":{\"units\":\"\",\"charge\":-1,"              \
	"\"multiplicity\":1,\"coords\":[],\"symbols\":[]}},\"vqe_result\":{\"minimization_time\":1,"                   \
	"\"optimal_parameters\":[],\"minimum\":-0,\"iteration_list\":[],\"initial_data\":{\"ansatz_reps\":1,"          \
	"\"noise_backend\":\"\",\"ansatz\":\"\",\"optimizer\":\"\",\"initial_parameters\":[],\"num_parameters\":0,"    \
	"\"hamiltonian\":[],\"num_qubits\":1,\"backend\":\"b\"}}}"

static void numbers_and_texts_are_exact(void **state)
{
	(void)state;
	struct tarn_record_batch *batch = tarn_record_batch_new();
	struct tarn_record record;
	read_text(batch, TINY("0.1"), &record);
	assert_true(record.total_time == 0.1);
	assert_true(record.minimum == 0 && signbit(record.minimum));
	assert_int_equal(record.molecule_id, 0);
	assert_int_equal(record.basis_set.len, 3);
	assert_memory_equal(record.basis_set.data, "\0\xce\xb8", 3);
	/* Empty is not absent. */
	assert_non_null(record.setup.optimizer.data);
	assert_int_equal(record.setup.optimizer.len, 0);
	assert_null(record.setup.ansatz_name.data);
	assert_null(record.performance_end.data);
	static const struct {
		const char *text;
		double value;
	} numbers[] = { { TINY("9007199254740993"), 9007199254740992.0 },
			{ TINY("123456789012345678901234567890"), 123456789012345678901234567890.0 },
			{ TINY("5e-324"), 0x1p-1074 },
			{ TINY("1.7976931348623157e308"), 0x1.fffffffffffffp1023 } };
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		read_text(batch, numbers[i].text, &record);
		assert_true(record.total_time == numbers[i].value);
	}
	tarn_record_batch_free(batch);
}

/* A circuit without parameters: lists are empty throughout, so columns may never have had memory. */
static void no_parameters_at_all(void **state)
{
	(void)state;
	static const struct {
		const char *path, *value;
	} empty[] = {
		{ SETUP "num_parameters", "0" },
		{ SETUP "initial_parameters", "[]" },
		{ "vqe_result.optimal_parameters", "[]" },
		{ "vqe_result.iteration_list.0.parameters", "[]" },
		{ "vqe_result.iteration_list.1.parameters", "[]" },
		{ "vqe_result.iteration_list.2.parameters", "[]" },
		{ "vqe_result.nfev", "null" },
	};
	struct tarn_record_batch *batch = tarn_record_batch_new();
	struct tarn_record record;
	struct tarn_record_ids ids;
	struct tarn_buf scratch;
	json_t *tree = sample_tree();
	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++)
		change(tree, empty[i].path, empty[i].value);
	assert_int_equal(add_tree(batch, tree, NULL), TARN_OK);
	json_decref(tree);
	tarn_record_batch_get(batch, 0, &record);
	assert_int_equal(tarn_record_check(&record, NULL), TARN_OK);
	record.minimum -= 1;
	assert_int_equal(tarn_record_check(&record, NULL), TARN_EINVALID);
	tarn_buf_init(&scratch, 1 << 20);
	tarn_record_identify(&record, &scratch, &ids);
	tarn_buf_clear(&scratch);
	tarn_record_write_json(&record, &scratch);
	assert_int_equal(tarn_record_write_avro(&record, TARN_RECORD_V2, &scratch, NULL), TARN_OK);
	tarn_buf_release(&scratch);
	tarn_record_batch_free(batch);
}

static const struct {
	const char *text;
	int64_t position; /* or -1 for any */
} damaged[] = {
	{ "", 0 },
	{ " ", -1 },
	{ "null", -1 },
	{ "7", -1 },
	{ "[]", -1 },
	{ "{}", -1 },
	{ "{\"a\":1,}", 8 },
	{ "{\"a\":1,\"a\":2}", -1 },
	{ "{\"a\":NaN}", -1 },
	{ "{\"a\":1e999}", -1 },
	{ "{\"a\":\"\xff\"}", 6 },
	{ "{\"a\":\"\\ud800\"}", -1 },
	{ TINY("1") "{}", -1 },
	{ TINY("1") "]", -1 },
};

static void damaged_text_is_refused(void **state)
{
	(void)state;
	struct tarn_record_batch *batch = tarn_record_batch_new();
	for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
		struct tarn_err err = { 0 };
		assert_int_equal(tarn_record_batch_add_json(batch, tarn_slice_str(damaged[i].text), &err),
				 TARN_EINVALID);
		assert_true(err.message[0]);
		if (damaged[i].position >= 0)
			assert_int_equal(err.position, damaged[i].position);
	}
	assert_int_equal(tarn_record_batch_count(batch), 0);
	tarn_record_batch_free(batch);
}

static void every_strict_prefix_is_refused(void **state)
{
	(void)state;
	struct tarn_record_batch *batch = tarn_record_batch_new();
	char *text = sample_text();
	for (size_t len = 0; len < strlen(text); len++) {
		struct tarn_err err;
		assert_int_equal(tarn_record_batch_add_json(batch, tarn_slice_of(text, len), &err), TARN_EINVALID);
		assert_in_range(err.position, 0, len);
	}
	assert_int_equal(tarn_record_batch_count(batch), 0);
	free(text);
	tarn_record_batch_free(batch);
}

static void flipped_bytes_do_no_harm(void **state)
{
	(void)state;
	static const char flips[] = { '\x01', '\x20', '\x80', '\xff' };
	struct tarn_record_batch *batch = tarn_record_batch_new();
	char *text = sample_text();
	size_t len = strlen(text);
	for (size_t i = 0; i < len * sizeof(flips); i++) {
		struct tarn_record record;
		tarn_record_batch_clear(batch);
		text[i / sizeof(flips)] ^= flips[i % sizeof(flips)];
		enum tarn_rc rc = tarn_record_batch_add_json(batch, tarn_slice_of(text, len), NULL);
		text[i / sizeof(flips)] ^= flips[i % sizeof(flips)];
		assert_int_equal(tarn_record_batch_count(batch), !rc);
		if (rc)
			continue;
		tarn_record_batch_get(batch, 0, &record);
		if (tarn_record_check(&record, NULL))
			continue;
		struct tarn_buf scratch;
		struct tarn_record_ids ids;
		tarn_buf_init(&scratch, 1 << 20);
		tarn_record_identify(&record, &scratch, &ids);
		tarn_buf_release(&scratch);
	}
	free(text);
	tarn_record_batch_free(batch);
}

static void deep_nesting_is_refused(void **state)
{
	(void)state;
	enum { DEPTH = 100000 };
	struct tarn_record_batch *batch = tarn_record_batch_new();
	struct tarn_buf text;
	tarn_buf_init(&text, 1 << 20);
	for (int i = 0; i < DEPTH; i++)
		tarn_buf_add_str(&text, i % 2 ? "[" : "{\"a\":");
	assert_int_equal(tarn_record_batch_add_json(batch, tarn_buf_slice(&text), NULL), TARN_EINVALID);
	tarn_buf_release(&text);
	tarn_record_batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_checked_one_by_one),  cmocka_unit_test(numbers_and_texts_are_exact),
		cmocka_unit_test(no_parameters_at_all),		  cmocka_unit_test(damaged_text_is_refused),
		cmocka_unit_test(every_strict_prefix_is_refused), cmocka_unit_test(flipped_bytes_do_no_harm),
		cmocka_unit_test(deep_nesting_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
