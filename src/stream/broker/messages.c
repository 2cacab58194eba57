#include "stream/broker/messages.h"

#include "stream/broker/codec.h"

enum { ON = UINT8_MAX, NEVER = UINT8_MAX };

/* A function for each struct, so that `self` may stand for it in the rows. */
#define STRUCT(x)                                                                                                      \
	const struct tarn_layout *tarn_layout_##x(void)                                                                \
	{                                                                                                              \
		typedef struct tarn_##x self;                                                                          \
		static const char name_of_struct[] = #x;                                                               \
		static const struct tarn_field fields[] = {
#define VALUE(KIND, name, from, to, value)                                                                             \
	{ #name, TARN_KIND_##KIND, false, from, to, NEVER, offsetof(self, name), 0, value, NULL },
#define TEXT(KIND, name, from, to, null_from)                                                                          \
	{ #name, TARN_KIND_##KIND, false, from, to, null_from, offsetof(self, name), 0, 0, NULL },
#define ARRAY(KIND, name, from, to, null_from)                                                                         \
	{ #name, TARN_KIND_##KIND, true, from, to, null_from, offsetof(self, name), offsetof(self, n_##name), 0, NULL },
#define LIST(y, name, from, to, null_from)                                                                             \
	{ #name, TARN_KIND_STRUCT, true, from, to, null_from, offsetof(self, name), offsetof(self, n_##name),          \
	  0,	 tarn_layout_##y },
#define PART(y, name, from, to, null_from)                                                                             \
	{ #name, TARN_KIND_STRUCT, false, from, to, null_from, offsetof(self, name), 0, 0, tarn_layout_##y },
#define END(x)                                                                                                         \
	}                                                                                                              \
	;                                                                                                              \
	static const struct tarn_layout layout = { name_of_struct, sizeof(self), fields,                               \
						   sizeof(fields) / sizeof(*fields) };                                 \
	return &layout;                                                                                                \
	}
#include "stream/broker/messages_access.def"
#include "stream/broker/messages_admin.def"
#include "stream/broker/messages_balance.def"
#include "stream/broker/messages_groups.def"
#include "stream/broker/messages_records.def"
#include "stream/broker/messages_txn.def"

static const struct tarn_api apis[] = {
#undef NEVER
#define NEVER INT16_MAX
#define API(NAME, key, prefix, oldest, newest, flexible)                                                               \
	{ key, #prefix, oldest, newest, flexible, tarn_layout_##prefix##_request, tarn_layout_##prefix##_response },
#include "stream/broker/apis.def"
};

#define N_APIS (sizeof(apis) / sizeof(*apis))
/* Larger than every key of the table. */
#define MAX_KEY 100

const struct tarn_api *tarn_api_at(size_t i)
{
	return i < N_APIS ? &apis[i] : NULL;
}

const struct tarn_api *tarn_api_find(int16_t key)
{
	/* In order of keys, mostly without gaps: the key's own place is where the search can start at the latest. */
	if (key < 0 || key > MAX_KEY)
		return NULL;
	size_t i = (size_t)key < N_APIS ? (size_t)key : N_APIS - 1;
	while (i && apis[i].key > key)
		i--;
	return apis[i].key == key ? &apis[i] : NULL;
}
