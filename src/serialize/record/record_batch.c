#include "serialize/record/record_batch.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "serialize/avro/plan.h"
#include "serialize/record/record_json.h"
#include "serialize/record/schemas.h"

/* The reader schema is ours: that it parses is a matter of the build, not of input. */
static struct tarn_avro_schema *parse_reader_schema(void)
{
	struct tarn_avro_schema *schema;
	struct tarn_err err;
	if (tarn_avro_schema_parse(tarn_slice_of(tarn_record_schema_record, tarn_record_schema_record_size), &schema,
				   &err))
		abort();
	return schema;
}

/* ---- plans ---- */

struct tarn_record_plan {
	struct tarn_record_plan *next;
	uint64_t hash;
	struct tarn_avro_schema *writer;
	struct tarn_avro_plan *plan;
};

struct tarn_record_plans {
	pthread_mutex_t lock;
	struct tarn_avro_schema *reader;
	struct tarn_record_plan *first;
};

struct tarn_record_plans *tarn_record_plans_new(void)
{
	struct tarn_record_plans *plans = tarn_calloc(1, sizeof(*plans));
	pthread_mutex_init(&plans->lock, NULL);
	plans->reader = parse_reader_schema();
	return plans;
}

void tarn_record_plans_free(struct tarn_record_plans *plans)
{
	if (!plans)
		return;
	while (plans->first) {
		struct tarn_record_plan *plan = plans->first;
		plans->first = plan->next;
		tarn_avro_plan_free(plan->plan);
		tarn_avro_schema_free(plan->writer);
		free(plan);
	}
	tarn_avro_schema_free(plans->reader);
	pthread_mutex_destroy(&plans->lock);
	free(plans);
}

static const struct tarn_record_plan *find_plan(const struct tarn_record_plans *plans, uint64_t hash,
						struct tarn_slice json)
{
	for (const struct tarn_record_plan *plan = plans->first; plan; plan = plan->next)
		if (plan->hash == hash && tarn_slice_eq(tarn_avro_schema_json(plan->writer), json))
			return plan;
	return NULL;
}

static enum tarn_rc add_plan(struct tarn_record_plans *plans, uint64_t hash, struct tarn_slice json,
			     const struct tarn_record_plan **added, struct tarn_err *err)
{
	struct tarn_avro_schema *writer;
	struct tarn_avro_plan *compiled;
	enum tarn_rc rc = tarn_avro_schema_parse(json, &writer, err);
	if (rc)
		return rc;
	rc = tarn_avro_plan_new(writer, plans->reader, &compiled, err);
	if (rc) {
		tarn_avro_schema_free(writer);
		return rc;
	}
	struct tarn_record_plan *plan = tarn_malloc(sizeof(*plan));
	*plan = (struct tarn_record_plan){ plans->first, hash, writer, compiled };
	plans->first = plan;
	*added = plan;
	return TARN_OK;
}

enum tarn_rc tarn_record_plan_get(struct tarn_record_plans *plans, struct tarn_slice schema_json,
				  const struct tarn_record_plan **plan, struct tarn_err *err)
{
	uint64_t hash = tarn_hash64(schema_json);
	enum tarn_rc rc = TARN_OK;
	pthread_mutex_lock(&plans->lock);
	const struct tarn_record_plan *found = find_plan(plans, hash, schema_json);
	if (!found)
		rc = add_plan(plans, hash, schema_json, &found, err);
	pthread_mutex_unlock(&plans->lock);
	if (!rc)
		*plan = found;
	return rc;
}

/* ---- the columns of a record ---- */

/* One pointer a leaf or list of the reader schema, found once a batch. */
struct columns {
	const struct tarn_avro_column *symbols, *symbol, *coords, *coord_row, *coord, *multiplicity, *charge, *units,
		*masses, *mass;
	const struct tarn_avro_column *backend, *num_qubits, *hamiltonian, *label, *real, *imaginary, *num_parameters,
		*initial_parameters, *initial_parameter, *optimizer, *ansatz, *noise_backend, *default_shots,
		*ansatz_reps, *init_strategy, *seed, *ansatz_name, *exact_estimator;
	const struct tarn_avro_column *iteration_list, *iteration, *parameters, *parameter, *result, *std,
		*energy_delta, *parameter_delta_norm, *cumulative_min_energy;
	const struct tarn_avro_column *minimum, *optimal_parameters, *optimal_parameter, *maxcv, *minimization_time,
		*nuclear_repulsion_energy, *success, *nfev, *nit;
	const struct tarn_avro_column *basis_set, *hamiltonian_time, *mapping_time, *vqe_time, *total_time,
		*molecule_id, *performance_start, *performance_end;
};

#define COLUMN(member, path)                                                                                           \
	{                                                                                                              \
		offsetof(struct columns, member), path                                                                 \
	}
#define MOLECULE(name) "molecule.molecule_data." name
#define SETUP(name) "vqe_result.initial_data." name
#define ITERATION(name) "vqe_result.iteration_list.items." name
static const struct {
	size_t member;
	const char *path;
} column_paths[] = {
	COLUMN(symbols, MOLECULE("symbols")),
	COLUMN(symbol, MOLECULE("symbols.items")),
	COLUMN(coords, MOLECULE("coords")),
	COLUMN(coord_row, MOLECULE("coords.items")),
	COLUMN(coord, MOLECULE("coords.items.items")),
	COLUMN(multiplicity, MOLECULE("multiplicity")),
	COLUMN(charge, MOLECULE("charge")),
	COLUMN(units, MOLECULE("units")),
	COLUMN(masses, MOLECULE("masses")),
	COLUMN(mass, MOLECULE("masses.items")),
	COLUMN(backend, SETUP("backend")),
	COLUMN(num_qubits, SETUP("num_qubits")),
	COLUMN(hamiltonian, SETUP("hamiltonian")),
	COLUMN(label, SETUP("hamiltonian.items.label")),
	COLUMN(real, SETUP("hamiltonian.items.coefficients.real")),
	COLUMN(imaginary, SETUP("hamiltonian.items.coefficients.imaginary")),
	COLUMN(num_parameters, SETUP("num_parameters")),
	COLUMN(initial_parameters, SETUP("initial_parameters")),
	COLUMN(initial_parameter, SETUP("initial_parameters.items")),
	COLUMN(optimizer, SETUP("optimizer")),
	COLUMN(ansatz, SETUP("ansatz")),
	COLUMN(noise_backend, SETUP("noise_backend")),
	COLUMN(default_shots, SETUP("default_shots")),
	COLUMN(ansatz_reps, SETUP("ansatz_reps")),
	COLUMN(init_strategy, SETUP("init_strategy")),
	COLUMN(seed, SETUP("seed")),
	COLUMN(ansatz_name, SETUP("ansatz_name")),
	COLUMN(exact_estimator, SETUP("exact_estimator")),
	COLUMN(iteration_list, "vqe_result.iteration_list"),
	COLUMN(iteration, ITERATION("iteration")),
	COLUMN(parameters, ITERATION("parameters")),
	COLUMN(parameter, ITERATION("parameters.items")),
	COLUMN(result, ITERATION("result")),
	COLUMN(std, ITERATION("std")),
	COLUMN(energy_delta, ITERATION("energy_delta")),
	COLUMN(parameter_delta_norm, ITERATION("parameter_delta_norm")),
	COLUMN(cumulative_min_energy, ITERATION("cumulative_min_energy")),
	COLUMN(minimum, "vqe_result.minimum"),
	COLUMN(optimal_parameters, "vqe_result.optimal_parameters"),
	COLUMN(optimal_parameter, "vqe_result.optimal_parameters.items"),
	COLUMN(maxcv, "vqe_result.maxcv"),
	COLUMN(minimization_time, "vqe_result.minimization_time"),
	COLUMN(nuclear_repulsion_energy, "vqe_result.nuclear_repulsion_energy"),
	COLUMN(success, "vqe_result.success"),
	COLUMN(nfev, "vqe_result.nfev"),
	COLUMN(nit, "vqe_result.nit"),
	COLUMN(basis_set, "basis_set"),
	COLUMN(hamiltonian_time, "hamiltonian_time"),
	COLUMN(mapping_time, "mapping_time"),
	COLUMN(vqe_time, "vqe_time"),
	COLUMN(total_time, "total_time"),
	COLUMN(molecule_id, "molecule_id"),
	COLUMN(performance_start, "performance_start"),
	COLUMN(performance_end, "performance_end"),
};

static void find_columns(struct tarn_avro_column *root, struct columns *columns)
{
	for (size_t i = 0; i < sizeof(column_paths) / sizeof(*column_paths); i++) {
		const struct tarn_avro_column *found = tarn_avro_column_find(root, column_paths[i].path);
		if (!found)
			abort(); /* the path and the schema lie in the same folder */
		memcpy((char *)columns + column_paths[i].member, &found, sizeof(found));
	}
}

/* ---- the batch ---- */

struct tarn_record_batch {
	struct tarn_avro_schema *reader;
	struct tarn_avro_column *root;
	struct columns columns;
	/* For JSON, from the reader schema to itself; made when the first one comes. */
	struct tarn_avro_plan *own_plan;
	struct tarn_buf encoded;
};

struct tarn_record_batch *tarn_record_batch_new(void)
{
	struct tarn_record_batch *batch = tarn_calloc(1, sizeof(*batch));
	batch->reader = parse_reader_schema();
	batch->root = tarn_avro_columns_new(batch->reader);
	find_columns(batch->root, &batch->columns);
	tarn_buf_init(&batch->encoded, TARN_BUF_DEFAULT_MAX);
	return batch;
}

void tarn_record_batch_free(struct tarn_record_batch *batch)
{
	if (!batch)
		return;
	tarn_buf_release(&batch->encoded);
	tarn_avro_plan_free(batch->own_plan);
	tarn_avro_columns_free(batch->root);
	tarn_avro_schema_free(batch->reader);
	free(batch);
}

void tarn_record_batch_clear(struct tarn_record_batch *batch)
{
	tarn_avro_columns_clear(batch->root);
}

enum tarn_rc tarn_record_batch_add_avro(struct tarn_record_batch *batch, const struct tarn_record_plan *plan,
					struct tarn_cursor *cursor, size_t count, size_t *added, struct tarn_err *err)
{
	return tarn_avro_plan_decode(plan->plan, cursor, count, batch->root, added, err);
}

enum tarn_rc tarn_record_batch_add_json(struct tarn_record_batch *batch, struct tarn_slice json, struct tarn_err *err)
{
	enum tarn_rc rc;
	if (!batch->own_plan && (rc = tarn_avro_plan_new(batch->reader, batch->reader, &batch->own_plan, err)))
		return rc;
	tarn_buf_clear(&batch->encoded);
	rc = tarn_record_json_to_avro(json, batch->reader, &batch->encoded, err);
	if (rc)
		return rc;
	struct tarn_cursor cursor = tarn_cursor_of(tarn_buf_slice(&batch->encoded));
	size_t decoded;
	return tarn_avro_plan_decode(batch->own_plan, &cursor, 1, batch->root, &decoded, err);
}

size_t tarn_record_batch_count(const struct tarn_record_batch *batch)
{
	return batch->root->length;
}

/* ---- a record out of the columns ---- */

/* Items of list i: where they begin, and how many. */
struct range {
	size_t from, n;
};

static struct range items_of(const struct tarn_avro_column *list, size_t i)
{
	int64_t from = list->offsets[i];
	return (struct range){ (size_t)from, (size_t)(list->offsets[i + 1] - from) };
}

/* A column that never had a value has no memory, but readers may add an offset of 0, and NULL text would be no text. */
static const double *doubles_at(const struct tarn_avro_column *column, size_t from)
{
	static const double none[1];
	return column->f64 ? column->f64 + from : none;
}

static const int32_t *ints_at(const struct tarn_avro_column *column, size_t from)
{
	static const int32_t none[1];
	return column->i32 ? column->i32 + from : none;
}

static const uint8_t *text_of(const struct tarn_avro_column *column)
{
	return column->data.data ? column->data.data : (const uint8_t *)"";
}

static struct tarn_slice string_at(const struct tarn_avro_column *column, size_t i)
{
	if (column->valid && !column->valid[i])
		return tarn_slice_of(NULL, 0);
	struct range bytes = items_of(column, i);
	return tarn_slice_of(text_of(column) + bytes.from, bytes.n);
}

static struct tarn_strings strings_at(const struct tarn_avro_column *items, struct range range)
{
	return (struct tarn_strings){ range.n, items->offsets + range.from, text_of(items) };
}

static struct tarn_opt_int optional_int(const struct tarn_avro_column *column, size_t i)
{
	return (struct tarn_opt_int){ column->valid[i], column->i32[i] };
}

static struct tarn_opt_double optional_double(const struct tarn_avro_column *column, size_t i)
{
	return (struct tarn_opt_double){ column->valid[i], column->f64[i] };
}

static struct tarn_opt_bool optional_bool(const struct tarn_avro_column *column, size_t i)
{
	return (struct tarn_opt_bool){ column->valid[i], column->bytes[i] };
}

static struct tarn_opt_doubles optional_doubles(const struct tarn_avro_column *column, size_t from)
{
	return (struct tarn_opt_doubles){ column->valid + from, doubles_at(column, from) };
}

static void get_molecule(const struct columns *columns, size_t i, struct tarn_molecule *molecule)
{
	struct range rows = items_of(columns->coords, i), masses = items_of(columns->masses, i);
	*molecule = (struct tarn_molecule){
		.symbols = strings_at(columns->symbol, items_of(columns->symbols, i)),
		.n_coords = rows.n,
		.coord_offsets = columns->coord_row->offsets + rows.from,
		.coords = doubles_at(columns->coord, 0),
		.multiplicity = columns->multiplicity->i32[i],
		.charge = columns->charge->i32[i],
		.units = string_at(columns->units, i),
		.has_masses = columns->masses->valid[i],
		.n_masses = masses.n,
		.masses = doubles_at(columns->mass, masses.from),
	};
}

static void get_setup(const struct columns *columns, size_t i, struct tarn_setup *setup)
{
	struct range terms = items_of(columns->hamiltonian, i), initial = items_of(columns->initial_parameters, i);
	*setup = (struct tarn_setup){
		.backend = string_at(columns->backend, i),
		.num_qubits = columns->num_qubits->i32[i],
		.term_labels = strings_at(columns->label, terms),
		.term_real = doubles_at(columns->real, terms.from),
		.term_imaginary = doubles_at(columns->imaginary, terms.from),
		.num_parameters = columns->num_parameters->i32[i],
		.n_initial = initial.n,
		.initial_parameters = doubles_at(columns->initial_parameter, initial.from),
		.optimizer = string_at(columns->optimizer, i),
		.ansatz = string_at(columns->ansatz, i),
		.noise_backend = string_at(columns->noise_backend, i),
		.default_shots = optional_int(columns->default_shots, i),
		.ansatz_reps = columns->ansatz_reps->i32[i],
		.init_strategy = string_at(columns->init_strategy, i),
		.ansatz_name = string_at(columns->ansatz_name, i),
		.seed = optional_int(columns->seed, i),
		.exact_estimator = optional_bool(columns->exact_estimator, i),
	};
}

static void get_iterations(const struct columns *columns, size_t i, struct tarn_iterations *iterations)
{
	struct range range = items_of(columns->iteration_list, i);
	*iterations = (struct tarn_iterations){
		.n = range.n,
		.step = ints_at(columns->iteration, range.from),
		.energy = doubles_at(columns->result, range.from),
		.std = doubles_at(columns->std, range.from),
		.energy_delta = optional_doubles(columns->energy_delta, range.from),
		.parameter_delta_norm = optional_doubles(columns->parameter_delta_norm, range.from),
		.cumulative_min_energy = optional_doubles(columns->cumulative_min_energy, range.from),
		.parameter_offsets = columns->parameters->offsets + range.from,
		.parameters = doubles_at(columns->parameter, 0),
	};
}

static void get_outcome(const struct columns *columns, size_t i, struct tarn_record *record)
{
	struct range optimal = items_of(columns->optimal_parameters, i);
	record->minimum = columns->minimum->f64[i];
	record->n_optimal = optimal.n;
	record->optimal_parameters = doubles_at(columns->optimal_parameter, optimal.from);
	record->maxcv = optional_double(columns->maxcv, i);
	record->minimization_time = columns->minimization_time->f64[i];
	record->nuclear_repulsion_energy = optional_double(columns->nuclear_repulsion_energy, i);
	record->success = optional_bool(columns->success, i);
	record->nfev = optional_int(columns->nfev, i);
	record->nit = optional_int(columns->nit, i);
}

void tarn_record_batch_get(const struct tarn_record_batch *batch, size_t i, struct tarn_record *record)
{
	const struct columns *columns = &batch->columns;
	get_molecule(columns, i, &record->molecule);
	get_setup(columns, i, &record->setup);
	get_iterations(columns, i, &record->iterations);
	get_outcome(columns, i, record);
	record->basis_set = string_at(columns->basis_set, i);
	record->hamiltonian_time = columns->hamiltonian_time->f64[i];
	record->mapping_time = columns->mapping_time->f64[i];
	record->vqe_time = columns->vqe_time->f64[i];
	record->total_time = columns->total_time->f64[i];
	record->molecule_id = columns->molecule_id->i32[i];
	record->performance_start = string_at(columns->performance_start, i);
	record->performance_end = string_at(columns->performance_end, i);
}
