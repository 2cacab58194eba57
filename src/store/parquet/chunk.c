#include "store/parquet/chunk.h"

#include <assert.h>
#include <stdlib.h>

#include "base/number.h"

enum {
	PAGE_VALUES = 20000,      /* dictionary indices that a reader must look at one by one */
	PAGE_PLAIN = 1 << 17,     /* PLAIN values: repeats lie far apart, so that longer pages are much smaller */
	PAGE_ROWS_MAX = 1 << 20,  /* of a page that is nothing but long runs */
	DICTIONARY_TRIAL = 1024,
	CYCLE_MAX = 4096, /* a longer period is put value by value */
	SERIES_PREFIX_MAX = 4096,
};

void tarn_chunk_init(struct tarn_chunk *chunk, const struct tarn_parquet_leaf *leaf, struct tarn_chunk_tools *tools)
{
	*chunk = (struct tarn_chunk){
		.leaf = leaf,
		.tools = tools,
		.in_bytes = tarn_bounds_in_bytes(leaf),
		.mode = leaf->physical == PARQUET_BOOLEAN ? TARN_CHUNK_BITS : TARN_CHUNK_UNDECIDED,
		.ascending = true,
		.descending = true,
	};
	tarn_buf_init(&chunk->plain, TARN_BUF_DEFAULT_MAX);
	tarn_series_init(&chunk->series);
	tarn_dictionary_init(&chunk->dictionary, leaf->physical == PARQUET_BYTE_ARRAY);
	tarn_buf_init(&chunk->dictionary_page, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&chunk->data_pages, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&chunk->bound_bytes, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&chunk->column_index, TARN_BUF_DEFAULT_MAX);
}

void tarn_chunk_release_filling(struct tarn_chunk *chunk)
{
	tarn_runs_release(&chunk->reps);
	tarn_runs_release(&chunk->defs);
	tarn_runs_release(&chunk->indexes);
	tarn_buf_release(&chunk->plain);
	tarn_series_release(&chunk->series);
	tarn_dictionary_release(&chunk->dictionary);
}

void tarn_chunk_release(struct tarn_chunk *chunk)
{
	tarn_chunk_release_filling(chunk);
	tarn_buf_release(&chunk->dictionary_page);
	tarn_buf_release(&chunk->data_pages);
	tarn_buf_release(&chunk->bound_bytes);
	tarn_buf_release(&chunk->column_index);
	free(chunk->pages);
}

size_t tarn_chunk_bytes(const struct tarn_chunk *chunk)
{
	return chunk->dictionary_page.len + chunk->data_pages.len + chunk->plain.len + chunk->dictionary.plain.len +
	       chunk->series.prefixes.len + chunk->series.n * sizeof(struct tarn_series_piece) +
	       (chunk->indexes.n + chunk->defs.n + chunk->reps.n) * sizeof(struct tarn_run);
}

/* ---- PLAIN values ---- */

void tarn_chunk_write_series(struct tarn_chunk *chunk)
{
	struct tarn_buf *plain = &chunk->plain;
	if (!chunk->series.n)
		return;
	if (!plain->len && tarn_buf_room(plain, TARN_CHUNK_HEADROOM))
		plain->len = TARN_CHUNK_HEADROOM;
	tarn_series_write(&chunk->series, plain);
	tarn_series_clear(&chunk->series);
	chunk->series_size = 0;
}

/* Room for `size` bytes of values in the page. NULL where the page would pass the limit, which fails the group. */
static uint8_t *plain_room(struct tarn_chunk *chunk, size_t size)
{
	struct tarn_buf *plain = &chunk->plain;
	tarn_chunk_write_series(chunk);
	if (!plain->len && tarn_buf_room(plain, TARN_CHUNK_HEADROOM))
		plain->len = TARN_CHUNK_HEADROOM;
	return tarn_buf_room(plain, size);
}

static size_t plain_size(const struct tarn_chunk *chunk, size_t len)
{
	return chunk->leaf->physical == PARQUET_BYTE_ARRAY ? len + 4 : len;
}

static void add_plain(struct tarn_chunk *chunk, struct tarn_slice value, size_t count)
{
	size_t size = plain_size(chunk, value.len);
	uint8_t *at = count <= TARN_BUF_DEFAULT_MAX / (size + 1) ? plain_room(chunk, size * count) : NULL;
	if (!at) {
		chunk->plain.overflow = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (size != value.len) {
			uint32_t len = (uint32_t)value.len;
			memcpy(at, &len, 4);
			at += 4;
		}
		if (value.len)
			memcpy(at, value.data, value.len);
		at += value.len;
	}
	chunk->plain.len += size * count;
}

void tarn_chunk_drop_dictionary(struct tarn_chunk *chunk)
{
	assert(chunk->mode == TARN_CHUNK_UNDECIDED);
	for (size_t i = 0; i < chunk->indexes.n; i++) {
		const struct tarn_run *run = &chunk->indexes.items[i];
		if (run->period == 1) {
			add_plain(chunk, tarn_dictionary_value(&chunk->dictionary, run->value), run->count);
			continue;
		}
		for (uint32_t j = 0; j < run->count; j++)
			add_plain(chunk, tarn_dictionary_value(&chunk->dictionary, run->value + j % run->period), 1);
	}
	tarn_runs_release(&chunk->indexes);
	tarn_dictionary_release(&chunk->dictionary);
	chunk->mode = TARN_CHUNK_PLAIN;
}

/* ---- when a page is full ---- */

static size_t rows_until(size_t weight, size_t tail, size_t rows)
{
	size_t room = PAGE_VALUES - weight;
	return tarn_runs_growth(tail, rows) >= room ? room : rows;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t plain_held(const struct tarn_chunk *chunk)
{
	return chunk->plain.len ? chunk->plain.len - TARN_CHUNK_HEADROOM : chunk->series_size;
}

/* How many of `rows` rows of `size` PLAIN bytes the page takes before it is full. */
static size_t plain_fit(const struct tarn_chunk *chunk, size_t size, size_t rows)
{
	size_t held = plain_held(chunk);
	if (size)
		rows = least(rows, (chunk->tools->page_bytes - held + size - 1) / size);
	return least(rows, PAGE_PLAIN - chunk->page_rows);
}

static size_t run_fit(const struct tarn_chunk *chunk, unsigned def, size_t rows)
{
	rows = least(rows, PAGE_ROWS_MAX - chunk->page_rows);
	return chunk->leaf->node->def ? rows_until(chunk->defs.weight, tarn_runs_tail(&chunk->defs, def), rows) : rows;
}

static bool page_full(const struct tarn_chunk *chunk)
{
	if (chunk->mode == TARN_CHUNK_PLAIN)
		return chunk->page_rows >= PAGE_PLAIN || chunk->defs.weight >= 4 * PAGE_VALUES ||
		       plain_held(chunk) >= chunk->tools->page_bytes;
	return chunk->page_rows >= PAGE_ROWS_MAX || chunk->indexes.weight >= PAGE_VALUES ||
	       chunk->defs.weight >= PAGE_VALUES || chunk->reps.weight >= PAGE_VALUES;
}

/* Between rows only: what was put so far keeps its dictionary if that pays, what follows is PLAIN. */
static void leave_dictionary(struct tarn_chunk *chunk)
{
	tarn_chunk_end_page(chunk);
	if (chunk->mode == TARN_CHUNK_UNDECIDED)
		tarn_chunk_drop_dictionary(chunk);
	chunk->mode = TARN_CHUNK_PLAIN;
}

static void end_rows(struct tarn_chunk *chunk, size_t rows)
{
	chunk->page_rows += rows;
	if (page_full(chunk))
		tarn_chunk_end_page(chunk);
	if (chunk->dictionary.plain.len > chunk->tools->dictionary_bytes)
		leave_dictionary(chunk);
}

void tarn_chunk_end_row(struct tarn_chunk *chunk)
{
	end_rows(chunk, 1);
}

/* ---- levels and values ---- */

void tarn_chunk_add_levels(struct tarn_chunk *chunk, unsigned rep, unsigned def, size_t count)
{
	const struct tarn_parquet_node *node = chunk->leaf->node;
	if (node->rep)
		tarn_runs_add(&chunk->reps, rep, count);
	if (node->def)
		tarn_runs_add(&chunk->defs, def, count);
	if (def < node->def)
		chunk->page_nulls += count;
}

static void observe(struct tarn_chunk *chunk, const struct tarn_chunk_value *value)
{
	if (value->nan)
		return;
	if (chunk->in_bytes)
		tarn_bounds_add_bytes(&chunk->page_bounds, value->order);
	else
		tarn_bounds_add_keys(&chunk->page_bounds, value->key, value->key);
}

/* Whether the first values of a chunk repeat often enough to go on. */
static bool trial_fails(const struct tarn_chunk *chunk)
{
	return chunk->mode == TARN_CHUNK_UNDECIDED && chunk->dictionary.n == DICTIONARY_TRIAL &&
	       chunk->page_values < 2 * DICTIONARY_TRIAL;
}

/* Adds a new value; false where the chunk turns PLAIN instead. */
static bool add_to_dictionary(struct tarn_chunk *chunk, struct tarn_slice value, uint32_t hash, bool between_rows,
			      uint32_t *index)
{
	size_t size = chunk->dictionary.plain.len + plain_size(chunk, value.len);
	if (trial_fails(chunk)) {
		tarn_chunk_drop_dictionary(chunk);
		if (between_rows && page_full(chunk))
			tarn_chunk_end_page(chunk);
		return false;
	}
	if (size > chunk->tools->dictionary_bytes && between_rows) {
		leave_dictionary(chunk);
		return false;
	}
	if (size > TARN_BUF_DEFAULT_MAX) {
		chunk->plain.overflow = true; /* fails the page, and the group with it */
		*index = chunk->newest;
		return true;
	}
	*index = tarn_dictionary_add(&chunk->dictionary, value, hash);
	return true;
}

/* The value's number in the dictionary, added where it is new; false where the chunk is, or has now become, PLAIN.
 * Between rows a page may end here; within a row the dictionary may pass its limit until the row ends. */
static bool resolve(struct tarn_chunk *chunk, struct tarn_slice value, bool between_rows, uint32_t *index)
{
	struct tarn_dictionary *dictionary = &chunk->dictionary;
	uint32_t hash;
	if (chunk->mode == TARN_CHUNK_PLAIN)
		return false;
	*index = chunk->newest;
	if (dictionary->n && tarn_slice_eq(tarn_dictionary_value(dictionary, chunk->newest), value))
		return true;
	*index = tarn_dictionary_find(dictionary, value, &hash);
	if (*index == TARN_DICTIONARY_NONE && !add_to_dictionary(chunk, value, hash, between_rows, index))
		return false;
	chunk->newest = *index;
	return true;
}

static void count_values(struct tarn_chunk *chunk, const struct tarn_chunk_value *value, size_t count)
{
	chunk->page_values += count;
	chunk->page_plain += (uint64_t)plain_size(chunk, value->bytes.len) * count;
	if (value->nan)
		chunk->page_nans += count;
}

void tarn_chunk_add_values(struct tarn_chunk *chunk, const struct tarn_chunk_value *value, size_t count)
{
	uint32_t index = (uint32_t)value->key;
	observe(chunk, value);
	if (chunk->mode == TARN_CHUNK_BITS || resolve(chunk, value->bytes, false, &index))
		tarn_runs_add(&chunk->indexes, index, count);
	else
		add_plain(chunk, value->bytes, count);
	count_values(chunk, value, count);
}

/* ---- flat columns ---- */

void tarn_chunk_put(struct tarn_chunk *chunk, const struct tarn_chunk_value *value, size_t rows)
{
	uint32_t index = (uint32_t)value->key;
	unsigned def = chunk->leaf->node->def;
	bool in_runs = chunk->mode == TARN_CHUNK_BITS || (rows && resolve(chunk, value->bytes, true, &index));
	while (rows) {
		size_t n;
		if (in_runs) {
			size_t tail = tarn_runs_tail(&chunk->indexes, index);
			n = rows_until(chunk->indexes.weight, tail, run_fit(chunk, def, rows));
			if (!tail)
				observe(chunk, value);
			tarn_runs_add(&chunk->indexes, index, n);
		} else {
			n = plain_fit(chunk, plain_size(chunk, value->bytes.len), rows);
			observe(chunk, value);
			add_plain(chunk, value->bytes, n);
		}
		tarn_chunk_add_levels(chunk, 0, def, n);
		count_values(chunk, value, n);
		end_rows(chunk, n);
		/* The end of the first page may have dropped the dictionary. */
		in_runs = in_runs && chunk->mode != TARN_CHUNK_PLAIN;
		rows -= n;
	}
}

void tarn_chunk_put_nulls(struct tarn_chunk *chunk, size_t rows)
{
	unsigned def = chunk->leaf->node->outer_def;
	while (rows) {
		size_t n = chunk->mode == TARN_CHUNK_PLAIN ? plain_fit(chunk, 0, rows) : run_fit(chunk, def, rows);
		tarn_chunk_add_levels(chunk, 0, def, n);
		end_rows(chunk, n);
		rows -= n;
	}
}

/* Values that are known to be new need no dictionary. */
static void turn_plain(struct tarn_chunk *chunk)
{
	if (chunk->mode == TARN_CHUNK_PLAIN)
		return;
	if (chunk->mode == TARN_CHUNK_DICTIONARY)
		leave_dictionary(chunk);
	else
		tarn_chunk_drop_dictionary(chunk);
	if (page_full(chunk))
		tarn_chunk_end_page(chunk);
}

static size_t observe_doubles(struct tarn_bounds *bounds, const double *values, size_t n)
{
	int64_t min = INT64_MAX, max = INT64_MIN;
	size_t nans = 0;
	for (size_t i = 0; i < n; i++) {
		int64_t key = tarn_key_of_double(values[i]);
		if (values[i] != values[i]) {
			nans++;
			continue;
		}
		min = key < min ? key : min;
		max = key > max ? key : max;
	}
	if (nans < n)
		tarn_bounds_add_keys(bounds, min, max);
	return nans;
}

void tarn_chunk_put_doubles(struct tarn_chunk *chunk, const double *values, size_t rows)
{
	turn_plain(chunk);
	while (rows) {
		size_t n = plain_fit(chunk, sizeof(double), rows);
		uint8_t *at = plain_room(chunk, n * sizeof(double));
		if (at) {
			memcpy(at, values, n * sizeof(double));
			chunk->plain.len += n * sizeof(double);
		}
		chunk->page_nans += observe_doubles(&chunk->page_bounds, values, n);
		chunk->page_values += n;
		tarn_chunk_add_levels(chunk, 0, chunk->leaf->node->def, n);
		end_rows(chunk, n);
		values += n;
		rows -= n;
	}
}

/* ---- series ---- */

/* Strings of one length order as their numbers do, so the ends of the piece are its bounds. */
static void observe_series(struct tarn_chunk *chunk, struct tarn_slice prefix, int64_t first, int64_t last)
{
	uint8_t text[TARN_BOUND_SIZE + TARN_INT_TEXT_SIZE];
	if (prefix.len >= TARN_BOUND_SIZE) { /* the numbers are cut off anyway, as long as the value counts as cut */
		memcpy(text, prefix.data, TARN_BOUND_SIZE);
		text[TARN_BOUND_SIZE] = '0';
		tarn_bounds_add_bytes(&chunk->page_bounds, tarn_slice_of(text, TARN_BOUND_SIZE + 1));
		return;
	}
	if (prefix.len)
		memcpy(text, prefix.data, prefix.len);
	size_t len = tarn_format_int(first, (char *)text + prefix.len);
	tarn_bounds_add_bytes(&chunk->page_bounds, tarn_slice_of(text, prefix.len + len));
	len = tarn_format_int(last, (char *)text + prefix.len);
	tarn_bounds_add_bytes(&chunk->page_bounds, tarn_slice_of(text, prefix.len + len));
}

void tarn_chunk_put_series(struct tarn_chunk *chunk, struct tarn_slice prefix, int64_t first, size_t rows)
{
	char digits[TARN_INT_TEXT_SIZE];
	assert(first >= 0);
	turn_plain(chunk);
	while (rows) {
		size_t n_digits = tarn_format_int(first, digits), size = 4 + prefix.len + n_digits;
		size_t n = plain_fit(chunk, size, tarn_series_same_digits(first, n_digits, rows));
		tarn_series_add(&chunk->series, prefix, first, n);
		chunk->series_size += n * size;
		if (chunk->plain.len || prefix.len > SERIES_PREFIX_MAX)
			tarn_chunk_write_series(chunk);
		observe_series(chunk, prefix, first, first + (int64_t)(n - 1));
		chunk->page_values += n;
		tarn_chunk_add_levels(chunk, 0, chunk->leaf->node->def, n);
		end_rows(chunk, n);
		rows -= n;
		first = rows ? first + (int64_t)n : first;
	}
}

/* ---- cycles ---- */

static struct tarn_chunk_value value_of_int(const int32_t *number)
{
	return (struct tarn_chunk_value){ .bytes = tarn_slice_of(number, sizeof(*number)), .key = *number };
}

/* The dictionary number of `first`, if first, first + 1, ... have ascending numbers there (added where they are new).
 */
static bool resolve_cycle(struct tarn_chunk *chunk, int32_t first, int32_t period, uint32_t *base)
{
	for (int32_t i = 0; i < period; i++) {
		int32_t number = first + i;
		uint32_t index;
		if (!resolve(chunk, tarn_slice_of(&number, sizeof(number)), true, &index))
			return false;
		if (!i)
			*base = index;
		if (index != *base + (uint32_t)i)
			return false;
	}
	return true;
}

static void put_ints(struct tarn_chunk *chunk, int32_t first, int32_t period, size_t from, size_t rows)
{
	for (size_t i = from; i < from + rows; i++) {
		int32_t number = first + (int32_t)(i % (size_t)period);
		struct tarn_chunk_value value = value_of_int(&number);
		tarn_chunk_put(chunk, &value, 1);
	}
}

void tarn_chunk_put_cycle(struct tarn_chunk *chunk, int32_t first, int32_t period, size_t rows)
{
	uint32_t base;
	size_t done = 0;
	assert(period > 0);
	if (period == 1 || period > CYCLE_MAX || rows < (size_t)period || !resolve_cycle(chunk, first, period, &base)) {
		put_ints(chunk, first, period, 0, rows);
		return;
	}
	while (done < rows && chunk->mode != TARN_CHUNK_PLAIN) {
		size_t phase = done % (size_t)period;
		if (phase) { /* a page ended within the period */
			size_t rest = least((size_t)period - phase, rows - done);
			put_ints(chunk, first, period, done, rest);
			done += rest;
			continue;
		}
		size_t n =
			least(PAGE_VALUES - chunk->indexes.weight, run_fit(chunk, chunk->leaf->node->def, rows - done));
		int32_t top = first + (int32_t)least(n, (size_t)period) - 1;
		tarn_bounds_add_keys(&chunk->page_bounds, first, top);
		tarn_runs_add_cycle(&chunk->indexes, base, (uint32_t)period, n);
		tarn_chunk_add_levels(chunk, 0, chunk->leaf->node->def, n);
		chunk->page_values += n;
		chunk->page_plain += n * sizeof(first);
		end_rows(chunk, n);
		done += n;
	}
	put_ints(chunk, first, period, done, rows - done);
}
