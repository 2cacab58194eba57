/* The committed offsets of a connector that reads the log of its own process: a file of lines, the last one of a
 * partition counts.
 *
 *   <CRC-32 of the rest, 8 digits> <topic> <partition> <offset> <metadata>\n
 *
 * A line that is cut or damaged ends the file: what was not synced may be lost. Any thread. */
#ifndef TARN_STREAM_SINK_OFFSET_FILE_H
#define TARN_STREAM_SINK_OFFSET_FILE_H

#include "base/err.h"
#include "stream/sink/source.h"

struct tarn_offset_file;

/* Reads the file where there is one, and writes it anew where it has grown. Its folder must be there. */
enum tarn_rc tarn_offset_file_open(const char *path, struct tarn_offset_file **file,
				   struct tarn_err *err) TARN_MUST_CHECK;
void tarn_offset_file_close(struct tarn_offset_file *file);
/* -1 where nothing was committed. *metadata lives until the partition's next put. */
int64_t tarn_offset_file_find(struct tarn_offset_file *file, const char *topic, int32_t partition,
			      const char **metadata);
/* Durable when it returns; after a failure the file must be opened again. */
enum tarn_rc tarn_offset_file_put(struct tarn_offset_file *file, const struct tarn_source_commit *commits, size_t n,
				  struct tarn_err *err) TARN_MUST_CHECK;
/* Everything that is known, in the order of the first commits. `visit` may not call back. */
void tarn_offset_file_each(struct tarn_offset_file *file,
			   void (*visit)(void *context, const struct tarn_source_commit *commit), void *context);

#endif
