/* Records as files: what a sink would have written had the record come through the stream.
 *
 *   ROOT/experiments/<topic>/partition=0/<topic>+0+<offset, ten digits>.<avro|json|bin>
 *
 * The topic is `experiment.vqe` (v2), or one per configuration (v1): vqe_decorated_result_mol<id>_<symbols>_it<n>_bs_<basis>_bk_<backend>. */
#ifndef TARN_GENERATE_VQE_RAW_H
#define TARN_GENERATE_VQE_RAW_H

#include "base/buf.h"
#include "base/err.h"
#include "serialize/record/record.h"
#include "serialize/record/write.h"

enum tarn_raw_format {
	TARN_RAW_AVRO,      /* a container file of the registered schema, not compressed */
	TARN_RAW_CONFLUENT, /* one message in Confluent's wire format */
	TARN_RAW_JSON,      /* one line */
};

struct tarn_raw_form {
	enum tarn_raw_format format;
	enum tarn_record_version version;
	uint32_t schema_id; /* of TARN_RAW_CONFLUENT */
};

/* Appends the file's bytes: equal records give equal bytes. The record must keep its contract (TARN_EINVALID). */
enum tarn_rc tarn_raw_encode(const struct tarn_record *record, const struct tarn_raw_form *form, struct tarn_buf *out,
			     struct tarn_err *err) TARN_MUST_CHECK;
/* Freed by the caller. */
char *tarn_raw_topic(const struct tarn_record *record, enum tarn_record_version version);
const char *tarn_raw_extension(enum tarn_raw_format format);

/* Gives a file that is on disk already its place at the topic's next offset, durably, by a second link: what stands at an offset
 * is never replaced, also when several processes write. A file that has a place keeps it. `staged` stays where it is and must lie on
 * the file system of `root`. *path (freed by the caller) is the place. */
enum tarn_rc tarn_raw_place(const char *root, const char *topic, const char *extension, const char *staged, char **path,
			    struct tarn_err *err) TARN_MUST_CHECK;
/* Writes the bytes and places them. */
enum tarn_rc tarn_raw_write(const char *root, const char *topic, const char *extension, struct tarn_slice bytes,
			    char **path, struct tarn_err *err) TARN_MUST_CHECK;

#endif
