#include "store/object/s3_xml.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { DEEPEST = 16, LONGEST_NAME = 63, TEXT_MAX = 1 << 20 };

struct parser {
	struct tarn_cursor cursor;
	char names[DEEPEST][LONGEST_NAME + 1];
	size_t depth;
	bool closed; /* the root has ended */
	struct tarn_buf text;
	s3_xml_visit visit;
	void *context;
	struct tarn_err *err;
};

static enum tarn_rc damaged(struct parser *parser, const char *what)
{
	return tarn_fail_at(parser->err, TARN_EINVALID, tarn_cursor_position(&parser->cursor), "damaged XML: %s", what);
}

static bool starts_with(const struct tarn_cursor *cursor, const char *mark)
{
	size_t len = strlen(mark);
	return tarn_cursor_left(cursor) >= len && !memcmp(cursor->at, mark, len);
}

/* Moves behind the next `mark`; *before gets what stands in front of it. */
static bool pass(struct tarn_cursor *cursor, const char *mark, struct tarn_slice *before)
{
	const uint8_t *found = memmem(cursor->at, tarn_cursor_left(cursor), mark, strlen(mark));
	if (!found)
		return false;
	*before = tarn_slice_of(cursor->at, (size_t)(found - cursor->at));
	cursor->at = found + strlen(mark);
	return true;
}

static enum tarn_rc tell(struct parser *parser, bool is_end)
{
	tarn_buf_add_byte(&parser->text, '\0');
	if (parser->text.overflow)
		return damaged(parser, "a text of more than 1 MiB");
	const struct s3_xml_element element = {
		.name = parser->names[parser->depth - 1],
		.parent = parser->depth > 1 ? parser->names[parser->depth - 2] : "",
		.text = is_end ? (const char *)parser->text.data : "",
		.is_end = is_end,
	};
	enum tarn_rc rc = parser->visit(parser->context, &element, parser->err);
	tarn_buf_clear(&parser->text);
	return rc;
}

/* ---- entities ---- */

static void add_character(struct tarn_buf *out, uint32_t c)
{
	static const uint8_t lead[] = { 0x00, 0xC0, 0xE0, 0xF0 };
	int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	tarn_buf_add_byte(out, (uint8_t)(lead[more] | c >> 6 * more));
	while (more--)
		tarn_buf_add_byte(out, (uint8_t)(0x80 | (c >> 6 * more & 0x3F)));
}

/* "#N" or "#xN": a character, but not zero, which would end the text. */
static bool add_number(struct tarn_buf *out, struct tarn_slice name)
{
	char digits[12], *end;
	bool hex = name.len > 1 && name.data[1] == 'x';
	size_t skip = hex ? 2 : 1, len = name.len - skip;
	if (!len || len >= sizeof(digits))
		return false;
	memcpy(digits, name.data + skip, len);
	digits[len] = '\0';
	unsigned long c = strtoul(digits, &end, hex ? 16 : 10);
	if (*end || strspn(digits, "+- ") || !c || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return false;
	add_character(out, (uint32_t)c);
	return true;
}

static bool add_entity(struct tarn_buf *out, struct tarn_slice name)
{
	static const struct {
		const char *name;
		char c;
	} known[] = { { "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "quot", '"' }, { "apos", '\'' } };
	if (name.len && name.data[0] == '#')
		return add_number(out, name);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (tarn_slice_eq(name, tarn_slice_str(known[i].name))) {
			tarn_buf_add_byte(out, (uint8_t)known[i].c);
			return true;
		}
	return false;
}

/* ---- the parts of a document ---- */

static enum tarn_rc read_text(struct parser *parser)
{
	struct tarn_cursor *cursor = &parser->cursor;
	while (tarn_cursor_left(cursor) && *cursor->at != '<') {
		struct tarn_slice name;
		uint8_t byte = *cursor->at;
		if (!parser->depth && !memchr(" \t\r\n", byte, 4))
			return damaged(parser, "text outside of elements");
		if (!byte)
			return damaged(parser, "a zero byte");
		if (byte != '&') {
			tarn_buf_add_byte(&parser->text, byte);
			cursor->at++;
			continue;
		}
		struct tarn_cursor behind = { cursor->start, cursor->at + 1, cursor->end };
		if (!pass(&behind, ";", &name) || !add_entity(&parser->text, name))
			return damaged(parser, "an unknown entity");
		*cursor = behind;
	}
	if (!parser->depth)
		tarn_buf_clear(&parser->text);
	return TARN_OK;
}

static enum tarn_rc read_name(struct parser *parser, struct tarn_slice *name)
{
	struct tarn_cursor *cursor = &parser->cursor;
	size_t len = 0;
	while (len < tarn_cursor_left(cursor) && !memchr(" \t\r\n/>", cursor->at[len], 6))
		len++;
	if (!len || len == tarn_cursor_left(cursor))
		return damaged(parser, "a tag without a name or an end");
	*name = tarn_slice_of(cursor->at, len);
	cursor->at += len;
	const uint8_t *colon = memchr(name->data, ':', name->len);
	if (colon)
		*name = tarn_slice_of(colon + 1, (size_t)(name->data + name->len - colon - 1));
	return name->len && name->len <= LONGEST_NAME ? TARN_OK : damaged(parser, "a name that is empty or too long");
}

/* To the '>' that ends a tag, past quoted values; *empty: it was "/>". */
static enum tarn_rc pass_attributes(struct parser *parser, bool *empty)
{
	struct tarn_cursor *cursor = &parser->cursor;
	*empty = false;
	for (; tarn_cursor_left(cursor); cursor->at++) {
		if (*cursor->at == '>') {
			*empty = cursor->at[-1] == '/';
			cursor->at++;
			return TARN_OK;
		}
		if (*cursor->at != '"' && *cursor->at != '\'')
			continue;
		const uint8_t *end = memchr(cursor->at + 1, *cursor->at, tarn_cursor_left(cursor) - 1);
		if (!end)
			break;
		cursor->at = end;
	}
	return damaged(parser, "a tag without an end");
}

static enum tarn_rc end_element(struct parser *parser)
{
	enum tarn_rc rc = tell(parser, true);
	parser->depth--;
	parser->closed = !parser->depth;
	return rc;
}

static enum tarn_rc read_begin(struct parser *parser)
{
	struct tarn_slice name;
	bool empty;
	if (parser->closed)
		return damaged(parser, "a second root");
	if (parser->depth == DEEPEST)
		return damaged(parser, "elements more than 16 deep");
	enum tarn_rc rc = read_name(parser, &name);
	if (!rc)
		rc = pass_attributes(parser, &empty);
	if (rc)
		return rc;
	memcpy(parser->names[parser->depth], name.data, name.len);
	parser->names[parser->depth++][name.len] = '\0';
	tarn_buf_clear(&parser->text);
	rc = tell(parser, false);
	return rc || !empty ? rc : end_element(parser);
}

static enum tarn_rc read_end(struct parser *parser)
{
	struct tarn_slice name;
	bool empty;
	enum tarn_rc rc = read_name(parser, &name);
	if (!rc)
		rc = pass_attributes(parser, &empty);
	if (rc)
		return rc;
	if (!parser->depth || !tarn_slice_eq(name, tarn_slice_str(parser->names[parser->depth - 1])))
		return damaged(parser, "an end without its begin");
	return end_element(parser);
}

static enum tarn_rc read_markup(struct parser *parser)
{
	struct tarn_cursor *cursor = &parser->cursor;
	struct tarn_slice inner;
	if (starts_with(cursor, "<![CDATA[") && parser->depth) {
		cursor->at += strlen("<![CDATA[");
		if (!pass(cursor, "]]>", &inner) || memchr(inner.data, 0, inner.len))
			return damaged(parser, "CDATA without an end");
		tarn_buf_add_slice(&parser->text, inner);
		return TARN_OK;
	}
	if (starts_with(cursor, "<!--"))
		return pass(cursor, "-->", &inner) ? TARN_OK : damaged(parser, "a comment without an end");
	if (starts_with(cursor, "<?"))
		return pass(cursor, "?>", &inner) ? TARN_OK : damaged(parser, "an instruction without an end");
	if (starts_with(cursor, "<!"))
		return damaged(parser, "a document type");
	if (starts_with(cursor, "</")) {
		cursor->at += 2;
		return read_end(parser);
	}
	cursor->at++;
	return read_begin(parser);
}

enum tarn_rc s3_xml_read(struct tarn_slice text, s3_xml_visit visit, void *context, struct tarn_err *err)
{
	struct parser parser = { .visit = visit, .context = context, .err = err };
	enum tarn_rc rc = TARN_OK;
	parser.cursor = tarn_cursor_of(text);
	tarn_buf_init(&parser.text, TEXT_MAX);
	while (!rc && tarn_cursor_left(&parser.cursor))
		rc = *parser.cursor.at == '<' ? read_markup(&parser) : read_text(&parser);
	if (!rc && !parser.closed)
		rc = damaged(&parser, "it ends too early");
	tarn_buf_release(&parser.text);
	return rc;
}
