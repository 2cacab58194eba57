#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* ---- words that were meant ---- */

enum { LONGEST_WORD = 40, FARTHEST = 2 };

static size_t least_of(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;
	return ab < c ? ab : c;
}

/* Levenshtein's distance of two words, one row at a time. */
static size_t distance(const char *a, const char *b)
{
	size_t row[LONGEST_WORD + 1], a_len = strlen(a), b_len = strlen(b);
	if (a_len > LONGEST_WORD || b_len > LONGEST_WORD)
		return SIZE_MAX;
	for (size_t i = 0; i <= b_len; i++)
		row[i] = i;
	for (size_t i = 0; i < a_len; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < b_len; j++) {
			size_t above = row[j + 1];
			row[j + 1] = least_of(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[b_len];
}

const char *tarn_nearest_word(const char *word, const char *const *words, size_t n)
{
	const char *nearest = NULL;
	size_t least = FARTHEST + 1;
	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, words[i]);
		if (d < least && d < strlen(words[i])) {
			least = d;
			nearest = words[i];
		}
	}
	return nearest;
}

/* ---- help ---- */

static void print_line(const char *left, const char *right)
{
	printf("  %-22s %s\n", left, right);
}

static void print_option(const struct tarn_option *option)
{
	char letter[8] = "", *left;
	if (option->letter)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	left = tarn_asprintf("%s--%s%s%s", letter, option->name, option->argument ? " " : "",
			     option->argument ? option->argument : "");
	print_line(left, option->help);
	free(left);
}

static void print_usage(FILE *out, const struct tarn_usage *usage)
{
	fprintf(out, "usage: tarn %s", usage->command);
	if (*usage->arguments)
		fprintf(out, " %s", usage->arguments);
	for (size_t i = 0; i < usage->n_options; i++) {
		const struct tarn_option *option = &usage->options[i];
		if (option->required)
			fprintf(out, " --%s %s", option->name, option->argument);
	}
	fprintf(out, " [OPTION...]\n");
}

static char *environment_name(const struct tarn_usage *usage, const struct tarn_option *option)
{
	char *name = tarn_asprintf("TARN_%s_%s", usage->section, option->name);
	for (char *at = name; *at; at++)
		*at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
	return name;
}

static void print_help(const struct tarn_usage *usage)
{
	print_usage(stdout, usage);
	printf("\n%s\n\noptions:\n", usage->summary);
	for (size_t i = 0; i < usage->n_options; i++)
		print_option(&usage->options[i]);
	print_line("-h, --help", "print this");
	if (usage->n_options) {
		char *name = environment_name(usage, &usage->options[0]);
		printf("\nEvery option is also read from the environment: --%s from %s, and so on.\n",
		       usage->options[0].name, name);
		free(name);
	}
	if (usage->example)
		printf("\nexample:\n%s", usage->example);
}

int tarn_options_refuse(const struct tarn_usage *usage, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fprintf(stderr, "tarn %s: ", usage->command);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	print_usage(stderr, usage);
	return TARN_EXIT_USAGE;
}

/* ---- values ---- */

static bool parse_flag(const char *text, bool *value)
{
	static const char *const words[2][4] = { { "0", "false", "no", "off" }, { "1", "true", "yes", "on" } };
	for (int on = 0; on < 2; on++)
		for (int i = 0; i < 4; i++)
			if (!strcasecmp(text, words[on][i])) {
				*value = on;
				return true;
			}
	return false;
}

static bool parse_number(const char *text, int64_t least, int64_t *value)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (errno || end == text || *end || isspace((unsigned char)*text) || number < least)
		return false;
	*value = number;
	return true;
}

/* False after having said what is wrong with the value. `name` is what the user would recognize. */
static bool set_value(const struct tarn_usage *usage, const struct tarn_option *option, const char *name,
		      const char *value)
{
	if (option->text) {
		*option->text = value;
		return true;
	}
	if (option->environment) {
		if (!setenv(option->environment, value, 1))
			return true;
		tarn_options_refuse(usage, "%s cannot be set: %s", name, strerror(errno));
		return false;
	}
	if (option->flag) {
		if (parse_flag(value, option->flag))
			return true;
		tarn_options_refuse(usage, "%s is \"%s\", expected 1 or 0", name, value);
		return false;
	}
	if (parse_number(value, option->least, option->number))
		return true;
	tarn_options_refuse(usage, "%s is \"%s\", expected a whole number from %lld", name, value,
			    (long long)option->least);
	return false;
}

static bool set_from_environment(const struct tarn_usage *usage)
{
	bool fine = true;
	for (size_t i = 0; i < usage->n_options && fine; i++) {
		char *name = environment_name(usage, &usage->options[i]);
		const char *value = getenv(name);
		if (value && *value)
			fine = set_value(usage, &usage->options[i], name, value);
		free(name);
	}
	return fine;
}

static bool check_required(const struct tarn_usage *usage)
{
	for (size_t i = 0; i < usage->n_options; i++) {
		const struct tarn_option *option = &usage->options[i];
		if (!option->required || *option->text)
			continue;
		char *name = environment_name(usage, option);
		tarn_options_refuse(usage, "--%s %s is needed (or %s in the environment)", option->name,
				    option->argument, name);
		free(name);
		return false;
	}
	return true;
}

/* ---- the command line ---- */

struct parse {
	const struct tarn_usage *usage;
	int argc, at;
	char **argv;
	int n_plain; /* plain arguments so far, kept at argv[1 ..] */
	bool help, failed;
};

static const struct tarn_option *find(const struct tarn_usage *usage, const char *name, size_t len, char letter)
{
	for (size_t i = 0; i < usage->n_options; i++) {
		const struct tarn_option *option = &usage->options[i];
		if (letter ? option->letter == letter : !strncmp(option->name, name, len) && !option->name[len])
			return option;
	}
	return NULL;
}

static void refuse_unknown(struct parse *parse, const char *word)
{
	const struct tarn_usage *usage = parse->usage;
	const char **names = tarn_malloc((usage->n_options + 1) * sizeof(*names));
	size_t n = 0;
	for (; n < usage->n_options; n++)
		names[n] = usage->options[n].name;
	names[n++] = "help";
	char *bare = tarn_strdup(word + strspn(word, "-"));
	bare[strcspn(bare, "=")] = '\0';
	const char *nearest = word[1] == '-' ? tarn_nearest_word(bare, names, n) : NULL;
	if (nearest)
		tarn_options_refuse(usage, "no option \"%s\"; did you mean --%s?", word, nearest);
	else
		tarn_options_refuse(usage, "no option \"%s\"; `tarn %s --help` lists them", word, usage->command);
	free(bare);
	free(names);
	parse->failed = true;
}

/* `inlined`: the value that came in the same word, or NULL. */
static void take_option(struct parse *parse, const struct tarn_option *option, const char *inlined)
{
	char *name = tarn_asprintf("--%s", option->name);
	if (option->flag && !inlined) {
		*option->flag = true;
	} else if (inlined) {
		parse->failed = !set_value(parse->usage, option, name, inlined);
	} else if (parse->at + 1 < parse->argc) {
		parse->failed = !set_value(parse->usage, option, name, parse->argv[++parse->at]);
	} else {
		tarn_options_refuse(parse->usage, "%s wants a value (%s)", name, option->argument);
		parse->failed = true;
	}
	free(name);
}

static void take_word(struct parse *parse, char *word)
{
	const struct tarn_option *option;
	if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
		parse->help = true;
	} else if (!strncmp(word, "--", 2)) {
		size_t len = strcspn(word + 2, "=");
		option = find(parse->usage, word + 2, len, 0);
		if (option)
			take_option(parse, option, word[2 + len] ? word + 3 + len : NULL);
		else
			refuse_unknown(parse, word);
	} else if (word[0] == '-' && word[1]) {
		option = find(parse->usage, NULL, 0, word[1]);
		if (option)
			take_option(parse, option, word[2] ? word + 2 : NULL);
		else
			refuse_unknown(parse, word);
	} else {
		parse->argv[++parse->n_plain] = word;
	}
}

static void take_words(struct parse *parse)
{
	for (parse->at = 1; parse->at < parse->argc && !parse->failed && !parse->help; parse->at++) {
		if (!strcmp(parse->argv[parse->at], "--")) {
			while (++parse->at < parse->argc)
				parse->argv[++parse->n_plain] = parse->argv[parse->at];
			break;
		}
		take_word(parse, parse->argv[parse->at]);
	}
}

static bool check_arguments(struct parse *parse)
{
	const struct tarn_usage *usage = parse->usage;
	if (parse->n_plain < usage->min_arguments)
		tarn_options_refuse(usage, "expected %s", usage->arguments);
	else if (parse->n_plain > usage->max_arguments)
		tarn_options_refuse(usage, "\"%s\" is one argument too many", parse->argv[usage->max_arguments + 1]);
	else
		return true;
	return false;
}

bool tarn_options_parse(const struct tarn_usage *usage, int *argc, char **argv, int *exit_code)
{
	struct parse parse = { .usage = usage, .argc = *argc, .argv = argv };
	*exit_code = TARN_EXIT_USAGE;
	if (!set_from_environment(usage))
		return false;
	take_words(&parse);
	if (parse.failed)
		return false;
	if (parse.help) {
		print_help(usage);
		*exit_code = TARN_EXIT_DONE;
		return false;
	}
	if (!check_arguments(&parse) || !check_required(usage))
		return false;
	*argc = parse.n_plain + 1;
	return true;
}

/* ---- sub-commands ---- */

static void list_subcommands(FILE *out, const struct tarn_command *command,
			     const struct tarn_command *const *subcommands)
{
	fprintf(out, "usage: tarn %s COMMAND [ARGUMENT...]\n\n%s\n\n", command->name, command->summary);
	for (; *subcommands; subcommands++)
		fprintf(out, "  %-10s %s\n", (*subcommands)->name, (*subcommands)->summary);
	fprintf(out, "\n`tarn %s COMMAND --help` tells more.\n", command->name);
}

static int refuse_subcommand(const struct tarn_command *command, const struct tarn_command *const *subcommands,
			     const char *word)
{
	const char *names[32], *nearest;
	size_t n = 0;
	for (; subcommands[n] && n < sizeof(names) / sizeof(*names); n++)
		names[n] = subcommands[n]->name;
	nearest = tarn_nearest_word(word, names, n);
	fprintf(stderr, "tarn %s: no command \"%s\"", command->name, word);
	if (nearest)
		fprintf(stderr, "; did you mean `tarn %s %s`?\n", command->name, nearest);
	else
		fprintf(stderr, "; `tarn %s --help` lists them\n", command->name);
	return TARN_EXIT_USAGE;
}

int tarn_subcommand_run(const struct tarn_command *command, const struct tarn_command *const *subcommands, int argc,
			char **argv)
{
	if (argc < 2) {
		list_subcommands(stderr, command, subcommands);
		return TARN_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		list_subcommands(stdout, command, subcommands);
		return TARN_EXIT_DONE;
	}
	for (size_t i = 0; subcommands[i]; i++)
		if (!strcmp(argv[1], subcommands[i]->name))
			return subcommands[i]->run(argc - 1, argv + 1);
	return refuse_subcommand(command, subcommands, argv[1]);
}

bool tarn_parse_duration(const char *text, int64_t *us)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (errno || end == text || !isdigit((unsigned char)*text) || number > 100000000 || !*end || end[1])
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (units[i].unit == *end) {
			*us = number * units[i].seconds * 1000000;
			return true;
		}
	return false;
}
