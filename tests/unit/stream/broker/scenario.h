/* Scenarios: each line is an event, words apart by spaces, and what must be said to it, in order. */
#ifndef TARN_TESTS_SCENARIO_H
#define TARN_TESTS_SCENARIO_H

#include "cmocka_tarn.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum { MOST_WORDS = 16 };

struct words {
	char text[200];
	const char *word[MOST_WORDS];
	size_t n;
};

struct line {
	const char *event, *said; /* the last has no event */
};

/* What an event's first word does to the world of a test, and says. */
struct world;
struct event {
	const char *word;
	void (*act)(struct world *world, const struct words *words);
};

/* The value of a word `key=value`. */
static inline const char *option(const struct words *words, const char *key, const char *otherwise)
{
	const size_t len = strlen(key);
	for (size_t i = 0; i < words->n; i++)
		if (!strncmp(words->word[i], key, len) && words->word[i][len] == '=')
			return words->word[i] + len + 1;
	return otherwise;
}

static inline void split(const char *line, struct words *words)
{
	snprintf(words->text, sizeof(words->text), "%s", line);
	words->n = 0;
	char *at = words->text, *word;
	while ((word = strsep(&at, " "))) {
		assert_in_range(words->n, 0, MOST_WORDS - 1);
		words->word[words->n++] = word;
	}
}

/* `said`: where the events of this world say what they say. */
static inline void play(const char *title, const struct line *lines, const struct event *events, struct world *world,
			struct tarn_buf *said)
{
	for (; lines->event; lines++) {
		struct words words;
		split(lines->event, &words);
		tarn_buf_clear(said);
		const struct event *event = events;
		while (strcmp(event->word, words.word[0]) != 0)
			event++;
		event->act(world, &words);
		tarn_buf_add_byte(said, 0);
		if (strcmp((const char *)said->data, lines->said) != 0)
			fail_msg("%s: \"%s\"\n  said     %s\n  expected %s", title, lines->event, said->data,
				 lines->said);
	}
}

#endif
