#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/module.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/publishing.h"
#include "generate/vqe/sweep.h"
#include "generate/vqe/raw.h"
#include "generate/vqe/request.h"

/* ---- progress ---- */

struct progress_line {
	const char *molecule;
	int64_t shown_ns;
	bool shown;
};

static void show_progress(void *context, int iteration, double energy, double lowest)
{
	struct progress_line *line = context;
	int64_t now = tarn_monotonic_ns();
	if (now - line->shown_ns < 100000000)
		return;
	line->shown_ns = now;
	line->shown = true;
	fprintf(stderr, "\r%s: evaluation %d, energy %.8f, lowest %.8f\033[K", line->molecule, iteration, energy, lowest);
}

static void end_progress(const struct progress_line *line)
{
	if (line->shown)
		fputs("\r\033[K", stderr);
}

/* ---- for people ---- */

static void print_energy(const char *what, double energy, double reference, bool compared)
{
	printf("%18.10f  %s", energy, what);
	if (compared)
		printf(" (%+.4f millihartree)", (energy - reference) * 1e3);
	putchar('\n');
}

static void print_outcome(const struct tarn_record *record)
{
	const struct tarn_setup *setup = &record->setup;
	printf("  %.*s, %d repetitions, %d parameters, start %.*s", (int)setup->ansatz_name.len,
	       (const char *)setup->ansatz_name.data, setup->ansatz_reps, setup->num_parameters,
	       (int)setup->init_strategy.len, (const char *)setup->init_strategy.data);
	if (setup->seed.present)
		printf(", seed %d", setup->seed.value);
	printf("\n  %.*s %s after %zu evaluations", (int)setup->optimizer.len, (const char *)setup->optimizer.data,
	       record->success.value ? "converged" : "was cut off", record->iterations.n);
	if (setup->default_shots.present)
		printf(" of %d shots for each group of terms", setup->default_shots.value);
	printf("\n\n");
}

static void print_people(const struct tarn_geometry *geometry, const struct tarn_simulation *simulation)
{
	const struct tarn_record *record = &simulation->record;
	double total = record->minimum + simulation->nuclear_repulsion_energy;
	const struct tarn_opt_double *exact = &simulation->exact_energy;
	printf("%s, %.*s: %zu qubits, %zu terms\n", *geometry->name ? geometry->name : "molecule", (int)record->basis_set.len,
	       (const char *)record->basis_set.data, simulation->num_qubits, simulation->num_terms);
	print_outcome(record);
	puts("           hartree");
	print_energy("VQE", total, exact->value, exact->present);
	print_energy("Hartree-Fock", simulation->hartree_fock_energy, exact->value, exact->present);
	if (exact->present)
		print_energy("full CI", exact->value, 0, false);
	print_energy("nuclear repulsion, within these", simulation->nuclear_repulsion_energy, 0, false);
	printf("\n  %.3f seconds: Hamiltonian %.3f, mapping %.3f, VQE %.3f\n", record->total_time, record->hamiltonian_time,
	       record->mapping_time, record->vqe_time);
}

/* ---- for machines ---- */

static void put_double(struct tarn_buf *out, const char *key, struct tarn_opt_double value)
{
	tarn_print_json_key(out, key);
	if (value.present)
		tarn_print_json_double(out, value.value);
	else
		tarn_print_json_null(out);
}

static void print_machines(const struct tarn_simulation *simulation)
{
	struct tarn_buf out;
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	tarn_print_json_begin(&out, '{');
	tarn_print_json_key(&out, "record");
	tarn_record_write_json(&simulation->record, &out);
	tarn_print_json_key(&out, "physics");
	tarn_print_json_begin(&out, '{');
	put_double(&out, "hartree_fock_energy", (struct tarn_opt_double){ true, simulation->hartree_fock_energy });
	put_double(&out, "exact_energy", simulation->exact_energy);
	put_double(&out, "nuclear_repulsion_energy", (struct tarn_opt_double){ true, simulation->nuclear_repulsion_energy });
	tarn_print_json_key(&out, "num_qubits");
	tarn_print_json_int(&out, (int64_t)simulation->num_qubits);
	tarn_print_json_key(&out, "num_terms");
	tarn_print_json_int(&out, (int64_t)simulation->num_terms);
	tarn_print_json_end(&out, '}');
	tarn_print_json_end(&out, '}');
	tarn_print_json_line(&out, stdout);
	tarn_buf_release(&out);
}

/* ---- running ---- */

enum { N_WORDS = 20 };

struct command {
	const char *molecules, *charge, *multiplicity, *out, *format, *record_version, *batch;
	int64_t molecule_index, schema_id, jobs;
	bool json;
	const char *words[N_WORDS]; /* of options that a request knows by the same name */
	bool flags[N_WORDS];
	bool publish;
	struct tarn_publishing_options publishing;
	const struct tarn_simulator *simulator;
	struct tarn_simulation_request request;
	struct tarn_raw_form form;
};

static enum tarn_rc write_raw(const struct command *command, const struct tarn_record *record, struct tarn_slice bytes,
			      struct tarn_err *err)
{
	char *topic = tarn_raw_topic(record, command->form.version), *path;
	enum tarn_rc rc = tarn_raw_write(command->out, topic, tarn_raw_extension(command->form.format), bytes, &path, err);
	free(topic);
	if (rc)
		return rc;
	fprintf(command->json ? stderr : stdout, "%s%s\n", command->json ? "wrote " : "  wrote ", path);
	free(path);
	return TARN_OK;
}

/* To the raw area, or with --format alone to standard output. */
static enum tarn_rc deliver(const struct command *command, const struct tarn_record *record, struct tarn_err *err)
{
	struct tarn_buf bytes;
	tarn_buf_init(&bytes, TARN_BUF_DEFAULT_MAX);
	enum tarn_rc rc = tarn_raw_encode(record, &command->form, &bytes, err);
	if (!rc && command->out)
		rc = write_raw(command, record, tarn_buf_slice(&bytes), err);
	else if (!rc && (fwrite(bytes.data, 1, bytes.len, stdout) != bytes.len || fflush(stdout)))
		rc = tarn_fail_errno(err, "standard output");
	tarn_buf_release(&bytes);
	return rc;
}

static enum tarn_rc publish(const struct command *command, const struct tarn_record *record, struct tarn_err *err)
{
	void *symbol;
	struct tarn_buf datum;
	struct tarn_published published;
	enum tarn_rc rc = tarn_module_symbol(TARN_MODULE_NETWORK, TARN_PUBLISH_ONE, &symbol, err);
	if (rc)
		return rc;
	char *topic = tarn_raw_topic(record, command->form.version);
	tarn_buf_init(&datum, TARN_BUF_DEFAULT_MAX);
	rc = tarn_record_write_avro(record, command->form.version, &datum, err);
	if (!rc) {
		struct tarn_slice data = tarn_buf_slice(&datum);
		const struct tarn_outgoing batch = { topic, tarn_record_schema(command->form.version), &data, 1 };
		rc = ((const struct tarn_publish_one *)symbol)->run(&command->publishing, &batch, &published, err);
	}
	if (!rc) {
		rc = tarn_published_tell(&published, topic, command->json ? stderr : stdout, err);
		free(published.spool);
	}
	tarn_buf_release(&datum);
	free(topic);
	return rc;
}

static enum tarn_rc run_one(struct command *command, const struct tarn_geometry *geometry, int32_t id, struct tarn_err *err)
{
	struct progress_line line = { *geometry->name ? geometry->name : "molecule", tarn_monotonic_ns(), false };
	struct tarn_simulation *simulation;
	command->request.geometry = geometry;
	command->request.molecule_id = id;
	enum tarn_rc rc = command->simulator->simulate(&command->request, isatty(STDERR_FILENO) ? show_progress : NULL, &line,
						       &simulation, err);
	end_progress(&line);
	if (rc)
		return rc;
	if (command->json)
		print_machines(simulation);
	else if (command->out || command->publish || !command->format)
		print_people(geometry, simulation);
	if (command->out || (command->format && !command->json && !command->publish))
		rc = deliver(command, &simulation->record, err);
	if (!rc && command->publish)
		rc = publish(command, &simulation->record, err);
	command->simulator->free_simulation(simulation);
	return rc;
}

/* ---- molecules ---- */

static enum tarn_rc read_file(const char *path, struct tarn_arena *arena, struct tarn_geometry **geometries, size_t *n,
			      struct tarn_err *err)
{
	struct tarn_buf text;
	tarn_buf_init(&text, (size_t)64 << 20);
	enum tarn_rc rc = tarn_file_read(path, &text, err);
	if (!rc) {
		rc = tarn_molecule_read_json(tarn_buf_slice(&text), arena, geometries, n, err);
		if (rc)
			rc = tarn_err_within(err, rc, "\"%s\"", path);
	}
	tarn_buf_release(&text);
	return rc;
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

/* `text` was checked when it was parsed. */
static void replace_number(const char *text, int *value)
{
	if (text)
		*value = (int)strtol(text, NULL, 10);
}

static enum tarn_rc find_molecules(const struct command *command, const char *name, struct tarn_arena *arena,
				   struct tarn_geometry **geometries, size_t *n, struct tarn_err *err)
{
	struct tarn_geometry *found = tarn_arena_zalloc(arena, sizeof(*found));
	size_t count = 1;
	enum tarn_rc rc = name ? tarn_molecule_find(name, arena, found, err) :
				 read_file(command->molecules, arena, &found, &count, err);
	if (!rc)
		rc = pick(command->molecule_index, &found, &count, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < count; i++) {
		replace_number(command->charge, &found[i].charge);
		replace_number(command->multiplicity, &found[i].multiplicity);
	}
	*geometries = found;
	*n = count;
	return TARN_OK;
}

static int run_all(struct command *command, const char *name)
{
	struct tarn_arena arena;
	struct tarn_geometry *geometries;
	struct tarn_err err;
	size_t n;
	tarn_arena_init(&arena);
	enum tarn_rc rc = find_molecules(command, name, &arena, &geometries, &n, &err);
	if (!rc)
		rc = tarn_simulator_load(&command->simulator, &err);
	for (size_t i = 0; !rc && i < n; i++) {
		if (i && !command->json)
			putchar('\n');
		rc = run_one(command, &geometries[i], (int32_t)i, &err);
	}
	tarn_arena_release(&arena);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

/* ---- batches ---- */

struct batch_line {
	int64_t shown_ns;
	bool terminal, shown;
};

static void show_batch(void *context, const struct tarn_sweep_progress *progress)
{
	struct batch_line *line = context;
	int64_t now = tarn_monotonic_ns();
	if (!line->terminal || now - line->shown_ns < 100000000)
		return;
	line->shown_ns = now;
	line->shown = true;
	fprintf(stderr, "\r%zu of %zu done, %zu running, %zu failed", progress->before + progress->done, progress->n,
		progress->running, progress->failed);
	if (progress->lowest_label)
		fprintf(stderr, "; lowest %.8f (%s)", progress->lowest, progress->lowest_label);
	if (progress->seconds_left >= 0)
		fprintf(stderr, "; %.0f s left", progress->seconds_left);
	fputs("\033[K", stderr);
}

static void show_failed(void *context, const struct tarn_sweep_run *run, const struct tarn_err *err)
{
	struct batch_line *line = context;
	fprintf(stderr, "%starn: %s: %s\n", line->shown ? "\r\033[K" : "", run->label, err->message);
}

static void report_batch(const struct tarn_sweep_progress *result, bool json)
{
	struct tarn_buf out;
	if (!json) {
		printf("%zu runs: %zu done, %zu done before, %zu failed, in %.1f seconds\n", result->n, result->done, result->before,
		       result->failed, result->seconds);
		if (result->lowest_label)
			printf("lowest energy: %.10f hartree, %s\n", result->lowest, result->lowest_label);
		return;
	}
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	tarn_print_json_begin(&out, '{');
	const struct {
		const char *key;
		size_t n;
	} counts[] = { { "runs", result->n }, { "done", result->done }, { "done_before", result->before }, { "failed", result->failed } };
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		tarn_print_json_key(&out, counts[i].key);
		tarn_print_json_int(&out, (int64_t)counts[i].n);
	}
	put_double(&out, "lowest_energy", (struct tarn_opt_double){ result->lowest_label, result->lowest });
	put_double(&out, "seconds", (struct tarn_opt_double){ true, result->seconds });
	tarn_print_json_end(&out, '}');
	tarn_print_json_line(&out, stdout);
	tarn_buf_release(&out);
}

static enum tarn_rc read_batch(const struct command *command, struct tarn_sweep *batch, struct tarn_err *err)
{
	struct tarn_buf text;
	tarn_buf_init(&text, (size_t)16 << 20);
	enum tarn_rc rc = tarn_file_read(command->batch, &text, err);
	if (!rc) {
		rc = tarn_sweep_read(tarn_buf_slice(&text), &command->request, &command->form, batch, err);
		if (rc)
			rc = tarn_err_within(err, rc, "\"%s\"", command->batch);
	}
	tarn_buf_release(&text);
	return rc;
}

static int run_batch(struct command *command)
{
	struct batch_line line = { .terminal = isatty(STDERR_FILENO) };
	struct tarn_sweep_options options = { .out = command->out, .form = command->form, .jobs = (int)command->jobs,
					      .progress = show_batch, .failed = show_failed, .context = &line };
	struct tarn_sweep_progress result;
	struct tarn_sweep batch;
	struct tarn_err err;
	if (read_batch(command, &batch, &err))
		return tarn_print_error(&err);
	enum tarn_rc rc = tarn_simulator_load(&options.simulator, &err);
	if (!rc)
		rc = tarn_sweep_execute(&batch, &options, &result, &err);
	if (line.shown)
		fputs("\r\033[K", stderr);
	if (!rc)
		report_batch(&result, command->json);
	tarn_sweep_release(&batch);
	if (rc)
		return tarn_print_error(&err);
	return result.failed ? TARN_EXIT_FAILED : TARN_EXIT_DONE;
}

/* ---- the command line ---- */

static const char examples[] =
	"  tarn simulate H2\n"
	"  tarn simulate water.xyz --basis 6-31g --frozen-core 1 --active 4\n"
	"  tarn simulate --molecules molecules.json --molecule-index 2\n"
	"  tarn simulate LiH --optimizer COBYLA --max-iterations 500 --seed 7 --shots 1024\n"
	"  tarn simulate LiH --exact --json\n"
	"  tarn simulate H2 --publish\n"
	"  tarn simulate --batch sweep.yaml --jobs 2 --out raw\n"
	"  tarn simulate H2 --out raw && tarn features run --raw raw --lake lake\n";

#define TEXT(word, value, target, about) { .name = (word), .argument = (value), .help = (about), .text = &(target) }
#define NUMBER(word, target, from, about) \
	{ .name = (word), .argument = "N", .help = (about), .number = &(target), .least = (from) }
#define FLAG(word, target, about) { .name = (word), .help = (about), .flag = &(target) }

static bool whole_number(const char *text)
{
	char *end;
	errno = 0;
	long number = strtol(text, &end, 10);
	return !errno && end != text && !*end && number >= -1000 && number <= 1000;
}

static bool choose(const char *word, const char *const *words, int n, int *chosen)
{
	for (int i = 0; word && i < n; i++) {
		if (strcmp(words[i], word))
			continue;
		*chosen = i;
		return true;
	}
	return !word;
}

/* What is no part of a request. */
static bool take_form(const struct tarn_usage *usage, struct command *command, int *exit_code)
{
	static const char *const formats[] = { "avro", "confluent", "json" }, *const versions[] = { "v1", "v2" };
	int format = TARN_RAW_AVRO, version = TARN_RECORD_V2;
	if (!choose(command->format, formats, 3, &format))
		*exit_code = tarn_options_refuse(usage, "--format is \"%s\", expected avro, confluent or json", command->format);
	else if (!choose(command->record_version, versions, 2, &version))
		*exit_code = tarn_options_refuse(usage, "--record-version is \"%s\", expected v1 or v2", command->record_version);
	else if (version == TARN_RECORD_V1 && !command->request.shots)
		*exit_code = tarn_options_refuse(usage, "--record-version v1 needs --shots: that schema has no exact energies");
	else if (command->charge && !whole_number(command->charge))
		*exit_code = tarn_options_refuse(usage, "--charge is \"%s\", expected a whole number", command->charge);
	else if (command->multiplicity && !whole_number(command->multiplicity))
		*exit_code = tarn_options_refuse(usage, "--multiplicity is \"%s\", expected 2S + 1", command->multiplicity);
	else {
		command->form = (struct tarn_raw_form){ (enum tarn_raw_format)format, (enum tarn_record_version)version,
							(uint32_t)command->schema_id };
		return true;
	}
	return false;
}

static bool take_words(const struct tarn_usage *usage, struct command *command, const struct tarn_option *options,
		       int *exit_code)
{
	struct tarn_err err;
	enum tarn_rc rc = TARN_OK;
	tarn_request_init(&command->request);
	for (size_t i = 0; !rc && i < N_WORDS; i++) {
		const char *value = command->flags[i] ? "true" : command->words[i];
		if (value)
			rc = tarn_request_set(&command->request, options[i].name, value, &err);
	}
	if (!rc)
		rc = tarn_request_check(&command->request, &err);
	if (rc)
		*exit_code = tarn_options_refuse(usage, "%s", err.message);
	return !rc;
}

static bool take_arguments(const struct tarn_usage *usage, struct command *command, const struct tarn_option *options,
			   int argc, int *exit_code)
{
	if ((argc == 2) + !!command->molecules + !!command->batch != 1)
		*exit_code = tarn_options_refuse(usage, "expected one of: a molecule, --molecules FILE, --batch FILE");
	else if (command->batch && !command->out)
		*exit_code = tarn_options_refuse(usage, "--batch needs --out DIR: it also keeps there what is done");
	else if (command->batch && command->publish)
		*exit_code = tarn_options_refuse(usage, "--publish goes with single molecules; `tarn publish` sends a batch's files");
	else if (command->batch && (command->charge || command->multiplicity))
		*exit_code = tarn_options_refuse(usage, "--charge and --multiplicity go into the batch's file");
	else if (command->molecule_index >= 0 && !command->molecules)
		*exit_code = tarn_options_refuse(usage, "--molecule-index belongs to --molecules");
	else if (command->words[10] && command->words[11])
		*exit_code = tarn_options_refuse(usage, "--max-iterations and --convergence exclude each other");
	else
		return take_words(usage, command, options, exit_code) && take_form(usage, command, exit_code);
	return false;
}

static int run_simulate(int argc, char **argv)
{
	struct command c = { .molecule_index = -1, .schema_id = 1, .jobs = sysconf(_SC_NPROCESSORS_ONLN) };
	const struct tarn_option options[] = {
		TEXT("basis", "NAME", c.words[0], "sto3g (default), 3-21g, 6-31g, 6-31g* or cc-pvdz"),
		FLAG("unrestricted", c.flags[1], "an orbital set for each spin (UHF)"),
		TEXT("frozen-core", "N", c.words[2], "lowest orbitals that stay doubly occupied (default: 0)"),
		TEXT("active", "N", c.words[3], "orbitals above them that take part (default: all)"),
		TEXT("mapping", "NAME", c.words[4], "jordan-wigner (default), parity or bravyi-kitaev"),
		FLAG("reduce", c.flags[5], "take out two qubits; with --mapping parity"),
		TEXT("ansatz", "NAME", c.words[6],
		     "EfficientSU2 (default), RealAmplitudes, ExcitationPreserving, HardwareEfficient, UCCSD"),
		TEXT("reps", "N", c.words[7], "repetitions of the ansatz (default: 2)"),
		TEXT("entanglement", "NAME", c.words[8], "of HardwareEfficient: reverse_linear, linear, circular, full"),
		TEXT("init", "NAME", c.words[9], "starting angles: random (default), hf or zeros"),
		TEXT("max-iterations", "N", c.words[10], "evaluations of the energy at most (default: 100)"),
		TEXT("convergence", "T", c.words[11], "stop at this tolerance instead of a number of evaluations"),
		TEXT("optimizer", "NAME", c.words[12],
		     "L-BFGS-B (default), COBYLA, SLSQP, Nelder-Mead, Powell, BFGS, CG, TNC, SPSA, Adam"),
		TEXT("gradient", "NAME", c.words[13], "adjoint (default) or differences, which shots and noise always take"),
		TEXT("seed", "N", c.words[14], "of starting angles and samples (default: another one each time)"),
		TEXT("shots", "N", c.words[15], "measurements for each group of terms (default: exact energies)"),
		TEXT("readout-error", "P", c.words[16], "probability that a measured bit is read wrongly"),
		TEXT("depolarizing", "P", c.words[17], "depolarizing noise after each gate of one qubit, as Qiskit's"),
		TEXT("depolarizing-two", "P", c.words[18], "the same after each gate of two qubits"),
		FLAG("exact", c.flags[19], "find the full CI energy too"),
		TEXT("molecules", "FILE", c.molecules, "a JSON array of objects with symbols and coords: each of them"),
		NUMBER("molecule-index", c.molecule_index, 0, "only this molecule of the file, counted from 0"),
		TEXT("charge", "N", c.charge, "of the molecule (default: its own)"),
		TEXT("multiplicity", "N", c.multiplicity, "2S + 1 (default: the molecule's own)"),
		FLAG("json", c.json, "print the record and the physics as JSON, a line for each molecule"),
		TEXT("out", "DIR", c.out, "write the record below DIR/experiments at its topic's next offset"),
		FLAG("publish", c.publish, "send the record to its topic, through the schema registry"),
		TARN_OPTIONS_PUBLISHING(&c.publishing),
		TEXT("format", "NAME", c.format, "avro (container file, default), confluent or json; to standard output without --out"),
		TEXT("record-version", "V", c.record_version, "schema of the record: v2 (default) or v1"),
		TEXT("batch", "FILE", c.batch, "run every simulation of a YAML sweep that is not in DIR yet"),
		{ .name = "jobs", .letter = 'j', .argument = "N", .help = "of a batch: simulations at a time (default: one per core)",
		  .number = &c.jobs, .least = 1 },
		NUMBER("schema-id", c.schema_id, 1, "in messages of --format confluent (default: 1)"),
	};
	const struct tarn_usage usage = {
		.command = "simulate",
		.section = "SIMULATE",
		.arguments = "MOLECULE|FILE.xyz",
		.max_arguments = 1,
		.summary = "Finds a molecule's ground state energy by the variational quantum eigensolver on a simulated quantum\n"
			   "computer, and keeps every step in a record. Built-in molecules: H2, HeH+, LiH, H3+, H4, BeH, BeH2,\n"
			   "H2O, NH3, N2.\n\n"
			   "A sweep has the key molecules, a list of names, files and templates ({symbols: [H, H], coords: [[0, 0, 0],\n"
			   "[0, 0, bond]], bond: {from: 0.5, to: 2, step: 0.1}}), and any of the options from --basis to --exact as keys\n"
			   "with one value or a list. It runs every combination; called again, what is left.",
		.example = examples,
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	int exit_code;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code) || !take_arguments(&usage, &c, options, argc, &exit_code))
		return exit_code;
	if (c.batch)
		return run_batch(&c);
	return run_all(&c, c.molecules ? NULL : argv[1]);
}

const struct tarn_command tarn_command_simulate = { "simulate", "run VQE for a molecule and keep its record", run_simulate };
