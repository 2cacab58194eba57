/* Developer's program around the Parquet room, driven by tests/interop/test_parquet.py.
 *
 *   parquet_tool write FILE <script    writes a file as the script says, prints its metrics as JSON
 *   parquet_tool print FILE            prints each row as a line of JSON
 *
 * A script is lines of words:
 *   options CODEC PAGE_BYTES DICTIONARY_BYTES          (first line)
 *   field ID NAME KIND required|optional N_CHILDREN [LENGTH | PRECISION SCALE]     (preorder)
 *   nulls C N | boolean C V N | int C V N | long C V N | float C V N | double C V N | string C HEX N
 *   decimal C LOW HIGH N | doubles C V... | series C HEX FIRST N | cycle C FIRST PERIOD N      (V: "null" in doubles)
 *   list C | end_list C | struct C | end_struct C
 *   group                                              (ends a row group; the last one too)
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/number.h"
#include "store/parquet/reader.h"
#include "store/parquet/writer.h"

enum { LINE_MAX_SIZE = 1 << 22, FIELDS_MAX = 256 };

struct script {
	struct tarn_arena arena;
	struct tarn_parquet_options options;
	struct tarn_field *all; /* preorder while read; columns first afterwards */
	size_t n_columns;
	struct tarn_parquet_group *group;
	struct tarn_parquet_file *file;
	FILE *out;
};

static void die(const char *what, const char *detail)
{
	fprintf(stderr, "parquet_tool: %s: %s\n", what, detail);
	exit(1);
}

static const char *const kinds[] = { "boolean", "int",	     "long",	    "float",  "double", "date",
				     "time",	"timestamp", "timestamptz", "string", "binary", "uuid",
				     "fixed",	"decimal",   "list",	    "struct", "map" };
static const char *const codecs[] = { "none", "deflate", "gzip", "snappy", "zstd", "lz4_raw" };

static int index_of(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	die("unknown word", name);
	return -1;
}

static char *word(void)
{
	char *token = strtok(NULL, " \n");
	if (!token)
		die("line too short", "");
	return token;
}

static int64_t number(void)
{
	return strtoll(word(), NULL, 10);
}

static struct tarn_slice hex(struct tarn_arena *arena)
{
	char *text = strtok(NULL, " \n");
	size_t len = !strcmp(text, "-") ? 0 : strlen(text) / 2;
	uint8_t *bytes = tarn_arena_alloc(arena, len);
	if (!tarn_unhex(tarn_slice_of(text, 2 * len), bytes, len))
		die("not hexadecimal", text);
	return tarn_slice_of(bytes, len);
}

/* ---- fields ---- */

static void read_field(struct script *script, char *line, struct tarn_field *field);

static void read_next_field(struct script *script, struct tarn_field *field)
{
	static char line[4096];
	if (!fgets(line, sizeof(line), stdin))
		die("script ends early", "field");
	read_field(script, line, field);
}

static void read_field(struct script *script, char *line, struct tarn_field *field)
{
	strtok(line, " \n");
	*field = (struct tarn_field){ .id = (int32_t)number() };
	field->name = tarn_arena_strdup(&script->arena, word());
	field->kind = (enum tarn_type_kind)index_of(kinds, sizeof(kinds) / sizeof(*kinds), word());
	field->required = !strcmp(word(), "required");
	field->n_fields = (size_t)number();
	if (field->kind == TARN_TYPE_FIXED)
		field->length = (int32_t)number();
	if (field->kind == TARN_TYPE_DECIMAL) {
		field->precision = (int32_t)number();
		field->scale = (int32_t)number();
	}
	struct tarn_field *children = tarn_arena_zalloc(&script->arena, field->n_fields * sizeof(*children));
	field->fields = children;
	for (size_t i = 0; i < field->n_fields; i++)
		read_next_field(script, &children[i]);
}

/* ---- values ---- */

static void put_doubles(struct script *script, size_t column)
{
	double *values = NULL;
	uint8_t *valid = NULL;
	size_t n = 0, cap = 0, cap_valid = 0;
	bool any_null = false;
	for (char *token = strtok(NULL, " \n"); token; token = strtok(NULL, " \n"), n++) {
		values = tarn_grow(values, &cap, n + 1, sizeof(*values));
		valid = tarn_grow(valid, &cap_valid, n + 1, 1);
		valid[n] = strcmp(token, "null") != 0;
		any_null = any_null || !valid[n];
		values[n] = valid[n] ? strtod(token, NULL) : 0;
	}
	tarn_parquet_put_doubles(script->group, column, values, any_null ? valid : NULL, n);
	free(values);
	free(valid);
}

static bool put_scalar(struct script *script, const char *verb, size_t column)
{
	struct tarn_parquet_group *group = script->group;
	if (!strcmp(verb, "boolean")) {
		bool value = number() != 0;
		tarn_parquet_put_boolean(group, column, value, (size_t)number());
	} else if (!strcmp(verb, "int")) {
		int32_t value = (int32_t)number();
		tarn_parquet_put_int(group, column, value, (size_t)number());
	} else if (!strcmp(verb, "long")) {
		int64_t value = number();
		tarn_parquet_put_long(group, column, value, (size_t)number());
	} else if (!strcmp(verb, "float")) {
		float value = strtof(word(), NULL);
		tarn_parquet_put_float(group, column, value, (size_t)number());
	} else if (!strcmp(verb, "double")) {
		double value = strtod(word(), NULL);
		tarn_parquet_put_double(group, column, value, (size_t)number());
	} else if (!strcmp(verb, "string")) {
		struct tarn_slice value = hex(&script->arena);
		tarn_parquet_put_string(group, column, value, (size_t)number());
	} else if (!strcmp(verb, "decimal")) {
		uint64_t low = strtoull(word(), NULL, 10);
		int64_t high = number();
		tarn_parquet_put_decimal(group, column, low, high, (size_t)number());
	} else {
		return false;
	}
	return true;
}

static bool put_many(struct script *script, const char *verb, size_t column)
{
	struct tarn_parquet_group *group = script->group;
	if (!strcmp(verb, "nulls")) {
		tarn_parquet_put_nulls(group, column, (size_t)number());
	} else if (!strcmp(verb, "doubles")) {
		put_doubles(script, column);
	} else if (!strcmp(verb, "series")) {
		struct tarn_slice prefix = hex(&script->arena);
		int64_t first = number();
		tarn_parquet_put_series(group, column, prefix, first, (size_t)number());
	} else if (!strcmp(verb, "cycle")) {
		int32_t first = (int32_t)number(), period = (int32_t)number();
		tarn_parquet_put_cycle(group, column, first, period, (size_t)number());
	} else {
		return false;
	}
	return true;
}

static bool nest(struct script *script, const char *verb, size_t column)
{
	if (!strcmp(verb, "list"))
		tarn_parquet_begin_list(script->group, column);
	else if (!strcmp(verb, "end_list"))
		tarn_parquet_end_list(script->group, column);
	else if (!strcmp(verb, "struct"))
		tarn_parquet_begin_struct(script->group, column);
	else if (!strcmp(verb, "end_struct"))
		tarn_parquet_end_struct(script->group, column);
	else
		return false;
	return true;
}

static enum tarn_rc to_stdio(void *context, struct tarn_slice bytes, struct tarn_err *err)
{
	if (fwrite(bytes.data, 1, bytes.len, context) != bytes.len)
		return tarn_fail_errno(err, "write");
	return TARN_OK;
}

static void end_group(struct script *script)
{
	struct tarn_err err;
	if (tarn_parquet_group_finish(script->group, &err) != TARN_OK ||
	    tarn_parquet_file_append(script->file, script->group, &err) != TARN_OK)
		die("group", err.message);
	tarn_parquet_group_free(script->group);
	script->group = tarn_parquet_group_new(script->all, script->n_columns, &script->options);
}

static void print_hex(const char *name, struct tarn_slice bytes)
{
	printf(", \"%s\": ", name);
	if (!bytes.data) {
		printf("null");
		return;
	}
	printf("\"");
	for (size_t i = 0; i < bytes.len; i++)
		printf("%02x", bytes.data[i]);
	printf("\"");
}

static void print_metrics(const struct script *script)
{
	size_t n, n_splits;
	const struct tarn_parquet_metrics *metrics = tarn_parquet_file_metrics(script->file, &n);
	const int64_t *splits = tarn_parquet_file_splits(script->file, &n_splits);
	printf("{\"size\": %lld, \"rows\": %lld, \"splits\": [", (long long)tarn_parquet_file_size(script->file),
	       (long long)tarn_parquet_file_rows(script->file));
	for (size_t i = 0; i < n_splits; i++)
		printf("%s%lld", i ? ", " : "", (long long)splits[i]);
	printf("], \"metrics\": [");
	for (size_t i = 0; i < n; i++) {
		printf("%s{\"id\": %d, \"in_list\": %s, \"bytes\": %lld, \"values\": %lld, \"nulls\": %lld, \"nans\": "
		       "%lld",
		       i ? ", " : "", metrics[i].field_id, metrics[i].in_list ? "true" : "false",
		       (long long)metrics[i].compressed_bytes, (long long)metrics[i].values,
		       (long long)metrics[i].nulls, (long long)metrics[i].nans);
		print_hex("lower", metrics[i].has_bounds ? metrics[i].lower : (struct tarn_slice){ 0 });
		print_hex("upper", metrics[i].has_bounds ? metrics[i].upper : (struct tarn_slice){ 0 });
		printf("}");
	}
	printf("]}\n");
}

static void run_line(struct script *script, char *line)
{
	char *verb = strtok(line, " \n");
	if (!verb)
		return;
	if (!strcmp(verb, "group")) {
		end_group(script);
		return;
	}
	size_t column = (size_t)number();
	if (!put_scalar(script, verb, column) && !put_many(script, verb, column) && !nest(script, verb, column))
		die("unknown word", verb);
}

static void read_head(struct script *script, char *line)
{
	strtok(line, " \n");
	script->options.codec = (enum tarn_codec)index_of(codecs, sizeof(codecs) / sizeof(*codecs), word());
	script->options.page_bytes = (size_t)number();
	script->options.dictionary_bytes = (size_t)number();
	script->all = tarn_arena_zalloc(&script->arena, FIELDS_MAX * sizeof(*script->all));
}

static int write_file(const char *path)
{
	struct script script = { .out = fopen(path, "wb") };
	char *line = tarn_malloc(LINE_MAX_SIZE);
	struct tarn_err err;
	if (!script.out)
		die("cannot open", path);
	tarn_arena_init(&script.arena);
	if (!fgets(line, LINE_MAX_SIZE, stdin))
		die("script is empty", path);
	read_head(&script, line);
	while (fgets(line, LINE_MAX_SIZE, stdin)) {
		if (!strncmp(line, "field ", 6)) {
			read_field(&script, line, &script.all[script.n_columns++]);
			continue;
		}
		if (!script.group) {
			struct tarn_slice schema =
				tarn_slice_str("{\"type\":\"struct\",\"schema-id\":0,\"fields\":[]}");
			script.group = tarn_parquet_group_new(script.all, script.n_columns, &script.options);
			script.file = tarn_parquet_file_new(script.all, script.n_columns, schema, to_stdio, script.out);
		}
		run_line(&script, line);
	}
	if (!script.file || tarn_parquet_file_finish(script.file, &err) != TARN_OK)
		die("finish", script.file ? err.message : "no rows");
	print_metrics(&script);
	tarn_parquet_group_free(script.group);
	tarn_parquet_file_free(script.file);
	tarn_arena_release(&script.arena);
	free(line);
	return fclose(script.out) ? 1 : 0;
}

/* ---- printing ---- */

static enum tarn_rc from_stdio(void *context, int64_t offset, size_t len, uint8_t *dst, struct tarn_err *err)
{
	FILE *in = context;
	if (fseek(in, (long)offset, SEEK_SET) || fread(dst, 1, len, in) != len)
		return tarn_fail_errno(err, "read");
	return TARN_OK;
}

static void print_text(const uint8_t *text, size_t len)
{
	putchar('"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] < 0x20 || text[i] == '"' || text[i] == '\\')
			printf("\\u%04x", text[i]);
		else
			putchar(text[i]);
	}
	putchar('"');
}

static void print_bytes(const uint8_t *bytes, size_t len)
{
	putchar('"');
	for (size_t i = 0; i < len; i++)
		printf("%02x", bytes[i]);
	putchar('"');
}

/* JSON has no NaN or infinity, and parsers make 1 of 1.0. */
static void print_double(double value)
{
	char text[TARN_DOUBLE_TEXT_SIZE];
	size_t len = tarn_format_double(value, text);
	printf("{\"double\": \"%.*s\"}", (int)len, text);
}

static void print_decimal(const int64_t *pair)
{
	char digits[48];
	size_t at = sizeof(digits);
	__extension__ typedef __int128 wide;
	wide value = (wide)pair[1] * ((wide)1 << 64) + (uint64_t)pair[0];
	bool negative = value < 0;
	digits[--at] = '\0';
	do {
		digits[--at] = (char)('0' + (negative ? -(value % 10) : value % 10));
		value /= 10;
	} while (value);
	printf("\"%s%s\"", negative ? "-" : "", digits + at);
}

static void print_value(const struct tarn_vector *vector, size_t i);

static void print_elements(const struct tarn_vector *vector, size_t row)
{
	putchar('[');
	for (int64_t i = vector->offsets[row]; i < vector->offsets[row + 1]; i++) {
		fputs(i > vector->offsets[row] ? ", " : "", stdout);
		if (vector->field->kind == TARN_TYPE_LIST) {
			print_value(&vector->children[0], (size_t)i);
			continue;
		}
		putchar('[');
		print_value(&vector->children[0], (size_t)i);
		printf(", ");
		print_value(&vector->children[1], (size_t)i);
		putchar(']');
	}
	putchar(']');
}

static void print_struct(const struct tarn_vector *vector, size_t i)
{
	putchar('{');
	for (size_t j = 0; j < vector->field->n_fields; j++) {
		printf("%s\"%s\": ", j ? ", " : "", vector->field->fields[j].name);
		print_value(&vector->children[j], i);
	}
	putchar('}');
}

static void print_value(const struct tarn_vector *vector, size_t i)
{
	const uint8_t *bytes = vector->values;
	if (vector->valid && !vector->valid[i]) {
		printf("null");
		return;
	}
	switch (vector->field->kind) {
	case TARN_TYPE_BOOLEAN: printf("%s", bytes[i] ? "true" : "false"); break;
	case TARN_TYPE_INT:
	case TARN_TYPE_DATE: printf("%d", ((int32_t *)vector->values)[i]); break;
	case TARN_TYPE_LONG:
	case TARN_TYPE_TIME:
	case TARN_TYPE_TIMESTAMP:
	case TARN_TYPE_TIMESTAMPTZ: printf("%lld", (long long)((int64_t *)vector->values)[i]); break;
	case TARN_TYPE_FLOAT: print_double((double)((float *)vector->values)[i]); break;
	case TARN_TYPE_DOUBLE: print_double(((double *)vector->values)[i]); break;
	case TARN_TYPE_STRING:
		print_text(vector->data + vector->offsets[i], (size_t)(vector->offsets[i + 1] - vector->offsets[i]));
		break;
	case TARN_TYPE_BINARY:
		print_bytes(vector->data + vector->offsets[i], (size_t)(vector->offsets[i + 1] - vector->offsets[i]));
		break;
	case TARN_TYPE_UUID: print_bytes(bytes + 16 * i, 16); break;
	case TARN_TYPE_FIXED:
		print_bytes(bytes + (size_t)vector->field->length * i, (size_t)vector->field->length);
		break;
	case TARN_TYPE_DECIMAL: print_decimal((int64_t *)vector->values + 2 * i); break;
	case TARN_TYPE_LIST:
	case TARN_TYPE_MAP: print_elements(vector, i); break;
	case TARN_TYPE_STRUCT: print_struct(vector, i); break;
	}
}

static void print_group(struct tarn_parquet_reader *reader, size_t group)
{
	struct tarn_err err;
	size_t n;
	const struct tarn_field *fields = tarn_parquet_fields(reader, &n);
	struct tarn_vector *vectors = tarn_calloc(n, sizeof(*vectors));
	for (size_t i = 0; i < n; i++)
		if (tarn_parquet_read(reader, group, &fields[i], &vectors[i], &err) != TARN_OK)
			die(fields[i].name, err.message);
	for (size_t row = 0; row < (size_t)tarn_parquet_group_row_count(reader, group); row++) {
		putchar('[');
		for (size_t i = 0; i < n; i++) {
			fputs(i ? ", " : "", stdout);
			print_value(&vectors[i], row);
		}
		printf("]\n");
	}
	for (size_t i = 0; i < n; i++)
		tarn_vector_release(&vectors[i]);
	free(vectors);
}

static int print_file(const char *path)
{
	FILE *in = fopen(path, "rb");
	struct tarn_parquet_reader *reader;
	struct tarn_err err;
	if (!in)
		die("cannot open", path);
	fseek(in, 0, SEEK_END);
	if (tarn_parquet_open(from_stdio, in, ftell(in), &reader, &err) != TARN_OK)
		die(path, err.message);
	for (size_t i = 0; i < tarn_parquet_groups(reader); i++)
		print_group(reader, i);
	tarn_parquet_close(reader);
	fclose(in);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "write"))
		return write_file(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "print"))
		return print_file(argv[2]);
	fprintf(stderr, "usage: parquet_tool write|print FILE\n");
	return 2;
}
