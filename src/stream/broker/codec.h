/* Reads and writes any message by its layout. Fixed and flexible versions (KIP-482), all integers big-endian. */
#ifndef TARN_STREAM_BROKER_CODEC_H
#define TARN_STREAM_BROKER_CODEC_H

#include "base/err.h"
#include "stream/broker/messages.h"

enum tarn_kind {
	TARN_KIND_BOOL,
	TARN_KIND_INT8,
	TARN_KIND_INT16,
	TARN_KIND_INT32,
	TARN_KIND_INT64,
	TARN_KIND_DOUBLE,
	TARN_KIND_UUID,
	TARN_KIND_STRING,
	TARN_KIND_OPAQUE,
	TARN_KIND_BYTES,
	TARN_KIND_RECORDS,
	TARN_KIND_STRUCT,
};

struct tarn_field {
	const char *name;
	uint8_t kind; /* enum tarn_kind; of the elements where it is an array */
	bool is_array;
	uint8_t first, last, nullable;		     /* versions */
	uint16_t at, count_at;			     /* offsets in the struct; count_at of arrays only */
	int64_t otherwise;			     /* default of numbers */
	const struct tarn_layout *(*elements)(void); /* of TARN_KIND_STRUCT */
};

struct tarn_layout {
	const char *name;
	size_t size; /* of the struct */
	const struct tarn_field *fields;
	size_t n_fields;
};

/* Fills `message`, which is a struct of the layout. Strings are copied into the arena and end with a zero byte (one
 * that holds a zero byte is TARN_EINVALID); bytes and records are borrowed from the cursor. Takes at most `memory`
 * bytes of the arena (TARN_ELIMIT), and counts are held against the bytes that are left before anything is allocated.
 */
struct tarn_decoding {
	int16_t version;
	bool flexible;
	size_t memory;
};
enum tarn_rc tarn_message_decode(struct tarn_cursor *in, const struct tarn_layout *layout,
				 const struct tarn_decoding *how, struct tarn_arena *arena, void *message,
				 struct tarn_err *err) TARN_MUST_CHECK;
/* Passes over a section of tagged fields; false where it is cut. */
bool tarn_tags_skip(struct tarn_cursor *in);

/* Long records are not copied into the bytes but named: `data` comes behind the first `at` bytes of the buffer. */
struct tarn_piece {
	size_t at;
	struct tarn_slice data;
};
struct tarn_encoded {
	struct tarn_buf bytes;
	struct tarn_piece *pieces; /* in order of `at` */
	size_t n_pieces, pieces_cap;
};
/* Records from this length on become pieces. */
#define TARN_PIECE_LEAST 1024

void tarn_encoded_init(struct tarn_encoded *encoded);
void tarn_encoded_release(struct tarn_encoded *encoded);
size_t tarn_encoded_size(const struct tarn_encoded *encoded); /* with its pieces */
/* Appends; encoded->bytes.overflow tells where it became too large. */
void tarn_message_encode(struct tarn_encoded *out, const struct tarn_layout *layout, int16_t version, bool flexible,
			 const void *message);

#endif
