"""The independent source of the digests in digests.json: Pillow's own filter over the same pixels.

Not part of the test suite (it needs `pip install pillow`); run it after any change of the synthetic images:
    python3 test/arm64/pillow.py
It exits 1 if a digest in digests.json differs from Pillow's.
"""

import hashlib
import json
import struct
import sys
from pathlib import Path

from PIL import Image, __version__

HERE = Path(__file__).parent
SIZE = 224


def pattern(width, height, seed, most=255):
    """As `pattern` in host/raster/fixtures/encode.ts."""
    return [
        ((7 * x * x + 13 * y * y + 5 * x * y + 97 * seed) >> 2) & most for y in range(height) for x in range(width)
    ]


def digest(image):
    # Two calls, since Pillow 13 filters tall images vertically first; raster-v1 is horizontal first, as before.
    for size in ((SIZE, image.height), (SIZE, SIZE)):
        image = image.resize(size, Image.Resampling.BILINEAR)
    samples = image.tobytes()
    return hashlib.sha256(b"lv06/raster/1\0" + struct.pack(">HH", SIZE, SIZE) + samples).hexdigest()


def synthetic(name, seed):
    width, height = map(int, name.split("x"))
    return Image.frombytes("L", (width, height), bytes(pattern(width, height, seed)))


def main():
    digests = json.loads((HERE / "digests.json").read_text())["digests"]
    found = {}
    for film in sorted((HERE.parent / "films").glob("*/*.jpeg")):
        found[film.name] = digest(Image.open(film))
    sizes = [name for name in digests if name.replace("x", "").isdigit()]
    for seed, name in enumerate(sizes):
        found[name] = digest(synthetic(name, seed))
    deep = [(value * 255 + 32767) // 65535 for value in pattern(300, 200, 99, 4095)]
    found["12 bits in 16"] = digest(Image.frombytes("L", (300, 200), bytes(deep)))
    wrong = [name for name, value in found.items() if digests[name] != value]
    print(f"Pillow {__version__}: {len(found) - len(wrong)} of {len(found)} digests equal", *wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
