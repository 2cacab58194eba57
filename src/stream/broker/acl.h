/* Access control lists: who may do what with which topic, group, transactional id, or the cluster; as Kafka's (KIP-11,
 * KIP-290).
 *
 * A resource that no list is about is open to everybody; one that has a list is open to whom it allows. A list that
 * denies counts more than one that allows. Whoever may read, write, delete or alter may also describe. Super users may
 * do everything. Unlike with Kafka, the right to delete in the cluster does not reach topics that have lists of their own.
 *
 * Lists are kept in DATA/acls.json, which is replaced as a whole before a change is answered. Any thread. */
#ifndef TARN_STREAM_BROKER_ACL_H
#define TARN_STREAM_BROKER_ACL_H

#include "base/alloc.h"
#include "stream/broker/broker.h"

enum tarn_acl_pattern {
	TARN_PATTERN_UNKNOWN,
	TARN_PATTERN_ANY,     /* of filters: every kind */
	TARN_PATTERN_MATCH,   /* of filters: whatever applies to the resource of this name */
	TARN_PATTERN_LITERAL, /* the name "*" stands for all */
	TARN_PATTERN_PREFIXED,
};
enum tarn_acl_permission {
	TARN_PERMISSION_UNKNOWN,
	TARN_PERMISSION_ANY, /* of filters */
	TARN_PERMISSION_DENY,
	TARN_PERMISSION_ALLOW,
};

/* One entry; or a filter, whose texts may be NULL and whose numbers may be the ANY of their kind. */
struct tarn_acl {
	enum tarn_resource_type type;
	enum tarn_acl_pattern pattern;
	const char *name;
	const char *principal; /* "User:alice"; "User:*" stands for everybody */
	const char *host;      /* an address; "*" stands for all */
	enum tarn_acl_operation operation;
	enum tarn_acl_permission permission;
};

struct tarn_acls;

/* `data` NULL: nothing is kept. `super_users`: principals with ";" between, or NULL. */
enum tarn_rc tarn_acls_open(const char *data, const char *super_users, struct tarn_acls **acls,
			    struct tarn_err *err) TARN_MUST_CHECK;
void tarn_acls_free(struct tarn_acls *acls);

/* For tarn_broker's `authorize`. */
bool tarn_acls_authorize(const struct tarn_broker *broker, const char *principal, const char *host,
			 enum tarn_acl_operation operation, enum tarn_resource_type type, const char *name);

/* TARN_EINVALID, and why, for an entry that can not be kept: a filter's word, an empty name, a principal without type.
 */
enum tarn_rc tarn_acl_check(const struct tarn_acl *acl, struct tarn_err *err) TARN_MUST_CHECK;
/* Whether its numbers are those of a filter that can be understood. */
bool tarn_acl_is_filter(const struct tarn_acl *filter);
/* Copies; what is there already is not added twice. Durable when it returns; waits. */
enum tarn_rc tarn_acls_add(struct tarn_acls *acls, const struct tarn_acl *added, size_t n,
			   struct tarn_err *err) TARN_MUST_CHECK;
/* Entries that the filter lets through, in the order in which they came; everything from the arena. */
size_t tarn_acls_find(struct tarn_acls *acls, const struct tarn_acl *filter, struct tarn_arena *arena,
		      struct tarn_acl **found);
/* Takes away what tarn_acls_find would tell, and tells it. Durable when it returns; waits. */
enum tarn_rc tarn_acls_remove(struct tarn_acls *acls, const struct tarn_acl *filter, struct tarn_arena *arena,
			      struct tarn_acl **removed, size_t *n, struct tarn_err *err) TARN_MUST_CHECK;

#endif
