/* Names for readers that come by path (Hadoop layout): v<P>.metadata.json is a link to the current metadata file,
 * version-hint.text holds P.
 *
 * P is two more than the number in the file's name, not one more. Readers such as ClickHouse take the highest number
 * that they find in the folder, in whichever form: were the current state v5 and 00004-<uuid>, a commit under way (or
 * dead) would be 00005-<uuid> and as high as v5. With v6 it is lower until it is published itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/number.h"
#include "store/catalog/state.h"

enum { PATH_OFFSET = 2, MOST_DIGITS = 15 };
#define HINT "version-hint.text"
#define STAGED_HINT "version-hint.text.next"

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

/* Path readers do not look for packed metadata, nor outside of the lake. */
static bool is_publishable(struct tarn_catalog *catalog, const char *location)
{
	const char *key = tarn_store_key(catalog->store, location);
	return key && strchr(key, '/') && !strstr(key, ".gz");
}

enum tarn_rc tarn_catalog_link(struct tarn_catalog *catalog, const char *location, struct tarn_err *err)
{
	char name[48];
	const char *key = tarn_store_key(catalog->store, location);
	snprintf(name, sizeof(name), "v%lld.metadata.json", (long long)tarn_catalog_path_version(location));
	char *link = key_beside(catalog, location, name);
	enum tarn_rc rc = strcmp(key, link) ? tarn_store_link(catalog->store, key, link, err) : TARN_OK;
	free(link);
	return rc == TARN_EEXISTS ? TARN_OK : rc;
}

/* No newline: DuckDB and PyIceberg take the bytes as they are. */
static enum tarn_rc put_hint(struct tarn_catalog *catalog, const char *location, const char *name,
			     enum tarn_put_mode mode, struct tarn_err *err)
{
	char digits[TARN_INT_TEXT_SIZE];
	struct tarn_slice hint = tarn_slice_of(digits, tarn_format_int(tarn_catalog_path_version(location), digits));
	char *key = key_beside(catalog, location, name);
	enum tarn_rc rc = tarn_store_put(catalog->store, key, hint, mode, err);
	free(key);
	return rc;
}

enum tarn_rc tarn_catalog_stage_hint(struct tarn_catalog *catalog, const char *location, struct tarn_err *err)
{
	return tarn_store_is_ordered(catalog->store) ? TARN_OK
						     : put_hint(catalog, location, STAGED_HINT, TARN_PUT_UNTOLD, err);
}

void tarn_catalog_unstage_hint(struct tarn_catalog *catalog, const char *location)
{
	if (tarn_store_is_ordered(catalog->store))
		return;
	char *key = key_beside(catalog, location, STAGED_HINT);
	/* One that stays is replaced by the next commit. */
	enum tarn_rc rc = key ? tarn_store_delete(catalog->store, key, NULL) : TARN_OK;
	free(key);
	(void)rc;
}

/* Hadoop's checksum of an older hint would make Spark fail; it writes such only into folders. */
enum tarn_rc tarn_catalog_move_hint(struct tarn_catalog *catalog, const char *location, struct tarn_err *err)
{
	if (tarn_store_is_ordered(catalog->store))
		return put_hint(catalog, location, HINT, TARN_PUT_REPLACE, err);
	char *staged = key_beside(catalog, location, STAGED_HINT);
	char *key = key_beside(catalog, location, HINT);
	char *checksum = key_beside(catalog, location, ".version-hint.text.crc");
	enum tarn_rc rc = tarn_store_delete(catalog->store, checksum, err);
	if (!rc)
		rc = tarn_store_rename(catalog->store, staged, key, err);
	free(checksum);
	free(key);
	free(staged);
	return rc;
}

static bool is_published(struct tarn_catalog *catalog, const char *location)
{
	char digits[TARN_INT_TEXT_SIZE];
	size_t len = tarn_format_int(tarn_catalog_path_version(location), digits);
	char *key = key_beside(catalog, location, HINT);
	struct tarn_buf hint;
	tarn_buf_init(&hint, 64);
	bool same = !tarn_store_get(catalog->store, key, &hint, NULL) &&
		    tarn_slice_eq(tarn_buf_slice(&hint), tarn_slice_of(digits, len));
	tarn_buf_release(&hint);
	free(key);
	return same;
}

/* Leaves in *pointers those whose hint must be moved, and all that goes before it done. */
static size_t prepare_missing(struct tarn_catalog *catalog, struct tarn_catalog_pointer *pointers, size_t n)
{
	size_t prepared = 0;
	for (size_t i = 0; i < n; i++) {
		const char *location = pointers[i].location;
		if (location && is_publishable(catalog, location) && !is_published(catalog, location) &&
		    !tarn_catalog_link(catalog, location, NULL) && !tarn_catalog_stage_hint(catalog, location, NULL))
			pointers[prepared++] = pointers[i];
	}
	return prepared;
}

/* ---- what is known to be published ---- */

/* A digest of all pointers. */
static void digest_pointers(const struct tarn_catalog_pointer *pointers, size_t n, char hex[TARN_SHA256_HEX_SIZE])
{
	struct tarn_buf text;
	uint8_t digest[TARN_SHA256_SIZE];
	tarn_buf_init(&text, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < n; i++)
		tarn_buf_printf(&text, "%s\n%s\n", pointers[i].name, pointers[i].location ? pointers[i].location : "");
	tarn_sha256(tarn_buf_slice(&text), digest);
	tarn_hex(digest, sizeof(digest), hex);
	tarn_buf_release(&text);
}

static bool is_noted(const struct tarn_catalog *catalog, const struct tarn_catalog_pointer *pointers, size_t n)
{
	char hex[TARN_SHA256_HEX_SIZE];
	struct tarn_buf noted;
	if (!catalog->published)
		return false;
	tarn_buf_init(&noted, sizeof(hex));
	digest_pointers(pointers, n, hex);
	bool same = !tarn_file_read(catalog->published, &noted, NULL) &&
		    tarn_slice_eq(tarn_buf_slice(&noted), tarn_slice_of(hex, sizeof(hex)));
	tarn_buf_release(&noted);
	return same;
}

/* A note that gets lost costs a look at the hints. */
static void note(const struct tarn_catalog *catalog, const struct tarn_catalog_pointer *pointers, size_t n)
{
	char hex[TARN_SHA256_HEX_SIZE];
	digest_pointers(pointers, n, hex);
	if (tarn_file_replace(catalog->published, tarn_slice_of(hex, sizeof(hex)), NULL))
		return;
}

void tarn_catalog_note_published(struct tarn_catalog *catalog)
{
	struct tarn_arena arena;
	struct tarn_catalog_pointer *pointers;
	size_t n;
	if (!catalog->published)
		return;
	tarn_arena_init(&arena);
	if (!tarn_catalog_pointers(catalog, &arena, &pointers, &n, NULL) && !tarn_store_sync(catalog->store, NULL))
		note(catalog, pointers, n);
	tarn_arena_release(&arena);
}

/* What cannot be mended now is tried again by the next writer. */
void tarn_catalog_mend(struct tarn_catalog *catalog)
{
	struct tarn_arena arena;
	struct tarn_catalog_pointer *pointers;
	size_t n;
	tarn_arena_init(&arena);
	enum tarn_rc rc = tarn_catalog_pointers(catalog, &arena, &pointers, &n, NULL);
	bool known = !rc && is_noted(catalog, pointers, n);
	n = rc || known ? 0 : prepare_missing(catalog, pointers, n);
	if (n)
		rc = tarn_store_sync(catalog->store, NULL);
	for (size_t i = 0; i < n && !rc; i++)
		rc = tarn_catalog_move_hint(catalog, pointers[i].location, NULL);
	if (!rc && n)
		tarn_catalog_note_published(catalog);
	tarn_arena_release(&arena);
}
