/* Where an S3 store is, who asks, and how patiently. Values come from the caller's options, then the environment, then
 * the profile in AWS's files, then defaults (table in s3_config.c). */
#ifndef TARN_STORE_OBJECT_S3_CONFIG_H
#define TARN_STORE_OBJECT_S3_CONFIG_H

#include "store/object/object.h"

struct s3_credentials {
	char *access_key, *secret_key;
	char *session_token; /* "" where there is none */
};
struct s3_credentials s3_credentials_copy(const struct s3_credentials *keys);
void s3_credentials_release(struct s3_credentials *keys);

/* Who has keys where the user gave none; see s3_lent.h. */
enum s3_lender { S3_NOT_LENT, S3_LENT_TO_CONTAINER, S3_LENT_TO_INSTANCE };

struct s3_config {
	char *bucket;
	char *prefix;	 /* below which all keys of the store lie; no slash at either end, may be "" */
	char *scheme;	 /* "http" or "https" */
	char *authority; /* host, with the port where it is not the scheme's own; what the header Host says */
	char *base_path; /* of the bucket: "" (virtual-host style) or "/bucket", behind the endpoint's own path */
	char *region;
	char *ca_file;			   /* "" : the system's */
	struct s3_credentials credentials; /* all NULL where they are lent */
	enum s3_lender lender;
	char *lender_url;   /* or NULL */
	int64_t part_bytes; /* of a multipart upload */
	int64_t connect_ms; /* for a connection */
	int64_t stall_ms;   /* without 1 KiB a second: the connection is given up */
	int64_t attempts;   /* of one request */
	int64_t parallel;   /* requests at a time behind the calls */
	bool single_writer; /* the user says that nobody else writes here */
};

/* `url`: s3://bucket[/prefix] (s3a and s3n are the same). */
enum tarn_rc s3_config_load(const char *url, const struct tarn_s3_options *options, struct s3_config *config,
			    struct tarn_err *err) TARN_MUST_CHECK;
void s3_config_release(struct s3_config *config);

#endif
