#include "serialize/avro/fingerprint.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "serialize/avro/node.h"

#define EMPTY UINT64_C(0xc15d213aa4d7a795)
/* A schema is 16 MiB at most; names repeat in their full form. */
#define CANONICAL_MAX ((size_t)256 << 20)

struct form {
	struct tarn_buf *out;
	bool *is_defined; /* by node id: named types are written out once */
};

static void put_node(struct form *form, const struct tarn_avro_node *node);

/* Names and symbols need no escapes. */
static void put_name(struct form *form, const char *name)
{
	tarn_buf_printf(form->out, "\"%s\"", name);
}

static void put_fields(struct form *form, const struct tarn_avro_node *node)
{
	tarn_buf_add_str(form->out, ",\"fields\":[");
	for (size_t i = 0; i < node->n_fields; i++) {
		tarn_buf_printf(form->out, "%s{\"name\":\"%s\",\"type\":", i ? "," : "", node->fields[i].name);
		put_node(form, node->fields[i].type);
		tarn_buf_add_byte(form->out, '}');
	}
	tarn_buf_add_byte(form->out, ']');
}

static void put_symbols(struct form *form, const struct tarn_avro_node *node)
{
	tarn_buf_add_str(form->out, ",\"symbols\":[");
	for (size_t i = 0; i < node->n_symbols; i++)
		tarn_buf_printf(form->out, "%s\"%s\"", i ? "," : "", node->symbols[i]);
	tarn_buf_add_byte(form->out, ']');
}

static void put_named(struct form *form, const struct tarn_avro_node *node)
{
	if (form->is_defined[node->id]) {
		put_name(form, node->full_name);
		return;
	}
	form->is_defined[node->id] = true;
	tarn_buf_printf(form->out, "{\"name\":\"%s\",\"type\":\"%s\"", node->full_name,
			tarn_avro_type_name(node->type));
	if (node->type == TARN_AVRO_RECORD)
		put_fields(form, node);
	else if (node->type == TARN_AVRO_ENUM)
		put_symbols(form, node);
	else
		tarn_buf_printf(form->out, ",\"size\":%zu", node->size);
	tarn_buf_add_byte(form->out, '}');
}

static void put_union(struct form *form, const struct tarn_avro_node *node)
{
	tarn_buf_add_byte(form->out, '[');
	for (size_t i = 0; i < node->n_branches; i++) {
		if (i)
			tarn_buf_add_byte(form->out, ',');
		put_node(form, node->branches[i]);
	}
	tarn_buf_add_byte(form->out, ']');
}

static void put_node(struct form *form, const struct tarn_avro_node *node)
{
	bool is_array = node->type == TARN_AVRO_ARRAY;
	if (node->full_name) {
		put_named(form, node);
	} else if (node->type == TARN_AVRO_UNION) {
		put_union(form, node);
	} else if (is_array || node->type == TARN_AVRO_MAP) {
		tarn_buf_add_str(form->out, is_array ? "{\"type\":\"array\",\"items\":"
						     : "{\"type\":\"map\",\"values\":");
		put_node(form, node->items);
		tarn_buf_add_byte(form->out, '}');
	} else {
		put_name(form, tarn_avro_type_name(node->type));
	}
}

void tarn_avro_canonical(const struct tarn_avro_schema *schema, struct tarn_buf *out)
{
	struct form form = { out, tarn_calloc(tarn_avro_schema_size(schema), sizeof(bool)) };
	put_node(&form, tarn_avro_schema_root(schema));
	free(form.is_defined);
}

/* A byte at a time without a table: schemas are short, and fingerprints are taken once per schema. */
uint64_t tarn_avro_crc64(struct tarn_slice data)
{
	uint64_t crc = EMPTY;
	for (size_t i = 0; i < data.len; i++) {
		crc ^= data.data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (EMPTY & -(crc & 1));
	}
	return crc;
}

uint64_t tarn_avro_fingerprint(const struct tarn_avro_schema *schema)
{
	struct tarn_buf text;
	tarn_buf_init(&text, CANONICAL_MAX);
	tarn_avro_canonical(schema, &text);
	uint64_t crc = tarn_avro_crc64(tarn_buf_slice(&text));
	tarn_buf_release(&text);
	return crc;
}
