#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/print.h"
#include "process/run/run.h"

enum { WAIT_SECONDS = 60 };

static const int64_t split_bytes_default = INT64_C(128) << 20;

/* What the options of all sub-commands are read into. */
struct arguments {
	const char *raw, *lake, *source, *run_id, *now;
	int64_t jobs, wait_s, split_bytes;
	bool rescan, json;
};

#define RAW_OPTION(needed)                                                                                             \
	{                                                                                                              \
		.name = "raw", .argument = "DIR", .help = "where the raw objects are: a folder or s3://bucket/prefix", \
		.text = &a.raw, .required = (needed)                                                                   \
	}
#define LAKE_OPTION                                                                                                    \
	{ .name = "lake",                                                                                              \
	  .argument = "DIR",                                                                                           \
	  .help = "the lake: a folder, made where it is missing, or s3://bucket/prefix",                               \
	  .text = &a.lake,                                                                                             \
	  .required = true },                                                                                          \
		TARN_OPTIONS_PLACES
#define JOBS_OPTION                                                                                                    \
	{                                                                                                              \
		.name = "jobs", .letter = 'j', .argument = "N", .help = "threads (default: one per core)",             \
		.number = &a.jobs, .least = 1                                                                          \
	}
#define WAIT_OPTION                                                                                                    \
	{                                                                                                              \
		.name = "wait", .argument = "SECONDS",                                                                 \
		.help = "how long to wait for another run to end (default: 60)", .number = &a.wait_s                   \
	}
#define SOURCE_OPTION                                                                                                  \
	{                                                                                                              \
		.name = "source", .argument = "NAME", .help = "name of the raw area in the ledger (default: its URL)", \
		.text = &a.source                                                                                      \
	}
#define RESCAN_OPTION                                                                                                  \
	{                                                                                                              \
		.name = "rescan", .help = "look at every folder, and again at objects with dead letters",              \
		.flag = &a.rescan                                                                                      \
	}
#define RUN_ID_OPTION                                                                                                  \
	{                                                                                                              \
		.name = "run-id", .argument = "UUID", .help = "the run's id (default: a new one)", .text = &a.run_id   \
	}
#define NOW_OPTION                                                                                                     \
	{                                                                                                              \
		.name = "now", .argument = "TIME", .help = "the run's time, RFC 3339 (default: now)", .text = &a.now   \
	}
#define JSON_OPTION                                                                                                    \
	{                                                                                                              \
		.name = "json", .help = "print JSON", .flag = &a.json                                                  \
	}
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- from arguments to options ---- */

static bool is_uuid(const char *text)
{
	size_t len = strlen(text);

	if (len != TARN_UUID_SIZE - 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !strchr("0123456789abcdef", text[i]))
			return false;
	}
	return true;
}

/* False after a usage error, with the exit code. */
static bool make_options(const struct tarn_usage *usage, const struct arguments *a, struct tarn_run_options *options,
			 int *code)
{
	*options = (struct tarn_run_options){
		.raw = a->raw,
		.lake = a->lake,
		.source = a->source,
		.jobs = a->jobs > 256 ? 256 : (int)a->jobs,
		.wait_ms = a->wait_s > INT32_MAX / 1000 ? -1 : (int)a->wait_s * 1000,
		.rescan = a->rescan,
		.run_id = a->run_id,
	};
	if (a->run_id && !is_uuid(a->run_id))
		*code = tarn_options_refuse(usage, "--run-id \"%s\" is no UUID in lower case", a->run_id);
	else if (a->now && !tarn_parse_timestamp(a->now, &options->now_us))
		*code = tarn_options_refuse(usage, "--now \"%s\" is no time, expected 2026-01-02T03:04:05Z", a->now);
	else
		return true;
	return false;
}

/* ---- progress ---- */

struct progress_line {
	int64_t shown_ns;
	bool shown;
};

static void show_progress(void *context, const struct tarn_work_progress *progress)
{
	struct progress_line *line = context;
	char done[TARN_PRINT_NUMBER_SIZE], total[TARN_PRINT_NUMBER_SIZE];
	int64_t now = tarn_monotonic_ns();

	if (now - line->shown_ns < 100000000)
		return;
	line->shown_ns = now;
	line->shown = true;
	tarn_format_bytes(progress->bytes, done);
	tarn_format_bytes(progress->bytes_total, total);
	fprintf(stderr, "\r%lld of %lld objects, %s of %s\033[K", (long long)progress->objects,
		(long long)progress->objects_total, done, total);
}

static void begin_progress(struct progress_line *line, struct tarn_run_options *options)
{
	*line = (struct progress_line){ .shown_ns = tarn_monotonic_ns() };
	if (isatty(STDERR_FILENO)) {
		options->progress = show_progress;
		options->progress_context = line;
	}
}

static void end_progress(const struct progress_line *line)
{
	if (line->shown)
		fputs("\r\033[K", stderr);
}

/* ---- reports ---- */

static void put_int(struct tarn_buf *out, const char *key, int64_t value)
{
	tarn_print_json_key(out, key);
	tarn_print_json_int(out, value);
}

static void put_text(struct tarn_buf *out, const char *key, const char *value)
{
	tarn_print_json_key(out, key);
	tarn_print_json_text(out, value);
}

static void put_counts(struct tarn_buf *out, const struct tarn_run_counts *counts)
{
	put_int(out, "objects", counts->objects);
	put_int(out, "bytes", counts->bytes);
	put_int(out, "records", counts->records);
	put_int(out, "experiments", counts->experiments);
	put_int(out, "repeats_identical", counts->repeats_identical);
	put_int(out, "repeats_different", counts->repeats_different);
	put_int(out, "dead_letters", counts->dead_letters);
}

static void put_seconds(struct tarn_buf *out, const char *key, int64_t ns)
{
	tarn_print_json_key(out, key);
	tarn_print_json_double(out, (double)(ns / 1000) / 1e6);
}

static void report_json(const struct tarn_run_report *report)
{
	struct tarn_buf out;

	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	tarn_print_json_begin(&out, '{');
	put_text(&out, "run_id", report->run_id);
	put_text(&out, "outcome", tarn_run_outcome_name(report->outcome));
	put_counts(&out, &report->counts);
	tarn_print_json_key(&out, "tables");
	tarn_print_json_begin(&out, '{');
	for (size_t i = 0; i < TARN_N_TARGETS; i++) {
		tarn_print_json_key(&out, tarn_target_definition(i)->name);
		tarn_print_json_begin(&out, '{');
		put_int(&out, "rows", report->tables[i].rows);
		put_int(&out, "files", report->tables[i].files);
		put_int(&out, "bytes", report->tables[i].bytes);
		put_text(&out, "version", *report->tables[i].version ? report->tables[i].version : NULL);
		tarn_print_json_end(&out, '}');
	}
	tarn_print_json_end(&out, '}');
	put_int(&out, "splits_redone", (int64_t)report->redone);
	tarn_print_json_key(&out, "seconds");
	tarn_print_json_begin(&out, '{');
	put_seconds(&out, "plan", report->plan_ns);
	put_seconds(&out, "work", report->work_ns);
	put_seconds(&out, "commit", report->commit_ns);
	tarn_print_json_end(&out, '}');
	tarn_print_json_end(&out, '}');
	tarn_print_json_line(&out, stdout);
	tarn_buf_release(&out);
}

static void print_tables(const struct tarn_run_report *report)
{
	static const struct tarn_print_column columns[] = {
		{ "TABLE", false, 0 }, { "NEW ROWS", true, 0 }, { "FILES", true, 0 },
		{ "BYTES", true, 0 },  { "VERSION", false, 0 },
	};
	struct tarn_print_table *table = tarn_print_table_new(columns, COUNT(columns));

	for (size_t i = 0; i < TARN_N_TARGETS; i++) {
		const struct tarn_commit_table *appended = &report->tables[i];

		if (!appended->files)
			continue;
		tarn_print_cell(table, tarn_target_definition(i)->name);
		tarn_print_cell_count(table, appended->rows);
		tarn_print_cell_count(table, appended->files);
		tarn_print_cell_bytes(table, appended->bytes);
		tarn_print_cell(table, appended->version);
	}
	tarn_print_table_write(table, stdout);
	tarn_print_table_free(table);
}

static void print_line(const char *what, int64_t count)
{
	char text[TARN_PRINT_NUMBER_SIZE];

	tarn_format_count(count, text);
	printf("%14s  %s\n", text, what);
}

static void report_people(const struct tarn_run_report *report)
{
	const struct tarn_run_counts *counts = &report->counts;
	char bytes[TARN_PRINT_NUMBER_SIZE];

	printf("run %s: %s\n", report->run_id, tarn_run_outcome_name(report->outcome));
	if (report->outcome != TARN_RUN_COMMITTED)
		return;
	tarn_format_bytes(counts->bytes, bytes);
	printf("%14lld  raw objects, %s\n", (long long)counts->objects, bytes);
	print_line("records", counts->records);
	print_line("new experiments", counts->experiments);
	print_line("repeats with the same result", counts->repeats_identical);
	print_line("repeats with another result (table repeated_results)", counts->repeats_different);
	print_line("dead letters (table dead_letters)", counts->dead_letters);
	if (report->redone)
		print_line("splits done again", (int64_t)report->redone);
	printf("%14.3f  seconds: %.3f plan, %.3f work, %.3f commit\n\n",
	       (double)(report->plan_ns + report->work_ns + report->commit_ns) / 1e9, (double)report->plan_ns / 1e9,
	       (double)report->work_ns / 1e9, (double)report->commit_ns / 1e9);
	print_tables(report);
}

static void rebuild_json(const struct tarn_rebuild_report *report)
{
	struct tarn_buf out;

	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	tarn_print_json_begin(&out, '{');
	put_int(&out, "runs_added", report->runs);
	put_int(&out, "experiments", report->experiments);
	put_int(&out, "partitions", report->partitions);
	put_int(&out, "objects", report->objects);
	tarn_print_json_end(&out, '}');
	tarn_print_json_line(&out, stdout);
	tarn_buf_release(&out);
}

static void rebuild_people(const struct tarn_rebuild_report *report)
{
	print_line("experiments", report->experiments);
	print_line("partitions with processed offsets", report->partitions);
	print_line("objects known by name", report->objects);
	print_line("runs that the history lacked", report->runs);
}

static int finish(const struct tarn_run_report *report, bool json)
{
	if (json)
		report_json(report);
	else
		report_people(report);
	return report->counts.dead_letters ? TARN_EXIT_DEAD_LETTERS : TARN_EXIT_DONE;
}

/* ---- run ---- */

static int run_run(int argc, char **argv)
{
	struct arguments a = { .wait_s = WAIT_SECONDS };
	const struct tarn_option known[] = {
		RAW_OPTION(true), LAKE_OPTION,	 JOBS_OPTION, WAIT_OPTION, SOURCE_OPTION,
		RESCAN_OPTION,	  RUN_ID_OPTION, NOW_OPTION,  JSON_OPTION,
	};
	const struct tarn_usage usage = {
		.command = "features run",
		.section = "FEATURES",
		.arguments = "",
		.summary = "Reads the raw objects that the lake has not processed and brings its tables up to date.\n"
			   "Exit code 3: done, but some input is in the table dead_letters.",
		.example = "tarn features run --raw /data/raw --lake /data/lake",
		.options = known,
		.n_options = COUNT(known),
	};
	struct tarn_run_options options;
	struct tarn_run_report report;
	struct progress_line line;
	struct tarn_err err;
	enum tarn_rc rc;
	int code;

	if (!tarn_options_parse(&usage, &argc, argv, &code) || !make_options(&usage, &a, &options, &code))
		return code;
	begin_progress(&line, &options);
	rc = tarn_run(&options, &report, &err);
	end_progress(&line);
	return rc ? tarn_print_error(&err) : finish(&report, a.json);
}

/* ---- plan ---- */

static enum tarn_rc print_split(void *context, struct tarn_slice line, struct tarn_err *err)
{
	(void)context;
	if (fwrite(line.data, 1, line.len, stdout) != line.len || putchar('\n') == EOF)
		return tarn_fail_errno(err, "writing to standard output");
	return TARN_OK;
}

static int run_plan(int argc, char **argv)
{
	struct arguments a = { .split_bytes = split_bytes_default };
	const struct tarn_option known[] = {
		RAW_OPTION(true),
		LAKE_OPTION,
		SOURCE_OPTION,
		RESCAN_OPTION,
		RUN_ID_OPTION,
		NOW_OPTION,
		{ .name = "split-bytes",
		  .argument = "N",
		  .help = "raw bytes in a split (default: 128 MiB)",
		  .number = &a.split_bytes,
		  .least = 1 },
	};
	const struct tarn_usage usage = {
		.command = "features plan",
		.section = "FEATURES",
		.arguments = "",
		.summary = "Finds the raw objects that the lake has not processed and prints them as splits, a line of "
			   "JSON\n"
			   "each, for `tarn features work`. Changes nothing.",
		.example = "tarn features plan --raw /data/raw --lake /data/lake > splits",
		.options = known,
		.n_options = COUNT(known),
	};
	struct tarn_run_options options;
	struct tarn_err err;
	int code;

	if (!tarn_options_parse(&usage, &argc, argv, &code) || !make_options(&usage, &a, &options, &code))
		return code;
	if (tarn_run_plan(&options, a.split_bytes, print_split, NULL, &err))
		return tarn_print_error(&err);
	return TARN_EXIT_DONE;
}

/* ---- lines of files ---- */

struct lines {
	struct tarn_buf text;
	struct tarn_slice *items;
	size_t n, capacity;
};

static enum tarn_rc read_stream(FILE *in, struct tarn_buf *text, struct tarn_err *err)
{
	enum { PIECE = 1 << 16 };
	size_t got;

	do {
		uint8_t *room = tarn_buf_room(text, PIECE);

		if (!room)
			return tarn_fail(err, TARN_ELIMIT, "standard input has more than %zu bytes", text->max);
		got = fread(room, 1, PIECE, in);
		text->len += got;
	} while (got);
	return ferror(in) ? tarn_fail_errno(err, "reading standard input") : TARN_OK;
}

static void cut_lines(struct lines *lines)
{
	const uint8_t *at = lines->text.data, *end = at + lines->text.len;

	while (at < end) {
		const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
		struct tarn_slice line = tarn_slice_of(at, (size_t)((stop ? stop : end) - at));

		if (line.len) {
			lines->items = tarn_grow(lines->items, &lines->capacity, lines->n + 1, sizeof(*lines->items));
			lines->items[lines->n++] = line;
		}
		at += line.len + 1;
	}
}

/* All lines of the named files, or of standard input where there is none or "-". */
static enum tarn_rc read_lines(int n_files, char **files, struct lines *lines, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;

	*lines = (struct lines){ 0 };
	tarn_buf_init(&lines->text, (size_t)4 << 30);
	if (!n_files)
		rc = read_stream(stdin, &lines->text, err);
	for (int i = 0; !rc && i < n_files; i++) {
		rc = strcmp(files[i], "-") ? tarn_file_read(files[i], &lines->text, err)
					   : read_stream(stdin, &lines->text, err);
		tarn_buf_add_byte(&lines->text, '\n');
	}
	if (!rc)
		cut_lines(lines);
	return rc;
}

static void release_lines(struct lines *lines)
{
	free(lines->items);
	tarn_buf_release(&lines->text);
}

/* ---- work ---- */

static enum tarn_rc work_on_lines(const struct tarn_run_options *options, const struct lines *lines,
				  struct tarn_err *err)
{
	struct tarn_buf line;
	enum tarn_rc rc = TARN_OK;

	tarn_buf_init(&line, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; !rc && i < lines->n; i++) {
		tarn_buf_clear(&line);
		rc = tarn_run_work(options, lines->items[i], &line, err);
		if (!rc)
			rc = print_split(NULL, tarn_buf_slice(&line), err);
	}
	tarn_buf_release(&line);
	return rc;
}

static int run_work(int argc, char **argv)
{
	struct arguments a = { .wait_s = WAIT_SECONDS };
	const struct tarn_option known[] = {
		RAW_OPTION(false),
		LAKE_OPTION,
		JOBS_OPTION,
		WAIT_OPTION,
	};
	const struct tarn_usage usage = {
		.command = "features work",
		.section = "FEATURES",
		.arguments = "[FILE...]",
		.max_arguments = 100000,
		.summary = "Takes splits (lines of `tarn features plan`, from files or standard input), writes their "
			   "data files\n"
			   "and prints an account of each, a line of JSON, for `tarn features commit`. No reader sees "
			   "the files\n"
			   "before; a split may be done twice, on any machine that sees raw objects and lake. --raw "
			   "replaces the\n"
			   "place that the plan names.",
		.example = "tarn features work --lake /data/lake splits > accounts",
		.options = known,
		.n_options = COUNT(known),
	};
	struct tarn_run_options options;
	struct progress_line progress;
	struct lines lines;
	struct tarn_err err;
	enum tarn_rc rc;
	int code;

	if (!tarn_options_parse(&usage, &argc, argv, &code) || !make_options(&usage, &a, &options, &code))
		return code;
	begin_progress(&progress, &options);
	rc = read_lines(argc - 1, argv + 1, &lines, &err);
	if (!rc)
		rc = work_on_lines(&options, &lines, &err);
	end_progress(&progress);
	release_lines(&lines);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

/* ---- commit ---- */

static int run_commit(int argc, char **argv)
{
	struct arguments a = { .wait_s = WAIT_SECONDS };
	const struct tarn_option known[] = { LAKE_OPTION, JOBS_OPTION, WAIT_OPTION, JSON_OPTION };
	const struct tarn_usage usage = {
		.command = "features commit",
		.section = "FEATURES",
		.arguments = "[FILE...]",
		.max_arguments = 100000,
		.summary = "Takes the accounts of one plan's splits (lines of `tarn features work`, from files or "
			   "standard input)\n"
			   "and makes them visible in one transaction. A split that meets what is in the lake by now "
			   "is done\n"
			   "again without that; the same account twice counts once.\n"
			   "Exit code 3: done, but some input is in the table dead_letters.",
		.example = "tarn features commit --lake /data/lake accounts",
		.options = known,
		.n_options = COUNT(known),
	};
	struct tarn_run_options options;
	struct tarn_run_report report;
	struct lines lines;
	struct tarn_err err;
	enum tarn_rc rc;
	int code;

	if (!tarn_options_parse(&usage, &argc, argv, &code) || !make_options(&usage, &a, &options, &code))
		return code;
	rc = read_lines(argc - 1, argv + 1, &lines, &err);
	if (!rc)
		rc = tarn_run_commit(&options, lines.items, lines.n, &report, &err);
	release_lines(&lines);
	return rc ? tarn_print_error(&err) : finish(&report, a.json);
}

/* ---- runs ---- */

static enum tarn_rc put_run_json(void *context, const struct tarn_run_row *run, struct tarn_err *err)
{
	struct tarn_buf *out = context;

	(void)err;
	tarn_print_json_begin(out, '{');
	put_text(out, "run_id", run->run_id);
	put_text(out, "source", run->source);
	tarn_print_json_key(out, "started");
	tarn_print_json_time(out, run->started_us);
	tarn_print_json_key(out, "ended");
	tarn_print_json_time(out, run->ended_us);
	put_text(out, "outcome", tarn_run_outcome_name(run->outcome));
	put_counts(out, &run->counts);
	/* JSON in the catalog already. */
	tarn_print_json_key(out, "tables");
	tarn_buf_add_str(out, run->tables_json ? run->tables_json : "{}");
	put_text(out, "error", run->error);
	tarn_print_json_end(out, '}');
	return TARN_OK;
}

static enum tarn_rc put_run_row(void *context, const struct tarn_run_row *run, struct tarn_err *err)
{
	struct tarn_print_table *table = context;
	char seconds[TARN_PRINT_NUMBER_SIZE];

	(void)err;
	snprintf(seconds, sizeof(seconds), "%.3f", (double)(run->ended_us - run->started_us) / 1e6);
	tarn_print_cell_time(table, run->started_us);
	tarn_print_cell(table, seconds);
	tarn_print_cell(table, run->run_id);
	tarn_print_cell(table, run->error ? run->error : tarn_run_outcome_name(run->outcome));
	tarn_print_cell_count(table, run->counts.objects);
	tarn_print_cell_count(table, run->counts.records);
	tarn_print_cell_count(table, run->counts.experiments);
	tarn_print_cell_count(table, run->counts.repeats_identical + run->counts.repeats_different);
	tarn_print_cell_count(table, run->counts.dead_letters);
	return TARN_OK;
}

static enum tarn_rc list_json(struct tarn_catalog *catalog, struct tarn_err *err)
{
	struct tarn_buf out;
	enum tarn_rc rc;

	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	tarn_print_json_begin(&out, '[');
	rc = tarn_runs_list(tarn_catalog_db(catalog), put_run_json, &out, err);
	tarn_print_json_end(&out, ']');
	if (!rc)
		tarn_print_json_line(&out, stdout);
	tarn_buf_release(&out);
	return rc;
}

static enum tarn_rc list_people(struct tarn_catalog *catalog, struct tarn_err *err)
{
	static const struct tarn_print_column columns[] = {
		{ "STARTED (UTC)", false, 0 }, { "SECONDS", true, 0 }, { "RUN", false, 0 }, { "OUTCOME", false, 60 },
		{ "OBJECTS", true, 0 },	       { "RECORDS", true, 0 }, { "NEW", true, 0 },  { "REPEATS", true, 0 },
		{ "DEAD", true, 0 },
	};
	struct tarn_print_table *table = tarn_print_table_new(columns, COUNT(columns));
	enum tarn_rc rc = tarn_runs_list(tarn_catalog_db(catalog), put_run_row, table, err);

	if (!rc)
		tarn_print_table_write(table, stdout);
	tarn_print_table_free(table);
	return rc;
}

static int run_runs(int argc, char **argv)
{
	struct arguments a = { 0 };
	const struct tarn_option known[] = {
		LAKE_OPTION,
		JSON_OPTION,
	};
	const struct tarn_usage usage = {
		.command = "features runs",
		.section = "FEATURES",
		.arguments = "",
		.summary = "Lists the runs on a lake, oldest first: what was new, what came again, what failed.",
		.options = known,
		.n_options = COUNT(known),
	};
	struct tarn_catalog *catalog;
	struct tarn_err err;
	enum tarn_rc rc;
	int code;

	if (!tarn_options_parse(&usage, &argc, argv, &code))
		return code;
	rc = tarn_catalog_open(a.lake, TARN_CATALOG_READ, 0, &catalog, &err);
	if (rc)
		return tarn_print_error(&err);
	rc = a.json ? list_json(catalog, &err) : list_people(catalog, &err);
	tarn_catalog_close(catalog);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

/* ---- rebuild ---- */

static int run_rebuild(int argc, char **argv)
{
	struct arguments a = { .wait_s = WAIT_SECONDS };
	const struct tarn_option known[] = { RAW_OPTION(true), LAKE_OPTION, SOURCE_OPTION, WAIT_OPTION, JSON_OPTION };
	const struct tarn_usage usage = {
		.command = "features rebuild",
		.section = "FEATURES",
		.arguments = "",
		.summary =
			"Makes the ledger (what the lake has processed) anew from the tables, for a catalog that lost "
			"it;\n"
			"the tables stay as they are. A lake with several raw areas takes a call for each.",
		.example = "tarn features rebuild --raw /data/raw --lake /data/lake",
		.options = known,
		.n_options = COUNT(known),
	};
	struct tarn_run_options options;
	struct tarn_rebuild_report report;
	struct tarn_err err;
	int code;

	if (!tarn_options_parse(&usage, &argc, argv, &code) || !make_options(&usage, &a, &options, &code))
		return code;
	if (tarn_run_rebuild(&options, &report, &err))
		return tarn_print_error(&err);
	if (a.json)
		rebuild_json(&report);
	else
		rebuild_people(&report);
	return TARN_EXIT_DONE;
}

/* ---- the command ---- */

static const struct tarn_command command_run = { "run", "bring the tables up to date", run_run };
static const struct tarn_command command_runs = { "runs", "list the runs on a lake", run_runs };
static const struct tarn_command command_plan = { "plan", "print what a run would read, as splits", run_plan };
static const struct tarn_command command_work = { "work", "turn splits into data files", run_work };
static const struct tarn_command command_rebuild = { "rebuild", "make the ledger anew from the tables", run_rebuild };
static const struct tarn_command command_commit = { "commit", "make the data files of splits visible", run_commit };

static int run_features(int argc, char **argv)
{
	static const struct tarn_command *const subcommands[] = {
		&command_run, &command_runs, &command_plan, &command_work, &command_commit, &command_rebuild, NULL,
	};

	return tarn_subcommand_run(&tarn_command_features, subcommands, argc, argv);
}

const struct tarn_command tarn_command_features = { "features", "turn raw records into the feature tables",
						    run_features };
