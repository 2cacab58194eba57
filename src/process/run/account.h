/* The account of a split, kept as records are admitted: which experiments are new, which offsets and objects are
 * covered, what each topic brought. Used by one thread at a time. */
#ifndef TARN_PROCESS_RUN_ACCOUNT_H
#define TARN_PROCESS_RUN_ACCOUNT_H

#include "process/run/unit.h"
#include "process/run/work.h"

struct tarn_account;

struct tarn_account *tarn_account_new(const struct tarn_work_input *input);
void tarn_account_free(struct tarn_account *account);
/* Decides for every record of a unit whether it is new; units come in order. */
enum tarn_rc tarn_account_admit(struct tarn_account *account, struct tarn_unit *unit,
				struct tarn_err *err) TARN_MUST_CHECK;
/* Fills everything but the files. */
void tarn_account_close(struct tarn_account *account, struct tarn_work_result *result);
/* So far. */
struct tarn_run_counts tarn_account_counts(const struct tarn_account *account);

#endif
