/* One column chunk, decoded whole: levels and values. */
#ifndef TARN_STORE_PARQUET_LEAF_READ_H
#define TARN_STORE_PARQUET_LEAF_READ_H

#include "store/parquet/encodings.h"
#include "store/parquet/footer.h"

struct tarn_leaf_data {
	size_t n;      /* level entries: values, nulls and empty lists */
	uint8_t *defs; /* NULL: all are the highest */
	uint8_t *reps; /* NULL: all are 0 */
	size_t cap_defs, cap_reps;
	struct tarn_values values;
};

/* `bytes`: the chunk's pages, which lie at `position` of the file. */
enum tarn_rc tarn_leaf_read(const struct tarn_footer_leaf *leaf, const struct tarn_footer_chunk *chunk,
			    struct tarn_compressor *compressor, struct tarn_slice bytes, struct tarn_leaf_data *data,
			    struct tarn_err *err) TARN_MUST_CHECK;
void tarn_leaf_release(struct tarn_leaf_data *data);

#endif
