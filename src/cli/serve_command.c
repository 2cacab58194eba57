#include <stddef.h>

#include "cli/options.h"
#include "cli/print.h"
#include "serve/serve.h"

enum { MOST_PARTITIONS = 10000 };

static int run(int argc, char **argv)
{
	struct tarn_serve_options serve = { .broker_listen = "127.0.0.1:9092",
					    .registry_listen = "127.0.0.1:8081",
					    .metrics_listen = "127.0.0.1:9644",
					    .connect_listen = "127.0.0.1:8083" };
	const char *roles = NULL;
	const struct tarn_option options[] = {
		{ .name = "data",
		  .argument = "DIR",
		  .help = "where the log is kept",
		  .text = &serve.data,
		  .required = true },
		{ .name = "roles", .argument = "ROLE,...", .help = "what to serve; all by default", .text = &roles },
		{ .name = "broker-listen",
		  .argument = "HOST:PORT",
		  .help = "where Kafka clients connect (127.0.0.1:9092); port 0: any free one",
		  .text = &serve.broker_listen },
		{ .name = "broker-advertise",
		  .argument = "HOST:PORT",
		  .help = "what Kafka clients are told to connect to, where it is not the same",
		  .text = &serve.broker_advertise },
		{ .name = "registry-listen",
		  .argument = "HOST:PORT",
		  .help = "where the schema registry's API is (127.0.0.1:8081); port 0: any free one",
		  .text = &serve.registry_listen },
		{ .name = "metrics-listen",
		  .argument = "HOST:PORT",
		  .help = "where /metrics and /health are (127.0.0.1:9644); port 0: any free one",
		  .text = &serve.metrics_listen },
		{ .name = "connect-listen",
		  .argument = "HOST:PORT",
		  .help = "where the sink's Kafka Connect API is (127.0.0.1:8083); port 0: any free one",
		  .text = &serve.connect_listen },
		{ .name = "raw",
		  .argument = "STORE",
		  .help = "where the sink puts raw objects, whatever its connectors say: a folder or "
			  "s3://BUCKET[/PREFIX]",
		  .text = &serve.raw },
		{ .name = "s3-endpoint",
		  .argument = "URL",
		  .help = "the S3 server of --raw (default: Amazon's)",
		  .text = &serve.s3_endpoint },
		{ .name = "brokers",
		  .argument = "HOST:PORT,...",
		  .help = "another Kafka that the sink reads, instead of the broker role",
		  .text = &serve.brokers },
		{ .name = "client-config",
		  .argument = "FILE",
		  .help = "settings of librdkafka for it, key=value a line (TLS, SASL)",
		  .text = &serve.client_config },
		{ .name = "registry",
		  .argument = "URL",
		  .help = "another schema registry that the sink asks, instead of the registry role",
		  .text = &serve.registry },
		{ .name = "broker-partitions",
		  .argument = "N",
		  .help = "how many partitions a topic has that is made without a number (1)",
		  .number = &serve.broker_partitions,
		  .least = 1 },
		{ .name = "users",
		  .argument = "FILE",
		  .help = "who may come in: a line is name:password; without it everybody may",
		  .text = &serve.users },
		{ .name = "super-users",
		  .argument = "USER;...",
		  .help = "as User:admin; they may do everything, whatever the ACLs say",
		  .text = &serve.super_users },
		{ .name = "tls-certificate",
		  .argument = "FILE",
		  .help = "PEM; listeners speak TLS",
		  .text = &serve.tls_certificate },
		{ .name = "tls-key", .argument = "FILE", .help = "PEM, of the certificate", .text = &serve.tls_key },
		{ .name = "insecure",
		  .help = "listen beyond this machine though nobody has to authenticate",
		  .flag = &serve.insecure },
	};
	const struct tarn_usage usage = {
		.command = "serve",
		.section = "SERVE",
		.arguments = "",
		.summary = "Runs the platform, or the roles of it that are named, until it is interrupted.",
		.example = "  tarn serve --roles broker --data DATA\n  kcat -b localhost:9092 -L",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	int exit_code;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if (!serve.tls_certificate != !serve.tls_key)
		return tarn_options_refuse(&usage, "--tls-certificate and --tls-key go together");
	if (serve.broker_partitions > MOST_PARTITIONS)
		return tarn_options_refuse(&usage, "--broker-partitions is more than %d", MOST_PARTITIONS);
	struct tarn_err err;
	return tarn_serve(&serve, roles, &err) ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

const struct tarn_command tarn_command_serve = { .name = "serve", .run = run };
