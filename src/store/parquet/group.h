/* A row group as the file writer sees it. */
#ifndef TARN_STORE_PARQUET_GROUP_H
#define TARN_STORE_PARQUET_GROUP_H

#include "store/parquet/chunk.h"

/* An open list, map, map entry or struct of the row in progress. */
struct tarn_parquet_frame {
	const struct tarn_parquet_node *node;
	unsigned first_rep; /* repetition level of the first value below it */
	size_t count;	    /* children put so far */
};

struct tarn_parquet_column {
	struct tarn_parquet_frame *frames;
	size_t n_frames, cap_frames;
	size_t rows;
};

struct tarn_parquet_group {
	struct tarn_parquet_tree tree;
	struct tarn_chunk_tools tools;
	struct tarn_parquet_scratch *own_scratch;
	struct tarn_chunk *chunks; /* one a leaf */
	struct tarn_parquet_column *columns;
	bool finished;
};

#endif
