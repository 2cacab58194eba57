#include "stream/registry/registry_request.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

#include "base/json_text.h"
#include "stream/log/log.h"

/* ---- answers ---- */

void reg_put_key(struct tarn_buf *out, const char *key)
{
	if (out->len && out->data[out->len - 1] != '{')
		tarn_buf_add_byte(out, ',');
	tarn_json_put_str(out, key);
	tarn_buf_add_byte(out, ':');
}

void reg_put_text(struct tarn_buf *out, const char *key, const char *value)
{
	reg_put_key(out, key);
	tarn_json_put_str(out, value);
}

void reg_put_int(struct tarn_buf *out, const char *key, int64_t value)
{
	reg_put_key(out, key);
	tarn_json_put_int(out, value);
}

static void write_error(struct tarn_response *response, int status, int code, const char *message)
{
	tarn_buf_clear(&response->body);
	response->status = status;
	tarn_buf_add_byte(&response->body, '{');
	reg_put_int(&response->body, "error_code", code);
	reg_put_text(&response->body, "message", message);
	tarn_buf_add_byte(&response->body, '}');
}

void reg_write_refusal(void *room, int status, const char *message, struct tarn_response *response)
{
	(void)room;
	write_error(response, status, status, message);
}

struct reg_context reg_begin(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	return (struct reg_context){
		.registry = room,
		.request = request,
		.response = response,
		.out = &response->body,
		.call = { .arena = request->arena, .position = -1 },
	};
}

/* ---- answers that wait until what they tell is durable ---- */

struct durable_hold {
	struct tarn_durable_waiter waiter; /* first: its address is the hold's */
	struct tarn_hold hold;
	struct tarn_registry *registry;
	int64_t position;
	bool ok;
};

static void release(struct tarn_durable_waiter *waiter, bool ok)
{
	struct durable_hold *held = (struct durable_hold *)waiter;
	_Atomic int64_t *durable = &held->registry->durable;
	int64_t known = atomic_load(durable);
	while (ok && known < held->position && !atomic_compare_exchange_weak(durable, &known, held->position))
		;
	held->ok = ok;
	held->hold.release(&held->hold);
}

static void start(struct tarn_hold *hold)
{
	struct durable_hold *held = hold->context;
	held->registry->store.when_durable(held->registry->store_state, held->position, &held->waiter);
}

static void finish(struct tarn_hold *hold, struct tarn_response *response)
{
	const struct durable_hold *held = hold->context;
	if (!held->ok)
		write_error(response, 500, 50001,
			    "Error while writing to the topic " TARN_REGISTRY_TOPIC ": it could not be synced");
}

static struct tarn_hold *hold_until(struct tarn_registry *registry, struct tarn_arena *arena, int64_t position)
{
	struct durable_hold *held = tarn_arena_zalloc(arena, sizeof(*held));
	held->waiter.tell = release;
	held->hold.start = start;
	held->hold.finish = finish;
	held->hold.context = held;
	held->registry = registry;
	held->position = position;
	return &held->hold;
}

/* Says why not, if so. */
void reg_end(struct reg_context *c, bool ok)
{
	if (!ok)
		write_error(c->response, c->call.status, c->call.code, c->call.message);
	if (c->call.position > atomic_load(&c->registry->durable))
		c->response->hold = hold_until(c->registry, c->call.arena, c->call.position);
	json_decref(c->json);
}

void reg_look(void *room, const struct tarn_request *request, struct tarn_response *response,
	      bool (*show)(struct reg_context *c, const struct reg_state *state))
{
	struct reg_context c = reg_begin(room, request, response);
	pthread_rwlock_rdlock(&c.registry->lock);
	bool ok = show(&c, &c.registry->state);
	if (!ok)
		reg_depends(&c.call, c.registry->state.position);
	pthread_rwlock_unlock(&c.registry->lock);
	reg_end(&c, ok);
}

/* Everything that is known now. */
void reg_depends_on_all(struct reg_context *c, const struct reg_state *state)
{
	reg_depends(&c->call, state->position);
}

/* ---- questions ---- */

bool reg_flag(const struct reg_context *c, const char *name)
{
	return tarn_request_flag(c->request, name, false);
}

static int64_t number(const struct reg_context *c, const char *name, int64_t otherwise)
{
	const char *text = tarn_request_query(c->request, name);
	char *rest;
	if (!text || !*text)
		return otherwise;
	long long value = strtoll(text, &rest, 10);
	return *rest ? otherwise : value;
}

struct reg_page reg_page_of(const struct reg_context *c)
{
	int64_t offset = number(c, "offset", 0), limit = number(c, "limit", -1);
	offset = offset < 0 ? 0 : offset;
	return (struct reg_page){ offset, limit < 0 || limit > INT64_MAX - offset ? INT64_MAX : offset + limit, 0 };
}

bool reg_on_page(struct reg_page *page)
{
	int64_t i = page->i++;
	return i >= page->from && i < page->to;
}

/* Between the items of a list. */
void reg_put_comma(struct tarn_buf *out)
{
	if (out->data[out->len - 1] != '[')
		tarn_buf_add_byte(out, ',');
}

/* A subject's name without the default context, ":.:". */
const char *reg_plain_name(const char *name)
{
	return strncmp(name, ":.:", 3) ? name : name + 3;
}

const char *reg_subject_of(const struct reg_context *c)
{
	return reg_plain_name(c->request->params[0]);
}

/* A subject that may be made: no control characters, in the default context. */
bool reg_valid_subject(struct reg_context *c, const char *name)
{
	bool valid = *name && strcmp(name, "__GLOBAL") && strcmp(name, "__EMPTY") && name[0] != ':';
	for (const char *at = name; *at; at++)
		valid = valid && !iscntrl((unsigned char)*at);
	if (valid)
		return true;
	return reg_refuse(&c->call, 422, 42208, "The specified subject '%s' is not a valid.", name);
}

/* "latest" is TARN_LATEST. */
bool reg_parse_version(struct reg_context *c, const char *text, int32_t *version)
{
	char *rest;
	errno = 0;
	long value = strtol(text, &rest, 10);
	if (!strcasecmp(text, "latest") || !strcmp(text, "-1")) {
		*version = TARN_LATEST;
		return true;
	}
	if (errno || !*text || *rest || isspace((unsigned char)*text) || value < 1 || value > INT32_MAX)
		return reg_refuse(
			&c->call, 422, 42202,
			"The specified version '%s' is not a valid version id. Allowed values are between [1, "
			"2^31-1] and the string \"latest\"",
			text);
	*version = (int32_t)value;
	return true;
}

/* An id in the path; what is no number is no path. */
bool reg_parse_id(struct reg_context *c, uint32_t *id)
{
	const char *text = c->request->params[0];
	char *rest;
	errno = 0;
	long value = strtol(text, &rest, 10);
	if (errno || !*text || *rest || isspace((unsigned char)*text) || value < INT32_MIN || value > INT32_MAX)
		return reg_refuse(&c->call, 404, 404, "HTTP 404 Not Found");
	*id = value < 0 ? UINT32_MAX : (uint32_t)value;
	return true;
}

bool reg_parse_body(struct reg_context *c)
{
	json_error_t where;
	struct tarn_slice body = c->request->body;
	c->json = json_loadb(body.len ? (const char *)body.data : "", body.len, JSON_REJECT_DUPLICATES, &where);
	if (!c->json)
		return reg_refuse(&c->call, 400, 400, "The request is not JSON: %s (byte %d)", where.text,
				  where.position);
	if (!json_is_object(c->json))
		return reg_refuse(&c->call, 400, 400, "The request is not a JSON object");
	return true;
}

static bool integer_field(struct reg_context *c, const struct tarn_json_value *body, const char *key, int64_t otherwise,
			  int64_t *value)
{
	const struct tarn_json_value *found = tarn_json_get(body, key);
	*value = otherwise;
	if (!found || found->kind == TARN_JSON_NULL)
		return true;
	if (found->kind != TARN_JSON_INTEGER || found->integer < -1 || found->integer > INT32_MAX)
		return reg_refuse(&c->call, 400, 400, "\"%s\" is not a whole number of 31 bits", key);
	*value = found->integer;
	return true;
}

static bool parse_submission(struct reg_context *c, const struct tarn_json_value **body)
{
	struct tarn_err err;
	enum tarn_rc rc = tarn_json_parse(c->request->body, TARN_JSON_NO_KEY_TWICE | TARN_JSON_NO_ZEROS, c->call.arena,
					  body, &err);
	if (rc)
		return reg_refuse(&c->call, 400, 400, "The request is not JSON: %s (byte %d)", err.message,
				  (int)err.position);
	if ((*body)->kind != TARN_JSON_OBJECT)
		return reg_refuse(&c->call, 400, 400, "The request is not a JSON object");
	return true;
}

/* A member that is missing, or null. */
static bool is_absent(const struct tarn_json_value *value)
{
	return !value || value->kind == TARN_JSON_NULL;
}

bool reg_parse_submission(struct reg_context *c, struct reg_submission *submission)
{
	int64_t id, version;
	const struct tarn_json_value *body;
	if (!parse_submission(c, &body) || !integer_field(c, body, "id", -1, &id) ||
	    !integer_field(c, body, "version", 0, &version))
		return false;
	const struct tarn_json_value *text = tarn_json_get(body, "schema"), *type = tarn_json_get(body, "schemaType");
	*submission = (struct reg_submission){
		.metadata = reg_read_extra(body, "metadata", c->call.arena),
		.rule_set = reg_read_extra(body, "ruleSet", c->call.arena),
		.id = id,
		.version = version < 0 ? 0 : (int32_t)version,
		.normalize = reg_flag(c, "normalize"),
		.force = reg_flag(c, "force"),
		.body = &c->body,
	};
	if (!is_absent(text) && text->kind != TARN_JSON_STRING)
		return reg_refuse(&c->call, 400, 400, "\"schema\" is not a string");
	if (!is_absent(text))
		submission->schema.text = tarn_slice_of(text->text, text->n);
	const char *name = tarn_json_text(type);
	if (!is_absent(type) && (!name || !reg_parse_type(name, &submission->schema.type)))
		return reg_refuse(&c->call, 422, 42201, "Invalid schema type %s", name ? name : "");
	if (!reg_read_references(tarn_json_get(body, "references"), c->call.arena, &submission->schema))
		return reg_refuse(&c->call, 422, 42201, "Invalid reference: name, subject and version were expected");
	return true;
}
