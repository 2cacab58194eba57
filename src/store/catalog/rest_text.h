/* What is sent to a REST catalog and what it answers, as JSON (Iceberg's open-api/rest-catalog-open-api.yaml). */
#ifndef TARN_STORE_CATALOG_REST_TEXT_H
#define TARN_STORE_CATALOG_REST_TEXT_H

#include "base/alloc.h"
#include "store/catalog/catalog.h"

/* CreateNamespaceRequest of our namespace. */
void rest_put_namespace(struct tarn_buf *json);
/* CommitTableRequest that makes a table without snapshots. Not a CreateTableRequest: by that the server numbers the
 * fields itself, and our columns have ids of their own. */
void rest_put_creation(struct tarn_buf *json, const char *name, const struct tarn_table *table);
/* CommitTableRequest that gives the ids of `table` to one that the server has made, and numbered itself all the same:
 * schema and partition spec 1 beside its 0. On condition that it has no snapshots. */
void rest_put_numbering(struct tarn_buf *json, const char *name, const struct tarn_table *made,
			const struct tarn_table *table);
/* CommitTransactionRequest: each change's current snapshot is added, becomes main and gets the tags that point to it; a
 * requirement each says that table, main and tags are still as they were before. */
void rest_put_transaction(struct tarn_buf *json, const struct tarn_catalog_change *const *changes, size_t n);
/* LoadTableResult. `location` gets the metadata file's, NULL where the answer has none; to be freed. */
enum tarn_rc rest_read_table(struct tarn_slice text, struct tarn_table **table, char **location,
			     struct tarn_err *err) TARN_MUST_CHECK;
/* ListTablesResponse: appends names of our namespace, and the token of the next page ("" on the last one), to the
 * arena.
 */
struct rest_names {
	const char **items;
	size_t n, capacity;
	const char *next_page;
};
enum tarn_rc rest_read_names(struct tarn_slice text, struct tarn_arena *arena, struct rest_names *names,
			     struct tarn_err *err) TARN_MUST_CHECK;

#endif
