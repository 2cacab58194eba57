/* `tarn table`: what its sub-commands share. */
#ifndef TARN_CLI_TABLE_COMMAND_H
#define TARN_CLI_TABLE_COMMAND_H

#include "cli/command.h"
#include "cli/options.h"
#include "store/catalog/catalog.h"

extern const struct tarn_command tarn_command_table_ls, tarn_command_table_show, tarn_command_table_snapshots,
	tarn_command_table_files, tarn_command_table_head, tarn_command_table_orphans;

#define TARN_TABLE_SECTION "TABLE"
#define TARN_OPTION_LAKE(target)                                                                                       \
	{ .name = "lake",                                                                                              \
	  .argument = "DIR",                                                                                           \
	  .help = "the lake: a folder or s3://bucket/prefix",                                                          \
	  .text = (target),                                                                                            \
	  .required = true },                                                                                          \
		TARN_OPTIONS_PLACES
#define TARN_OPTION_JSON(target)                                                                                       \
	{                                                                                                              \
		.name = "json", .help = "print JSON, for machines", .flag = (target)                                   \
	}
#define TARN_OPTION_AT(target)                                                                                         \
	{                                                                                                              \
		.name = "at", .argument = "ID|TAG",                                                                    \
		.help = "a snapshot, by id, tag or branch (default: the current one)", .text = (target)                \
	}

struct tarn_open_table {
	const char *name;
	struct tarn_catalog *catalog;
	struct tarn_table *table;
	char *location; /* of its metadata file */
};

typedef enum tarn_rc (*tarn_table_work)(const struct tarn_open_table *open, void *context, struct tarn_err *err);
/* A command about one table: parses the options, opens the table that argv[1] names in the lake (*lake is set by its
 * option), works, and prints an error if there was one. Returns the exit code. */
int tarn_table_run(const struct tarn_usage *usage, int argc, char **argv, const char **lake, tarn_table_work work,
		   void *context);
/* The snapshot with this id, tag or branch, or the current one where `at` is NULL. *snapshot may become NULL: no commit
 * yet. */
enum tarn_rc tarn_table_snapshot_at(const struct tarn_table *table, const char *at,
				    const struct tarn_snapshot **snapshot, struct tarn_err *err) TARN_MUST_CHECK;
/* A number of the snapshot's summary, 0 where it has none. */
int64_t tarn_snapshot_number(const struct tarn_snapshot *snapshot, const char *key);

#endif
