#include "generate/vqe/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/chemistry/basis.h"

/* ---- lists of words: NULL ends them, their order is that of the enums ---- */

static const char *const ansatz_words[] = { "EfficientSU2",      "RealAmplitudes", "ExcitationPreserving",
					    "HardwareEfficient", "UCCSD",          NULL };
static const char *const entanglement_words[] = { "reverse_linear", "linear", "circular", "full", NULL };
static const char *const mapping_words[] = { "jordan-wigner", "parity", "bravyi-kitaev", NULL };
static const char *const optimizer_words[] = { "L-BFGS-B", "COBYLA", "SLSQP", "Nelder-Mead", "Powell", "BFGS",
					       "CG",       "TNC",    "SPSA",  "Adam",        NULL };
static const char *const init_words[] = { "random", "hf", "zeros", NULL };
static const char *const gradient_words[] = { "adjoint", "differences", NULL };
static const char *const flag_words[] = { "false", "true", NULL };

static enum tarn_rc choose(const char *option, const char *value, const char *const *words, int *chosen,
			   struct tarn_err *err)
{
	char all[200] = "";
	for (int i = 0; words[i]; i++) {
		if (!strcasecmp(words[i], value)) {
			*chosen = i;
			return TARN_OK;
		}
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "", words[i]);
	}
	return tarn_fail(err, TARN_EINVALID, "%s is \"%s\", expected one of %s", option, value, all);
}

static enum tarn_rc take_number(const char *option, const char *value, int64_t least, int64_t most, int64_t *number,
				struct tarn_err *err)
{
	char *end;
	errno = 0;
	long long read = strtoll(value, &end, 10);
	if (errno || end == value || *end || read < least || read > most)
		return tarn_fail(err, TARN_EINVALID, "%s is \"%s\", expected a whole number from %lld to %lld", option, value,
				 (long long)least, (long long)most);
	*number = read;
	return TARN_OK;
}

static enum tarn_rc take_double(const char *option, const char *value, double least, double most, double *number,
				struct tarn_err *err)
{
	char *end;
	double read = strtod(value, &end);
	if (end == value || *end || !(read >= least && read <= most))
		return tarn_fail(err, TARN_EINVALID, "%s is \"%s\", expected a number from %g to %g", option, value, least, most);
	*number = read;
	return TARN_OK;
}

/* ---- the options ---- */

enum { REPS_MOST = 1000, SHOTS_MOST = 100000000, ORBITALS_MOST = 1000 };

enum kind { WORD, NUMBER, DOUBLE };

/* How an option's value is read; what it means is in `put` below. */
static const struct option {
	const char *name;
	enum kind kind;
	const char *const *words;
	double least, most;
} options[] = {
	{ "unrestricted", WORD, flag_words, 0, 0 },
	{ "frozen-core", NUMBER, NULL, 0, ORBITALS_MOST },
	{ "active", NUMBER, NULL, 1, ORBITALS_MOST },
	{ "mapping", WORD, mapping_words, 0, 0 },
	{ "reduce", WORD, flag_words, 0, 0 },
	{ "ansatz", WORD, ansatz_words, 0, 0 },
	{ "reps", NUMBER, NULL, 0, REPS_MOST },
	{ "entanglement", WORD, entanglement_words, 0, 0 },
	{ "init", WORD, init_words, 0, 0 },
	{ "optimizer", WORD, optimizer_words, 0, 0 },
	{ "max-iterations", NUMBER, NULL, 1, INT32_MAX },
	{ "convergence", DOUBLE, NULL, 1e-300, 1e300 },
	{ "gradient", WORD, gradient_words, 0, 0 },
	{ "seed", NUMBER, NULL, 0, INT32_MAX },
	{ "shots", NUMBER, NULL, 0, SHOTS_MOST },
	{ "readout-error", DOUBLE, NULL, 0, 0.5 },
	{ "depolarizing", DOUBLE, NULL, 0, 1 },
	{ "depolarizing-two", DOUBLE, NULL, 0, 1 },
	{ "exact", WORD, flag_words, 0, 0 },
};
enum { N_OPTIONS = sizeof(options) / sizeof(*options) };

static void put(struct tarn_simulation_request *request, const char *name, int64_t n, double value)
{
	if (!strcmp(name, "unrestricted"))
		request->unrestricted = n;
	else if (!strcmp(name, "frozen-core"))
		request->frozen = (size_t)n;
	else if (!strcmp(name, "active"))
		request->active = (size_t)n;
	else if (!strcmp(name, "mapping"))
		request->mapping = (enum tarn_mapping)n;
	else if (!strcmp(name, "reduce"))
		request->reduce = n;
	else if (!strcmp(name, "ansatz"))
		request->ansatz = (enum tarn_ansatz)n;
	else if (!strcmp(name, "reps"))
		request->reps = (unsigned)n;
	else if (!strcmp(name, "entanglement"))
		request->entanglement = (enum tarn_entanglement)n;
	else if (!strcmp(name, "init"))
		request->start = (enum tarn_vqe_start)n;
	else if (!strcmp(name, "optimizer"))
		request->optimizer = (enum tarn_optimizer)n;
	else if (!strcmp(name, "max-iterations"))
		request->max_iterations = (int)n, request->threshold = 0;
	else if (!strcmp(name, "convergence"))
		request->threshold = value, request->max_iterations = 0;
	else if (!strcmp(name, "gradient"))
		request->finite_differences = n;
	else if (!strcmp(name, "seed"))
		request->seed = (struct tarn_opt_int){ true, (int32_t)n };
	else if (!strcmp(name, "shots"))
		request->shots = (unsigned)n;
	else if (!strcmp(name, "readout-error"))
		request->noise.readout = value;
	else if (!strcmp(name, "depolarizing"))
		request->noise.one = value;
	else if (!strcmp(name, "depolarizing-two"))
		request->noise.two = value;
	else
		request->full_ci = n;
}

void tarn_request_init(struct tarn_simulation_request *request)
{
	*request = (struct tarn_simulation_request){
		.basis = "sto3g",
		.ansatz = TARN_EFFICIENT_SU2,
		.reps = 2,
		.optimizer = TARN_LBFGSB,
		.max_iterations = 100,
	};
}

static bool same_name(const char *name, const char *given)
{
	for (; *name && (*name == *given || (*name == '-' && *given == '_')); name++)
		given++;
	return !*name && !*given;
}

static enum tarn_rc set_basis(struct tarn_simulation_request *request, const char *value, struct tarn_err *err)
{
	if (!tarn_basis_stem(value))
		return tarn_fail(err, TARN_EINVALID, "basis is \"%s\", expected one of %s", value, tarn_basis_names());
	request->basis = tarn_basis_canonical(value);
	return TARN_OK;
}

static enum tarn_rc set_option(struct tarn_simulation_request *request, const struct option *option, const char *value,
			       struct tarn_err *err)
{
	int chosen = 0;
	int64_t n = 0;
	double number = 0;
	enum tarn_rc rc;
	if (option->kind == WORD) {
		rc = choose(option->name, value, option->words, &chosen, err);
		n = chosen;
	} else if (option->kind == NUMBER) {
		rc = take_number(option->name, value, (int64_t)option->least, (int64_t)option->most, &n, err);
	} else {
		rc = take_double(option->name, value, option->least, option->most, &number, err);
	}
	if (!rc)
		put(request, option->name, n, number);
	return rc;
}

enum tarn_rc tarn_request_set(struct tarn_simulation_request *request, const char *option, const char *value,
			      struct tarn_err *err)
{
	if (!strcmp(option, "basis"))
		return set_basis(request, value, err);
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (same_name(options[i].name, option))
			return set_option(request, &options[i], value, err);
	return tarn_fail(err, TARN_ENOTFOUND, "no option \"%s\"", option);
}

enum tarn_rc tarn_request_check(const struct tarn_simulation_request *request, struct tarn_err *err)
{
	if (request->ansatz == TARN_UCCSD && (request->noise.one > 0 || request->noise.two > 0))
		return tarn_fail(err, TARN_EINVALID, "depolarizing belongs to gates of one and two qubits, UCCSD has wider ones");
	if (request->entanglement != TARN_ENTANGLE_REVERSE_LINEAR && request->ansatz != TARN_HARDWARE_EFFICIENT)
		return tarn_fail(err, TARN_EINVALID, "entanglement belongs to the ansatz HardwareEfficient, %s has its own",
				 tarn_ansatz_kind_name(request->ansatz));
	if (request->reduce && request->mapping != TARN_PARITY)
		return tarn_fail(err, TARN_EINVALID, "reduce belongs to the mapping parity");
	return TARN_OK;
}

void tarn_request_describe(const struct tarn_simulation_request *request, struct tarn_buf *out)
{
	char line[1000];
	int len = snprintf(line, sizeof(line),
			   "basis=%s\nunrestricted=%d\nfrozen-core=%zu\nactive=%zu\nmapping=%s\nreduce=%d\nansatz=%s\nreps=%u\n"
			   "entanglement=%s\ninit=%s\noptimizer=%s\nmax-iterations=%d\nconvergence=%.17g\ngradient=%s\n"
			   "seed=%d\nshots=%u\nreadout-error=%.17g\ndepolarizing=%.17g\ndepolarizing-two=%.17g\n",
			   request->basis, request->unrestricted, request->frozen, request->active,
			   mapping_words[request->mapping], request->reduce, ansatz_words[request->ansatz], request->reps,
			   entanglement_words[request->entanglement], init_words[request->start],
			   optimizer_words[request->optimizer], request->max_iterations, request->threshold,
			   gradient_words[request->finite_differences], request->seed.present ? request->seed.value : -1,
			   request->shots, request->noise.readout, request->noise.one, request->noise.two);
	tarn_buf_add(out, line, (size_t)len);
}
