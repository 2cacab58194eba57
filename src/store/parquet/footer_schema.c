/* From the elements of a footer to fields and nodes. Lists take the forms that LogicalTypes.md lists under backward
 * compatibility: three levels, two levels, and repeated fields without any annotation. */
#include "store/parquet/footer.h"

enum { MAX_DEPTH = 40, MAX_FIXED = 1 << 20 };

struct builder {
	struct tarn_footer *footer;
	const struct tarn_schema_element *elements;
	size_t n, at;
	int depth;
	struct tarn_err *err;
};

static enum tarn_rc fail(struct builder *builder, const struct tarn_schema_element *element, const char *why)
{
	return tarn_fail(builder->err, TARN_EINVALID, "parquet schema: \"%.*s\" %s", (int)element->name.len,
			 (const char *)element->name.data, why);
}

static const struct tarn_schema_element *peek(const struct builder *builder, size_t ahead)
{
	static const struct tarn_schema_element none = { .n_children = -1 };
	return builder->at + ahead < builder->n ? &builder->elements[builder->at + ahead] : &none;
}

/* ---- leaves ---- */

static void set_int_kind(const struct tarn_schema_element *element, struct tarn_field *field,
			 struct tarn_footer_leaf *leaf)
{
	bool wide = element->physical == PARQUET_INT64;
	int32_t bits = element->bits ? element->bits : wide ? 64 : 32;
	bool is_unsigned = (element->logical == PARQUET_LOGICAL_INTEGER && !element->is_signed) ||
			   (element->converted >= PARQUET_UINT_8 && element->converted <= PARQUET_UINT_64);
	field->kind = wide ? TARN_TYPE_LONG : TARN_TYPE_INT;
	if (element->converted == PARQUET_UINT_8 || element->converted == PARQUET_UINT_16)
		bits = 16;
	if (is_unsigned && bits >= 32) {
		field->kind = TARN_TYPE_LONG;
		leaf->scale = TARN_SCALE_UNSIGNED;
	}
}

static bool is_decimal(const struct tarn_schema_element *element)
{
	return element->logical == PARQUET_LOGICAL_DECIMAL || element->converted == PARQUET_DECIMAL;
}

static void set_number_kind(const struct tarn_schema_element *element, struct tarn_field *field,
			    struct tarn_footer_leaf *leaf)
{
	bool millis = element->converted == PARQUET_TIME_MILLIS || element->converted == PARQUET_TIMESTAMP_MILLIS;
	if (element->logical == PARQUET_LOGICAL_TIME || element->logical == PARQUET_LOGICAL_TIMESTAMP)
		millis = element->unit == PARQUET_MILLIS;
	leaf->scale = millis ? TARN_SCALE_MILLIS : element->unit == PARQUET_NANOS ? TARN_SCALE_NANOS : TARN_SCALE_NONE;
	if (element->logical == PARQUET_LOGICAL_DATE || element->converted == PARQUET_DATE)
		field->kind = TARN_TYPE_DATE;
	else if (element->logical == PARQUET_LOGICAL_TIME || element->converted == PARQUET_TIME_MILLIS ||
		 element->converted == PARQUET_TIME_MICROS)
		field->kind = TARN_TYPE_TIME;
	else if (element->logical == PARQUET_LOGICAL_TIMESTAMP)
		field->kind = element->utc ? TARN_TYPE_TIMESTAMPTZ : TARN_TYPE_TIMESTAMP;
	else if (element->converted == PARQUET_TIMESTAMP_MILLIS || element->converted == PARQUET_TIMESTAMP_MICROS)
		field->kind = TARN_TYPE_TIMESTAMPTZ;
	else
		set_int_kind(element, field, leaf);
}

static void set_bytes_kind(const struct tarn_schema_element *element, struct tarn_field *field)
{
	bool text = element->logical == PARQUET_LOGICAL_STRING || element->logical == PARQUET_LOGICAL_ENUM ||
		    element->logical == PARQUET_LOGICAL_JSON || element->converted == PARQUET_UTF8 ||
		    element->converted == PARQUET_ENUM || element->converted == PARQUET_JSON;
	if (element->physical == PARQUET_BYTE_ARRAY)
		field->kind = text ? TARN_TYPE_STRING : TARN_TYPE_BINARY;
	else
		field->kind = element->logical == PARQUET_LOGICAL_UUID && element->length == 16 ? TARN_TYPE_UUID
												: TARN_TYPE_FIXED;
	field->length = element->length;
}

static enum tarn_rc set_kind(struct builder *builder, const struct tarn_schema_element *element,
			     struct tarn_field *field, struct tarn_footer_leaf *leaf)
{
	static const uint32_t widths[] = { 0, 4, 8, 12, 4, 8, 0, 0 };
	if (element->physical < PARQUET_BOOLEAN || element->physical > PARQUET_FIXED)
		return fail(builder, element, "has an unknown physical type");
	leaf->leaf.physical = (enum parquet_physical)element->physical;
	leaf->leaf.width = widths[element->physical];
	if (element->physical == PARQUET_FIXED) {
		if (element->length < 1 || element->length > MAX_FIXED)
			return fail(builder, element, "has a fixed length out of range");
		leaf->leaf.width = (uint32_t)element->length;
	}
	if (is_decimal(element)) {
		bool fits = element->physical == PARQUET_INT32 || element->physical == PARQUET_INT64 ||
			    element->physical == PARQUET_BYTE_ARRAY ||
			    (element->physical == PARQUET_FIXED && element->length <= 16);
		if (!fits || element->precision < 1 || element->precision > 38 || element->scale < 0 ||
		    element->scale > element->precision)
			return fail(builder, element, "is not a valid decimal");
		field->kind = TARN_TYPE_DECIMAL;
		field->precision = element->precision;
		field->scale = element->scale;
		return TARN_OK;
	}
	switch (leaf->leaf.physical) {
	case PARQUET_BOOLEAN: field->kind = TARN_TYPE_BOOLEAN; break;
	case PARQUET_FLOAT: field->kind = TARN_TYPE_FLOAT; break;
	case PARQUET_DOUBLE: field->kind = TARN_TYPE_DOUBLE; break;
	case PARQUET_INT96: field->kind = TARN_TYPE_TIMESTAMPTZ; break; /* only Spark's and Impala's timestamps */
	case PARQUET_INT32:
	case PARQUET_INT64: set_number_kind(element, field, leaf); break;
	case PARQUET_BYTE_ARRAY:
	case PARQUET_FIXED: set_bytes_kind(element, field); break;
	}
	return TARN_OK;
}

static enum tarn_rc build_leaf(struct builder *builder, const struct tarn_schema_element *element,
			       struct tarn_parquet_node *node, struct tarn_field *field)
{
	struct tarn_footer *footer = builder->footer;
	struct tarn_footer_leaf leaf = { .leaf.node = node };
	enum tarn_rc rc = set_kind(builder, element, field, &leaf);
	if (rc != TARN_OK)
		return rc;
	node->kind = field->kind;
	node->first_leaf = footer->n_leaves;
	node->n_leaves = 1;
	footer->leaves = tarn_grow(footer->leaves, &footer->cap_leaves, footer->n_leaves + 1, sizeof(*footer->leaves));
	footer->leaves[footer->n_leaves++] = leaf;
	return TARN_OK;
}

/* ---- groups ---- */

/* `repeated`: the element's own repetition was already dealt with by the list around it. */
static enum tarn_rc build(struct builder *builder, struct tarn_parquet_node *node, struct tarn_field *field,
			  bool repeated);

static void attach(struct tarn_parquet_node *child, struct tarn_parquet_node *parent, struct tarn_field *field,
		   unsigned def, unsigned rep)
{
	child->field = field;
	child->parent = parent;
	child->outer_def = (uint16_t)def;
	child->rep = (uint16_t)rep;
}

static enum tarn_rc build_struct(struct builder *builder, const struct tarn_schema_element *element,
				 struct tarn_parquet_node *node, struct tarn_field *field)
{
	size_t n = (size_t)element->n_children;
	if (element->n_children < 1 || n > builder->n - builder->at)
		return fail(builder, element, "has more children than there are, or none");
	struct tarn_field *fields = tarn_arena_zalloc(&builder->footer->arena, n * sizeof(*fields));
	node->children = tarn_arena_zalloc(&builder->footer->arena, n * sizeof(*node->children));
	node->n_children = n;
	node->kind = field->kind = TARN_TYPE_STRUCT;
	field->fields = fields;
	field->n_fields = n;
	for (size_t i = 0; i < n; i++) {
		attach(&node->children[i], node, &fields[i], node->def, node->rep);
		enum tarn_rc rc = build(builder, &node->children[i], &fields[i], false);
		if (rc != TARN_OK)
			return rc;
	}
	return TARN_OK;
}

static enum tarn_rc build_element(struct builder *builder, struct tarn_parquet_node *node, struct tarn_field *field,
				  bool repeated)
{
	struct tarn_field *element = tarn_arena_zalloc(&builder->footer->arena, sizeof(*element));
	node->children = tarn_arena_zalloc(&builder->footer->arena, sizeof(*node->children));
	node->n_children = 1;
	node->kind = field->kind = TARN_TYPE_LIST;
	field->fields = element;
	field->n_fields = 1;
	attach(&node->children[0], node, element, node->def + 1U, node->rep + 1U);
	return build(builder, &node->children[0], element, repeated);
}

static bool is_tuple_name(struct tarn_slice name, struct tarn_slice list)
{
	return tarn_slice_eq(name, tarn_slice_str("array")) ||
	       (name.len == list.len + 6 && !memcmp(name.data, list.data, list.len) &&
		!memcmp(name.data + list.len, "_tuple", 6));
}

static enum tarn_rc build_list(struct builder *builder, const struct tarn_schema_element *element,
			       struct tarn_parquet_node *node, struct tarn_field *field)
{
	const struct tarn_schema_element *middle = peek(builder, 0), *inner = peek(builder, 1);
	if (element->n_children != 1 || middle->repetition != PARQUET_REPEATED || middle->n_children < 0)
		return fail(builder, element, "is not a valid list");
	bool is_element = middle->has_physical || middle->n_children != 1 || inner->repetition == PARQUET_REPEATED ||
			  is_tuple_name(middle->name, element->name);
	if (!is_element)
		builder->at++;
	return build_element(builder, node, field, is_element);
}

static enum tarn_rc build_map(struct builder *builder, const struct tarn_schema_element *element,
			      struct tarn_parquet_node *node, struct tarn_field *field)
{
	const struct tarn_schema_element *middle = peek(builder, 0);
	if (element->n_children != 1 || middle->repetition != PARQUET_REPEATED || middle->n_children != 2)
		return fail(builder, element, "is not a valid map");
	builder->at++;
	struct tarn_parquet_node *entry = tarn_arena_zalloc(&builder->footer->arena, sizeof(*entry));
	node->children = entry;
	node->n_children = 1;
	attach(entry, node, NULL, node->def + 1U, node->rep + 1U);
	entry->def = entry->outer_def;
	entry->first_leaf = builder->footer->n_leaves;
	enum tarn_rc rc = build_struct(builder, middle, entry, field);
	entry->n_leaves = builder->footer->n_leaves - entry->first_leaf;
	node->kind = field->kind = TARN_TYPE_MAP;
	return rc;
}

static enum tarn_rc build_group(struct builder *builder, const struct tarn_schema_element *element,
				struct tarn_parquet_node *node, struct tarn_field *field)
{
	if (element->logical == PARQUET_LOGICAL_LIST || element->converted == PARQUET_LIST)
		return build_list(builder, element, node, field);
	if (element->logical == PARQUET_LOGICAL_MAP || element->converted == PARQUET_MAP ||
	    element->converted == PARQUET_MAP_KEY_VALUE)
		return build_map(builder, element, node, field);
	return build_struct(builder, element, node, field);
}

static enum tarn_rc build_here(struct builder *builder, struct tarn_parquet_node *node, struct tarn_field *field,
			       bool repeated)
{
	if (builder->at >= builder->n)
		return tarn_fail(builder->err, TARN_EINVALID, "parquet schema: there are fewer elements than children");
	const struct tarn_schema_element *element = &builder->elements[builder->at];
	struct tarn_arena *arena = &builder->footer->arena;
	if (element->repetition < PARQUET_REQUIRED || element->repetition > PARQUET_REPEATED)
		return fail(builder, element, "has an unknown repetition");
	field->name = node->name =
		tarn_arena_strndup(arena, element->name.len ? (const char *)element->name.data : "", element->name.len);
	field->id = element->has_id ? element->id : 0;
	builder->footer->has_ids = builder->footer->has_ids || element->has_id;
	node->optional = element->repetition == PARQUET_OPTIONAL;
	node->def = (uint16_t)(node->outer_def + node->optional);
	field->required = !node->optional;
	node->first_leaf = builder->footer->n_leaves;
	if (element->repetition == PARQUET_REPEATED && !repeated)
		return build_element(builder, node, field, true); /* a list without annotation; its element is itself */
	builder->at++;
	enum tarn_rc rc = element->has_physical && !element->n_children ? build_leaf(builder, element, node, field)
									: build_group(builder, element, node, field);
	return rc;
}

static enum tarn_rc build(struct builder *builder, struct tarn_parquet_node *node, struct tarn_field *field,
			  bool repeated)
{
	if (++builder->depth > MAX_DEPTH)
		return tarn_fail(builder->err, TARN_EINVALID, "parquet schema: nested deeper than %d levels",
				 MAX_DEPTH);
	enum tarn_rc rc = build_here(builder, node, field, repeated);
	builder->depth--;
	node->n_leaves = builder->footer->n_leaves - node->first_leaf;
	return rc;
}

enum tarn_rc tarn_footer_build(struct tarn_footer *footer, const struct tarn_schema_element *elements, size_t n,
			       struct tarn_err *err)
{
	struct builder builder = { .footer = footer, .elements = elements, .n = n, .at = 1, .err = err };
	struct tarn_field root = { 0 };
	if (!n)
		return tarn_fail(err, TARN_EINVALID, "parquet schema: there is no element");
	enum tarn_rc rc = build_struct(&builder, &elements[0], &footer->root, &root);
	if (rc == TARN_OK && builder.at != n)
		rc = tarn_fail(err, TARN_EINVALID, "parquet schema: elements are left over");
	footer->fields = (struct tarn_field *)(uintptr_t)root.fields;
	footer->root.n_leaves = footer->n_leaves;
	return rc;
}
