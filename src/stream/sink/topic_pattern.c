#include <regex.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "stream/sink/source.h"

struct tarn_topic_pattern {
	regex_t regex;
};

/* Java's expressions and POSIX's differ; what topics' names need is the same but for \. and \d, which are put into
 * words. */
static char *in_posix(const char *regex)
{
	struct tarn_buf text;
	tarn_buf_init(&text, 1 << 20);
	tarn_buf_add_str(&text, "^(");
	for (const char *at = regex; *at; at++) {
		if (at[0] == '\\' && (at[1] == 'd' || at[1] == 'w')) {
			tarn_buf_add_str(&text, at[1] == 'd' ? "[0-9]" : "[A-Za-z0-9_]");
			at++;
		} else if (at[0] == '(' && at[1] == '?' && at[2] == ':') {
			tarn_buf_add_byte(&text, '(');
			at += 2;
		} else {
			tarn_buf_add_byte(&text, (uint8_t)*at);
			if (at[0] == '\\' && at[1])
				tarn_buf_add_byte(&text, (uint8_t) * ++at);
		}
	}
	tarn_buf_add_str(&text, ")$");
	char *made = tarn_asprintf("%.*s", (int)text.len, (const char *)text.data);
	tarn_buf_release(&text);
	return made;
}

enum tarn_rc tarn_topic_pattern_new(const char *regex, struct tarn_topic_pattern **pattern, struct tarn_err *err)
{
	struct tarn_topic_pattern *made = tarn_calloc(1, sizeof(*made));
	char *posix = in_posix(regex), reason[160];
	int failed = regcomp(&made->regex, posix, REG_EXTENDED | REG_NOSUB);
	free(posix);
	if (!failed) {
		*pattern = made;
		return TARN_OK;
	}
	regerror(failed, &made->regex, reason, sizeof(reason));
	free(made);
	return tarn_fail(err, TARN_EINVALID, "\"%s\" is no regular expression: %s", regex, reason);
}

bool tarn_topic_pattern_matches(const struct tarn_topic_pattern *pattern, const char *name)
{
	return !regexec(&pattern->regex, name, 0, NULL, 0);
}

void tarn_topic_pattern_free(struct tarn_topic_pattern *pattern)
{
	if (!pattern)
		return;
	regfree(&pattern->regex);
	free(pattern);
}
