/* UTF-8 text (RFC 3629: no overlong forms, no surrogates, nothing above 10FFFF). */
#ifndef TARN_BASE_UTF8_H
#define TARN_BASE_UTF8_H

#include "base/buf.h"

/* Bytes of the sequence at the front of `left` bytes (at least one), or 0 where it is none. */
size_t tarn_utf8_length(const uint8_t *at, size_t left);
/* Where the first byte lies that is no text; text.len where all is. Fast over ASCII. */
size_t tarn_utf8_valid(struct tarn_slice text);
/* Appends the text with U+FFFD in place of each byte that is none. */
void tarn_utf8_repair(struct tarn_slice text, struct tarn_buf *out);

#endif
