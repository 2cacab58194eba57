#include "base/utf8.h"

size_t tarn_utf8_length(const uint8_t *at, size_t left)
{
	uint8_t lead = at[0];
	size_t len = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
	bool overlong, beyond;

	if (!len || len > left)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	overlong = (lead == 0xe0 && at[1] < 0xa0) || (lead == 0xf0 && at[1] < 0x90);
	beyond = (lead == 0xed && at[1] >= 0xa0) || (lead == 0xf4 && at[1] >= 0x90);
	return overlong || beyond ? 0 : len;
}

static bool all_ascii(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return !(word & 0x8080808080808080);
}

size_t tarn_utf8_valid(struct tarn_slice text)
{
	size_t i = 0, len;

	while (i < text.len) {
		if (text.len - i >= 8 && all_ascii(text.data + i))
			len = 8;
		else
			len = tarn_utf8_length(text.data + i, text.len - i);
		if (!len)
			break;
		i += len;
	}
	return i;
}

void tarn_utf8_repair(struct tarn_slice text, struct tarn_buf *out)
{
	while (text.len) {
		size_t valid = tarn_utf8_valid(text);

		tarn_buf_add(out, text.data, valid);
		if (valid < text.len) {
			tarn_buf_add_str(out, "\xef\xbf\xbd");
			valid++;
		}
		text = tarn_slice_of(text.data + valid, text.len - valid);
	}
}
