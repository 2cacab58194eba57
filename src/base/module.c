#include "base/module.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum tarn_rc program_folder(char folder[PATH_MAX], struct tarn_err *err)
{
	ssize_t len = readlink("/proc/self/exe", folder, PATH_MAX - 1);
	if (len < 0)
		return tarn_fail_errno(err, "\"/proc/self/exe\"");
	folder[len] = '\0';
	*strrchr(folder, '/') = '\0';
	return TARN_OK;
}

/* The module's path, or where it was last looked for. */
static bool find(const char *program, const char *module, char path[2 * PATH_MAX])
{
	const char *chosen = getenv("TARN_MODULES");
	const char *const places[][2] = { { chosen, "" }, { program, "" }, { program, "/../lib/tarn" } };
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (!places[i][0] || !*places[i][0])
			continue;
		snprintf(path, 2 * PATH_MAX, "%s%s/%s", places[i][0], places[i][1], module);
		if (!access(path, R_OK))
			return true;
	}
	return false;
}

enum tarn_rc tarn_module_symbol(const char *module, const char *symbol, void **found, struct tarn_err *err)
{
	char folder[PATH_MAX], path[2 * PATH_MAX];
	enum tarn_rc rc = program_folder(folder, err);
	if (rc)
		return rc;
	if (!find(folder, module, path))
		return tarn_fail(err, TARN_ENOTFOUND, "the module \"%s\" is not beside the program (looked for \"%s\")", module,
				 path);
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	void *address = handle ? dlsym(handle, symbol) : NULL;
	if (!address)
		return tarn_fail(err, TARN_ENOTFOUND, "the module \"%s\" cannot be loaded: %s", path, dlerror());
	*found = address;
	return TARN_OK;
}
