/* Writing zstd frames (RFC 8878) from literals and copies that the caller knows. Blocks hold sequences of one kind
 * each: equal codes for literal length, match length and offset, so that no entropy coder is needed. */
#ifndef TARN_STORE_PARQUET_ZSTD_BLOCKS_H
#define TARN_STORE_PARQUET_ZSTD_BLOCKS_H

#include "base/buf.h"

enum { TARN_ZSTD_RUNS = 2048, TARN_ZSTD_MIN_MATCH = 3 };

struct tarn_zstd_sequence {
	uint32_t literals, match, times;
};

struct tarn_zstd_kind {
	uint8_t literals, match, offset; /* codes */
};

struct tarn_zstd_blocks {
	struct tarn_buf *out;
	/* the block in progress */
	struct tarn_zstd_kind kind;
	uint32_t offset;
	size_t n; /* sequences */
	size_t n_runs, content;
	bool alike; /* all literals are the same byte */
	struct tarn_buf literals;
	struct tarn_zstd_sequence runs[TARN_ZSTD_RUNS];
	/* the sequence in progress: literals, then a match */
	struct tarn_buf waiting;
	uint32_t match, match_offset;
	/* what the decoder remembers */
	uint32_t repeat;
	bool has_tables;
	struct tarn_zstd_kind tables;
};

/* Appends the frame's head; `content` is the size of what the frame decodes to. */
void tarn_zstd_begin(struct tarn_zstd_blocks *blocks, uint32_t content, struct tarn_buf *out);
void tarn_zstd_literals(struct tarn_zstd_blocks *blocks, struct tarn_slice bytes);
/* `len` bytes from `offset` back. Adjoining copies from one offset become one; each must then be
 * TARN_ZSTD_MIN_MATCH bytes at least. */
void tarn_zstd_copy(struct tarn_zstd_blocks *blocks, uint32_t len, uint32_t offset);
/* `times` times: the literals (1 to 4,096), then `match` (at most 65,536) bytes from `offset` back. */
void tarn_zstd_repeat(struct tarn_zstd_blocks *blocks, struct tarn_slice literals, uint32_t match, uint32_t offset,
		      size_t times);
/* Ends the frame and frees working memory. */
void tarn_zstd_end(struct tarn_zstd_blocks *blocks);

#endif
