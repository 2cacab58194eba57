#include "cmocka_tarn.h"

#include "base/alloc.h"
#include "stream/broker/group_record.h"

/* As Apache Kafka writes them. */
#define STATIC_BYTES(text)                                                                                             \
	{                                                                                                              \
		(const uint8_t *)(text), sizeof(text) - 1                                                              \
	}
#define BYTES(text) ((struct tarn_slice)STATIC_BYTES(text))
static const struct tarn_slice offset_key = STATIC_BYTES("\0\1\0\1g\0\5topic\0\0\0\7");
static const struct tarn_slice group_key = STATIC_BYTES("\0\2\0\1g");
static const struct tarn_slice offset_v3 =
	STATIC_BYTES("\0\3\0\0\0\0\0\0\0\x2a\xff\xff\xff\xff\0\4meta\0\0\1\x8c\xba\xb5\x7c\x00");
static const struct tarn_slice offset_v1 =
	STATIC_BYTES("\0\1\0\0\0\0\0\0\0\x2a\0\4meta\0\0\1\x8c\xba\xb5\x7c\x00\0\0\1\x8c\xba\xb5\x80\x00");
static const struct tarn_slice offset_v0 = STATIC_BYTES("\0\0\0\0\0\0\0\0\0\x2a\0\0\0\0\1\x8c\xba\xb5\x7c\x00");
/* Flexible, with the topic's id as a tagged field. */
static const struct tarn_slice offset_v4 =
	STATIC_BYTES("\0\4\0\0\0\0\0\0\0\x2a\0\0\0\3\5meta\0\0\1\x8c\xba\xb5\x7c\x00\1\0\2ab");
static const struct tarn_slice group_v3 =
	STATIC_BYTES("\0\3\0\10consumer\0\0\0\5\0\5range\0\1m\0\0\0\0\0\0\0\x09\0\0\0\1"
		     "\0\1m\0\1i\0\1c\0\2/h\0\0\x75\x30\0\0\x27\x10\0\0\0\3sub\0\0\0\2as");
static const struct tarn_slice group_empty =
	STATIC_BYTES("\0\3\0\10consumer\0\0\0\6\xff\xff\xff\xff\0\0\0\0\0\0\0\x09\0\0\0\0");

#define COMMIT_MS 0x18cbab57c00

static void assert_bytes(struct tarn_buf *buf, struct tarn_slice expected)
{
	assert_int_equal(buf->len, expected.len);
	assert_memory_equal(buf->data, expected.data, expected.len);
	tarn_buf_clear(buf);
}

static void test_keys(void **state)
{
	(void)state;
	struct tarn_buf out;
	struct tarn_arena arena;
	struct tarn_group_key key;
	tarn_arena_init(&arena);
	tarn_buf_init(&out, 4096);
	tarn_group_write_offset_key(&out, "g", "topic", 7);
	assert_bytes(&out, offset_key);
	tarn_group_write_group_key(&out, "g");
	assert_bytes(&out, group_key);
	assert_int_equal(tarn_group_read_key(offset_key, &arena, &key, NULL), TARN_OK);
	assert_int_equal(key.kind, TARN_GROUP_RECORD_OFFSET);
	assert_string_equal(key.group, "g");
	assert_string_equal(key.topic, "topic");
	assert_int_equal(key.partition, 7);
	assert_int_equal(tarn_group_read_key(group_key, &arena, &key, NULL), TARN_OK);
	assert_int_equal(key.kind, TARN_GROUP_RECORD_GROUP);
	assert_string_equal(key.group, "g");
	/* What newer protocols keep there. */
	assert_int_equal(tarn_group_read_key(BYTES("\0\3\0\1g"), &arena, &key, NULL), TARN_OK);
	assert_int_equal(key.kind, TARN_GROUP_RECORD_OTHER);
	tarn_arena_release(&arena);
	tarn_buf_release(&out);
}

static const struct {
	const struct tarn_slice *value;
	const char *metadata;
	int32_t leader_epoch;
	int64_t expire_ms;
	bool is_written;
} offsets[] = {
	{ &offset_v0, "", -1, -1, false },
	{ &offset_v1, "meta", -1, COMMIT_MS + 1024, true },
	{ &offset_v3, "meta", -1, -1, true },
	{ &offset_v4, "meta", 3, -1, false },
};

static void test_offsets(void **state)
{
	(void)state;
	struct tarn_buf out;
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	tarn_buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		struct tarn_group_offset offset = { .topic = "kept", .partition = 3, .position = 9 };
		assert_int_equal(tarn_group_read_offset(*offsets[i].value, &arena, &offset, NULL), TARN_OK);
		assert_int_equal(offset.offset, 42);
		assert_int_equal(offset.commit_ms, COMMIT_MS);
		assert_int_equal(offset.expire_ms, offsets[i].expire_ms);
		assert_int_equal(offset.leader_epoch, offsets[i].leader_epoch);
		assert_true(tarn_slice_eq(offset.metadata, tarn_slice_str(offsets[i].metadata)));
		assert_string_equal(offset.topic, "kept");
		assert_int_equal(offset.position, 9);
		if (offsets[i].is_written) {
			tarn_group_write_offset(&out, &offset);
			assert_bytes(&out, *offsets[i].value);
		}
	}
	tarn_arena_release(&arena);
	tarn_buf_release(&out);
}

static const struct tarn_group_outputs nobody = { 0 };

static void test_groups(void **state)
{
	(void)state;
	struct tarn_buf out;
	struct tarn_arena arena;
	struct tarn_group_loaded loaded = { .group_id = "g" };
	const struct tarn_group_limits limits = TARN_GROUP_LIMITS_DEFAULT;
	struct tarn_groups *groups = tarn_groups_new(&limits, &nobody);
	tarn_arena_init(&arena);
	tarn_buf_init(&out, 4096);
	assert_int_equal(tarn_group_read_group(group_v3, &arena, &loaded, NULL), TARN_OK);
	tarn_groups_load(groups, 1000, &loaded);
	const struct tarn_group *group = tarn_groups_find(groups, "g");
	assert_int_equal(group->state, TARN_GROUP_STABLE);
	assert_int_equal(group->generation, 5);
	assert_int_equal(group->n_members, 1);
	assert_string_equal(group->leader->id, "m");
	assert_string_equal(group->leader->instance_id, "i");
	assert_int_equal(group->leader->rebalance_ms, 30000);
	assert_int_equal(group->leader->deadline_ms, 11000);
	tarn_group_write_group(&out, group);
	assert_bytes(&out, group_v3);

	assert_int_equal(tarn_group_read_group(group_empty, &arena, &loaded, NULL), TARN_OK);
	tarn_groups_load(groups, 1000, &loaded);
	assert_int_equal(group->state, TARN_GROUP_EMPTY);
	assert_int_equal(group->n_members, 0);
	assert_int_equal(group->since_ms, 9);
	tarn_group_write_group(&out, group);
	assert_bytes(&out, group_empty);
	tarn_groups_free(groups);
	tarn_arena_release(&arena);
	tarn_buf_release(&out);
}

static void test_cut(void **state)
{
	(void)state;
	struct tarn_arena arena;
	struct tarn_group_key key;
	struct tarn_group_offset offset = { 0 };
	struct tarn_group_loaded loaded = { 0 };
	tarn_arena_init(&arena);
	for (size_t len = 0; len < offset_key.len; len++)
		assert_int_equal(tarn_group_read_key(tarn_slice_of(offset_key.data, len), &arena, &key, NULL),
				 TARN_EINVALID);
	for (size_t len = 0; len < offset_v4.len; len++)
		assert_int_equal(tarn_group_read_offset(tarn_slice_of(offset_v4.data, len), &arena, &offset, NULL),
				 TARN_EINVALID);
	for (size_t len = 0; len < group_v3.len; len++)
		assert_int_equal(tarn_group_read_group(tarn_slice_of(group_v3.data, len), &arena, &loaded, NULL),
				 TARN_EINVALID);
	assert_int_equal(tarn_group_read_offset(BYTES("\0\5\0\0\0\0\0\0\0\0"), &arena, &offset, NULL),
			 TARN_EUNSUPPORTED);
	tarn_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_keys), cmocka_unit_test(test_offsets),
					    cmocka_unit_test(test_groups), cmocka_unit_test(test_cut) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
