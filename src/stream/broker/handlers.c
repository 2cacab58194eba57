#include "stream/broker/handlers.h"

const struct tarn_handler tarn_handlers[] = {
	{ TARN_API_SASL_HANDSHAKE, 0, 1, TARN_HANDLER_UNAUTHENTICATED, tarn_handle_sasl_handshake },
	{ TARN_API_API_VERSIONS, 0, 4, TARN_HANDLER_UNAUTHENTICATED, tarn_handle_api_versions },
	{ TARN_API_SASL_AUTHENTICATE, 0, 2, TARN_HANDLER_UNAUTHENTICATED, tarn_handle_sasl_authenticate },
	{ TARN_API_DESCRIBE_USER_SCRAM_CREDENTIALS, 0, 0, 0, tarn_handle_describe_user_scram_credentials },
	{ TARN_API_ALTER_USER_SCRAM_CREDENTIALS, 0, 0, TARN_HANDLER_WAITS, tarn_handle_alter_user_scram_credentials },
};
const size_t tarn_handlers_count = sizeof(tarn_handlers) / sizeof(*tarn_handlers);

const struct tarn_handler *tarn_handler_find(int16_t api_key)
{
	for (size_t i = 0; i < tarn_handlers_count; i++)
		if (tarn_handlers[i].api_key == api_key)
			return &tarn_handlers[i];
	return NULL;
}
