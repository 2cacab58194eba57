#include "serialize/avro/place.h"

#include <stdio.h>

enum { PATH_MAX_SIZE = 160 }; /* leaves room for the message */

static void render(const struct tarn_avro_place *at, struct tarn_buf *text)
{
	if (!at) {
		tarn_buf_add_byte(text, '$');
		return;
	}
	render(at->outer, text);
	if (at->key)
		tarn_buf_printf(text, ".%s", at->key);
	else
		tarn_buf_printf(text, "[%zu]", at->index);
}

enum tarn_rc tarn_avro_fail_at_place(struct tarn_err *err, enum tarn_rc rc, const char *what,
				     const struct tarn_avro_place *at, const char *fmt, va_list args)
{
	if (!err)
		return rc;
	char message[320];
	struct tarn_buf path;
	vsnprintf(message, sizeof(message), fmt, args);
	tarn_buf_init(&path, (size_t)1 << 20);
	render(at, &path);
	/* Of a long path the end says more. */
	size_t skip = path.len > PATH_MAX_SIZE ? path.len - PATH_MAX_SIZE : 0;
	tarn_fail(err, rc, "%s at %s%.*s: %s", what, skip ? "..." : "", (int)(path.len - skip),
		  (const char *)path.data + skip, message);
	tarn_buf_release(&path);
	return rc;
}
