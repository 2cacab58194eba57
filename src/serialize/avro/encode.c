#include "serialize/avro/encode.h"

void tarn_avro_put_float(struct tarn_buf *out, float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof(bits));
	tarn_buf_add_le32(out, bits);
}

void tarn_avro_put_double(struct tarn_buf *out, double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	tarn_buf_add_le64(out, bits);
}
