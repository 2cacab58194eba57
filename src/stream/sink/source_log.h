/* Messages of this process's own log, without sockets; offsets in a file. */
#ifndef TARN_STREAM_SINK_SOURCE_LOG_H
#define TARN_STREAM_SINK_SOURCE_LOG_H

#include "stream/log/log.h"
#include "stream/sink/offset_file.h"

/* Both `log` and `offsets` outlive it; several sources (tasks of one connector) may share the offsets. Reads what is
 * committed; internal topics ("__...") match no expression. */
enum tarn_rc tarn_source_log_open(struct tarn_log *log, struct tarn_offset_file *offsets,
				  const struct tarn_source_options *options, struct tarn_source **source,
				  struct tarn_err *err) TARN_MUST_CHECK;

#endif
