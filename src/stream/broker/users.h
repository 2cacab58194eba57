/* Who may authenticate, and with what.
 *
 * Users come from a file that an operator writes ("name:password" a line, "#" starts a comment), and from
 * AlterUserScramCredentials; the latter are kept in DATA/users.scram, a line each, as
 *
 *   <name in base64> <mechanism> <iterations> <salt in base64> <stored key in hexadecimal> <server key in hexadecimal>
 *
 * that is replaced as a whole before a change is answered. The file's users may use PLAIN and SCRAM, the others SCRAM.
 * They can be administered on a broker that lets everybody in, too, and then count from the first start that has an
 * operator's file.
 * Any thread. */
#ifndef TARN_STREAM_BROKER_USERS_H
#define TARN_STREAM_BROKER_USERS_H

#include "stream/broker/scram.h"

struct tarn_users;

/* Either may be NULL: no operator's file; nothing is kept. */
enum tarn_rc tarn_users_open(const char *file, const char *data, struct tarn_users **users,
			     struct tarn_err *err) TARN_MUST_CHECK;
void tarn_users_free(struct tarn_users *users);

bool tarn_users_check(struct tarn_users *users, const char *name, const char *password);
/* For a name that is not known: false, and a credential that fits no password but is the same every time, so that the
 * exchange does not tell who is known. */
bool tarn_users_credential(struct tarn_users *users, const char *name, enum tarn_scram_mechanism mechanism,
			   struct tarn_scram_credential *credential);

/* A change to make; credential NULL: delete. */
struct tarn_users_change {
	const char *name;
	enum tarn_scram_mechanism mechanism;
	const struct tarn_scram_credential *credential;
};
/* Durable when it returns; waits. All changes or none; deleting what is not there changes nothing. TARN_EINVALID for a
 * user of the operator's file, which is the operator's to change. */
enum tarn_rc tarn_users_change(struct tarn_users *users, const struct tarn_users_change *changes, size_t n,
			       struct tarn_err *err) TARN_MUST_CHECK;

/* Calls `tell` for each credential in order of names, those of the operator's file as well; iterations tell which. */
void tarn_users_each(struct tarn_users *users,
		     void (*tell)(void *context, const char *name, enum tarn_scram_mechanism mechanism,
				  int32_t iterations),
		     void *context);

#endif
