/* Objects written piece by piece. What fits into one part is sent by one request; the rest is a multipart upload, whose
 * parts travel while the next one fills. A part that fills is kept in a file without a name, so that memory does not
 * grow with the number of open writers.
 *
 * An upload is done with by whoever lets go of it last: the writer, or a job that sends a part. */
#include "store/object/s3_upload.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/object/s3_work.h"
#include "store/object/s3_xml.h"

enum { HELD_BYTES = 32 << 10, MOST_PARTS = 10000, ANSWER_MAX = 1 << 20 };
#define UNFINISHED ".tarn-upload-"

struct upload {
	struct s3_store *store;
	char *key, *id;
	char mark[TARN_UUID_SIZE]; /* on the object: whether a completion that was cut off succeeded */
	pthread_mutex_t lock;	   /* covers all below */
	char (*etags)[S3_ETAG_SIZE];
	size_t n_parts, cap_parts;
	size_t holders;
	bool finished; /* else given up */
	enum tarn_rc rc;
	struct tarn_err err;
};

struct part_job {
	struct s3_job job;
	struct upload *upload;
	size_t number; /* from 0 */
	struct s3_body body;
};

struct s3_writer {
	struct tarn_store_writer base;
	char *key;
	struct s3_body body;   /* the part that fills */
	struct upload *upload; /* NULL: all of it fits into one part so far */
	bool finished;
};

/* ---- names of unfinished uploads ---- */

char *s3_unfinished_key(const char *key, const char *id)
{
	struct tarn_buf name;
	tarn_buf_init(&name, 1 << 16);
	tarn_buf_printf(&name, "%s" UNFINISHED, key);
	s3_encode(&name, id, false);
	tarn_buf_add_byte(&name, '\0');
	return (char *)name.data;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *found = c ? strchr(digits, c) : NULL;
	return found ? (int)(found - digits) : -1;
}

char *s3_unfinished_id(char *key)
{
	char *mark = NULL, *id, *to;
	for (char *at = key; (at = strstr(at, UNFINISHED)); at++)
		mark = at;
	if (!mark || strchr(mark, '/'))
		return NULL;
	id = to = tarn_strdup(mark + strlen(UNFINISHED));
	for (const char *from = id; *from; to++) {
		int high = *from == '%' ? hex_digit(from[1]) : -1, low = high < 0 ? -1 : hex_digit(from[2]);
		*to = low < 0 ? *from : (char)(high * 16 + low);
		from += low < 0 ? 1 : 3;
	}
	*to = '\0';
	*mark = '\0';
	return id;
}

/* ---- the beginning and the end of an upload ---- */

static enum tarn_rc see_id(void *context, const struct s3_xml_element *element, struct tarn_err *err)
{
	char **id = context;
	(void)err;
	if (element->is_end && !*id && !strcmp(element->name, "UploadId"))
		*id = tarn_strdup(element->text);
	return TARN_OK;
}

static enum tarn_rc initiate(struct upload *upload, struct tarn_err *err)
{
	struct s3_body nothing;
	struct s3_response response;
	struct tarn_buf answer;
	s3_body_init(&nothing, 0);
	tarn_buf_init(&answer, ANSWER_MAX);
	const struct s3_request request = {
		.method = "POST",
		.key = upload->key,
		.query = { { "uploads", "" } },
		.headers = { { "x-amz-meta-tarn-id", upload->mark } },
		.body = &nothing,
		.out = &answer,
	};
	enum tarn_rc rc = s3_expect_write(upload->store, &request, &response, err);
	if (!rc)
		rc = s3_xml_read(tarn_buf_slice(&answer), see_id, &upload->id, err);
	if (!rc && (!upload->id || !*upload->id))
		rc = tarn_fail(err, TARN_EIO, "POST %s?uploads gives no upload id", upload->key);
	s3_body_release(&nothing);
	tarn_buf_release(&answer);
	return rc;
}

static void free_upload(struct upload *upload)
{
	pthread_mutex_destroy(&upload->lock);
	free(upload->etags);
	free(upload->key);
	free(upload->id);
	free(upload);
}

static enum tarn_rc begin_upload(struct s3_store *store, const char *key, struct upload **upload, struct tarn_err *err)
{
	struct upload *begun = tarn_calloc(1, sizeof(*begun));
	begun->store = store;
	begun->key = tarn_strdup(key);
	begun->holders = 1;
	tarn_uuid(begun->mark);
	pthread_mutex_init(&begun->lock, NULL);
	enum tarn_rc rc = initiate(begun, err);
	if (rc)
		free_upload(begun);
	else
		*upload = begun;
	return rc;
}

static void list_parts(const struct upload *upload, struct s3_body *body)
{
	s3_body_init(body, TARN_BUF_DEFAULT_MAX);
	tarn_buf_add_str(&body->bytes, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (size_t i = 0; i < upload->n_parts; i++)
		tarn_buf_printf(&body->bytes, "<Part><PartNumber>%zu</PartNumber><ETag>&quot;%s&quot;</ETag></Part>",
				i + 1, upload->etags[i]);
	tarn_buf_add_str(&body->bytes, "</CompleteMultipartUpload>");
	body->len = (int64_t)body->bytes.len;
}

/* A completion that was cut off may have succeeded: the upload is gone then, and the object carries its mark. */
static enum tarn_rc complete(struct upload *upload, struct tarn_err *err)
{
	struct s3_body body;
	struct s3_response response;
	struct tarn_buf answer;
	bool ours = false;
	list_parts(upload, &body);
	tarn_buf_init(&answer, ANSWER_MAX);
	const struct s3_request request = {
		.method = "POST",
		.key = upload->key,
		.query = { { "uploadId", upload->id } },
		.body = &body,
		.out = &answer,
		.may_fail_late = true,
	};
	enum tarn_rc rc = s3_expect(upload->store, &request, &response, err);
	if (rc == TARN_ENOTFOUND && !s3_is_ours(upload->store, upload->key, upload->mark, &ours, NULL) && ours)
		rc = TARN_OK;
	s3_body_release(&body);
	tarn_buf_release(&answer);
	return rc;
}

/* Parts that nobody will ever see cost money until they are aborted. What fails here is found by the walk. */
static void abort_upload(struct upload *upload)
{
	struct s3_response response;
	const struct s3_request request = { .method = "DELETE",
					    .key = upload->key,
					    .query = { { "uploadId", upload->id } } };
	if (s3_call(upload->store, &request, &response, NULL))
		return;
}

static void let_go(struct upload *upload)
{
	pthread_mutex_lock(&upload->lock);
	bool last = !--upload->holders;
	pthread_mutex_unlock(&upload->lock);
	if (!last)
		return;
	if (upload->finished && !upload->rc)
		upload->rc = complete(upload, &upload->err);
	if (!upload->finished || upload->rc)
		abort_upload(upload);
	if (upload->finished)
		s3_work_end(upload->store, upload->key, upload->rc ? &upload->err : NULL);
	free_upload(upload);
}

/* ---- parts ---- */

static enum tarn_rc send_part(struct part_job *part, char etag[S3_ETAG_SIZE], struct tarn_err *err)
{
	struct upload *upload = part->upload;
	struct s3_response response;
	char number[24];
	snprintf(number, sizeof(number), "%zu", part->number + 1);
	const struct s3_request request = {
		.method = "PUT",
		.key = upload->key,
		.query = { { "partNumber", number }, { "uploadId", upload->id } },
		.body = &part->body,
	};
	enum tarn_rc rc = s3_expect(upload->store, &request, &response, err);
	if (!rc && !*response.etag)
		rc = tarn_fail(err, TARN_EIO, "part %s of \"%s\" got no ETag", number, upload->key);
	if (!rc)
		memcpy(etag, response.etag, S3_ETAG_SIZE);
	return rc;
}

static void run_part(struct s3_store *store, struct s3_job *job)
{
	struct part_job *part = (struct part_job *)job;
	struct upload *upload = part->upload;
	char etag[S3_ETAG_SIZE] = "";
	struct tarn_err err;
	enum tarn_rc rc = send_part(part, etag, &err);
	pthread_mutex_lock(&upload->lock);
	memcpy(upload->etags[part->number], etag, sizeof(etag));
	if (rc && !upload->rc) {
		upload->rc = rc;
		upload->err = err;
	}
	pthread_mutex_unlock(&upload->lock);
	s3_work_let_go(store, part->body.bytes.len);
	s3_body_release(&part->body);
	free(part);
	let_go(upload);
}

/* Takes the writer's body over and leaves an empty one. */
static enum tarn_rc submit_part(struct s3_writer *writer, struct tarn_err *err)
{
	struct s3_store *store = s3_store_of(writer->base.store);
	struct upload *upload = writer->upload;
	pthread_mutex_lock(&upload->lock);
	size_t number = upload->n_parts++;
	enum tarn_rc rc = upload->rc;
	if (rc && err)
		*err = upload->err;
	upload->etags = tarn_grow(upload->etags, &upload->cap_parts, upload->n_parts, sizeof(*upload->etags));
	upload->holders += !rc;
	pthread_mutex_unlock(&upload->lock);
	if (rc)
		return rc;
	if (number >= MOST_PARTS)
		rc = tarn_fail(err, TARN_ELIMIT, "\"%s\" has more than 10,000 parts", writer->key);
	struct part_job *part = tarn_malloc(sizeof(*part));
	*part = (struct part_job){ { .run = run_part }, upload, number, writer->body };
	s3_body_init(&writer->body, HELD_BYTES);
	s3_work_hold(store, part->body.bytes.len);
	s3_work_submit(store, &part->job);
	return rc;
}

static enum tarn_rc next_part(struct s3_writer *writer, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	if (!writer->upload)
		rc = begin_upload(s3_store_of(writer->base.store), writer->key, &writer->upload, err);
	return rc ? rc : submit_part(writer, err);
}

/* ---- writers ---- */

enum tarn_rc s3_writer_open(struct tarn_store *store, const char *key, enum tarn_put_mode mode,
			    struct tarn_store_writer **writer, struct tarn_err *err)
{
	struct s3_writer *opened = tarn_calloc(1, sizeof(*opened));
	(void)mode; /* nothing shows before it is whole */
	(void)err;
	opened->base.store = store;
	opened->key = s3_full_key(s3_store_of(store), key);
	s3_body_init(&opened->body, HELD_BYTES);
	*writer = &opened->base;
	return TARN_OK;
}

static int open_nameless(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	char *path = tarn_asprintf("%s/tarn-part-XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

/* From memory to a file. */
static enum tarn_rc spill(struct s3_body *body, struct tarn_err *err)
{
	const char *chosen = getenv("TMPDIR"), *folder = chosen && *chosen ? chosen : "/tmp";
	int fd = open_nameless(folder);
	if (fd < 0)
		return tarn_fail(err, TARN_EIO, "a file for what is to be sent, in \"%s\": %s", folder,
				 strerror(errno));
	enum tarn_rc rc = tarn_fd_write(fd, tarn_buf_slice(&body->bytes), folder, err);
	if (rc) {
		close(fd);
		return rc;
	}
	tarn_buf_release(&body->bytes);
	tarn_buf_init(&body->bytes, HELD_BYTES);
	body->fd = fd;
	return TARN_OK;
}

static enum tarn_rc add_to_body(struct s3_body *body, struct tarn_slice bytes, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	if (body->fd < 0 && body->bytes.len + bytes.len > HELD_BYTES)
		rc = spill(body, err);
	if (rc)
		return rc;
	if (body->fd < 0)
		tarn_buf_add_slice(&body->bytes, bytes);
	else
		rc = tarn_fd_write(body->fd, bytes, "the part to be sent", err);
	if (!rc)
		body->len += (int64_t)bytes.len;
	return rc;
}

enum tarn_rc s3_writer_add(struct tarn_store_writer *writer, struct tarn_slice bytes, struct tarn_err *err)
{
	struct s3_writer *s3 = (struct s3_writer *)writer;
	const int64_t part = s3_store_of(writer->store)->config.part_bytes;
	enum tarn_rc rc = TARN_OK;
	while (bytes.len && !rc) {
		/* Only once there is more: the last part may not be empty. */
		if (s3->body.len == part)
			rc = next_part(s3, err);
		if (rc)
			break;
		size_t room = (size_t)(part - s3->body.len), len = bytes.len < room ? bytes.len : room;
		rc = add_to_body(&s3->body, tarn_slice_of(bytes.data, len), err);
		bytes = tarn_slice_of(bytes.data + len, bytes.len - len);
	}
	return rc;
}

enum tarn_rc s3_writer_finish(struct tarn_store_writer *writer, struct tarn_err *err)
{
	struct s3_writer *s3 = (struct s3_writer *)writer;
	struct s3_store *store = s3_store_of(writer->store);
	struct upload *upload = s3->upload;
	if (!upload) {
		s3_put_later(store, tarn_strdup(s3->key), &s3->body);
		s3_body_init(&s3->body, HELD_BYTES);
		return TARN_OK;
	}
	enum tarn_rc rc = submit_part(s3, err);
	if (rc)
		return rc;
	s3_work_begin(store, s3->key);
	upload->finished = true;
	s3->upload = NULL;
	let_go(upload);
	return TARN_OK;
}

void s3_writer_free(struct tarn_store_writer *writer)
{
	struct s3_writer *s3 = (struct s3_writer *)writer;
	if (s3->upload)
		let_go(s3->upload);
	s3_body_release(&s3->body);
	free(s3->key);
	free(s3);
}
