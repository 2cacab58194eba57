#include <inttypes.h>

#include "cli/command.h"
#include "cli/print.h"
#include "cli/publishing.h"

static void print_people(const struct tarn_published *published)
{
	if (published->sent)
		printf("published %" PRId64 " record%s\n", published->sent, published->sent == 1 ? "" : "s");
	if (published->waiting)
		printf("%" PRId64 " wait%s in \"%s\": %s\n", published->waiting, published->waiting == 1 ? "s" : "",
		       published->spool, published->reason);
	if (published->refused)
		fprintf(stderr, "tarn: %" PRId64 " refused, kept in \"%s/refused\": %s\n", published->refused,
			published->spool, published->reason);
	if (!published->sent && !published->waiting && !published->refused)
		puts("nothing waits");
}

static void print_machines(const struct tarn_published *published)
{
	struct tarn_buf out;
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	tarn_print_json_begin(&out, '{');
	tarn_print_json_key(&out, "sent");
	tarn_print_json_int(&out, published->sent);
	tarn_print_json_key(&out, "waiting");
	tarn_print_json_int(&out, published->waiting);
	tarn_print_json_key(&out, "refused");
	tarn_print_json_int(&out, published->refused);
	tarn_print_json_key(&out, "reason");
	tarn_print_json_text(&out, *published->reason ? published->reason : NULL);
	tarn_print_json_key(&out, "spool");
	tarn_print_json_text(&out, published->spool);
	tarn_print_json_end(&out, '}');
	tarn_print_json_line(&out, stdout);
	tarn_buf_release(&out);
}

enum tarn_rc tarn_published_tell(const struct tarn_published *published, const char *topic, FILE *out,
				 struct tarn_err *err)
{
	if (published->refused)
		return tarn_fail(err, TARN_EINVALID, "the record was refused and is kept in \"%s/refused\": %s",
				 published->spool, published->reason);
	if (published->waiting)
		fprintf(out, "  waits in %s for a broker: %s\n", published->spool, published->reason);
	else
		fprintf(out, "  published to %s\n", topic);
	return TARN_OK;
}

int tarn_published_print(const struct tarn_published *published, bool json)
{
	if (json)
		print_machines(published);
	else
		print_people(published);
	return published->refused ? TARN_EXIT_FAILED : TARN_EXIT_DONE;
}
