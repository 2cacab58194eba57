#include "stream/sink/datum_copy.h"

#include "base/file.h"
#include "cmocka_tarn.h"
#include "serialize/avro/container.h"
#include "serialize/record/write.h"
#include "serialize/schema/wire.h"
#include "stream/sink/connect_schema.h"

#define WIRE TEST_DATA "/golden/wire/"
#define RAW TEST_DATA "/golden/raw/"
#define V2 RAW "v2/experiments/experiment.vqe/partition="
#define V1_P01 "vqe_decorated_result_mol0_HH_it60_bs_sto3g_bk_aer_simulator_statevector"
#define V1_P03 "vqe_decorated_result_mol2_HH_it50_bs_sto3g_bk_aer_simulator"

static const struct {
	enum tarn_record_version version;
	const char *message, *file;
} golden[] = {
	{ TARN_RECORD_V2, WIRE "p01.bin", V2 "0/experiment.vqe+0+0000000000.avro" },
	{ TARN_RECORD_V2, WIRE "p03.bin", V2 "0/experiment.vqe+0+0000000001.avro" },
	{ TARN_RECORD_V2, WIRE "p04.bin", V2 "1/experiment.vqe+1+0000000001.avro" },
	{ TARN_RECORD_V2, WIRE "p11.bin", V2 "1/experiment.vqe+1+0000000005.avro" },
	{ TARN_RECORD_V1, WIRE "v1p01.bin", RAW "v1/experiments/" V1_P01 "/partition=0/" V1_P01 "+0+0000000000.avro" },
	{ TARN_RECORD_V1, WIRE "v1p03.bin", RAW "v1/experiments/" V1_P03 "/partition=0/" V1_P03 "+0+0000000000.avro" },
};

struct pair {
	struct tarn_avro_schema *from, *to;
	struct tarn_datum_plan *plan;
};

static struct pair pair_of(struct tarn_slice from, struct tarn_slice to)
{
	struct pair pair;
	assert_int_equal(tarn_avro_schema_parse(from, &pair.from, NULL), TARN_OK);
	assert_int_equal(tarn_avro_schema_parse(to, &pair.to, NULL), TARN_OK);
	assert_int_equal(tarn_datum_plan_new(pair.from, pair.to, &pair.plan, NULL), TARN_OK);
	return pair;
}

static struct pair connect_pair(struct tarn_slice from)
{
	struct tarn_buf to;
	struct tarn_connect_options options = { .version = 1, .meta_data = true };
	tarn_buf_init(&to, 1 << 20);
	assert_int_equal(tarn_connect_schema(from, &options, &to, NULL), TARN_OK);
	struct pair pair = pair_of(from, tarn_buf_slice(&to));
	tarn_buf_release(&to);
	return pair;
}

static void pair_free(struct pair *pair)
{
	tarn_datum_plan_free(pair->plan);
	tarn_avro_schema_free(pair->from);
	tarn_avro_schema_free(pair->to);
}

static struct tarn_buf read_file(const char *path)
{
	struct tarn_buf file;
	tarn_buf_init(&file, TARN_BUF_DEFAULT_MAX);
	assert_int_equal(tarn_file_read(path, &file, NULL), TARN_OK);
	return file;
}

static void messages_become_the_reference_files_data(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(golden) / sizeof(*golden); i++) {
		struct tarn_buf message = read_file(golden[i].message), file = read_file(golden[i].file), out;
		struct pair pair = connect_pair(tarn_record_schema(golden[i].version));
		struct tarn_avro_header header;
		struct tarn_avro_block block;
		struct tarn_slice datum, taken;
		uint32_t id;
		assert_int_equal(tarn_avro_header_read(tarn_buf_slice(&file), &header, NULL), TARN_OK);
		size_t position = header.size;
		assert_int_equal(tarn_avro_block_next(tarn_buf_slice(&file), &header, &position, &block, NULL),
				 TARN_OK);
		assert_int_equal(tarn_wire_parse(tarn_buf_slice(&message), &id, &datum, NULL), TARN_OK);
		tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
		assert_int_equal(tarn_datum_copy(pair.plan, datum, &out, NULL), TARN_OK);
		assert_int_equal(out.len, block.stored.len);
		assert_memory_equal(out.data, block.stored.data, out.len);
		tarn_buf_clear(&out);
		assert_int_equal(tarn_datum_take(pair.plan, datum, &out, &taken, NULL), TARN_OK);
		assert_true(tarn_slice_eq(taken, block.stored));
		tarn_buf_release(&out);
		tarn_buf_release(&file);
		tarn_buf_release(&message);
		pair_free(&pair);
	}
}

static void no_prefix_of_a_message_is_one(void **state)
{
	(void)state;
	struct tarn_buf message = read_file(WIRE "p04.bin"), out;
	struct pair pair = connect_pair(tarn_record_schema(TARN_RECORD_V2));
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	for (size_t len = 0; len < message.len - TARN_WIRE_HEADER_SIZE; len++) {
		struct tarn_err err;
		struct tarn_slice taken;
		uint8_t *datum = test_malloc(len + 1); /* so that a read behind the end is seen */
		memcpy(datum, message.data + TARN_WIRE_HEADER_SIZE, len);
		assert_int_equal(tarn_datum_copy(pair.plan, tarn_slice_of(datum, len), &out, &err), TARN_EINVALID);
		assert_int_equal(tarn_datum_take(pair.plan, tarn_slice_of(datum, len), &out, &taken, NULL),
				 TARN_EINVALID);
		assert_true(err.position >= 0 && err.position <= (int64_t)len);
		assert_int_equal(out.len, 0);
		test_free(datum);
	}
	tarn_buf_add_byte(&message, 0);
	assert_int_equal(tarn_datum_copy(pair.plan,
					 tarn_slice_of(message.data + TARN_WIRE_HEADER_SIZE,
						       message.len - TARN_WIRE_HEADER_SIZE),
					 &out, NULL),
			 TARN_EINVALID);
	tarn_buf_release(&out);
	tarn_buf_release(&message);
	pair_free(&pair);
}

#define HEX(text)                                                                                                      \
	{                                                                                                              \
		(const uint8_t *)(text), sizeof(text) - 1                                                              \
	}

static const struct {
	const char *from, *to;
	struct tarn_slice datum, copied; /* copied.data == NULL: refused */
} cases[] = {
	{ "[\"int\",\"null\"]", "[\"null\",\"int\"]", HEX("\0\4"), HEX("\2\4") },
	{ "[\"int\",\"null\"]", "[\"null\",\"int\"]", HEX("\2"), HEX("\0") },
	{ "[\"int\",\"null\",\"string\"]", "[\"null\",\"int\",\"string\"]", HEX("\4\2a"), HEX("\4\2a") },
	{ "[\"null\",\"int\"]", "[\"int\",\"null\"]", HEX("\2\4"), HEX("\0\4") },
	{ "[\"int\",\"null\"]", "[\"null\",\"int\"]", HEX("\4\4"), { NULL, 0 } },
	{ "{\"type\":\"array\",\"items\":[\"int\",\"null\"]}", "{\"type\":\"array\",\"items\":[\"null\",\"int\"]}",
	  HEX("\3\6\0\4\2\0"), HEX("\4\2\4\0\0") }, /* a block with its size loses it */
	{ "{\"type\":\"array\",\"items\":[\"int\",\"null\"]}",
	  "{\"type\":\"array\",\"items\":[\"null\",\"int\"]}",
	  HEX("\3\4\0\4\2\0"),
	  { NULL, 0 } }, /* and must have told the truth */
	{ "{\"type\":\"map\",\"values\":[\"int\",\"null\"]}", "{\"type\":\"map\",\"values\":[\"null\",\"int\"]}",
	  HEX("\2\2k\2\0"), HEX("\2\2k\0\0") },
	{ "\"boolean\"", "\"boolean\"", HEX("\1"), HEX("\1") },
	{ "\"boolean\"", "\"boolean\"", HEX("\2"), { NULL, 0 } },
	{ "\"int\"", "\"int\"", HEX("\x80\x80\x80\x80\x10"), { NULL, 0 } },
	{ "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}",
	  "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}",
	  HEX("\2"),
	  { NULL, 0 } },
	{ "{\"type\":\"array\",\"items\":\"null\"}", "{\"type\":\"array\",\"items\":\"null\"}",
	  HEX("\xfe\xff\xff\xff\x0f\0"), HEX("\xfe\xff\xff\xff\x0f\0") },
	{ "{\"type\":\"array\",\"items\":\"double\"}",
	  "{\"type\":\"array\",\"items\":\"double\"}",
	  HEX("\xfe\xff\xff\xff\xff\xff\xff\xff\x7f\0"),
	  { NULL, 0 } },
	{ "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"n\",\"type\":[\"L\",\"null\"]}]}",
	  "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"n\",\"type\":[\"null\",\"L\"]}]}", HEX("\0\0\2"),
	  HEX("\2\2\0") },
};

static void branches_get_their_new_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pair pair = pair_of(tarn_slice_str(cases[i].from), tarn_slice_str(cases[i].to));
		struct tarn_buf out;
		tarn_buf_init(&out, 1 << 20);
		enum tarn_rc rc = tarn_datum_copy(pair.plan, cases[i].datum, &out, NULL);
		assert_int_equal(rc, cases[i].copied.data ? TARN_OK : TARN_EINVALID);
		assert_true(tarn_slice_eq(tarn_buf_slice(&out), cases[i].copied));
		struct tarn_slice taken = { 0 };
		tarn_buf_clear(&out);
		assert_int_equal(tarn_datum_take(pair.plan, cases[i].datum, &out, &taken, NULL), rc);
		assert_true(tarn_slice_eq(taken, cases[i].copied));
		tarn_buf_release(&out);
		pair_free(&pair);
	}
}

static void shapes_must_agree(void **state)
{
	(void)state;
	struct tarn_avro_schema *from, *to;
	struct tarn_datum_plan *plan;
	assert_int_equal(tarn_avro_schema_parse(tarn_slice_str("[\"int\",\"null\"]"), &from, NULL), TARN_OK);
	assert_int_equal(tarn_avro_schema_parse(tarn_slice_str("[\"null\",\"long\"]"), &to, NULL), TARN_OK);
	assert_int_equal(tarn_datum_plan_new(from, to, &plan, NULL), TARN_EINVALID);
	tarn_avro_schema_free(from);
	tarn_avro_schema_free(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_become_the_reference_files_data),
		cmocka_unit_test(no_prefix_of_a_message_is_one),
		cmocka_unit_test(branches_get_their_new_numbers),
		cmocka_unit_test(shapes_must_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
