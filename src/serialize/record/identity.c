#include "base/hash.h"
#include "serialize/record/canonical.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "result digests take arrays as they lie in memory");

static void digest_of(const struct tarn_buf *bytes, char id[TARN_ID_SIZE])
{
	uint8_t digest[TARN_SHA256_SIZE];
	tarn_sha256(tarn_buf_slice(bytes), digest);
	tarn_hex(digest, sizeof(digest), id);
}

static void put_double_bits(struct tarn_buf *out, double value)
{
	tarn_buf_add(out, &value, sizeof(value));
}

static void put_counted_doubles(struct tarn_buf *out, const double *values, size_t n)
{
	tarn_buf_add_le64(out, n);
	tarn_buf_add(out, values, n * sizeof(*values));
}

static void put_optional_double(struct tarn_buf *out, struct tarn_opt_double value)
{
	tarn_buf_add_byte(out, value.present);
	put_double_bits(out, value.present ? value.value : 0);
}

static void put_optional_int(struct tarn_buf *out, struct tarn_opt_int value)
{
	tarn_buf_add_byte(out, value.present);
	tarn_buf_add_le32(out, value.present ? (uint32_t)value.value : 0);
}

static void put_optional_doubles(struct tarn_buf *out, const struct tarn_opt_doubles *column, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool present = column->valid && column->valid[i];
		put_optional_double(out, (struct tarn_opt_double){ present, present ? column->values[i] : 0 });
	}
}

static void put_iterations(struct tarn_buf *out, const struct tarn_iterations *iterations)
{
	size_t n = iterations->n;
	tarn_buf_add_le64(out, n);
	tarn_buf_add(out, iterations->step, n * sizeof(*iterations->step));
	tarn_buf_add(out, iterations->energy, n * sizeof(double));
	tarn_buf_add(out, iterations->std, n * sizeof(double));
	put_optional_doubles(out, &iterations->energy_delta, n);
	put_optional_doubles(out, &iterations->parameter_delta_norm, n);
	put_optional_doubles(out, &iterations->cumulative_min_energy, n);
	for (size_t i = 0; i < n; i++) {
		int64_t from = iterations->parameter_offsets[i], to = iterations->parameter_offsets[i + 1];
		put_counted_doubles(out, iterations->parameters + from, (size_t)(to - from));
	}
}

static void put_result(struct tarn_buf *out, const struct tarn_record *record)
{
	put_iterations(out, &record->iterations);
	put_double_bits(out, record->minimum);
	put_counted_doubles(out, record->optimal_parameters, record->n_optimal);
	put_optional_double(out, record->maxcv);
	put_double_bits(out, record->minimization_time);
	put_optional_double(out, record->nuclear_repulsion_energy);
	tarn_buf_add_byte(out, record->success.present);
	tarn_buf_add_byte(out, record->success.present && record->success.value);
	put_optional_int(out, record->nfev);
	put_optional_int(out, record->nit);
	put_double_bits(out, record->hamiltonian_time);
	put_double_bits(out, record->mapping_time);
	put_double_bits(out, record->vqe_time);
	put_double_bits(out, record->total_time);
}

void tarn_record_identify(const struct tarn_record *record, struct tarn_buf *scratch, struct tarn_record_ids *ids)
{
	/* A text cut off at some maximum would make equal ids of different records; the record itself is the limit. */
	scratch->max = SIZE_MAX / 2;
	tarn_buf_clear(scratch);
	tarn_record_canonical(record, scratch);
	digest_of(scratch, ids->experiment);
	tarn_buf_clear(scratch);
	tarn_record_configuration(record, scratch);
	digest_of(scratch, ids->configuration);
	tarn_buf_clear(scratch);
	put_result(scratch, record);
	digest_of(scratch, ids->result);
}
