#include "stream/sink/assembly.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "stream/sink/datum_project.h"

/* A file whose offsets have this many gaps is sealed early, so that the list of them stays short. */
#define MAX_RANGES 1000
/* More open files of one partition than this are sealed early where the configuration does not say. */
#define MAX_OPEN 512
/* An object begins to go on to the store with this many bytes: a file costs a descriptor there, a part of an upload
 * memory. A folder gets them at once, while they are in the processor's cache and the disk has nothing else to do. */
#define LEAST_SPILL ((size_t)512 << 10)
#define LEAST_UPLOAD ((size_t)8 << 20)
/* Clocks that change more often than this in one group end it. */
#define MAX_RECIPE ((size_t)3600)

void tarn_workshop_init(struct tarn_workshop *workshop, size_t memory_limit)
{
	memset(workshop, 0, sizeof(*workshop));
	workshop->memory_limit = memory_limit;
	tarn_buf_init(&workshop->folder, 1 << 16);
	tarn_buf_init(&workshop->key, 1 << 17);
	tarn_buf_init(&workshop->record, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&workshop->projected, TARN_BUF_DEFAULT_MAX);
}

void tarn_workshop_release(struct tarn_workshop *workshop)
{
	tarn_buf_release(&workshop->folder);
	tarn_buf_release(&workshop->key);
	tarn_buf_release(&workshop->record);
	tarn_buf_release(&workshop->projected);
}

struct tarn_assembly *tarn_assembly_new(struct tarn_workshop *workshop, const char *topic, int32_t partition,
					int64_t offset)
{
	struct tarn_assembly *assembly = tarn_calloc(1, sizeof(*assembly));
	assembly->workshop = workshop;
	assembly->topic = tarn_strdup(topic);
	assembly->partition = partition;
	assembly->committed = assembly->next = offset;
	assembly->store_is_near = !strncmp(tarn_store_url(workshop->store), "file:", 5);
	tarn_rotation_init(&assembly->rotation, workshop->config, workshop->partitioner);
	return assembly;
}

static void discard(struct tarn_workshop *workshop, struct tarn_object_file **files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		workshop->memory -= files[i]->accounted;
		tarn_object_free(files[i]);
	}
}

void tarn_workshop_discard(struct tarn_workshop *workshop, struct tarn_object_group *group)
{
	discard(workshop, group->files, group->n);
	free(group->files);
	*group = (struct tarn_object_group){ 0 };
}

void tarn_assembly_free(struct tarn_assembly *assembly)
{
	if (!assembly)
		return;
	discard(assembly->workshop, assembly->open, assembly->n_open);
	discard(assembly->workshop, assembly->sealed, assembly->n_sealed);
	free(assembly->open);
	free(assembly->sealed);
	tarn_recipe_release(&assembly->recipe);
	tarn_recipe_release(&assembly->changes);
	free(assembly->clock_folder);
	free(assembly->topic);
	free(assembly);
}

static void account(struct tarn_workshop *workshop, struct tarn_object_file *file)
{
	size_t now = tarn_object_memory(file);
	workshop->memory += now - file->accounted;
	file->accounted = now;
}

/* ---- recipes ---- */

enum tarn_rc tarn_assembly_follow(struct tarn_assembly *assembly, const char *recipe, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_recipe_read(recipe, &assembly->recipe, err);
	if (rc)
		return rc;
	assembly->follows = true;
	assembly->next_cut = assembly->next_clock = 0;
	assembly->rotation.flush_size = assembly->recipe.flush_size;
	assembly->rotation.interval = assembly->rotation.schedule = assembly->rotation.longest_wait = TARN_NO_INTERVAL;
	return TARN_OK;
}

/* Puts what the open records need into the recipe of the sealed ones. `cut`: they were sealed for another reason than
 * their number, before this offset; or -1. */
static void extend_recipe(struct tarn_assembly *assembly, int64_t cut)
{
	struct tarn_recipe *recipe = &assembly->recipe;
	recipe->flush_size = assembly->rotation.flush_size;
	recipe->end = assembly->sealed_end;
	if (cut >= 0)
		tarn_recipe_cut(recipe, cut);
	if (!tarn_partitioner_is_wallclock(assembly->workshop->partitioner))
		return;
	if (!recipe->n_clocks || recipe->clocks[recipe->n_clocks - 1].time != assembly->clock.time)
		tarn_recipe_set_clock(recipe, assembly->clock.offset, assembly->clock.time);
	for (size_t i = 0; i < assembly->changes.n_clocks; i++)
		tarn_recipe_set_clock(recipe, assembly->changes.clocks[i].offset, assembly->changes.clocks[i].time);
	if (assembly->changes.n_clocks)
		assembly->clock.time = assembly->changes.clocks[assembly->changes.n_clocks - 1].time;
	tarn_recipe_clear(&assembly->changes);
}

/* Notes that from this offset on records go to another folder because of the clock. */
static void note_clock(struct tarn_assembly *assembly, int64_t offset, int64_t now, struct tarn_slice folder)
{
	bool first = !assembly->rotation.records;
	bool same = assembly->clock_folder && tarn_slice_eq(folder, tarn_slice_str(assembly->clock_folder));
	if (first)
		assembly->clock.offset = offset;
	if (same)
		return;
	free(assembly->clock_folder);
	assembly->clock_folder = tarn_asprintf("%.*s", (int)folder.len, (const char *)folder.data);
	if (first)
		assembly->clock.time = now;
	else
		tarn_recipe_set_clock(&assembly->changes, offset, now);
}

static int64_t recipe_clock(struct tarn_assembly *assembly, int64_t offset, int64_t now)
{
	const struct tarn_recipe *recipe = &assembly->recipe;
	while (assembly->next_clock < recipe->n_clocks && recipe->clocks[assembly->next_clock].offset <= offset)
		assembly->next_clock++;
	return assembly->next_clock ? recipe->clocks[assembly->next_clock - 1].time : now;
}

/* ---- sealing ---- */

static int by_first_offset(const void *a, const void *b)
{
	const struct tarn_object_file *const *one = a, *const *other = b;
	int64_t x = (*one)->ranges[0].first, y = (*other)->ranges[0].first;
	return (x > y) - (x < y);
}

static enum tarn_rc seal(struct tarn_assembly *assembly, int64_t cut, struct tarn_err *err)
{
	if (!assembly->n_open)
		return TARN_OK;
	size_t total = assembly->n_sealed + assembly->n_open;
	assembly->sealed = tarn_grow(assembly->sealed, &assembly->cap_sealed, total, sizeof(struct tarn_object_file *));
	qsort(assembly->open, assembly->n_open, sizeof(struct tarn_object_file *), by_first_offset);
	for (size_t i = 0; i < assembly->n_open; i++) {
		enum tarn_rc rc = tarn_object_seal(assembly->open[i], err);
		if (rc)
			return rc;
		account(assembly->workshop, assembly->open[i]);
		assembly->sealed[assembly->n_sealed + i] = assembly->open[i];
	}
	assembly->n_sealed = total;
	assembly->n_open = 0;
	assembly->last = NULL;
	assembly->current = NULL;
	assembly->sealed_end = assembly->next;
	if (!assembly->follows)
		extend_recipe(assembly, cut);
	tarn_rotation_written(&assembly->rotation);
	return TARN_OK;
}

/* The recipe's last object is complete: live rules again, once it is written. */
static enum tarn_rc end_recipe(struct tarn_assembly *assembly, struct tarn_err *err)
{
	enum tarn_rc rc = seal(assembly, -1, err);
	if (rc)
		return rc;
	assembly->sealed_end = assembly->recipe.end;
	if (assembly->next < assembly->sealed_end)
		assembly->next = assembly->sealed_end;
	assembly->must_commit = true;
	return TARN_OK;
}

enum tarn_rc tarn_assembly_before(struct tarn_assembly *assembly, int64_t offset, struct tarn_err *err)
{
	if (!assembly->follows || assembly->must_commit || offset < assembly->recipe.end)
		return TARN_OK;
	return end_recipe(assembly, err);
}

enum tarn_rc tarn_assembly_tick(struct tarn_assembly *assembly, int64_t now, bool force, struct tarn_err *err)
{
	if (assembly->follows || (!force && !tarn_rotation_due(&assembly->rotation, now)))
		return TARN_OK;
	return seal(assembly, assembly->next, err);
}

/* ---- adding ---- */

static enum tarn_rc reject(struct tarn_assembly *assembly, const struct tarn_message *message, const char *stage,
			   bool tolerated, const struct tarn_err *why, struct tarn_err *err)
{
	struct tarn_workshop *workshop = assembly->workshop;
	struct tarn_dead_letter letter = { assembly->topic, assembly->partition, message,
					   stage,	    why->message,	 !assembly->has_letters };
	if (!tolerated)
		return tarn_fail(err, TARN_EINVALID, "%s, partition %d, offset %" PRId64 ": %s", assembly->topic,
				 assembly->partition, message->offset, why->message);
	assembly->has_letters = true;
	workshop->n_dead_letters++;
	return workshop->dead_letter(workshop->context, &letter, err);
}

static enum tarn_rc take_tombstone(struct tarn_assembly *assembly, const struct tarn_message *message,
				   struct tarn_err *err)
{
	struct tarn_err why;
	int how = assembly->workshop->config->null_values;
	assembly->workshop->n_tombstones++;
	if (how == TARN_NULLS_IGNORE)
		return TARN_OK;
	tarn_fail(&why, TARN_EINVALID, "the message has no value, and \"behavior.on.null.values\" is not \"ignore\"");
	bool tolerated = how == TARN_NULLS_DEAD_LETTER || assembly->workshop->config->tolerate_errors;
	return reject(assembly, message, "TASK_PUT", tolerated, &why, err);
}

static struct tarn_object_file *find_open(struct tarn_assembly *assembly, struct tarn_slice folder, const void *schema)
{
	struct tarn_object_file *last = assembly->last;
	if (last && last->schema == schema && tarn_slice_eq(tarn_slice_str(last->folder), folder))
		return last;
	for (size_t i = 0; i < assembly->n_open; i++)
		if (assembly->open[i]->schema == schema &&
		    tarn_slice_eq(tarn_slice_str(assembly->open[i]->folder), folder))
			return assembly->open[i];
	return NULL;
}

/* Rules of Tarn's own that ask for sealing before a record is added to `file` (NULL: to a new one). */
static bool must_cut(const struct tarn_assembly *assembly, const struct tarn_object_file *file, int64_t offset)
{
	int32_t most = assembly->workshop->config->max_open_files;
	if (assembly->follows)
		return false;
	if (assembly->recipe.text_size + assembly->changes.text_size > MAX_RECIPE)
		return true;
	if (!file)
		return assembly->n_open >= (size_t)(most > 0 ? most : MAX_OPEN);
	return tarn_object_has_gap(file, offset) && (file->upload || file->n_ranges >= MAX_RANGES);
}

static struct tarn_object_file *open_file(struct tarn_assembly *assembly, struct tarn_slice folder,
					  const struct tarn_record_value *value, int64_t offset)
{
	struct tarn_workshop *workshop = assembly->workshop;
	tarn_buf_clear(&workshop->key);
	tarn_object_key(workshop->config, assembly->topic, assembly->partition, folder, offset, &workshop->key);
	struct tarn_object_file *file = tarn_object_new(workshop->config, tarn_buf_slice(&workshop->key), folder,
							value->schema, value->schema_text);
	assembly->open =
		tarn_grow(assembly->open, &assembly->cap_open, assembly->n_open + 1, sizeof(struct tarn_object_file *));
	assembly->open[assembly->n_open++] = file;
	return file;
}

/* ---- schema.compatibility ---- */

static bool projects(const struct tarn_assembly *assembly, const struct tarn_record_value *value)
{
	const struct tarn_connector_config *config = assembly->workshop->config;
	return config->compatibility != TARN_SINK_NONE && value->plan && config->format == TARN_SINK_AVRO;
}

/* Whether objects of the current schema may not take data of this one, as Connect has it. */
static bool schema_cuts(const struct tarn_assembly *assembly, const struct tarn_sink_schema *schema)
{
	if (!assembly->current || assembly->current == schema)
		return false;
	if (assembly->workshop->config->compatibility == TARN_SINK_FORWARD)
		return schema->version < assembly->current->version;
	return schema->version > assembly->current->version;
}

/* Makes the value one of the current schema. On failure the record is a bad one. */
static enum tarn_rc project_value(struct tarn_assembly *assembly, struct tarn_record_value *value, struct tarn_err *err)
{
	struct tarn_workshop *workshop = assembly->workshop;
	const struct tarn_sink_schema *current = assembly->current;
	tarn_buf_clear(&workshop->projected);
	enum tarn_rc rc = tarn_datum_project(value->plan, current->plan, value->datum, &workshop->projected, err);
	if (rc)
		return rc;
	tarn_buf_clear(&workshop->record);
	value->schema = current;
	value->schema_text = current->text;
	rc = tarn_datum_copy(current->plan, tarn_buf_slice(&workshop->projected), &workshop->record, err);
	value->record = tarn_buf_slice(&workshop->record);
	return rc;
}

/* ---- one record ---- */

/* What a message has become on its way into an object. */
struct arrival {
	const struct tarn_message *message;
	struct tarn_record_value value;
	int64_t time, now;
};

/* Whether the store may have what is complete, though memory is not short. An object whose name is taken stays, so that
 * it can be compared (tarn_assembly_check). */
static bool may_go_on(struct tarn_assembly *assembly, const struct tarn_object_file *file)
{
	int64_t size;
	if (!assembly->store_is_near || assembly->has_gaps)
		return false;
	if (!assembly->follows && !assembly->checked && !assembly->name_taken) {
		assembly->checked =
			tarn_store_size(assembly->workshop->store, file->key, &size, NULL) == TARN_ENOTFOUND;
		assembly->name_taken = !assembly->checked;
	}
	return assembly->follows || assembly->checked;
}

static enum tarn_rc add_to_file(struct tarn_assembly *assembly, struct tarn_object_file *file,
				const struct arrival *arrival, struct tarn_err *err)
{
	struct tarn_workshop *workshop = assembly->workshop;
	struct tarn_slice folder = tarn_buf_slice(&workshop->folder);
	int64_t offset = arrival->message->offset;
	if (tarn_partitioner_is_wallclock(workshop->partitioner) && !assembly->follows)
		note_clock(assembly, offset, arrival->now, folder);
	if (!file)
		file = open_file(assembly, folder, &arrival->value, offset);
	assembly->has_gaps |= tarn_object_has_gap(file, offset);
	enum tarn_rc rc = tarn_object_add(file, offset, arrival->value.record, err);
	if (!rc && file->body.len >= LEAST_SPILL && may_go_on(assembly, file))
		rc = tarn_object_spill(file, workshop->store, workshop->spilling, err);
	account(workshop, file);
	if (rc)
		return rc;
	assembly->last = file;
	assembly->next = offset + 1;
	workshop->n_records++;
	return tarn_rotation_count(&assembly->rotation, arrival->time, arrival->now) ? seal(assembly, -1, err)
										     : TARN_OK;
}

static enum tarn_rc add_record(struct tarn_assembly *assembly, struct arrival *arrival, struct tarn_err *err)
{
	struct tarn_slice folder = tarn_buf_slice(&assembly->workshop->folder);
	bool same_folder = assembly->last && tarn_slice_eq(tarn_slice_str(assembly->last->folder), folder);
	bool projecting = projects(assembly, &arrival->value);
	const struct tarn_sink_schema *own = projecting ? arrival->value.schema : NULL;
	const void *schema = projecting && assembly->current ? assembly->current : arrival->value.schema;
	struct tarn_object_file *file = find_open(assembly, folder, schema);
	struct tarn_err why = { 0 };
	enum tarn_rc rc = TARN_OK;
	if (projecting && own->version <= 0) {
		tarn_fail(&why, TARN_EINVALID,
			  "schema %u has no version under the subject \"%s-value\", which is needed to project it",
			  own->id, assembly->topic);
		return reject(assembly, arrival->message, "TASK_PUT", assembly->workshop->config->tolerate_errors, &why,
			      err);
	}
	if (tarn_rotation_before(&assembly->rotation, arrival->time, same_folder, arrival->now) ||
	    (projecting && schema_cuts(assembly, own)) || must_cut(assembly, file, arrival->message->offset)) {
		rc = seal(assembly, arrival->message->offset, err);
		file = NULL;
	}
	if (!rc && projecting && !assembly->current)
		assembly->current = own;
	if (!rc && projecting && assembly->current != own) {
		rc = project_value(assembly, &arrival->value, &why);
		if (rc)
			return reject(assembly, arrival->message, "TASK_PUT",
				      assembly->workshop->config->tolerate_errors, &why, err);
	}
	return rc ? rc : add_to_file(assembly, file, arrival, err);
}

/* Finds time and folder of a record; on failure the record is a bad one. */
static enum tarn_rc place_record(struct tarn_assembly *assembly, const struct tarn_message *message,
				 const struct tarn_record_value *value, int64_t now, int64_t *time,
				 struct tarn_err *err)
{
	struct tarn_workshop *workshop = assembly->workshop;
	struct tarn_partitioned record = { assembly->partition, message->timestamp, now, value->plan, value->datum };
	enum tarn_rc rc = TARN_OK;
	*time = now;
	if (tarn_partitioner_is_timed(workshop->partitioner))
		rc = tarn_partitioner_time(workshop->partitioner, &record, time, err);
	if (!rc)
		rc = tarn_partitioner_encode(workshop->partitioner, &record, *time, &workshop->folder, err);
	if (!rc && workshop->folder.overflow)
		rc = tarn_fail(err, TARN_ELIMIT, "the folder's name is too long");
	return rc;
}

static enum tarn_rc take_message(struct tarn_assembly *assembly, const struct tarn_message *message, int64_t now,
				 struct tarn_err *err)
{
	struct tarn_workshop *workshop = assembly->workshop;
	struct arrival arrival = { .message = message, .now = now };
	struct tarn_err why = { 0 };
	if (!message->value.data)
		return take_tombstone(assembly, message, err);
	enum tarn_rc rc = tarn_record_value(workshop->config, workshop->book, assembly->topic, message,
					    &workshop->record, &arrival.value, &why);
	bool tolerated = workshop->config->tolerate_errors;
	if (tarn_is_bad_record(rc))
		return reject(assembly, message, "VALUE_CONVERTER", tolerated, &why, err);
	if (!rc) {
		rc = place_record(assembly, message, &arrival.value, now, &arrival.time, &why);
		if (tarn_is_bad_record(rc))
			return reject(assembly, message, "TASK_PUT", tolerated, &why, err);
	}
	if (rc) {
		if (err)
			*err = why;
		return rc;
	}
	return add_record(assembly, &arrival, err);
}

enum tarn_rc tarn_assembly_add(struct tarn_assembly *assembly, const struct tarn_message *message, int64_t now,
			       struct tarn_err *err)
{
	const struct tarn_recipe *recipe = &assembly->recipe;
	enum tarn_rc rc = TARN_OK;
	if (assembly->follows) {
		now = recipe_clock(assembly, message->offset, now);
		while (!rc && assembly->next_cut < recipe->n_cuts &&
		       recipe->cuts[assembly->next_cut] <= message->offset) {
			rc = seal(assembly, -1, err);
			assembly->next_cut++;
		}
	}
	if (!rc)
		rc = take_message(assembly, message, now, err);
	if (rc)
		return rc;
	assembly->next = message->offset + 1;
	if (assembly->follows && assembly->next >= recipe->end)
		return end_recipe(assembly, err);
	if (!assembly->follows && tarn_recipe_is_full(recipe))
		assembly->must_commit = true;
	return TARN_OK;
}

enum tarn_rc tarn_assembly_relieve(struct tarn_assembly *assembly, struct tarn_err *err)
{
	struct tarn_workshop *workshop = assembly->workshop;
	size_t least = assembly->store_is_near ? LEAST_SPILL : LEAST_UPLOAD;
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; !rc && i < assembly->n_open; i++) {
		struct tarn_object_file *file = assembly->open[i];
		if (!tarn_object_can_spill(file) || (file->body.len < least && !file->upload))
			continue;
		rc = tarn_object_spill(file, workshop->store, workshop->spilling, err);
		tarn_object_shrink(file);
		account(workshop, file);
	}
	return rc;
}

/* ---- groups ---- */

int64_t tarn_assembly_end(const struct tarn_assembly *assembly)
{
	if (assembly->follows) /* all of a recipe's objects or none */
		return assembly->must_commit ? assembly->sealed_end : assembly->committed;
	if (assembly->n_sealed)
		return assembly->sealed_end;
	return assembly->n_open || assembly->writing ? assembly->committed : assembly->next;
}

bool tarn_assembly_has_group(const struct tarn_assembly *assembly)
{
	return assembly->follows ? assembly->must_commit : assembly->n_sealed > 0;
}

/* Names tell topic, partition and offset. Where a topic was made anew, or a store is used by two logs, they are taken,
 * by objects that must not be replaced. The first name tells. */
enum tarn_rc tarn_assembly_check(struct tarn_assembly *assembly, struct tarn_err *err)
{
	bool conflicts = false;
	if (assembly->follows || assembly->checked || !assembly->n_sealed)
		return TARN_OK;
	enum tarn_rc rc = tarn_object_conflicts(assembly->sealed[0], assembly->workshop->store, &conflicts, err);
	if (!rc && conflicts) {
		rc = tarn_fail(err, TARN_EEXISTS, "object \"%s\" is there, with other records",
			       assembly->sealed[0]->key);
		tarn_err_hint(err, "topics of the same name from another log? another topics.dir keeps both");
	}
	assembly->checked = !rc;
	return rc;
}

void tarn_assembly_take_group(struct tarn_assembly *assembly, struct tarn_object_group *group)
{
	size_t n = group->n + assembly->n_sealed;
	group->files = tarn_grow(group->files, &group->cap, n, sizeof(struct tarn_object_file *));
	for (size_t i = 0; i < assembly->n_sealed; i++)
		group->files[group->n++] = assembly->sealed[i];
	assembly->n_sealed = 0;
	assembly->must_commit = false;
	assembly->writing = true;
	assembly->writing_end = assembly->sealed_end;
	if (!assembly->follows)
		tarn_recipe_clear(&assembly->recipe);
}

void tarn_assembly_written(struct tarn_assembly *assembly)
{
	assembly->committed = assembly->writing_end;
	assembly->writing = false;
	if (!assembly->follows)
		return;
	assembly->follows = false;
	tarn_recipe_clear(&assembly->recipe);
	tarn_rotation_init(&assembly->rotation, assembly->workshop->config, assembly->workshop->partitioner);
}
