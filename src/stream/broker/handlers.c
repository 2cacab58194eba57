#include "stream/broker/handlers.h"

const struct tarn_handler tarn_handlers[] = {
	{ TARN_API_API_VERSIONS, 0, 4, TARN_HANDLER_UNAUTHENTICATED, tarn_handle_api_versions },
};
const size_t tarn_handlers_count = sizeof(tarn_handlers) / sizeof(*tarn_handlers);

const struct tarn_handler *tarn_handler_find(int16_t api_key)
{
	for (size_t i = 0; i < tarn_handlers_count; i++)
		if (tarn_handlers[i].api_key == api_key)
			return &tarn_handlers[i];
	return NULL;
}
