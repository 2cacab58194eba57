#include "generate/chemistry/molecule.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static const char *const elements[] = {
	"",   "H",  "He", "Li", "Be", "B",  "C",  "N",  "O",  "F",  "Ne", "Na", "Mg", "Al", "Si", "P",  "S",
	"Cl", "Ar", "K",  "Ca", "Sc", "Ti", "V",  "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As",
	"Se", "Br", "Kr", "Rb", "Sr", "Y",  "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn",
	"Sb", "Te", "I",  "Xe", "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho",
	"Er", "Tm", "Yb", "Lu", "Hf", "Ta", "W",  "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po",
	"At", "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U",  "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm", "Md",
	"No", "Lr", "Rf", "Db", "Sg", "Bh", "Hs", "Mt", "Ds", "Rg", "Cn", "Nh", "Fl", "Mc", "Lv", "Ts", "Og",
};

int tarn_element_charge(const char *symbol)
{
	for (int charge = 1; charge < (int)(sizeof(elements) / sizeof(*elements)); charge++)
		if (!strcasecmp(elements[charge], symbol))
			return charge;
	return 0;
}

static double distance(const double a[3], const double b[3])
{
	double dx = a[0] - b[0], dy = a[1] - b[1], dz = a[2] - b[2];
	return sqrt(dx * dx + dy * dy + dz * dz);
}

static double bohr_per_unit(const struct tarn_geometry *geometry)
{
	return geometry->units == TARN_BOHR ? 1 : 1 / TARN_BOHR_IN_ANGSTROM;
}

static enum tarn_rc check_places(const struct tarn_geometry *geometry, struct tarn_err *err)
{
	const double closest = 0.1; /* bohr */
	double scale = bohr_per_unit(geometry);
	for (size_t i = 0; i < geometry->n_atoms; i++) {
		for (int axis = 0; axis < 3; axis++)
			if (!isfinite(geometry->coords[i][axis]))
				return tarn_fail(err, TARN_EINVALID, "atom %zu (%s): a coordinate is not finite", i + 1,
						 geometry->symbols[i]);
		for (size_t j = 0; j < i; j++) {
			double apart = scale * distance(geometry->coords[i], geometry->coords[j]);
			if (apart < closest)
				return tarn_fail(err, TARN_EINVALID,
						 "atoms %zu (%s) and %zu (%s) are %.3g bohr apart, expected at least %g", j + 1,
						 geometry->symbols[j], i + 1, geometry->symbols[i], apart, closest);
		}
	}
	return TARN_OK;
}

enum tarn_rc tarn_molecule_check(const struct tarn_geometry *geometry, struct tarn_electrons *electrons,
				 struct tarn_err *err)
{
	long total = -geometry->charge;
	if (!geometry->n_atoms)
		return tarn_fail(err, TARN_EINVALID, "the molecule has no atoms");
	for (size_t i = 0; i < geometry->n_atoms; i++)
		total += geometry->charges[i];
	if (total < 1)
		return tarn_fail(err, TARN_EINVALID, "charge %d leaves %ld electrons, expected at least 1",
				 geometry->charge, total);
	long unpaired = geometry->multiplicity - 1L;
	if (unpaired < 0 || unpaired > total || (total - unpaired) % 2)
		return tarn_fail(err, TARN_EINVALID, "%ld electrons cannot have multiplicity %d (expected %s number up to %ld)",
				 total, geometry->multiplicity, total % 2 ? "an even" : "an odd", total + 1);
	enum tarn_rc rc = check_places(geometry, err);
	if (rc)
		return rc;
	*electrons = (struct tarn_electrons){ (unsigned)((total + unpaired) / 2), (unsigned)((total - unpaired) / 2) };
	return TARN_OK;
}

void tarn_molecule_bohr(const struct tarn_geometry *geometry, double *coords)
{
	double scale = bohr_per_unit(geometry);
	for (size_t i = 0; i < geometry->n_atoms; i++)
		for (int axis = 0; axis < 3; axis++)
			coords[3 * i + (size_t)axis] = geometry->coords[i][axis] * scale;
}

double tarn_molecule_nuclear_repulsion(const struct tarn_geometry *geometry)
{
	double energy = 0, scale = bohr_per_unit(geometry);
	for (size_t i = 0; i < geometry->n_atoms; i++)
		for (size_t j = 0; j < i; j++)
			energy += geometry->charges[i] * geometry->charges[j] /
				  (scale * distance(geometry->coords[i], geometry->coords[j]));
	return energy;
}
