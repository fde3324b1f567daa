"""crc.json, sha256.json, cobs.json, roots.json."""

import hashlib

from .cases import case, suite
from .codec import cobs, crc, uncobs

GENESIS = bytes.fromhex(
    "01000000" + "00" * 32 + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a" + "29ab5f49ffff001d1dac2b7c"
)


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def root(digests: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1."""
    if len(digests) == 1:
        return sha(b"\0" + digests[0])
    split = 1
    while split * 2 < len(digests):
        split *= 2
    return sha(b"\1" + root(digests[:split]) + root(digests[split:]))


def pattern(size: int, step: int = 7) -> bytes:
    """Bytes that run through all values, zeros and 0A among them."""
    return bytes(at * step % 256 for at in range(size))


def without_zero(size: int) -> bytes:
    return bytes(1 + at % 255 for at in range(size))


def crcs() -> dict:
    data = {
        "no bytes": (b"", "Initial value and final XOR cancel."),
        "check value": (b"123456789", "The check value that catalogues of CRCs give."),
        "one zero byte": (bytes(1), ""),
        "four zero bytes": (bytes(4), "A CRC without an initial value would be 0."),
        "32 bytes of ff": (b"\xff" * 32, ""),
        "every byte once": (bytes(range(256)), "Catches a table built from signed characters."),
        "every byte backwards": (bytes(reversed(range(256))), ""),
        "head of a frame": (b"~0002 HASH 616263 ", "The 18 bytes of SPEC 13: the last space is included."),
        "head without its last space": (b"~0002 HASH 616263", "What a frame's CRC is not computed over."),
        "2303 bytes": (pattern(2303), ""),
    }
    flags = {"CrcOnly": ("INTEGRITY", "Damaged lines are taken for good ones, or no line is understood at all.")}
    cases = [
        case(name, "3.3", "valid", comment, ["CrcOnly"], hex=each.hex(), crc=crc(each))
        for name, (each, comment) in data.items()
    ]
    return suite("crc", "CRC-32 of bytes (SPEC 3.3).", flags, cases)


def sha256s() -> dict:
    sizes = [0, 1, 3, 54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 121, 127, 128, 129, 245, 1023, 1024]
    flags = {
        "Padding": ("ARITHMETIC", "The length's place in the last block is wrong near 55, 63 and 119 bytes: wrong digests."),
        "Known": ("ARITHMETIC", "A published value is not met: the function is not SHA-256."),
        "Twice": ("ARITHMETIC", "Work proofs are judged by the double SHA-256 read as a little-endian number."),
    }
    cases = [
        case(f"{size} bytes", "5.3", "valid", "", ["Padding"], hex=pattern(size).hex(), digest=sha(pattern(size)).hex())
        for size in sizes
    ]
    known = {
        "abc": (b"abc", "FIPS 180-4"),
        "two blocks of letters": (b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "FIPS 180-4"),
        "an 8 by 8 block of white": (b"\xff" * 64, "What a film's empty corner gives."),
    }
    cases += [
        case(name, "5.3", "valid", comment, ["Known"], hex=each.hex(), digest=sha(each).hex())
        for name, (each, comment) in known.items()
    ]
    cases.append(
        case(
            "the genesis block's header",
            "5.6",
            "valid",
            "`double` is the SHA-256 of the digest; read backwards it is the block's hash, 000000000019d668…",
            ["Twice"],
            hex=GENESIS.hex(),
            digest=sha(GENESIS).hex(),
            double=sha(sha(GENESIS)).hex(),
        )
    )
    return suite("sha256", "SHA-256 of bytes (FIPS 180-4; SPEC 5.3).", flags, cases)


def stuffing() -> dict:
    good = {
        "one zero": bytes(1),
        "one 0a": b"\n",
        "one byte": b"\x42",
        "zero between": b"\x11\0\x22",
        "zero first": b"\0\x11",
        "zero last": b"\x11\0",
        "two zeros": bytes(2),
        "zeros about": b"\0\x11\0\0\x22\0",
        "254 zeros": bytes(254),
        "every byte": bytes(range(256)),
        "what looks like a frame": b" :~0001 PING 2d39f3e2\r\n",
        "253 without a zero": without_zero(253),
        "253 without a zero, and a zero": without_zero(253) + b"\0",
        "254 without a zero": without_zero(254),
        "254 without a zero, and a zero": without_zero(254) + b"\0",
        "254 without a zero, and a byte": without_zero(255),
        "254 without a zero, zero, byte": without_zero(254) + b"\0\x01",
        "508 without a zero": without_zero(508),
        "509 without a zero": without_zero(509),
        "508 without a zero, and a zero": without_zero(508) + b"\0",
        "zero, and 254 without": b"\0" + without_zero(254),
        "600 of all sorts": pattern(600, 11),
    }
    groups = {253, 254, 255, 508, 509}
    cases = []
    for name, data in good.items():
        flags = ["Stuffing"]
        if any(str(size) in name for size in groups):
            flags.append("Group254")
        assert uncobs(cobs(data)) == data
        cases.append(case(name, "3.4", "valid", "", flags, data=data.hex(), payload=cobs(data).hex()))
    for size in (254, 508):
        payload = cobs(without_zero(size)) + bytes([1 ^ 0x0A])
        note = "A reader may take the needless last group for what it says, or for damage. A writer never sends it."
        cases.append(
            case(f"empty group after {size} bytes", "3.4", "acceptable", note, ["Group254", "Needless"],
                 data=without_zero(size).hex(), payload=payload.hex())
        )  # fmt: skip
    cases.append(
        case("only an empty group", "3.4", "invalid", "A payload that yields no byte is damage.", ["Needless"], data=None, payload="0b")
    )  # fmt: skip
    bad = {
        "one group too long by one": b"\x02",
        "a group of 254 that is not there": b"\xff",
        "last group a byte short": b"\x02\x11\x03\x22",
        "second group reaches over the end": b"\x02\x11\x04\x22\x33",
        "254 announced, 253 there": b"\xff" + without_zero(253),
        "group after 254 reaches over": b"\xff" + without_zero(254) + b"\x03\x01",
    }
    for name, coded in bad.items():
        payload = bytes(each ^ 0x0A for each in coded)
        assert uncobs(payload) is None and b"\n" not in payload
        cases.append(case(name, "3.4", "invalid", "", ["Overreach"], data=None, payload=payload.hex()))
    flags = {
        "Stuffing": ("PARSER", "Data arrive changed, or a line is cut in two by an LF within."),
        "Group254": ("PARSER", "Zeros appear or vanish where a run of 254 bytes without a zero ends."),
        "Needless": ("COMPATIBILITY", "A form that no writer makes; readers may differ, and must not break."),
        "Overreach": ("PARSER", "The checksum or memory behind the line is read as data."),
    }
    about = "Data (hex) and the payload they are sent as (hex, section 3.4). `data` null: damage, `form`."
    return suite("cobs", about, flags, cases)


def roots() -> dict:
    cases = []
    for count in [*range(1, 10), 16, 17, 49, 196, 784]:
        digests = [sha(index.to_bytes(4, "big")) for index in range(count)]
        power = count & (count - 1) == 0
        cases.append(
            case(f"{count} digests", "5.4", "valid", "", ["PowerOfTwo" if power else "Lopsided"],
                 digests=b"".join(digests).hex(), root=root(digests).hex())
        )  # fmt: skip
    same = [sha(b"")] * 5
    cases.append(case("5 equal digests", "5.4", "valid", "A tree that doubles the last leaf (Bitcoin's) gives another root.",
                      ["Lopsided"], digests=b"".join(same).hex(), root=root(same).hex()))  # fmt: skip
    flags = {
        "PowerOfTwo": ("ARITHMETIC", "The tags 00 and 01 before leaves and nodes are wrong: no root agrees."),
        "Lopsided": ("ARITHMETIC", "The split is not at the largest power of two below n: roots of most images disagree."),
    }
    about = "Digests (32 bytes each, end to end) and their root (RFC 9162; SPEC 5.4). Digest i is SHA-256 of i in 4 bytes."
    return suite("roots", about, flags, cases)
