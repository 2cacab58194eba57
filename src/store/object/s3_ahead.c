#include "store/object/s3_ahead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/object/s3_work.h"

enum { AHEAD_MAX = 16 << 20, UNKNOWN_LEN = 256 << 10, LARGEST = 64 << 20 };

struct fetch {
	struct s3_job job;
	char *key;
	int64_t offset, len; /* len -1: the whole object */
	size_t charged;
	struct tarn_buf bytes;
	bool done, failed;
	bool forgotten; /* nobody will take it: the job frees it */
	size_t taken;	/* bytes from the front that were given out */
	struct fetch *next;
};

struct s3_ahead {
	pthread_mutex_t lock; /* covers all below and the fetches; nothing is taken while it is held */
	pthread_cond_t done;
	struct fetch *first, **last; /* in the order in which they were asked for */
	size_t charged;
};

struct s3_ahead *s3_ahead_new(void)
{
	struct s3_ahead *ahead = tarn_calloc(1, sizeof(*ahead));
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->done, NULL);
	ahead->last = &ahead->first;
	return ahead;
}

static void free_fetch(struct fetch *fetch)
{
	tarn_buf_release(&fetch->bytes);
	free(fetch->key);
	free(fetch);
}

static void unlink_fetch(struct s3_ahead *ahead, struct fetch *fetch)
{
	struct fetch **at = &ahead->first;
	while (*at != fetch)
		at = &(*at)->next;
	*at = fetch->next;
	if (!*at)
		ahead->last = at;
	ahead->charged -= fetch->charged;
}

/* The lock is held. */
static void drop(struct s3_ahead *ahead, struct fetch *fetch)
{
	unlink_fetch(ahead, fetch);
	if (fetch->done)
		free_fetch(fetch);
	else
		fetch->forgotten = true;
}

void s3_ahead_free(struct s3_ahead *ahead)
{
	while (ahead->first)
		drop(ahead, ahead->first);
	pthread_cond_destroy(&ahead->done);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead);
}

static void run_fetch(struct s3_store *store, struct s3_job *job)
{
	struct fetch *fetch = (struct fetch *)job;
	struct s3_ahead *ahead = store->ahead;
	struct s3_response response;
	char range[64];
	struct s3_request request = { .method = "GET", .key = fetch->key, .out = &fetch->bytes };
	if (fetch->len >= 0) {
		snprintf(range, sizeof(range), "bytes=%lld-%lld", (long long)fetch->offset,
			 (long long)(fetch->offset + fetch->len - 1));
		request.headers[0] = (struct s3_pair){ "range", range };
	}
	/* Whoever reads it asks again, and hears what is wrong. */
	enum tarn_rc rc = s3_expect(store, &request, &response, NULL);
	bool whole = !rc && (fetch->len < 0 || (int64_t)fetch->bytes.len == fetch->len);
	pthread_mutex_lock(&ahead->lock);
	fetch->done = true;
	fetch->failed = !whole;
	bool forgotten = fetch->forgotten;
	pthread_cond_broadcast(&ahead->done);
	pthread_mutex_unlock(&ahead->lock);
	if (forgotten)
		free_fetch(fetch);
}

bool s3_fetch_ahead(struct tarn_store *store, const char *key, int64_t offset, int64_t len)
{
	struct s3_store *s3 = s3_store_of(store);
	struct s3_ahead *ahead = s3->ahead;
	bool whole = offset < 0;
	size_t charged = len < 0 ? UNKNOWN_LEN : (size_t)len;
	if (!whole && len <= 0)
		return true;
	pthread_mutex_lock(&ahead->lock);
	bool room = !ahead->charged || ahead->charged + charged <= AHEAD_MAX;
	struct fetch *fetch = room ? tarn_calloc(1, sizeof(*fetch)) : NULL;
	if (room) {
		fetch->job.run = run_fetch;
		fetch->key = s3_full_key(s3, key);
		fetch->offset = offset;
		fetch->len = whole ? -1 : len;
		fetch->charged = charged;
		tarn_buf_init(&fetch->bytes, LARGEST);
		ahead->charged += charged;
		*ahead->last = fetch;
		ahead->last = &fetch->next;
	}
	pthread_mutex_unlock(&ahead->lock);
	if (room)
		s3_work_submit(s3, &fetch->job);
	return room;
}

/* The first fetch of this object that holds the byte at `offset` (-1: that holds all of it), done; waits for it. The
 * lock is held. */
static struct fetch *find(struct s3_ahead *ahead, const char *key, int64_t offset)
{
	struct fetch *fetch;
	for (;;) {
		for (fetch = ahead->first; fetch; fetch = fetch->next)
			if (!strcmp(fetch->key, key) && (offset < 0 ? fetch->len < 0
								    : fetch->len >= 0 && fetch->offset <= offset &&
									      offset < fetch->offset + fetch->len))
				break;
		if (!fetch || fetch->done)
			return fetch;
		pthread_cond_wait(&ahead->done, &ahead->lock);
	}
}

bool s3_take_whole(struct s3_store *store, const char *full_key, struct tarn_buf *out)
{
	struct s3_ahead *ahead = store->ahead;
	pthread_mutex_lock(&ahead->lock);
	struct fetch *fetch = find(ahead, full_key, -1);
	if (fetch)
		unlink_fetch(ahead, fetch);
	pthread_mutex_unlock(&ahead->lock);
	if (!fetch)
		return false;
	bool fits = !fetch->failed && fetch->bytes.len <= out->max - out->len;
	if (fits)
		tarn_buf_add_slice(out, tarn_buf_slice(&fetch->bytes));
	free_fetch(fetch);
	return fits;
}

size_t s3_take_range(struct s3_store *store, const char *full_key, int64_t offset, size_t len, uint8_t *dst)
{
	struct s3_ahead *ahead = store->ahead;
	size_t given = 0;
	pthread_mutex_lock(&ahead->lock);
	while (given < len) {
		struct fetch *fetch = find(ahead, full_key, offset + (int64_t)given);
		if (!fetch)
			break;
		if (fetch->failed) {
			drop(ahead, fetch);
			break;
		}
		size_t skip = (size_t)(offset + (int64_t)given - fetch->offset), n = fetch->bytes.len - skip;
		if (n > len - given)
			n = len - given;
		memcpy(dst + given, fetch->bytes.data + skip, n);
		given += n;
		fetch->taken += n;
		if (fetch->taken >= fetch->bytes.len)
			drop(ahead, fetch);
	}
	pthread_mutex_unlock(&ahead->lock);
	return given;
}

void s3_ahead_forget(struct s3_store *store, const char *full_key)
{
	struct s3_ahead *ahead = store->ahead;
	pthread_mutex_lock(&ahead->lock);
	for (struct fetch *fetch = ahead->first, *next; fetch; fetch = next) {
		next = fetch->next;
		if (!strcmp(fetch->key, full_key))
			drop(ahead, fetch);
	}
	pthread_mutex_unlock(&ahead->lock);
}
