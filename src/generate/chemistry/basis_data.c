#include "generate/chemistry/basis_data.h"

#include <string.h>

#include "generate/chemistry/basis.h"

/* The build names the folder. */
#define EMBED(symbol, file)                                                                                             \
	__asm__(".section .rodata\n" #symbol ":\n.incbin \"" TARN_BASIS_FOLDER "/" file ".basis\"\n" #symbol "_end:\n"   \
		".byte 0\n.previous\n");                                                                                \
	extern const char symbol[], symbol##_end[]

EMBED(tarn_basis_sto_3g, "sto-3g");
EMBED(tarn_basis_3_21g, "3-21g");
EMBED(tarn_basis_6_31g, "6-31g");
EMBED(tarn_basis_6_31g_star, "6-31g_star");
EMBED(tarn_basis_cc_pvdz, "cc-pvdz");

static const struct {
	const char *stem, *begin, *end;
} files[] = {
	{ "sto-3g", tarn_basis_sto_3g, tarn_basis_sto_3g_end },
	{ "3-21g", tarn_basis_3_21g, tarn_basis_3_21g_end },
	{ "6-31g", tarn_basis_6_31g, tarn_basis_6_31g_end },
	{ "6-31g_star", tarn_basis_6_31g_star, tarn_basis_6_31g_star_end },
	{ "cc-pvdz", tarn_basis_cc_pvdz, tarn_basis_cc_pvdz_end },
};

enum tarn_rc tarn_basis_data(const char *name, struct tarn_slice *text, struct tarn_err *err)
{
	const char *stem = tarn_basis_stem(name);
	for (size_t i = 0; stem && i < sizeof(files) / sizeof(*files); i++) {
		if (strcmp(files[i].stem, stem))
			continue;
		*text = tarn_slice_of(files[i].begin, (size_t)(files[i].end - files[i].begin));
		return TARN_OK;
	}
	return tarn_fail(err, TARN_ENOTFOUND, "no basis set \"%s\" (there are %s)", name, tarn_basis_names());
}
