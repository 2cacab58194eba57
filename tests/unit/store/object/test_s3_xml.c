#include "store/object/s3_xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cmocka_tarn.h"

/* "<parent>name" at a begin, "parent/name=text" at an end. */
static enum tarn_rc write_down(void *context, const struct s3_xml_element *element, struct tarn_err *err)
{
	(void)err;
	if (element->is_end)
		tarn_buf_printf(context, "%s/%s=%s;", element->parent, element->name, element->text);
	else
		tarn_buf_printf(context, "+%s;", element->name);
	return TARN_OK;
}

static const char listing[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><!-- > -->"
	"<Contents><Key>a &amp; b/&#x1F600;&#10;&lt;&gt;&quot;&apos;</Key><Size>12</Size></Contents>"
	"<s3:CommonPrefixes a='>' b=\"/>\"><Prefix><![CDATA[p<&>]]>q/</Prefix></s3:CommonPrefixes><Empty/>"
	"</ListBucketResult>\n";
static const char listing_read[] =
	"+ListBucketResult;+Name;ListBucketResult/Name=b;+Contents;+Key;"
	"Contents/Key=a & b/\xF0\x9F\x98\x80\n<>\"';+Size;Contents/Size=12;"
	"ListBucketResult/Contents=;+CommonPrefixes;+Prefix;CommonPrefixes/Prefix=p<&>q/;"
	"ListBucketResult/CommonPrefixes=;+Empty;ListBucketResult/Empty=;/ListBucketResult=;";

static void a_listing_is_read(void **state)
{
	(void)state;
	struct tarn_buf out;
	tarn_buf_init(&out, 1 << 16);
	assert_int_equal(s3_xml_read(tarn_slice_str(listing), write_down, &out, NULL), TARN_OK);
	tarn_buf_add_byte(&out, 0);
	assert_string_equal((const char *)out.data, listing_read);
	tarn_buf_release(&out);
}

/* Every strict prefix, at the end of readable memory. */
static void what_is_cut_is_damaged(void **state)
{
	(void)state;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = strlen(listing) - 1;
	uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(pages != MAP_FAILED && len < page);
	assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
	for (size_t n = 0; n < len; n++) {
		struct tarn_buf out;
		struct tarn_err err;
		uint8_t *text = pages + page - n;
		memcpy(text, listing, n);
		tarn_buf_init(&out, 1 << 16);
		assert_int_equal(s3_xml_read(tarn_slice_of(text, n), write_down, &out, &err), TARN_EINVALID);
		assert_in_range(err.position, 0, n);
		tarn_buf_release(&out);
	}
	munmap(pages, 2 * page);
}

static void damage_is_refused(void **state)
{
	(void)state;
	/* Seventeen elements deep. */
	static const char deep[] =
		"<a><b><c><d><e><f><g><h><i><j><k><l><m><n><o><p><q/></p></o></n></m></l></k></j></i></h>"
		"</g></f></e></d></c></b></a>";
	static const char *const cases[] = {
		"",
		"text",
		"<a></b>",
		"<a></a><b/>",
		"<a></a>text",
		"</a>",
		"<a><b></a></b>",
		"<a>&unknown;</a>",
		"<a>&#0;</a>",
		"<a>&#xD800;</a>",
		"<a>&#x110000;</a>",
		"<a>&#-5;</a>",
		"<a>&#;</a>",
		"<a>& b</a>",
		"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
		"<>a</>",
		deep,
		"<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/>",
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_buf out;
		tarn_buf_init(&out, 1 << 16);
		assert_int_equal(s3_xml_read(tarn_slice_str(cases[i]), write_down, &out, NULL), TARN_EINVALID);
		tarn_buf_release(&out);
	}
	struct tarn_buf out;
	tarn_buf_init(&out, 1 << 16);
	assert_int_equal(s3_xml_read(tarn_slice_of("<a>\0</a>", 8), write_down, &out, NULL), TARN_EINVALID);
	tarn_buf_release(&out);
}

/* Bytes changed, taken out and doubled: an error or another document, never a crash. */
static void changed_documents_are_survived(void **state)
{
	(void)state;
	uint64_t random = 20261125;
	size_t len = strlen(listing), refused = 0;
	for (int round = 0; round < 20000; round++) {
		char text[sizeof(listing) + 1];
		struct tarn_buf out;
		memcpy(text, listing, sizeof(listing));
		for (int change = 0; change < 1 + round % 3; change++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			size_t at = (size_t)(random >> 33) % len;
			text[at] = round % 2 ? listing[(size_t)(random >> 13) % len] : (char)(random >> 55);
		}
		tarn_buf_init(&out, 1 << 16);
		refused += s3_xml_read(tarn_slice_of(text, len), write_down, &out, NULL) == TARN_EINVALID;
		tarn_buf_release(&out);
	}
	assert_in_range(refused, 5000, 19999);
}

static enum tarn_rc refuse_key(void *context, const struct s3_xml_element *element, struct tarn_err *err)
{
	(void)context;
	return strcmp(element->name, "Key") ? TARN_OK : tarn_fail(err, TARN_ELIMIT, "enough");
}

static void the_reader_may_stop(void **state)
{
	(void)state;
	assert_int_equal(s3_xml_read(tarn_slice_str(listing), refuse_key, NULL, NULL), TARN_ELIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listing_is_read),   cmocka_unit_test(what_is_cut_is_damaged),
		cmocka_unit_test(damage_is_refused),   cmocka_unit_test(changed_documents_are_survived),
		cmocka_unit_test(the_reader_may_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
