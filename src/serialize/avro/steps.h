/* What a plan is inside: the steps that plan.c makes and plan_decode.c runs. */
#ifndef TARN_SERIALIZE_AVRO_STEPS_H
#define TARN_SERIALIZE_AVRO_STEPS_H

#include "base/alloc.h"
#include "serialize/avro/plan.h"

enum tarn_avro_op {
	/* One value of the writer's becomes one value of the column. */
	TARN_AVRO_READ_NULL,
	TARN_AVRO_READ_BOOLEAN,
	TARN_AVRO_READ_INT,
	TARN_AVRO_READ_LONG,
	TARN_AVRO_READ_FLOAT,
	TARN_AVRO_READ_DOUBLE,
	TARN_AVRO_READ_BYTES, /* bytes and strings */
	TARN_AVRO_READ_FIXED, /* n: size */
	TARN_AVRO_READ_ENUM,  /* table: n positions in the reader's enum, -1 where it has none */
	TARN_AVRO_INT_TO_LONG,
	TARN_AVRO_INT_TO_FLOAT,
	TARN_AVRO_INT_TO_DOUBLE,
	TARN_AVRO_LONG_TO_FLOAT,
	TARN_AVRO_LONG_TO_DOUBLE,
	TARN_AVRO_FLOAT_TO_DOUBLE,
	TARN_AVRO_READ_RECORD, /* first, n: the fields' steps */
	TARN_AVRO_READ_ARRAY,  /* first: an item's step; min_size: fewest bytes of an item */
	TARN_AVRO_READ_MAP,    /* first: a value's step; min_size: fewest bytes of key and value */
	/* The same column goes on with another step. */
	TARN_AVRO_READ_UNION, /* first, n: the writer's branches */
	TARN_AVRO_PRESENT,    /* not null; first: the value's step */
	TARN_AVRO_BRANCH,     /* n: the reader's branch; first: the value's step, in that branch's column */
	/* Values from elsewhere. */
	TARN_AVRO_PUT_NULL,
	TARN_AVRO_PUT_DEFAULT, /* table: n encoded bytes; first: the step that reads them */
	/* Values that nobody wants. */
	TARN_AVRO_SKIP_SIZE, /* n bytes */
	TARN_AVRO_SKIP_LONG, /* and int and enum */
	TARN_AVRO_SKIP_BYTES,
	TARN_AVRO_SKIP_RECORD,
	TARN_AVRO_SKIP_ARRAY, /* and map: the step of an item (a record of key and value) */
	TARN_AVRO_SKIP_UNION,
	/* Writer's types that the reader does not have. */
	TARN_AVRO_REFUSE,
};

struct tarn_avro_step {
	uint8_t op;
	uint32_t column;   /* field of the record that the step is in; 0 where it is not in a record */
	uint32_t first, n; /* other steps, by position */
	uint32_t min_size;
	const void *table;
};

/* Where a step is in the schemas; field names, innermost first. */
struct tarn_avro_step_place {
	const struct tarn_avro_step_place *outer;
	const char *name;
};

struct tarn_avro_plan {
	struct tarn_arena arena; /* tables and places */
	struct tarn_avro_step *steps; /* the first one reads a datum */
	const struct tarn_avro_step_place **places; /* one per step */
	size_t n_steps, capacity;
	uint32_t min_size; /* of a datum */
};

/* "vqe_result.minimum", or "" at the root; cut at the front where it is long. */
#define TARN_AVRO_PATH_SIZE 120
void tarn_avro_render_path(const struct tarn_avro_step_place *place, char path[TARN_AVRO_PATH_SIZE]);

#endif
