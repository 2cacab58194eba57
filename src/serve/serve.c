#include "serve/serve.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "serve/schema_validator.h"

extern const struct tarn_role tarn_role_broker, tarn_role_registry, tarn_role_metrics, tarn_role_sink,
	tarn_role_publisher;

/* In the order of their start: what stands on another role comes after it. */
static const struct tarn_role *const roles[] = {
	&tarn_role_broker, &tarn_role_registry, &tarn_role_metrics, &tarn_role_sink, &tarn_role_publisher,
};
enum { N_ROLES = sizeof(roles) / sizeof(*roles) };
enum { LARGEST_KEPT = 4 << 20, MOST_KEPT = 8 << 20 }; /* bytes: of one allocation, of the free ones of a thread */

struct tarn_server {
	const struct tarn_serve_options *options;
	pthread_mutex_t lock; /* of the log's opening */
	struct tarn_log *log;
	/* Set before the roles that ask for them start. */
	char *broker;
	struct tarn_registry *registry;
	struct tarn_schema_validator *validator;
	bool wanted[N_ROLES];
	bool started[N_ROLES];
	void *states[N_ROLES];
	struct {
		void (*write)(void *context, struct tarn_buf *out);
		void *context;
	} metrics[N_ROLES];
	size_t n_metrics;
	atomic_bool ready;
};

const struct tarn_serve_options *tarn_server_options(const struct tarn_server *server)
{
	return server->options;
}

void tarn_server_offer_broker(struct tarn_server *server, const char *address)
{
	server->broker = tarn_strdup(address);
}

const char *tarn_server_broker(const struct tarn_server *server)
{
	return server->broker;
}

void tarn_server_offer_registry(struct tarn_server *server, struct tarn_registry *registry)
{
	server->registry = registry;
	tarn_schema_validator_ask(server->validator, registry);
}

const struct tarn_validator *tarn_server_validator(const struct tarn_server *server)
{
	return tarn_schema_validator_hook(server->validator);
}

struct tarn_registry *tarn_server_registry(const struct tarn_server *server)
{
	return server->registry;
}

void tarn_server_say(struct tarn_server *server, const char *role, const char *fmt, ...)
{
	(void)server;
	char time[TARN_TIMESTAMP_SIZE], line[1200];
	tarn_format_timestamp(tarn_now_us(), time);
	int n = snprintf(line, sizeof(line), "%.23sZ %-8s ", time, role);
	va_list args;
	va_start(args, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, args);
	va_end(args);
	/* What clients sent may be in it: nothing that a terminal would obey. One write, so that lines stay whole. */
	size_t len = strlen(line);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[len] = '\n';
	(void)!write(STDERR_FILENO, line, len + 1);
}

static void warn_of_log(void *context, const char *message)
{
	tarn_server_say(context, "log", "%s", message);
}

struct tarn_log *tarn_server_log(struct tarn_server *server, struct tarn_err *err)
{
	pthread_mutex_lock(&server->lock);
	if (!server->log) {
		struct tarn_log_options options = { .warn = warn_of_log, .context = server };
		const char *data = server->options->data;
		if (!tarn_make_folders(data, err) && tarn_log_open(data, &options, &server->log, err))
			server->log = NULL;
	}
	pthread_mutex_unlock(&server->lock);
	return server->log;
}

/* ---- metrics and health ---- */

/* The role of metrics starts last and is stopped first: nothing changes while it asks. */
void tarn_server_add_metrics(struct tarn_server *server, void (*write)(void *context, struct tarn_buf *out),
			     void *context)
{
	assert(server->n_metrics < N_ROLES);
	server->metrics[server->n_metrics].write = write;
	server->metrics[server->n_metrics++].context = context;
}

void tarn_server_write_metrics(struct tarn_server *server, struct tarn_buf *out)
{
	struct rusage usage;
	tarn_buf_printf(out, "# HELP tarn_info The version.\n# TYPE tarn_info gauge\ntarn_info{version=\"%s\"} 1\n",
			TARN_VERSION);
	if (!getrusage(RUSAGE_SELF, &usage))
		tarn_buf_printf(out,
				"# HELP process_cpu_seconds_total User and system time.\n"
				"# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.6f\n",
				(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
					(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	for (size_t i = 0; i < server->n_metrics; i++)
		server->metrics[i].write(server->metrics[i].context, out);
}

bool tarn_server_is_ready(struct tarn_server *server)
{
	return atomic_load(&server->ready);
}

/* ---- which roles ---- */

static int find_role(const char *name, size_t len)
{
	for (int i = 0; i < N_ROLES; i++)
		if (strlen(roles[i]->name) == len && !memcmp(roles[i]->name, name, len))
			return i;
	return -1;
}

static enum tarn_rc choose_roles(struct tarn_server *server, const char *list, struct tarn_err *err)
{
	for (int i = 0; !list && i < N_ROLES; i++)
		server->wanted[i] = true;
	while (list && *list) {
		size_t len = strcspn(list, ",");
		int i = find_role(list, len);
		if (i < 0) {
			enum tarn_rc rc = tarn_fail(err, TARN_EINVALID, "no role \"%.*s\"", (int)len, list);
			char names[200] = "";
			for (int k = 0; k < N_ROLES; k++)
				snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", k ? ", " : "",
					 roles[k]->name);
			tarn_err_hint(err, "roles are %s", names);
			return rc;
		}
		server->wanted[i] = true;
		list += len + (list[len] == ',');
	}
	return TARN_OK;
}

/* ---- from start to stop ---- */

/* Every connection takes a descriptor, as does every open segment: as many as the system lets us have. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static enum tarn_rc start_roles(struct tarn_server *server, struct tarn_err *err)
{
	for (int i = 0; i < N_ROLES; i++) {
		if (!server->wanted[i])
			continue;
		enum tarn_rc rc = roles[i]->start(server, &server->states[i], err);
		if (rc)
			return tarn_err_within(err, rc, "%s", roles[i]->name);
		server->started[i] = true;
	}
	return TARN_OK;
}

static void stop_roles(struct tarn_server *server)
{
	for (int i = N_ROLES - 1; i >= 0; i--)
		if (server->started[i])
			roles[i]->stop(server->states[i]);
	if (server->log)
		tarn_log_close(server->log);
	tarn_schema_validator_free(server->validator);
	free(server->broker);
}

/* Requests and answers of up to some MB come and go all the time: their memory is not given back to the system and
 * taken anew, page by page, for each; only what is more than this is. */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT);
	mallopt(M_TRIM_THRESHOLD, MOST_KEPT);
}

enum tarn_rc tarn_serve(const struct tarn_serve_options *options, const char *role_list, struct tarn_err *err)
{
	struct tarn_server server = { .options = options };
	enum tarn_rc rc = choose_roles(&server, role_list, err);
	if (rc)
		return rc;
	keep_memory();
	server.validator = tarn_schema_validator_new();
	pthread_mutex_init(&server.lock, NULL);
	raise_descriptor_limit();
	/* Threads that roles start inherit this: signals come to sigwait below and to nobody else. */
	sigset_t ends, before;
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &ends, &before);
	signal(SIGPIPE, SIG_IGN);
	rc = start_roles(&server, err);
	if (!rc) {
		int caught = 0;
		atomic_store(&server.ready, true);
		tarn_server_say(&server, "serve", "ready");
		while (sigwait(&ends, &caught))
			;
		atomic_store(&server.ready, false);
		tarn_server_say(&server, "serve", "stopping: %s", strsignal(caught));
	}
	stop_roles(&server);
	if (!rc)
		tarn_server_say(&server, "serve", "stopped");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_mutex_destroy(&server.lock);
	return rc;
}
