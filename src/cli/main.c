#include <stdio.h>
#include <string.h>

#include "base/module.h"
#include "cli/command.h"
#include "cli/print.h"

/* In the order of the stages. Without `run`: in the network module, which is loaded when they are run. */
static const struct tarn_command serve = { "serve", "run the platform, or roles of it, until interrupted", NULL };
static const struct tarn_command status = { "status", "what each stage holds, and what waits", NULL };
static const struct tarn_command publish = { "publish", "send records to a topic, checked against the registry", NULL };
static const struct tarn_command schema = { "schema", "look at the schemas of a registry, and change them", NULL };
static const struct tarn_command topic = { "topic", "look at the topics of a broker, and change them", NULL };
static const struct tarn_command group = { "group", "look at the consumer groups of a broker, and move them", NULL };
static const struct tarn_command connector = { "connector", "look at the sink's connectors, and change them", NULL };
static const struct tarn_command dlq = { "dlq", "look at dead letters, and send them again", NULL };

static const struct tarn_command *const commands[] = {
	&serve,
	&status,
	&tarn_command_simulate,
	&publish,
	&topic,
	&schema,
	&group,
	&connector,
	&dlq,
	&tarn_command_features,
	&tarn_command_table,
	NULL,
};

static int run(const struct tarn_command *command, int argc, char **argv)
{
	if (command->run)
		return command->run(argc, argv);
	struct tarn_err err;
	void *symbol;
	if (tarn_module_symbol(TARN_MODULE_NETWORK, TARN_NETWORK_COMMANDS, &symbol, &err))
		return tarn_print_error(&err);
	const struct tarn_command *const *found = symbol;
	while (*found && strcmp((*found)->name, command->name))
		found++;
	return *found ? (*found)->run(argc, argv) : TARN_EXIT_USAGE;
}

static void print_help(FILE *out)
{
	fputs("usage: tarn COMMAND [ARGUMENT...]\n\n", out);
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n`tarn COMMAND --help` tells more. `tarn --version` prints the version.\n", out);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return TARN_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return TARN_EXIT_DONE;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("tarn " TARN_VERSION);
		return TARN_EXIT_DONE;
	}
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(argv[1], commands[i]->name))
			return run(commands[i], argc - 1, argv + 1);
	fprintf(stderr, "tarn: no command \"%s\"; `tarn --help` lists them\n", argv[1]);
	return TARN_EXIT_USAGE;
}
