/* Names for readers that come by path (Hadoop layout): v<P>.metadata.json is a link to the current metadata file,
 * version-hint.text holds P.
 *
 * P is two more than the number in the file's name, not one more. Readers such as ClickHouse take the highest number
 * that they find in the folder, in whichever form: were the current state v5 and 00004-<uuid>, a commit under way (or
 * dead) would be 00005-<uuid> and as high as v5. With v6 it is lower until it is published itself. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "store/catalog/state.h"

enum { PATH_OFFSET = 2, MOST_DIGITS = 15 };

int64_t tarn_catalog_path_version(const char *location)
{
	const char *slash = strrchr(location, '/');
	const char *name = slash ? slash + 1 : location;
	bool by_path = *name == 'v';
	const char *digits = name + by_path;
	size_t n = strspn(digits, "0123456789");
	if (!n || n > MOST_DIGITS || digits[n] != (by_path ? '.' : '-'))
		return PATH_OFFSET - 1;
	return strtoll(digits, NULL, 10) + (by_path ? 0 : PATH_OFFSET);
}

/* "<folder of location>/<name>" as a key, or NULL where the location is not in this lake. */
static char *key_beside(struct tarn_catalog *catalog, const char *location, const char *name)
{
	const char *key = tarn_store_key(catalog->store, location);
	const char *slash = key ? strrchr(key, '/') : NULL;
	return slash ? tarn_asprintf("%.*s/%s", (int)(slash - key), key, name) : NULL;
}

static enum tarn_rc link_version(struct tarn_catalog *catalog, const char *location, int64_t version,
				 struct tarn_err *err)
{
	char name[48];
	const char *key = tarn_store_key(catalog->store, location);
	snprintf(name, sizeof(name), "v%lld.metadata.json", (long long)version);
	char *link = key_beside(catalog, location, name);
	enum tarn_rc rc = strcmp(key, link) ? tarn_store_link(catalog->store, key, link, err) : TARN_OK;
	free(link);
	return rc == TARN_EEXISTS ? TARN_OK : rc;
}

/* No newline: DuckDB and PyIceberg take the bytes as they are. Hadoop's checksum of an older hint would make Spark
 * fail. */
static enum tarn_rc write_hint(struct tarn_catalog *catalog, const char *location, int64_t version,
			       struct tarn_err *err)
{
	char digits[TARN_INT_TEXT_SIZE];
	struct tarn_slice hint = tarn_slice_of(digits, tarn_format_int(version, digits));
	char *key = key_beside(catalog, location, "version-hint.text");
	char *checksum = key_beside(catalog, location, ".version-hint.text.crc");
	enum tarn_rc rc = tarn_store_delete(catalog->store, checksum, err);
	if (!rc)
		rc = tarn_store_put(catalog->store, key, hint, TARN_PUT_REPLACE, err);
	free(checksum);
	free(key);
	return rc;
}

enum tarn_rc tarn_catalog_publish(struct tarn_catalog *catalog, const char *location, struct tarn_err *err)
{
	int64_t version = tarn_catalog_path_version(location);
	const char *key = tarn_store_key(catalog->store, location);
	if (!key || !strchr(key, '/'))
		return tarn_fail(err, TARN_EINVALID, "\"%s\" is outside of the lake", location);
	/* Path readers do not look for packed metadata. */
	if (strstr(key, ".gz"))
		return TARN_OK;
	enum tarn_rc rc = link_version(catalog, location, version, err);
	return rc ? rc : write_hint(catalog, location, version, err);
}

static bool is_published(struct tarn_catalog *catalog, const char *location)
{
	char digits[TARN_INT_TEXT_SIZE];
	size_t len = tarn_format_int(tarn_catalog_path_version(location), digits);
	char *key = key_beside(catalog, location, "version-hint.text");
	struct tarn_buf hint;
	tarn_buf_init(&hint, 64);
	bool same = key && !tarn_store_get(catalog->store, key, &hint, NULL) &&
		    tarn_slice_eq(tarn_buf_slice(&hint), tarn_slice_of(digits, len));
	tarn_buf_release(&hint);
	free(key);
	return same;
}

void tarn_catalog_mend(struct tarn_catalog *catalog)
{
	struct tarn_arena arena;
	struct tarn_catalog_pointer *pointers;
	size_t n, mended = 0;
	tarn_arena_init(&arena);
	if (!tarn_catalog_pointers(catalog, &arena, &pointers, &n, NULL))
		for (size_t i = 0; i < n; i++)
			if (pointers[i].location && !is_published(catalog, pointers[i].location))
				mended += tarn_catalog_publish(catalog, pointers[i].location, NULL) == TARN_OK;
	/* What could not be mended now is tried again by the next writer. */
	if (mended && tarn_store_sync(catalog->store, NULL))
		mended = 0;
	tarn_arena_release(&arena);
}
