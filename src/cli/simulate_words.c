#include "cli/simulate_words.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "generate/chemistry/basis.h"

/* ---- a word out of a list ---- */

struct list {
	const char *option;
	const char *const *words;
	size_t n;
};
#define LIST(option, words) { option, words, sizeof(words) / sizeof(*(words)) }

static const char *const ansatz_words[] = { "EfficientSU2", "RealAmplitudes", "ExcitationPreserving", "HardwareEfficient", "UCCSD" };
static const char *const entanglement_words[] = { "reverse_linear", "linear", "circular", "full" };
static const char *const mapping_words[] = { "jordan-wigner", "parity", "bravyi-kitaev" };
static const char *const optimizer_words[] = { "L-BFGS-B", "COBYLA", "SLSQP", "Nelder-Mead", "Powell",
					       "BFGS",     "CG",     "TNC",   "SPSA",        "Adam" };
static const char *const init_words[] = { "random", "hf", "zeros" };
static const char *const gradient_words[] = { "adjoint", "differences" };
static const char *const format_words[] = { "avro", "confluent", "json" };
static const char *const version_words[] = { "v1", "v2" };

static void join(const struct list *list, char *text, size_t size)
{
	*text = '\0';
	for (size_t i = 0; i < list->n; i++) {
		strncat(text, i ? ", " : "", size - strlen(text) - 1);
		strncat(text, list->words[i], size - strlen(text) - 1);
	}
}

struct reader {
	const struct tarn_usage *usage;
	int *exit_code;
	bool failed;
};

/* The word's place in the list, in any letter case; `otherwise` where it was not given. */
static int choose(struct reader *reader, const struct list *list, const char *word, int otherwise)
{
	char all[200];
	if (!word || reader->failed)
		return otherwise;
	for (size_t i = 0; i < list->n; i++)
		if (!strcasecmp(list->words[i], word))
			return (int)i;
	join(list, all, sizeof(all));
	reader->failed = true;
	*reader->exit_code = tarn_options_refuse(reader->usage, "--%s is \"%s\", expected one of %s", list->option, word, all);
	return otherwise;
}

static double take_double(struct reader *reader, const char *option, const char *word, double least, double most)
{
	char *end;
	if (!word || reader->failed)
		return 0;
	double value = strtod(word, &end);
	if (end != word && !*end && value >= least && value <= most)
		return value;
	reader->failed = true;
	*reader->exit_code =
		tarn_options_refuse(reader->usage, "--%s is \"%s\", expected a number from %g to %g", option, word, least, most);
	return 0;
}

static void refuse(struct reader *reader, bool wrong, const char *what)
{
	if (!wrong || reader->failed)
		return;
	reader->failed = true;
	*reader->exit_code = tarn_options_refuse(reader->usage, "%s", what);
}

static void check_range(struct reader *reader, const char *option, int64_t value, int64_t most)
{
	if (value <= most || reader->failed)
		return;
	reader->failed = true;
	*reader->exit_code = tarn_options_refuse(reader->usage, "--%s is %lld, expected no more than %lld", option,
						 (long long)value, (long long)most);
}

/* ---- the request ---- */

enum { MAX_ITERATIONS_DEFAULT = 100, REPS_DEFAULT = 2, REPS_MOST = 1000, SHOTS_MOST = 100000000 };

static void check_words(struct reader *reader, const struct tarn_simulate_words *words)
{
	refuse(reader, words->convergence && words->max_iterations >= 0, "--convergence and --max-iterations exclude each other");
	refuse(reader, words->readout_error && words->shots <= 0, "--readout-error needs --shots: it flips measured bits");
	refuse(reader, words->gradient && words->shots > 0 && !strcasecmp(words->gradient, "adjoint"),
	       "--gradient adjoint needs exact energies; with --shots gradients are differences");
	refuse(reader, words->entanglement && (!words->ansatz || strcasecmp(words->ansatz, "HardwareEfficient")),
	       "--entanglement belongs to --ansatz HardwareEfficient; the others have theirs");
	refuse(reader, words->reduce && (!words->mapping || strcasecmp(words->mapping, "parity")),
	       "--reduce belongs to --mapping parity");
	refuse(reader, words->basis && !tarn_basis_stem(words->basis),
	       "--basis is not one of sto3g, 3-21g, 6-31g, 6-31g*, cc-pvdz");
	check_range(reader, "reps", words->reps, REPS_MOST);
	check_range(reader, "shots", words->shots, SHOTS_MOST);
	check_range(reader, "seed", words->seed, INT32_MAX);
	check_range(reader, "max-iterations", words->max_iterations, INT32_MAX);
	check_range(reader, "schema-id", words->schema_id, INT32_MAX);
}

static void fill_form(struct reader *reader, const struct tarn_simulate_words *words, struct tarn_raw_form *form)
{
	const struct list formats = LIST("format", format_words), versions = LIST("record-version", version_words);
	*form = (struct tarn_raw_form){
		.format = (enum tarn_raw_format)choose(reader, &formats, words->format, TARN_RAW_AVRO),
		.version = (enum tarn_record_version)choose(reader, &versions, words->record_version, TARN_RECORD_V2),
		.schema_id = words->schema_id < 0 ? 1 : (uint32_t)words->schema_id,
	};
	refuse(reader, form->version == TARN_RECORD_V1 && words->shots <= 0,
	       "--record-version v1 needs --shots: that schema has no record of an exact simulation");
}

bool tarn_simulate_request(const struct tarn_usage *usage, const struct tarn_simulate_words *words,
			   struct tarn_simulation_request *request, struct tarn_raw_form *form, int *exit_code)
{
	struct reader reader = { usage, exit_code, false };
	const struct list ansatzes = LIST("ansatz", ansatz_words), entanglements = LIST("entanglement", entanglement_words),
			  mappings = LIST("mapping", mapping_words), optimizers = LIST("optimizer", optimizer_words),
			  inits = LIST("init", init_words), gradients = LIST("gradient", gradient_words);
	check_words(&reader, words);
	double threshold = take_double(&reader, "convergence", words->convergence, 1e-300, 1e300);
	*request = (struct tarn_simulation_request){
		.basis = words->basis ? words->basis : "sto3g",
		.unrestricted = words->unrestricted,
		.frozen = words->frozen < 0 ? 0 : (size_t)words->frozen,
		.active = words->active < 0 ? 0 : (size_t)words->active,
		.mapping = (enum tarn_mapping)choose(&reader, &mappings, words->mapping, TARN_JORDAN_WIGNER),
		.reduce = words->reduce,
		.ansatz = (enum tarn_ansatz)choose(&reader, &ansatzes, words->ansatz, TARN_EFFICIENT_SU2),
		.reps = words->reps < 0 ? REPS_DEFAULT : (unsigned)words->reps,
		.entanglement = (enum tarn_entanglement)choose(&reader, &entanglements, words->entanglement,
							       TARN_ENTANGLE_REVERSE_LINEAR),
		.start = (enum tarn_vqe_start)choose(&reader, &inits, words->init, TARN_START_RANDOM),
		.optimizer = (enum tarn_optimizer)choose(&reader, &optimizers, words->optimizer, TARN_LBFGSB),
		.max_iterations = words->convergence ? 0 : words->max_iterations < 0 ? MAX_ITERATIONS_DEFAULT :
										       (int)words->max_iterations,
		.threshold = threshold,
		.finite_differences = choose(&reader, &gradients, words->gradient, 0) == 1,
		.seed = { words->seed >= 0, (int32_t)words->seed },
		.shots = words->shots < 0 ? 0 : (unsigned)words->shots,
		.readout_flip = take_double(&reader, "readout-error", words->readout_error, 0, 0.5),
		.full_ci = words->exact,
	};
	fill_form(&reader, words, form);
	return !reader.failed;
}

/* ---- molecules ---- */

static enum tarn_rc read_text(const char *path, struct tarn_buf *text, struct tarn_err *err)
{
	tarn_buf_init(text, (size_t)64 << 20);
	return tarn_file_read(path, text, err);
}

static enum tarn_rc read_file_of_molecules(const char *path, struct tarn_arena *arena, struct tarn_geometry **geometries,
					   size_t *n, struct tarn_err *err)
{
	struct tarn_buf text;
	enum tarn_rc rc = read_text(path, &text, err);
	if (!rc)
		rc = tarn_molecule_read_json(tarn_buf_slice(&text), arena, geometries, n, err);
	tarn_buf_release(&text);
	return rc ? tarn_err_within(err, rc, "\"%s\"", path) : TARN_OK;
}

static bool looks_like_a_file(const char *name)
{
	size_t len = strlen(name);
	return strchr(name, '/') || (len > 4 && !strcasecmp(name + len - 4, ".xyz")) || tarn_file_exists(name);
}

static enum tarn_rc read_one(const char *name, struct tarn_arena *arena, struct tarn_geometry *geometry,
			     struct tarn_err *err)
{
	struct tarn_buf text;
	if (!looks_like_a_file(name)) {
		enum tarn_rc rc = tarn_molecule_builtin(name, arena, geometry, err);
		if (rc)
			tarn_err_hint(err, "a file of your own ends in .xyz, or comes by --molecules FILE.json");
		return rc;
	}
	enum tarn_rc rc = read_text(name, &text, err);
	if (!rc) {
		rc = tarn_molecule_read_xyz(tarn_buf_slice(&text), arena, geometry, err);
		if (rc)
			rc = tarn_err_within(err, rc, "\"%s\"", name);
	}
	tarn_buf_release(&text);
	return rc;
}

static enum tarn_rc replace_number(const char *option, const char *word, int *value, struct tarn_err *err)
{
	char *end;
	if (!word)
		return TARN_OK;
	errno = 0;
	long number = strtol(word, &end, 10);
	if (errno || end == word || *end || number < -1000 || number > 1000)
		return tarn_fail(err, TARN_EINVALID, "--%s is \"%s\", expected a whole number", option, word);
	*value = (int)number;
	return TARN_OK;
}

static enum tarn_rc pick(int64_t index, struct tarn_geometry **geometries, size_t *n, struct tarn_err *err)
{
	if (index < 0)
		return TARN_OK;
	if ((uint64_t)index >= *n)
		return tarn_fail(err, TARN_ENOTFOUND, "--molecule-index is %lld, the file has molecules 0 to %zu",
				 (long long)index, *n - 1);
	*geometries += index;
	*n = 1;
	return TARN_OK;
}

enum tarn_rc tarn_simulate_molecules(const struct tarn_simulate_words *words, const char *name, struct tarn_arena *arena,
				     struct tarn_geometry **geometries, size_t *n, struct tarn_err *err)
{
	struct tarn_geometry *found = tarn_arena_zalloc(arena, sizeof(*found));
	size_t count = 1;
	enum tarn_rc rc;
	if (name)
		rc = read_one(name, arena, found, err);
	else
		rc = read_file_of_molecules(words->molecules, arena, &found, &count, err);
	if (!rc)
		rc = pick(words->molecule_index, &found, &count, err);
	for (size_t i = 0; !rc && i < count; i++) {
		rc = replace_number("charge", words->charge, &found[i].charge, err);
		if (!rc)
			rc = replace_number("multiplicity", words->multiplicity, &found[i].multiplicity, err);
	}
	if (rc)
		return rc;
	*geometries = found;
	*n = count;
	return TARN_OK;
}
