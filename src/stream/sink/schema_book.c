#include "stream/sink/schema_book.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "stream/sink/connect_schema.h"

enum { N_BUCKETS = 256 };
#define MAX_SCHEMA ((size_t)16 << 20)

struct entry {
	struct tarn_sink_schema schema;
	struct tarn_buf text;
	struct entry *next;
};

struct tarn_schema_book {
	struct tarn_schema_lookup lookup;
	bool meta_data;
	struct entry *buckets[N_BUCKETS];
	const struct tarn_sink_schema *last; /* mostly the next message's too */
};

struct tarn_schema_book *tarn_schema_book_new(const struct tarn_schema_lookup *lookup, bool meta_data)
{
	struct tarn_schema_book *book = tarn_calloc(1, sizeof(*book));
	book->lookup = *lookup;
	book->meta_data = meta_data;
	return book;
}

static void entry_free(struct entry *entry)
{
	free(entry->schema.topic);
	tarn_datum_plan_free(entry->schema.plan);
	tarn_avro_schema_free(entry->schema.registered);
	tarn_avro_schema_free(entry->schema.written);
	tarn_buf_release(&entry->text);
	free(entry);
}

void tarn_schema_book_free(struct tarn_schema_book *book)
{
	if (!book)
		return;
	for (size_t i = 0; i < N_BUCKETS; i++)
		for (struct entry *entry = book->buckets[i], *next; entry; entry = next) {
			next = entry->next;
			entry_free(entry);
		}
	free(book);
}

static enum tarn_rc fill(const struct tarn_schema_book *book, struct entry *entry, struct tarn_slice registered,
			 struct tarn_err *err)
{
	struct tarn_sink_schema *schema = &entry->schema;
	struct tarn_connect_options options = { .version = schema->version, .meta_data = book->meta_data };
	enum tarn_rc rc = tarn_connect_schema(registered, &options, &entry->text, err);
	schema->text = tarn_buf_slice(&entry->text);
	if (!rc)
		rc = tarn_avro_schema_parse(registered, &schema->registered, err);
	if (!rc)
		rc = tarn_avro_schema_parse(schema->text, &schema->written, err);
	if (!rc)
		rc = tarn_datum_plan_new(schema->registered, schema->written, &schema->plan, err);
	return rc;
}

static enum tarn_rc look_up(struct tarn_schema_book *book, const char *topic, uint32_t id, struct entry **entry,
			    struct tarn_err *err)
{
	struct entry *made = tarn_calloc(1, sizeof(*made));
	struct tarn_buf registered;
	tarn_buf_init(&registered, MAX_SCHEMA);
	tarn_buf_init(&made->text, MAX_SCHEMA);
	made->schema.topic = tarn_strdup(topic);
	made->schema.id = id;
	enum tarn_rc rc = book->lookup.find(book->lookup.context, topic, id, &registered, &made->schema.version, err);
	if (!rc)
		rc = fill(book, made, tarn_buf_slice(&registered), err);
	tarn_buf_release(&registered);
	if (rc)
		entry_free(made);
	else
		*entry = made;
	return rc;
}

enum tarn_rc tarn_schema_book_find(struct tarn_schema_book *book, const char *topic, uint32_t id,
				   const struct tarn_sink_schema **schema, struct tarn_err *err)
{
	if (book->last && book->last->id == id && !strcmp(book->last->topic, topic)) {
		*schema = book->last;
		return TARN_OK;
	}
	struct entry **bucket = &book->buckets[(tarn_hash64(tarn_slice_str(topic)) ^ id) % N_BUCKETS];
	struct entry *entry = *bucket;
	while (entry && (entry->schema.id != id || strcmp(entry->schema.topic, topic)))
		entry = entry->next;
	if (!entry) {
		enum tarn_rc rc = look_up(book, topic, id, &entry, err);
		if (rc)
			return rc;
		entry->next = *bucket;
		*bucket = entry;
	}
	*schema = book->last = &entry->schema;
	return TARN_OK;
}
