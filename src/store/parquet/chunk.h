/* A column chunk being written: pages are encoded and compressed as they fill, so that only compressed bytes are held.
 *
 * A chunk starts with a dictionary. It turns to PLAIN for good when the dictionary does not pay (seen at its 1,024th
 * value and at the end of the first page) or grows beyond its limit; pages already written stay as they are. */
#ifndef TARN_STORE_PARQUET_CHUNK_H
#define TARN_STORE_PARQUET_CHUNK_H

#include "store/parquet/dictionary.h"
#include "store/parquet/hybrid.h"
#include "store/parquet/series.h"
#include "store/parquet/value_bounds.h"
#include "store/parquet/writer.h"

/* Room before the PLAIN values of a page, for the levels of the usual case: one run. */
enum { TARN_CHUNK_HEADROOM = 32 };

struct tarn_parquet_scratch {
	struct tarn_compressor *compressor;
	struct tarn_buf packed, raw, compressed;
};

/* What the chunks of a group share: one thread, its scratch memory, the first error. */
struct tarn_chunk_tools {
	struct tarn_parquet_scratch *scratch;
	enum tarn_codec codec;
	int level;
	size_t page_bytes, dictionary_bytes;
	enum tarn_rc rc;
	struct tarn_err err;
};

struct tarn_chunk_page {
	int64_t offset; /* from the chunk's first data page */
	int64_t first_row, nulls;
	int32_t size; /* with its header */
	bool only_nulls;
	uint8_t min_len, max_len; /* in `bound_bytes`, one page's after the other's */
};

enum tarn_chunk_mode {
	TARN_CHUNK_UNDECIDED, /* a dictionary that has not proved its worth */
	TARN_CHUNK_DICTIONARY,
	TARN_CHUNK_PLAIN,
	TARN_CHUNK_BITS, /* booleans */
};

struct tarn_chunk {
	const struct tarn_parquet_leaf *leaf;
	struct tarn_chunk_tools *tools;
	bool in_bytes; /* bounds are bytes */
	enum tarn_chunk_mode mode;

	/* the page in progress */
	struct tarn_runs reps, defs, indexes;
	struct tarn_buf plain;	   /* starts with room for the levels */
	struct tarn_series series; /* stands for all values of the page while `plain` is empty */
	size_t series_size;	   /* as PLAIN */
	size_t page_rows, page_values, page_nulls, page_nans;
	uint64_t page_plain; /* bytes its values would take as PLAIN */
	struct tarn_bounds page_bounds;

	/* the chunk so far */
	struct tarn_dictionary dictionary;
	uint32_t newest; /* dictionary number of the value put last */
	int64_t rows, entries, nulls, nans, raw_bytes;
	struct tarn_bounds bounds;
	struct tarn_buf dictionary_page, data_pages;
	struct tarn_chunk_page *pages;
	size_t n_pages, cap_pages, n_dictionary_pages;
	struct tarn_buf bound_bytes;
	bool no_index; /* a page has bounds that a column index cannot say */
	bool ascending, descending;
	struct tarn_bounds newest_bounds; /* of the newest page that has any */
	struct tarn_buf column_index;	  /* after finish; empty where there is none */
};

/* A value as every part of the writer wants it. */
struct tarn_chunk_value {
	struct tarn_slice bytes; /* PLAIN, without a length */
	int64_t key;		 /* for bounds, of those that are not in bytes; of a boolean: 0 or 1 */
	struct tarn_slice order; /* for bounds, of those in bytes */
	bool nan;
};

void tarn_chunk_init(struct tarn_chunk *chunk, const struct tarn_parquet_leaf *leaf, struct tarn_chunk_tools *tools);
void tarn_chunk_release(struct tarn_chunk *chunk);

/* Flat columns: whole rows, with their levels, over as many pages as it takes. */
void tarn_chunk_put(struct tarn_chunk *chunk, const struct tarn_chunk_value *value, size_t rows);
void tarn_chunk_put_nulls(struct tarn_chunk *chunk, size_t rows);
void tarn_chunk_put_doubles(struct tarn_chunk *chunk, const double *values, size_t rows);
void tarn_chunk_put_series(struct tarn_chunk *chunk, struct tarn_slice prefix, int64_t first, size_t rows);
void tarn_chunk_put_cycle(struct tarn_chunk *chunk, int32_t first, int32_t period, size_t rows);

/* Nested columns: levels and values one by one, then the end of the row. */
void tarn_chunk_add_levels(struct tarn_chunk *chunk, unsigned rep, unsigned def, size_t count);
void tarn_chunk_add_values(struct tarn_chunk *chunk, const struct tarn_chunk_value *value, size_t count);
void tarn_chunk_end_row(struct tarn_chunk *chunk);

/* Encodes and compresses the page in progress, if it has rows; a dictionary that does not pay is dropped here. */
void tarn_chunk_end_page(struct tarn_chunk *chunk);
/* Turns the page's series, if any, into PLAIN bytes. */
void tarn_chunk_write_series(struct tarn_chunk *chunk);
/* Frees what only filling needs. */
void tarn_chunk_release_filling(struct tarn_chunk *chunk);
/* Rewrites the page in progress as PLAIN; for as long as no page was written with the dictionary. */
void tarn_chunk_drop_dictionary(struct tarn_chunk *chunk);

size_t tarn_chunk_bytes(const struct tarn_chunk *chunk);
/* Writes the last page and the dictionary page, and frees what only filling needed. */
void tarn_chunk_finish(struct tarn_chunk *chunk);

#endif
