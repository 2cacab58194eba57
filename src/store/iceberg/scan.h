/* What a snapshot holds: its data files, and their rows. */
#ifndef TARN_STORE_ICEBERG_SCAN_H
#define TARN_STORE_ICEBERG_SCAN_H

#include "store/iceberg/table.h"
#include "store/parquet/reader.h"

struct tarn_scan_file {
	const char *location, *partition_path; /* live during the callback */
	int64_t rows, bytes, sequence_number, added_snapshot_id;
};
typedef enum tarn_rc (*tarn_scan_visit)(void *context, const struct tarn_scan_file *file, struct tarn_err *err);
/* Every live data file, newest manifest first, as Iceberg lists them. TARN_EUNSUPPORTED where the snapshot has delete
 * files. */
enum tarn_rc tarn_scan_files(const struct tarn_table *table, const struct tarn_snapshot *snapshot,
			     struct tarn_store *store, tarn_scan_visit visit, void *context,
			     struct tarn_err *err) TARN_MUST_CHECK;
/* Locations of everything the table's metadata still refer to, for finding orphans: manifest lists, manifests, data and
 * delete files of all snapshots (those of deleted entries too), statistics files, the files of the metadata log. `visit`
 * may see one more than once. */
enum tarn_rc tarn_scan_references(const struct tarn_table *table, struct tarn_store *store,
				  enum tarn_rc (*visit)(void *context, const char *location, struct tarn_err *err),
				  void *context, struct tarn_err *err) TARN_MUST_CHECK;

/* Opens a data file for reading by Parquet. */
struct tarn_scan_reader;
enum tarn_rc tarn_scan_open(struct tarn_store *store, const char *location, struct tarn_scan_reader **scan,
			    struct tarn_err *err) TARN_MUST_CHECK;
struct tarn_parquet_reader *tarn_scan_parquet(struct tarn_scan_reader *scan);
void tarn_scan_close(struct tarn_scan_reader *scan);

#endif
