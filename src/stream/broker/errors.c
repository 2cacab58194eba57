#include "stream/broker/errors.h"

#include <stddef.h>

static const struct {
	int16_t code;
	const char *name, *text;
} errors[] = {
#define X(name, code, text) { code, #name, text },
	TARN_KAFKA_ERRORS(X)
#undef X
};

static size_t find(int16_t code)
{
	size_t i = 0;
	while (i < sizeof(errors) / sizeof(*errors) && errors[i].code != code)
		i++;
	return i;
}

const char *tarn_kafka_error_name(int16_t code)
{
	size_t i = find(code);
	return i < sizeof(errors) / sizeof(*errors) ? errors[i].name : "?";
}

const char *tarn_kafka_error_text(int16_t code)
{
	size_t i = find(code);
	return i < sizeof(errors) / sizeof(*errors) ? errors[i].text : "an error without a name";
}

int16_t tarn_kafka_error_of(enum tarn_rc rc)
{
	switch (rc) {
	case TARN_OK: return TARN_KAFKA_NONE;
	case TARN_EINVALID:
	case TARN_EUNSUPPORTED: return TARN_KAFKA_INVALID_REQUEST;
	case TARN_EIO: return TARN_KAFKA_KAFKA_STORAGE_ERROR;
	case TARN_ENOTFOUND: return TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
	case TARN_EEXISTS: return TARN_KAFKA_TOPIC_ALREADY_EXISTS;
	case TARN_ECONFLICT:
	case TARN_EBUSY: return TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
	case TARN_ELIMIT: return TARN_KAFKA_MESSAGE_TOO_LARGE;
	}
	return TARN_KAFKA_UNKNOWN_SERVER_ERROR;
}
