#include "store/parquet/reader.h"

#include <stdlib.h>

#include "store/parquet/footer.h"
#include "store/parquet/vector.h"

enum { TAIL_SIZE = 8, SMALLEST_FILE = 12, FOOTER_MAX = 512 << 20 };

static enum tarn_rc read_tail(tarn_parquet_source source, void *context, int64_t file_size, uint32_t *footer_len,
			      struct tarn_err *err)
{
	uint8_t tail[TAIL_SIZE];
	if (file_size < SMALLEST_FILE)
		return tarn_fail_at(err, TARN_EINVALID, 0, "not a parquet file: %lld bytes", (long long)file_size);
	enum tarn_rc rc = source(context, file_size - TAIL_SIZE, TAIL_SIZE, tail, err);
	if (rc != TARN_OK)
		return rc;
	if (memcmp(tail + 4, PARQUET_MAGIC, 4))
		return tarn_fail_at(err, TARN_EINVALID, file_size - 4, "not a parquet file: it does not end in PAR1");
	memcpy(footer_len, tail, 4);
	if (*footer_len > file_size - SMALLEST_FILE || *footer_len > FOOTER_MAX)
		return tarn_fail_at(err, TARN_EINVALID, file_size - TAIL_SIZE,
				    "damaged parquet file: a footer of %u bytes in a file of %lld", *footer_len,
				    (long long)file_size);
	return TARN_OK;
}

enum tarn_rc tarn_parquet_open(tarn_parquet_source source, void *context, int64_t file_size,
			       struct tarn_parquet_reader **reader, struct tarn_err *err)
{
	uint32_t len = 0;
	enum tarn_rc rc = read_tail(source, context, file_size, &len, err);
	if (rc != TARN_OK)
		return rc;
	struct tarn_parquet_reader *opened = tarn_calloc(1, sizeof(*opened));
	opened->source = source;
	opened->context = context;
	opened->footer_bytes = tarn_malloc(len);
	opened->compressor = tarn_compressor_new();
	int64_t position = file_size - TAIL_SIZE - len;
	rc = source(context, position, len, opened->footer_bytes, err);
	if (rc == TARN_OK)
		rc = tarn_footer_read(&opened->footer, tarn_slice_of(opened->footer_bytes, len), position, err);
	if (rc != TARN_OK)
		tarn_parquet_close(opened);
	else
		*reader = opened;
	return rc;
}

void tarn_parquet_close(struct tarn_parquet_reader *reader)
{
	if (!reader)
		return;
	tarn_footer_release(&reader->footer);
	tarn_compressor_free(reader->compressor);
	free(reader->footer_bytes);
	free(reader);
}

int64_t tarn_parquet_rows(const struct tarn_parquet_reader *reader)
{
	return reader->footer.rows;
}

size_t tarn_parquet_groups(const struct tarn_parquet_reader *reader)
{
	return reader->footer.n_groups;
}

int64_t tarn_parquet_group_row_count(const struct tarn_parquet_reader *reader, size_t group)
{
	return reader->footer.groups[group].rows;
}

const struct tarn_field *tarn_parquet_fields(const struct tarn_parquet_reader *reader, size_t *n)
{
	*n = reader->footer.root.n_children;
	return reader->footer.fields;
}

bool tarn_parquet_metadata(const struct tarn_parquet_reader *reader, const char *key, struct tarn_slice *value)
{
	for (size_t i = 0; i < reader->footer.n_pairs; i++) {
		if (!tarn_slice_eq(reader->footer.pairs[i].key, tarn_slice_str(key)))
			continue;
		*value = reader->footer.pairs[i].value;
		return true;
	}
	return false;
}
