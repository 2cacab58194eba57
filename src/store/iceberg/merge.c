/* Which manifests an append merges.
 *
 * Manifests fall into levels by the number of their live files, each level eight times the one before. When an append
 * would make the eighth of a level, all eight become one, which lies in a higher level, where the same may follow. So a
 * table of n files has at most seven manifests a level, O(log n) in all, and a file's entry is rewritten O(log n) times
 * in its life. A manifest of MERGED_BYTES is left alone for good: with seven such at most in a merge, none grows much
 * beyond 8 MB. */
#include "store/iceberg/manifest.h"

enum { FANOUT = 8 };
#define MERGED_BYTES ((int64_t)1 << 20)

static int level_of(int64_t files)
{
	int level = 0;
	for (; files >= FANOUT; files /= FANOUT)
		level++;
	return level;
}

static bool may_join(const struct tarn_manifest *manifest, int32_t spec_id, int level)
{
	int64_t files = tarn_manifest_live_files(manifest);
	return manifest->content == TARN_MANIFEST_DATA && manifest->spec_id == spec_id &&
	       !manifest->key_metadata.data && manifest->length < MERGED_BYTES && files > 0 && level_of(files) == level;
}

void tarn_manifests_choose(const struct tarn_manifest *manifests, size_t n, int32_t spec_id, int64_t new_files,
			   bool *merged)
{
	int64_t files = new_files, bytes = 0;
	bool more = new_files > 0;
	memset(merged, 0, n * sizeof(*merged));
	while (more && bytes < MERGED_BYTES) {
		int level = level_of(files), others = 0;
		for (size_t i = 0; i < n; i++)
			others += !merged[i] && may_join(&manifests[i], spec_id, level);
		more = others + 1 >= FANOUT;
		for (size_t i = 0; i < n && more; i++) {
			if (merged[i] || !may_join(&manifests[i], spec_id, level))
				continue;
			merged[i] = true;
			files += tarn_manifest_live_files(&manifests[i]);
			bytes += manifests[i].length;
		}
	}
}
