/* cmocka with the headers that it wants before it. */
#ifndef TARN_TESTS_CMOCKA_TARN_H
#define TARN_TESTS_CMOCKA_TARN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#endif
