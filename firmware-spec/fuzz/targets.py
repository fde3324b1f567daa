"""What is fuzzed: sources, compiler flags, the share of the time, the longest input."""
from dataclasses import dataclass, field

CORE = "../core/*.c"
MINIMAL = [f"../core/{name}.c" for name in
           ("core", "commands", "crc32", "frame", "hash", "hello", "request", "text", "cobs", "sha256", "hmac", "inflate")]
JUDGE = ["judge.c", "judge_digests.c", "judge_image.c", "board.c", "board_hears.c", "oracle.c"]
SMALL = ["-DLV06_LINE_MAX=600", "-DLV06_REPLY_MAX=512", "-DLV06_INFLATE_MAX=300", "-DLV06_BLOCK_MAX=200"]


@dataclass(frozen=True)
class Target:
    name: str
    sources: list
    share: int
    longest: int
    about: str
    flags: list = field(default_factory=list)
    words: bool = False  # of the dictionary


TARGETS = [
    Target("core", ["core_fuzz.c", *JUDGE, CORE], 3, 4096, "the core, arbitrary bytes", words=True),
    Target("session", ["session_fuzz.c", *JUDGE, CORE], 8, 4096, "the core behind its CRC, every answer judged", words=True),
    Target("small", ["session_fuzz.c", *JUDGE, CORE], 3, 4096, "the same with the smallest lines and buffers", SMALL, True),
    Target("minimal", ["session_fuzz.c", *JUDGE, *MINIMAL], 1, 4096, "the same for the minimal profile", ["-DLV06_MINIMAL=1"], True),
    Target("inflate", ["inflate_fuzz.c", "oracle.c", "../core/inflate.c"], 3, 4096, "inflate against zlib"),
    Target("cobs", ["cobs_fuzz.c", "oracle.c", "../core/cobs.c", "../core/text.c"], 1, 2048, "payload coding against SPEC 3.4"),
    Target("unfilter", ["unfilter_fuzz.c", "oracle.c", "../core/image.c"], 1, 4096, "row filters against ISO/IEC 15948"),
    Target("asic", ["asic_fuzz.c", "oracle.c", "../esp-idf/src/asic_frame.c"], 1, 1024, "BM1366 frames", ["-I../esp-idf/include"]),
]
