/* Times as text by a pattern of Joda-Time's DateTimeFormat, as Connect's path.format: letters stand for parts of the
 * time, text between ' is literal ('' is one '), all else is itself. Letters: G C Y x y w e E D M d a K h H k m s S Z.
 * Names are English. */
#ifndef TARN_STREAM_SINK_JODA_H
#define TARN_STREAM_SINK_JODA_H

#include "base/buf.h"
#include "base/err.h"

/* TARN_EINVALID where the pattern is none. */
enum tarn_rc tarn_joda_check(const char *pattern, struct tarn_err *err) TARN_MUST_CHECK;
/* Appends the text of a local time, milliseconds since 1970-01-01 on the wall; `offset` (milliseconds) is for Z. The
 * pattern was checked. Years 1 to 9999 are as Joda writes them. */
void tarn_joda_format(const char *pattern, int64_t local_ms, int64_t offset, struct tarn_buf *out);

#endif
