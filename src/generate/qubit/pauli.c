#include "generate/qubit/pauli.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* With Y = i X Z, a string is i^|x & z| X^x Z^z; moving Z^a.z past X^b.x gives (-1)^|a.z & b.x|. */
struct tarn_pauli tarn_pauli_multiply(struct tarn_pauli a, struct tarn_pauli b, unsigned *phase)
{
	struct tarn_pauli product = { a.x ^ b.x, a.z ^ b.z };
	int ys = __builtin_popcountll(a.x & a.z) + __builtin_popcountll(b.x & b.z) -
		 __builtin_popcountll(product.x & product.z);
	*phase = (unsigned)(ys + 2 * __builtin_popcountll(a.z & b.x)) & 3;
	return product;
}

void tarn_pauli_label(struct tarn_pauli pauli, unsigned n_qubits, char *label)
{
	static const char letters[] = "IXZY";
	for (unsigned qubit = 0; qubit < n_qubits; qubit++) {
		unsigned letter = (unsigned)(pauli.x >> qubit & 1) | (unsigned)(pauli.z >> qubit & 1) << 1;
		label[n_qubits - 1 - qubit] = letters[letter];
	}
}

enum tarn_rc tarn_pauli_parse(const char *label, size_t len, struct tarn_pauli *pauli, struct tarn_err *err)
{
	struct tarn_pauli parsed = { 0, 0 };
	if (len > TARN_MAX_QUBITS)
		return tarn_fail(err, TARN_EINVALID, "a Pauli label of %zu letters: at most %d are possible", len,
				 TARN_MAX_QUBITS);
	for (size_t i = 0; i < len; i++) {
		uint64_t bit = (uint64_t)1 << (len - 1 - i);
		switch (label[i]) {
		case 'I': break;
		case 'X': parsed.x |= bit; break;
		case 'Y': parsed.x |= bit; parsed.z |= bit; break;
		case 'Z': parsed.z |= bit; break;
		default:
			return tarn_fail_at(err, TARN_EINVALID, (int64_t)i,
					    "Pauli label \"%.*s\": letter %zu is none of I, X, Y, Z", (int)len, label,
					    i);
		}
	}
	*pauli = parsed;
	return TARN_OK;
}

void tarn_pauli_sum_init(struct tarn_pauli_sum *sum, unsigned n_qubits)
{
	*sum = (struct tarn_pauli_sum){ .n_qubits = n_qubits };
}

void tarn_pauli_sum_release(struct tarn_pauli_sum *sum)
{
	free(sum->terms);
	free(sum->coefficients);
	tarn_pauli_sum_init(sum, sum->n_qubits);
}

void tarn_pauli_sum_clear(struct tarn_pauli_sum *sum)
{
	sum->n = 0;
}

void tarn_pauli_sum_add(struct tarn_pauli_sum *sum, struct tarn_pauli term, double complex coefficient)
{
	size_t capacity = sum->capacity;
	sum->terms = tarn_grow(sum->terms, &capacity, sum->n + 1, sizeof(*sum->terms));
	sum->coefficients = tarn_grow(sum->coefficients, &sum->capacity, sum->n + 1, sizeof(*sum->coefficients));
	sum->terms[sum->n] = term;
	sum->coefficients[sum->n++] = coefficient;
}

/* Open addressing over the places of the terms kept so far. */
struct places {
	size_t *slots; /* place + 1, or 0 */
	size_t mask;
};

static void places_init(struct places *places, size_t n)
{
	size_t size = 16;
	while (size < 2 * n)
		size *= 2;
	places->slots = tarn_calloc(size, sizeof(*places->slots));
	places->mask = size - 1;
}

static size_t *places_find(const struct places *places, const struct tarn_pauli *terms, struct tarn_pauli term)
{
	uint64_t hash = (term.x * 0x9e3779b97f4a7c15) ^ (term.z * 0xd6e8feb86659fd93);
	for (size_t at = (hash ^ hash >> 29) & places->mask;; at = (at + 1) & places->mask) {
		size_t *slot = &places->slots[at];
		if (!*slot || (terms[*slot - 1].x == term.x && terms[*slot - 1].z == term.z))
			return slot;
	}
}

static void merge_equal_few(struct tarn_pauli_sum *sum)
{
	size_t kept = 0;
	for (size_t i = 0; i < sum->n; i++) {
		size_t at = 0;
		while (at < kept && (sum->terms[at].x != sum->terms[i].x || sum->terms[at].z != sum->terms[i].z))
			at++;
		if (at < kept) {
			sum->coefficients[at] += sum->coefficients[i];
			continue;
		}
		sum->terms[kept] = sum->terms[i];
		sum->coefficients[kept++] = sum->coefficients[i];
	}
	sum->n = kept;
}

static void merge_equal_many(struct tarn_pauli_sum *sum)
{
	struct places places;
	size_t kept = 0;
	places_init(&places, sum->n);
	for (size_t i = 0; i < sum->n; i++) {
		struct tarn_pauli term = sum->terms[i];
		size_t *slot = places_find(&places, sum->terms, term);
		if (*slot) {
			sum->coefficients[*slot - 1] += sum->coefficients[i];
			continue;
		}
		sum->terms[kept] = term;
		sum->coefficients[kept++] = sum->coefficients[i];
		*slot = kept;
	}
	free(places.slots);
	sum->n = kept;
}

void tarn_pauli_sum_simplify(struct tarn_pauli_sum *sum, double tolerance)
{
	enum { FEW = 24 }; /* below it, looking at all is faster than a table */
	if (sum->n <= FEW)
		merge_equal_few(sum);
	else
		merge_equal_many(sum);
	size_t kept = 0;
	for (size_t i = 0; i < sum->n; i++) {
		if (cabs(sum->coefficients[i]) <= tolerance)
			continue;
		sum->terms[kept] = sum->terms[i];
		sum->coefficients[kept++] = sum->coefficients[i];
	}
	sum->n = kept;
}

void tarn_pauli_sum_multiply(const struct tarn_pauli_sum *left, const struct tarn_pauli_sum *right,
			     struct tarn_pauli_sum *product)
{
	static const double complex powers_of_i[] = { 1, I, -1, -I };
	tarn_pauli_sum_clear(product);
	product->n_qubits = left->n_qubits;
	for (size_t i = 0; i < left->n; i++) {
		for (size_t j = 0; j < right->n; j++) {
			unsigned phase;
			struct tarn_pauli term = tarn_pauli_multiply(left->terms[i], right->terms[j], &phase);
			double complex coefficient = left->coefficients[i] * right->coefficients[j];
			tarn_pauli_sum_add(product, term, powers_of_i[phase] * coefficient);
		}
	}
}
