/* The rows of the table behind connector_config.h. */
#ifndef TARN_STREAM_SINK_CONNECTOR_KEYS_H
#define TARN_STREAM_SINK_CONNECTOR_KEYS_H

#include "stream/sink/connector_config.h"

enum tarn_key_type {
	TARN_KEY_TEXT,
	TARN_KEY_LIST, /* names between commas */
	TARN_KEY_INT,
	TARN_KEY_LONG,
	TARN_KEY_BOOLEAN,
	TARN_KEY_WORD,	  /* one of a list, any case */
	TARN_KEY_CLASS,	  /* the same; what stands behind the last '.' or '$' counts */
	TARN_KEY_IGNORED, /* Connect knows it; here it changes nothing */
};

struct tarn_key_word {
	const char *word;
	int value;
};

struct tarn_key {
	const char *name;
	enum tarn_key_type type;
	size_t place; /* in struct tarn_connector_config */
	const char *default_text;
	bool required;
	int64_t least;			   /* of numbers */
	const struct tarn_key_word *words; /* of WORD and CLASS, up to a NULL */
	const char *spellings[3];
	const char *what;
};

extern const struct tarn_key tarn_keys[];
extern const size_t tarn_n_keys;
/* Keys that begin with one of these are Connect's or a converter's own; they are taken without a word. */
extern const char *const tarn_key_prefixes[];

#endif
