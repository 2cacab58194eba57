/* The commands of `tarn`, one file each, found through one table in main.c. */
#ifndef TARN_CLI_COMMAND_H
#define TARN_CLI_COMMAND_H

enum tarn_exit { TARN_EXIT_DONE = 0, TARN_EXIT_FAILED = 1, TARN_EXIT_USAGE = 2, TARN_EXIT_DEAD_LETTERS = 3 };

struct tarn_command {
	const char *name;    /* first word on the command line */
	const char *summary; /* one line for `tarn --help` */
	/* argv[0] is the command's own name; returns an exit code. NULL: the command is in the network module. */
	int (*run)(int argc, char **argv);
};

extern const struct tarn_command tarn_command_features;
extern const struct tarn_command tarn_command_simulate;
extern const struct tarn_command tarn_command_table;
/* In the network module. */
extern const struct tarn_command tarn_command_serve;

/* The commands of the network module, up to NULL; it exports them under this name. */
#define TARN_NETWORK_COMMANDS "tarn_network_commands"

#endif
