"""The whitepaper's multi-scale attention as its author's code makes it: a Python loop over blocks and hashlib.

Reads 50,176 grey bytes on stdin, prints the median ms of 15 runs. Standard library only.
"""

import hashlib
import statistics
import sys
import time

SIDE = 224
SCALES = ((4, 0.2), (8, 0.5), (16, 0.3))


def attention(samples: bytes) -> list[float]:
    combined = [0.0] * (SIDE // 4) ** 2
    for block, weight in SCALES:
        grid, repeat = SIDE // block, block // 4
        for row in range(grid):
            for column in range(grid):
                starts = ((row * block + line) * SIDE + column * block for line in range(block))
                digest = hashlib.sha256(b"".join(samples[start:start + block] for start in starts)).digest()
                value = weight * digest[0] / 255
                for y in range(row * repeat, (row + 1) * repeat):
                    for x in range(column * repeat, (column + 1) * repeat):
                        combined[y * (SIDE // 4) + x] += value
    low, high = min(combined), max(combined)
    return [(value - low) / (high - low) for value in combined] if high > low else [0.0] * len(combined)


image = sys.stdin.buffer.read()
times = []
for _ in range(15):
    started = time.perf_counter()
    attention(image)
    times.append((time.perf_counter() - started) * 1000)
print(statistics.median(times))
