/* Texts that go into the headers of manifest lists and manifests. */
#ifndef TARN_STORE_ICEBERG_MANIFEST_SCHEMA_H
#define TARN_STORE_ICEBERG_MANIFEST_SCHEMA_H

#include "store/iceberg/manifest.h"

extern const char tarn_manifest_list_avro_schema[], tarn_manifest_list_iceberg_schema[];
/* Those of a manifest hold the partition record. */
void tarn_manifest_put_avro_schema(const struct tarn_partition_type *type, struct tarn_buf *json);
void tarn_manifest_put_iceberg_schema(const struct tarn_partition_type *type, struct tarn_buf *json);

#endif
