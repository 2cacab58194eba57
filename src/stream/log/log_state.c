/* A partition's state file: what is true of it up to the last checkpoint.
 *
 *   "TARNLOG1", then little-endian: the eleven int64 of struct partition_state, producers (producers_save), CRC-32C of
 * all before */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "stream/log/log_parts.h"

static const char state_magic[8] = { 'T', 'A', 'R', 'N', 'L', 'O', 'G', '1' };
enum { LARGEST_STATE = 1 << 30 };

static char *state_path(const struct tarn_partition *partition)
{
	return tarn_asprintf("%s/state", partition->folder);
}

void state_take(const struct tarn_partition *partition, const struct partition_state *state, struct tarn_buf *out)
{
	tarn_buf_add(out, state_magic, sizeof(state_magic));
	const uint64_t fields[] = { (uint64_t)state->start,
				    (uint64_t)state->cleaned,
				    (uint64_t)state->offset,
				    (uint64_t)state->segment,
				    state->position,
				    state->n_index,
				    state->n_times,
				    state->indexed,
				    (uint64_t)state->first_time,
				    (uint64_t)state->max_time,
				    (uint64_t)state->max_time_offset };
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		tarn_buf_add_le64(out, fields[i]);
	producers_save(&partition->producers, out);
	tarn_buf_add_le32(out, tarn_crc32c(tarn_buf_slice(out)));
}

enum tarn_rc state_write(const struct tarn_partition *partition, const struct tarn_buf *contents, struct tarn_err *err)
{
	char *path = state_path(partition);
	enum tarn_rc rc = tarn_file_replace(path, tarn_buf_slice(contents), err);
	free(path);
	return rc;
}

static bool parse_state(struct tarn_partition *partition, struct tarn_slice bytes, struct partition_state *state)
{
	struct tarn_cursor cursor = tarn_cursor_of(bytes), tail;
	struct tarn_slice magic;
	uint32_t crc;
	uint64_t fields[11];
	if (bytes.len < sizeof(state_magic) + sizeof(fields) + 4)
		return false;
	tail = tarn_cursor_of(tarn_slice_of(bytes.data + bytes.len - 4, 4));
	if (!tarn_cursor_le32(&tail, &crc) || crc != tarn_crc32c(tarn_slice_of(bytes.data, bytes.len - 4)))
		return false;
	cursor.end -= 4;
	if (!tarn_cursor_take(&cursor, sizeof(state_magic), &magic) || memcmp(magic.data, state_magic, magic.len) != 0)
		return false;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (!tarn_cursor_le64(&cursor, &fields[i]))
			return false;
	*state = (struct partition_state){ (int64_t)fields[0], (int64_t)fields[1], (int64_t)fields[2],
					   (int64_t)fields[3], fields[4],	   fields[5],
					   fields[6],	       fields[7],	   (int64_t)fields[8],
					   (int64_t)fields[9], (int64_t)fields[10] };
	return producers_load(&partition->producers, &cursor);
}

enum tarn_rc state_read(struct tarn_partition *partition, struct partition_state *state, struct tarn_err *err)
{
	char *path = state_path(partition);
	struct tarn_buf contents;
	tarn_buf_init(&contents, LARGEST_STATE);
	enum tarn_rc rc = tarn_file_read(path, &contents, err);
	if (!rc && !parse_state(partition, tarn_buf_slice(&contents), state)) {
		producers_clear(&partition->producers);
		rc = tarn_fail(err, TARN_EINVALID, "\"%s\" is damaged", path);
	}
	tarn_buf_release(&contents);
	free(path);
	return rc;
}
