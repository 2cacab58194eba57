/* `tarn schema diff`. */
#include <stdlib.h>

#include "base/alloc.h"
#include "cli/print.h"
#include "cli/schema_command.h"
#include "serialize/schema/compatibility.h"

enum { MAX_LINES = 4000 };

/* ---- lines ---- */

struct lines {
	char *text; /* with its newlines replaced */
	const char *line[MAX_LINES];
	size_t n;
};

static void cut(struct lines *lines, char *text)
{
	lines->text = text;
	lines->n = 0;
	for (char *at = text; at && lines->n < MAX_LINES; lines->n++) {
		lines->line[lines->n] = at;
		at = strchr(at, '\n');
		if (at)
			*at++ = '\0';
	}
}

/* Lengths of the longest common rows of lines behind (i, k), as a table of (a->n + 1) * (b->n + 1). */
static uint16_t *common_lengths(const struct lines *a, const struct lines *b)
{
	size_t width = b->n + 1;
	uint16_t *lengths = tarn_calloc((a->n + 1) * width, sizeof(*lengths));
	for (size_t i = a->n; i--;)
		for (size_t k = b->n; k--;) {
			uint16_t down = lengths[(i + 1) * width + k], right = lengths[i * width + k + 1];
			lengths[i * width + k] = !strcmp(a->line[i], b->line[k])
							 ? (uint16_t)(lengths[(i + 1) * width + k + 1] + 1)
						 : down > right ? down
								: right;
		}
	return lengths;
}

static void print_line(char mark, const char *line, bool colours)
{
	const char *on = !colours || mark == ' ' ? "" : mark == '+' ? "\033[32m" : "\033[31m";
	printf("%s%c %s%s\n", on, mark, line, *on ? "\033[0m" : "");
}

static void print_lines(const struct lines *a, const struct lines *b)
{
	uint16_t *lengths = common_lengths(a, b);
	size_t i = 0, k = 0, width = b->n + 1;
	bool colours = tarn_print_colours(stdout);
	while (i < a->n || k < b->n) {
		if (i < a->n && k < b->n && !strcmp(a->line[i], b->line[k])) {
			print_line(' ', a->line[i++], colours);
			k++;
		} else if (k == b->n || (i < a->n && lengths[(i + 1) * width + k] >= lengths[i * width + k + 1])) {
			print_line('-', a->line[i++], colours);
		} else {
			print_line('+', b->line[k++], colours);
		}
	}
	free(lengths);
}

/* ---- versions ---- */

struct side {
	int64_t version;
	const struct tarn_known_schema *schema;
};

static enum tarn_rc find_side(struct tarn_registry_client *client, const char *subject, struct side *side,
			      struct tarn_err *err)
{
	json_t *answer;
	char *format = tarn_asprintf("/subjects/%%s/versions/%lld?deleted=true", (long long)side->version);
	char *path = tarn_schema_path(format, subject);
	enum tarn_rc rc = tarn_schema_ask(client, "GET", path, NULL, &answer, err);
	free(path);
	free(format);
	if (rc)
		return rc;
	uint32_t id = (uint32_t)json_integer_value(json_object_get(answer, "id"));
	json_decref(answer);
	return tarn_registry_by_id(client, id, &side->schema, err);
}

/* The versions that were not named: the last two. */
static enum tarn_rc choose_versions(struct tarn_registry_client *client, const char *subject, struct side sides[2],
				    struct tarn_err *err)
{
	json_t *versions;
	char *path = tarn_schema_path("/subjects/%s/versions", subject);
	enum tarn_rc rc = tarn_schema_ask(client, "GET", path, NULL, &versions, err);
	free(path);
	if (rc)
		return rc;
	size_t n = json_array_size(versions);
	if (!sides[1].version && n)
		sides[1].version = json_integer_value(json_array_get(versions, n - 1));
	for (size_t i = 0; !sides[0].version && i < n; i++)
		if (i + 1 == n || json_integer_value(json_array_get(versions, i + 1)) >= sides[1].version)
			sides[0].version = json_integer_value(json_array_get(versions, i));
	json_decref(versions);
	return TARN_OK;
}

static void print_verdict(const struct side *reader, const struct side *writer)
{
	struct tarn_arena arena;
	struct tarn_compatibility_reasons reasons = { .arena = &arena };
	tarn_arena_init(&arena);
	char *names[2] = { tarn_asprintf("version %lld", (long long)reader->version),
			   tarn_asprintf("version %lld", (long long)writer->version) };
	tarn_compatibility_check(reader->schema->avro, writer->schema->avro, names[0], names[1], &reasons);
	printf("%s %s what %s has written%s\n", names[0], reasons.n ? "cannot read" : "reads", names[1],
	       reasons.n ? ":" : "");
	for (size_t i = 0; i < reasons.n; i++)
		printf("  %s\n", reasons.text[i]);
	free(names[0]);
	free(names[1]);
	tarn_arena_release(&arena);
}

static void print_diff(const struct side sides[2])
{
	struct lines *a = tarn_malloc(sizeof(*a)), *b = tarn_malloc(sizeof(*b));
	char *texts[2];
	for (int i = 0; i < 2; i++) {
		struct tarn_slice text = sides[i].schema->schema.text;
		char *copy = tarn_asprintf("%.*s", (int)text.len, (const char *)text.data);
		texts[i] = tarn_schema_pretty(copy);
		free(copy);
	}
	cut(a, texts[0]);
	cut(b, texts[1]);
	print_lines(a, b);
	free(texts[0]);
	free(texts[1]);
	free(a);
	free(b);
	if (!sides[0].schema->avro || !sides[1].schema->avro)
		return;
	putchar('\n');
	print_verdict(&sides[1], &sides[0]);
	print_verdict(&sides[0], &sides[1]);
}

static int run_diff(int argc, char **argv)
{
	struct tarn_schema_options registry = TARN_SCHEMA_OPTIONS_DEFAULT;
	const struct tarn_option options[] = { TARN_OPTIONS_SCHEMA(&registry) };
	const struct tarn_usage usage = {
		.command = "schema diff",
		.section = TARN_SCHEMA_SECTION,
		.arguments = "SUBJECT [FROM [TO]]",
		.min_arguments = 1,
		.max_arguments = 3,
		.summary = "Shows what changed between two versions, by default the last two, and which of them reads "
			   "what the "
			   "other has written.",
		.example = "  tarn schema diff experiment.vqe-value 1 3",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	int exit_code;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	struct side sides[2] = { { 0 } };
	for (int i = 2; i < argc; i++) {
		char *rest;
		sides[i - 2].version = strtol(argv[i], &rest, 10);
		if (*rest || sides[i - 2].version < 1)
			return tarn_options_refuse(&usage, "\"%s\" is no version", argv[i]);
	}
	struct tarn_registry_client *client = NULL;
	struct tarn_err err;
	enum tarn_rc rc = tarn_schema_client(&registry, &client, &err);
	if (!rc)
		rc = choose_versions(client, argv[1], sides, &err);
	for (int i = 0; i < 2 && !rc; i++)
		rc = find_side(client, argv[1], &sides[i], &err);
	if (!rc)
		print_diff(sides);
	tarn_registry_client_free(client);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

const struct tarn_command tarn_command_schema_diff = { "diff", "what changed between two versions", run_diff };
