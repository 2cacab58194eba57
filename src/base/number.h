/* Numbers as text, exactly and fast. */
#ifndef TARN_BASE_NUMBER_H
#define TARN_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#define TARN_DOUBLE_TEXT_SIZE 32
/* Java's Double.toString (19 and later): the shortest digits that read back to the same value, and of those the
 * closest to it; plain for 1e-3 <= |x| < 1e7, always with a point, else d.dddE[-]n; "NaN", "Infinity", "-Infinity".
 * Returns the length; not terminated. */
size_t tarn_format_double_java(double value, char text[TARN_DOUBLE_TEXT_SIZE]);
/* The same digits in the form JSON tools print (`0.1`, `1e-05`, `120.5`), as Python's repr. */
size_t tarn_format_double(double value, char text[TARN_DOUBLE_TEXT_SIZE]);
#define TARN_INT_TEXT_SIZE 20
size_t tarn_format_int(int64_t value, char text[TARN_INT_TEXT_SIZE]);

#endif
