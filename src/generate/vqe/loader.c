#include "generate/vqe/simulation.h"

#include "base/module.h"

enum tarn_rc tarn_simulator_load(const struct tarn_simulator **simulator, struct tarn_err *err)
{
	void *symbol;
	enum tarn_rc rc = tarn_module_symbol(TARN_MODULE_SIMULATE, "tarn_simulator", &symbol, err);
	if (rc)
		return rc;
	const struct tarn_simulator *found = symbol;
	if (found->version != TARN_SIMULATOR_VERSION)
		return tarn_fail(err, TARN_EUNSUPPORTED, "the module \"" TARN_MODULE_SIMULATE "\" is of version %d, expected %d",
				 found->version, TARN_SIMULATOR_VERSION);
	*simulator = found;
	return TARN_OK;
}
