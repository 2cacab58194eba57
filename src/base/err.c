#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void fill(struct tarn_err *err, enum tarn_rc rc, int sys_errno, int64_t position, const char *fmt, va_list args)
{
	if (!err)
		return;
	err->code = rc;
	err->sys_errno = sys_errno;
	err->position = position;
	err->hint[0] = '\0';
	vsnprintf(err->message, sizeof(err->message), fmt, args);
}

enum tarn_rc tarn_fail(struct tarn_err *err, enum tarn_rc rc, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fill(err, rc, 0, TARN_NO_POSITION, fmt, args);
	va_end(args);
	return rc;
}

enum tarn_rc tarn_fail_at(struct tarn_err *err, enum tarn_rc rc, int64_t position, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fill(err, rc, 0, position, fmt, args);
	va_end(args);
	return rc;
}

static enum tarn_rc rc_of_errno(int number)
{
	switch (number) {
	case ENOENT: return TARN_ENOTFOUND;
	case EEXIST: return TARN_EEXISTS;
	default:     return TARN_EIO;
	}
}

enum tarn_rc tarn_fail_errno(struct tarn_err *err, const char *fmt, ...)
{
	int number = errno;
	enum tarn_rc rc = rc_of_errno(number);
	va_list args;
	va_start(args, fmt);
	fill(err, rc, number, TARN_NO_POSITION, fmt, args);
	va_end(args);
	if (err) {
		size_t used = strlen(err->message);
		snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerror(number));
	}
	return rc;
}

enum tarn_rc tarn_err_within(struct tarn_err *err, enum tarn_rc rc, const char *fmt, ...)
{
	if (!err)
		return rc;
	char inner[sizeof(err->message)];
	memcpy(inner, err->message, sizeof(inner));
	va_list args;
	va_start(args, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	size_t used = strlen(err->message);
	snprintf(err->message + used, sizeof(err->message) - used, ": %s", inner);
	return rc;
}

void tarn_err_hint(struct tarn_err *err, const char *fmt, ...)
{
	if (!err)
		return;
	va_list args;
	va_start(args, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, args);
	va_end(args);
}

const char *tarn_rc_name(enum tarn_rc rc)
{
	static const char *const names[] = {
		[TARN_OK] = "ok",
		[TARN_EINVALID] = "invalid input",
		[TARN_EIO] = "I/O error",
		[TARN_ENOTFOUND] = "not found",
		[TARN_EEXISTS] = "exists already",
		[TARN_ECONFLICT] = "conflict",
		[TARN_EBUSY] = "busy",
		[TARN_ELIMIT] = "over a limit",
		[TARN_EUNSUPPORTED] = "unsupported",
	};
	return (unsigned)rc < sizeof(names) / sizeof(*names) ? names[rc] : "unknown";
}
