#include "cli/simulate_words.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/print.h"

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

struct command {
	const struct tarn_simulate_words *words;
	const struct tarn_simulator *simulator;
	struct tarn_simulation_request request;
	struct tarn_raw_form form;
};

static enum tarn_rc write_raw(const struct command *command, const struct tarn_record *record, struct tarn_slice bytes,
			      struct tarn_err *err)
{
	char *topic = tarn_raw_topic(record, command->form.version), *path;
	enum tarn_rc rc = tarn_raw_write(command->words->out, topic, tarn_raw_extension(command->form.format), bytes, &path, err);
	free(topic);
	if (rc)
		return rc;
	fprintf(command->words->json ? stderr : stdout, "%s%s\n", command->words->json ? "wrote " : "  wrote ", path);
	free(path);
	return TARN_OK;
}

/* To the raw area, or with --format alone to standard output. */
static enum tarn_rc deliver(const struct command *command, const struct tarn_record *record, struct tarn_err *err)
{
	struct tarn_buf bytes;
	tarn_buf_init(&bytes, TARN_BUF_DEFAULT_MAX);
	enum tarn_rc rc = tarn_raw_encode(record, &command->form, &bytes, err);
	if (!rc && command->words->out)
		rc = write_raw(command, record, tarn_buf_slice(&bytes), err);
	else if (!rc && (fwrite(bytes.data, 1, bytes.len, stdout) != bytes.len || fflush(stdout)))
		rc = tarn_fail_errno(err, "standard output");
	tarn_buf_release(&bytes);
	return rc;
}

static enum tarn_rc run_one(struct command *command, const struct tarn_geometry *geometry, int32_t id, struct tarn_err *err)
{
	const struct tarn_simulate_words *words = command->words;
	struct progress_line line = { *geometry->name ? geometry->name : "molecule", tarn_monotonic_ns(), false };
	struct tarn_simulation *simulation;
	command->request.geometry = geometry;
	command->request.molecule_id = id;
	enum tarn_rc rc = command->simulator->simulate(&command->request, isatty(STDERR_FILENO) ? show_progress : NULL, &line,
						       &simulation, err);
	end_progress(&line);
	if (rc)
		return rc;
	if (words->json)
		print_machines(simulation);
	else if (words->out || !words->format)
		print_people(geometry, simulation);
	if (words->out || (words->format && !words->json))
		rc = deliver(command, &simulation->record, err);
	command->simulator->free_simulation(simulation);
	return rc;
}

static int run_all(struct command *command, const char *name)
{
	struct tarn_arena arena;
	struct tarn_geometry *geometries;
	struct tarn_err err;
	size_t n;
	tarn_arena_init(&arena);
	enum tarn_rc rc = tarn_simulate_molecules(command->words, name, &arena, &geometries, &n, &err);
	if (!rc)
		rc = tarn_simulator_load(&command->simulator, &err);
	for (size_t i = 0; !rc && i < n; i++) {
		if (i && !command->words->json)
			putchar('\n');
		rc = run_one(command, &geometries[i], (int32_t)i, &err);
	}
	tarn_arena_release(&arena);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

/* ---- the command line ---- */

static const char examples[] =
	"  tarn simulate H2\n"
	"  tarn simulate water.xyz --basis 6-31g --frozen-core 1 --active 4\n"
	"  tarn simulate --molecules molecules.json --molecule-index 2\n"
	"  tarn simulate LiH --optimizer COBYLA --max-iterations 500 --seed 7 --shots 1024\n"
	"  tarn simulate LiH --exact --json\n"
	"  tarn simulate H2 --out raw && tarn features run --raw raw --lake lake\n";

#define TEXT(word, value, target, about) { .name = (word), .argument = (value), .help = (about), .text = &(target) }
#define NUMBER(word, target, from, about) \
	{ .name = (word), .argument = "N", .help = (about), .number = &(target), .least = (from) }
#define FLAG(word, target, about) { .name = (word), .help = (about), .flag = &(target) }

static int run_simulate(int argc, char **argv)
{
	struct tarn_simulate_words w = { .molecule_index = -1, .reps = -1, .frozen = -1, .active = -1, .max_iterations = -1,
					 .seed = -1, .shots = -1, .schema_id = -1, .jobs = -1 };
	const struct tarn_option options[] = {
		TEXT("molecules", "FILE", w.molecules, "a JSON array of objects with symbols and coords: each of them"),
		NUMBER("molecule-index", w.molecule_index, 0, "only this molecule of the file, counted from 0"),
		TEXT("basis", "NAME", w.basis, "sto3g, 3-21g, 6-31g, 6-31g* or cc-pvdz (default: sto3g)"),
		TEXT("charge", "N", w.charge, "of the molecule (default: its own)"),
		TEXT("multiplicity", "N", w.multiplicity, "2S + 1 (default: the molecule's own)"),
		FLAG("unrestricted", w.unrestricted, "an orbital set for each spin (UHF)"),
		NUMBER("frozen-core", w.frozen, 0, "lowest orbitals that stay doubly occupied (default: 0)"),
		NUMBER("active", w.active, 1, "orbitals above them that take part (default: all)"),
		TEXT("mapping", "NAME", w.mapping, "jordan-wigner (default), parity or bravyi-kitaev"),
		FLAG("reduce", w.reduce, "take out two qubits; with --mapping parity"),
		TEXT("ansatz", "NAME", w.ansatz,
		     "EfficientSU2 (default), RealAmplitudes, ExcitationPreserving, HardwareEfficient, UCCSD"),
		NUMBER("reps", w.reps, 0, "repetitions of the ansatz (default: 2)"),
		TEXT("entanglement", "NAME", w.entanglement, "of HardwareEfficient: reverse_linear, linear, circular, full"),
		TEXT("init", "NAME", w.init, "starting angles: random (default), hf or zeros"),
		TEXT("optimizer", "NAME", w.optimizer,
		     "L-BFGS-B (default), COBYLA, SLSQP, Nelder-Mead, Powell, BFGS, CG, TNC, SPSA, Adam"),
		NUMBER("max-iterations", w.max_iterations, 1, "evaluations of the energy at most (default: 100)"),
		TEXT("convergence", "T", w.convergence, "stop at this tolerance instead of a number of evaluations"),
		TEXT("gradient", "NAME", w.gradient, "adjoint (default, exact) or differences"),
		NUMBER("seed", w.seed, 0, "of starting angles and samples (default: another one each time)"),
		NUMBER("shots", w.shots, 1, "measurements for each group of terms (default: exact energies)"),
		TEXT("readout-error", "P", w.readout_error, "probability that a measured bit is read wrongly"),
		FLAG("exact", w.exact, "find the full CI energy too"),
		FLAG("json", w.json, "print the record and the physics as JSON, a line for each molecule"),
		TEXT("out", "DIR", w.out, "write the record below DIR/experiments at its topic's next offset"),
		TEXT("format", "NAME", w.format, "avro (container file, default), confluent or json; without --out to standard output"),
		TEXT("record-version", "V", w.record_version, "schema of the record: v2 (default) or v1"),
		NUMBER("schema-id", w.schema_id, 1, "in messages of --format confluent (default: 1)"),
	};
	const struct tarn_usage usage = {
		.command = "simulate",
		.section = "SIMULATE",
		.arguments = "MOLECULE|FILE.xyz",
		.max_arguments = 1,
		.summary = "Finds a molecule's ground state energy by the variational quantum eigensolver on a simulated quantum\n"
			   "computer, and keeps every step in a record. Built-in molecules: H2, HeH+, LiH, H3+, H4, BeH, BeH2,\n"
			   "H2O, NH3, N2.",
		.example = examples,
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	struct command command = { .words = &w };
	int exit_code;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if ((argc == 2) == !!w.molecules)
		return tarn_options_refuse(&usage, "expected a molecule, or --molecules FILE, and not both");
	if (w.molecule_index >= 0 && !w.molecules)
		return tarn_options_refuse(&usage, "--molecule-index belongs to --molecules");
	if (!tarn_simulate_request(&usage, &w, &command.request, &command.form, &exit_code))
		return exit_code;
	return run_all(&command, w.molecules ? NULL : argv[1]);
}

const struct tarn_command tarn_command_simulate = { "simulate", "run VQE for a molecule and keep its record", run_simulate };
