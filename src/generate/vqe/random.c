#include "generate/vqe/random.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>

/* ---- SeedSequence ---- */

enum { POOL = 4 };

struct hash {
	uint32_t constant, multiplier;
};

static uint32_t hash_word(struct hash *hash, uint32_t value)
{
	value ^= hash->constant;
	hash->constant *= hash->multiplier;
	value *= hash->constant;
	return value ^ value >> 16;
}

static uint32_t mix(uint32_t x, uint32_t y)
{
	uint32_t result = 0xca01f9ddu * x - 0x4973f715u * y;
	return result ^ result >> 16;
}

static void fill_pool(uint64_t seed, uint32_t pool[POOL])
{
	struct hash hash = { 0x43b0d7e5u, 0x931e8875u };
	uint32_t words[POOL] = { (uint32_t)seed, (uint32_t)(seed >> 32), 0, 0 };
	for (int i = 0; i < POOL; i++)
		pool[i] = hash_word(&hash, words[i]);
	for (int i = 0; i < POOL; i++)
		for (int j = 0; j < POOL; j++)
			if (i != j)
				pool[j] = mix(pool[j], hash_word(&hash, pool[i]));
}

static void seed_words(uint64_t seed, uint64_t words[4])
{
	uint32_t pool[POOL], output[8];
	struct hash hash = { 0x8b51f9ddu, 0x58f38dedu };
	fill_pool(seed, pool);
	for (int k = 0; k < 8; k++)
		output[k] = hash_word(&hash, pool[k % POOL]);
	for (int k = 0; k < 4; k++)
		words[k] = (uint64_t)output[2 * k + 1] << 32 | output[2 * k];
}

/* ---- PCG64 ---- */

static void step(struct tarn_random *random)
{
	const __uint128_t multiplier = (__uint128_t)0x2360ed051fc65da4u << 64 | 0x4385df649fccf645u;
	random->state = random->state * multiplier + random->increment;
}

void tarn_random_seed(struct tarn_random *random, uint64_t seed)
{
	uint64_t words[4];
	seed_words(seed, words);
	__uint128_t start = (__uint128_t)words[0] << 64 | words[1];
	random->increment = ((__uint128_t)words[2] << 64 | words[3]) << 1 | 1;
	random->state = 0;
	step(random);
	random->state += start;
	step(random);
}

uint64_t tarn_random_next(struct tarn_random *random)
{
	step(random);
	uint64_t folded = (uint64_t)(random->state >> 64) ^ (uint64_t)random->state;
	unsigned turn = (unsigned)(random->state >> 122);
	return folded >> turn | folded << (-turn & 63);
}

double tarn_random_uniform(struct tarn_random *random)
{
	return (double)(tarn_random_next(random) >> 11) * 0x1p-53;
}

void tarn_random_angles(uint64_t seed, double *angles, size_t n)
{
	const double two_pi = 6.283185307179586;
	struct tarn_random random;
	tarn_random_seed(&random, seed);
	for (size_t i = 0; i < n; i++)
		angles[i] = two_pi * tarn_random_uniform(&random);
}

/* ---- normal values ---- */

enum { LAYERS = 256 };
static const double last_edge = 3.6541528853610088;

static struct {
	double width[LAYERS], height[LAYERS];
	uint64_t inside[LAYERS]; /* a draw below it needs no further look */
} layers;
static pthread_once_t layers_once = PTHREAD_ONCE_INIT;

static void fill_layers(void)
{
	const double scale = 0x1p52;
	/* Each layer has the area of the lowest rectangle and the tail beside it. */
	double area = last_edge * exp(-0.5 * last_edge * last_edge) + sqrt(M_PI / 2) * erfc(last_edge / M_SQRT2);
	double edge = last_edge, outer = last_edge, base = area / exp(-0.5 * edge * edge);
	layers.inside[0] = (uint64_t)(edge / base * scale);
	layers.inside[1] = 0;
	layers.width[0] = base / scale;
	layers.width[LAYERS - 1] = edge / scale;
	layers.height[0] = 1;
	layers.height[LAYERS - 1] = exp(-0.5 * edge * edge);
	for (int i = LAYERS - 2; i >= 1; i--) {
		edge = sqrt(-2 * log(area / edge + exp(-0.5 * edge * edge)));
		layers.inside[i + 1] = (uint64_t)(edge / outer * scale);
		outer = edge;
		layers.height[i] = exp(-0.5 * edge * edge);
		layers.width[i] = edge / scale;
	}
}

static double draw_tail(struct tarn_random *random, bool negative)
{
	for (;;) {
		double x = -log1p(-tarn_random_uniform(random)) / last_edge, y = -log1p(-tarn_random_uniform(random));
		if (y + y > x * x)
			return negative ? -(last_edge + x) : last_edge + x;
	}
}

double tarn_random_normal(struct tarn_random *random)
{
	pthread_once(&layers_once, fill_layers);
	for (;;) {
		uint64_t bits = tarn_random_next(random);
		unsigned layer = (unsigned)(bits & 0xff);
		bool negative = bits >> 8 & 1;
		uint64_t place = bits >> 9 & 0xfffffffffffff;
		double x = (double)place * layers.width[layer];
		if (negative)
			x = -x;
		if (place < layers.inside[layer])
			return x;
		if (!layer)
			return draw_tail(random, place >> 8 & 1);
		double between = layers.height[layer - 1] - layers.height[layer];
		if (between * tarn_random_uniform(random) + layers.height[layer] < exp(-0.5 * x * x))
			return x;
	}
}
