#include "store/object/s3_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

enum { MOST_NAMES = 3, PROFILE_MAX = 1 << 20 };

/* ---- AWS's profile files ---- */

/* Both files, as one text would be read: [section] and key = value. */
struct profile {
	const char *name;
	struct tarn_buf credentials, config;
};

static void read_profile_file(const char *variable, const char *below_home, struct tarn_buf *out)
{
	const char *chosen = getenv(variable), *home = getenv("HOME");
	tarn_buf_init(out, PROFILE_MAX);
	if ((!chosen || !*chosen) && !home)
		return;
	char *path = chosen && *chosen ? tarn_strdup(chosen) : tarn_asprintf("%s/.aws/%s", home, below_home);
	/* A file that is not there, or not for us, says nothing. */
	if (tarn_file_read(path, out, NULL))
		tarn_buf_clear(out);
	tarn_buf_add_byte(out, '\0');
	free(path);
}

static struct tarn_slice trimmed(const char *text, size_t len)
{
	while (len && strchr(" \t\r", text[len - 1]))
		len--;
	while (len && strchr(" \t", *text)) {
		text++;
		len--;
	}
	return tarn_slice_of(text, len);
}

/* "[name]"; in the file `config` also "[profile name]". */
static bool is_section(struct tarn_slice line, const char *name)
{
	static const char label[] = "profile ";
	struct tarn_slice inner = trimmed((const char *)line.data + 1, line.len - 2);
	if (inner.len > strlen(label) && !memcmp(inner.data, label, strlen(label)))
		inner = trimmed((const char *)inner.data + strlen(label), inner.len - strlen(label));
	return tarn_slice_eq(inner, tarn_slice_str(name));
}

/* The value of `key` in the profile's section, owned by the caller, or NULL. */
static char *find_in_file(const struct tarn_buf *file, const char *name, const char *key)
{
	bool inside = false;
	char *found = NULL;
	for (const char *at = (const char *)file->data; !found && *at;) {
		size_t len = strcspn(at, "\n");
		struct tarn_slice line = trimmed(at, len);
		at += len + (at[len] == '\n');
		if (line.len > 1 && line.data[0] == '[' && line.data[line.len - 1] == ']') {
			inside = is_section(line, name);
			continue;
		}
		const uint8_t *equals = line.len ? memchr(line.data, '=', line.len) : NULL;
		if (!inside || !equals || *line.data == '#' || *line.data == ';')
			continue;
		struct tarn_slice left = trimmed((const char *)line.data, (size_t)(equals - line.data));
		struct tarn_slice right =
			trimmed((const char *)equals + 1, (size_t)(line.data + line.len - equals - 1));
		if (tarn_slice_eq(left, tarn_slice_str(key)))
			found = tarn_asprintf("%.*s", (int)right.len, (const char *)right.data);
	}
	return found;
}

static char *find_in_profile(const struct profile *profile, const char *key)
{
	char *found = find_in_file(&profile->credentials, profile->name, key);
	return found ? found : find_in_file(&profile->config, profile->name, key);
}

static void load_profile(const char *name, struct profile *profile)
{
	const char *chosen = getenv("AWS_PROFILE");
	profile->name = name && *name ? name : chosen && *chosen ? chosen : "default";
	read_profile_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", &profile->credentials);
	read_profile_file("AWS_CONFIG_FILE", "config", &profile->config);
}

static void release_profile(struct profile *profile)
{
	tarn_buf_release(&profile->credentials);
	tarn_buf_release(&profile->config);
}

/* ---- single values ---- */

static const char *first_of_environment(const char *const names[MOST_NAMES])
{
	for (size_t i = 0; i < MOST_NAMES && names[i]; i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return value;
	}
	return NULL;
}

/* Never NULL; the caller's. */
static char *find_text(const char *option, const char *const names[MOST_NAMES], const struct profile *profile,
		       const char *key, const char *otherwise)
{
	const char *value = option && *option ? option : first_of_environment(names);
	char *found = value ? tarn_strdup(value) : key ? find_in_profile(profile, key) : NULL;
	return found ? found : tarn_strdup(otherwise);
}

static enum tarn_rc parse_number(const char *name, const char *text, int64_t least, int64_t most, int64_t *value,
				 struct tarn_err *err)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (errno || end == text || *end || number < least || number > most)
		return tarn_fail(err, TARN_EINVALID, "%s is \"%s\", expected a whole number from %lld to %lld", name,
				 text, (long long)least, (long long)most);
	*value = number;
	return TARN_OK;
}

static const int64_t least_part = INT64_C(5) << 20, most_part = INT64_C(5) << 30;

static enum tarn_rc load_numbers(const struct tarn_s3_options *options, struct s3_config *config, struct tarn_err *err)
{
	const struct {
		const char *name;
		int64_t option, otherwise, least, most, *value;
	} numbers[] = {
		{ "TARN_S3_PART_BYTES", options->part_bytes, 8 << 20, least_part, most_part, &config->part_bytes },
		{ "TARN_S3_CONNECT_MS", 0, 5000, 1, 3600000, &config->connect_ms },
		{ "TARN_S3_STALL_MS", 0, 30000, 1000, 3600000, &config->stall_ms },
		{ "TARN_S3_ATTEMPTS", 0, 10, 1, 100, &config->attempts },
		{ "TARN_S3_PARALLEL", 0, 16, 1, 256, &config->parallel },
	};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		const char *text = getenv(numbers[i].name);
		*numbers[i].value = numbers[i].option > 0 ? numbers[i].option : numbers[i].otherwise;
		if (numbers[i].option > 0 || !text || !*text)
			continue;
		enum tarn_rc rc =
			parse_number(numbers[i].name, text, numbers[i].least, numbers[i].most, numbers[i].value, err);
		if (rc)
			return rc;
	}
	if (config->part_bytes < least_part || config->part_bytes > most_part)
		return tarn_fail(err, TARN_EINVALID, "a part of %lld bytes, expected from 5 MiB to 5 GiB",
				 (long long)config->part_bytes);
	return TARN_OK;
}

static enum tarn_rc load_switch(const char *name, bool otherwise, bool *value, struct tarn_err *err)
{
	static const char *const words[2][4] = { { "0", "false", "no", "off" }, { "1", "true", "yes", "on" } };
	const char *text = getenv(name);
	*value = otherwise;
	if (!text || !*text)
		return TARN_OK;
	for (size_t i = 0; i < 8; i++)
		if (!strcasecmp(text, words[i / 4][i % 4])) {
			*value = i >= 4;
			return TARN_OK;
		}
	return tarn_fail(err, TARN_EINVALID, "%s is \"%s\", expected 1 or 0", name, text);
}

/* ---- credentials ---- */

struct s3_credentials s3_credentials_copy(const struct s3_credentials *keys)
{
	return (struct s3_credentials){ tarn_strdup(keys->access_key), tarn_strdup(keys->secret_key),
					tarn_strdup(keys->session_token) };
}

void s3_credentials_release(struct s3_credentials *keys)
{
	free(keys->access_key);
	free(keys->secret_key);
	free(keys->session_token);
	*keys = (struct s3_credentials){ 0 };
}

/* What is asked for keys goes to this machine or its agents, or over TLS: the token that goes with it is a secret. */
static bool may_lend(const char *url)
{
	static const char *const hosts[] = { "localhost",     "127.0.0.1",	"[::1]",
					     "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]" };
	if (!strncmp(url, "https://", 8))
		return true;
	if (strncmp(url, "http://", 7))
		return false;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		size_t len = strlen(hosts[i]);
		if (!strncmp(url + 7, hosts[i], len) && strchr(":/", url[7 + len]))
			return true;
	}
	return false;
}

static const char *set_in_environment(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* In the order of AWS's own programs: a container's agent, then the instance's. */
static enum tarn_rc find_lender(const struct profile *profile, struct s3_config *config, struct tarn_err *err)
{
	const char *relative = set_in_environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = set_in_environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *instance = set_in_environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	bool disabled = false;
	enum tarn_rc rc = load_switch("AWS_EC2_METADATA_DISABLED", false, &disabled, err);
	if (rc)
		return rc;
	if (relative)
		config->lender_url = tarn_asprintf("http://169.254.170.2%s", relative);
	else if (full && !may_lend(full))
		return tarn_fail(
			err, TARN_EINVALID,
			"AWS_CONTAINER_CREDENTIALS_FULL_URI is \"%s\", expected https, or a host of this machine",
			full);
	else if (full)
		config->lender_url = tarn_strdup(full);
	config->lender = config->lender_url ? S3_LENT_TO_CONTAINER : S3_LENT_TO_INSTANCE;
	if (config->lender_url)
		return TARN_OK;
	if (disabled) {
		rc = tarn_fail(err, TARN_EINVALID,
			       "no credentials for S3: profile \"%s\" has no key pair, nor has the environment",
			       profile->name);
		tarn_err_hint(err, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE");
		return rc;
	}
	config->lender_url = tarn_strdup(instance ? instance : "http://169.254.169.254");
	size_t len = strlen(config->lender_url);
	if (config->lender_url[len - 1] == '/')
		config->lender_url[len - 1] = '\0';
	return TARN_OK;
}

/* The key pair and its token come from one source: a token of another pair would be refused. */
static enum tarn_rc load_credentials(const struct tarn_s3_options *options, const struct profile *profile,
				     struct s3_config *config, struct tarn_err *err)
{
	struct s3_credentials *found = &config->credentials;
	const char *const own[] = { getenv("TARN_S3_ACCESS_KEY"), getenv("TARN_S3_SECRET_KEY"),
				    getenv("TARN_S3_SESSION_TOKEN") };
	const char *const aws[] = { getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"),
				    getenv("AWS_SESSION_TOKEN") };
	const char *const given[] = { options->access_key, options->secret_key, options->session_token };
	const char *const *const sources[] = { given, own, aws };
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		const char *const *source = sources[i];
		if (!source[0] || !*source[0] || !source[1] || !*source[1])
			continue;
		found->access_key = tarn_strdup(source[0]);
		found->secret_key = tarn_strdup(source[1]);
		found->session_token = tarn_strdup(source[2] ? source[2] : "");
		return TARN_OK;
	}
	found->access_key = find_in_profile(profile, "aws_access_key_id");
	found->secret_key = find_in_profile(profile, "aws_secret_access_key");
	found->session_token = find_in_profile(profile, "aws_session_token");
	if (!found->session_token)
		found->session_token = tarn_strdup("");
	if (found->access_key && found->secret_key)
		return TARN_OK;
	s3_credentials_release(found);
	return find_lender(profile, config, err);
}

/* ---- the place ---- */

/* Bucket names become parts of URLs and host names as they are. */
static bool is_bucket_name(const char *name, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	return len && len <= 255 && strspn(name, allowed) >= len && strncmp(name, "..", 2) != 0;
}

static enum tarn_rc split_url(const char *url, struct s3_config *config, struct tarn_err *err)
{
	const char *bucket = strstr(url, "://");
	if (!bucket)
		return tarn_fail(err, TARN_EINVALID, "\"%s\" is no S3 URL, expected s3://bucket/prefix", url);
	bucket += strlen("://");
	size_t len = strcspn(bucket, "/");
	if (!is_bucket_name(bucket, len))
		return tarn_fail(err, TARN_EINVALID, "\"%s\" names no bucket, expected s3://bucket/prefix", url);
	const char *prefix = bucket + len + strspn(bucket + len, "/");
	size_t prefix_len = strlen(prefix);
	while (prefix_len && prefix[prefix_len - 1] == '/')
		prefix_len--;
	config->bucket = tarn_asprintf("%.*s", (int)len, bucket);
	config->prefix = tarn_asprintf("%.*s", (int)prefix_len, prefix);
	return TARN_OK;
}

/* http://host:port/path, or a bare host, which is taken for https. */
static enum tarn_rc set_endpoint(const char *endpoint, bool path_style, struct s3_config *config, struct tarn_err *err)
{
	static const struct {
		const char *scheme, *prefix, *own_port;
	} schemes[] = { { "https", "https://", ":443" }, { "http", "http://", ":80" } };
	size_t kind = !strncasecmp(endpoint, schemes[1].prefix, strlen(schemes[1].prefix));
	const char *host = strstr(endpoint, "://") ? endpoint + strlen(schemes[kind].prefix) : endpoint;
	size_t host_len = strcspn(host, "/?#"), port_len = strlen(schemes[kind].own_port);
	if (host != endpoint && strncasecmp(endpoint, schemes[kind].prefix, strlen(schemes[kind].prefix)))
		host_len = 0;
	if (!host_len || host[host_len] == '?' || host[host_len] == '#' || memchr(host, '@', host_len))
		return tarn_fail(err, TARN_EINVALID, "the S3 endpoint \"%s\" is no URL, expected http(s)://host:port",
				 endpoint);
	const char *path = host + host_len;
	size_t path_len = strlen(path);
	while (path_len && path[path_len - 1] == '/')
		path_len--;
	if (host_len > port_len && !memcmp(host + host_len - port_len, schemes[kind].own_port, port_len))
		host_len -= port_len;
	config->scheme = tarn_strdup(schemes[kind].scheme);
	config->authority =
		tarn_asprintf("%s%s%.*s", path_style ? "" : config->bucket, path_style ? "" : ".", (int)host_len, host);
	config->base_path =
		tarn_asprintf("%.*s%s%s", (int)path_len, path, path_style ? "/" : "", path_style ? config->bucket : "");
	return TARN_OK;
}

static enum tarn_rc load_place(const struct tarn_s3_options *options, const struct profile *profile,
			       struct s3_config *config, struct tarn_err *err)
{
	static const char *const endpoint_names[MOST_NAMES] = { "TARN_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3",
								"AWS_ENDPOINT_URL" };
	static const char *const region_names[MOST_NAMES] = { "TARN_S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION" };
	static const char *const ca_names[MOST_NAMES] = { "TARN_S3_CA", "AWS_CA_BUNDLE" };
	char *endpoint = find_text(options->endpoint, endpoint_names, profile, "endpoint_url", "");
	bool path_style;
	config->region = find_text(options->region, region_names, profile, "region", "us-east-1");
	config->ca_file = find_text(NULL, ca_names, profile, "ca_bundle", "");
	/* Servers at an address of one's own seldom have names for buckets; with TLS, names with dots fit no
	 * certificate. */
	enum tarn_rc rc = load_switch("TARN_S3_PATH_STYLE", *endpoint || strchr(config->bucket, '.'), &path_style, err);
	if (options->path_style)
		path_style = options->path_style > 0;
	if (!rc && !*endpoint) {
		const char *china = strncmp(config->region, "cn-", 3) ? "" : ".cn";
		free(endpoint);
		endpoint = tarn_asprintf("https://s3.%s.amazonaws.com%s", config->region, china);
	}
	if (!rc)
		rc = set_endpoint(endpoint, path_style, config, err);
	free(endpoint);
	return rc;
}

enum tarn_rc s3_config_load(const char *url, const struct tarn_s3_options *options, struct s3_config *config,
			    struct tarn_err *err)
{
	static const struct tarn_s3_options none;
	struct s3_config loaded = { 0 };
	struct profile profile;
	if (!options)
		options = &none;
	load_profile(options->profile, &profile);
	enum tarn_rc rc = split_url(url, &loaded, err);
	if (!rc)
		rc = load_place(options, &profile, &loaded, err);
	if (!rc)
		rc = load_credentials(options, &profile, &loaded, err);
	if (!rc)
		rc = load_numbers(options, &loaded, err);
	if (!rc)
		rc = load_switch("TARN_S3_SINGLE_WRITER", false, &loaded.single_writer, err);
	release_profile(&profile);
	if (rc)
		s3_config_release(&loaded);
	else
		*config = loaded;
	return rc;
}

void s3_config_release(struct s3_config *config)
{
	free(config->bucket);
	free(config->prefix);
	free(config->scheme);
	free(config->authority);
	free(config->base_path);
	free(config->region);
	free(config->ca_file);
	free(config->lender_url);
	s3_credentials_release(&config->credentials);
	*config = (struct s3_config){ 0 };
}
