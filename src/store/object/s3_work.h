/* Requests behind the calls: what was put is on its way while the caller goes on, and s3_work_settle waits for it. A
 * few threads, started when there is something to do, take jobs from one queue.
 *
 * A key with a change under way is pending: a second change of it, and whoever reads it, wait for the first. A job
 * never waits for another one, so the queue always moves. */
#ifndef TARN_STORE_OBJECT_S3_WORK_H
#define TARN_STORE_OBJECT_S3_WORK_H

#include "store/object/s3_store.h"

struct s3_job {
	void (*run)(struct s3_store *store, struct s3_job *job); /* frees the job */
	struct s3_job *next;
};

struct s3_work *s3_work_new(void);
/* Waits for all jobs. */
void s3_work_free(struct s3_store *store);
/* Waits where the queue is long; not to be called by jobs. */
void s3_work_submit(struct s3_store *store, struct s3_job *job);

/* Makes the key pending once it is not. */
void s3_work_begin(struct s3_store *store, const char *key);
/* The change is done; with a failure (NULL: none) the store fails for good at the next sync. */
void s3_work_end(struct s3_store *store, const char *key, const struct tarn_err *failure);
/* Waits until the key is not pending; NULL: until none is that is pending now. */
void s3_work_settle(struct s3_store *store, const char *key);
enum tarn_rc s3_work_failure(struct s3_store *store, struct tarn_err *err) TARN_MUST_CHECK;
/* Bytes in memory that wait to be sent: waits until there is room for them. */
void s3_work_hold(struct s3_store *store, size_t bytes);
void s3_work_let_go(struct s3_store *store, size_t bytes);

#endif
