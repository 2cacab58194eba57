#include "serialize/schema/compatibility.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "serialize/avro/node.h"

/* The version and its text are said behind the reasons. */
enum { MAX_PAIRS = 100000, MAX_PLACES = TARN_COMPATIBILITY_MAX_REASONS - 4 };

/* ---- levels ---- */

static const char *const level_names[] = { "NONE",	     "BACKWARD",	   "BACKWARD_TRANSITIVE",
					   "FORWARD",	     "FORWARD_TRANSITIVE", "FULL",
					   "FULL_TRANSITIVE" };

const char *tarn_compatibility_name(enum tarn_compatibility level)
{
	return level_names[level];
}

bool tarn_compatibility_parse(const char *name, enum tarn_compatibility *level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(*level_names); i++) {
		if (strcasecmp(name, level_names[i]))
			continue;
		*level = (enum tarn_compatibility)i;
		return true;
	}
	return false;
}

bool tarn_compatibility_is_transitive(enum tarn_compatibility level)
{
	return level == TARN_COMPATIBILITY_BACKWARD_TRANSITIVE || level == TARN_COMPATIBILITY_FORWARD_TRANSITIVE ||
	       level == TARN_COMPATIBILITY_FULL_TRANSITIVE;
}

static bool is_forward(enum tarn_compatibility level)
{
	return level >= TARN_COMPATIBILITY_FORWARD;
}

static bool is_backward(enum tarn_compatibility level)
{
	return level == TARN_COMPATIBILITY_BACKWARD || level == TARN_COMPATIBILITY_BACKWARD_TRANSITIVE ||
	       level >= TARN_COMPATIBILITY_FULL;
}

void tarn_compatibility_add(struct tarn_compatibility_reasons *reasons, const char *text)
{
	if (reasons->n < TARN_COMPATIBILITY_MAX_REASONS)
		reasons->text[reasons->n++] = text;
}

/* ---- where we are ---- */

/* A list on the stack, innermost first; the outermost is the root, which is not written. */
struct place {
	const struct place *outer;
	const char *key; /* NULL: `index` */
	size_t index;
};

static void put_place(struct tarn_buf *out, const struct place *place)
{
	if (!place || !place->outer)
		return;
	put_place(out, place->outer);
	if (place->outer->outer)
		tarn_buf_add_byte(out, '/');
	if (place->key)
		tarn_buf_add_str(out, place->key);
	else
		tarn_buf_printf(out, "%zu", place->index);
}

/* ---- what was compared already ---- */

struct pair {
	const struct tarn_avro_node *reader, *writer;
	bool open; /* being compared: counts as fitting until the opposite is shown */
	bool fails;
	const char **reasons;
	size_t n_reasons;
};

struct checker {
	const char *reader_name, *writer_name;
	struct tarn_compatibility_reasons *reasons;
	struct pair *pairs; /* open addressing; reader NULL: free */
	size_t n_pairs, n_slots;
	bool fails;	     /* a reason was found since this was last set, whether there was room to keep it or not */
	const char *stopped; /* why the comparison was given up, or NULL */
};

static size_t slot_of(const struct pair *pairs, size_t n_slots, const struct tarn_avro_node *reader,
		      const struct tarn_avro_node *writer)
{
	const struct tarn_avro_node *const key[2] = { reader, writer };
	size_t slot = tarn_hash64(tarn_slice_of(key, sizeof(key))) & (n_slots - 1);
	while (pairs[slot].reader && (pairs[slot].reader != reader || pairs[slot].writer != writer))
		slot = (slot + 1) & (n_slots - 1);
	return slot;
}

static void grow(struct checker *c)
{
	size_t n_slots = c->n_slots ? c->n_slots * 2 : 256;
	struct pair *pairs = tarn_calloc(n_slots, sizeof(*pairs));
	for (size_t i = 0; i < c->n_slots; i++)
		if (c->pairs[i].reader)
			pairs[slot_of(pairs, n_slots, c->pairs[i].reader, c->pairs[i].writer)] = c->pairs[i];
	free(c->pairs);
	c->pairs = pairs;
	c->n_slots = n_slots;
}

/* The pair's entry, which stays valid until the next call; made where there is none (*is_new). */
static struct pair *enter(struct checker *c, const struct tarn_avro_node *reader, const struct tarn_avro_node *writer,
			  bool *is_new)
{
	if (c->n_pairs * 2 >= c->n_slots)
		grow(c);
	struct pair *pair = &c->pairs[slot_of(c->pairs, c->n_slots, reader, writer)];
	*is_new = !pair->reader;
	if (*is_new) {
		*pair = (struct pair){ reader, writer, true, false, NULL, 0 };
		c->n_pairs++;
	}
	return pair;
}

/* ---- reasons ---- */

/* "<before><reader or writer><between><the other><after>": {R} and {W} stand for the names, {P} for the place, {M} for
 * the detail. */
static const struct {
	const char *name, *text;
} kinds[] = {
	{ "NAME_MISMATCH", "The name of the schema has changed (path '{P}')" },
	{ "FIXED_SIZE_MISMATCH",
	  "The size of FIXED type field at path '{P}' in the {R} schema does not match with the {W} schema" },
	{ "MISSING_ENUM_SYMBOLS", "The {R} schema is missing enum symbols '{M}' at path '{P}' in the {W} schema" },
	{ "READER_FIELD_MISSING_DEFAULT_VALUE",
	  "The field '{M}' at path '{P}' in the {R} schema has no default value and is missing in the {W} schema" },
	{ "TYPE_MISMATCH", "The type (path '{P}') of a field in the {R} schema does not match with the {W} schema" },
	{ "MISSING_UNION_BRANCH",
	  "The {R} schema is missing a type inside a union field at path '{P}' in the {W} schema" },
};
enum kind { NAME, FIXED_SIZE, ENUM_SYMBOLS, NO_DEFAULT, TYPE, UNION_BRANCH };

static void add_reason(struct checker *c, enum kind kind, const struct place *at, const char *detail)
{
	c->fails = true;
	if (c->reasons->n >= MAX_PLACES)
		return;
	struct tarn_buf text;
	tarn_buf_init(&text, 1 << 20);
	tarn_buf_printf(&text, "{errorType:'%s', description:'", kinds[kind].name);
	for (const char *from = kinds[kind].text; *from; from++) {
		if (*from != '{') {
			tarn_buf_add_byte(&text, (uint8_t)*from);
			continue;
		}
		if (from[1] == 'P') {
			tarn_buf_add_byte(&text, '/');
			put_place(&text, at);
		} else {
			tarn_buf_add_str(&text, from[1] == 'R'	 ? c->reader_name
						: from[1] == 'W' ? c->writer_name
								 : detail);
		}
		from += 2;
	}
	tarn_buf_printf(&text, "', additionalInfo:'%s'}", detail);
	tarn_compatibility_add(c->reasons, tarn_arena_strndup(c->reasons->arena, (const char *)text.data, text.len));
	tarn_buf_release(&text);
}

static char *upper_type(struct checker *c, const struct tarn_avro_node *node)
{
	char *name = tarn_arena_strdup(c->reasons->arena, tarn_avro_type_name(node->type));
	for (char *at = name; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	return name;
}

static void add_mismatch(struct checker *c, const struct tarn_avro_node *reader, const struct tarn_avro_node *writer,
			 const struct place *at)
{
	add_reason(c, TYPE, at,
		   tarn_arena_printf(c->reasons->arena, "reader type: %s not compatible with writer type: %s",
				     upper_type(c, reader), upper_type(c, writer)));
}

/* ---- the rules ---- */

static void check(struct checker *c, const struct tarn_avro_node *reader, const struct tarn_avro_node *writer,
		  const struct place *at);

static void check_names(struct checker *c, const struct tarn_avro_node *reader, const struct tarn_avro_node *writer,
			const struct place *at)
{
	const struct place name_at = { at, "name", 0 };
	if (!strcmp(reader->name, writer->name))
		return;
	for (size_t i = 0; i < reader->n_aliases; i++)
		if (!strcmp(reader->aliases[i], writer->full_name))
			return;
	add_reason(c, NAME, &name_at, tarn_arena_printf(c->reasons->arena, "expected: %s", writer->full_name));
}

static void check_size(struct checker *c, const struct tarn_avro_node *reader, const struct tarn_avro_node *writer,
		       const struct place *at)
{
	const struct place size_at = { at, "size", 0 };
	if (reader->size != writer->size)
		add_reason(
			c, FIXED_SIZE, &size_at,
			tarn_arena_printf(c->reasons->arena, "expected: %zu, found: %zu", writer->size, reader->size));
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void check_symbols(struct checker *c, const struct tarn_avro_node *reader, const struct tarn_avro_node *writer,
			  const struct place *at)
{
	const struct place symbols_at = { at, "symbols", 0 };
	const char **missing = tarn_malloc(writer->n_symbols * sizeof(*missing));
	size_t n = 0;
	for (size_t i = 0; i < writer->n_symbols; i++)
		if (tarn_avro_node_find(reader, writer->symbols[i]) < 0)
			missing[n++] = writer->symbols[i];
	if (n && reader->default_symbol < 0) {
		struct tarn_buf list;
		tarn_buf_init(&list, 1 << 20);
		qsort(missing, n, sizeof(*missing), compare_names);
		for (size_t i = 0; i < n; i++)
			tarn_buf_printf(&list, "%s%s", i ? ", " : "[", missing[i]);
		tarn_buf_add_byte(&list, ']');
		add_reason(c, ENUM_SYMBOLS, &symbols_at,
			   tarn_arena_strndup(c->reasons->arena, (const char *)list.data, list.len));
		tarn_buf_release(&list);
	}
	free(missing);
}

/* The writer's field that fills the reader's, by name or alias; *n tells how many there are. */
static const struct tarn_avro_field *find_field(const struct tarn_avro_node *writer,
						const struct tarn_avro_field *field, size_t *n)
{
	int32_t found = -1;
	*n = 0;
	for (size_t i = 0; i <= field->n_aliases; i++) {
		int32_t position = tarn_avro_node_find(writer, i ? field->aliases[i - 1] : field->name);
		if (position < 0)
			continue;
		if (!(*n)++)
			found = position;
	}
	return found < 0 ? NULL : &writer->fields[found];
}

static void check_field(struct checker *c, const struct tarn_avro_node *reader, size_t i,
			const struct tarn_avro_node *writer, const struct place *at)
{
	const struct tarn_avro_field *field = &reader->fields[i];
	const struct place field_at = { at, NULL, i }, type_at = { &field_at, "type", 0 };
	size_t n;
	const struct tarn_avro_field *from = find_field(writer, field, &n);
	if (n > 1)
		c->stopped =
			tarn_arena_printf(c->reasons->arena,
					  "Unexpected exception during compatibility check: Reader record field %s "
					  "matches multiple fields in writer record schema %s",
					  field->name, writer->full_name);
	else if (from)
		check(c, field->type, from->type, &type_at);
	else if (!field->default_value && field->type->type == TARN_AVRO_ENUM && field->type->default_symbol >= 0)
		check(c, field->type, writer, &type_at); /* as Java does it; an enum never reads a record */
	else if (!field->default_value)
		add_reason(c, NO_DEFAULT, &field_at, field->name);
}

static void check_fields(struct checker *c, const struct tarn_avro_node *reader, const struct tarn_avro_node *writer,
			 const struct place *at)
{
	const struct place fields_at = { at, "fields", 0 };
	for (size_t i = 0; i < reader->n_fields; i++)
		check_field(c, reader, i, writer, &fields_at);
}

/* Whether the reader takes the writer's data; leaves no reasons. */
static bool fits(struct checker *c, const struct tarn_avro_node *reader, const struct tarn_avro_node *writer)
{
	size_t before = c->reasons->n;
	bool failed = c->fails;
	c->fails = false;
	check(c, reader, writer, NULL);
	bool result = !c->fails;
	c->fails = failed;
	c->reasons->n = before;
	return result;
}

static void add_missing_branch(struct checker *c, const struct tarn_avro_node *writer, const struct place *at)
{
	add_reason(c, UNION_BRANCH, at,
		   tarn_arena_printf(c->reasons->arena, "reader union lacking writer type: %s", upper_type(c, writer)));
}

static void check_unions(struct checker *c, const struct tarn_avro_node *reader, const struct tarn_avro_node *writer,
			 const struct place *at)
{
	for (size_t i = 0; i < writer->n_branches; i++) {
		const struct place branch_at = { at, NULL, i };
		if (!fits(c, reader, writer->branches[i]))
			add_missing_branch(c, writer->branches[i], &branch_at);
	}
}

static void check_same_type(struct checker *c, const struct tarn_avro_node *reader, const struct tarn_avro_node *writer,
			    const struct place *at)
{
	const struct place items_at = { at, reader->type == TARN_AVRO_ARRAY ? "items" : "values", 0 };
	switch (reader->type) {
	case TARN_AVRO_ARRAY:
	case TARN_AVRO_MAP: check(c, reader->items, writer->items, &items_at); return;
	case TARN_AVRO_FIXED:
		check_names(c, reader, writer, at);
		check_size(c, reader, writer, at);
		return;
	case TARN_AVRO_ENUM:
		check_names(c, reader, writer, at);
		check_symbols(c, reader, writer, at);
		return;
	case TARN_AVRO_RECORD:
		check_names(c, reader, writer, at);
		check_fields(c, reader, writer, at);
		return;
	case TARN_AVRO_UNION: check_unions(c, reader, writer, at); return;
	default: return;
	}
}

/* Types that are read as another (specification, "Schema Resolution"). */
static bool is_promoted(enum tarn_avro_type writer, enum tarn_avro_type reader)
{
	switch (reader) {
	case TARN_AVRO_LONG: return writer == TARN_AVRO_INT;
	case TARN_AVRO_FLOAT: return writer == TARN_AVRO_INT || writer == TARN_AVRO_LONG;
	case TARN_AVRO_DOUBLE: return writer == TARN_AVRO_INT || writer == TARN_AVRO_LONG || writer == TARN_AVRO_FLOAT;
	case TARN_AVRO_BYTES: return writer == TARN_AVRO_STRING;
	case TARN_AVRO_STRING: return writer == TARN_AVRO_BYTES;
	default: return false;
	}
}

static void check_other_type(struct checker *c, const struct tarn_avro_node *reader,
			     const struct tarn_avro_node *writer, const struct place *at)
{
	if (writer->type == TARN_AVRO_UNION) {
		for (size_t i = 0; i < writer->n_branches; i++) {
			const struct place branch_at = { at, NULL, i };
			check(c, reader, writer->branches[i], &branch_at);
		}
	} else if (reader->type == TARN_AVRO_UNION) {
		for (size_t i = 0; i < reader->n_branches; i++)
			if (fits(c, reader->branches[i], writer))
				return;
		add_missing_branch(c, writer, at);
	} else if (!is_promoted(writer->type, reader->type)) {
		add_mismatch(c, reader, writer, at);
	}
}

static void repeat_reasons(struct checker *c, const struct pair *pair)
{
	c->fails = c->fails || pair->fails;
	for (size_t i = 0; i < pair->n_reasons && c->reasons->n < MAX_PLACES; i++)
		tarn_compatibility_add(c->reasons, pair->reasons[i]);
}

static void keep_reasons(struct checker *c, struct pair *pair, size_t before)
{
	pair->open = false;
	pair->fails = c->fails;
	pair->n_reasons = c->reasons->n - before;
	if (pair->n_reasons)
		pair->reasons = tarn_arena_copy(c->reasons->arena, c->reasons->text + before,
						pair->n_reasons * sizeof(*pair->reasons));
}

/* `at` NULL: the root of a path. A pair of types is compared once; what was found then is said again. */
static void check(struct checker *c, const struct tarn_avro_node *reader, const struct tarn_avro_node *writer,
		  const struct place *at)
{
	static const struct place root = { NULL, NULL, 0 };
	if (!at)
		at = &root;
	if (c->n_pairs == MAX_PAIRS)
		c->stopped = "The schemas are too complex to be compared";
	if (c->stopped)
		return;
	bool is_new;
	struct pair *pair = enter(c, reader, writer, &is_new);
	if (!is_new) {
		if (!pair->open)
			repeat_reasons(c, pair);
		return;
	}
	size_t before = c->reasons->n;
	bool failed = c->fails;
	c->fails = false;
	if (reader->type == writer->type)
		check_same_type(c, reader, writer, at);
	else
		check_other_type(c, reader, writer, at);
	keep_reasons(c, &c->pairs[slot_of(c->pairs, c->n_slots, reader, writer)], before);
	c->fails = c->fails || failed;
}

void tarn_compatibility_check(const struct tarn_avro_schema *reader, const struct tarn_avro_schema *writer,
			      const char *reader_name, const char *writer_name,
			      struct tarn_compatibility_reasons *reasons)
{
	size_t before = reasons->n;
	struct checker c = { .reader_name = reader_name, .writer_name = writer_name, .reasons = reasons };
	check(&c, tarn_avro_schema_root(reader), tarn_avro_schema_root(writer), NULL);
	if (c.stopped) {
		reasons->n = before;
		tarn_compatibility_add(reasons, c.stopped);
	}
	free(c.pairs);
}

/* ---- versions ---- */

static void add_version(const struct tarn_compatibility_version *older, struct tarn_compatibility_reasons *reasons)
{
	enum { LONGEST = 10 * 1024 };
	tarn_compatibility_add(reasons, tarn_arena_printf(reasons->arena, "{oldSchemaVersion: %d}", older->version));
	bool is_long = older->text.len > LONGEST;
	tarn_compatibility_add(reasons, tarn_arena_printf(reasons->arena, "{oldSchema: %s'%.*s%s'}",
							  is_long ? "<truncated> " : "",
							  is_long ? LONGEST : (int)older->text.len,
							  (const char *)older->text.data, is_long ? "..." : ""));
}

void tarn_compatibility_check_level(enum tarn_compatibility level, const struct tarn_avro_schema *schema,
				    const struct tarn_compatibility_version *older, size_t n_older,
				    struct tarn_compatibility_reasons *reasons)
{
	if (!tarn_compatibility_is_transitive(level) && n_older > 1)
		n_older = 1;
	for (size_t i = 0; i < n_older && !reasons->n; i++) {
		if (is_forward(level))
			tarn_compatibility_check(older[i].schema, schema, "old", "new", reasons);
		if (is_backward(level))
			tarn_compatibility_check(schema, older[i].schema, "new", "old", reasons);
		if (reasons->n)
			add_version(&older[i], reasons);
	}
}
