/* DescribeAcls, CreateAcls, DeleteAcls. */
#include <string.h>

#include "stream/broker/acl.h"
#include "stream/broker/handlers.h"

static bool may(const struct tarn_call *call, enum tarn_acl_operation operation)
{
	return tarn_call_allowed(call, operation, TARN_RESOURCE_CLUSTER, TARN_CLUSTER_NAME);
}

/* ---- DescribeAcls ---- */

static bool same_resource(const struct tarn_acl *a, const struct tarn_acl *b)
{
	return a->type == b->type && a->pattern == b->pattern && !strcmp(a->name, b->name);
}

static struct tarn_describe_acls_response_resource *resource_of(struct tarn_call *call, const struct tarn_acl *found,
								size_t at, size_t n)
{
	struct tarn_describe_acls_response *response = call->response;
	for (size_t i = 0; i < response->n_resources; i++) {
		struct tarn_describe_acls_response_resource *resource = &response->resources[i];
		if (resource->resource_type == (int8_t)found[at].type &&
		    resource->pattern_type == (int8_t)found[at].pattern &&
		    !strcmp(resource->resource_name, found[at].name))
			return resource;
	}
	size_t alike = 0;
	for (size_t i = at; i < n; i++)
		alike += same_resource(&found[i], &found[at]);
	struct tarn_describe_acls_response_resource *resource = &response->resources[response->n_resources++];
	resource->resource_type = (int8_t)found[at].type;
	resource->pattern_type = (int8_t)found[at].pattern;
	resource->resource_name = found[at].name;
	resource->acls = tarn_call_new(call, describe_acls_response_acl, alike);
	return resource;
}

void tarn_handle_describe_acls(struct tarn_call *call)
{
	const struct tarn_describe_acls_request *request = call->request;
	struct tarn_describe_acls_response *response = call->response;
	const struct tarn_acl filter = {
		.type = (enum tarn_resource_type)request->resource_type_filter,
		.pattern = (enum tarn_acl_pattern)request->pattern_type_filter,
		.name = request->resource_name_filter,
		.principal = request->principal_filter,
		.host = request->host_filter,
		.operation = (enum tarn_acl_operation)request->operation,
		.permission = (enum tarn_acl_permission)request->permission_type,
	};
	if (!may(call, TARN_ACL_DESCRIBE))
		response->error_code = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
	else if (!tarn_acl_is_filter(&filter))
		response->error_code = TARN_KAFKA_INVALID_REQUEST;
	if (response->error_code) {
		response->error_message = tarn_kafka_error_text(response->error_code);
		tarn_call_answer(call);
		return;
	}
	struct tarn_acl *found;
	size_t n = tarn_acls_find(call->broker->acls, &filter, &call->arena, &found);
	response->resources = tarn_call_new(call, describe_acls_response_resource, n);
	for (size_t i = 0; i < n; i++) {
		struct tarn_describe_acls_response_resource *resource = resource_of(call, found, i, n);
		resource->acls[resource->n_acls++] = (struct tarn_describe_acls_response_acl){
			found[i].principal, found[i].host, (int8_t)found[i].operation, (int8_t)found[i].permission
		};
	}
	tarn_call_answer(call);
}

/* ---- CreateAcls ---- */

static int16_t create(struct tarn_call *call, const struct tarn_create_acls_request_creation *asked,
		      const char **message)
{
	struct tarn_err err;
	const struct tarn_acl acl = {
		.type = (enum tarn_resource_type)asked->resource_type,
		.pattern = (enum tarn_acl_pattern)asked->resource_pattern_type,
		.name = asked->resource_name,
		.principal = asked->principal,
		.host = asked->host,
		.operation = (enum tarn_acl_operation)asked->operation,
		.permission = (enum tarn_acl_permission)asked->permission_type,
	};
	if (!may(call, TARN_ACL_ALTER)) {
		*message = tarn_kafka_error_text(TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED);
		return TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
	}
	enum tarn_rc rc = tarn_acl_check(&acl, &err);
	if (!rc)
		rc = tarn_acls_add(call->broker->acls, &acl, 1, &err);
	if (!rc)
		return TARN_KAFKA_NONE;
	*message = tarn_arena_strdup(&call->arena, err.message);
	return tarn_kafka_error_of(rc);
}

void tarn_handle_create_acls(struct tarn_call *call)
{
	const struct tarn_create_acls_request *request = call->request;
	struct tarn_create_acls_response *response = call->response;
	response->results = tarn_call_new(call, create_acls_response_result, request->n_creations);
	response->n_results = request->n_creations;
	for (size_t i = 0; i < request->n_creations; i++)
		response->results[i].error_code =
			create(call, &request->creations[i], &response->results[i].error_message);
	tarn_call_answer(call);
}

/* ---- DeleteAcls ---- */

static int16_t delete_matching(struct tarn_call *call, const struct tarn_delete_acls_request_filter *asked,
			       struct tarn_delete_acls_response_filter_result *result)
{
	struct tarn_err err;
	struct tarn_acl *removed;
	size_t n;
	const struct tarn_acl filter = {
		.type = (enum tarn_resource_type)asked->resource_type_filter,
		.pattern = (enum tarn_acl_pattern)asked->pattern_type_filter,
		.name = asked->resource_name_filter,
		.principal = asked->principal_filter,
		.host = asked->host_filter,
		.operation = (enum tarn_acl_operation)asked->operation,
		.permission = (enum tarn_acl_permission)asked->permission_type,
	};
	if (!may(call, TARN_ACL_ALTER)) {
		result->error_message = tarn_kafka_error_text(TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED);
		return TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
	}
	if (!tarn_acl_is_filter(&filter)) {
		result->error_message = tarn_kafka_error_text(TARN_KAFKA_INVALID_REQUEST);
		return TARN_KAFKA_INVALID_REQUEST;
	}
	enum tarn_rc rc = tarn_acls_remove(call->broker->acls, &filter, &call->arena, &removed, &n, &err);
	if (rc) {
		result->error_message = tarn_arena_strdup(&call->arena, err.message);
		return tarn_kafka_error_of(rc);
	}
	result->matching_acls = tarn_call_new(call, delete_acls_response_matching_acl, n);
	result->n_matching_acls = n;
	for (size_t i = 0; i < n; i++)
		result->matching_acls[i] = (struct tarn_delete_acls_response_matching_acl){
			.resource_type = (int8_t)removed[i].type,
			.resource_name = removed[i].name,
			.pattern_type = (int8_t)removed[i].pattern,
			.principal = removed[i].principal,
			.host = removed[i].host,
			.operation = (int8_t)removed[i].operation,
			.permission_type = (int8_t)removed[i].permission,
		};
	return TARN_KAFKA_NONE;
}

void tarn_handle_delete_acls(struct tarn_call *call)
{
	const struct tarn_delete_acls_request *request = call->request;
	struct tarn_delete_acls_response *response = call->response;
	response->filter_results = tarn_call_new(call, delete_acls_response_filter_result, request->n_filters);
	response->n_filter_results = request->n_filters;
	for (size_t i = 0; i < request->n_filters; i++)
		response->filter_results[i].error_code =
			delete_matching(call, &request->filters[i], &response->filter_results[i]);
	tarn_call_answer(call);
}
