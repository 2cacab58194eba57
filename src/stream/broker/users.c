#include "stream/broker/users.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"

enum { N_MECHANISMS = 2, FILE_LIMIT = 64 << 20 };

struct user {
	char *name;
	char *password; /* of the operator's file; else NULL */
	bool has[N_MECHANISMS];
	struct tarn_scram_credential credentials[N_MECHANISMS];
};

struct tarn_users {
	pthread_mutex_t lock;
	struct user *users; /* in order of names */
	size_t n, cap;
	char *path;	    /* of the file that is kept, or NULL */
	uint8_t secret[32]; /* what made-up salts come from */
};

/* Where the name is, or belongs. */
static size_t place_of(const struct tarn_users *users, const char *name, bool *found)
{
	size_t low = 0, high = users->n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(users->users[middle].name, name);
		if (!order) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = false;
	return low;
}

static struct user *find(const struct tarn_users *users, const char *name)
{
	bool found;
	size_t i = place_of(users, name, &found);
	return found ? &users->users[i] : NULL;
}

static struct user *find_or_add(struct tarn_users *users, const char *name)
{
	bool found;
	size_t i = place_of(users, name, &found);
	if (found)
		return &users->users[i];
	users->users = tarn_grow(users->users, &users->cap, users->n + 1, sizeof(*users->users));
	memmove(&users->users[i + 1], &users->users[i], (users->n - i) * sizeof(*users->users));
	users->n++;
	users->users[i] = (struct user){ .name = tarn_strdup(name) };
	return &users->users[i];
}

static void release_user(struct user *user)
{
	if (user->password)
		OPENSSL_cleanse(user->password, strlen(user->password));
	free(user->password);
	free(user->name);
}

/* ---- the operator's file ---- */

static enum tarn_rc read_line(struct tarn_users *users, const char *path, int number, char *line, struct tarn_err *err)
{
	line += strspn(line, " \t");
	line[strcspn(line, "\r\n")] = '\0';
	if (!*line || *line == '#')
		return TARN_OK;
	char *colon = strchr(line, ':');
	if (!colon || colon == line || !colon[1])
		return tarn_fail(err, TARN_EINVALID, "%s:%d: a line is \"name:password\"", path, number);
	*colon = '\0';
	struct user *user = find_or_add(users, line);
	if (user->password)
		return tarn_fail(err, TARN_EINVALID, "%s:%d: user \"%s\" is there twice", path, number, line);
	user->password = tarn_strdup(colon + 1);
	return TARN_OK;
}

/* Calls `take` with each line of the file. */
static enum tarn_rc read_lines(struct tarn_users *users, const char *path,
			       enum tarn_rc (*take)(struct tarn_users *, const char *, int, char *, struct tarn_err *),
			       struct tarn_err *err)
{
	struct tarn_buf text;
	tarn_buf_init(&text, FILE_LIMIT);
	enum tarn_rc rc = tarn_file_read(path, &text, err);
	tarn_buf_add_byte(&text, '\0');
	char *line = (char *)text.data;
	for (int number = 1; !rc && line && *line; number++) {
		char *end = strchr(line, '\n');
		if (end)
			*end = '\0';
		rc = take(users, path, number, line, err);
		line = end ? end + 1 : NULL;
	}
	if (text.data)
		OPENSSL_cleanse(text.data, text.len);
	tarn_buf_release(&text);
	return rc;
}

/* ---- the file that is kept ---- */

static enum tarn_rc read_kept(struct tarn_users *users, const char *path, int number, char *line, struct tarn_err *err)
{
	char name64[400], mechanism[16], salt64[100], stored[130], server[130];
	struct tarn_scram_credential credential = { 0 };
	uint8_t name[300];
	int iterations;
	if (sscanf(line, "%399s %15s %d %99s %129s %129s", name64, mechanism, &iterations, salt64, stored, server) != 6)
		return tarn_fail(err, TARN_EINVALID, "%s:%d: not a credential", path, number);
	int which = strcmp(mechanism, tarn_scram_name(TARN_SCRAM_SHA_256)) ? TARN_SCRAM_SHA_512 : TARN_SCRAM_SHA_256;
	size_t size = tarn_scram_hash_size(which);
	int name_len = tarn_base64_decode(tarn_slice_str(name64), name, sizeof(name) - 1);
	int salt_len = tarn_base64_decode(tarn_slice_str(salt64), credential.salt, sizeof(credential.salt));
	if (name_len <= 0 || salt_len < 0 || !tarn_unhex(tarn_slice_str(stored), credential.stored_key, size) ||
	    !tarn_unhex(tarn_slice_str(server), credential.server_key, size))
		return tarn_fail(err, TARN_EINVALID, "%s:%d: not a credential", path, number);
	name[name_len] = '\0';
	credential.iterations = iterations;
	credential.salt_len = (size_t)salt_len;
	struct user *user = find_or_add(users, (const char *)name);
	user->has[which - 1] = true;
	user->credentials[which - 1] = credential;
	return TARN_OK;
}

static void add_hex(struct tarn_buf *out, const uint8_t *bytes, size_t len)
{
	uint8_t *room = tarn_buf_room(out, 2 * len);
	if (!room)
		return;
	tarn_hex(bytes, len, (char *)room);
	out->len += 2 * len;
}

static void write_kept(const struct user *user, int which, struct tarn_buf *out)
{
	const struct tarn_scram_credential *credential = &user->credentials[which - 1];
	size_t size = tarn_scram_hash_size(which);
	tarn_base64_add(out, (const uint8_t *)user->name, strlen(user->name));
	tarn_buf_printf(out, " %s %d ", tarn_scram_name(which), (int)credential->iterations);
	tarn_base64_add(out, credential->salt, credential->salt_len);
	tarn_buf_add_byte(out, ' ');
	add_hex(out, credential->stored_key, size);
	tarn_buf_add_byte(out, ' ');
	add_hex(out, credential->server_key, size);
	tarn_buf_add_byte(out, '\n');
}

static enum tarn_rc keep(const struct tarn_users *users, struct tarn_err *err)
{
	if (!users->path)
		return TARN_OK;
	struct tarn_buf text;
	tarn_buf_init(&text, FILE_LIMIT);
	for (size_t i = 0; i < users->n; i++)
		for (int which = 1; which <= N_MECHANISMS; which++)
			if (users->users[i].has[which - 1] && !users->users[i].password)
				write_kept(&users->users[i], which, &text);
	enum tarn_rc rc = text.overflow ? tarn_fail(err, TARN_ELIMIT, "too many users")
					: tarn_file_replace(users->path, tarn_buf_slice(&text), err);
	tarn_buf_release(&text);
	return rc;
}

/* ---- open and close ---- */

enum tarn_rc tarn_users_open(const char *file, const char *data, struct tarn_users **opened, struct tarn_err *err)
{
	struct tarn_users *users = tarn_calloc(1, sizeof(*users));
	pthread_mutex_init(&users->lock, NULL);
	RAND_bytes(users->secret, sizeof(users->secret));
	enum tarn_rc rc = TARN_OK;
	if (data) {
		users->path = tarn_asprintf("%s/users.scram", data);
		if (tarn_file_exists(users->path))
			rc = read_lines(users, users->path, read_kept, err);
	}
	if (!rc && file)
		rc = read_lines(users, file, read_line, err);
	if (rc)
		tarn_users_free(users);
	else
		*opened = users;
	return rc;
}

void tarn_users_free(struct tarn_users *users)
{
	if (!users)
		return;
	for (size_t i = 0; i < users->n; i++)
		release_user(&users->users[i]);
	pthread_mutex_destroy(&users->lock);
	free(users->users);
	free(users->path);
	free(users);
}

/* ---- questions ---- */

bool tarn_users_check(struct tarn_users *users, const char *name, const char *password)
{
	pthread_mutex_lock(&users->lock);
	const struct user *user = find(users, name);
	const char *right = user ? user->password : NULL;
	/* Digests, so that the time tells neither where the two differ nor how long the right one is. */
	uint8_t given_digest[TARN_SHA256_SIZE], right_digest[TARN_SHA256_SIZE];
	tarn_sha256(tarn_slice_str(password), given_digest);
	tarn_sha256(tarn_slice_str(right ? right : ""), right_digest);
	bool same = !CRYPTO_memcmp(given_digest, right_digest, sizeof(given_digest));
	pthread_mutex_unlock(&users->lock);
	return same && right;
}

/* The operator's file has passwords; their SCRAM credential is made when it is first needed. */
static void make_credential(struct user *user, enum tarn_scram_mechanism mechanism)
{
	struct tarn_scram_credential *credential = &user->credentials[mechanism - 1];
	credential->iterations = TARN_SCRAM_MIN_ITERATIONS;
	credential->salt_len = 18;
	RAND_bytes(credential->salt, 18);
	tarn_scram_from_password(mechanism, user->password, credential);
	user->has[mechanism - 1] = true;
}

static void make_up_credential(const struct tarn_users *users, const char *name,
			       struct tarn_scram_credential *credential)
{
	struct tarn_buf text;
	uint8_t digest[TARN_SHA256_SIZE];
	tarn_buf_init(&text, TARN_BUF_DEFAULT_MAX);
	tarn_buf_add(&text, users->secret, sizeof(users->secret));
	tarn_buf_add_str(&text, name);
	tarn_sha256(tarn_buf_slice(&text), digest);
	tarn_buf_release(&text);
	*credential = (struct tarn_scram_credential){ .iterations = TARN_SCRAM_MIN_ITERATIONS, .salt_len = 18 };
	memcpy(credential->salt, digest, 18);
	RAND_bytes(credential->stored_key, sizeof(credential->stored_key));
}

bool tarn_users_credential(struct tarn_users *users, const char *name, enum tarn_scram_mechanism mechanism,
			   struct tarn_scram_credential *credential)
{
	pthread_mutex_lock(&users->lock);
	struct user *user = find(users, name);
	if (user && user->password && !user->has[mechanism - 1])
		make_credential(user, mechanism);
	bool known = user && user->has[mechanism - 1];
	if (known)
		*credential = user->credentials[mechanism - 1];
	else
		make_up_credential(users, name, credential);
	pthread_mutex_unlock(&users->lock);
	return known;
}

/* ---- changes ---- */

static void apply(struct tarn_users *users, const struct tarn_users_change *change)
{
	int which = change->mechanism - 1;
	struct user *user = change->credential ? find_or_add(users, change->name) : find(users, change->name);
	if (!user)
		return;
	user->has[which] = change->credential != NULL;
	if (change->credential)
		user->credentials[which] = *change->credential;
	if (user->password || user->has[0] || user->has[1])
		return;
	release_user(user);
	size_t i = (size_t)(user - users->users);
	users->n--;
	memmove(user, user + 1, (users->n - i) * sizeof(*user));
}

/* The change that takes `change` back: credential NULL, or a copy in *before. */
static struct tarn_users_change opposite(const struct tarn_users *users, const struct tarn_users_change *change,
					 struct tarn_scram_credential *before)
{
	const struct user *user = find(users, change->name);
	struct tarn_users_change back = { change->name, change->mechanism, NULL };
	if (user && user->has[change->mechanism - 1]) {
		*before = user->credentials[change->mechanism - 1];
		back.credential = before;
	}
	return back;
}

enum tarn_rc tarn_users_change(struct tarn_users *users, const struct tarn_users_change *changes, size_t n,
			       struct tarn_err *err)
{
	struct tarn_users_change *back = tarn_calloc(n + 1, sizeof(*back));
	struct tarn_scram_credential *before = tarn_calloc(n + 1, sizeof(*before));
	pthread_mutex_lock(&users->lock);
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < n && !rc; i++) {
		const struct user *user = find(users, changes[i].name);
		if (user && user->password)
			rc = tarn_fail(err, TARN_EINVALID, "user \"%s\" is kept in the file of users", user->name);
	}
	size_t done = 0;
	for (; done < n && !rc; done++) {
		size_t i = done;
		back[i] = opposite(users, &changes[i], &before[i]);
		apply(users, &changes[i]);
	}
	if (!rc)
		rc = keep(users, err);
	for (size_t i = done; rc && i > 0; i--)
		apply(users, &back[i - 1]);
	pthread_mutex_unlock(&users->lock);
	free(back);
	free(before);
	return rc;
}

void tarn_users_each(struct tarn_users *users,
		     void (*tell)(void *context, const char *name, enum tarn_scram_mechanism mechanism,
				  int32_t iterations),
		     void *context)
{
	pthread_mutex_lock(&users->lock);
	for (size_t i = 0; i < users->n; i++) {
		struct user *user = &users->users[i];
		for (int which = 1; which <= N_MECHANISMS; which++)
			if (user->has[which - 1] || user->password)
				tell(context, user->name, which,
				     user->has[which - 1] ? user->credentials[which - 1].iterations
							  : TARN_SCRAM_MIN_ITERATIONS);
	}
	pthread_mutex_unlock(&users->lock);
}
