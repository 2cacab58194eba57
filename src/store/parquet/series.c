#include "store/parquet/series.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/number.h"
#include "store/parquet/zstd_blocks.h"

void tarn_series_init(struct tarn_series *series)
{
	*series = (struct tarn_series){ 0 };
	tarn_buf_init(&series->prefixes, TARN_BUF_DEFAULT_MAX);
}

void tarn_series_release(struct tarn_series *series)
{
	free(series->pieces);
	tarn_buf_release(&series->prefixes);
	tarn_series_init(series);
}

void tarn_series_clear(struct tarn_series *series)
{
	series->n = 0;
	tarn_buf_clear(&series->prefixes);
}

static struct tarn_slice prefix_of(const struct tarn_series *series, const struct tarn_series_piece *piece)
{
	return tarn_slice_of(series->prefixes.data + piece->prefix, piece->prefix_len);
}

void tarn_series_add(struct tarn_series *series, struct tarn_slice prefix, int64_t first, size_t count)
{
	struct tarn_series_piece *last = series->n ? &series->pieces[series->n - 1] : NULL;
	if (last && (uint64_t)last->first + last->count == (uint64_t)first &&
	    tarn_slice_eq(prefix_of(series, last), prefix)) {
		last->count += count;
		return;
	}
	series->pieces = tarn_grow(series->pieces, &series->cap, series->n + 1, sizeof(*series->pieces));
	series->pieces[series->n++] = (struct tarn_series_piece){ series->prefixes.len, prefix.len, first, count };
	tarn_buf_add_slice(&series->prefixes, prefix);
}

size_t tarn_series_same_digits(int64_t first, size_t digits, size_t rows)
{
	uint64_t next = 1;
	for (size_t i = 0; i < digits; i++)
		next *= 10;
	return next - (uint64_t)first < rows ? (size_t)(next - (uint64_t)first) : rows;
}

/* ---- rows of one length: a piece, or the part of it whose numbers have as many digits ---- */

struct stretch {
	char digits[TARN_INT_TEXT_SIZE]; /* of the first number */
	size_t n_digits, rows;
	size_t size; /* of a row */
};

/* The stretch that begins `done` rows into the piece. */
static struct stretch stretch_at(const struct tarn_series_piece *piece, size_t done)
{
	struct stretch stretch;
	int64_t first = piece->first + (int64_t)done;
	stretch.n_digits = tarn_format_int(first, stretch.digits);
	stretch.rows = tarn_series_same_digits(first, stretch.n_digits, piece->count - done);
	stretch.size = 4 + piece->prefix_len + stretch.n_digits;
	return stretch;
}

/* Adds one to decimal digits that end before `end`, and says how many changed. They do not become more. */
static inline size_t count_up(char *end)
{
	char *digit = end - 1;
	while (*digit == '9')
		*digit-- = '0';
	++*digit;
	return (size_t)(end - digit);
}

static void write_row(struct tarn_slice prefix, const struct stretch *stretch, uint8_t *at)
{
	uint32_t len = (uint32_t)(stretch->size - 4);
	memcpy(at, &len, 4);
	if (prefix.len)
		memcpy(at + 4, prefix.data, prefix.len);
	memcpy(at + 4 + prefix.len, stretch->digits, stretch->n_digits);
}

void tarn_series_write(const struct tarn_series *series, struct tarn_buf *out)
{
	for (size_t i = 0; i < series->n; i++) {
		const struct tarn_series_piece *piece = &series->pieces[i];
		for (size_t done = 0; done < piece->count;) {
			struct stretch stretch = stretch_at(piece, done);
			uint8_t *at = tarn_buf_room(out, stretch.rows * stretch.size);
			if (!at)
				return;
			write_row(prefix_of(series, piece), &stretch, at);
			for (size_t row = 1; row < stretch.rows; row++) {
				memcpy(at + stretch.size, at, stretch.size);
				at += stretch.size;
				count_up((char *)at + stretch.size);
			}
			out->len += stretch.rows * stretch.size;
			done += stretch.rows;
		}
	}
}

/* ---- compressing ---- */

enum { STRETCHES_MAX = TARN_INT_TEXT_SIZE, FAR_BACK = 10 };

/* The stretches of a piece: the same for all pieces with its numbers and length of prefix. */
struct layout {
	struct stretch stretches[STRETCHES_MAX];
	size_t n, size; /* of all rows */
};

static void lay_out(const struct tarn_series_piece *piece, struct layout *layout)
{
	layout->n = layout->size = 0;
	for (size_t done = 0; done < piece->count; layout->n++) {
		struct stretch *stretch = &layout->stretches[layout->n];
		*stretch = stretch_at(piece, done);
		layout->size += stretch->rows * stretch->size;
		done += stretch->rows;
	}
}

/* Each row after the first of a stretch: a copy of the row before, then the digits that changed. */
static void compress_alone(struct tarn_slice prefix, const struct layout *layout, struct tarn_zstd_blocks *blocks)
{
	for (size_t i = 0; i < layout->n; i++) {
		struct stretch stretch = layout->stretches[i];
		char *end = stretch.digits + stretch.n_digits;
		uint32_t len = (uint32_t)(stretch.size - 4), size = (uint32_t)stretch.size;
		tarn_zstd_literals(blocks, tarn_slice_of(&len, 4));
		tarn_zstd_literals(blocks, prefix);
		tarn_zstd_literals(blocks, tarn_slice_of(stretch.digits, stretch.n_digits));
		for (size_t row = 1; row < stretch.rows; row++) {
			size_t changed = count_up(end);
			tarn_zstd_copy(blocks, size - (uint32_t)changed, size);
			tarn_zstd_literals(blocks, tarn_slice_of(end - changed, changed));
		}
	}
}

/* Where two prefixes of one length differ: bytes from .. to. */
struct difference {
	size_t from, to;
};

static struct difference differ(struct tarn_slice a, struct tarn_slice b)
{
	struct difference d = { 0, a.len };
	while (d.from < a.len && a.data[d.from] == b.data[d.from])
		d.from++;
	while (d.to > d.from && a.data[d.to - 1] == b.data[d.to - 1])
		d.to--;
	return d;
}

/* Each row: what differs in the prefix, and a copy of the rest from `back` bytes before. */
static void compress_again(struct tarn_slice prefix, const struct layout *layout, struct difference d, uint32_t back,
			   struct tarn_zstd_blocks *blocks)
{
	struct tarn_slice changed = tarn_slice_of(prefix.data + d.from, d.to - d.from);
	uint32_t before = 4 + (uint32_t)d.from;
	for (size_t i = 0; i < layout->n; i++) {
		const struct stretch *stretch = &layout->stretches[i];
		uint32_t behind = (uint32_t)(stretch->size - 4 - d.to);
		tarn_zstd_copy(blocks, before, back);
		tarn_zstd_repeat(blocks, changed, behind + before, back, stretch->rows - 1);
		tarn_zstd_literals(blocks, changed);
		tarn_zstd_copy(blocks, behind, back);
	}
}

static bool is_laid_out_alike(const struct tarn_series_piece *a, const struct tarn_series_piece *b)
{
	return a->first == b->first && a->count == b->count && a->prefix_len == b->prefix_len;
}

/* Whether piece i can be made from the one `steps` before: same numbers, and behind the changed bytes enough that a
 * copy may end with the piece. */
static bool again(const struct tarn_series *series, size_t i, size_t steps, struct difference *d)
{
	const struct tarn_series_piece *piece = &series->pieces[i], *before = piece - steps;
	if (i < steps || !is_laid_out_alike(piece, before))
		return false;
	*d = differ(prefix_of(series, piece), prefix_of(series, before));
	return d->from < d->to && piece->prefix_len - d->to + 1 >= TARN_ZSTD_MIN_MATCH &&
	       d->to - d->from <= piece->prefix_len / 4;
}

/* How many pieces before i the one lies that i is made from; 0: none will do. Where prefixes count up, ten pieces from
 * ten before differ in one digit that is the same for all ten, which is one block of sequences instead of ten. */
static size_t find_model(const struct tarn_series *series, size_t i, struct difference *d)
{
	if (again(series, i, FAR_BACK, d) && d->to - d->from == 1)
		return FAR_BACK;
	return again(series, i, 1, d) ? 1 : 0;
}

bool tarn_series_repeat(const struct tarn_series *series)
{
	struct difference unused;
	size_t repeated = 0, all = 0;
	for (size_t i = 0; i < series->n; i++) {
		all += series->pieces[i].count;
		repeated += again(series, i, 1, &unused) ? series->pieces[i].count : 0;
	}
	return 2 * repeated > all;
}

void tarn_series_compress(const struct tarn_series *series, struct tarn_slice head, size_t size, struct tarn_buf *out)
{
	struct tarn_zstd_blocks *blocks = tarn_malloc(sizeof(*blocks));
	struct layout layout;
	struct difference d;
	uint32_t starts[FAR_BACK + 1], start = (uint32_t)head.len; /* of the last pieces, in what is decoded */
	tarn_zstd_begin(blocks, (uint32_t)(head.len + size), out);
	tarn_zstd_literals(blocks, head);
	for (size_t i = 0; i < series->n; i++) {
		const struct tarn_series_piece *piece = &series->pieces[i];
		if (!i || !is_laid_out_alike(piece, piece - 1))
			lay_out(piece, &layout);
		size_t steps = find_model(series, i, &d);
		if (steps)
			compress_again(prefix_of(series, piece), &layout, d,
				       start - starts[(i - steps) % (FAR_BACK + 1)], blocks);
		else
			compress_alone(prefix_of(series, piece), &layout, blocks);
		starts[i % (FAR_BACK + 1)] = start;
		start += (uint32_t)layout.size;
	}
	tarn_zstd_end(blocks);
	free(blocks);
}
