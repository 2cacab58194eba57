/* The objects of one Kafka partition while they are made: from messages to a group of finished objects with its recipe.
 *
 * Open objects take records; when a rule of rotation holds they are all sealed, and everything before `sealed_end` is
 * in sealed objects then (or was a dead letter). Sealed objects wait for the task, which commits the recipe, takes the
 * group, writes it, and tells; messages can be added meanwhile, but where `must_commit` says that they cannot. One
 * thread. */
#ifndef TARN_STREAM_SINK_ASSEMBLY_H
#define TARN_STREAM_SINK_ASSEMBLY_H

#include "stream/sink/object_file.h"
#include "stream/sink/recipe.h"
#include "stream/sink/record_value.h"
#include "stream/sink/rotation.h"

/* A message that cannot become a record, and why. */
struct tarn_dead_letter {
	const char *topic;
	int32_t partition;
	const struct tarn_message *message;
	const char *stage; /* of Connect: "VALUE_CONVERTER", "TASK_PUT" */
	const char *reason;
	bool first; /* since the partition was assigned: whoever had it before may have sent this one and some behind it
		     */
};

/* What the assemblies of a task share. */
struct tarn_workshop {
	const struct tarn_connector_config *config;
	struct tarn_store *store;
	struct tarn_worker *spilling; /* adds what is complete of open objects to the store */
	struct tarn_partitioner *partitioner;
	struct tarn_schema_book *book;
	/* Takes a dead letter; it must be durable before the offset behind it is committed. */
	enum tarn_rc (*dead_letter)(void *context, const struct tarn_dead_letter *letter, struct tarn_err *err);
	void *context;
	struct tarn_buf folder, key, record, projected;
	size_t memory; /* of open and sealed objects, and of those that are written */
	size_t memory_limit;
	int64_t n_records, n_objects, n_bytes, n_dead_letters, n_tombstones;
};

void tarn_workshop_init(struct tarn_workshop *workshop, size_t memory_limit);
void tarn_workshop_release(struct tarn_workshop *workshop);

struct tarn_assembly {
	struct tarn_workshop *workshop;
	char *topic;
	int32_t partition;
	int64_t committed; /* what the source knows: objects of everything before it are durable */
	int64_t told;	   /* what was committed last: the same, or less while that waits */
	int64_t next;	   /* behind the last message taken */
	struct tarn_rotation rotation;

	struct tarn_object_file **open, **sealed;
	size_t n_open, cap_open, n_sealed, cap_sealed;
	struct tarn_object_file *last;		/* open object of the last record, or NULL */
	const struct tarn_sink_schema *current; /* where schemas are projected: that of the open objects */
	int64_t sealed_end;			/* where n_sealed > 0 */
	bool writing;				/* a group was taken and is not written yet */
	int64_t writing_end;

	struct tarn_recipe recipe;	/* of the sealed objects; or the one that is followed */
	struct tarn_recipe_clock clock; /* in effect, and since when within the open records */
	struct tarn_recipe changes;	/* of the clock since the first open record */
	char *clock_folder;
	bool follows; /* a recipe from before a crash */
	size_t next_cut, next_clock;
	bool store_is_near; /* a folder */
	bool has_gaps;	    /* offsets of an object had one: such objects cannot go on to the store, or are cut by it */
	bool checked;	    /* nobody else's objects are in the way of this partition's */
	bool name_taken;    /* something has the first one's name: compared when it is sealed */
	bool has_letters;   /* one was sent */
	bool must_commit;   /* nothing may be added before the sealed objects are written */
};

struct tarn_assembly *tarn_assembly_new(struct tarn_workshop *workshop, const char *topic, int32_t partition,
					int64_t offset);
void tarn_assembly_free(struct tarn_assembly *assembly);
/* Makes the objects of a recipe that was committed with the offset. */
enum tarn_rc tarn_assembly_follow(struct tarn_assembly *assembly, const char *recipe,
				  struct tarn_err *err) TARN_MUST_CHECK;

/* Would this message come behind a recipe's end? Seals then, and the group must be written before the message is added.
 */
enum tarn_rc tarn_assembly_before(struct tarn_assembly *assembly, int64_t offset, struct tarn_err *err) TARN_MUST_CHECK;
/* Takes a message at a rising offset. `now`: wall clock, milliseconds. Errors are the task's, not the message's. */
enum tarn_rc tarn_assembly_add(struct tarn_assembly *assembly, const struct tarn_message *message, int64_t now,
			       struct tarn_err *err) TARN_MUST_CHECK;
/* Seals what is open where a rule of time says so; `force` does it in any case, but not while a recipe is followed. */
enum tarn_rc tarn_assembly_tick(struct tarn_assembly *assembly, int64_t now, bool force,
				struct tarn_err *err) TARN_MUST_CHECK;
/* Frees memory while the workshop has too much of it: hands what is large to the store. */
enum tarn_rc tarn_assembly_relieve(struct tarn_assembly *assembly, struct tarn_err *err) TARN_MUST_CHECK;

/* The offset that may be committed once the sealed objects are written. */
int64_t tarn_assembly_end(const struct tarn_assembly *assembly);
/* Whether there is a group to write, and whether its recipe was committed before. */
bool tarn_assembly_has_group(const struct tarn_assembly *assembly);
/* Before a recipe is committed: TARN_EEXISTS where another object has the name of the partition's first one. Once a
 * recipe is committed its objects are replaced, as they may be there already. */
enum tarn_rc tarn_assembly_check(struct tarn_assembly *assembly, struct tarn_err *err) TARN_MUST_CHECK;
/* Objects that are written together. Zeroed is empty. */
struct tarn_object_group {
	struct tarn_object_file **files;
	size_t n, cap;
};
/* After its recipe was committed: moves the sealed objects to the end of *group. */
void tarn_assembly_take_group(struct tarn_assembly *assembly, struct tarn_object_group *group);
/* What was taken is durable. */
void tarn_assembly_written(struct tarn_assembly *assembly);
/* Frees the objects; the group is empty then. */
void tarn_workshop_discard(struct tarn_workshop *workshop, struct tarn_object_group *group);

#endif
