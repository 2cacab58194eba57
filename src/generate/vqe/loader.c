#include "generate/vqe/simulation.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const places[] = { "tarn-simulate.so", "../lib/tarn/tarn-simulate.so" };

static enum tarn_rc program_folder(char folder[PATH_MAX], struct tarn_err *err)
{
	ssize_t len = readlink("/proc/self/exe", folder, PATH_MAX - 1);
	if (len < 0)
		return tarn_fail_errno(err, "\"/proc/self/exe\"");
	folder[len] = '\0';
	*strrchr(folder, '/') = '\0';
	return TARN_OK;
}

enum tarn_rc tarn_simulator_load(const struct tarn_simulator **simulator, struct tarn_err *err)
{
	char folder[PATH_MAX], path[PATH_MAX + 64];
	void *module = NULL;
	enum tarn_rc rc = program_folder(folder, err);
	if (rc)
		return rc;
	for (size_t i = 0; !module && i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, places[i]);
		if (!access(path, R_OK))
			module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	}
	const struct tarn_simulator *found = module ? dlsym(module, "tarn_simulator") : NULL;
	const char *why = dlerror();
	if (!found)
		return tarn_fail(err, TARN_ENOTFOUND, "the simulator \"%s\" cannot be loaded: %s", path,
				 why ? why : "there is no such file beside the program");
	if (found->version != TARN_SIMULATOR_VERSION)
		return tarn_fail(err, TARN_EUNSUPPORTED, "the simulator \"%s\" is of version %d, expected %d", path,
				 found->version, TARN_SIMULATOR_VERSION);
	*simulator = found;
	return TARN_OK;
}
