#include "stream/broker/balance_regex.h"

#include <regex.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"

enum {
	LONGEST = 1000,		/* of an expression */
	MOST_CHARACTERS = 1000, /* that it stands for once every {m,n} has copied what it repeats */
	MOST_OPTIONAL = 64, /* parts of it that may be left out, counted in the same way: the C library takes time as
			       the square of their number */
	DEEPEST = 50,	    /* groups in groups */
	MOST_TRANSLATED = 16384 /* bytes */
};

struct tarn_topic_regex {
	regex_t compiled;
};

struct weight {
	long characters, optional;
};

struct reader {
	const char *at;
	struct tarn_buf *out;
	const char *reason;		    /* NULL: all is well so far */
	struct weight weight;		    /* of what a repetition would repeat; no characters: nothing is there */
	struct weight weights[DEEPEST + 1]; /* of what each open group holds so far */
	int depth;
};

static void refuse(struct reader *r, const char *reason)
{
	if (!r->reason)
		r->reason = reason;
}

static void add(struct reader *r, const char *text)
{
	tarn_buf_add_str(r->out, text);
}

static void count(struct reader *r, struct weight weight, long times)
{
	struct weight *all = &r->weights[r->depth];
	all->characters += weight.characters * times;
	all->optional += weight.optional * times;
	if (all->characters > MOST_CHARACTERS || all->optional > MOST_OPTIONAL)
		refuse(r, "it repeats too much");
}

/* Something that can be repeated was written. */
static void note(struct reader *r, struct weight weight)
{
	r->weight = weight;
	count(r, weight, 1);
}

static const struct weight single = { 1, 0 }, nothing = { 0, 0 };

static void add_literal(struct reader *r, char c)
{
	if (strchr(".[]{}()*+?|^$\\", c))
		tarn_buf_add_byte(r->out, '\\');
	tarn_buf_add_byte(r->out, (uint8_t)c);
	note(r, single);
}

/* Classes that stand for one character, outside of brackets and within. */
static const char *class_of(char c, bool within)
{
	static const struct {
		char letter;
		const char *outside, *within;
	} classes[] = {
		{ 'd', "[0-9]", "0-9" },
		{ 'D', "[^0-9]", NULL },
		{ 'w', "[0-9A-Za-z_]", "0-9A-Za-z_" },
		{ 'W', "[^0-9A-Za-z_]", NULL },
		{ 's', "[[:space:]]", "[:space:]" },
		{ 'S', "[^[:space:]]", NULL },
	};
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (classes[i].letter == c)
			return within ? classes[i].within : classes[i].outside;
	return NULL;
}

static void read_quoted(struct reader *r)
{
	while (*r->at && strncmp(r->at, "\\E", 2) != 0)
		add_literal(r, *r->at++);
	r->at += *r->at ? 2 : 0;
}

/* Behind a backslash. */
static void read_escape(struct reader *r)
{
	const char c = *r->at;
	if (!c) {
		refuse(r, "a backslash at the end");
		return;
	}
	r->at++;
	const char *class = class_of(c, false);
	if (class) {
		add(r, class);
		note(r, single);
	} else if (c == 'Q') {
		read_quoted(r);
	} else if (c == 'A') {
		add(r, "^");
		r->weight = nothing;
	} else if (c == 'z') {
		add(r, "$");
		r->weight = nothing;
	} else if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
		refuse(r, "an escape that is not known");
	} else {
		add_literal(r, c);
	}
}

/* In brackets; POSIX knows no escapes there: ] comes first, - last, ^ not first, [ not before a dot or the like. */
struct set {
	bool close, open, dash, caret;
	struct tarn_buf others;
};

static void add_to_set(struct set *set, char c)
{
	set->close |= c == ']';
	set->open |= c == '[';
	set->dash |= c == '-';
	set->caret |= c == '^';
	if (!strchr("]-^[", c))
		tarn_buf_add_byte(&set->others, (uint8_t)c);
}

/* One character of a set, or a class, which is added and 0. */
static char read_set_item(struct reader *r, struct set *set)
{
	if (r->at[0] == '[' && r->at[1] == ':') {
		const char *end = strstr(r->at, ":]");
		if (!end) {
			refuse(r, "a class without end");
			return 0;
		}
		tarn_buf_add(&set->others, r->at, (size_t)(end + 2 - r->at));
		r->at = end + 2;
		return 0;
	}
	if (*r->at != '\\')
		return *r->at++;
	r->at++;
	const char c = *r->at;
	const char *class = c ? class_of(c, true) : NULL;
	if (class) {
		tarn_buf_add_str(&set->others, class);
		r->at++;
		return 0;
	}
	if (!c || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
		refuse(r, "an escape that is not known");
		return 0;
	}
	r->at++;
	return c;
}

static void read_set_items(struct reader *r, struct set *set)
{
	for (bool first = true; !r->reason && (*r->at != ']' || first); first = false) {
		if (!*r->at) {
			refuse(r, "a bracket without end");
			return;
		}
		const char from = read_set_item(r, set);
		if (!from)
			continue;
		if (r->at[0] != '-' || !r->at[1] || r->at[1] == ']') {
			add_to_set(set, from);
			continue;
		}
		r->at++;
		const char to = read_set_item(r, set);
		if (!to || to < from) {
			refuse(r, "a range that goes backwards");
			return;
		}
		for (int c = (unsigned char)from; c <= (unsigned char)to; c++)
			add_to_set(set, (char)c);
	}
}

static void write_set(struct reader *r, const struct set *set, bool negated)
{
	const bool only_caret = set->caret && !set->others.len && !set->close && !set->open && !set->dash;
	if (only_caret && !negated) {
		add(r, "\\^");
		return;
	}
	/* A caret alone with a dash comes behind it. */
	const bool dash_first = set->dash && !set->close && !set->others.len && !negated;
	add(r, negated ? "[^" : "[");
	add(r, set->close ? "]" : "");
	tarn_buf_add_slice(r->out, tarn_buf_slice(&set->others));
	add(r, dash_first ? "-" : "");
	add(r, set->open ? "[" : "");
	add(r, set->caret ? "^" : "");
	add(r, set->dash && !dash_first ? "-" : "");
	add(r, "]");
}

static void read_set(struct reader *r)
{
	struct set set = { 0 };
	tarn_buf_init(&set.others, MOST_TRANSLATED);
	const bool negated = *r->at == '^';
	r->at += negated;
	read_set_items(r, &set);
	if (!r->reason)
		r->at++;
	write_set(r, &set, negated);
	tarn_buf_release(&set.others);
	note(r, single);
}

static void open_group(struct reader *r)
{
	if (r->at[0] == '?') {
		if (r->at[1] == ':') {
			r->at += 2;
		} else if (r->at[1] == 'P' || (r->at[1] == '<' && r->at[2] != '=' && r->at[2] != '!')) {
			const char *end = strchr(r->at, '>');
			if (!end || (r->at[1] == 'P' && r->at[2] != '<')) {
				refuse(r, "a group whose name does not end");
				return;
			}
			r->at = end + 1;
		} else {
			refuse(r, "a group of a kind that is not known");
			return;
		}
	}
	if (r->depth == DEEPEST) {
		refuse(r, "groups too deep in one another");
		return;
	}
	add(r, "(");
	r->weights[++r->depth] = nothing;
	r->weight = nothing;
}

static void close_group(struct reader *r)
{
	if (!r->depth) {
		refuse(r, "a parenthesis that was not opened");
		return;
	}
	add(r, ")");
	struct weight weight = r->weights[r->depth--];
	weight.characters += !weight.characters;
	note(r, weight);
}

/* m, {m}, {m,} or {m,n}: 0 where it is none of them, and stands for itself. */
static size_t read_counts(const char *at, long *least, long *most)
{
	char *end;
	if (at[1] < '0' || at[1] > '9')
		return 0;
	*least = strtol(at + 1, &end, 10);
	*most = *least;
	if (*end == ',') {
		*most = -1;
		end++;
		if (*end >= '0' && *end <= '9')
			*most = strtol(end, &end, 10);
	}
	return *end == '}' ? (size_t)(end + 1 - at) : 0;
}

static void add_repetition(struct reader *r, const char *text, size_t len)
{
	tarn_buf_add(r->out, text, len);
	r->at += len;
	/* Lazy or not, whole names match or do not. */
	r->at += *r->at == '?';
	if (*r->at && strchr("*+?", *r->at))
		refuse(r, "a repetition of a repetition");
	r->weight = nothing;
}

static void repeat(struct reader *r)
{
	long least = *r->at == '+', most = *r->at == '?' ? 1 : -1;
	const size_t len = *r->at == '{' ? read_counts(r->at, &least, &most) : 1;
	if (!len) {
		add_literal(r, *r->at++);
		return;
	}
	if (!r->weight.characters) {
		refuse(r, "a repetition of nothing");
		return;
	}
	const long times = most > least ? most : least;
	if (times > MOST_CHARACTERS || (most >= 0 && most < least)) {
		refuse(r, "a repetition that is too large");
		return;
	}
	count(r, r->weight, times > 1 ? times - 1 : 0);
	count(r, (struct weight){ 0, 1 }, most < 0 ? 1 : most - least);
	add_repetition(r, r->at, len);
}

static void read_one(struct reader *r)
{
	const char c = *r->at;
	if (strchr("*+?{", c)) {
		repeat(r);
		return;
	}
	r->at++;
	switch (c) {
	case '\\': read_escape(r); break;
	case '[': read_set(r); break;
	case '(': open_group(r); break;
	case ')': close_group(r); break;
	case '.':
		add(r, ".");
		note(r, single);
		break;
	case '^':
	case '$':
	case '|':
		tarn_buf_add_byte(r->out, (uint8_t)c);
		r->weight = nothing;
		break;
	default: add_literal(r, c);
	}
}

struct tarn_topic_regex *tarn_topic_regex_new(const char *pattern, const char **reason)
{
	struct tarn_buf translated;
	struct reader r = { .at = pattern, .out = &translated, .weights = { { 0, 0 } } };
	struct tarn_topic_regex *regex = NULL;
	tarn_buf_init(&translated, MOST_TRANSLATED);
	if (strlen(pattern) > LONGEST)
		refuse(&r, "it is too long");
	add(&r, "^(");
	while (!r.reason && *r.at)
		read_one(&r);
	if (r.depth)
		refuse(&r, "a parenthesis that is not closed");
	tarn_buf_add(&translated, ")$", sizeof(")$"));
	if (translated.overflow)
		refuse(&r, "it is too long");
	if (!r.reason) {
		regex = tarn_calloc(1, sizeof(*regex));
		if (regcomp(&regex->compiled, (const char *)translated.data, REG_EXTENDED | REG_NOSUB) != 0) {
			refuse(&r, "it cannot be read");
			free(regex);
			regex = NULL;
		}
	}
	tarn_buf_release(&translated);
	*reason = r.reason;
	return regex;
}

void tarn_topic_regex_free(struct tarn_topic_regex *regex)
{
	if (!regex)
		return;
	regfree(&regex->compiled);
	free(regex);
}

bool tarn_topic_regex_matches(const struct tarn_topic_regex *regex, const char *name)
{
	return !regexec(&regex->compiled, name, 0, NULL, 0);
}
