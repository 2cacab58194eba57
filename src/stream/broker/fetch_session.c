#include "stream/broker/fetch_session.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "stream/broker/session.h"

enum {
	TOPIC_IDS = 13,
	BEGIN = 0, /* epochs that stand for a request with all partitions: to begin a session ... */
	NONE = -1, /* ... or without one, ending the one that is named */
	MOST_PARTITIONS = 10000,
};
/* Of all connections: some 100 bytes each. */
#define MOST_OF_ALL ((size_t)1 << 20)

struct entry {
	struct tarn_uuid topic;
	struct tarn_fetch_request_partition asked;
	int64_t high_watermark, last_stable, start; /* as told last; -1: not yet, or an error */
	bool gone;
};

struct tarn_fetch_session {
	int32_t id, epoch;	/* epoch: of the next request */
	struct entry *entries;	/* by topic and partition */
	size_t n, cap, counted; /* counted: in the broker's sum */
	size_t first;
	const struct tarn_call *call; /* the fetch that is under way in it, or NULL */
	bool whole;		      /* its answer names all partitions */
};

static int in_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = memcmp(&x->topic, &y->topic, sizeof(x->topic));
	return order ? order : (x->asked.partition > y->asked.partition) - (x->asked.partition < y->asked.partition);
}

static struct entry *find(const struct tarn_fetch_session *session, size_t n, const struct tarn_uuid *topic,
			  int32_t partition)
{
	const struct entry key = { .topic = *topic, .asked = { .partition = partition } };
	return n ? bsearch(&key, session->entries, n, sizeof(key), in_order) : NULL;
}

void tarn_fetch_session_free(struct tarn_broker *broker, struct tarn_fetch_session *session)
{
	if (!session)
		return;
	atomic_fetch_sub(&broker->session_partitions, session->counted);
	free(session->entries);
	free(session);
}

static void end_session(struct tarn_call *call)
{
	tarn_fetch_session_free(call->broker, call->session->fetches);
	call->session->fetches = NULL;
}

/* ---- what a request changes ---- */

static bool name_partition(struct tarn_fetch_session *session, size_t n_sorted, const struct tarn_uuid *topic,
			   const struct tarn_fetch_request_partition *asked)
{
	struct entry *entry = find(session, n_sorted, topic, asked->partition);
	if (entry) {
		entry->asked = *asked;
		return true;
	}
	if (session->n == MOST_PARTITIONS)
		return false;
	session->entries = tarn_grow(session->entries, &session->cap, session->n + 1, sizeof(*session->entries));
	session->entries[session->n++] = (struct entry){ *topic, *asked, -1, -1, -1, false };
	return true;
}

/* Those named twice stay once. */
static void sort_entries(struct tarn_fetch_session *session)
{
	size_t n = 0;
	qsort(session->entries, session->n, sizeof(*session->entries), in_order);
	for (size_t i = 0; i < session->n; i++)
		if (!n || in_order(&session->entries[n - 1], &session->entries[i]))
			session->entries[n++] = session->entries[i];
	session->n = n;
}

static void forget(struct tarn_fetch_session *session, const struct tarn_fetch_request *request)
{
	size_t n = 0;
	for (size_t i = 0; i < request->n_forgotten_topics; i++) {
		const struct tarn_fetch_request_forgotten_topic *topic = &request->forgotten_topics[i];
		for (size_t j = 0; j < topic->n_partitions; j++) {
			struct entry *entry = find(session, session->n, &topic->topic_id, topic->partitions[j]);
			if (entry)
				entry->gone = true;
		}
	}
	for (size_t i = 0; i < session->n; i++)
		if (!session->entries[i].gone)
			session->entries[n++] = session->entries[i];
	session->n = n;
}

/* False where there is no room for that many. */
static bool change(struct tarn_call *call, struct tarn_fetch_session *session)
{
	const struct tarn_fetch_request *request = call->request;
	size_t n_sorted = session->n;
	for (size_t i = 0; i < request->n_topics; i++) {
		const struct tarn_fetch_request_topic *topic = &request->topics[i];
		for (size_t j = 0; j < topic->n_partitions; j++)
			if (!name_partition(session, n_sorted, &topic->topic_id, &topic->partitions[j]))
				return false;
	}
	if (session->n > n_sorted)
		sort_entries(session);
	if (request->n_forgotten_topics)
		forget(session, request);
	size_t of_all = atomic_fetch_add(&call->broker->session_partitions, session->n - session->counted);
	session->counted = session->n;
	return of_all <= MOST_OF_ALL;
}

/* The request names all partitions of the session. */
static void name_all(struct tarn_call *call, const struct tarn_fetch_session *session)
{
	struct tarn_fetch_request *request = call->request;
	size_t n_topics = 0;
	for (size_t i = 0; i < session->n; i++)
		n_topics += !i || memcmp(&session->entries[i].topic, &session->entries[i - 1].topic,
					 sizeof(session->entries->topic));
	struct tarn_fetch_request_partition *partition =
		tarn_arena_alloc(&call->arena, session->n * sizeof(*partition));
	request->topics = tarn_arena_zalloc(&call->arena, n_topics * sizeof(*request->topics));
	request->n_topics = 0;
	for (size_t i = 0; i < session->n; i++) {
		const struct entry *entry = &session->entries[i];
		if (!i || memcmp(&entry->topic, &entry[-1].topic, sizeof(entry->topic)))
			request->topics[request->n_topics++] =
				(struct tarn_fetch_request_topic){ .topic_id = entry->topic, .partitions = partition };
		request->topics[request->n_topics - 1].n_partitions++;
		*partition++ = entry->asked;
	}
}

/* ---- entering ---- */

/* Where there is no room for one, the client goes on without. */
static void begin_session(struct tarn_call *call)
{
	const struct tarn_fetch_request *request = call->request;
	if (call->api_version < TOPIC_IDS || !request->n_topics)
		return;
	struct tarn_fetch_session *session = tarn_calloc(1, sizeof(*session));
	uint32_t id = atomic_fetch_add(&call->broker->next_fetch_session, 1) & INT32_MAX;
	session->id = id ? (int32_t)id : 1;
	session->epoch = 1;
	session->call = call;
	session->whole = true;
	call->session->fetches = session;
	if (!change(call, session))
		end_session(call);
}

static int16_t go_on(struct tarn_call *call, struct tarn_fetch_session *session)
{
	const struct tarn_fetch_request *request = call->request;
	if (!session || session->id != request->session_id)
		return TARN_KAFKA_FETCH_SESSION_ID_NOT_FOUND;
	if (call->api_version < TOPIC_IDS)
		return TARN_KAFKA_FETCH_SESSION_TOPIC_ID_ERROR;
	if (session->epoch != request->session_epoch)
		return TARN_KAFKA_INVALID_FETCH_SESSION_EPOCH;
	if (!change(call, session)) {
		end_session(call);
		return TARN_KAFKA_FETCH_SESSION_ID_NOT_FOUND;
	}
	session->epoch = session->epoch == INT32_MAX ? 1 : session->epoch + 1;
	session->call = call;
	session->whole = false;
	name_all(call, session);
	if (!session->n) /* nothing is left of it: the answer is empty, and has no session */
		end_session(call);
	return TARN_KAFKA_NONE;
}

int16_t tarn_fetch_session_enter(struct tarn_call *call)
{
	const struct tarn_fetch_request *request = call->request;
	struct tarn_fetch_session *session = call->session->fetches;
	if (session)
		session->call = NULL;
	if (request->session_epoch != BEGIN && request->session_epoch != NONE)
		return go_on(call, session);
	if (session && (request->session_epoch == BEGIN || session->id == request->session_id))
		end_session(call);
	if (request->session_epoch == BEGIN)
		begin_session(call);
	return TARN_KAFKA_NONE;
}

/* ---- leaving ---- */

static struct tarn_fetch_session *session_of(const struct tarn_call *call)
{
	struct tarn_fetch_session *session = call->session->fetches;
	return session && session->call == call ? session : NULL;
}

size_t tarn_fetch_session_first(const struct tarn_call *call)
{
	const struct tarn_fetch_session *session = session_of(call);
	return session ? session->first : 0;
}

/* `at`: the place of its entry, where the answer is in their order. */
static bool is_news(const struct tarn_fetch_session *session, size_t at, const struct tarn_uuid *topic,
		    const struct tarn_fetch_response_partition *told)
{
	const struct entry key = { .topic = *topic, .asked = { .partition = told->partition_index } };
	struct entry *entry = at < session->n && !in_order(&key, &session->entries[at])
				      ? &session->entries[at]
				      : find(session, session->n, topic, told->partition_index);
	if (!entry)
		return true;
	bool same = told->high_watermark == entry->high_watermark && told->last_stable_offset == entry->last_stable &&
		    told->log_start_offset == entry->start;
	entry->high_watermark = told->high_watermark;
	entry->last_stable = told->last_stable_offset;
	entry->start = told->log_start_offset;
	return !same || told->error_code || told->records.len;
}

void tarn_fetch_session_leave(struct tarn_call *call, size_t next)
{
	struct tarn_fetch_response *response = call->response;
	struct tarn_fetch_session *session = session_of(call);
	size_t n_topics = 0, at = 0;
	if (!session)
		return;
	response->session_id = session->id;
	session->first = next;
	for (size_t i = 0; i < response->n_topics; i++) {
		struct tarn_fetch_response_topic *topic = &response->topics[i];
		size_t n = 0;
		for (size_t j = 0; j < topic->n_partitions; j++)
			if (is_news(session, at++, &topic->topic_id, &topic->partitions[j]) || session->whole)
				topic->partitions[n++] = topic->partitions[j];
		topic->n_partitions = n;
		if (n)
			response->topics[n_topics++] = *topic;
	}
	response->n_topics = n_topics;
	session->call = NULL;
}
