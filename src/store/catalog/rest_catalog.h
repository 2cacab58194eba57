/* What the files of the REST catalog share beside the session. */
#ifndef TARN_STORE_CATALOG_REST_CATALOG_H
#define TARN_STORE_CATALOG_REST_CATALOG_H

#include "store/catalog/rest_session.h"
#include "store/catalog/state.h"

/* "<place>/namespaces/quantum_features[/tables[/<name>]]"; arena memory of `arena`. */
const char *rest_tables_url(const struct rest_catalog *rest, struct tarn_arena *arena);
const char *rest_table_url(const struct rest_catalog *rest, struct tarn_arena *arena, const char *name);
enum tarn_rc rest_commit(struct tarn_catalog *catalog, const struct tarn_catalog_change *changes, size_t n,
			 tarn_catalog_also also, void *context, struct tarn_err *err) TARN_MUST_CHECK;

#endif
