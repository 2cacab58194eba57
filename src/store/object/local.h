/* The folder as a store: what its three files share. */
#ifndef TARN_STORE_OBJECT_LOCAL_H
#define TARN_STORE_OBJECT_LOCAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/object/backend.h"

/* Begins the name of a file that is still being written. */
#define TARN_LOCAL_TEMPORARY ".tarn-tmp-"

/* Written and not yet durable. */
struct tarn_local_pending {
	int fd;	   /* -1: only the folder has changed */
	char *key; /* its folder has a new entry */
};

struct tarn_local_store {
	struct tarn_store base;
	const char *path; /* absolute, in base.url */
	int root;	  /* descriptor of the folder: every key is opened relative to it */
	uint64_t token;	  /* random, in names of temporary files */
	atomic_uint_fast64_t counter;
	pthread_mutex_t syncing; /* held while files are made durable; taken before `lock` */
	pthread_mutex_t lock;	 /* of the fields below */
	struct tarn_local_pending *pending;
	size_t n_pending, cap_pending;
	int sync_errno; /* of the first failed sync */
};

static inline struct tarn_local_store *tarn_local(struct tarn_store *store)
{
	return (struct tarn_local_store *)store;
}

/* Remembers a new entry for the next sync; takes the descriptor. Syncs by itself where very many are open. */
enum tarn_rc tarn_local_add_pending(struct tarn_local_store *local, int fd, const char *key,
				    struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_local_sync(struct tarn_store *store, struct tarn_err *err) TARN_MUST_CHECK;
/* Whether to make these durable by syncing the file system as a whole. $TARN_SYNC decides where it says `files` (never) or
 * `whole` (wherever it is safe). */
bool tarn_local_syncs_whole(const struct tarn_local_store *local, const struct tarn_local_pending *pending, size_t n);
enum tarn_rc tarn_local_list(struct tarn_store *store, const char *prefix, const char *start_after,
			     tarn_store_visit visit, void *context, struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_local_walk(struct tarn_store *store, const char *prefix, tarn_store_walk_visit visit, void *context,
			     struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_local_folder_token(struct tarn_store *store, const char *prefix, char token[TARN_STORE_TOKEN_SIZE],
				     struct tarn_err *err) TARN_MUST_CHECK;

#endif
