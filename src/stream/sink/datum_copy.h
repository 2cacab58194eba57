/* Encoded Avro data copied from a registered schema to the one of a container file, without decoding.
 *
 * The two have the same shape (connect_schema.h); only the order of a union's branches may differ. So a datum is walked
 * once, which also proves that it is one, bytes go over in long pieces, and a branch's number is replaced where it must
 * be. A plan is immutable; threads share it. */
#ifndef TARN_STREAM_SINK_DATUM_COPY_H
#define TARN_STREAM_SINK_DATUM_COPY_H

#include "serialize/avro/schema.h"

struct tarn_datum_plan;

/* Both schemas must outlive the plan. TARN_EINVALID where their shapes differ by more than the place of null in unions.
 */
enum tarn_rc tarn_datum_plan_new(const struct tarn_avro_schema *from, const struct tarn_avro_schema *to,
				 struct tarn_datum_plan **plan, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_datum_plan_free(struct tarn_datum_plan *plan);

/* Appends the datum to `out`. The whole of `datum` must be one: TARN_EINVALID, with a byte position in it, where it
 * ends early, goes on, or holds what the schema does not allow; TARN_ELIMIT beyond 128 levels. `out` is unchanged then.
 */
enum tarn_rc tarn_datum_copy(const struct tarn_datum_plan *plan, struct tarn_slice datum, struct tarn_buf *out,
			     struct tarn_err *err) TARN_MUST_CHECK;

/* The same where the datum may stay where it is: *copy is the datum itself if nothing in it changes, else in `out`. */
enum tarn_rc tarn_datum_take(const struct tarn_datum_plan *plan, struct tarn_slice datum, struct tarn_buf *out,
			     struct tarn_slice *copy, struct tarn_err *err) TARN_MUST_CHECK;

/* Moves the cursor over one value of a type in the schema that is copied from, checking it. */
struct tarn_avro_node;
enum tarn_rc tarn_datum_skip(const struct tarn_datum_plan *plan, const struct tarn_avro_node *node,
			     struct tarn_cursor *cursor, struct tarn_err *err) TARN_MUST_CHECK;
const struct tarn_avro_node *tarn_datum_root(const struct tarn_datum_plan *plan);

#endif
