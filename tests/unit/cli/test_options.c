#include "cli/options.h"

#include <stdlib.h>

#include "cmocka_tarn.h"

enum { MOST_WORDS = 10 };

struct values {
	const char *lake, *at;
	bool json;
	int64_t rows;
};

/* What a command line of words makes: the exit code, or -1 where the command may go on. */
static int parse(const char *const *words, struct values *values, int *argc, char **argv)
{
	const struct tarn_option options[] = {
		{ .name = "lake", .argument = "DIR", .help = "the lake", .text = &values->lake, .required = true },
		{ .name = "at", .argument = "ID", .help = "a snapshot", .text = &values->at },
		{ .name = "json", .help = "for machines", .flag = &values->json },
		{ .name = "max-rows",
		  .letter = 'n',
		  .argument = "N",
		  .help = "rows",
		  .number = &values->rows,
		  .least = 1 },
	};
	const struct tarn_usage usage = {
		.command = "table head",
		.section = "TESTS",
		.arguments = "TABLE",
		.min_arguments = 1,
		.max_arguments = 2,
		.summary = "Prints rows.",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	int exit_code;
	*values = (struct values){ .rows = 10 };
	*argc = 0;
	argv[(*argc)++] = (char *)"head";
	while (*words)
		argv[(*argc)++] = (char *)*words++;
	return tarn_options_parse(&usage, argc, argv, &exit_code) ? -1 : exit_code;
}

static void values_come_in_every_form(void **state)
{
	(void)state;
	static const char *const lines[][MOST_WORDS] = {
		{ "molecules", "--lake", "L", "--json", "--max-rows", "7" },
		{ "--lake=L", "--json", "-n", "7", "molecules" },
		{ "--json=yes", "-n7", "--lake", "L", "--", "molecules" },
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct values values;
		char *argv[MOST_WORDS + 1];
		int argc;
		assert_int_equal(parse(lines[i], &values, &argc, argv), -1);
		assert_int_equal(argc, 2);
		assert_string_equal(argv[1], "molecules");
		assert_string_equal(values.lake, "L");
		assert_null(values.at);
		assert_true(values.json);
		assert_int_equal(values.rows, 7);
	}
}

static void what_is_wrong_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *words[MOST_WORDS];
		int exit_code;
	} cases[] = {
		{ { "t", "--lake" }, TARN_EXIT_USAGE },
		{ { "t" }, TARN_EXIT_USAGE },
		{ { "--lake", "L" }, TARN_EXIT_USAGE },
		{ { "a", "b", "c", "--lake", "L" }, TARN_EXIT_USAGE },
		{ { "t", "--lake", "L", "--jsn" }, TARN_EXIT_USAGE },
		{ { "t", "--lake", "L", "--js" }, TARN_EXIT_USAGE },
		{ { "t", "--lake", "L", "-x" }, TARN_EXIT_USAGE },
		{ { "t", "--lake", "L", "-n", "0" }, TARN_EXIT_USAGE },
		{ { "t", "--lake", "L", "-n", "7x" }, TARN_EXIT_USAGE },
		{ { "t", "--lake", "L", "-n", " 7" }, TARN_EXIT_USAGE },
		{ { "t", "--lake", "L", "-n", "99999999999999999999" }, TARN_EXIT_USAGE },
		{ { "t", "--lake", "L", "--json=maybe" }, TARN_EXIT_USAGE },
		{ { "--help" }, TARN_EXIT_DONE },
		{ { "t", "-h", "--nonsense" }, TARN_EXIT_DONE },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct values values;
		char *argv[MOST_WORDS + 1];
		int argc;
		assert_int_equal(parse(cases[i].words, &values, &argc, argv), cases[i].exit_code);
	}
}

static void the_environment_comes_second(void **state)
{
	(void)state;
	static const char *const words[] = { "t", "-n", "3", NULL };
	struct values values;
	char *argv[MOST_WORDS + 1];
	int argc;
	setenv("TARN_TESTS_LAKE", "from-environment", 1);
	setenv("TARN_TESTS_JSON", "1", 1);
	setenv("TARN_TESTS_MAX_ROWS", "99", 1);
	assert_int_equal(parse(words, &values, &argc, argv), -1);
	assert_string_equal(values.lake, "from-environment");
	assert_true(values.json);
	assert_int_equal(values.rows, 3);
	setenv("TARN_TESTS_MAX_ROWS", "many", 1);
	assert_int_equal(parse(words, &values, &argc, argv), TARN_EXIT_USAGE);
	unsetenv("TARN_TESTS_LAKE");
	unsetenv("TARN_TESTS_JSON");
	unsetenv("TARN_TESTS_MAX_ROWS");
}

static void the_nearest_word_is_named(void **state)
{
	(void)state;
	static const char *const words[] = { "show", "snapshots", "files", "ls", "head" };
	static const struct {
		const char *word, *nearest;
	} cases[] = {
		{ "snapshot", "snapshots" }, { "hed", "head" }, { "shwo", "show" }, { "file", "files" },
		{ "orphans", NULL },	     { "", NULL },	{ "x", NULL },	    { "lss", "ls" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *nearest = tarn_nearest_word(cases[i].word, words, sizeof(words) / sizeof(*words));
		if (cases[i].nearest)
			assert_string_equal(nearest, cases[i].nearest);
		else
			assert_null(nearest);
	}
}

static void durations_have_a_unit(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t us; /* -1: refused */
	} cases[] = {
		{ "0s", 0 },
		{ "90s", 90000000 },
		{ "15m", 900000000 },
		{ "1d", 86400000000 },
		{ "2w", 1209600000000 },
		{ "12h", 43200000000 },
		{ "1", -1 },
		{ "d", -1 },
		{ "1dd", -1 },
		{ "-1d", -1 },
		{ "1y", -1 },
		{ "", -1 },
		{ " 1d", -1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t us = -1;
		assert_int_equal(tarn_parse_duration(cases[i].text, &us), cases[i].us >= 0);
		assert_true(us == cases[i].us);
	}
}

static int count_arguments(int argc, char **argv)
{
	(void)argv;
	return 40 + argc;
}

static void subcommands_are_found(void **state)
{
	(void)state;
	static const struct tarn_command ls = { "ls", "lists", count_arguments };
	static const struct tarn_command *const all[] = { &ls, NULL };
	static const struct tarn_command table = { "table", "Tables.", NULL };
	char *run[] = { (char *)"table", (char *)"ls", (char *)"x" };
	char *wrong[] = { (char *)"table", (char *)"l" };
	char *help[] = { (char *)"table", (char *)"--help" };
	assert_int_equal(tarn_subcommand_run(&table, all, 3, run), 42);
	assert_int_equal(tarn_subcommand_run(&table, all, 2, wrong), TARN_EXIT_USAGE);
	assert_int_equal(tarn_subcommand_run(&table, all, 1, run), TARN_EXIT_USAGE);
	assert_int_equal(tarn_subcommand_run(&table, all, 2, help), TARN_EXIT_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_in_every_form),	cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(the_environment_comes_second), cmocka_unit_test(the_nearest_word_is_named),
		cmocka_unit_test(durations_have_a_unit),	cmocka_unit_test(subcommands_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
