#include "stream/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "stream/log/log_parts.h"

enum { RETENTION_CHECK_MS = 300000, CLEAN_CHECK_MS = 15000, FEWEST_OPEN_FILES = 16 };
enum { PRODUCER_ID_STEP = 1000 }; /* ids that are put aside with one write */

int64_t log_now_ms(void)
{
	return tarn_now_us() / 1000;
}

void log_warn(struct tarn_log *log, const char *fmt, ...)
{
	if (!log->options.warn)
		return;
	char message[800];
	va_list args;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	log->options.warn(log->options.context, message);
}

/* ---- what is true of the whole folder: DATA/log/log.json ---- */

static char *log_path(const struct tarn_log *log)
{
	return tarn_asprintf("%s/log.json", log->root);
}

static enum tarn_rc log_save(const struct tarn_log *log, int64_t next_producer_id, struct tarn_err *err)
{
	char *text = tarn_asprintf("{\n  \"format\": 1,\n  \"cluster_id\": \"%s\",\n  \"next_producer_id\": %lld\n}\n",
				   log->cluster_id, (long long)next_producer_id);
	char *path = log_path(log);
	enum tarn_rc rc = tarn_file_replace(path, tarn_slice_str(text), err);
	free(path);
	free(text);
	return rc;
}

/* A random UUID in base64 without padding, as Kafka writes its own. */
static void make_cluster_id(char id[24])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char text[TARN_UUID_SIZE], hex[33] = { 0 };
	uint8_t bytes[18] = { 0 };
	tarn_uuid(text);
	size_t len = 0;
	for (const char *c = text; *c && len < 32; c++)
		if (*c != '-')
			hex[len++] = *c;
	bool good = tarn_unhex(tarn_slice_of(hex, 32), bytes, TARN_UUID_BYTES);
	(void)good; /* a UUID is hexadecimal */
	for (int i = 0; i < 22; i++) {
		int bit = 6 * i, two = bytes[bit / 8] << 8 | bytes[bit / 8 + 1];
		id[i] = letters[two >> (10 - bit % 8) & 63];
	}
	id[22] = '\0';
	if (id[0] == '-') /* a name that tools would take for an option */
		id[0] = 'A';
}

static enum tarn_rc parse_log_json(struct tarn_log *log, struct tarn_slice text, struct tarn_err *err)
{
	json_error_t why;
	json_t *json = json_loadb((const char *)text.data, text.len, 0, &why);
	const char *cluster_id;
	int format;
	json_int_t next;
	bool good = json &&
		    !json_unpack(json, "{s:i, s:s, s:I}", "format", &format, "cluster_id", &cluster_id,
				 "next_producer_id", &next) &&
		    format == 1 && strlen(cluster_id) < sizeof(log->cluster_id);
	if (good) {
		strcpy(log->cluster_id, cluster_id);
		log->next_producer_id = log->kept_producer_id = next;
	}
	json_decref(json);
	return good ? TARN_OK
		    : tarn_fail(err, TARN_EINVALID, "\"%s/log.json\" is not the description of a log", log->root);
}

static enum tarn_rc load_log_json(struct tarn_log *log, struct tarn_err *err)
{
	struct tarn_buf text;
	char *path = log_path(log);
	tarn_buf_init(&text, 1 << 16);
	enum tarn_rc rc = tarn_file_read(path, &text, err);
	if (rc == TARN_ENOTFOUND) {
		make_cluster_id(log->cluster_id);
		rc = log_save(log, 0, err);
	} else if (!rc) {
		rc = parse_log_json(log, tarn_buf_slice(&text), err);
	}
	tarn_buf_release(&text);
	free(path);
	return rc;
}

enum tarn_rc tarn_log_new_producer_id(struct tarn_log *log, int64_t *id, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	pthread_mutex_lock(&log->change_lock);
	if (log->next_producer_id == log->kept_producer_id) {
		rc = log_save(log, log->kept_producer_id + PRODUCER_ID_STEP, err);
		if (!rc)
			log->kept_producer_id += PRODUCER_ID_STEP;
	}
	if (!rc)
		*id = log->next_producer_id++;
	pthread_mutex_unlock(&log->change_lock);
	return rc;
}

const char *tarn_log_cluster_id(const struct tarn_log *log)
{
	return log->cluster_id;
}

/* ---- opening ---- */

static enum tarn_rc take_folder(struct tarn_log *log, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_make_folders(log->root, err);
	if (rc)
		return rc;
	char *path = tarn_asprintf("%s/lock", log->root);
	log->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (log->lock_fd < 0)
		rc = tarn_fail_errno(err, "\"%s\"", path);
	else if (flock(log->lock_fd, LOCK_EX | LOCK_NB))
		rc = errno == EWOULDBLOCK ? tarn_fail(err, TARN_EBUSY, "\"%s\" is in use by another process", log->root)
					  : tarn_fail_errno(err, "\"%s\"", path);
	free(path);
	return rc;
}

static size_t half_of_open_files(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return 1 << 16;
	return (size_t)limit.rlim_cur / 2;
}

static void log_free(struct tarn_log *log)
{
	for (size_t i = 0; i < log->n_topics; i++)
		topic_free(log->topics[i]);
	free(log->topics);
	json_decref(log->settings);
	open_files_release(&log->files);
	pthread_mutex_destroy(&log->lock);
	pthread_mutex_destroy(&log->change_lock);
	pthread_mutex_destroy(&log->watch_lock);
	if (log->lock_fd >= 0)
		close(log->lock_fd);
	free(log->root);
	free(log);
}

static struct tarn_log *log_new(const char *data, const struct tarn_log_options *options)
{
	struct tarn_log *log = tarn_calloc(1, sizeof(*log));
	log->root = tarn_asprintf("%s/log", data);
	log->lock_fd = -1;
	if (options)
		log->options = *options;
	if (!log->options.retention_check_ms)
		log->options.retention_check_ms = RETENTION_CHECK_MS;
	if (!log->options.clean_check_ms)
		log->options.clean_check_ms = CLEAN_CHECK_MS;
	size_t most = log->options.max_open_files ? log->options.max_open_files : half_of_open_files();
	open_files_init(&log->files, most > FEWEST_OPEN_FILES ? most : FEWEST_OPEN_FILES);
	pthread_mutex_init(&log->lock, NULL);
	pthread_mutex_init(&log->change_lock, NULL);
	pthread_mutexattr_t recursive;
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&log->watch_lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
	return log;
}

enum tarn_rc tarn_log_open(const char *data, const struct tarn_log_options *options, struct tarn_log **log,
			   struct tarn_err *err)
{
	struct tarn_log *made = log_new(data, options);
	enum tarn_rc rc = take_folder(made, err);
	if (!rc)
		rc = load_log_json(made, err);
	if (!rc)
		rc = settings_load(made, err);
	if (!rc)
		rc = topics_load(made, err);
	if (!rc)
		rc = sync_start(made, err);
	if (rc) {
		log_free(made);
		return rc;
	}
	rc = keeper_start(made, err);
	if (rc) {
		tarn_log_close(made);
		return rc;
	}
	*log = made;
	return TARN_OK;
}

void tarn_log_close(struct tarn_log *log)
{
	if (!log)
		return;
	keeper_stop(log);
	sync_finish(log);
	topics_bury(log);
	if (log->next_producer_id < log->kept_producer_id) {
		enum tarn_rc rc = log_save(log, log->next_producer_id, NULL);
		(void)rc; /* then some ids are never given out */
	}
	log_free(log);
}
