/* A commit by a REST catalog, in this order:
 *
 *   1. the store is synced: data and manifests are on disk; nothing refers to them
 *   2. a transaction of the ledger's file begins and gets what the caller adds
 *   3. one request asks the server to add all snapshots and move all refs, each table on condition that it is as it
 * was; its success is the commit
 *   4. the ledger's transaction ends
 *
 * A crash between 3 and 4 leaves a ledger that is behind (catalog.h). An answer that was lost, or one that leaves open
 * what happened (5xx), is followed by a look at the tables: the snapshot is there, or not. Where it is not, the same
 * request is sent again. That is safe even if the first one is still on its way inside the server: both require that
 * main is where it was, so one of them is refused.
 *
 * All or none is the server's promise. One that broke it, and has our snapshots in some tables only, is asked for the
 * others until it has them. */
#include <stdlib.h>

#include "base/point.h"
#include "store/catalog/rest_catalog.h"
#include "store/catalog/rest_text.h"

enum { REQUEST_MAX = 256 << 20 };

struct rest_change {
	const struct tarn_catalog_change *change;
	bool is_in; /* the catalog has the snapshot */
};

struct rest_attempt {
	struct tarn_catalog *catalog;
	struct rest_change *changes;
	size_t n;
	char *url;
	struct rest_answer answer; /* the last one */
	bool in_doubt;		   /* an answer, this or an earlier one, left open what happened */
};

static size_t count_in(const struct rest_attempt *attempt)
{
	size_t n = 0;
	for (size_t i = 0; i < attempt->n; i++)
		n += attempt->changes[i].is_in;
	return n;
}

/* ---- asking for the commit ---- */

static enum tarn_rc send(struct rest_attempt *attempt, struct tarn_err *err)
{
	const struct tarn_catalog_change **missing = tarn_calloc(attempt->n, sizeof(*missing));
	struct rest_request request = { .method = "POST", .url = attempt->url, .media_type = "application/json" };
	struct tarn_buf body;
	size_t n = 0;
	for (size_t i = 0; i < attempt->n; i++)
		if (!attempt->changes[i].is_in)
			missing[n++] = attempt->changes[i].change;
	tarn_buf_init(&body, REQUEST_MAX);
	rest_put_transaction(&body, missing, n);
	rest_answer_release(&attempt->answer);
	attempt->answer = (struct rest_answer){ 0 };
	request.body = tarn_buf_slice(&body);
	enum tarn_rc rc =
		body.overflow ? tarn_fail(err, TARN_ELIMIT, "a commit of more than %zu bytes", body.max) : TARN_OK;
	if (!rc)
		rest_ask_all(attempt->catalog->rest, &request, &attempt->answer, 1);
	tarn_buf_release(&body);
	free(missing);
	return rc;
}

/* ---- what became of it ---- */

static enum tarn_rc look_at(struct rest_attempt *attempt, struct rest_change *change, struct tarn_err *err)
{
	struct tarn_table *table;
	enum tarn_rc rc = tarn_catalog_load(attempt->catalog, change->change->name, &table, NULL, err);
	if (rc == TARN_ENOTFOUND)
		return TARN_OK;
	if (rc)
		return rc;
	change->is_in = tarn_table_snapshot(table, tarn_table_current(change->change->table)->id) != NULL;
	tarn_table_free(table);
	return TARN_OK;
}

static enum tarn_rc look(struct rest_attempt *attempt, struct tarn_err *err)
{
	const char **names = tarn_calloc(attempt->n, sizeof(*names));
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < attempt->n; i++)
		names[i] = attempt->changes[i].change->name;
	tarn_catalog_expect(attempt->catalog, names, attempt->n);
	for (size_t i = 0; i < attempt->n && !rc; i++)
		rc = look_at(attempt, &attempt->changes[i], err);
	free(names);
	return rc;
}

/* Whether the server may have committed all the same. So does a conflict say nothing: curl sends a request again whose
 * connection broke, and the second one meets what the first one did. */
static bool leaves_doubt(const struct rest_answer *answer)
{
	bool refused = answer->status >= 400 && answer->status < 500 && answer->status != 409;
	return !rest_is_good(answer) && !refused && !answer->unsent;
}

static enum tarn_rc fail_refused(struct rest_attempt *attempt, struct tarn_err *err)
{
	enum tarn_rc rc = rest_refuse("POST", attempt->url, &attempt->answer, err);
	if (rc == TARN_ECONFLICT) {
		rc = tarn_err_within(err, rc, "somebody else has changed a table meanwhile");
		tarn_err_hint(err, "run it again: it starts from what the other one wrote");
	}
	if (attempt->in_doubt && rc != TARN_ECONFLICT)
		tarn_err_hint(err, "no table shows the commit so far; run it again: it looks first");
	return rc == TARN_ENOTFOUND ? tarn_err_within(err, TARN_ECONFLICT, "a table is gone") : rc;
}

static enum tarn_rc fail_unknown(struct rest_attempt *attempt, const struct tarn_err *looking, struct tarn_err *err)
{
	rest_refuse("POST", attempt->url, &attempt->answer, err);
	tarn_err_within(err, TARN_EIO, "it is not known whether the commit stands (%s)", looking->message);
	tarn_err_hint(err, "run it again: it looks at the tables first");
	return TARN_EIO;
}

static enum tarn_rc fail_in_part(struct rest_attempt *attempt, struct tarn_err *err)
{
	rest_refuse("POST", attempt->url, &attempt->answer, err);
	tarn_err_within(err, TARN_EIO, "the catalog has committed %zu of %zu tables, which it must not",
			count_in(attempt), attempt->n);
	tarn_err_hint(err, "roll back those that have a snapshot of this run before the next one");
	return TARN_EIO;
}

/* TARN_OK: the commit stands. *again: nobody knows yet. */
static enum tarn_rc judge(struct rest_attempt *attempt, bool *again, struct tarn_err *err)
{
	struct tarn_err looking;
	*again = false;
	if (rest_is_good(&attempt->answer))
		return TARN_OK;
	attempt->in_doubt |= leaves_doubt(&attempt->answer);
	if (attempt->in_doubt && look(attempt, &looking))
		return fail_unknown(attempt, &looking, err);
	size_t n_in = count_in(attempt);
	if (n_in == attempt->n)
		return TARN_OK;
	*again = n_in || rest_is_passing(&attempt->answer);
	return n_in ? fail_in_part(attempt, err) : fail_refused(attempt, err);
}

static enum tarn_rc commit_tables(struct rest_attempt *attempt, struct tarn_err *err)
{
	struct rest_catalog *rest = attempt->catalog->rest;
	for (int number = 1;; number++) {
		bool again;
		enum tarn_rc rc = send(attempt, err);
		if (rc)
			return rc;
		rc = judge(attempt, &again, err);
		if (!rc || !again || number >= rest->attempts)
			return rc;
		rest_pause(number + 1, attempt->answer.retry_after_ms);
	}
}

/* ---- all of it ---- */

static enum tarn_rc ask_server(struct tarn_catalog *catalog, const struct tarn_catalog_change *changes, size_t n,
			       struct tarn_err *err)
{
	struct rest_attempt attempt = { .catalog = catalog, .n = n };
	if (!n)
		return TARN_OK;
	attempt.changes = tarn_calloc(n, sizeof(*attempt.changes));
	for (size_t i = 0; i < n; i++)
		attempt.changes[i].change = &changes[i];
	attempt.url = tarn_asprintf("%s/transactions/commit", catalog->rest->place);
	enum tarn_rc rc = commit_tables(&attempt, err);
	rest_answer_release(&attempt.answer);
	free(attempt.changes);
	free(attempt.url);
	return rc;
}

/* The commit stands once the server has it: a ledger that cannot be written then is behind, like after a crash. */
static enum tarn_rc commit_within(struct tarn_catalog *catalog, const struct tarn_catalog_change *changes, size_t n,
				  tarn_catalog_also also, void *context, struct tarn_err *err)
{
	enum tarn_rc rc = also ? also(context, catalog->db, err) : TARN_OK;
	if (!rc) {
		tarn_point("catalog.in_transaction");
		rc = ask_server(catalog, changes, n, err);
	}
	if (rc) {
		tarn_catalog_undo(catalog);
		return rc;
	}
	tarn_point("catalog.answered");
	rc = tarn_catalog_end(catalog, n ? NULL : err);
	return n ? TARN_OK : rc;
}

enum tarn_rc rest_commit(struct tarn_catalog *catalog, const struct tarn_catalog_change *changes, size_t n,
			 tarn_catalog_also also, void *context, struct tarn_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (!changes[i].previous_location || !tarn_table_current(changes[i].table))
			return tarn_fail(err, TARN_EINVALID, "table \"%s\" was not made, or has no snapshot",
					 changes[i].name);
	enum tarn_rc rc = tarn_store_sync(catalog->store, err);
	if (rc)
		return rc;
	tarn_point("catalog.before_transaction");
	rc = tarn_catalog_begin(catalog, err);
	if (!rc)
		rc = commit_within(catalog, changes, n, also, context, err);
	if (!rc)
		tarn_point("catalog.committed");
	return rc;
}
