/* The door of the S3 store; called through the network module, see object.c. */
#include <stdlib.h>

#include "base/module.h"
#include "store/object/s3_ahead.h"
#include "store/object/s3_lent.h"
#include "store/object/s3_work.h"

static void s3_close(struct tarn_store *store)
{
	struct s3_store *s3 = s3_store_of(store);
	s3_work_free(s3);
	s3_ahead_free(s3->ahead);
	tarn_curl_pool_release(&s3->connections);
	s3_lent_free(s3->lent);
	s3_config_release(&s3->config);
	pthread_mutex_destroy(&s3->probing);
	free(s3->base.url);
	free(s3);
}

static const struct tarn_store_ops s3_ops = {
	.close = s3_close,
	.get = s3_get,
	.get_range = s3_get_range,
	.get_tail = s3_get_tail,
	.expect = s3_fetch_ahead,
	.size = s3_size,
	.put = s3_put,
	.link = s3_link,
	.rename = s3_rename,
	.writer_open = s3_writer_open,
	.writer_add = s3_writer_add,
	.writer_finish = s3_writer_finish,
	.writer_free = s3_writer_free,
	.sync = s3_sync,
	.remove = s3_delete,
	.list = s3_list,
	.walk = s3_walk,
	.list_tree = s3_list_tree,
	.folder_token = s3_folder_token,
	.is_ordered = true,
};

enum tarn_rc tarn_s3_store_open(const char *url, const struct tarn_s3_options *options, bool create,
				struct tarn_store **store, struct tarn_err *err)
{
	struct s3_config config;
	struct s3_lent *lent = NULL;
	enum tarn_rc rc = tarn_curl_start(err);
	if (!rc)
		rc = s3_config_load(url, options, &config, err);
	if (rc)
		return rc;
	if (config.lender)
		rc = s3_lent_new(&config, &lent, err);
	if (rc) {
		s3_config_release(&config);
		return rc;
	}
	struct s3_store *s3 = tarn_calloc(1, sizeof(*s3));
	s3->base.ops = &s3_ops;
	s3->base.url = tarn_asprintf("s3://%s%s%s", config.bucket, *config.prefix ? "/" : "", config.prefix);
	s3->config = config;
	s3->lent = lent;
	s3->create = create;
	s3->creates = -1;
	tarn_curl_pool_init(&s3->connections);
	pthread_mutex_init(&s3->probing, NULL);
	s3->work = s3_work_new();
	s3->ahead = s3_ahead_new();
	*store = &s3->base;
	return TARN_OK;
}
