/* The basis sets of share/basis, built into the program. */
#ifndef TARN_GENERATE_CHEMISTRY_BASIS_DATA_H
#define TARN_GENERATE_CHEMISTRY_BASIS_DATA_H

#include "base/buf.h"
#include "base/err.h"

/* The data file's text for a basis set's name; TARN_ENOTFOUND lists the names. */
enum tarn_rc tarn_basis_data(const char *name, struct tarn_slice *text, struct tarn_err *err) TARN_MUST_CHECK;

#endif
