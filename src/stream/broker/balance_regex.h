/* Regular expressions over topic names, as consumers send them (KIP-848): RE2's syntax, which has neither look-around
 * nor references back. What is read here of it is turned into a POSIX extended expression for the C library: literals,
 * `.`, classes with \d \w \s and [:name:], groups (capturing or not), |, * + ? {m,n} and their lazy forms, which
 * match the same names, ^ $ \A \z, \Q...\E. Flags and Unicode classes are refused. */
#ifndef TARN_STREAM_BROKER_BALANCE_REGEX_H
#define TARN_STREAM_BROKER_BALANCE_REGEX_H

#include <stdbool.h>

struct tarn_topic_regex;

/* NULL where it is not valid, or longer or more repetitive than is read: the reason is a static text. */
struct tarn_topic_regex *tarn_topic_regex_new(const char *pattern, const char **reason);
void tarn_topic_regex_free(struct tarn_topic_regex *regex);
/* Whether the whole name matches. */
bool tarn_topic_regex_matches(const struct tarn_topic_regex *regex, const char *name);

#endif
