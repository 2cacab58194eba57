/* Any bytes to the broker's port, without the port: nothing may crash, hang or take much memory.
 *
 * Input: requests, each as one byte that picks a row of the table of handlers, one that picks a version, two for the
 * length (big-endian) and the body, to which a header is added; a first byte of 255 makes the body a whole frame. The
 * broker is a real one, with a log in a temporary folder that lives as long as the process. The unit test
 * test_fuzz_kafka replays tests/fuzz/corpus/kafka.
 *
 *   CC=clang meson setup build-fuzz -Dc_args=-fsanitize=fuzzer-no-link -Db_sanitize=address,undefined -Db_lundef=false
 *   ninja -C build-fuzz tests/unit/stream/broker/fuzz_kafka
 *   build-fuzz/tests/unit/stream/broker/fuzz_kafka -max_len=4096 WORK tests/fuzz/corpus/kafka */
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "stream/broker/acl.h"
#include "stream/broker/group_coordinator.h"
#include "stream/broker/session.h"
#include "stream/broker/txn.h"
#include "stream/broker/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WHOLE_FRAME = 255, PATIENCE_S = 60 };

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

static char folder[] = "/tmp/tarn-fuzz-kafka-XXXXXX";
static struct tarn_broker broker;
static struct tarn_loop loop;

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static void stop(void)
{
	struct tarn_log *log = broker.log;
	tarn_transactions_close(broker.transactions);
	tarn_group_coordinator_close(broker.groups);
	tarn_broker_release(&broker);
	tarn_users_free(broker.users);
	tarn_acls_free(broker.acls);
	tarn_log_close(log);
	tarn_loop_release(&loop);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void do_nothing(struct tarn_loop *unused)
{
	(void)unused;
}

static void no_turn(struct tarn_session *session)
{
	(void)session;
}

static void start(void)
{
	struct tarn_log *log = NULL;
	struct tarn_topic *topic;
	struct tarn_log_options options = { 0 };
	CHECK(mkdtemp(folder));
	CHECK(!tarn_log_open(folder, &options, &log, NULL));
	tarn_broker_init(&broker, log);
	broker.cluster_id = tarn_log_cluster_id(log);
	CHECK(!tarn_users_open(NULL, folder, &broker.users, NULL));
	/* Whoever asks may do everything, so that requests get as far as they can. */
	CHECK(!tarn_acls_open(folder, "User:ANONYMOUS", &broker.acls, NULL));
	broker.authorize = tarn_acls_authorize;
	CHECK(!tarn_group_coordinator_open(&broker, NULL, &broker.groups, NULL));
	CHECK(!tarn_transactions_open(&broker, &broker.transactions, NULL));
	CHECK(!tarn_log_create_topic(log, "long", 3, NULL, 0, &topic, NULL));
	tarn_topic_unref(topic);
	tarn_loop_init(&loop, do_nothing);
	atexit(stop);
}

static void drain(struct tarn_session *session)
{
	struct tarn_call_inside *answer;
	tarn_loop_run(&loop);
	while ((answer = tarn_session_next_answer(session)))
		tarn_answer_free(answer);
}

/* Until the next request may come, or all calls are over. What waits for something is told that nobody listens. */
static void settle(struct tarn_session *session, bool all)
{
	int64_t deadline = tarn_monotonic_ns() + INT64_C(1000000000) * PATIENCE_S;
	drain(session);
	while (all ? session->n_calls > 0 : session->blocking != NULL) {
		tarn_session_hurry(session);
		drain(session);
		sched_yield();
		CHECK(tarn_monotonic_ns() < deadline);
	}
}

static void send_request(struct tarn_session *session, uint8_t which, uint8_t version, const uint8_t *body, size_t len)
{
	const struct tarn_handler *handler = &tarn_handlers[which % tarn_handlers_count];
	uint8_t *frame = tarn_malloc(len + 11);
	if (which == WHOLE_FRAME) {
		memcpy(frame, body, len);
		tarn_session_take(session, realloc(frame, len ? len : 1), len);
		return;
	}
	int16_t number = (int16_t)(handler->min + version % (handler->max - handler->min + 1));
	uint8_t head[11] = { 0, (uint8_t)handler->api_key, 0, (uint8_t)number, 0, 0, 0, 1, 0, 1, 'f' };
	memcpy(frame, head, sizeof(head));
	memcpy(frame + sizeof(head), body, len);
	tarn_session_take(session, frame, len + sizeof(head));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!broker.log)
		start();
	struct tarn_session session;
	tarn_session_init(&session, &broker, &loop, no_turn);
	/* Half of the inputs come as somebody who still has to say who it is. */
	session.must_authenticate = size && data[size - 1] & 1;
	while (size >= 4 && tarn_session_ready(&session)) {
		size_t len = (size_t)data[2] << 8 | data[3];
		len = len < size - 4 ? len : size - 4;
		send_request(&session, data[0], data[1], data + 4, len);
		settle(&session, false);
		data += 4 + len;
		size -= 4 + len;
	}
	tarn_session_end(&session);
	settle(&session, true);
	CHECK(!session.held_bytes);
	tarn_session_release(&session);
	return 0;
}
