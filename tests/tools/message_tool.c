/* Prints messages of every API and version of the table, filled at random, for another implementation to read:
 * "KEY request|response VERSION HEXADECIMAL", a line each. usage: message_tool ROUNDS */
#include <stdio.h>
#include <stdlib.h>

#include "unit/stream/broker/random_message.h"

static void print(const struct tarn_api *api, const char *type, const struct tarn_layout *layout, int16_t version)
{
	struct tarn_arena arena;
	struct tarn_encoded encoded;
	tarn_arena_init(&arena);
	tarn_encoded_init(&encoded);
	void *message = tarn_layout_new(&arena, layout, 1);
	fill(&arena, layout, message, version);
	tarn_message_encode(&encoded, layout, version, version >= api->flexible, message);
	printf("%d %s %d ", api->key, type, version);
	for (size_t i = 0; i < encoded.bytes.len; i++)
		printf("%02x", encoded.bytes.data[i]);
	putchar('\n');
	tarn_encoded_release(&encoded);
	tarn_arena_release(&arena);
}

int main(int argc, char **argv)
{
	const struct tarn_api *api;
	if (argc != 2)
		return 2;
	for (int round = 0; round < atoi(argv[1]); round++)
		for (size_t i = 0; (api = tarn_api_at(i)); i++)
			for (int16_t version = api->oldest; version <= api->newest; version++) {
				seed = (uint64_t)round * 100000 + (uint64_t)api->key * 100 + (uint64_t)version;
				print(api, "request", api->request(), version);
				print(api, "response", api->response(), version);
			}
	return 0;
}
