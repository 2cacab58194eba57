/* As much XML as S3 answers with: elements, text, entities, CDATA. Attributes, comments and processing instructions are
 * passed over; a document type is refused. */
#ifndef TARN_STORE_OBJECT_S3_XML_H
#define TARN_STORE_OBJECT_S3_XML_H

#include "base/buf.h"
#include "base/err.h"

struct s3_xml_element {
	const char *name;   /* without namespace */
	const char *parent; /* "" for the root */
	const char *text;   /* what stands between its last inner tag and its end, decoded */
	bool is_end;	    /* else its begin, without text yet */
};
typedef enum tarn_rc (*s3_xml_visit)(void *context, const struct s3_xml_element *element, struct tarn_err *err);

/* Damage is TARN_EINVALID with a byte position. */
enum tarn_rc s3_xml_read(struct tarn_slice text, s3_xml_visit visit, void *context,
			 struct tarn_err *err) TARN_MUST_CHECK;

#endif
