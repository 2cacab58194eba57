#include "serialize/schema/wire.h"

#include "base/file.h"
#include "cmocka_tarn.h"

static void headers_read_back(void **state)
{
	(void)state;
	static const uint32_t ids[] = { 0, 1, 101, 0x01020304, INT32_MAX, UINT32_MAX };
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		struct tarn_buf message;
		struct tarn_slice datum;
		uint32_t id;
		tarn_buf_init(&message, 64);
		tarn_wire_put_header(&message, ids[i]);
		assert_int_equal(message.len, TARN_WIRE_HEADER_SIZE);
		for (size_t len = 0; len < message.len; len++) {
			struct tarn_err err;
			assert_int_equal(tarn_wire_parse(tarn_slice_of(message.data, len), &id, &datum, &err),
					 TARN_EINVALID);
			assert_int_equal(err.position, len);
		}
		assert_int_equal(tarn_wire_parse(tarn_buf_slice(&message), &id, &datum, NULL), TARN_OK);
		assert_true(id == ids[i]);
		assert_int_equal(datum.len, 0);
		tarn_buf_add_str(&message, "datum");
		assert_int_equal(tarn_wire_parse(tarn_buf_slice(&message), &id, &datum, NULL), TARN_OK);
		assert_true(tarn_slice_eq(datum, tarn_slice_str("datum")));
		tarn_buf_release(&message);
	}
}

static void bytes_are_in_network_order(void **state)
{
	(void)state;
	struct tarn_buf message;
	tarn_buf_init(&message, 64);
	tarn_wire_put_header(&message, 0x01020304);
	assert_memory_equal(message.data, "\0\1\2\3\4", 5);
	tarn_buf_release(&message);
}

static void another_first_byte_is_refused(void **state)
{
	(void)state;
	for (unsigned byte = 1; byte < 256; byte++) {
		const uint8_t message[] = { (uint8_t)byte, 0, 0, 0, 1, 2 };
		struct tarn_slice datum;
		struct tarn_err err;
		uint32_t id;
		assert_int_equal(tarn_wire_parse(tarn_slice_of(message, sizeof(message)), &id, &datum, &err),
				 TARN_EINVALID);
		assert_int_equal(err.position, 0);
	}
}

static void a_real_message_has_its_id(void **state)
{
	(void)state;
	struct tarn_buf message;
	struct tarn_slice datum;
	uint32_t id;
	tarn_buf_init(&message, 1 << 20);
	assert_int_equal(tarn_file_read(TEST_DATA "/avro/vqe-v2.bin", &message, NULL), TARN_OK);
	assert_int_equal(tarn_wire_parse(tarn_buf_slice(&message), &id, &datum, NULL), TARN_OK);
	assert_int_equal(id, 7);
	assert_ptr_equal(datum.data, message.data + 5);
	tarn_buf_release(&message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_read_back),
		cmocka_unit_test(bytes_are_in_network_order),
		cmocka_unit_test(another_first_byte_is_refused),
		cmocka_unit_test(a_real_message_has_its_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
