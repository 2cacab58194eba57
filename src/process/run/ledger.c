#include "process/run/ledger.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "process/run/raw_object.h"

struct tarn_ledger {
	sqlite3 *db;	/* NULL: nothing processed */
	int64_t source; /* id, or 0 where the area is new */
	sqlite3_stmt *ranges, *token, *objects, *experiment;
	struct tarn_ledger_partition **cached; /* arena memory: they keep their places */
	size_t n_cached, cached_capacity;
	struct tarn_arena arena;
	/* The cursor over named objects: its row, once it has begun. */
	const char *folder;
	bool begun, row;
};

enum { STATEMENTS = 4 };

static bool has_tables(sqlite3 *db)
{
	return sqlite3_table_column_metadata(db, NULL, "tarn_sources", "name", NULL, NULL, NULL, NULL, NULL) ==
	       SQLITE_OK;
}

static enum tarn_rc find_source(sqlite3 *db, const char *name, int64_t *id, struct tarn_err *err)
{
	sqlite3_stmt *stmt;
	bool row = false;
	enum tarn_rc rc = tarn_statement_prepare(db, "SELECT id FROM tarn_sources WHERE name = ?", &stmt, err);

	if (rc)
		return rc;
	tarn_statement_bind_text(stmt, 1, name);
	rc = tarn_statement_step(stmt, &row, err);
	if (!rc)
		*id = row ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return rc;
}

static enum tarn_rc prepare_all(struct tarn_ledger *ledger, struct tarn_err *err)
{
	const struct {
		sqlite3_stmt **stmt;
		const char *sql;
	} all[STATEMENTS] = {
		{ &ledger->ranges, "SELECT first, \"end\" FROM tarn_offsets"
				   " WHERE source = ?1 AND topic = ?2 AND partition = ?3 ORDER BY first" },
		{ &ledger->token, "SELECT token FROM tarn_folders WHERE source = ?1 AND parent = ?2 AND folder = ?3" },
		{ &ledger->objects, "SELECT name, size, watched FROM tarn_objects"
				    " WHERE source = ?1 AND folder = ?2 AND name >= ?3 ORDER BY name" },
		{ &ledger->experiment, "SELECT result, object, record, run_id FROM tarn_experiments"
				       " LEFT JOIN tarn_runs ON tarn_runs.id = run WHERE experiment_id = ?" },
	};
	enum tarn_rc rc = find_source(ledger->db, ledger->folder, &ledger->source, err);

	for (size_t i = 0; !rc && i < STATEMENTS; i++) {
		rc = tarn_statement_prepare(ledger->db, all[i].sql, all[i].stmt, err);
		if (!rc && i < STATEMENTS - 1)
			sqlite3_bind_int64(*all[i].stmt, 1, ledger->source);
	}
	return rc;
}

enum tarn_rc tarn_ledger_open(sqlite3 *db, const char *source, struct tarn_ledger **ledger, struct tarn_err *err)
{
	struct tarn_ledger *new = tarn_calloc(1, sizeof(*new));
	enum tarn_rc rc = TARN_OK;

	tarn_arena_init(&new->arena);
	if (db && has_tables(db)) {
		new->db = db;
		new->folder = source;
		rc = prepare_all(new, err);
	}
	if (rc)
		tarn_ledger_close(new);
	else
		*ledger = new;
	return rc;
}

void tarn_ledger_close(struct tarn_ledger *ledger)
{
	if (!ledger)
		return;
	sqlite3_finalize(ledger->ranges);
	sqlite3_finalize(ledger->token);
	sqlite3_finalize(ledger->objects);
	sqlite3_finalize(ledger->experiment);
	for (size_t i = 0; i < ledger->n_cached; i++)
		tarn_ranges_release(&ledger->cached[i]->ranges);
	free(ledger->cached);
	tarn_arena_release(&ledger->arena);
	free(ledger);
}

void tarn_ledger_view_begin(struct tarn_ledger *ledger)
{
	tarn_sql_view_begin(ledger->db);
}

void tarn_ledger_view_end(struct tarn_ledger *ledger)
{
	tarn_sql_view_end(ledger->db);
}

static enum tarn_rc load_ranges(struct tarn_ledger *ledger, struct tarn_slice topic, int32_t partition,
				struct tarn_ranges *ranges, struct tarn_err *err)
{
	bool row = false;
	enum tarn_rc rc;

	if (!ledger->db)
		return TARN_OK;
	tarn_statement_bind_slice(ledger->ranges, 2, topic);
	sqlite3_bind_int64(ledger->ranges, 3, partition);
	while (!(rc = tarn_statement_step(ledger->ranges, &row, err)) && row)
		tarn_ranges_add(ranges, sqlite3_column_int64(ledger->ranges, 0),
				sqlite3_column_int64(ledger->ranges, 1));
	return rc;
}

enum tarn_rc tarn_ledger_ranges(struct tarn_ledger *ledger, struct tarn_slice topic, int32_t partition,
				const struct tarn_ranges **ranges, struct tarn_err *err)
{
	struct tarn_ledger_partition *cached;
	enum tarn_rc rc;

	/* Objects come sorted: the newest entry is nearly always the one that is asked for. */
	for (size_t i = ledger->n_cached; i--;) {
		cached = ledger->cached[i];
		if (cached->partition == partition && tarn_slice_eq(cached->topic, topic)) {
			*ranges = &cached->ranges;
			return TARN_OK;
		}
	}
	cached = tarn_arena_alloc(&ledger->arena, sizeof(*cached));
	*cached = (struct tarn_ledger_partition){
		.topic = tarn_slice_of(tarn_arena_copy(&ledger->arena, topic.data, topic.len), topic.len),
		.partition = partition,
	};
	rc = load_ranges(ledger, topic, partition, &cached->ranges, err);
	if (rc) {
		tarn_ranges_release(&cached->ranges);
		return rc;
	}
	ledger->cached =
		tarn_grow(ledger->cached, &ledger->cached_capacity, ledger->n_cached + 1, sizeof(*ledger->cached));
	ledger->cached[ledger->n_cached++] = cached;
	*ranges = &cached->ranges;
	return TARN_OK;
}

/* The parent of a folder, for the key of tarn_folders; the root's is "/". */
static struct tarn_slice parent_of(const char *folder)
{
	const char *slash = strrchr(folder, '/');

	if (!*folder)
		return tarn_slice_str("/");
	return tarn_slice_of(folder, slash ? (size_t)(slash - folder) : 0);
}

enum tarn_rc tarn_ledger_folder_token(struct tarn_ledger *ledger, const char *folder, char token[TARN_STORE_TOKEN_SIZE],
				      struct tarn_err *err)
{
	bool row = false;
	enum tarn_rc rc = TARN_OK;

	*token = '\0';
	if (!ledger->db)
		return rc;
	tarn_statement_bind_slice(ledger->token, 2, parent_of(folder));
	tarn_statement_bind_text(ledger->token, 3, folder);
	rc = tarn_statement_step(ledger->token, &row, err);
	if (!rc && row) {
		strncat(token, tarn_statement_text(ledger->token, 0), TARN_STORE_TOKEN_SIZE - 1);
		sqlite3_reset(ledger->token);
	}
	return rc;
}

/* Runs a statement of (key, size) rows with parameters (source, text). */
static enum tarn_rc visit_rows(struct tarn_ledger *ledger, const char *sql, const char *text, tarn_ledger_visit visit,
			       void *context, struct tarn_err *err)
{
	sqlite3_stmt *stmt;
	bool row = false;
	enum tarn_rc rc;

	if (!ledger->db)
		return TARN_OK;
	rc = tarn_statement_prepare(ledger->db, sql, &stmt, err);
	if (rc)
		return rc;
	sqlite3_bind_int64(stmt, 1, ledger->source);
	if (text)
		tarn_statement_bind_text(stmt, 2, text);
	while (!(rc = tarn_statement_step(stmt, &row, err)) && row) {
		rc = visit(context, tarn_statement_text(stmt, 0), sqlite3_column_int64(stmt, 1), err);
		if (rc)
			break;
	}
	sqlite3_finalize(stmt);
	return rc;
}

enum tarn_rc tarn_ledger_subfolders(struct tarn_ledger *ledger, const char *folder, tarn_ledger_visit visit,
				    void *context, struct tarn_err *err)
{
	return visit_rows(ledger,
			  "SELECT folder, 0 FROM tarn_folders WHERE source = ?1 AND parent = ?2 ORDER BY folder",
			  folder, visit, context, err);
}

enum tarn_rc tarn_ledger_tails(struct tarn_ledger *ledger, tarn_ledger_visit visit, void *context, struct tarn_err *err)
{
	return visit_rows(ledger, "SELECT object, size FROM tarn_tails WHERE source = ?1", NULL, visit, context, err);
}

enum tarn_rc tarn_ledger_objects_begin(struct tarn_ledger *ledger, const char *folder, struct tarn_err *err)
{
	(void)err;
	ledger->begun = ledger->row = false;
	if (ledger->db) {
		ledger->folder = tarn_arena_strdup(&ledger->arena, folder);
		sqlite3_reset(ledger->objects);
	}
	return TARN_OK;
}

enum tarn_rc tarn_ledger_objects_find(struct tarn_ledger *ledger, const char *name, struct tarn_ledger_object *object,
				      struct tarn_err *err)
{
	struct tarn_ledger_object found = { 0 };
	enum tarn_rc rc = TARN_OK;

	if (ledger->db && !ledger->begun) {
		tarn_statement_bind_text(ledger->objects, 2, ledger->folder);
		sqlite3_bind_text(ledger->objects, 3, name, -1, SQLITE_TRANSIENT);
		rc = tarn_statement_step(ledger->objects, &ledger->row, err);
		ledger->begun = true;
	}
	while (!rc && ledger->row && strcmp(tarn_statement_text(ledger->objects, 0), name) < 0)
		rc = tarn_statement_step(ledger->objects, &ledger->row, err);
	if (rc)
		return rc;
	if (ledger->row && !strcmp(tarn_statement_text(ledger->objects, 0), name))
		found = (struct tarn_ledger_object){ true, sqlite3_column_int(ledger->objects, 2) != 0,
						     sqlite3_column_int64(ledger->objects, 1) };
	*object = found;
	return TARN_OK;
}

enum tarn_rc tarn_ledger_experiment(struct tarn_ledger *ledger, const uint8_t id[TARN_SHA256_SIZE], bool *found,
				    struct tarn_ledger_first *first, struct tarn_err *err)
{
	sqlite3_stmt *stmt = ledger->experiment;
	bool row = false;
	enum tarn_rc rc;

	if (!ledger->db) {
		*found = false;
		return TARN_OK;
	}
	sqlite3_reset(stmt);
	tarn_statement_bind_blob(stmt, 1, id, TARN_SHA256_SIZE);
	rc = tarn_statement_step(stmt, &row, err);
	if (rc)
		return rc;
	if (row) {
		if (sqlite3_column_bytes(stmt, 0) != TARN_SHA256_SIZE)
			return tarn_fail(err, TARN_EINVALID,
					 "catalog.db: tarn_experiments holds a result of %d bytes, "
					 "expected %d",
					 sqlite3_column_bytes(stmt, 0), TARN_SHA256_SIZE);
		memcpy(first->result, sqlite3_column_blob(stmt, 0), TARN_SHA256_SIZE);
		first->object = tarn_statement_text(stmt, 1);
		first->record = sqlite3_column_int64(stmt, 2);
		snprintf(first->run_id, sizeof(first->run_id), "%s", tarn_statement_text(stmt, 3));
	}
	*found = row;
	return TARN_OK;
}

/* Fills the cache with every partition that has processed offsets. */
static enum tarn_rc load_all(struct tarn_ledger *ledger, struct tarn_err *err)
{
	const struct tarn_ranges *ranges;
	sqlite3_stmt *stmt;
	bool row = false;
	enum tarn_rc rc;

	if (!ledger->db)
		return TARN_OK;
	rc = tarn_statement_prepare(ledger->db, "SELECT DISTINCT topic, partition FROM tarn_offsets WHERE source = ?",
				    &stmt, err);
	if (rc)
		return rc;
	sqlite3_bind_int64(stmt, 1, ledger->source);
	while (!(rc = tarn_statement_step(stmt, &row, err)) && row) {
		rc = tarn_ledger_ranges(ledger, tarn_slice_str(tarn_statement_text(stmt, 0)),
					sqlite3_column_int(stmt, 1), &ranges, err);
		if (rc)
			break;
	}
	sqlite3_finalize(stmt);
	return rc;
}

static json_t *state_of_partition(const struct tarn_ledger_partition *partition,
				  const struct tarn_ledger_change *change)
{
	struct tarn_ranges ranges = { 0 };
	json_t *list = json_array();

	for (size_t i = 0; i < partition->ranges.n; i++)
		tarn_ranges_add(&ranges, partition->ranges.items[i].first, partition->ranges.items[i].end);
	for (size_t i = 0; i < change->n_partitions; i++) {
		const struct tarn_ledger_partition *new = &change->partitions[i];

		if (new->partition == partition->partition && tarn_slice_eq(new->topic, partition->topic))
			for (size_t j = 0; j < new->ranges.n; j++)
				tarn_ranges_add(&ranges, new->ranges.items[j].first, new->ranges.items[j].end);
	}
	for (size_t i = 0; i < ranges.n; i++)
		json_array_append_new(
			list, json_pack("[I,I]", (json_int_t)ranges.items[i].first, (json_int_t)ranges.items[i].end));
	tarn_ranges_release(&ranges);
	return list;
}

enum tarn_rc tarn_ledger_state_json(struct tarn_ledger *ledger, const struct tarn_ledger_change *change,
				    struct tarn_buf *json, struct tarn_err *err)
{
	enum tarn_rc rc = load_all(ledger, err);
	const struct tarn_ranges *ranges;
	json_t *state;
	char *text;

	for (size_t i = 0; !rc && i < change->n_partitions; i++)
		rc = tarn_ledger_ranges(ledger, change->partitions[i].topic, change->partitions[i].partition, &ranges,
					err);
	if (rc)
		return rc;
	state = json_object();
	for (size_t i = 0; i < ledger->n_cached; i++) {
		const struct tarn_ledger_partition *partition = ledger->cached[i];
		char *key = tarn_asprintf("%.*s/%d", (int)partition->topic.len, (const char *)partition->topic.data,
					  (int)partition->partition);

		json_object_set_new(state, key, state_of_partition(partition, change));
		free(key);
	}
	state = json_pack("{s:o}", change->source, state);
	text = json_dumps(state, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(state);
	if (!text)
		return tarn_fail(err, TARN_EINVALID, "a topic's name is no UTF-8 text");
	tarn_buf_add_str(json, text);
	free(text);
	return TARN_OK;
}
