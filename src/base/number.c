/* Doubles by Schubfach: Raffaele Giulietti, "The Schubfach way to render doubles" (2020).
 *
 * A double is c * 2^q. Scaled by 10^-k, k = floor(log10(2^q)), its rounding interval is 1 to 10 units wide, so that one of
 * the two integers around the scaled value, or of the two multiples of ten around it, is the shortest text. The scaling
 * multiplies by a 128-bit approximation of 10^-k and rounds to odd, which keeps all comparisons exact. */
#include "base/number.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

struct power {
	uint64_t high, low;
};

/* floor(10^k * 2^-e) + 1 with e such that it has 128 bits, for every k a double can need. */
enum { MIN_POWER = -292, MAX_POWER = 324 };
enum { LIMB_BITS = 32, LIMBS = 40 };

static struct power powers[MAX_POWER - MIN_POWER + 1];
static pthread_once_t powers_once = PTHREAD_ONCE_INIT;

/* Little-endian; 1280 bits hold 10^324, and 2^1279 / 10^292 still has more than 128 of them. */
struct big {
	uint32_t limb[LIMBS];
};

static struct power leading_bits(const struct big *big)
{
	size_t top = LIMBS - 1;
	while (!big->limb[top])
		top--;
	unsigned unused = (unsigned)__builtin_clz(big->limb[top]);
	uint128 bits = 0;
	for (size_t i = 0; i < 5; i++) {
		uint128 limb = i <= top ? big->limb[top - i] : 0;
		int shift = 128 - LIMB_BITS * (int)(i + 1) + (int)unused;
		bits |= shift >= 0 ? limb << shift : limb >> -shift;
	}
	bits++;
	return (struct power){ (uint64_t)(bits >> 64), (uint64_t)bits };
}

static void times_ten(struct big *big)
{
	uint64_t carry = 0;
	for (size_t i = 0; i < LIMBS; i++) {
		carry += (uint64_t)big->limb[i] * 10;
		big->limb[i] = (uint32_t)carry;
		carry >>= LIMB_BITS;
	}
}

/* Repeated floors lose nothing: floor(floor(x / 10) / 10) is floor(x / 100). */
static void over_ten(struct big *big)
{
	uint64_t rest = 0;
	for (size_t i = LIMBS; i-- > 0;) {
		rest = rest << LIMB_BITS | big->limb[i];
		big->limb[i] = (uint32_t)(rest / 10);
		rest %= 10;
	}
}

static void fill_powers(void)
{
	struct big big = { { 1 } };
	for (int k = 0; k <= MAX_POWER; k++, times_ten(&big))
		powers[k - MIN_POWER] = leading_bits(&big);
	big = (struct big){ { 0 } };
	big.limb[LIMBS - 1] = (uint32_t)1 << (LIMB_BITS - 1);
	for (int k = -1; k >= MIN_POWER; k--) {
		over_ten(&big);
		powers[k - MIN_POWER] = leading_bits(&big);
	}
}

/* floor(log10(2^q)), floor(log10(3/4 * 2^q)) and floor(log2(10^k)): log10(2) and log10(4/3) in 41 fraction bits,
 * log2(10) in 38, which is exact for every q and k of a double. */
static int log10_of_pow2(int q)
{
	return (int)(((int64_t)q * 661971961083) >> 41);
}

static int log10_of_three_quarters_pow2(int q)
{
	return (int)(((int64_t)q * 661971961083 - 274743187321) >> 41);
}

static int log2_of_pow10(int k)
{
	return (int)(((int64_t)k * 913124641741) >> 38);
}

/* power * c / 2^128, its lowest bit set where anything was cut off (round to odd). */
static inline uint64_t scale(const struct power *power, uint64_t c)
{
	uint128 low = (uint128)power->low * c;
	uint128 high = (uint128)power->high * c + (uint64_t)(low >> 64);
	return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

struct decimal {
	uint64_t digits;
	int exponent; /* the value is digits * 10^exponent */
};

/* The shortest decimal in the rounding interval of c * 2^q, the closest of several. Where one digit would do,
 * `least` == 100 asks for the closest of two digits, as Java does; `least` == 10 for the shortest. */
static struct decimal shortest(uint64_t c, int q, uint64_t least)
{
	const uint64_t smallest_normal = (uint64_t)1 << 52;
	const int least_q = -1074;
	uint64_t odd = c & 1;
	/* Below a power of two the doubles are twice as dense. */
	bool uneven = c == smallest_normal && q != least_q;
	int k = uneven ? log10_of_three_quarters_pow2(q) : log10_of_pow2(q);
	int shift = q + log2_of_pow10(-k) + 1;
	const struct power *power = &powers[-k - MIN_POWER];
	uint64_t value = scale(power, (c << 2) << shift);
	uint64_t lower = scale(power, ((c << 2) - (uneven ? 1 : 2)) << shift) + odd;
	uint64_t upper = scale(power, ((c << 2) + 2) << shift) - odd;

	uint64_t below = value >> 2;
	if (below >= least) {
		uint64_t tens = below / 10 * 10;
		bool tens_in = lower <= tens << 2;
		bool next_tens_in = (tens + 10) << 2 <= upper;
		if (tens_in != next_tens_in)
			return (struct decimal){ tens_in ? tens : tens + 10, k };
	}
	uint64_t above = below + 1;
	bool below_in = lower <= below << 2;
	bool above_in = above << 2 <= upper;
	if (below_in != above_in)
		return (struct decimal){ below_in ? below : above, k };
	uint64_t middle = (below + above) << 1;
	bool take_below = value < middle || (value == middle && !(below & 1));
	return (struct decimal){ take_below ? below : above, k };
}

static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
			    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
			    "8081828384858687888990919293949596979899";

/* Eight digits, by independent divisions where a loop would wait for each. */
static void put_eight(uint32_t value, char *at)
{
	uint32_t high = value / 10000, low = value % 10000;
	memcpy(at, pairs + high / 100 * 2, 2);
	memcpy(at + 2, pairs + high % 100 * 2, 2);
	memcpy(at + 4, pairs + low / 100 * 2, 2);
	memcpy(at + 6, pairs + low % 100 * 2, 2);
}

/* Writes the digits so that the last one is right before `end`; returns where they begin. */
static char *put_digits(uint64_t value, char *end)
{
	while (value >= 100000000) {
		end -= 8;
		put_eight((uint32_t)(value % 100000000), end);
		value /= 100000000;
	}
	while (value >= 100) {
		end -= 2;
		memcpy(end, pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		end -= 2;
		memcpy(end, pairs + value * 2, 2);
	} else {
		*--end = (char)('0' + value);
	}
	return end;
}

/* Significant digits, without zeros at the end, and the exponent of the first one. `text` has 40 bytes so that callers
 * may copy a fixed number from `first`. */
struct digits {
	char text[40];
	const char *first;
	int n;
	int exponent;
};

static void split_double(uint64_t bits, uint64_t least, struct digits *digits)
{
	pthread_once(&powers_once, fill_powers);
	uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
	int biased = (int)(bits >> 52 & 0x7ff);
	struct decimal decimal;
	if (biased) {
		decimal = shortest(fraction | (uint64_t)1 << 52, biased - 1075, least);
	} else if (fraction < 3 && least == 100) {
		/* The two smallest have no second digit at k = -324; ten times the value has the same digits. */
		decimal = shortest(fraction * 10, -1074, least);
		decimal.exponent--;
	} else {
		decimal = shortest(fraction, -1074, least);
	}
	char *end = digits->text + 20;
	char *first = put_digits(decimal.digits, end);
	digits->exponent = decimal.exponent + (int)(end - first) - 1;
	while (end[-1] == '0' && end - 1 > first)
		end--;
	digits->first = first;
	digits->n = (int)(end - first);
}

/* Digits with a point behind the one of exponent 0 and at least one digit on either side, zeros where they are missing. */
static char *put_plain(const struct digits *digits, char *at)
{
	int whole = digits->exponent + 1;
	if (whole <= 0) {
		memcpy(at, "0.000", 5);
		at += 2 - whole;
		memcpy(at, digits->first, 17);
		return at + digits->n;
	}
	memcpy(at, digits->first, 17);
	if (digits->n <= whole) {
		memset(at + digits->n, '0', (size_t)(whole - digits->n));
		at += whole;
		memcpy(at, ".0", 2);
		return at + 2;
	}
	memcpy(at + whole + 1, digits->first + whole, (size_t)(digits->n - whole));
	at[whole] = '.';
	return at + digits->n + 1;
}

static char *put_exponent(int exponent, int width, char *at)
{
	char text[8];
	char *end = text + sizeof(text);
	char *first = put_digits((uint64_t)(exponent < 0 ? -exponent : exponent), end);
	while (end - first < width)
		*--first = '0';
	memcpy(at, first, (size_t)(end - first));
	return at + (end - first);
}

static uint64_t bits_of(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static size_t put_word(const char *word, char *text)
{
	size_t len = strlen(word);
	memcpy(text, word, len);
	return len;
}

size_t tarn_format_double_java(double value, char text[TARN_DOUBLE_TEXT_SIZE])
{
	uint64_t bits = bits_of(value);
	char *at = text;
	if (value != value)
		return put_word("NaN", text);
	if (bits >> 63)
		*at++ = '-';
	if (value - value != 0)
		return (size_t)(at - text) + put_word("Infinity", at);
	if (value == 0)
		return (size_t)(at - text) + put_word("0.0", at);
	struct digits digits;
	split_double(bits, 100, &digits);
	if (digits.exponent >= -3 && digits.exponent < 7)
		return (size_t)(put_plain(&digits, at) - text);
	*at++ = digits.first[0];
	*at++ = '.';
	if (digits.n == 1)
		*at++ = '0';
	memcpy(at, digits.first + 1, (size_t)digits.n - 1);
	at += digits.n - 1;
	*at++ = 'E';
	if (digits.exponent < 0)
		*at++ = '-';
	return (size_t)(put_exponent(digits.exponent, 1, at) - text);
}

size_t tarn_format_double(double value, char text[TARN_DOUBLE_TEXT_SIZE])
{
	uint64_t bits = bits_of(value);
	char *at = text;
	if (value != value)
		return put_word("nan", text);
	if (bits >> 63)
		*at++ = '-';
	if (value - value != 0)
		return (size_t)(at - text) + put_word("inf", at);
	if (value == 0)
		return (size_t)(at - text) + put_word("0.0", at);
	struct digits digits;
	split_double(bits, 10, &digits);
	if (digits.exponent >= -4 && digits.exponent < 16)
		return (size_t)(put_plain(&digits, at) - text);
	*at++ = digits.first[0];
	if (digits.n > 1)
		*at++ = '.';
	memcpy(at, digits.first + 1, (size_t)digits.n - 1);
	at += digits.n - 1;
	*at++ = 'e';
	*at++ = digits.exponent < 0 ? '-' : '+';
	return (size_t)(put_exponent(digits.exponent, 2, at) - text);
}

size_t tarn_format_int(int64_t value, char text[TARN_INT_TEXT_SIZE])
{
	char digits[TARN_INT_TEXT_SIZE];
	char *end = digits + sizeof(digits);
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char *first = put_digits(size, end);
	if (value < 0)
		*--first = '-';
	memcpy(text, first, (size_t)(end - first));
	return (size_t)(end - first);
}
