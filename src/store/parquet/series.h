/* Strings that are a prefix and a counting number, kept as descriptions while a page fills, and the zstd frame of such
 * a page (RFC 8878), made from the descriptions alone: where each row repeats an earlier one is known, so no text is
 * written out and no match is looked for. Some 20 times as fast as doing both, and no larger.
 *
 * A row is its length (4 bytes), the prefix, the number. Where a piece has the numbers of the piece before it and a
 * prefix that differs in a few bytes, each of its rows is those bytes and a copy from one piece back. Otherwise a row
 * is its last digits and a copy of the row before. Nearly all sequences of a frame are thus alike, and go into blocks
 * whose three code tables are a single symbol (RLE or repeat mode): a sequence is only its extra bits. */
#ifndef TARN_STORE_PARQUET_SERIES_H
#define TARN_STORE_PARQUET_SERIES_H

#include "base/buf.h"

struct tarn_series_piece {
	size_t prefix, prefix_len; /* in `prefixes` */
	int64_t first;
	size_t count;
};

struct tarn_series {
	struct tarn_series_piece *pieces;
	size_t n, cap;
	struct tarn_buf prefixes;
};

void tarn_series_init(struct tarn_series *series);
void tarn_series_release(struct tarn_series *series);
void tarn_series_clear(struct tarn_series *series);
/* first >= 0; first + count - 1 fits in 64 bits. */
void tarn_series_add(struct tarn_series *series, struct tarn_slice prefix, int64_t first, size_t count);

/* How many of the `rows` numbers from `first` on have as many digits as `first`. */
size_t tarn_series_same_digits(int64_t first, size_t digits, size_t rows);

/* Appends the rows as PLAIN byte arrays. */
void tarn_series_write(const struct tarn_series *series, struct tarn_buf *out);

/* Whether most rows belong to pieces with the numbers of the piece before and nearly its prefix: what a frame is made from best. */
bool tarn_series_repeat(const struct tarn_series *series);
/* Appends a zstd frame of `head` followed by the rows, which are `size` bytes as tarn_series_write makes them. */
void tarn_series_compress(const struct tarn_series *series, struct tarn_slice head, size_t size, struct tarn_buf *out);

#endif
