/* A data file's bytes, for Parquet. */
#include <stdlib.h>

#include "base/alloc.h"
#include "store/iceberg/scan.h"

struct tarn_scan_reader {
	struct tarn_store *store;
	char *key;
	struct tarn_parquet_reader *parquet;
};

static enum tarn_rc read_range(void *context, int64_t offset, size_t len, uint8_t *dst, struct tarn_err *err)
{
	struct tarn_scan_reader *scan = context;
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
	enum tarn_rc rc = tarn_store_size(store, key, &size, err);
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
	free(scan->key);
	free(scan);
}
