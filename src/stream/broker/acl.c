#include "stream/broker/acl.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

enum { LARGEST_FILE = 64 << 20 };

struct tarn_acls {
	pthread_rwlock_t lock;
	struct tarn_acl *entries; /* their texts are owned */
	size_t n, cap;
	char **super_users;
	size_t n_super_users, super_users_cap;
	char *path; /* of the file, or NULL */
};

/* ---- entries ---- */

static struct tarn_acl copy_to_heap(const struct tarn_acl *acl)
{
	struct tarn_acl copy = *acl;
	copy.name = tarn_strdup(acl->name);
	copy.principal = tarn_strdup(acl->principal);
	copy.host = tarn_strdup(acl->host);
	return copy;
}

static struct tarn_acl copy_to_arena(const struct tarn_acl *acl, struct tarn_arena *arena)
{
	struct tarn_acl copy = *acl;
	copy.name = tarn_arena_strdup(arena, acl->name);
	copy.principal = tarn_arena_strdup(arena, acl->principal);
	copy.host = tarn_arena_strdup(arena, acl->host);
	return copy;
}

static void release_entry(struct tarn_acl *acl)
{
	free((char *)(uintptr_t)acl->name);
	free((char *)(uintptr_t)acl->principal);
	free((char *)(uintptr_t)acl->host);
}

static bool are_equal(const struct tarn_acl *a, const struct tarn_acl *b)
{
	return a->type == b->type && a->pattern == b->pattern && a->operation == b->operation &&
	       a->permission == b->permission && !strcmp(a->name, b->name) && !strcmp(a->principal, b->principal) &&
	       !strcmp(a->host, b->host);
}

/* Whether the entry is about the resource of this name. */
static bool is_about(const struct tarn_acl *acl, enum tarn_resource_type type, const char *name)
{
	if (acl->type != type)
		return false;
	if (acl->pattern == TARN_PATTERN_PREFIXED)
		return !strncmp(name, acl->name, strlen(acl->name));
	return !strcmp(acl->name, name) || !strcmp(acl->name, "*");
}

static bool fits_name(const struct tarn_acl *filter, const struct tarn_acl *acl)
{
	switch (filter->pattern) {
	case TARN_PATTERN_ANY: return !filter->name || !strcmp(filter->name, acl->name);
	case TARN_PATTERN_MATCH: return !filter->name || is_about(acl, acl->type, filter->name);
	default: return filter->pattern == acl->pattern && (!filter->name || !strcmp(filter->name, acl->name));
	}
}

static bool fits(const struct tarn_acl *filter, const struct tarn_acl *acl)
{
	return (filter->type == TARN_RESOURCE_ANY || filter->type == acl->type) && fits_name(filter, acl) &&
	       (!filter->principal || !strcmp(filter->principal, acl->principal)) &&
	       (!filter->host || !strcmp(filter->host, acl->host)) &&
	       (filter->operation == TARN_ACL_ANY || filter->operation == acl->operation) &&
	       (filter->permission == TARN_PERMISSION_ANY || filter->permission == acl->permission);
}

enum tarn_rc tarn_acl_check(const struct tarn_acl *acl, struct tarn_err *err)
{
	const char *colon = strchr(acl->principal, ':');
	if (acl->type <= TARN_RESOURCE_ANY || acl->type > TARN_RESOURCE_TRANSACTIONAL_ID)
		return tarn_fail(err, TARN_EINVALID, "an entry is about one type of resource, not type %d", acl->type);
	if (acl->pattern != TARN_PATTERN_LITERAL && acl->pattern != TARN_PATTERN_PREFIXED)
		return tarn_fail(err, TARN_EINVALID, "a pattern is literal or prefixed, not of type %d", acl->pattern);
	if (acl->operation <= TARN_ACL_ANY || acl->operation > TARN_ACL_TWO_PHASE_COMMIT)
		return tarn_fail(err, TARN_EINVALID, "an entry is about one operation, not number %d", acl->operation);
	if (acl->permission != TARN_PERMISSION_ALLOW && acl->permission != TARN_PERMISSION_DENY)
		return tarn_fail(err, TARN_EINVALID, "an entry allows or denies, not %d", acl->permission);
	if (!*acl->name)
		return tarn_fail(err, TARN_EINVALID, "the name of the resource is empty");
	if (acl->type == TARN_RESOURCE_CLUSTER && strcmp(acl->name, TARN_CLUSTER_NAME))
		return tarn_fail(err, TARN_EINVALID, "the cluster is named \"" TARN_CLUSTER_NAME "\", not \"%s\"",
				 acl->name);
	if (!colon || colon == acl->principal || !colon[1])
		return tarn_fail(err, TARN_EINVALID, "\"%s\" is no principal, expected Type:name", acl->principal);
	if (!*acl->host)
		return tarn_fail(err, TARN_EINVALID, "the host is empty, expected an address or *");
	return TARN_OK;
}

bool tarn_acl_is_filter(const struct tarn_acl *filter)
{
	return filter->type >= TARN_RESOURCE_ANY && filter->type <= TARN_RESOURCE_TRANSACTIONAL_ID &&
	       filter->pattern >= TARN_PATTERN_ANY && filter->pattern <= TARN_PATTERN_PREFIXED &&
	       filter->operation >= TARN_ACL_ANY && filter->operation <= TARN_ACL_TWO_PHASE_COMMIT &&
	       filter->permission >= TARN_PERMISSION_ANY && filter->permission <= TARN_PERMISSION_ALLOW;
}

/* ---- the decision ---- */

static bool is_for(const struct tarn_acl *acl, const char *principal, const char *host)
{
	return (!strcmp(acl->principal, principal) || !strcmp(acl->principal, "User:*")) &&
	       (!strcmp(acl->host, host) || !strcmp(acl->host, "*"));
}

/* What is denied is denied to the letter; what is allowed may follow from another right. */
static bool covers(const struct tarn_acl *acl, enum tarn_acl_operation operation)
{
	if (acl->operation == TARN_ACL_ALL || acl->operation == operation)
		return true;
	if (acl->permission != TARN_PERMISSION_ALLOW)
		return false;
	if (operation == TARN_ACL_DESCRIBE)
		return acl->operation == TARN_ACL_READ || acl->operation == TARN_ACL_WRITE ||
		       acl->operation == TARN_ACL_DELETE || acl->operation == TARN_ACL_ALTER;
	return operation == TARN_ACL_DESCRIBE_CONFIGS && acl->operation == TARN_ACL_ALTER_CONFIGS;
}

static bool is_super_user(const struct tarn_acls *acls, const char *principal)
{
	for (size_t i = 0; i < acls->n_super_users; i++)
		if (!strcmp(acls->super_users[i], principal))
			return true;
	return false;
}

static bool decide(const struct tarn_acls *acls, const char *principal, const char *host,
		   enum tarn_acl_operation operation, enum tarn_resource_type type, const char *name)
{
	bool is_open = true, allowed = false;
	for (size_t i = 0; i < acls->n; i++) {
		const struct tarn_acl *acl = &acls->entries[i];
		if (!is_about(acl, type, name))
			continue;
		is_open = false;
		if (!is_for(acl, principal, host) || !covers(acl, operation))
			continue;
		if (acl->permission == TARN_PERMISSION_DENY)
			return false;
		allowed = true;
	}
	return is_open || allowed;
}

bool tarn_acls_authorize(const struct tarn_broker *broker, const char *principal, const char *host,
			 enum tarn_acl_operation operation, enum tarn_resource_type type, const char *name)
{
	struct tarn_acls *acls = broker->acls;
	if (is_super_user(acls, principal))
		return true;
	pthread_rwlock_rdlock(&acls->lock);
	bool allowed = !acls->n || decide(acls, principal, host, operation, type, name);
	pthread_rwlock_unlock(&acls->lock);
	return allowed;
}

/* ---- on disk ---- */

static enum tarn_rc write_entries(const struct tarn_acls *acls, const struct tarn_acl *entries, size_t n,
				  struct tarn_err *err)
{
	if (!acls->path)
		return TARN_OK;
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list,
				      json_pack("{s:i,s:i,s:s,s:s,s:s,s:i,s:i}", "resource_type", entries[i].type,
						"pattern_type", entries[i].pattern, "resource", entries[i].name,
						"principal", entries[i].principal, "host", entries[i].host, "operation",
						entries[i].operation, "permission", entries[i].permission));
	char *text = json_dumps(list, JSON_INDENT(1));
	json_decref(list);
	if (!text)
		return tarn_fail(err, TARN_EINVALID, "an entry is no UTF-8 text");
	enum tarn_rc rc = tarn_file_replace(acls->path, tarn_slice_str(text), err);
	free(text);
	return rc;
}

static enum tarn_rc read_entry(struct tarn_acls *acls, json_t *item, struct tarn_err *err)
{
	struct tarn_acl acl;
	int type, pattern, operation, permission;
	if (json_unpack(item, "{s:i,s:i,s:s,s:s,s:s,s:i,s:i}", "resource_type", &type, "pattern_type", &pattern,
			"resource", &acl.name, "principal", &acl.principal, "host", &acl.host, "operation", &operation,
			"permission", &permission))
		return tarn_fail(err, TARN_EINVALID, "an entry lacks a field");
	acl.type = (enum tarn_resource_type)type;
	acl.pattern = (enum tarn_acl_pattern)pattern;
	acl.operation = (enum tarn_acl_operation)operation;
	acl.permission = (enum tarn_acl_permission)permission;
	enum tarn_rc rc = tarn_acl_check(&acl, err);
	if (rc)
		return rc;
	acls->entries = tarn_grow(acls->entries, &acls->cap, acls->n + 1, sizeof(*acls->entries));
	acls->entries[acls->n++] = copy_to_heap(&acl);
	return TARN_OK;
}

/* An entry that cannot be read must not be passed over: it might be one that denies. */
static enum tarn_rc read_entries(struct tarn_acls *acls, struct tarn_slice text, struct tarn_err *err)
{
	json_error_t where;
	json_t *list = json_loadb((const char *)text.data, text.len, 0, &where), *item;
	size_t i;
	enum tarn_rc rc = TARN_OK;
	if (!json_is_array(list)) {
		json_decref(list);
		return tarn_fail_at(err, TARN_EINVALID, where.position, "no list of entries: %s", where.text);
	}
	json_array_foreach(list, i, item) if (!rc) rc = read_entry(acls, item, err);
	json_decref(list);
	return rc;
}

static enum tarn_rc read_file(struct tarn_acls *acls, struct tarn_err *err)
{
	struct tarn_buf text;
	if (!acls->path || !tarn_file_exists(acls->path))
		return TARN_OK;
	tarn_buf_init(&text, LARGEST_FILE);
	enum tarn_rc rc = tarn_file_read(acls->path, &text, err);
	if (!rc)
		rc = read_entries(acls, tarn_buf_slice(&text), err);
	tarn_buf_release(&text);
	return rc ? tarn_err_within(err, rc, "access control lists \"%s\"", acls->path) : TARN_OK;
}

/* ---- opening and closing ---- */

static void add_super_users(struct tarn_acls *acls, const char *list)
{
	while (list && *list) {
		size_t len = strcspn(list, ";");
		acls->super_users = tarn_grow(acls->super_users, &acls->super_users_cap, acls->n_super_users + 1,
					      sizeof(*acls->super_users));
		acls->super_users[acls->n_super_users++] = tarn_asprintf("%.*s", (int)len, list);
		list += len + (list[len] == ';');
	}
}

enum tarn_rc tarn_acls_open(const char *data, const char *super_users, struct tarn_acls **acls, struct tarn_err *err)
{
	struct tarn_acls *opened = tarn_calloc(1, sizeof(*opened));
	pthread_rwlock_init(&opened->lock, NULL);
	opened->path = data ? tarn_asprintf("%s/acls.json", data) : NULL;
	add_super_users(opened, super_users);
	enum tarn_rc rc = read_file(opened, err);
	if (rc)
		tarn_acls_free(opened);
	else
		*acls = opened;
	return rc;
}

void tarn_acls_free(struct tarn_acls *acls)
{
	if (!acls)
		return;
	for (size_t i = 0; i < acls->n; i++)
		release_entry(&acls->entries[i]);
	for (size_t i = 0; i < acls->n_super_users; i++)
		free(acls->super_users[i]);
	free(acls->entries);
	free(acls->super_users);
	free(acls->path);
	pthread_rwlock_destroy(&acls->lock);
	free(acls);
}

/* ---- changes: written first, then taken over; under the lock ---- */

static bool is_there(const struct tarn_acl *entries, size_t n, const struct tarn_acl *acl)
{
	for (size_t i = 0; i < n; i++)
		if (are_equal(&entries[i], acl))
			return true;
	return false;
}

enum tarn_rc tarn_acls_add(struct tarn_acls *acls, const struct tarn_acl *added, size_t n, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	pthread_rwlock_wrlock(&acls->lock);
	size_t before = acls->n;
	acls->entries = tarn_grow(acls->entries, &acls->cap, acls->n + n + 1, sizeof(*acls->entries));
	for (size_t i = 0; i < n; i++)
		if (!is_there(acls->entries, acls->n, &added[i]))
			acls->entries[acls->n++] = copy_to_heap(&added[i]);
	if (acls->n > before)
		rc = write_entries(acls, acls->entries, acls->n, err);
	while (rc && acls->n > before)
		release_entry(&acls->entries[--acls->n]);
	pthread_rwlock_unlock(&acls->lock);
	return rc;
}

static size_t find(const struct tarn_acls *acls, const struct tarn_acl *filter, struct tarn_arena *arena,
		   struct tarn_acl **found)
{
	size_t n = 0;
	*found = tarn_arena_alloc(arena, (acls->n + 1) * sizeof(**found));
	for (size_t i = 0; i < acls->n; i++)
		if (fits(filter, &acls->entries[i]))
			(*found)[n++] = copy_to_arena(&acls->entries[i], arena);
	return n;
}

size_t tarn_acls_find(struct tarn_acls *acls, const struct tarn_acl *filter, struct tarn_arena *arena,
		      struct tarn_acl **found)
{
	pthread_rwlock_rdlock(&acls->lock);
	size_t n = find(acls, filter, arena, found);
	pthread_rwlock_unlock(&acls->lock);
	return n;
}

/* Puts what stays in front and what goes behind; returns how many stay. */
static size_t part(struct tarn_acls *acls, const struct tarn_acl *filter)
{
	struct tarn_acl *ordered = tarn_malloc((acls->n + 1) * sizeof(*ordered));
	size_t stay = 0, go = acls->n;
	for (size_t i = 0; i < acls->n; i++)
		if (fits(filter, &acls->entries[i]))
			ordered[--go] = acls->entries[i];
		else
			ordered[stay++] = acls->entries[i];
	memcpy(acls->entries, ordered, acls->n * sizeof(*ordered));
	free(ordered);
	return stay;
}

enum tarn_rc tarn_acls_remove(struct tarn_acls *acls, const struct tarn_acl *filter, struct tarn_arena *arena,
			      struct tarn_acl **removed, size_t *n, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	pthread_rwlock_wrlock(&acls->lock);
	size_t found = find(acls, filter, arena, removed), stay = part(acls, filter);
	if (found)
		rc = write_entries(acls, acls->entries, stay, err);
	while (!rc && acls->n > stay)
		release_entry(&acls->entries[--acls->n]);
	pthread_rwlock_unlock(&acls->lock);
	if (!rc)
		*n = found;
	return rc;
}
