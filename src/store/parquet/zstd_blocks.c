#include "store/parquet/zstd_blocks.h"

#include <assert.h>

enum {
	BLOCK_MAX = 128 << 10,	 /* what a block may decode to */
	LITERALS_MAX = 48 << 10, /* of a sequence */
	MATCH_MAX = 64 << 10,
	REPEAT_CONTENT = 32 << 10, /* of equal sequences added at once */
	SEQUENCES_MAX = 32000,	   /* whose number takes two bytes */
	MIX_BELOW = 8,		   /* a shorter block takes other literals rather than end */
	TYPE_RAW = 0,
	TYPE_COMPRESSED = 2,
	MODE_RLE = 1,
	MODE_REPEAT = 3,
};

/* RFC 8878, 3.1.1.3.2.1.1: where each code begins, and the bits that follow it. Lower codes stand for themselves. */
struct code {
	uint32_t from;
	uint8_t bits;
};
static const struct code literal_codes[] = {
	{ 16, 1 },    { 18, 1 },    { 20, 1 },	  { 22, 1 },	 { 24, 2 },	{ 28, 2 },     { 32, 3 },
	{ 40, 3 },    { 48, 4 },    { 64, 6 },	  { 128, 7 },	 { 256, 8 },	{ 512, 9 },    { 1024, 10 },
	{ 2048, 11 }, { 4096, 12 }, { 8192, 13 }, { 16384, 14 }, { 32768, 15 }, { 65536, 16 },
};
static const struct code match_codes[] = {
	{ 35, 1 },    { 37, 1 },    { 39, 1 },	  { 41, 1 },	{ 43, 2 },     { 47, 2 },     { 51, 3 },
	{ 59, 3 },    { 67, 4 },    { 83, 4 },	  { 99, 5 },	{ 131, 7 },    { 259, 8 },    { 515, 9 },
	{ 1027, 10 }, { 2051, 11 }, { 4099, 12 }, { 8195, 13 }, { 16387, 14 }, { 32771, 15 }, { 65539, 16 },
};
enum { FIRST_LITERAL_CODE = 16, FIRST_MATCH_CODE = 32 };

static uint8_t log2_of(uint32_t value)
{
	return (uint8_t)(31 - __builtin_clz(value));
}

static uint8_t literal_code(uint32_t literals)
{
	static const uint8_t by_two[] = { 16, 17, 18, 19, 20, 20, 21, 21, 22, 22, 22, 22,
					  23, 23, 23, 23, 24, 24, 24, 24, 24, 24, 24, 24 };
	if (literals < 16)
		return (uint8_t)literals;
	return literals < 64 ? by_two[literals / 2 - 8] : (uint8_t)(log2_of(literals) + 19);
}

static uint8_t match_code(uint32_t match)
{
	static const uint8_t by_two[] = { 32, 33, 34, 35, 36, 36, 37, 37, 38, 38, 38, 38, 39, 39, 39, 39,
					  40, 40, 40, 40, 40, 40, 40, 40, 41, 41, 41, 41, 41, 41, 41, 41,
					  42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42, 42 };
	uint32_t above = match - TARN_ZSTD_MIN_MATCH;
	if (above < 32)
		return (uint8_t)above;
	return above < 128 ? by_two[above / 2 - 16] : (uint8_t)(log2_of(above) + 36);
}

/* ---- bits: written from the last sequence to the first, because a decoder reads them backwards ---- */

struct bits {
	uint8_t *at;
	uint64_t held;
	unsigned n;
};

static inline void add_bits(struct bits *bits, uint32_t value, unsigned n)
{
	bits->held |= (uint64_t)value << bits->n;
	bits->n += n;
	if (bits->n >= 32) {
		uint32_t word = (uint32_t)bits->held;
		memcpy(bits->at, &word, 4);
		bits->at += 4;
		bits->held >>= 32;
		bits->n -= 32;
	}
}

/* The same bits, `times` times. */
static void add_repeated(struct bits *bits, uint32_t value, unsigned n, uint32_t times)
{
	uint32_t many = value, at_once = 1;
	if (!n)
		return;
	for (; 2 * at_once * n <= 32; at_once *= 2)
		many |= many << at_once * n;
	for (; times >= at_once; times -= at_once)
		add_bits(bits, many, at_once * n);
	for (; times; times--)
		add_bits(bits, value, n);
}

static uint8_t *end_bits(struct bits *bits)
{
	add_bits(bits, 1, 1);
	for (; bits->n; bits->n = bits->n > 8 ? bits->n - 8 : 0, bits->held >>= 8)
		*bits->at++ = (uint8_t)bits->held;
	return bits->at;
}

static void write_bits(struct tarn_zstd_blocks *blocks)
{
	static const struct code none = { 0, 0 };
	const struct tarn_zstd_kind *kind = &blocks->kind;
	const struct code *literal =
		kind->literals < FIRST_LITERAL_CODE ? &none : &literal_codes[kind->literals - FIRST_LITERAL_CODE];
	const struct code *match =
		kind->match < FIRST_MATCH_CODE ? &none : &match_codes[kind->match - FIRST_MATCH_CODE];
	uint32_t offset = kind->offset ? blocks->offset + 3 - (1U << kind->offset) : 0;
	struct bits bits = { .at = tarn_buf_room(blocks->out, blocks->n * 8 + 8) };
	if (!bits.at)
		return;
	for (size_t i = blocks->n_runs; i-- > 0;) {
		const struct tarn_zstd_sequence *run = &blocks->runs[i];
		uint32_t extra = match->bits ? run->match - match->from : 0;
		if (!literal->bits && !kind->offset) {
			add_repeated(&bits, extra, match->bits, run->times);
			continue;
		}
		for (uint32_t j = 0; j < run->times; j++) {
			add_bits(&bits, literal->bits ? run->literals - literal->from : 0, literal->bits);
			add_bits(&bits, extra, match->bits);
			add_bits(&bits, offset, kind->offset);
		}
	}
	blocks->out->len = (size_t)(end_bits(&bits) - blocks->out->data);
}

/* ---- blocks ---- */

static void put_le(uint8_t *at, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static void add_le(struct tarn_buf *out, uint32_t value, unsigned bytes)
{
	uint8_t *at = tarn_buf_room(out, bytes);
	if (!at)
		return;
	put_le(at, value, bytes);
	out->len += bytes;
}

static void write_literals(struct tarn_zstd_blocks *blocks)
{
	uint32_t size = (uint32_t)blocks->literals.len;
	uint32_t rle = blocks->alike && size > 1;
	if (size < 32)
		add_le(blocks->out, size << 3 | rle, 1);
	else if (size < 4096)
		add_le(blocks->out, size << 4 | 1 << 2 | rle, 2);
	else
		add_le(blocks->out, size << 4 | 3 << 2 | rle, 3);
	tarn_buf_add(blocks->out, blocks->literals.data, rle ? 1 : size);
}

static void write_tables(struct tarn_zstd_blocks *blocks)
{
	const struct tarn_zstd_kind *kind = &blocks->kind, *old = &blocks->tables;
	bool same[3] = { false, false, false };
	if (blocks->has_tables) {
		same[0] = kind->literals == old->literals;
		same[1] = kind->offset == old->offset;
		same[2] = kind->match == old->match;
	}
	uint8_t codes[3] = { kind->literals, kind->offset, kind->match };
	uint8_t modes = 0;
	for (unsigned i = 0; i < 3; i++)
		modes |= (uint8_t)((same[i] ? MODE_REPEAT : MODE_RLE) << (6 - 2 * i));
	tarn_buf_add_byte(blocks->out, modes);
	for (unsigned i = 0; i < 3; i++)
		if (!same[i])
			tarn_buf_add_byte(blocks->out, codes[i]);
	blocks->tables = *kind;
	blocks->has_tables = true;
}

static void write_sequences(struct tarn_zstd_blocks *blocks)
{
	if (blocks->n < 128)
		add_le(blocks->out, (uint32_t)blocks->n, 1);
	else
		add_le(blocks->out, (uint32_t)((blocks->n >> 8) + 128) | (uint32_t)(blocks->n & 255) << 8, 2);
	if (!blocks->n)
		return;
	write_tables(blocks);
	write_bits(blocks);
	blocks->repeat = blocks->offset;
}

static void end_block(struct tarn_zstd_blocks *blocks, bool last)
{
	size_t start = blocks->out->len;
	if (!blocks->n && !blocks->literals.len && !last)
		return;
	add_le(blocks->out, 0, 3);
	if (blocks->n) {
		write_literals(blocks);
		write_sequences(blocks);
	} else {
		tarn_buf_add_slice(blocks->out, tarn_buf_slice(&blocks->literals));
	}
	uint32_t size = (uint32_t)(blocks->out->len - start - 3);
	if (!blocks->out->overflow)
		put_le(blocks->out->data + start, size << 3 | (blocks->n ? TYPE_COMPRESSED : TYPE_RAW) << 1 | last, 3);
	blocks->n = blocks->n_runs = blocks->content = 0;
	blocks->alike = true;
	tarn_buf_clear(&blocks->literals);
}

/* ---- sequences ---- */

static void add_literals(struct tarn_zstd_blocks *blocks, size_t times)
{
	const struct tarn_buf *waiting = &blocks->waiting;
	for (size_t i = 0; i < waiting->len && blocks->alike; i++)
		blocks->alike =
			waiting->data[i] == (blocks->literals.len ? blocks->literals.data[0] : waiting->data[0]);
	uint8_t *at = tarn_buf_room(&blocks->literals, waiting->len * times);
	if (!at || !waiting->len)
		return;
	if (waiting->len == 1)
		memset(at, waiting->data[0], times);
	else
		for (size_t i = 0; i < times; i++)
			memcpy(at + i * waiting->len, waiting->data, waiting->len);
	blocks->literals.len += waiting->len * times;
	tarn_buf_clear(&blocks->waiting);
}

/* Whether the waiting sequence's literals would end a long run of equal ones. */
static bool spoils(const struct tarn_zstd_blocks *blocks)
{
	return blocks->alike && blocks->n >= MIX_BELOW && blocks->literals.len && blocks->waiting.len &&
	       blocks->waiting.data[0] != blocks->literals.data[0];
}

static void end_sequences(struct tarn_zstd_blocks *blocks, size_t times)
{
	uint32_t literals = (uint32_t)blocks->waiting.len;
	assert(blocks->match >= TARN_ZSTD_MIN_MATCH);
	/* Offset value 1 is the offset before, but not where there are no literals. */
	uint32_t before = blocks->n ? blocks->offset : blocks->repeat;
	bool repeats = literals && blocks->match_offset == before;
	struct tarn_zstd_kind kind = {
		.literals = literal_code(literals),
		.match = match_code(blocks->match),
		.offset = repeats ? 0 : log2_of(blocks->match_offset + 3),
	};
	size_t content = times * (literals + blocks->match);
	if (blocks->n && (memcmp(&kind, &blocks->kind, sizeof(kind)) || blocks->match_offset != blocks->offset ||
			  blocks->n_runs == TARN_ZSTD_RUNS || blocks->n + times > SEQUENCES_MAX ||
			  blocks->content + content > BLOCK_MAX || spoils(blocks)))
		end_block(blocks, false);
	if (!blocks->n) {
		blocks->kind = kind;
		blocks->offset = blocks->match_offset;
	}
	add_literals(blocks, times);
	blocks->runs[blocks->n_runs++] = (struct tarn_zstd_sequence){ literals, blocks->match, (uint32_t)times };
	blocks->n += times;
	blocks->content += content;
	blocks->match = 0;
}

/* Ends the sequence in progress, if it has a match; a long one in parts. */
static void end_match(struct tarn_zstd_blocks *blocks)
{
	uint32_t left = blocks->match;
	while (left > MATCH_MAX) {
		blocks->match = MATCH_MAX - TARN_ZSTD_MIN_MATCH; /* so that enough is left for the last part */
		left -= blocks->match;
		end_sequences(blocks, 1);
	}
	blocks->match = left;
	if (left)
		end_sequences(blocks, 1);
}

void tarn_zstd_begin(struct tarn_zstd_blocks *blocks, uint32_t content, struct tarn_buf *out)
{
	static const uint8_t head[] = { 0x28, 0xb5, 0x2f, 0xfd, 0xa0 }; /* one segment, four bytes of content size */
	blocks->out = out;
	blocks->n = blocks->n_runs = blocks->content = 0;
	blocks->alike = true;
	blocks->match = 0;
	blocks->repeat = 1;
	blocks->has_tables = false;
	tarn_buf_init(&blocks->literals, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&blocks->waiting, TARN_BUF_DEFAULT_MAX);
	tarn_buf_add(out, head, sizeof(head));
	tarn_buf_add_le32(out, content);
}

void tarn_zstd_literals(struct tarn_zstd_blocks *blocks, struct tarn_slice bytes)
{
	end_match(blocks);
	while (blocks->waiting.len + bytes.len > LITERALS_MAX) { /* a raw block of its own */
		size_t n = LITERALS_MAX - blocks->waiting.len;
		end_block(blocks, false);
		tarn_buf_add(&blocks->waiting, bytes.data, n);
		add_literals(blocks, 1);
		end_block(blocks, false);
		bytes = tarn_slice_of(bytes.data + n, bytes.len - n);
	}
	tarn_buf_add_slice(&blocks->waiting, bytes);
}

void tarn_zstd_copy(struct tarn_zstd_blocks *blocks, uint32_t len, uint32_t offset)
{
	if (offset != blocks->match_offset)
		end_match(blocks);
	blocks->match_offset = offset;
	blocks->match += len;
}

void tarn_zstd_repeat(struct tarn_zstd_blocks *blocks, struct tarn_slice literals, uint32_t match, uint32_t offset,
		      size_t times)
{
	size_t at_once = REPEAT_CONTENT / (literals.len + match) + 1;
	while (times) {
		tarn_zstd_literals(blocks, literals);
		tarn_zstd_copy(blocks, match, offset);
		/* The first may begin another kind of block, with the offset in full. */
		end_sequences(blocks, 1);
		if (--times == 0)
			return;
		size_t n = times < at_once ? times : at_once;
		tarn_zstd_literals(blocks, literals);
		tarn_zstd_copy(blocks, match, offset);
		end_sequences(blocks, n);
		times -= n;
	}
}

void tarn_zstd_end(struct tarn_zstd_blocks *blocks)
{
	end_match(blocks);
	if (blocks->waiting.len && blocks->content + blocks->waiting.len > BLOCK_MAX)
		end_block(blocks, false);
	add_literals(blocks, 1);
	end_block(blocks, true);
	tarn_buf_release(&blocks->literals);
	tarn_buf_release(&blocks->waiting);
}
