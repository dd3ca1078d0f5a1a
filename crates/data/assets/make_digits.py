"""Makes the two idx files of this directory from scikit-learn's copy of the digits.

    pip download scikit-learn --no-deps
    python make_digits.py scikit_learn-*.whl

Only the standard library is needed. The values are not changed: each line of
scikit-learn's table is 64 pixels (0 to 16) and a label (0 to 9), and each is
written as one byte, behind the header of the idx format that MNIST made common.
"""

import gzip
import pathlib
import struct
import sys
import zipfile

TABLE = "sklearn/datasets/data/digits.csv.gz"
SIDE = 8
U8 = 8  # the format's code for unsigned bytes


def write_idx(name, shape, values):
    header = bytes([0, 0, U8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    path = pathlib.Path(__file__).parent / name
    path.write_bytes(header + bytes(values))
    print(f"{path}: {shape}")


def main(wheel):
    with zipfile.ZipFile(wheel) as archive:
        table = gzip.decompress(archive.read(TABLE)).decode()
    rows = [[int(float(x)) for x in line.split(",")] for line in table.splitlines()]
    pixels = [row[:-1] for row in rows]
    labels = [row[-1] for row in rows]
    assert len(rows) == 1797
    assert all(len(p) == SIDE * SIDE and 0 <= min(p) and max(p) <= 16 for p in pixels)
    assert set(labels) == set(range(10))
    write_idx("digits-images-idx3-ubyte", (len(rows), SIDE, SIDE), sum(pixels, []))
    write_idx("digits-labels-idx1-ubyte", (len(rows),), labels)


if __name__ == "__main__":
    main(sys.argv[1])
