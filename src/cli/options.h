/* Options of a command as a table: what they are called, where their values go, what `--help` says. A value comes from
 * the command line, else from the environment (TARN_<SECTION>_<OPTION>, dashes as underscores), else stays as it was.
 */
#ifndef TARN_CLI_OPTIONS_H
#define TARN_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/command.h"

/* Exactly one of flag, text, number and environment is set. */
struct tarn_option {
	const char *name;     /* "lake" for --lake */
	char letter;	      /* 'n' for -n, or 0 */
	const char *argument; /* "DIR", for help; NULL for a flag */
	const char *help;
	bool *flag;
	const char **text;	 /* borrowed from argv or the environment */
	const char *environment; /* a variable that the value is put into: what rooms below read there, and children */
	int64_t *number;	 /* decimal, no less than `least` */
	int64_t least;
	bool required; /* of a text: it may not stay NULL */
};

/* For every command that opens a lake. */
#define TARN_OPTIONS_PLACES                                                                                            \
	{ .name = "catalog",                                                                                           \
	  .argument = "URL",                                                                                           \
	  .help = "sqlite:////path, or http://host:port?warehouse=NAME of Iceberg REST (default: in the lake)",        \
	  .environment = "TARN_CATALOG" },                                                                             \
		{ .name = "catalog-token-file",                                                                        \
		  .argument = "FILE",                                                                                  \
		  .help = "holds the bearer token of a REST catalog",                                                  \
		  .environment = "TARN_CATALOG_TOKEN_FILE" },                                                          \
		{ .name = "ledger",                                                                                    \
		  .argument = "FILE",                                                                                  \
		  .help = "what is processed, beside a REST catalog (default: in ~/.local/state/tarn)",                \
		  .environment = "TARN_LEDGER" },                                                                      \
	{                                                                                                              \
		.name = "s3-endpoint", .argument = "URL", .help = "the S3 server (default: Amazon's)",                 \
		.environment = "TARN_S3_ENDPOINT"                                                                      \
	}

struct tarn_usage {
	const char *command;   /* "table ls" */
	const char *section;   /* "TABLE", in names of environment variables */
	const char *arguments; /* "TABLE [FILE...]", or "" */
	int min_arguments, max_arguments;
	const char *summary; /* what it does: a sentence or more */
	const char *example; /* lines of a shell, or NULL */
	const struct tarn_option *options;
	size_t n_options;
};

/* Fills the targets and leaves the plain arguments in argv[1] .. argv[*argc - 1]. False: the command is to return
 * *exit_code at once, as help was wanted or a usage error was printed. `--` ends the options. */
bool tarn_options_parse(const struct tarn_usage *usage, int *argc, char **argv, int *exit_code);
/* "usage: ..." and the problem, to standard error; returns TARN_EXIT_USAGE. */
int tarn_options_refuse(const struct tarn_usage *usage, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A command that only has sub-commands: finds argv[1] in a table that ends with NULL and runs it with argv + 1. */
int tarn_subcommand_run(const struct tarn_command *command, const struct tarn_command *const *subcommands, int argc,
			char **argv);

/* The word of `words` (n of them) that was probably meant, or NULL. */
const char *tarn_nearest_word(const char *word, const char *const *words, size_t n);
/* "90s", "15m", "12h", "1d" or "2w" in microseconds; false where the text is anything else. */
bool tarn_parse_duration(const char *text, int64_t *us);

#endif
