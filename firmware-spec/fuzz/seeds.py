#!/usr/bin/env python3
"""Writes seed inputs for every target into FOLDER/<target>/: what the fuzzers begin with, besides corpus/.

seeds.py FOLDER [VECTORS]

They are made of SPEC.md's examples, of streams that zlib makes, and of the lines in vectors/*.json.
"""
import hashlib
import json
import sys
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
GENESIS = ("01000000" + "00" * 32 + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"
           "29ab5f49ffff001d00000000")
EASY, HARD = "ff" * 32, "00000000ffff" + "00" * 26


def deflate(data, level=9, strategy=zlib.Z_DEFAULT_STRATEGY):
    maker = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    return maker.compress(data) + maker.flush()


def picture(width, height):
    """A smooth picture with an edge: what filters are for."""
    return [bytes((3 * x + 5 * y + (90 if x > width // 2 else 0)) & 255 for x in range(width)) for y in range(height)]


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def filtered(rows, kind):
    out, above = b"", bytes(len(rows[0]))
    for row in rows:
        line = bytearray([kind])
        for x, value in enumerate(row):
            a, b, c = (row[x - 1] if x else 0), above[x], (above[x - 1] if x else 0)
            line.append((value - [0, a, b, (a + b) // 2, paeth(a, b, c)][kind]) & 255)
        out, above = out + bytes(line), row
    return out


def escape(data):
    return data.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")


def session(*acts):
    return b"\n".join(act if isinstance(act, bytes) else act.encode() for act in acts) + b"\n"


def image(width, height, scales, payloads):
    acts = ["~0001 HELLO 1 0a0b0c0d maxLine=65536", f"~0002 IMAGE NEW 00000007 {width} {height}"]
    acts += [f"=0003 IMAGE ROWS 00000007 {first} {coding} :".encode() + escape(data) for first, coding, data in payloads]
    acts += [f"~0004 IMAGE ROOTS 00000007 {scales}", f"~0005 IMAGE DIGESTS 00000007 {scales.split(',')[0]} 0 1",
             f"~0006 IMAGE ROOTS 00000008 {scales}"]
    return session(*acts)


def images():
    for kind in range(5):
        rows = picture(16, 32)
        yield image(16, 32, "16,8,4,2", [(0, "deflate", deflate(filtered(rows, kind)))])
    rows = picture(16, 8)
    raw = b"".join(rows)
    yield image(16, 8, "8,4,2,1", [(0, "raw", raw[:64]), (4, "raw", raw[64:])])
    yield image(16, 8, "8", [(4, "raw", raw[64:])])
    yield image(16, 8, "8", [(0, "deflate", deflate(filtered(rows, 2), 0)), (7, "raw", raw[:32]), (8, "raw", raw[:16])])
    yield image(16, 8, "1", [(0, "deflate", deflate(filtered(rows, 4), 9, zlib.Z_FIXED)), (0, "deflate", b"\x07")])
    yield image(1, 512, "1", [(first, "raw", bytes(range(1, 129))) for first in range(0, 512, 128)])


def repeats():
    """A second image, asked for the scales of the first, with rows out of order, again, and changed."""
    rows = picture(16, 16)
    raw = b"".join(rows)

    def send(number, first, count, data=raw):
        return f"=0003 IMAGE ROWS {number} {first} raw :".encode() + escape(data[16 * first:16 * (first + count)])

    begin = ["~0001 HELLO 1 0a0b0c0d", "~0002 IMAGE NEW 00000001 16 16", send("00000001", 0, 16), "~0004 IMAGE ROOTS 00000001 8,4"]
    second, ask = "~0002 IMAGE NEW 00000002 16 16", "~0004 IMAGE ROOTS 00000002 8,4"
    other = bytes(255 - byte for byte in raw)
    yield session(*begin, second, send("00000002", 0, 8), send("00000002", 8, 8), ask, ask)
    yield session(*begin, second, send("00000002", 8, 8), send("00000002", 0, 8), send("00000002", 0, 1, other), ask)
    yield session(*begin, second, send("00000002", 0, 12), send("00000002", 9, 3, other), send("00000002", 12, 4), ask, "~0004 IMAGE ROOTS 00000002 2")
    yield session(*begin, second, send("00000002", 0, 8), "!s", send("00000002", 8, 8), ask, ask, "!s", ask, ask)
    yield session(*begin, second, send("00000002", 0, 8), "=0005 BATCH 1 root :abc", send("00000002", 8, 8), ask, "~0006 IMAGE NEW 00000003 8 4",
                  "~0007 IMAGE NEW 00000002 16 16", ask)


def commands():
    yield session("~0001 HELLO 1 0a0b0c0d", "~0002 PING", "~0003 HASH 616263", "~0004 HEALTH", "~0005 LOG 3", "?", ">?", ">log")
    yield session("~0001 HELLO 12 0a0b0c0d colour=blue", "~0001 HELLO 0 0a0b0c0d", "~0002 HELLO", "~0000 PING", "~0000 WORK",
                  "~0001 OK 1a2b3c4d", "~0001 FLASH x", "~0001 HASH 6", "~0001 HASH 6A", "~0001 HASH", "~0001 HASH " + "5a" * 1025,
                  "~0001 HELLO 1 00000000 maxLine=512", "~0001 HELLO 1 00000000 maxLine=511")
    yield session("~0001 ATTEST " + "11" * 32 + " " + "22" * 32, "~0002 KEY " + "33" * 32, "~0003 ATTEST 00 11", "!h",
                  "~0002 KEY " + "33" * 32, "~0002 KEY " + "3g" * 32)
    yield session("~0001 BAUD 921600", ">", ">", "~0002 PING", "~0003 BAUD 460800", "@499", "@1", "~0004 PING", "@10000", "~0001 BAUD 9600")
    yield session("~0001 RESET 00000000", "~0002 RESET 1a2b3c4d", "~0002 RESET 1a2b3c4d", "~0003 PING", "~0002 RESET 3456789a")
    yield session(b"=0001 BATCH 2 root :\\x04\\n\\x00\\x01", b"=0002 BATCH 1 digests :abc", b"=0003 BATCH 3 root :ab", "~0004 BATCH 2 root",
                  "=0005 BATCH 64 root :" + "z" * 1024, "=0006 BATCH 1 digests :" + "z" * 300, "!s", b"=0001 BATCH 2 root :abcd",
                  b"~0004 BATCH 2 root :\x0e\x0b\x08\x00\x0b")
    yield session(">~0001 PING 2d39f3e2", "<~0001 PING 2d", "<39f3e2", ">", ">~0001 PING 2d39f3e3", ">~001 PING", ">~", ">~0001  00000000",
                  b">~0001 P\xffNG 2d39f3e2", b">~0001 X :\xff\x00 2d39f3e2", ">" + "~" * 2400, ">" + "x" * 2400, b"~0001 PING :\x0b", b"~0001 P :\x0a")


def long_replies():
    """Replies at the very edge of what was agreed: 16 digests take 542 to 544 bytes."""
    for blocks in ("z" * 16, "ABCDEFGHIJKLMNOP"):  # digests without a zero, and with some
        acts = []
        for longest in range(530, 548):
            acts += [f"~0001 HELLO 1 0a0b0c0d maxLine={longest}", "=0002 BATCH 1 digests :" + blocks]
        yield session(*acts)
    yield session("~0001 HELLO 1 0a0b0c0d maxLine=512", "=0002 BATCH 1 digests :" + "z" * 40, "~0003 HELLO 1 0a0b0c0d",
                  "=0002 BATCH 1 digests :" + "z" * 40, "~0001 HELLO 1 0a0b0c0d maxLine=65536", "=0002 BATCH 1 digests :" + "z" * 40)


def works():
    start = f"~0001 WORK START 0000000a {GENESIS} "
    yield session(start + f"{EASY} 1fffe000 60000", "*", "$s", "*", "~0002 WORK STATUS 0000000a", "~0003 WORK STOP 0000000a", start + f"{HARD} 00000000 5")
    yield session(start + f"{HARD} 00000000 60000", "$n7c2bac1d00000001", "*", "~0002 WORK STATUS 0000000a")
    yield session(start + f"{HARD} 00000000 60000", "$n7c2bac1c00000001", "$n7c2bac1d00002001", "*", "@2000", "@2000", "~0001 WORK STOP 0000000a",
                  "~0002 WORK STATUS 0000000b", "~0004 HEALTH")
    yield session(start + f"{HARD} ffffffff 10", "@10", "!b", start.replace("0a ", "0b ") + f"{HARD} 00000000 1", "~0002 WORK STATUS 0000000a")
    yield session(start + f"{HARD} ffffffff 3600000", "$x", "*", start.replace("0a ", "0b ") + f"{EASY} 00000000 1000", "$f", "*", "~0002 WORK STATUS 0000000b")
    yield session(start + f"{EASY} 00000000 60000", "@7", "$s", "*", "@1000", "~0002 WORK STATUS 0000000a", "@1000", "~0003 WORK STOP 0000000a")
    for mask in ("00000000", "ffffffff"):
        yield session(start + f"7f{'ff' * 31} {mask} 60000", "$m", "$m", "*", "$v", "*", "~0002 WORK STATUS 0000000a", "$s", "*",
                      "~0002 WORK STATUS 0000000a")
    yield session("#w", start + f"{EASY} 00000000 1", "~0001 WORK", "~0001 WORK STATUS")
    yield session("#iskwblrx", "~0001 HELLO 1 0a0b0c0d", "~0001 ATTEST", "~0001 KEY x", "~0001 IMAGE", "~0001 BAUD 1", "~0001 HEALTH", "~0001 RESET 1")


def streams():
    samples = [b"", b"a", b"abcabcabcabc" * 30, bytes(range(256)) * 3, filtered(picture(64, 32), 4), filtered(picture(224, 8), 2)]
    for data in samples:
        for level, strategy in [(0, zlib.Z_DEFAULT_STRATEGY), (1, zlib.Z_DEFAULT_STRATEGY), (9, zlib.Z_DEFAULT_STRATEGY), (9, zlib.Z_FIXED),
                                (9, zlib.Z_HUFFMAN_ONLY), (9, zlib.Z_RLE)]:
            made = deflate(data, level, strategy)
            for room in {len(data), len(data) + 100, max(0, len(data) - 1)}:
                yield room.to_bytes(2, "big") + made
            yield (65535).to_bytes(2, "big") + made + b"\0"
            yield (65535).to_bytes(2, "big") + made[:-1]


def payloads():
    for data in [b"\0", b"\n", b"\x11\0\x22", b"x" * 253, b"x" * 254, b"x" * 255, b"x" * 254 + b"\0", bytes(600), bytes(range(256)) * 2]:
        yield b"\x10" + data
        yield b"\x00" + bytes(byte ^ 10 for byte in b"\xff" + b"x" * 254 + b"\x01")


def pictures():
    for kind in range(5):
        for width, height in [(1, 3), (8, 8), (33, 6)]:
            yield bytes([width - 1]) + filtered(picture(width, height), kind)


def crc5(data):
    crc = 31
    for byte in data:
        for bit in range(7, -1, -1):
            crc = ((crc << 1) & 31) ^ (5 if (crc >> 4 ^ byte >> bit) & 1 else 0)
    return crc


def answers():
    for kind in (0x80, 0):
        head = bytes.fromhex("aa551dac2b7c001d1234")
        good = next(head + bytes([kind | crc]) for crc in range(32) if crc5((head + bytes([kind | crc]))[2:]) == 0)
        yield good * 2
        yield b"\xaa" + good + b"\xaa\x55" + good
    yield bytes.fromhex(GENESIS) + bytes(8)


def sent_lines(value):
    """Every line that a case of the vectors sends: characters U+0000 to U+00FF stand for bytes."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key in ("send", "line"):
                yield from (text.encode("latin-1") for text in ([one] if isinstance(one, str) else one) if isinstance(text, str))
            else:
                yield from sent_lines(one)
    elif isinstance(value, list):
        for one in value:
            yield from sent_lines(one)


def act(line):
    """A request without its CRC, which the target adds; anything else as it stands."""
    good = line[:1] == b"~" and line[-9:-8] == b" " and line[-8:] == b"%08x" % zlib.crc32(line[:-8])
    return line[:-9] if good else b">" + line


def vector_sessions(folder):
    for path in sorted(folder.glob("*.json")):
        for case in json.loads(path.read_text()).get("cases", []):
            lines = [line.rstrip(b"\n") for line in sent_lines(case)]
            if lines and all(b"\n" not in line for line in lines):
                yield lines


def main():
    target_folder = Path(sys.argv[1])
    vectors = list(vector_sessions(Path(sys.argv[2]) if len(sys.argv) > 2 else HERE.parent / "vectors"))
    sessions = [*commands(), *long_replies(), *images(), *repeats(), *works(), *(session(*map(act, lines)) for lines in vectors)]
    seeds = {
        "core": [b"\0\x07\x0b" + b"\n".join(lines) + b"\n" for lines in vectors],
        "session": sessions,
        "small": sessions,
        "minimal": [*commands(), *(session(*map(act, lines)) for lines in vectors)],
        "inflate": list(streams()),
        "cobs": list(payloads()),
        "unfilter": list(pictures()),
        "asic": list(answers()),
    }
    for target, inputs in seeds.items():
        folder = target_folder / target
        folder.mkdir(parents=True, exist_ok=True)
        for data in inputs:
            (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


if __name__ == "__main__":
    main()
