/* `tarn status`: what each stage holds, and what waits between them. A stage that does not answer is told, and is no
 * failure of the command. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cli/connect_client.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/publishing.h"
#include "serialize/schema/registry_client.h"
#include "store/catalog/catalog.h"
#include "store/iceberg/table.h"
#include "stream/producer/kafka_client.h"

extern const struct tarn_command tarn_command_status;

enum { REACH_MS = 2000 };

struct status {
	const char *data, *registry, *connect, *lake;
	struct tarn_kafka_options kafka;
};

/* ---- what each stage says of itself, as text ---- */

static enum tarn_rc count_spooled(struct tarn_spool *spool, bool refused, struct tarn_buf *out, struct tarn_err *err)
{
	struct tarn_spooled *batches;
	size_t n;
	int64_t records = 0, bytes = 0;
	char size[TARN_PRINT_NUMBER_SIZE];
	enum tarn_rc rc = tarn_spool_list(spool, refused, &batches, &n, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < n; i++) {
		records += batches[i].count;
		bytes += batches[i].bytes;
	}
	tarn_spool_free_list(batches, n);
	tarn_format_bytes(bytes, size);
	tarn_buf_printf(out, "%" PRId64 " records %s", records, refused ? "refused" : "wait");
	if (records)
		tarn_buf_printf(out, " (%s)", size);
	return TARN_OK;
}

static enum tarn_rc see_spool(const struct status *status, struct tarn_buf *out, struct tarn_err *err)
{
	char *path = tarn_asprintf("%s/spool", status->data);
	struct tarn_spool *spool;
	bool none = !tarn_file_exists(path);
	if (none)
		tarn_buf_add_str(out, "no records wait");
	enum tarn_rc rc = none ? TARN_OK : tarn_spool_open(path, &spool, err);
	free(path);
	if (none || rc)
		return rc;
	rc = count_spooled(spool, false, out, err);
	tarn_buf_add_str(out, ", ");
	if (!rc)
		rc = count_spooled(spool, true, out, err);
	tarn_spool_close(spool);
	return rc;
}

static enum tarn_rc see_broker(const struct status *status, struct tarn_buf *out, struct tarn_err *err)
{
	const struct rd_kafka_metadata *facts;
	rd_kafka_t *client;
	enum tarn_rc rc = tarn_kafka_client_open(&status->kafka, RD_KAFKA_PRODUCER, NULL, 0, &client, err);
	if (rc)
		return rc;
	rd_kafka_resp_err_t code = rd_kafka_metadata(client, 1, NULL, &facts, REACH_MS);
	if (!code) {
		int topics = 0, partitions = 0;
		for (int i = 0; i < facts->topic_cnt; i++) {
			topics++;
			partitions += facts->topics[i].partition_cnt;
		}
		tarn_buf_printf(out, "%d topics, %d partitions", topics, partitions);
		rd_kafka_metadata_destroy(facts);
	}
	rd_kafka_destroy(client);
	return code ? tarn_kafka_fail(err, code, NULL) : TARN_OK;
}

static enum tarn_rc see_registry(const struct status *status, struct tarn_buf *out, struct tarn_err *err)
{
	const struct tarn_registry_client_options how = { .url = status->registry, .timeout_ms = REACH_MS };
	struct tarn_registry_client *client;
	struct tarn_buf answer;
	int code;
	enum tarn_rc rc = tarn_registry_client_open(&how, &client, err);
	if (rc)
		return rc;
	tarn_buf_init(&answer, (size_t)64 << 20);
	rc = tarn_registry_ask(client, "GET", "/subjects", NULL, &code, &answer, err);
	if (!rc) {
		json_t *subjects = json_loadb((const char *)answer.data, answer.len, 0, NULL);
		if (code == 200 && json_is_array(subjects))
			tarn_buf_printf(out, "%zu subjects", json_array_size(subjects));
		else
			rc = tarn_fail(err, TARN_EIO, "answers %d to GET /subjects, expected a list", code);
		json_decref(subjects);
	}
	tarn_buf_release(&answer);
	tarn_registry_client_free(client);
	return rc;
}

static enum tarn_rc see_sink(const struct status *status, struct tarn_buf *out, struct tarn_err *err)
{
	json_t *answer, *connector;
	const char *name;
	size_t running = 0;
	enum tarn_rc rc = tarn_connect_ask(status->connect, "GET", "/connectors?expand=status", NULL, &answer, err);
	if (rc)
		return rc;
	json_object_foreach(answer, name, connector)
	{
		const json_t *state =
			json_object_get(json_object_get(json_object_get(connector, "status"), "connector"), "state");
		const char *text = json_string_value(state);
		running += text && !strcmp(text, "RUNNING");
	}
	tarn_buf_printf(out, "%zu connectors, %zu of them running", json_object_size(answer), running);
	json_decref(answer);
	return TARN_OK;
}

static enum tarn_rc see_lake(const struct status *status, struct tarn_buf *out, struct tarn_err *err)
{
	struct tarn_catalog *catalog;
	struct tarn_table *table;
	char **names, *location;
	size_t n = 0;
	enum tarn_rc rc = tarn_catalog_open(status->lake, TARN_CATALOG_READ, 0, &catalog, err);
	if (rc)
		return rc;
	rc = tarn_catalog_list(catalog, &names, &n, err);
	for (size_t i = 0; !rc && i < n; i++)
		free(names[i]);
	if (!rc)
		free(names);
	if (!rc)
		rc = tarn_catalog_load(catalog, "molecules", &table, &location, err);
	if (!rc) {
		const char *rows = tarn_table_current(table)
					   ? tarn_snapshot_summary(tarn_table_current(table), "total-records")
					   : "0";
		tarn_buf_printf(out, "%zu tables, %s experiments", n, rows ? rows : "unknown");
		free(location);
		tarn_table_free(table);
	}
	tarn_catalog_close(catalog);
	return rc;
}

/* ---- the command ---- */

struct stage {
	const char *name, *place;
	enum tarn_rc (*see)(const struct status *status, struct tarn_buf *out, struct tarn_err *err);
};

static void print_machines(const struct stage *stage, bool answers, const char *text, struct tarn_buf *out)
{
	tarn_print_json_begin(out, '{');
	tarn_print_json_key(out, "stage");
	tarn_print_json_text(out, stage->name);
	tarn_print_json_key(out, "place");
	tarn_print_json_text(out, stage->place);
	tarn_print_json_key(out, "answers");
	tarn_print_json_bool(out, answers);
	tarn_print_json_key(out, "state");
	tarn_print_json_text(out, text);
	tarn_print_json_end(out, '}');
	tarn_print_json_line(out, stdout);
}

static void print_stages(const struct status *status, const struct stage *stages, size_t n, bool json)
{
	static const struct tarn_print_column columns[] = { { .title = "STAGE" },
							    { .title = "STATE", .widest = 100 },
							    { .title = "PLACE" } };
	struct tarn_print_table *table = tarn_print_table_new(columns, 3);
	struct tarn_buf text, line;
	tarn_buf_init(&text, 1 << 16);
	tarn_buf_init(&line, 1 << 16);
	for (size_t i = 0; i < n; i++) {
		struct tarn_err err;
		if (!stages[i].place)
			continue;
		tarn_buf_clear(&text);
		enum tarn_rc rc = stages[i].see(status, &text, &err);
		if (rc) {
			tarn_buf_clear(&text);
			tarn_buf_add_str(&text, err.message);
		}
		tarn_buf_add_byte(&text, '\0');
		if (json) {
			print_machines(&stages[i], !rc, (const char *)text.data, &line);
			continue;
		}
		tarn_print_cell(table, stages[i].name);
		tarn_print_cell(table, (const char *)text.data);
		tarn_print_cell(table, stages[i].place);
	}
	if (!json)
		tarn_print_table_write(table, stdout);
	tarn_print_table_free(table);
	tarn_buf_release(&text);
	tarn_buf_release(&line);
}

static int run_status(int argc, char **argv)
{
	struct status status = { .data = TARN_DATA_DEFAULT,
				 .registry = TARN_REGISTRY_DEFAULT,
				 .connect = TARN_CONNECT_DEFAULT_URL,
				 .kafka = TARN_KAFKA_OPTIONS_DEFAULT };
	bool json = false;
	int exit_code;
	const struct tarn_option options[] = {
		{ .name = "data",
		  .argument = "DIR",
		  .help = "where records wait for a broker (default: " TARN_DATA_DEFAULT ")",
		  .text = &status.data },
		TARN_OPTIONS_KAFKA(&status.kafka),
		{ .name = "registry",
		  .argument = "URL",
		  .help = "the schema registry (default: " TARN_REGISTRY_DEFAULT ")",
		  .text = &status.registry },
		TARN_OPTION_CONNECT(&status.connect),
		{ .name = "lake",
		  .argument = "DIR",
		  .help = "the lake (default: none is looked at)",
		  .text = &status.lake },
		{ .name = "json", .help = "print a JSON object for each stage, on a line", .flag = &json },
	};
	const struct tarn_usage usage = {
		.command = "status",
		.section = "STATUS",
		.arguments = "",
		.summary = "Shows what each stage holds, and what waits between them.",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	const struct stage stages[] = {
		{ "spool", status.data, see_spool },
		{ "broker", status.kafka.brokers, see_broker },
		{ "registry", status.registry, see_registry },
		{ "sink", status.connect, see_sink },
		{ "lake", status.lake, see_lake },
	};
	print_stages(&status, stages, sizeof(stages) / sizeof(*stages), json);
	return TARN_EXIT_DONE;
}

const struct tarn_command tarn_command_status = { "status", "what each stage holds, and what waits", run_status };
