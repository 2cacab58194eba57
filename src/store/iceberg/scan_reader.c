/* A data file's bytes, for Parquet. */
#include <stdlib.h>

#include "base/alloc.h"
#include "store/iceberg/scan.h"

/* Footers of most files, and all of small files. */
enum { TAIL_BYTES = 64 << 10 };

struct tarn_scan_reader {
	struct tarn_store *store;
	char *key;
	uint8_t *tail; /* the file's last bytes, from `tail_at` */
	size_t tail_len;
	int64_t tail_at;
	struct tarn_parquet_reader *parquet;
};

static enum tarn_rc read_range(void *context, int64_t offset, size_t len, uint8_t *dst, struct tarn_err *err)
{
	struct tarn_scan_reader *scan = context;
	if (offset >= scan->tail_at && len <= scan->tail_len &&
	    offset - scan->tail_at <= (int64_t)(scan->tail_len - len)) {
		memcpy(dst, scan->tail + (offset - scan->tail_at), len);
		return TARN_OK;
	}
	return tarn_store_get_range(scan->store, scan->key, offset, len, dst, err);
}

enum tarn_rc tarn_scan_open(struct tarn_store *store, const char *location, struct tarn_scan_reader **scan,
			    struct tarn_err *err)
{
	const char *key = tarn_store_key(store, location);
	int64_t size;
	if (!key)
		return tarn_fail(err, TARN_EUNSUPPORTED, "data file %s is not below the store %s", location,
				 tarn_store_url(store));
	struct tarn_scan_reader *opened = tarn_calloc(1, sizeof(*opened));
	opened->store = store;
	opened->key = tarn_strdup(key);
	opened->tail = tarn_malloc(TAIL_BYTES);
	enum tarn_rc rc = tarn_store_get_tail(store, key, TAIL_BYTES, opened->tail, &opened->tail_len, &size, err);
	opened->tail_at = rc ? 0 : size - (int64_t)opened->tail_len;
	if (!rc)
		rc = tarn_parquet_open(read_range, opened, size, &opened->parquet, err);
	if (rc) {
		tarn_scan_close(opened);
		return tarn_err_within(err, rc, "data file %s", location);
	}
	*scan = opened;
	return TARN_OK;
}

struct tarn_parquet_reader *tarn_scan_parquet(struct tarn_scan_reader *scan)
{
	return scan->parquet;
}

void tarn_scan_close(struct tarn_scan_reader *scan)
{
	if (!scan)
		return;
	tarn_parquet_close(scan->parquet);
	free(scan->tail);
	free(scan->key);
	free(scan);
}
