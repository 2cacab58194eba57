/* Return codes and error detail, shared by every room.
 *
 * A function that can fail returns enum tarn_rc and takes a struct tarn_err *, which may be NULL. Outputs are written
 * on success only. Running out of memory ends the process (see alloc.h), so no function reports it. */
#ifndef TARN_BASE_ERR_H
#define TARN_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#define TARN_MUST_CHECK __attribute__((warn_unused_result))
#define TARN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum tarn_rc {
	TARN_OK = 0,
	TARN_EINVALID,     /* input breaks its format or its contract */
	TARN_EIO,          /* the operating system refused; sys_errno says why */
	TARN_ENOTFOUND,
	TARN_EEXISTS,
	TARN_ECONFLICT,    /* somebody else changed it first; trying again may help */
	TARN_EBUSY,        /* somebody else holds it now */
	TARN_ELIMIT,       /* larger than a stated limit */
	TARN_EUNSUPPORTED, /* valid, but not something this build does */
};

#define TARN_NO_POSITION (-1)

struct tarn_err {
	enum tarn_rc code;
	int sys_errno;    /* 0 where the operating system had no part in it */
	int64_t position; /* byte position in the input, or TARN_NO_POSITION */
	char message[480];
	char hint[240]; /* advice, or empty */
};

/* Fill *err (if not NULL) and return rc, so that callers write `return tarn_fail(err, ...)`. Messages are lower-case,
 * name the value in quotes and say what was expected. */
enum tarn_rc tarn_fail(struct tarn_err *err, enum tarn_rc rc, const char *fmt, ...) TARN_PRINTF(3, 4);
enum tarn_rc tarn_fail_at(struct tarn_err *err, enum tarn_rc rc, int64_t position, const char *fmt, ...)
	TARN_PRINTF(4, 5);
/* TARN_EIO (ENOENT: TARN_ENOTFOUND, EEXIST: TARN_EEXISTS) with errno's text behind the message. */
enum tarn_rc tarn_fail_errno(struct tarn_err *err, const char *fmt, ...) TARN_PRINTF(2, 3);

/* Puts "<context>: " before the message of an error on its way up. Returns err->code, or rc if err is NULL. */
enum tarn_rc tarn_err_within(struct tarn_err *err, enum tarn_rc rc, const char *fmt, ...) TARN_PRINTF(3, 4);
void tarn_err_hint(struct tarn_err *err, const char *fmt, ...) TARN_PRINTF(2, 3);

const char *tarn_rc_name(enum tarn_rc rc);

#endif
