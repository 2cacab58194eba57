/* Developer's program around the object room, driven by tests/interop/test_object_store.py.
 *
 *   object_tool URL <script
 *
 * Opens the store (to create) and prints a line for each line of the script: "ok ..." or "error CODE MESSAGE".
 *   put KEY [TEXT] | new KEY TEXT | write KEY SEED BYTES PIECE | drop KEY BYTES    (drop: a writer without a finish)
 *   get KEY | check KEY SEED BYTES | range KEY OFFSET LENGTH | size KEY
 *   list PREFIX [AFTER] | walk PREFIX      ("-" for no prefix)
 *   delete KEY | link FROM TO | rename FROM TO | sync
 *   readers N KEY SEED BYTES               N threads check an object at once, in ranges
 * Texts and keys are percent-encoded words. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/route.h"
#include "store/object/object.h"

enum { LINE_SIZE = 1 << 20, WORDS = 6, OBJECT_MAX = 1 << 30, RANGE = 1 << 20 };

struct line {
	struct tarn_store *store;
	const char *words[WORDS];
	size_t n;
	struct tarn_buf said;
	struct tarn_err err;
};

static int64_t number(const struct line *line, size_t i)
{
	return strtoll(line->words[i], NULL, 10);
}

/* Byte `at` of the object that a seed stands for. */
static uint8_t byte_of(uint64_t seed, int64_t at)
{
	uint64_t x = seed * 0x9E3779B97F4A7C15u + (uint64_t)at / 8;
	x = (x ^ x >> 31) * 0xBF58476D1CE4E5B9u;
	x = (x ^ x >> 29) * 0x94D049BB133111EBu;
	return (uint8_t)(x >> 8 * (at % 8));
}

static int64_t first_difference(uint64_t seed, int64_t at, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != byte_of(seed, at + (int64_t)i))
			return at + (int64_t)i;
	return -1;
}

static enum tarn_rc run_put(struct line *line)
{
	return tarn_store_put(line->store, line->words[1], tarn_slice_str(line->words[2]), TARN_PUT_REPLACE,
			      &line->err);
}

static enum tarn_rc run_new(struct line *line)
{
	return tarn_store_put(line->store, line->words[1], tarn_slice_str(line->words[2]), TARN_PUT_NEW, &line->err);
}

static enum tarn_rc write_pieces(struct line *line, struct tarn_store_writer *writer)
{
	uint64_t seed = (uint64_t)number(line, 2);
	int64_t bytes = number(line, 3), most = number(line, 4);
	uint8_t *piece = tarn_malloc((size_t)most);
	enum tarn_rc rc = TARN_OK;
	for (int64_t at = 0; at < bytes && !rc;) {
		int64_t len = bytes - at < most ? bytes - at : most;
		for (int64_t i = 0; i < len; i++)
			piece[i] = byte_of(seed, at + i);
		rc = tarn_store_writer_add(writer, tarn_slice_of(piece, (size_t)len), &line->err);
		at += len;
	}
	free(piece);
	return rc;
}

static enum tarn_rc run_write(struct line *line)
{
	struct tarn_store_writer *writer;
	enum tarn_rc rc = tarn_store_writer_open(line->store, line->words[1], TARN_PUT_REPLACE, &writer, &line->err);
	if (rc)
		return rc;
	rc = write_pieces(line, writer);
	if (!rc)
		rc = tarn_store_writer_finish(writer, &line->err);
	tarn_store_writer_free(writer);
	return rc;
}

static enum tarn_rc run_drop(struct line *line)
{
	struct tarn_store_writer *writer;
	enum tarn_rc rc = tarn_store_writer_open(line->store, line->words[1], TARN_PUT_REPLACE, &writer, &line->err);
	if (rc)
		return rc;
	line->words[3] = line->words[2];
	line->words[4] = "1000000";
	rc = write_pieces(line, writer);
	tarn_store_writer_free(writer);
	return rc;
}

static enum tarn_rc run_get(struct line *line)
{
	return tarn_store_get(line->store, line->words[1], &line->said, &line->err);
}

static enum tarn_rc run_check(struct line *line)
{
	struct tarn_buf bytes;
	tarn_buf_init(&bytes, OBJECT_MAX);
	enum tarn_rc rc = tarn_store_get(line->store, line->words[1], &bytes, &line->err);
	if (!rc && (int64_t)bytes.len != number(line, 3))
		rc = tarn_fail(&line->err, TARN_EINVALID, "%zu bytes", bytes.len);
	int64_t at = rc ? -1 : first_difference((uint64_t)number(line, 2), 0, bytes.data, bytes.len);
	if (at >= 0)
		rc = tarn_fail_at(&line->err, TARN_EINVALID, at, "another byte at %lld", (long long)at);
	tarn_buf_release(&bytes);
	return rc;
}

static enum tarn_rc run_range(struct line *line)
{
	size_t len = (size_t)number(line, 3);
	uint8_t *bytes = tarn_malloc(len + 1);
	enum tarn_rc rc = tarn_store_get_range(line->store, line->words[1], number(line, 2), len, bytes, &line->err);
	if (!rc)
		tarn_buf_add(&line->said, bytes, len);
	else if (line->err.position >= 0)
		tarn_err_within(&line->err, rc, "at %lld", (long long)line->err.position);
	free(bytes);
	return rc;
}

static enum tarn_rc run_size(struct line *line)
{
	int64_t size;
	enum tarn_rc rc = tarn_store_size(line->store, line->words[1], &size, &line->err);
	if (!rc)
		tarn_buf_printf(&line->said, "%lld", (long long)size);
	return rc;
}

static bool say_entry(void *context, const struct tarn_store_entry *entry)
{
	tarn_buf_printf(context, "%s%s:%lld ", entry->name, entry->is_folder ? "/" : "", (long long)entry->size);
	return true;
}

static const char *prefix_of(const struct line *line)
{
	return strcmp(line->words[1], "-") ? line->words[1] : "";
}

static enum tarn_rc run_list(struct line *line)
{
	return tarn_store_list(line->store, prefix_of(line), line->n > 2 ? line->words[2] : NULL, say_entry,
			       &line->said, &line->err);
}

static bool say_found(void *context, const struct tarn_store_found *found)
{
	tarn_buf_printf(context, "%s:%lld%s%s ", found->key, (long long)found->size,
			found->is_temporary ? ":temporary" : "", found->modified_us > 0 ? "" : ":undated");
	return true;
}

static enum tarn_rc run_walk(struct line *line)
{
	return tarn_store_walk(line->store, prefix_of(line), say_found, &line->said, &line->err);
}

static enum tarn_rc run_delete(struct line *line)
{
	return tarn_store_delete(line->store, line->words[1], &line->err);
}

static enum tarn_rc run_link(struct line *line)
{
	return tarn_store_link(line->store, line->words[1], line->words[2], &line->err);
}

static enum tarn_rc run_rename(struct line *line)
{
	return tarn_store_rename(line->store, line->words[1], line->words[2], &line->err);
}

static enum tarn_rc run_sync(struct line *line)
{
	return tarn_store_sync(line->store, &line->err);
}

/* ---- many at once ---- */

struct reader {
	struct line line; /* of its own */
	pthread_t thread;
	enum tarn_rc rc;
};

static void *read_ranges(void *context)
{
	struct reader *reader = context;
	struct line *line = &reader->line;
	int64_t bytes = number(line, 4);
	uint8_t *piece = tarn_malloc(RANGE);
	for (int64_t at = 0; at < bytes && !reader->rc; at += RANGE) {
		size_t len = bytes - at < RANGE ? (size_t)(bytes - at) : RANGE;
		reader->rc = tarn_store_get_range(line->store, line->words[2], at, len, piece, &line->err);
		if (!reader->rc && first_difference((uint64_t)number(line, 3), at, piece, len) >= 0)
			reader->rc = tarn_fail(&line->err, TARN_EINVALID, "other bytes behind %lld", (long long)at);
	}
	free(piece);
	return NULL;
}

static enum tarn_rc run_readers(struct line *line)
{
	size_t n = (size_t)number(line, 1);
	struct reader *readers = tarn_calloc(n, sizeof(*readers));
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < n; i++) {
		readers[i].line = *line;
		if (pthread_create(&readers[i].thread, NULL, read_ranges, &readers[i]))
			abort();
	}
	for (size_t i = 0; i < n; i++) {
		pthread_join(readers[i].thread, NULL);
		if (readers[i].rc) {
			rc = readers[i].rc;
			line->err = readers[i].line.err;
		}
	}
	free(readers);
	return rc;
}

/* ---- the script ---- */

static const struct {
	const char *name;
	size_t words;
	enum tarn_rc (*run)(struct line *line);
} commands[] = {
	{ "put", 2, run_put },	     { "new", 3, run_new },	{ "write", 5, run_write },     { "drop", 3, run_drop },
	{ "get", 2, run_get },	     { "check", 4, run_check }, { "range", 4, run_range },     { "size", 2, run_size },
	{ "list", 2, run_list },     { "walk", 2, run_walk },	{ "delete", 2, run_delete },   { "link", 3, run_link },
	{ "rename", 3, run_rename }, { "sync", 1, run_sync },	{ "readers", 5, run_readers },
};

static void run_line(struct line *line)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(commands[i].name, line->words[0]) || line->n < commands[i].words)
			continue;
		enum tarn_rc rc = commands[i].run(line);
		if (rc)
			printf("error %s: %s%s%s\n", tarn_rc_name(rc), line->err.message, *line->err.hint ? "; " : "",
			       line->err.hint);
		else
			printf("ok %.*s\n", (int)line->said.len, line->said.data ? (const char *)line->said.data : "");
		fflush(stdout);
		return;
	}
	fprintf(stderr, "object_tool: what is \"%s\" with %zu words?\n", line->words[0], line->n);
	exit(2);
}

static void read_line(struct tarn_store *store, char *text)
{
	struct line line = { .store = store };
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	tarn_buf_init(&line.said, OBJECT_MAX);
	for (char *word = strtok(text, " \n"); word && line.n < WORDS; word = strtok(NULL, " \n"))
		line.words[line.n++] = tarn_percent_decode(&arena, tarn_slice_str(word));
	if (line.n)
		run_line(&line);
	tarn_buf_release(&line.said);
	tarn_arena_release(&arena);
}

int main(int argc, char **argv)
{
	struct tarn_store *store;
	struct tarn_err err;
	if (argc != 2) {
		fputs("usage: object_tool URL <script\n", stderr);
		return 2;
	}
	if (tarn_store_open(argv[1], true, &store, &err)) {
		printf("error %s; %s\n", err.message, err.hint);
		return 1;
	}
	char *text = tarn_malloc(LINE_SIZE);
	while (fgets(text, LINE_SIZE, stdin))
		read_line(store, text);
	free(text);
	tarn_store_close(store);
	return 0;
}
