"""Writes the schema files into a C source: tarn_record_schema_<name>[] and its size.

usage: embed_schemas.py OUTPUT FILE...
"""

import sys
from pathlib import Path


def c_array(path: Path) -> str:
    data = path.read_bytes()
    rows = (data[i : i + 24] for i in range(0, len(data), 24))
    numbers = "\n".join("\t" + " ".join(f"{byte}," for byte in row) for row in rows)
    name = f"tarn_record_schema_{path.stem}"
    return f"const unsigned char {name}[] = {{\n{numbers}\n}};\nconst size_t {name}_size = sizeof({name});\n"


def main() -> None:
    output, *inputs = map(Path, sys.argv[1:])
    arrays = "\n".join(c_array(path) for path in inputs)
    output.write_text(f'#include "serialize/record/schemas.h"\n\n{arrays}')


main()
