/* Loads a log and says on standard output what it was told, one line a time, so that a checker knows it also of a
 * process that was killed; and prints what a log holds.
 *
 *   log_tool load DIR BATCHES [lie]   lines "PRODUCER PARTITION SEQUENCE" on standard input: where each goes on (else
 * at 0) A producer partition sequence count base   acknowledged: durable, at this offset (`lie`: not durable yet) F
 * producer partition sequence              told that it is not durable S partition next                           read,
 * and found as it was sent, up to here B partition start, D partition start       asked to move the start; did log_tool
 * check DIR P partition start high_watermark end b partition base count producer sequence good|bad
 *
 *   log_tool churn DIR ROUNDS                  makes, grows and deletes topics, with a record in each
 *     c name, C name id partitions               asked to make; made
 *     g name partitions, G name partitions       asked to give it so many; did
 *     x name, X name                             asked to delete; deleted
 *   log_tool topics DIR
 *     T name id partitions records               records: of the first partition
 *
 * What a batch holds follows from its producer, partition and sequence. Exit code 3: the disk refused. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "stream/log/log.h"

enum { PRODUCERS = 3, PARTITIONS = 2, IN_FLIGHT = 5, FIRST_PRODUCER = 1000, LARGEST_VALUE = 3000, REFUSED = 3 };
enum { PHASE = 256, SMALL_VALUE = 60 };

static struct tarn_topic *topic;
static int64_t n_batches;
static bool lies;
static volatile bool refused, done;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	char line[200];
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (write(STDOUT_FILENO, line, (size_t)len) != len) /* in one piece: a pipe keeps it whole */
		exit(1);
}

static _Noreturn void die(const char *what, const struct tarn_err *err)
{
	fprintf(stderr, "%s: %s\n", what, err->message);
	exit(err->code == TARN_EIO ? REFUSED : 1);
}

/* ---- what is sent ---- */

static uint32_t number_of(int64_t producer, int32_t partition, int32_t sequence)
{
	uint64_t x = (uint64_t)producer * 1000003 + (uint64_t)partition * 777767 + (uint64_t)sequence * 2654435761u;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	return (uint32_t)(x >> 32);
}

static int32_t count_of(int64_t producer, int32_t partition, int32_t sequence)
{
	return 1 + (int32_t)(number_of(producer, partition, sequence) % 6);
}

/* Times of large records and times of small ones, for which the log makes room ahead. */
static size_t largest_of(int32_t sequence)
{
	return sequence / PHASE % 2 ? LARGEST_VALUE : SMALL_VALUE;
}

static struct tarn_slice value_of(int64_t producer, int32_t partition, int32_t sequence, uint8_t value[LARGEST_VALUE])
{
	uint32_t state = number_of(producer, partition, sequence);
	size_t len = state % largest_of(sequence);
	for (size_t i = 0; i < len; i++)
		value[i] = (uint8_t)((state = state * 1664525 + 1013904223) >> 24);
	return tarn_slice_of(value, len);
}

static struct tarn_slice build(struct tarn_batch_builder *builder, int64_t producer, int32_t partition,
			       int32_t sequence)
{
	uint8_t value[LARGEST_VALUE];
	tarn_batch_builder_clear(builder);
	int32_t count = count_of(producer, partition, sequence);
	for (int32_t i = 0; i < count; i++)
		tarn_batch_builder_add(builder, tarn_now_us() / 1000, tarn_slice_str("key"),
				       value_of(producer, partition, sequence + i, value), NULL, 0);
	struct tarn_slice batch;
	struct tarn_err err;
	const struct tarn_batch_producer by = { producer, 0, sequence, false };
	if (tarn_batch_builder_finish(builder, &by, &batch, &err))
		die("build", &err);
	return batch;
}

/* Is the batch what its header says was sent? */
static bool as_sent(struct tarn_batch_reader *reader, const struct tarn_batch *batch, int32_t partition)
{
	struct tarn_message message;
	uint8_t value[LARGEST_VALUE];
	if (batch->count != count_of(batch->producer_id, partition, batch->base_sequence) ||
	    tarn_batch_reader_open(reader, batch, 1 << 20, NULL))
		return false;
	for (int32_t i = 0; i < batch->count; i++)
		if (tarn_batch_reader_next(reader, &message, NULL) || message.offset != batch->base_offset + i ||
		    !tarn_slice_eq(message.value,
				   value_of(batch->producer_id, partition, batch->base_sequence + i, value)))
			return false;
	return true;
}

/* ---- producers ---- */

/* A batch under way. */
struct flight {
	struct tarn_durable_waiter waiter;
	int64_t producer, base;
	int32_t partition, sequence, count;
	sem_t free;
};

struct sender {
	pthread_t thread;
	int64_t producer;
	int32_t next[PARTITIONS];
	struct flight flights[PARTITIONS][IN_FLIGHT];
};

static void land(struct tarn_durable_waiter *waiter, bool ok)
{
	struct flight *flight = (struct flight *)waiter;
	if (ok && !lies)
		say("A %lld %d %d %d %lld\n", (long long)flight->producer, flight->partition, flight->sequence,
		    flight->count, (long long)flight->base);
	if (!ok) {
		say("F %lld %d %d\n", (long long)flight->producer, flight->partition, flight->sequence);
		refused = true;
	}
	sem_post(&flight->free);
}

static bool send_one(struct sender *sender, struct tarn_batch_builder *builder, int32_t partition, int64_t i)
{
	struct flight *flight = &sender->flights[partition][i % IN_FLIGHT];
	struct tarn_append result;
	int32_t sequence = sender->next[partition];
	sem_wait(&flight->free);
	struct tarn_slice batch = build(builder, sender->producer, partition, sequence);
	struct tarn_partition *to = tarn_topic_partition(topic, partition);
	tarn_partition_append(to, (uint8_t *)(uintptr_t)batch.data, batch.len, &result);
	if (result.status != TARN_APPEND_DONE && result.status != TARN_APPEND_DUPLICATE) {
		sem_post(&flight->free);
		refused = true;
		if (result.status == TARN_APPEND_STORAGE)
			return false;
		fprintf(stderr, "producer %lld, partition %d, sequence %d: status %d\n", (long long)sender->producer,
			partition, sequence, (int)result.status);
		exit(1);
	}
	flight->producer = sender->producer;
	flight->partition = partition;
	flight->sequence = sequence;
	flight->count = count_of(sender->producer, partition, sequence);
	flight->base = result.base_offset;
	flight->waiter.tell = land;
	sender->next[partition] += flight->count;
	if (lies)
		say("A %lld %d %d %d %lld\n", (long long)flight->producer, partition, sequence, flight->count,
		    (long long)flight->base);
	tarn_partition_when_durable(to, result.last_offset + 1, &flight->waiter);
	return true;
}

static void *send_all(void *argument)
{
	struct sender *sender = argument;
	struct tarn_batch_builder *builder = tarn_batch_builder_new(TARN_BATCH_NONE);
	bool go_on = true;
	for (int64_t i = 0; i < n_batches && go_on && !refused; i++)
		for (int32_t partition = 0; partition < PARTITIONS && go_on; partition++)
			go_on = send_one(sender, builder, partition, i);
	for (int32_t partition = 0; partition < PARTITIONS; partition++)
		for (int i = 0; i < IN_FLIGHT; i++)
			sem_wait(&sender->flights[partition][i].free);
	tarn_batch_builder_free(builder);
	return NULL;
}

static void prepare(struct sender senders[PRODUCERS])
{
	for (int i = 0; i < PRODUCERS; i++) {
		senders[i].producer = FIRST_PRODUCER + i;
		for (int32_t partition = 0; partition < PARTITIONS; partition++)
			for (int k = 0; k < IN_FLIGHT; k++)
				sem_init(&senders[i].flights[partition][k].free, 0, 1);
	}
	long long producer;
	int partition, sequence;
	while (scanf("%lld %d %d", &producer, &partition, &sequence) == 3)
		senders[producer - FIRST_PRODUCER].next[partition] = sequence;
}

/* ---- a reader and a trimmer ---- */

/* False at the end of what may be seen, for now. */
static bool read_some(struct tarn_batch_reader *reader, struct tarn_buf *out, int32_t partition, int64_t *at)
{
	struct tarn_partition *from = tarn_topic_partition(topic, partition);
	struct tarn_offsets offsets;
	struct tarn_err err;
	int64_t next;
	tarn_partition_offsets(from, &offsets);
	if (*at < offsets.start)
		*at = offsets.start;
	tarn_buf_clear(out);
	enum tarn_rc rc = tarn_partition_read(from, *at, 100000, TARN_READ_UNCOMMITTED, out, &next, &err);
	if (rc == TARN_ENOTFOUND) /* trimmed meanwhile */
		return true;
	if (rc) {
		refused = true;
		return false;
	}
	for (struct tarn_slice left = tarn_buf_slice(out); left.len;) {
		struct tarn_batch batch;
		if (tarn_batch_parse(left, &batch, NULL) || !as_sent(reader, &batch, partition)) {
			fprintf(stderr, "partition %d: what is read at %lld is not what was sent\n", partition,
				(long long)*at);
			exit(1);
		}
		left = tarn_slice_of(left.data + batch.bytes.len, left.len - batch.bytes.len);
	}
	if (next == *at)
		return false;
	*at = next;
	say("S %d %lld\n", partition, (long long)next);
	return true;
}

static void trim(int32_t partition, int64_t before)
{
	int64_t start;
	say("B %d %lld\n", partition, (long long)before);
	if (tarn_partition_delete_before(tarn_topic_partition(topic, partition), before, &start, NULL))
		refused = true;
	else
		say("D %d %lld\n", partition, (long long)start);
}

static void *read_all(void *argument)
{
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	struct tarn_buf out;
	int64_t at[PARTITIONS] = { 0 };
	(void)argument;
	tarn_buf_init(&out, 1 << 24);
	for (int round = 1; !done && !refused; round++) {
		bool more = false;
		for (int32_t partition = 0; partition < PARTITIONS; partition++) {
			more |= read_some(reader, &out, partition, &at[partition]);
			if (round % 50 == 0 && at[partition] > 400)
				trim(partition, at[partition] - 400);
		}
		if (!more)
			usleep(500);
	}
	tarn_buf_release(&out);
	tarn_batch_reader_free(reader);
	return NULL;
}

/* ---- commands ---- */

static void warn(void *context, const char *message)
{
	(void)context;
	fprintf(stderr, "%s\n", message);
}

static struct tarn_log *open_log(const char *folder)
{
	const struct tarn_log_options options = { .warn = warn, .max_open_files = 20 };
	static const struct tarn_topic_setting settings[] = { { "segment.bytes", "100000" },
							      { "index.interval.bytes", "2000" } };
	struct tarn_log *log;
	struct tarn_err err;
	if (tarn_log_open(folder, &options, &log, &err))
		die("open", &err);
	topic = tarn_log_find_topic(log, "load");
	if (!topic && tarn_log_create_topic(log, "load", PARTITIONS, settings, 2, &topic, &err))
		die("create", &err);
	return log;
}

static int load(const char *folder)
{
	static struct sender senders[PRODUCERS];
	pthread_t reader;
	prepare(senders);
	struct tarn_log *log = open_log(folder);
	pthread_create(&reader, NULL, read_all, NULL);
	for (int i = 0; i < PRODUCERS; i++)
		pthread_create(&senders[i].thread, NULL, send_all, &senders[i]);
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(senders[i].thread, NULL);
	done = true;
	pthread_join(reader, NULL);
	tarn_topic_unref(topic);
	tarn_log_close(log);
	return refused ? REFUSED : 0;
}

static void check_partition(int32_t number, struct tarn_batch_reader *reader, struct tarn_buf *out)
{
	struct tarn_partition *partition = tarn_topic_partition(topic, number);
	struct tarn_offsets offsets;
	struct tarn_err err;
	tarn_partition_offsets(partition, &offsets);
	printf("P %d %lld %lld %lld\n", number, (long long)offsets.start, (long long)offsets.high_watermark,
	       (long long)offsets.end);
	for (int64_t at = offsets.start, next; at < offsets.high_watermark; at = next) {
		tarn_buf_clear(out);
		if (tarn_partition_read(partition, at, 1 << 20, TARN_READ_UNCOMMITTED, out, &next, &err))
			die("read", &err);
		if (next == at) {
			fprintf(stderr, "nothing at %lld below the high watermark\n", (long long)at);
			exit(1);
		}
		for (struct tarn_slice left = tarn_buf_slice(out); left.len;) {
			struct tarn_batch batch;
			if (tarn_batch_parse(left, &batch, &err))
				die("parse", &err);
			printf("b %d %lld %d %lld %d %s\n", number, (long long)batch.base_offset, batch.count,
			       (long long)batch.producer_id, batch.base_sequence,
			       as_sent(reader, &batch, number) ? "good" : "bad");
			left = tarn_slice_of(left.data + batch.bytes.len, left.len - batch.bytes.len);
		}
	}
}

static int check(const char *folder)
{
	struct tarn_log *log = open_log(folder);
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	struct tarn_buf out;
	tarn_buf_init(&out, 1 << 24);
	for (int32_t partition = 0; partition < PARTITIONS; partition++)
		check_partition(partition, reader, &out);
	tarn_buf_release(&out);
	tarn_batch_reader_free(reader);
	tarn_topic_unref(topic);
	tarn_log_close(log);
	return 0;
}

/* ---- topics ---- */

static void say_topic(const char *word, struct tarn_topic *made)
{
	char id[2 * TARN_UUID_BYTES + 1] = { 0 };
	tarn_hex(tarn_topic_id(made), TARN_UUID_BYTES, id);
	say("%s %s %s %d\n", word, tarn_topic_name(made), id, tarn_topic_partitions(made));
}

static bool put_record(struct tarn_topic *made, struct tarn_batch_builder *builder)
{
	struct tarn_slice batch = build(builder, FIRST_PRODUCER, 0, 0);
	struct tarn_append result;
	struct tarn_partition *partition = tarn_topic_partition(made, 0);
	tarn_partition_append(partition, (uint8_t *)(uintptr_t)batch.data, batch.len, &result);
	return result.status == TARN_APPEND_DONE &&
	       !tarn_partition_wait_durable(partition, result.last_offset + 1, NULL);
}

static bool make_topic(struct tarn_log *log, const char *name, int32_t partitions, struct tarn_batch_builder *builder)
{
	struct tarn_topic *made;
	say("c %s\n", name);
	enum tarn_rc rc = tarn_log_create_topic(log, name, partitions, NULL, 0, &made, NULL);
	if (rc)
		return rc == TARN_EEXISTS;
	bool ok = put_record(made, builder);
	if (ok)
		say_topic("C", made);
	tarn_topic_unref(made);
	return ok;
}

static bool grow_topic(struct tarn_log *log, const char *name)
{
	struct tarn_topic *found = tarn_log_find_topic(log, name);
	if (!found)
		return true;
	int32_t partitions = tarn_topic_partitions(found) + 1;
	say("g %s %d\n", name, partitions);
	bool ok = !tarn_topic_add_partitions(found, partitions, NULL);
	if (ok)
		say("G %s %d\n", name, partitions);
	tarn_topic_unref(found);
	return ok;
}

static bool delete_topic(struct tarn_log *log, const char *name)
{
	say("x %s\n", name);
	enum tarn_rc rc = tarn_log_delete_topic(log, name, NULL);
	if (!rc)
		say("X %s\n", name);
	return !rc || rc == TARN_ENOTFOUND;
}

static int churn(const char *folder)
{
	struct tarn_log *log = open_log(folder);
	struct tarn_batch_builder *builder = tarn_batch_builder_new(TARN_BATCH_NONE);
	tarn_topic_unref(topic);
	bool ok = true;
	for (int64_t i = 0; i < n_batches && ok; i++) {
		char name[32];
		snprintf(name, sizeof(name), "topic-%u", (unsigned)(number_of(1, 2, (int32_t)i) % 9));
		int what = (int)(number_of(3, 4, (int32_t)i) % 4);
		if (what < 2)
			ok = make_topic(log, name, 1 + (int32_t)(i % 3), builder);
		else
			ok = what == 2 ? grow_topic(log, name) : delete_topic(log, name);
	}
	tarn_batch_builder_free(builder);
	tarn_log_close(log);
	return ok ? 0 : REFUSED;
}

static int print_topics(const char *folder)
{
	struct tarn_log *log = open_log(folder);
	struct tarn_topic **all;
	tarn_topic_unref(topic);
	size_t count = tarn_log_topics(log, &all);
	for (size_t i = 0; i < count; i++) {
		char id[2 * TARN_UUID_BYTES + 1] = { 0 };
		struct tarn_offsets offsets;
		tarn_hex(tarn_topic_id(all[i]), TARN_UUID_BYTES, id);
		tarn_partition_offsets(tarn_topic_partition(all[i], 0), &offsets);
		say("T %s %s %d %lld\n", tarn_topic_name(all[i]), id, tarn_topic_partitions(all[i]),
		    (long long)offsets.end);
		tarn_topic_unref(all[i]);
	}
	free(all);
	tarn_log_close(log);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "topics"))
		return print_topics(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "check"))
		return check(argv[2]);
	if (argc < 4 || (strcmp(argv[1], "load") != 0 && strcmp(argv[1], "churn") != 0)) {
		fprintf(stderr, "usage: log_tool load DIR BATCHES [lie] | check DIR | churn DIR ROUNDS | topics DIR\n");
		return 2;
	}
	n_batches = atoll(argv[3]);
	if (!strcmp(argv[1], "churn"))
		return churn(argv[2]);
	lies = argc > 4;
	return load(argv[2]);
}
