#include "stream/broker/scram.h"

#include "cmocka_tarn.h"

/* The example exchanges: RFC 7677 section 3 for SHA-256; for SHA-512 what Python's hashlib and hmac give for the same
 * user, password, salt, iterations and nonces. */
static const struct {
	enum tarn_scram_mechanism mechanism;
	const char *client_first, *nonce, *server_first, *client_final, *server_final;
} examples[] = {
	{ TARN_SCRAM_SHA_256, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO", "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	  "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
	{ TARN_SCRAM_SHA_512, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO", "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=gMGXRcevScNtxZ6/8lQYpGtnsNAc"
	  "3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
	  "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==" },
};

static struct tarn_slice text(const char *string)
{
	return tarn_slice_str(string);
}

/* Plays the example up to the server's first message, whose nonce is not ours to choose otherwise. */
static void play_to_challenge(struct tarn_scram *scram, size_t i)
{
	memset(scram, 0, sizeof(*scram));
	scram->mechanism = examples[i].mechanism;
	assert_int_equal(tarn_scram_first(scram, text(examples[i].client_first), NULL), TARN_OK);
	assert_string_equal(scram->user, "user");
	scram->credential.iterations = 4096;
	scram->credential.salt_len = (size_t)tarn_base64_decode(text("W22ZaJ0SNY7soEsUEjb6gQ=="),
								scram->credential.salt, TARN_SCRAM_MAX_SALT);
	tarn_scram_from_password(scram->mechanism, "pencil", &scram->credential);
	strcpy(scram->nonce, examples[i].nonce);
	strcpy(scram->server_first, examples[i].server_first);
}

static void the_examples_work(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		struct tarn_scram scram;
		struct tarn_buf out;
		tarn_buf_init(&out, 1024);
		play_to_challenge(&scram, i);
		assert_int_equal(tarn_scram_final(&scram, text(examples[i].client_final), &out, NULL), TARN_OK);
		assert_int_equal(out.len, strlen(examples[i].server_final));
		assert_memory_equal(out.data, examples[i].server_final, out.len);
		tarn_buf_release(&out);
	}
}

static void a_changed_message_proves_nothing(void **state)
{
	(void)state;
	const char *right = examples[0].client_final;
	for (size_t at = 0; at < strlen(right); at++) {
		struct tarn_scram scram;
		struct tarn_buf out;
		char wrong[200];
		tarn_buf_init(&out, 1024);
		play_to_challenge(&scram, 0);
		strcpy(wrong, right);
		wrong[at] = wrong[at] == 'A' ? 'B' : 'A';
		assert_int_equal(tarn_scram_final(&scram, text(wrong), &out, NULL), TARN_EINVALID);
		assert_int_equal(tarn_scram_final(&scram, tarn_slice_of(right, at), &out, NULL), TARN_EINVALID);
		assert_int_equal(out.len, 0);
		tarn_buf_release(&out);
	}
}

static void first_messages(void **state)
{
	(void)state;
	static const struct {
		const char *message, *user; /* user NULL: refused */
	} cases[] = {
		{ "n,,n=user,r=abc", "user" },
		{ "y,,n=user,r=abc", "user" },
		{ "n,a=user,n=user,r=abc", "user" },
		{ "n,,n=a=2Cb=3Dc,r=abc", "a,b=c" },
		{ "n,,n=user,r=abc,tokenauth=false", "user" },
		{ "n,a=root,n=user,r=abc", NULL },
		{ "p=tls-unique,,n=user,r=abc", NULL },
		{ "n,,n=user,r=abc,tokenauth=true", NULL },
		{ "n,,n=,r=abc", NULL },
		{ "n,,n=user,r=", NULL },
		{ "n,,n=us=er,r=abc", NULL },
		{ "n,,n=user", NULL },
		{ "n,,", NULL },
		{ "n,", NULL },
		{ "", NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_scram scram = { .mechanism = TARN_SCRAM_SHA_256 };
		enum tarn_rc rc = tarn_scram_first(&scram, text(cases[i].message), NULL);
		if (rc != (cases[i].user ? TARN_OK : TARN_EINVALID) || (!rc && strcmp(scram.user, cases[i].user)))
			fail_msg("\"%s\": %s", cases[i].message, rc ? "refused" : scram.user);
	}
}

static void challenges_carry_both_nonces(void **state)
{
	(void)state;
	struct tarn_scram scram = { .mechanism = TARN_SCRAM_SHA_256 };
	struct tarn_buf out;
	uint8_t random[18] = { 0 };
	tarn_buf_init(&out, 1024);
	assert_int_equal(tarn_scram_first(&scram, text("n,,n=user,r=abc"), NULL), TARN_OK);
	scram.credential.iterations = 5000;
	scram.credential.salt_len = 3;
	memcpy(scram.credential.salt, "abc", 3);
	tarn_scram_challenge(&scram, random, &out);
	tarn_buf_add_byte(&out, 0);
	assert_string_equal((char *)out.data, "r=abcAAAAAAAAAAAAAAAAAAAAAAAA,s=YWJj,i=5000");
	tarn_buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_work),
		cmocka_unit_test(a_changed_message_proves_nothing),
		cmocka_unit_test(first_messages),
		cmocka_unit_test(challenges_carry_both_nonces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
