#include "stream/sink/datum_field.h"

#include "serialize/avro/encode.h"
#include "serialize/avro/node.h"

struct search {
	const struct tarn_datum_plan *plan;
	struct tarn_cursor cursor;
	const char *path; /* as a whole, for messages */
	struct tarn_err *err;
};

static enum tarn_rc not_found(const struct search *search)
{
	return tarn_fail(search->err, TARN_ENOTFOUND, "the schema has no field \"%s\"", search->path);
}

/* Takes the branch that the datum has. */
static enum tarn_rc open_union(struct search *search, const struct tarn_avro_node **node)
{
	int64_t branch;
	while ((*node)->type == TARN_AVRO_UNION) {
		if (!tarn_avro_take_long(&search->cursor, &branch) || branch < 0 ||
		    branch >= (int64_t)(*node)->n_branches)
			return tarn_fail(search->err, TARN_EINVALID, "no valid branch on the way to \"%s\"",
					 search->path);
		*node = (*node)->branches[branch];
	}
	return TARN_OK;
}

/* Moves to the field of a record whose name is the `len` bytes at `name`. */
static enum tarn_rc enter_field(struct search *search, const struct tarn_avro_node **node, const char *name, size_t len)
{
	const struct tarn_avro_node *record = *node;
	for (size_t i = 0; record->type == TARN_AVRO_RECORD && i < record->n_fields; i++) {
		if (strlen(record->fields[i].name) == len && !memcmp(record->fields[i].name, name, len)) {
			*node = record->fields[i].type;
			return TARN_OK;
		}
		enum tarn_rc rc = tarn_datum_skip(search->plan, record->fields[i].type, &search->cursor, search->err);
		if (rc)
			return rc;
	}
	return not_found(search);
}

static enum tarn_rc take_text(struct search *search, struct tarn_slice *text)
{
	int64_t len;
	if (!tarn_avro_take_long(&search->cursor, &len) || len < 0 ||
	    !tarn_cursor_take(&search->cursor, (size_t)len, text))
		return tarn_fail(search->err, TARN_EINVALID, "no valid length at \"%s\"", search->path);
	return TARN_OK;
}

static enum tarn_rc take_integer(struct search *search, int64_t *value)
{
	if (!tarn_avro_take_long(&search->cursor, value))
		return tarn_fail(search->err, TARN_EINVALID, "no valid integer at \"%s\"", search->path);
	return TARN_OK;
}

static enum tarn_rc take_value(struct search *search, const struct tarn_avro_node *node, struct tarn_field_value *value)
{
	enum tarn_rc rc = TARN_OK;
	*value = (struct tarn_field_value){ .kind = TARN_FIELD_OTHER };
	switch (node->type) {
	case TARN_AVRO_NULL: value->kind = TARN_FIELD_NULL; break;
	case TARN_AVRO_INT:
	case TARN_AVRO_LONG:
		value->kind = TARN_FIELD_INTEGER;
		rc = take_integer(search, &value->integer);
		break;
	case TARN_AVRO_BOOLEAN:
		value->kind = TARN_FIELD_BOOLEAN;
		rc = take_integer(search, &value->integer); /* one byte, 0 or 1 */
		value->integer = value->integer != 0;
		break;
	case TARN_AVRO_STRING:
		value->kind = TARN_FIELD_TEXT;
		rc = take_text(search, &value->text);
		break;
	case TARN_AVRO_ENUM:
		value->kind = TARN_FIELD_TEXT;
		rc = take_integer(search, &value->integer);
		if (!rc)
			value->text = tarn_slice_str(node->symbols[value->integer]);
		break;
	default: break;
	}
	return rc;
}

enum tarn_rc tarn_datum_field(const struct tarn_datum_plan *plan, struct tarn_slice datum, const char *path,
			      struct tarn_field_value *value, struct tarn_err *err)
{
	struct search search = { .plan = plan, .cursor = tarn_cursor_of(datum), .path = path, .err = err };
	const struct tarn_avro_node *node = tarn_datum_root(plan);
	enum tarn_rc rc = open_union(&search, &node);
	for (const char *at = path; !rc && *at && node->type != TARN_AVRO_NULL;) {
		size_t len = strcspn(at, ".");
		rc = enter_field(&search, &node, at, len);
		if (!rc)
			rc = open_union(&search, &node);
		at += len + (at[len] == '.');
	}
	return rc ? rc : take_value(&search, node, value);
}
