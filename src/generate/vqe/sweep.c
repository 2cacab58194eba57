#include "generate/vqe/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json_text.h"
#include "base/point.h"

enum run_state { WAITING, RUNNING, STAGED, DONE, FAILED };

struct execution {
	const struct tarn_sweep *batch;
	const struct tarn_sweep_options *options;
	char *folder;
	int lock_fd;
	pthread_mutex_t lock; /* of all below */
	enum run_state *states;
	char **staged;    /* path of a staged file, by run */
	double *energies; /* total */
	size_t next;      /* run to begin */
	size_t next_place; /* run to be given a place */
	struct tarn_sweep_progress progress;
	size_t begun_here;
	int64_t begin_ns;
	enum tarn_rc broken; /* nothing more can be written */
	struct tarn_err err;
};

/* ---- progress ---- */

static void tell(struct execution *execution)
{
	struct tarn_sweep_progress *progress = &execution->progress;
	size_t finished = progress->done + progress->failed;
	progress->seconds = (double)(tarn_monotonic_ns() - execution->begin_ns) * 1e-9;
	progress->seconds_left =
		finished ? progress->seconds / (double)finished * (double)(progress->n - progress->before - finished) : -1;
	if (execution->options->progress)
		execution->options->progress(execution->options->context, progress);
}

static void note_energy(struct execution *execution, size_t i, double energy)
{
	execution->energies[i] = energy;
	if (energy >= execution->progress.lowest)
		return;
	execution->progress.lowest = energy;
	execution->progress.lowest_label = execution->batch->runs[i].label;
}

/* ---- what is on disk ---- */

static char *done_path(const struct execution *execution, size_t i)
{
	return tarn_asprintf("%s/%s.done", execution->folder, execution->batch->runs[i].key);
}

static enum tarn_rc lock_folder(struct execution *execution, struct tarn_err *err)
{
	char *path = tarn_asprintf("%s/.tarn-batch", execution->options->out);
	enum tarn_rc rc = tarn_make_folders(execution->folder, err);
	if (!rc)
		rc = tarn_fsync_path(path, err);
	if (!rc)
		rc = tarn_fsync_path(execution->options->out, err);
	free(path);
	path = tarn_asprintf("%s/lock", execution->folder);
	if (!rc) {
		execution->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
		if (execution->lock_fd < 0)
			rc = tarn_fail_errno(err, "\"%s\"", path);
		else if (flock(execution->lock_fd, LOCK_EX | LOCK_NB))
			rc = tarn_fail(err, TARN_EBUSY, "another process runs this batch (\"%s\" is locked)", path);
	}
	free(path);
	return rc;
}

/* Before any thread starts. */
static void read_done(struct execution *execution, size_t i)
{
	char *path = done_path(execution, i);
	json_t *account = json_load_file(path, 0, NULL);
	json_t *energy = json_object_get(account, "energy");
	if (json_is_number(energy)) {
		execution->states[i] = DONE;
		execution->progress.before++;
		note_energy(execution, i, json_number_value(energy));
	}
	json_decref(account);
	free(path);
}

static size_t find_run(const struct tarn_sweep *batch, const char *key)
{
	size_t i = 0;
	while (i < batch->n && strncmp(batch->runs[i].key, key, TARN_SWEEP_KEY_SIZE - 1))
		i++;
	return i;
}

static void take_entry(struct execution *execution, const char *name)
{
	size_t len = strlen(name), i = len > TARN_SWEEP_KEY_SIZE ? find_run(execution->batch, name) : execution->batch->n;
	char *path = tarn_asprintf("%s/%s", execution->folder, name);
	bool staged = len > 7 && !strcmp(name + len - 7, ".staged");
	if (staged && i < execution->batch->n && execution->states[i] == DONE) {
		unlink(path);
	} else if (staged && i < execution->batch->n && !execution->staged[i]) {
		execution->states[i] = STAGED;
		execution->staged[i] = path;
		note_energy(execution, i, strtod(name + TARN_SWEEP_KEY_SIZE, NULL));
		path = NULL;
	} else if (len > 4 && !strcmp(name + len - 4, ".tmp")) {
		unlink(path);
	}
	free(path);
}

static enum tarn_rc take_stock(struct execution *execution, struct tarn_err *err)
{
	for (size_t i = 0; i < execution->batch->n; i++)
		read_done(execution, i);
	DIR *entries = opendir(execution->folder);
	if (!entries)
		return tarn_fail_errno(err, "\"%s\"", execution->folder);
	for (struct dirent *entry; (entry = readdir(entries));)
		take_entry(execution, entry->d_name);
	closedir(entries);
	return TARN_OK;
}

static enum tarn_rc write_done(struct execution *execution, size_t i, const char *place, struct tarn_err *err)
{
	struct tarn_buf account;
	char *path = done_path(execution, i);
	tarn_buf_init(&account, 1 << 20);
	tarn_buf_add_str(&account, "{\"path\":");
	tarn_json_put_str(&account, place);
	tarn_buf_add_str(&account, ",\"energy\":");
	tarn_json_put_double(&account, execution->energies[i], tarn_format_double);
	tarn_buf_add_str(&account, ",\"run\":");
	tarn_json_put_str(&account, execution->batch->runs[i].label);
	tarn_buf_add_str(&account, "}\n");
	enum tarn_rc rc = tarn_file_replace(path, tarn_buf_slice(&account), err);
	tarn_buf_release(&account);
	free(path);
	return rc;
}

/* The topic in "<key>+<energy>+<topic>.staged". */
static char *topic_of(const char *staged)
{
	const char *topic = strrchr(staged, '+') + 1;
	return tarn_asprintf("%.*s", (int)(strlen(topic) - strlen(".staged")), topic);
}

static enum tarn_rc place_run(struct execution *execution, size_t i, struct tarn_err *err)
{
	char *place, *staged = execution->staged[i], *topic = topic_of(staged);
	enum tarn_rc rc = tarn_raw_place(execution->options->out, topic, tarn_raw_extension(execution->options->form.format),
					 staged, &place, err);
	free(topic);
	if (rc)
		return rc;
	rc = write_done(execution, i, place, err);
	free(place);
	if (rc)
		return rc;
	tarn_point("batch.done");
	unlink(staged);
	execution->states[i] = DONE;
	execution->progress.done++;
	return TARN_OK;
}

/* Holding the lock: all runs whose turn it is. */
static void place_runs(struct execution *execution)
{
	const struct tarn_sweep *batch = execution->batch;
	for (; execution->next_place < batch->n && !execution->broken; execution->next_place++) {
		enum run_state state = execution->states[execution->next_place];
		if (state == WAITING || state == RUNNING)
			return;
		if (state == STAGED)
			execution->broken = place_run(execution, execution->next_place, &execution->err);
	}
}

/* ---- a run ---- */

static enum tarn_rc stage(struct execution *execution, size_t i, const struct tarn_record *record, double energy,
			  char **staged, struct tarn_err *err)
{
	const struct tarn_raw_form *form = &execution->options->form;
	struct tarn_buf bytes;
	char *topic = tarn_raw_topic(record, form->version);
	char *path = tarn_asprintf("%s/%s+%.17g+%s.staged", execution->folder, execution->batch->runs[i].key, energy, topic);
	tarn_buf_init(&bytes, TARN_BUF_DEFAULT_MAX);
	enum tarn_rc rc = tarn_raw_encode(record, form, &bytes, err);
	if (!rc)
		rc = tarn_file_replace(path, tarn_buf_slice(&bytes), err);
	tarn_buf_release(&bytes);
	free(topic);
	if (rc) {
		free(path);
		return rc;
	}
	tarn_point("batch.staged");
	*staged = path;
	return TARN_OK;
}

static enum tarn_rc simulate_run(struct execution *execution, size_t i, char **staged, double *energy, struct tarn_err *err)
{
	const struct tarn_simulator *simulator = execution->options->simulator;
	struct tarn_simulation *simulation;
	enum tarn_rc rc = simulator->simulate(&execution->batch->runs[i].request, NULL, NULL, &simulation, err);
	if (rc)
		return rc;
	*energy = simulation->record.minimum + simulation->nuclear_repulsion_energy;
	rc = stage(execution, i, &simulation->record, *energy, staged, err);
	simulator->free_simulation(simulation);
	return rc;
}

/* Holding the lock. */
static void end_run(struct execution *execution, size_t i, enum tarn_rc rc, double energy, const struct tarn_err *err)
{
	execution->progress.running--;
	if (rc) {
		execution->states[i] = FAILED;
		execution->progress.failed++;
		if (execution->options->failed)
			execution->options->failed(execution->options->context, &execution->batch->runs[i], err);
	} else {
		execution->states[i] = STAGED;
		note_energy(execution, i, energy);
	}
	place_runs(execution);
	tell(execution);
}

static bool next_run(struct execution *execution, size_t *i)
{
	while (execution->next < execution->batch->n && execution->states[execution->next] != WAITING)
		execution->next++;
	if (execution->next == execution->batch->n || execution->broken)
		return false;
	*i = execution->next++;
	execution->states[*i] = RUNNING;
	execution->progress.running++;
	return true;
}

static void *work(void *context)
{
	struct execution *execution = context;
	size_t i;
	pthread_mutex_lock(&execution->lock);
	while (next_run(execution, &i)) {
		struct tarn_err err = { 0 };
		double energy = 0;
		char *staged = NULL;
		tell(execution);
		pthread_mutex_unlock(&execution->lock);
		enum tarn_rc rc = simulate_run(execution, i, &staged, &energy, &err);
		pthread_mutex_lock(&execution->lock);
		execution->staged[i] = staged;
		end_run(execution, i, rc, energy, &err);
	}
	pthread_mutex_unlock(&execution->lock);
	return NULL;
}

static enum tarn_rc run_threads(struct execution *execution, int jobs, struct tarn_err *err)
{
	pthread_t *threads = tarn_calloc((size_t)jobs, sizeof(*threads));
	int n = 0, failed = 0;
	while (n < jobs && !failed) {
		failed = pthread_create(&threads[n], NULL, work, execution);
		n += !failed;
	}
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	if (n)
		return TARN_OK;
	errno = failed;
	return tarn_fail_errno(err, "a thread could not be started");
}

/* ---- the whole ---- */

static void begin(struct execution *execution, const struct tarn_sweep *batch, const struct tarn_sweep_options *options)
{
	*execution = (struct execution){
		.batch = batch,
		.options = options,
		.folder = tarn_asprintf("%s/.tarn-batch/%s", options->out, batch->hash),
		.lock_fd = -1,
		.states = tarn_calloc(batch->n, sizeof(enum run_state)),
		.staged = tarn_calloc(batch->n, sizeof(char *)),
		.energies = tarn_calloc(batch->n, sizeof(double)),
		.progress = { .n = batch->n, .lowest = INFINITY },
		.begin_ns = tarn_monotonic_ns(),
	};
	pthread_mutex_init(&execution->lock, NULL);
}

static void end(struct execution *execution)
{
	for (size_t i = 0; i < execution->batch->n; i++)
		free(execution->staged[i]);
	if (execution->lock_fd >= 0)
		close(execution->lock_fd);
	pthread_mutex_destroy(&execution->lock);
	free(execution->staged);
	free(execution->states);
	free(execution->energies);
	free(execution->folder);
}

enum tarn_rc tarn_sweep_execute(const struct tarn_sweep *batch, const struct tarn_sweep_options *options,
				struct tarn_sweep_progress *result, struct tarn_err *err)
{
	struct execution execution;
	begin(&execution, batch, options);
	enum tarn_rc rc = lock_folder(&execution, err);
	if (!rc)
		rc = take_stock(&execution, err);
	if (!rc) {
		place_runs(&execution);
		tell(&execution);
		rc = run_threads(&execution, options->jobs > 0 ? options->jobs : 1, err);
	}
	if (!rc && execution.broken) {
		rc = execution.broken;
		if (err)
			*err = execution.err;
	}
	if (!rc)
		*result = execution.progress;
	end(&execution);
	return rc;
}
