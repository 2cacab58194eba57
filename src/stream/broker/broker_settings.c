#include "stream/broker/broker_settings.h"

#define LONG_TEXT "9223372036854775807"
#define LONG_MOST 9223372036854775807.0
#define INT_TEXT "2147483647"
#define INT_MOST 2147483647.0

/* ---- what the broker was started with ---- */

static const char *node_id(struct tarn_call *call)
{
	return tarn_arena_printf(&call->arena, "%d", call->broker->node_id);
}

static const char *listener(struct tarn_call *call)
{
	return tarn_arena_printf(&call->arena, "%s:%d", call->broker->host, call->broker->port);
}

static const char *partitions(struct tarn_call *call)
{
	return tarn_arena_printf(&call->arena, "%d", call->broker->default_partitions);
}

static const char *creation(struct tarn_call *call)
{
	return call->broker->auto_create_topics ? "true" : "false";
}

static const char *one(struct tarn_call *call)
{
	(void)call;
	return "1";
}

/* ---- the table ---- */

#define GIVEN(text, kind, otherwise, value, about)                                                                     \
	{                                                                                                              \
		{ .name = (text), .type = (kind), .fallback = (otherwise), .most = INT_MOST, .doc = (about) },         \
			(value), false                                                                                 \
	}
#define NUMBER(text, kind, otherwise, low, high, about)                                                                \
	{                                                                                                              \
		{ .name = (text),                                                                                      \
		  .type = (kind),                                                                                      \
		  .fallback = (otherwise),                                                                             \
		  .least = (low),                                                                                      \
		  .most = (high),                                                                                      \
		  .doc = (about) },                                                                                    \
			NULL, false                                                                                    \
	}
#define TEXT(text, kind, otherwise, about)                                                                             \
	{                                                                                                              \
		{ .name = (text), .type = (kind), .fallback = (otherwise), .doc = (about) }, NULL, false               \
	}

#define FIXED(text, kind, value, about)                                                                                \
	{                                                                                                              \
		{ .name = (text), .type = (kind), .fallback = (value), .most = INT_MOST, .doc = (about) }, NULL, true  \
	}

#define BALANCE "of groups of the consumer protocol (KIP-848)"
#define OWN_THREADS "no effect: the broker chooses its threads itself"
#define OWN_CLEANING "no effect: compaction chooses its memory and pace itself"
#define NO_KERBEROS "no effect: there is no Kerberos"
#define NO_OAUTH "no effect: the broker logs in nowhere"
#define NO_LIMIT "no effect: connections are limited by the memory that they hold"
#define ONE_NODE "no effect: one node"
#define NO_TIERS "no effect: no tiered storage"

/* In order of names. Rows that have neither `given` nor `fixed` can be changed while the broker runs. */
static const struct row {
	struct tarn_topic_key key;
	const char *(*given)(struct tarn_call *call);
	bool fixed; /* is what it is */
} rows[] = {
	GIVEN("advertised.listeners", TARN_TOPIC_STRING, "", listener, "what clients are told to connect to"),
	GIVEN("auto.create.topics.enable", TARN_TOPIC_BOOLEAN, "true", creation,
	      "whether a topic that a client asks for is made when it is not there"),
	NUMBER("background.threads", TARN_TOPIC_INT, "10", 1, INT_MOST, OWN_THREADS),
	GIVEN("broker.id", TARN_TOPIC_INT, "-1", node_id, "the number of this broker"),
	GIVEN("default.replication.factor", TARN_TOPIC_INT, "1", one, "there is one broker"),
	NUMBER("follower.replication.throttled.rate", TARN_TOPIC_LONG, LONG_TEXT, 0, LONG_MOST, ONE_NODE),
	FIXED("group.consumer.assignors", TARN_TOPIC_LIST, "uniform,range", BALANCE),
	FIXED("group.consumer.heartbeat.interval.ms", TARN_TOPIC_INT, "5000", BALANCE),
	FIXED("group.consumer.max.heartbeat.interval.ms", TARN_TOPIC_INT, "15000", BALANCE),
	FIXED("group.consumer.max.session.timeout.ms", TARN_TOPIC_INT, "60000", BALANCE),
	FIXED("group.consumer.max.size", TARN_TOPIC_INT, "10000", BALANCE),
	FIXED("group.consumer.migration.policy", TARN_TOPIC_STRING, "disabled", BALANCE),
	FIXED("group.consumer.min.heartbeat.interval.ms", TARN_TOPIC_INT, "5000", BALANCE),
	FIXED("group.consumer.min.session.timeout.ms", TARN_TOPIC_INT, "45000", BALANCE),
	FIXED("group.consumer.session.timeout.ms", TARN_TOPIC_INT, "45000", BALANCE),
	NUMBER("leader.replication.throttled.rate", TARN_TOPIC_LONG, LONG_TEXT, 0, LONG_MOST, ONE_NODE),
	NUMBER("log.cleaner.backoff.ms", TARN_TOPIC_LONG, "15000", 0, LONG_MOST, OWN_CLEANING),
	NUMBER("log.cleaner.dedupe.buffer.size", TARN_TOPIC_LONG, "134217728", 0, LONG_MOST, OWN_CLEANING),
	NUMBER("log.cleaner.io.buffer.load.factor", TARN_TOPIC_DOUBLE, "0.9", 0, LONG_MOST, OWN_CLEANING),
	NUMBER("log.cleaner.io.buffer.size", TARN_TOPIC_INT, "524288", 0, INT_MOST, OWN_CLEANING),
	NUMBER("log.cleaner.io.max.bytes.per.second", TARN_TOPIC_DOUBLE, "1.7976931348623157E308", 0,
	       1.7976931348623157E308, OWN_CLEANING),
	NUMBER("log.cleaner.threads", TARN_TOPIC_INT, "1", 0, INT_MOST, OWN_THREADS),
	NUMBER("max.connection.creation.rate", TARN_TOPIC_INT, INT_TEXT, 0, INT_MOST, NO_LIMIT),
	NUMBER("max.connections", TARN_TOPIC_INT, INT_TEXT, 0, INT_MOST, NO_LIMIT),
	NUMBER("max.connections.per.ip", TARN_TOPIC_INT, INT_TEXT, 0, INT_MOST, NO_LIMIT),
	TEXT("max.connections.per.ip.overrides", TARN_TOPIC_STRING, "", NO_LIMIT),
	TEXT("metric.reporters", TARN_TOPIC_LIST, "", "no effect: metrics are read by HTTP"),
	GIVEN("node.id", TARN_TOPIC_INT, "-1", node_id, "the number of this broker"),
	NUMBER("num.io.threads", TARN_TOPIC_INT, "8", 1, INT_MOST, OWN_THREADS),
	NUMBER("num.network.threads", TARN_TOPIC_INT, "3", 1, INT_MOST, OWN_THREADS),
	GIVEN("num.partitions", TARN_TOPIC_INT, "1", partitions, "partitions of a topic that is made without a number"),
	NUMBER("num.recovery.threads.per.data.dir", TARN_TOPIC_INT, "2", 1, INT_MOST, OWN_THREADS),
	NUMBER("num.replica.fetchers", TARN_TOPIC_INT, "1", 0, INT_MOST, ONE_NODE),
	GIVEN("offsets.topic.replication.factor", TARN_TOPIC_INT, "1", one, "there is one broker"),
	NUMBER(TARN_SETTING_PRODUCER_EXPIRY, TARN_TOPIC_INT, TARN_PRODUCER_EXPIRY_TEXT, 1, INT_MOST,
	       "how long an idempotent producer may be silent before its sequence is forgotten"),
	NUMBER("remote.fetch.max.wait.ms", TARN_TOPIC_INT, "500", 1, INT_MOST, NO_TIERS),
	NUMBER("remote.log.index.file.cache.total.size.bytes", TARN_TOPIC_LONG, "1073741824", 1, LONG_MOST, NO_TIERS),
	NUMBER("remote.log.manager.copy.max.bytes.per.second", TARN_TOPIC_LONG, LONG_TEXT, 1, LONG_MOST, NO_TIERS),
	NUMBER("remote.log.manager.fetch.max.bytes.per.second", TARN_TOPIC_LONG, LONG_TEXT, 1, LONG_MOST, NO_TIERS),
	NUMBER("replica.alter.log.dirs.io.max.bytes.per.second", TARN_TOPIC_LONG, LONG_TEXT, 0, LONG_MOST, ONE_NODE),
	TEXT("sasl.kerberos.kinit.cmd", TARN_TOPIC_STRING, "/usr/bin/kinit", NO_KERBEROS),
	NUMBER("sasl.kerberos.min.time.before.relogin", TARN_TOPIC_LONG, "60000", 0, LONG_MOST, NO_KERBEROS),
	TEXT("sasl.kerberos.principal.to.local.rules", TARN_TOPIC_LIST, "DEFAULT", NO_KERBEROS),
	TEXT("sasl.kerberos.service.name", TARN_TOPIC_STRING, "", NO_KERBEROS),
	NUMBER("sasl.kerberos.ticket.renew.jitter", TARN_TOPIC_DOUBLE, "0.05", 0, 1, NO_KERBEROS),
	NUMBER("sasl.kerberos.ticket.renew.window.factor", TARN_TOPIC_DOUBLE, "0.8", 0, 1, NO_KERBEROS),
	NUMBER("sasl.login.refresh.buffer.seconds", TARN_TOPIC_INT, "300", 0, 3600, NO_OAUTH),
	NUMBER("sasl.login.refresh.min.period.seconds", TARN_TOPIC_INT, "60", 0, 900, NO_OAUTH),
	NUMBER("sasl.login.refresh.window.factor", TARN_TOPIC_DOUBLE, "0.8", 0.5, 1, NO_OAUTH),
	NUMBER("sasl.login.refresh.window.jitter", TARN_TOPIC_DOUBLE, "0.05", 0, 0.25, NO_OAUTH),
	{ { .name = "transaction.partition.verification.enable",
	    .type = TARN_TOPIC_BOOLEAN,
	    .fallback = "true",
	    .values = " true false ",
	    .doc = "no effect: partitions of a transaction are always verified" },
	  NULL,
	  false },
	GIVEN("transaction.state.log.replication.factor", TARN_TOPIC_INT, "1", one, "there is one broker"),
};
enum { N_ROWS = sizeof(rows) / sizeof(*rows) };

bool tarn_broker_setting_at(size_t i, struct tarn_broker_setting *setting)
{
	if (i < N_ROWS) {
		const struct row *row = &rows[i];
		*setting =
			(struct tarn_broker_setting){ row->key.name, &row->key, row->given || row->fixed, row->given };
		return true;
	}
	size_t nth = i - N_ROWS;
	for (int key = 0; key < TARN_TOPIC_N_KEYS; key++)
		if (tarn_topic_keys[key].of_broker && !nth--) {
			*setting = (struct tarn_broker_setting){ .name = tarn_topic_keys[key].of_broker,
								 .key = &tarn_topic_keys[key] };
			return true;
		}
	return false;
}
