#include "generate/vqe/optimizer.h"

#include <string.h>

static const char *const names[TARN_N_OPTIMIZERS] = {
	[TARN_LBFGSB] = "L-BFGS-B", [TARN_COBYLA] = "COBYLA", [TARN_SLSQP] = "SLSQP", [TARN_NELDER_MEAD] = "Nelder-Mead",
	[TARN_POWELL] = "Powell",   [TARN_BFGS] = "BFGS",     [TARN_CG] = "CG",       [TARN_TNC] = "TNC",
	[TARN_SPSA] = "SPSA",       [TARN_ADAM] = "Adam",
};

bool tarn_optimizer_by_name(const char *name, enum tarn_optimizer *optimizer)
{
	for (int i = 0; i < TARN_N_OPTIMIZERS; i++) {
		if (strcmp(names[i], name))
			continue;
		*optimizer = (enum tarn_optimizer)i;
		return true;
	}
	return false;
}

const char *tarn_optimizer_name(enum tarn_optimizer optimizer)
{
	return names[optimizer];
}
