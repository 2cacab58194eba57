#include "stream/sink/sink_task.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/point.h"

/* How long a task sleeps at most while nothing comes. */
#define LONGEST_POLL INT64_C(1000)
/* How long a task that lost its partitions waits to be told so. */
#define LONGEST_FENCED INT64_C(60000)

/* The writing of groups, from the commit of their recipes to their objects' durability. Whoever performs it uses
 * nothing else of the run. */
struct round {
	bool under_way;
	struct tarn_source *source;
	struct tarn_source_commit *commits;
	size_t n_commits, cap_commits;
	struct tarn_arena arena; /* of their texts */
	struct tarn_object_group group;
	struct tarn_store *store;
	struct tarn_worker *spilling;
	int64_t spilled; /* its calls that the group's objects need */
};

struct run {
	const struct tarn_sink_task *task;
	struct tarn_workshop workshop;
	struct tarn_assembly **assemblies;
	size_t n, cap;
	struct tarn_assembly *last; /* of the last messages */
	struct round round;
	struct tarn_worker *writing; /* performs rounds while messages keep coming */
	int64_t fenced_since;	     /* a commit was refused then, and nothing was assigned since; 0: no */
	struct tarn_err *err;
};

static int64_t now_ms(void)
{
	return tarn_now_us() / 1000;
}

/* ---- commits ---- */

/* Collects recipes of groups that have none yet, and the ends of what is durable. Both for every partition where
 * either is new. */
static void collect_commits(struct run *run, bool with_recipes)
{
	struct round *round = &run->round;
	round->n_commits = 0;
	round->commits = tarn_grow(round->commits, &round->cap_commits, run->n + 1, sizeof(*round->commits));
	tarn_arena_clear(&round->arena);
	for (size_t i = 0; i < run->n; i++) {
		struct tarn_assembly *assembly = run->assemblies[i];
		bool group = with_recipes && tarn_assembly_has_group(assembly) && !assembly->follows;
		int64_t offset = tarn_assembly_has_group(assembly) ? assembly->committed : tarn_assembly_end(assembly);
		if (!group && offset == assembly->told)
			continue;
		struct tarn_buf recipe;
		tarn_buf_init(&recipe, 2 * TARN_RECIPE_MAX_TEXT);
		if (group)
			tarn_recipe_write(&assembly->recipe, &recipe);
		round->commits[round->n_commits++] = (struct tarn_source_commit){
			assembly->topic, assembly->partition, offset,
			tarn_arena_strndup(&round->arena, recipe.len ? (const char *)recipe.data : "", recipe.len)
		};
		assembly->told = offset;
		assembly->committed = offset;
		tarn_buf_release(&recipe);
	}
}

/* Once what was collected. */
static enum tarn_rc commit(struct round *round, struct tarn_err *err)
{
	size_t n = round->n_commits;
	round->n_commits = 0;
	return n ? tarn_source_commit(round->source, round->commits, n, err) : TARN_OK;
}

static enum tarn_rc commit_ends(struct run *run)
{
	enum tarn_rc rc = run->task->flush_dead_letters(run->task->context, run->err);
	collect_commits(run, false);
	if (!rc)
		rc = commit(&run->round, run->err);
	tarn_point("sink.committed");
	return rc;
}

static bool any_group(const struct run *run)
{
	for (size_t i = 0; i < run->n; i++)
		if (tarn_assembly_has_group(run->assemblies[i]))
			return true;
	return false;
}

/* ---- rounds ---- */

/* Takes the objects of all groups that are sealed. */
static enum tarn_rc begin_round(struct run *run)
{
	struct round *round = &run->round;
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; !rc && i < run->n; i++)
		rc = tarn_assembly_check(run->assemblies[i], run->err);
	if (!rc)
		rc = run->task->flush_dead_letters(run->task->context, run->err);
	if (!rc)
		collect_commits(run, true);
	if (!rc && !round->source->commits_aside)
		rc = commit(round, run->err);
	if (rc)
		return rc;
	for (size_t i = 0; i < run->n; i++)
		if (tarn_assembly_has_group(run->assemblies[i]))
			tarn_assembly_take_group(run->assemblies[i], &round->group);
	round->spilled = tarn_worker_given(round->spilling);
	round->under_way = true;
	return TARN_OK;
}

static enum tarn_rc perform_round(void *context, struct tarn_slice unused, struct tarn_err *err)
{
	struct round *round = context;
	(void)unused;
	enum tarn_rc rc = commit(round, err);
	tarn_point("sink.recipe");
	if (!rc)
		rc = tarn_worker_wait(round->spilling, round->spilled, err);
	for (size_t i = 0; !rc && i < round->group.n; i++) {
		rc = tarn_object_write(round->group.files[i], round->store, err);
		tarn_point("sink.object");
	}
	tarn_point("sink.written");
	if (!rc)
		rc = tarn_store_sync(round->store, err);
	tarn_point("sink.synced");
	return rc;
}

/* It was performed. The ends of its groups are committed with the next round, or when it is quiet. */
static void end_round(struct run *run)
{
	for (size_t i = 0; i < run->n; i++)
		if (run->assemblies[i]->writing)
			tarn_assembly_written(run->assemblies[i]);
	run->workshop.n_objects += (int64_t)run->round.group.n;
	tarn_workshop_discard(&run->workshop, &run->round.group);
	run->round.under_way = false;
}

/* Waits for the round that is under way, if one is. */
static enum tarn_rc await_round(struct run *run)
{
	if (!run->round.under_way)
		return TARN_OK;
	enum tarn_rc rc = tarn_worker_wait(run->writing, tarn_worker_given(run->writing), run->err);
	if (!rc)
		end_round(run);
	return rc;
}

/* Writes every group that is sealed before it returns. */
static enum tarn_rc write_groups(struct run *run)
{
	enum tarn_rc rc = await_round(run);
	if (rc || !any_group(run))
		return rc;
	rc = begin_round(run);
	if (!rc)
		rc = perform_round(&run->round, tarn_slice_of(NULL, 0), run->err);
	if (!rc)
		end_round(run);
	return rc;
}

/* Has them written while the task goes on. */
static enum tarn_rc write_groups_aside(struct run *run)
{
	enum tarn_rc rc = begin_round(run);
	if (!rc)
		rc = tarn_worker_hand_over(run->writing, perform_round, &run->round, NULL, run->err);
	return rc;
}

static void start_workers(struct run *run)
{
	run->workshop.spilling = run->round.spilling = tarn_worker_new();
	run->writing = tarn_worker_new();
}

/* Whatever became of what was handed over, it is over then. */
static void stop_workers(struct run *run)
{
	tarn_worker_free(run->writing);
	tarn_worker_free(run->workshop.spilling);
	tarn_workshop_discard(&run->workshop, &run->round.group);
	run->round.under_way = false;
}

/* ---- events ---- */

static struct tarn_assembly *find(struct run *run, const char *topic, int32_t partition)
{
	if (run->last && run->last->partition == partition && !strcmp(run->last->topic, topic))
		return run->last;
	for (size_t i = 0; i < run->n; i++)
		if (run->assemblies[i]->partition == partition && !strcmp(run->assemblies[i]->topic, topic))
			return run->last = run->assemblies[i];
	return NULL;
}

static enum tarn_rc assigned(struct run *run, const struct tarn_source_event *event)
{
	run->fenced_since = 0;
	struct tarn_assembly *assembly =
		tarn_assembly_new(&run->workshop, event->topic, event->partition, event->offset);
	assembly->told = event->offset;
	run->assemblies = tarn_grow(run->assemblies, &run->cap, run->n + 1, sizeof(struct tarn_assembly *));
	run->assemblies[run->n++] = assembly;
	/* Metadata of somebody else's commits are no recipe; then there is nothing to follow. */
	if (strncmp(event->metadata, "v1 ", 3))
		return TARN_OK;
	return tarn_assembly_follow(assembly, event->metadata, run->err);
}

static enum tarn_rc revoked(struct run *run, const struct tarn_source_event *event)
{
	struct tarn_assembly *gone = find(run, event->topic, event->partition);
	enum tarn_rc rc = await_round(run);
	tarn_worker_settle(run->workshop.spilling);
	for (size_t i = 0; gone && i < run->n; i++)
		if (run->assemblies[i] == gone) {
			run->assemblies[i] = run->assemblies[--run->n];
			break;
		}
	run->last = NULL;
	tarn_assembly_free(gone);
	return rc;
}

/* Memory is bounded: finished objects are written; else open ones go to the store, or are finished early. */
static enum tarn_rc relieve(struct run *run)
{
	size_t limit = run->workshop.memory_limit;
	enum tarn_rc rc = write_groups(run);
	for (size_t i = 0; !rc && run->workshop.memory > limit / 2 && i < run->n; i++)
		rc = tarn_assembly_relieve(run->assemblies[i], run->err);
	for (size_t i = 0; !rc && run->workshop.memory > limit / 2 && i < run->n; i++)
		rc = tarn_assembly_tick(run->assemblies[i], 0, true, run->err);
	return rc ? rc : write_groups(run);
}

static enum tarn_rc add(struct run *run, struct tarn_assembly *assembly, const struct tarn_message *message,
			int64_t now)
{
	enum tarn_rc rc = tarn_assembly_before(assembly, message->offset, run->err);
	if (!rc && assembly->must_commit)
		rc = write_groups(run);
	if (!rc)
		rc = tarn_assembly_add(assembly, message, now, run->err);
	if (!rc && assembly->must_commit)
		rc = write_groups(run);
	if (!rc && run->workshop.memory > run->workshop.memory_limit)
		rc = relieve(run);
	return rc;
}

static enum tarn_rc messages(struct run *run, const struct tarn_source_event *event)
{
	struct tarn_assembly *assembly = find(run, event->topic, event->partition);
	enum tarn_rc rc = TARN_OK;
	int64_t now = now_ms();
	for (size_t i = 0; assembly && !rc && i < event->n; i++)
		rc = add(run, assembly, &event->messages[i], now);
	return rc;
}

static enum tarn_rc handle(struct run *run, const struct tarn_source_event *event)
{
	switch (event->kind) {
	case TARN_SOURCE_ASSIGNED: return assigned(run, event);
	case TARN_SOURCE_REVOKED: return revoked(run, event);
	case TARN_SOURCE_MESSAGES: return messages(run, event);
	default: return TARN_OK;
	}
}

/* ---- the loop ---- */

static enum tarn_rc tick(struct run *run, int64_t now, int64_t *deadline)
{
	enum tarn_rc rc = TARN_OK;
	*deadline = INT64_MAX;
	for (size_t i = 0; !rc && i < run->n; i++) {
		rc = tarn_assembly_tick(run->assemblies[i], now, false, run->err);
		int64_t due = tarn_rotation_deadline(&run->assemblies[i]->rotation);
		*deadline = due < *deadline ? due : *deadline;
	}
	return rc;
}

static bool must_tell(const struct run *run)
{
	for (size_t i = 0; i < run->n; i++)
		if (!tarn_assembly_has_group(run->assemblies[i]) &&
		    tarn_assembly_end(run->assemblies[i]) != run->assemblies[i]->told)
			return true;
	return false;
}

static void publish(struct run *run, int64_t deadline)
{
	struct tarn_task_numbers *numbers = run->task->numbers;
	atomic_store_explicit(&numbers->records, run->workshop.n_records, memory_order_relaxed);
	atomic_store_explicit(&numbers->objects, run->workshop.n_objects, memory_order_relaxed);
	atomic_store_explicit(&numbers->dead_letters, run->workshop.n_dead_letters, memory_order_relaxed);
	atomic_store_explicit(&numbers->tombstones, run->workshop.n_tombstones, memory_order_relaxed);
	atomic_store_explicit(&numbers->partitions, (int64_t)run->n, memory_order_relaxed);
	atomic_store_explicit(&numbers->memory, (int64_t)run->workshop.memory, memory_order_relaxed);
	atomic_store_explicit(&numbers->next_rotation, deadline == INT64_MAX ? 0 : deadline, memory_order_relaxed);
}

/* Ends and begins rounds, and commits what is behind them. What is sealed while a round lasts shares the next one's
 * sync and commit. `quiet`: nothing is at hand, so the task may as well wait. */
static enum tarn_rc write_in_time(struct run *run, bool quiet, bool must_commit)
{
	bool done = run->round.under_way && tarn_worker_is_done(run->writing, tarn_worker_given(run->writing));
	enum tarn_rc rc = quiet || done ? await_round(run) : TARN_OK;
	if (rc || run->round.under_way)
		return rc;
	if (any_group(run))
		return quiet ? write_groups(run) : write_groups_aside(run);
	return quiet && must_commit ? commit_ends(run) : TARN_OK;
}

/* The source does not own its partitions any more, and will say so: until then their messages are nobody's. Whoever
 * owns them ends what was begun here. */
static enum tarn_rc give_up_partitions(struct run *run, int64_t now)
{
	stop_workers(run);
	start_workers(run);
	for (size_t i = 0; i < run->n; i++)
		tarn_assembly_free(run->assemblies[i]);
	run->n = 0;
	run->last = NULL;
	if (!run->fenced_since)
		run->fenced_since = now;
	return TARN_OK;
}

static enum tarn_rc loop(struct run *run)
{
	enum tarn_rc rc = TARN_OK;
	int64_t deadline = INT64_MAX;
	while (!rc && !atomic_load(run->task->stop)) {
		struct tarn_source_event event = { 0 };
		bool busy = any_group(run) || must_tell(run) || run->round.under_way;
		int64_t wait = deadline == INT64_MAX ? LONGEST_POLL : deadline - now_ms();
		wait = busy || wait < 0 ? 0 : wait > LONGEST_POLL ? LONGEST_POLL : wait;
		rc = tarn_source_poll(run->task->source, wait, &event, run->err);
		if (!rc)
			rc = handle(run, &event);
		if (!rc)
			rc = tick(run, now_ms(), &deadline);
		bool quiet = event.kind == TARN_SOURCE_NOTHING;
		if (!rc)
			rc = write_in_time(run, quiet, busy);
		if (rc == TARN_ECONFLICT)
			rc = give_up_partitions(run, now_ms());
		if (!rc && run->fenced_since && now_ms() - run->fenced_since > LONGEST_FENCED)
			rc = tarn_fail(run->err, TARN_ECONFLICT,
				       "commits are refused, and no partitions were assigned since");
		publish(run, deadline);
	}
	return rc;
}

enum tarn_rc tarn_sink_task_run(const struct tarn_sink_task *task, struct tarn_err *err)
{
	struct run run = { .task = task, .err = err };
	tarn_workshop_init(&run.workshop, task->memory_limit ? task->memory_limit : TARN_SINK_MEMORY);
	tarn_arena_init(&run.round.arena);
	run.round.source = task->source;
	run.workshop.config = task->config;
	run.workshop.store = run.round.store = task->store;
	start_workers(&run);
	run.workshop.dead_letter = task->dead_letter;
	run.workshop.context = task->context;
	run.workshop.book = tarn_schema_book_new(&task->lookup, task->config->connect_meta_data);
	enum tarn_rc rc = tarn_partitioner_new(task->config, &run.workshop.partitioner, err);
	if (!rc)
		rc = loop(&run);
	if (!rc)
		rc = write_groups(&run);
	if (!rc)
		rc = commit_ends(&run);
	stop_workers(&run);
	for (size_t i = 0; i < run.n; i++)
		tarn_assembly_free(run.assemblies[i]);
	free(run.assemblies);
	free(run.round.commits);
	tarn_partitioner_free(run.workshop.partitioner);
	tarn_schema_book_free(run.workshop.book);
	tarn_workshop_release(&run.workshop);
	tarn_arena_release(&run.round.arena);
	return rc;
}
