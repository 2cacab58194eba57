/* Fetch. What is there is answered at once; else the call watches its partitions and looks again when one of them has
 * moved, until min_bytes are there, the time is up, or something is wrong.
 */
#include <stdlib.h>
#include <string.h>

#include "stream/broker/fetch_session.h"
#include "stream/broker/handlers.h"
#include "stream/broker/session.h"
#include "stream/broker/topic_names.h"

enum {
	TOPIC_IDS = 13,
	LEADER_EPOCH = 0,
	/* However much a client asks for (Kafka's fetch.max.bytes): an answer within the memory that a thread keeps
	 * costs half of one in fresh pages, and the client takes it in while the next one is read. */
	LARGEST_ANSWER = 4 << 20,
	/* The longest wait of a fetch that its client would send with more partitions now. */
	SEEKING_WAIT_MS = 10,
};

/* One for each partition of the request. */
struct part {
	struct tarn_partition_watcher watcher;
	struct tarn_call *call;
	struct tarn_partition *partition; /* NULL: there is an error */
	const struct tarn_fetch_request_partition *asked;
	struct tarn_fetch_response_partition *response;
	struct tarn_buf records;
	bool watched;
};

struct fetch {
	struct tarn_topic **topics; /* with references, until the answer */
	size_t n_topics;
	struct part *parts;
	size_t n_parts;
	size_t first, next; /* which part is read first, now and the next time */
	size_t size;	    /* of all records */
	bool full;	    /* there was more than fits */
	bool failed;	    /* a partition has an error: the answer goes out at once */
};

/* ---- reading ---- */

static int16_t check_epoch(int32_t epoch)
{
	if (epoch < 0 || epoch == LEADER_EPOCH)
		return TARN_KAFKA_NONE;
	return TARN_KAFKA_UNKNOWN_LEADER_EPOCH;
}

static void set_offsets(struct part *part)
{
	struct tarn_offsets offsets;
	tarn_partition_offsets(part->partition, &offsets);
	part->response->high_watermark = offsets.high_watermark;
	part->response->last_stable_offset = offsets.last_stable;
	part->response->log_start_offset = offsets.start;
}

static void set_error(struct fetch *fetch, struct part *part, int16_t error)
{
	part->response->error_code = error;
	part->response->high_watermark = -1;
	part->response->last_stable_offset = -1;
	part->response->log_start_offset = -1;
	fetch->failed = true;
}

/* Aborted transactions that reach into what was read: the reader skips their records. */
static void set_aborted(struct tarn_call *call, struct part *part, int64_t next)
{
	struct tarn_aborted *aborted = NULL;
	size_t n = tarn_partition_aborted(part->partition, part->asked->fetch_offset, next, &aborted);
	part->response->aborted_transactions = tarn_call_new(call, fetch_response_aborted_transaction, n);
	part->response->n_aborted_transactions = n;
	for (size_t i = 0; i < n; i++) {
		part->response->aborted_transactions[i].producer_id = aborted[i].producer_id;
		part->response->aborted_transactions[i].first_offset = aborted[i].first_offset;
	}
	free(aborted);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int64_t readable_end(const struct part *part, enum tarn_isolation isolation)
{
	return isolation == TARN_READ_COMMITTED ? part->response->last_stable_offset : part->response->high_watermark;
}

/* The first batch of an answer is given however large it is (KIP-74), all others within the limits. */
static void read_part(struct tarn_call *call, struct fetch *fetch, struct part *part, size_t left)
{
	size_t own = part->asked->partition_max_bytes > 0 ? (size_t)part->asked->partition_max_bytes : 0;
	const struct tarn_fetch_request *request = call->request;
	enum tarn_isolation isolation = request->isolation_level ? TARN_READ_COMMITTED : TARN_READ_UNCOMMITTED;
	struct tarn_err err;
	int64_t next;
	enum tarn_rc rc = (fetch->size ? tarn_partition_read_within : tarn_partition_read)(
		part->partition, part->asked->fetch_offset, least(left, own), isolation, &part->records, &next, &err);
	if (rc) {
		set_error(fetch, part,
			  rc == TARN_ENOTFOUND ? TARN_KAFKA_OFFSET_OUT_OF_RANGE : TARN_KAFKA_KAFKA_STORAGE_ERROR);
		if (rc != TARN_ENOTFOUND)
			tarn_broker_say(call->broker, "fetch of %s-%d at %lld: %s",
					tarn_topic_name(tarn_partition_topic(part->partition)), part->asked->partition,
					(long long)part->asked->fetch_offset, err.message);
		return;
	}
	set_offsets(part);
	fetch->full = fetch->size && !part->records.len && left < own &&
		      part->asked->fetch_offset < readable_end(part, isolation);
	fetch->size += part->records.len;
	if (isolation == TARN_READ_COMMITTED && part->records.len)
		set_aborted(call, part, next);
}

static void read_parts(struct tarn_call *call, struct fetch *fetch)
{
	const struct tarn_fetch_request *request = call->request;
	size_t most = request->max_bytes > 0 ? least((size_t)request->max_bytes, LARGEST_ANSWER) : 0;
	fetch->size = 0;
	fetch->full = false;
	fetch->next = fetch->first;
	for (size_t k = 0; k < fetch->n_parts; k++) {
		size_t i = (fetch->first + k) % fetch->n_parts;
		struct part *part = &fetch->parts[i];
		size_t left = fetch->size < most ? most - fetch->size : 0;
		tarn_buf_clear(&part->records);
		if (!part->partition || part->response->error_code)
			continue;
		if (!fetch->full && (left || !fetch->size))
			read_part(call, fetch, part, left);
		else
			set_offsets(part);
		if (part->records.len)
			fetch->next = i + 1;
	}
}

static bool is_enough(const struct tarn_call *call, const struct fetch *fetch)
{
	const struct tarn_fetch_request *request = call->request;
	return fetch->failed || !fetch->n_parts || request->max_wait_ms <= 0 || request->min_bytes <= 0 ||
	       fetch->size >= (size_t)request->min_bytes || fetch->size >= LARGEST_ANSWER || fetch->full;
}

/* ---- waiting ---- */

static void partition_changed(struct tarn_partition_watcher *watcher, struct tarn_partition *partition)
{
	(void)partition;
	tarn_call_wake(((struct part *)watcher)->call); /* the watcher is its first member */
}

static void watch(struct fetch *fetch)
{
	for (size_t i = 0; i < fetch->n_parts; i++) {
		struct part *part = &fetch->parts[i];
		if (!part->partition)
			continue;
		part->watcher.changed = partition_changed;
		tarn_partition_watch(part->partition, &part->watcher);
		part->watched = true;
	}
}

static void count_out(const struct fetch *fetch)
{
	for (size_t i = 0; i < fetch->n_parts; i++)
		if (fetch->parts[i].response->records.len)
			tarn_partition_count_out(fetch->parts[i].partition, fetch->parts[i].response->records.len);
}

static void answer(struct tarn_call *call, struct fetch *fetch)
{
	for (size_t i = 0; i < fetch->n_parts; i++)
		if (fetch->parts[i].watched)
			tarn_partition_unwatch(fetch->parts[i].partition, &fetch->parts[i].watcher);
	for (size_t i = 0; i < fetch->n_parts; i++) {
		struct part *part = &fetch->parts[i];
		/* librdkafka takes a null record set for a broken one. */
		part->response->records = part->records.len ? tarn_buf_slice(&part->records) : tarn_slice_of("", 0);
		if (part->records.data)
			tarn_call_keep(call, &part->records);
	}
	count_out(fetch);
	for (size_t i = 0; i < fetch->n_topics; i++)
		if (fetch->topics[i])
			tarn_topic_unref(fetch->topics[i]);
	tarn_fetch_session_leave(call, fetch->next);
	tarn_call_answer(call);
}

/* Whether one of the partitions was deleted, or has more than at the last look. */
static bool has_moved(const struct fetch *fetch)
{
	for (size_t i = 0; i < fetch->n_parts; i++) {
		const struct part *part = &fetch->parts[i];
		struct tarn_offsets offsets;
		if (!part->partition)
			continue;
		if (tarn_topic_deleted(tarn_partition_topic(part->partition)))
			return true;
		tarn_partition_offsets(part->partition, &offsets);
		if (offsets.high_watermark != part->response->high_watermark ||
		    offsets.last_stable != part->response->last_stable_offset ||
		    offsets.start > part->asked->fetch_offset)
			return true;
	}
	return false;
}

static void note_deleted(struct fetch *fetch)
{
	for (size_t i = 0; i < fetch->n_parts; i++) {
		struct part *part = &fetch->parts[i];
		if (part->partition && !part->response->error_code &&
		    tarn_topic_deleted(tarn_partition_topic(part->partition)))
			set_error(fetch, part, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	}
}

static void resume(struct tarn_call *call, unsigned why)
{
	struct fetch *fetch = call->state;
	bool is_over = why & (TARN_WAKE_TIMER | TARN_WAKE_ENDED);
	if (has_moved(fetch)) {
		note_deleted(fetch);
		read_parts(call, fetch);
		is_over = is_over || is_enough(call, fetch);
	}
	if (is_over)
		answer(call, fetch);
}

/* ---- the request ---- */

static struct tarn_topic *open_topic(struct tarn_call *call, const struct tarn_fetch_request_topic *asked,
				     int16_t *error)
{
	if (call->api_version >= TOPIC_IDS)
		return tarn_call_topic_by_id(call, &asked->topic_id, TARN_ACL_READ, error);
	return tarn_call_topic(call, asked->topic, TARN_ACL_READ, error);
}

static void open_part(struct fetch *fetch, struct tarn_topic *topic, struct part *part, int16_t error)
{
	struct tarn_partition *partition = topic ? tarn_topic_partition(topic, part->asked->partition) : NULL;
	part->response->partition_index = part->asked->partition;
	part->response->records = tarn_slice_of("", 0);
	if (!error && !partition)
		error = TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
	if (!error)
		error = check_epoch(part->asked->current_leader_epoch);
	if (error)
		set_error(fetch, part, error);
	else
		part->partition = partition;
}

static void open_parts(struct tarn_call *call, struct fetch *fetch)
{
	const struct tarn_fetch_request *request = call->request;
	struct tarn_fetch_response *response = call->response;
	response->topics = tarn_call_new(call, fetch_response_topic, request->n_topics);
	response->n_topics = request->n_topics;
	for (size_t i = 0; i < request->n_topics; i++) {
		const struct tarn_fetch_request_topic *asked = &request->topics[i];
		struct tarn_fetch_response_topic *answered = &response->topics[i];
		int16_t error = TARN_KAFKA_NONE;
		struct tarn_topic *topic = open_topic(call, asked, &error);
		fetch->topics[fetch->n_topics++] = topic;
		answered->topic = asked->topic;
		answered->topic_id = asked->topic_id;
		answered->partitions = tarn_call_new(call, fetch_response_partition, asked->n_partitions);
		answered->n_partitions = asked->n_partitions;
		for (size_t j = 0; j < asked->n_partitions; j++) {
			struct part *part = &fetch->parts[fetch->n_parts++];
			*part = (struct part){ .call = call,
					       .asked = &asked->partitions[j],
					       .response = &answered->partitions[j] };
			tarn_buf_init(&part->records, TARN_BUF_DEFAULT_MAX);
			open_part(fetch, topic, part, error);
		}
	}
}

static struct fetch *new_fetch(struct tarn_call *call)
{
	const struct tarn_fetch_request *request = call->request;
	struct fetch *fetch = tarn_arena_zalloc(&call->arena, sizeof(*fetch));
	size_t n_partitions = 0;
	for (size_t i = 0; i < request->n_topics; i++)
		n_partitions += request->topics[i].n_partitions;
	fetch->topics = tarn_arena_alloc(&call->arena, (request->n_topics + 1) * sizeof(*fetch->topics));
	fetch->parts = tarn_arena_alloc(&call->arena, (n_partitions + 1) * sizeof(*fetch->parts));
	fetch->first = tarn_fetch_session_first(call);
	return fetch;
}

void tarn_handle_fetch(struct tarn_call *call)
{
	const struct tarn_fetch_request *request = call->request;
	struct tarn_fetch_response *response = call->response;
	bool seeks = call->session->seeks;
	call->session->seeks = false;
	response->error_code = tarn_fetch_session_enter(call);
	if (response->error_code) {
		tarn_call_answer(call);
		return;
	}
	struct fetch *fetch = new_fetch(call);
	open_parts(call, fetch);
	read_parts(call, fetch);
	if (is_enough(call, fetch)) {
		answer(call, fetch);
		return;
	}
	call->state = fetch;
	call->resume = resume;
	tarn_call_set_timer(call,
			    seeks && request->max_wait_ms > SEEKING_WAIT_MS ? SEEKING_WAIT_MS : request->max_wait_ms);
	watch(fetch);
	if (has_moved(fetch)) /* between the look and the watch */
		tarn_call_wake(call);
}
