#include "stream/broker/handlers.h"

/* Kafka's rule for both names: letters, digits, dots and dashes, no dot or dash at either end (KIP-511). */
static bool is_software_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	size_t length = strlen(text);
	return length && strspn(text, allowed) == length && !strchr(".-", text[0]) && !strchr(".-", text[length - 1]);
}

void tarn_handle_api_versions(struct tarn_call *call)
{
	const struct tarn_api_versions_request *request = call->request;
	struct tarn_api_versions_response *response = call->response;
	/* An unknown version is answered in version 0, which every client can read, with the list to choose from. */
	if (call->api_version > call->handler->max) {
		response->error_code = TARN_KAFKA_UNSUPPORTED_VERSION;
		call->api_version = 0;
	} else if (call->api_version >= 3 && (!is_software_name(request->client_software_name) ||
					      !is_software_name(request->client_software_version))) {
		response->error_code = TARN_KAFKA_INVALID_REQUEST;
		tarn_call_answer(call);
		return;
	}
	response->n_api_keys = tarn_handlers_count;
	response->api_keys = tarn_call_new(call, api_versions_response_api_key, tarn_handlers_count);
	for (size_t i = 0; i < tarn_handlers_count; i++) {
		const struct tarn_handler *handler = &tarn_handlers[i];
		struct tarn_api_versions_response_api_key *key = &response->api_keys[i];
		key->api_key = handler->api_key;
		/* librdkafka takes a broker that does not name these old versions for one without compression; they are
		 * refused all the same (KAFKA-18659). */
		key->min_version = handler->api_key == TARN_API_PRODUCE ? 0 : handler->min;
		key->max_version = handler->max;
	}
	tarn_call_answer(call);
}
