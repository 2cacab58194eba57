#include "stream/sink/connect_schema.h"

#include "base/file.h"
#include "cmocka_tarn.h"
#include "serialize/avro/container.h"
#include "serialize/record/write.h"

#define RAW TEST_DATA "/golden/raw/"
#define V1_TOPIC "vqe_decorated_result_mol0_HH_it60_bs_sto3g_bk_aer_simulator_statevector"

static void rewrite(struct tarn_slice registered, int32_t version, bool meta_data, struct tarn_buf *out)
{
	struct tarn_connect_options options = { .version = version, .meta_data = meta_data };
	struct tarn_err err = { 0 };
	tarn_buf_init(out, TARN_BUF_DEFAULT_MAX);
	if (tarn_connect_schema(registered, &options, out, &err))
		fail_msg("%s", err.message);
	tarn_buf_add_byte(out, '\0');
}

static void the_reference_files_have_this_schema(void **state)
{
	(void)state;
	static const struct {
		enum tarn_record_version version;
		const char *path;
	} files[] = {
		{ TARN_RECORD_V2, RAW "v2/experiments/experiment.vqe/partition=0/experiment.vqe+0+0000000000.avro" },
		{ TARN_RECORD_V1, RAW "v1/experiments/" V1_TOPIC "/partition=0/" V1_TOPIC "+0+0000000000.avro" },
	};
	for (size_t i = 0; i < 2; i++) {
		struct tarn_buf made, file;
		struct tarn_avro_header header;
		tarn_buf_init(&file, TARN_BUF_DEFAULT_MAX);
		assert_int_equal(tarn_file_read(files[i].path, &file, NULL), TARN_OK);
		assert_int_equal(tarn_avro_header_read(tarn_buf_slice(&file), &header, NULL), TARN_OK);
		rewrite(tarn_record_schema(files[i].version), 1, true, &made);
		tarn_buf_add_byte(&file, '\0');
		assert_int_equal(made.len - 1, header.schema_json.len);
		assert_memory_equal(made.data, header.schema_json.data, header.schema_json.len);
		tarn_buf_release(&made);
		tarn_buf_release(&file);
	}
}

static const struct {
	const char *registered, *rewritten;
} cases[] = {
	{ "\"string\"", "{\"type\":\"string\",\"connect.version\":3}" },
	{ "[\"null\",\"string\"]", "[\"null\",\"string\"]" },
	{ "[\"int\",\"string\",\"null\"]", "[\"null\",\"int\",\"string\"]" },
	{ "{\"type\":\"array\",\"items\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}}",
	  "{\"type\":\"array\",\"items\":\"long\",\"connect.version\":3}" },
	{ "{\"type\":\"record\",\"name\":\"a.R\",\"doc\":\"why\",\"aliases\":[\"Q\"],\"fields\":["
	  "{\"name\":\"when\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"},\"doc\":\"then\","
	  "\"order\":\"ignore\"},"
	  "{\"name\":\"price\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}}]"
	  "}",
	  "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"a\",\"doc\":\"why\",\"fields\":["
	  "{\"name\":\"when\",\"type\":{\"type\":\"long\",\"connect.version\":1,"
	  "\"connect.name\":\"org.apache.kafka.connect.data.Timestamp\",\"logicalType\":\"timestamp-millis\"},\"doc\":"
	  "\"then\"},"
	  "{\"name\":\"price\",\"type\":{\"type\":\"bytes\",\"scale\":2,\"precision\":9,\"connect.version\":1,"
	  "\"connect.parameters\":{\"scale\":\"2\",\"connect.decimal.precision\":\"9\"},"
	  "\"connect.name\":\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\"}}],"
	  "\"connect.version\":3,\"connect.parameters\":{\"io.confluent.connect.avro.record.doc\":\"why\","
	  "\"io.confluent.connect.avro.field.doc.when\":\"then\"},\"connect.name\":\"a.R\"}" },
	{ "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"a\",\"fields\":["
	  "{\"name\":\"color\",\"type\":{\"type\":\"enum\",\"name\":\"C\",\"symbols\":[\"RED\",\"BLUE\"]},\"default\":"
	  "\"RED\"},"
	  "{\"name\":\"other\",\"type\":[\"null\",\"C\"],\"default\":null},"
	  "{\"name\":\"hash\",\"type\":{\"type\":\"fixed\",\"name\":\"b.H\",\"size\":4}},"
	  "{\"name\":\"rate\",\"type\":\"double\",\"default\":1},"
	  "{\"name\":\"next\",\"type\":[\"R\",\"null\"]},"
	  "{\"name\":\"tags\",\"type\":{\"type\":\"map\",\"values\":{\"type\":\"string\",\"avro.java.string\":"
	  "\"String\"}},"
	  "\"default\":{}}]}",
	  "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"a\",\"fields\":["
	  "{\"name\":\"color\",\"type\":{\"type\":\"enum\",\"name\":\"C\",\"symbols\":[\"RED\",\"BLUE\"],"
	  "\"connect.parameters\":{\"io.confluent.connect.avro.Enum\":\"a.C\",\"io.confluent.connect.avro.Enum.RED\":"
	  "\"RED\","
	  "\"io.confluent.connect.avro.Enum.BLUE\":\"BLUE\"},\"connect.name\":\"a.C\"},\"default\":\"RED\"},"
	  "{\"name\":\"other\",\"type\":[\"null\",\"C\"],\"default\":null},"
	  "{\"name\":\"hash\",\"type\":{\"type\":\"fixed\",\"name\":\"H\",\"namespace\":\"b\",\"size\":4,"
	  "\"connect.parameters\":{\"connect.fixed.size\":\"4\"},\"connect.name\":\"b.H\"}},"
	  "{\"name\":\"rate\",\"type\":\"double\",\"default\":1.0},"
	  "{\"name\":\"next\",\"type\":[\"null\",\"R\"],\"default\":null},"
	  "{\"name\":\"tags\",\"type\":{\"type\":\"map\",\"values\":{\"type\":\"string\","
	  "\"connect.parameters\":{\"avro.java.string\":\"String\"},\"avro.java.string\":\"String\"}},\"default\":{}}],"
	  "\"connect.version\":3,\"connect.name\":\"a.R\"}" },
};

static void types_become_those_of_connect(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_buf made;
		rewrite(tarn_slice_str(cases[i].registered), 3, true, &made);
		assert_string_equal((const char *)made.data, cases[i].rewritten);
		tarn_buf_release(&made);
	}
}

static void without_meta_data_nothing_of_connect_is_left(void **state)
{
	(void)state;
	struct tarn_buf made;
	rewrite(tarn_record_schema(TARN_RECORD_V2), 1, false, &made);
	assert_null(strstr((const char *)made.data, "connect"));
	tarn_buf_release(&made);
}

static void what_is_no_schema_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "\"null\"", "{\"type\":\"record\"}", "[\"null\"", "\"unknown\"" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct tarn_connect_options options = { .version = 1, .meta_data = true };
		struct tarn_err err = { 0 };
		struct tarn_buf out;
		tarn_buf_init(&out, 1 << 20);
		assert_int_equal(tarn_connect_schema(tarn_slice_str(bad[i]), &options, &out, &err), TARN_EINVALID);
		assert_true(strlen(err.message) > 0);
		assert_int_equal(out.len, 0);
		tarn_buf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reference_files_have_this_schema),
		cmocka_unit_test(types_become_those_of_connect),
		cmocka_unit_test(without_meta_data_nothing_of_connect_is_left),
		cmocka_unit_test(what_is_no_schema_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
