"""rows.json: what the payload of IMAGE ROWS says about pixels."""

import zlib

from .answers import ask, err, ok, step
from .basics import pattern, root, sha
from .cases import case, suite
from .deflate import Bits, dynamic, filtered, fixed, stored

ID = "00000007"
INFLATE = 8192
NAMES = ["None", "Sub", "Up", "Average", "Paeth"]
FLAGS = {
    "Raw": ("BASIC", "Pixels arrive shifted, or the wrong rows count as arrived."),
    "Filter": ("ARITHMETIC", "A row filter is not undone as PNG says: wrong pixels, wrong roots."),
    "Above": ("STATE", "The row above a payload's first row is not taken for zeros: payloads depend on each other."),
    "Block": ("PARSER", "One of deflate's three kinds of block is not inflated."),
    "Limit": ("BOUNDARY", "What the device announces it does not take, or it takes more than its memory holds."),
    "Stream": ("MEMORY", "A damaged stream is taken, or read or written beyond its end."),
    "Size": ("MEMORY", "Rows beyond the image, or parts of rows, are written."),
}


def greys(width: int, height: int) -> bytes:
    """A picture with gradients, edges and zeros: every filter meets sums above 255 and below 0."""
    return bytes((x * 29 + y * 53 + (x * y) % 7 * 31) % 256 if (x + y) % 5 else 255 * (x % 2) for y in range(height) for x in range(width))


def rows() -> dict:
    cases = [*raw(), *filters(), *blocks(), *limits(), *streams(), *sizes()]
    about = (
        "Payloads of IMAGE ROWS. `data`: the payload's bytes (hex) before section 3.4; `pixels`: those of rows `first` on (hex), "
        "null where the device refuses it. `send` and `expect` are the dialogue that shows it, as in dialogues.json."
    )
    return suite("rows", about, FLAGS, cases, inflate=INFLATE)


def good(id, form, width, height, data, pixels, flag, first=0, comment=""):
    """The root is that of the single pixels, so that one wrong pixel changes it; for few rows, the first missing one tells."""
    count = len(pixels) // width
    if form == "deflate":
        plain = zlib.decompress(data, -15)
        assert len(plain) == count * (width + 1) <= INFLATE, id
    if first == 0 and count == height:
        last = ok(4, "1=" + root([sha(bytes([each])) for each in pixels]).hex())
    else:
        last = err(4, "MISSING", after=("0" if first else str(count),))
    dialogue = steps(form, width, height, first, data, ok(3), last)
    return case(id, "5.8", "valid", comment, [flag], form=form, width=width, height=height, first=first, data=data.hex(),
                pixels=pixels.hex(), **dialogue)  # fmt: skip


def bad(id, form, width, height, data, flag, *codes, first=0, comment=""):
    dialogue = steps(form, width, height, first, data, err(3, *codes or ("PAYLOAD",)), err(4, "MISSING", after=("0",)))
    return case(id, "5.8", "invalid", comment, [flag], form=form, width=width, height=height, first=first, data=data.hex(),
                pixels=None, **dialogue)  # fmt: skip


def steps(form, width, height, first, data, reply, last):
    requests = [
        ask(1, "HELLO 1 0a0b0c0d maxLine=65536"),
        ask(2, f"IMAGE NEW {ID} {width} {height}"),
        ask(3, f"IMAGE ROWS {ID} {first} {form}", payload=data),
        ask(4, f"IMAGE ROOTS {ID} 1"),
    ]
    assert all(len(each) < 2304 for each in requests)
    hello = ok(1, keys={"proto": "1", "nonce": "0a0b0c0d"})
    return {"steps": [step(requests[0], hello), step(requests[1:], ok(2), reply, last)]}


def raw():
    yield good("raw, one row of one pixel", "raw", 1, 1, b"\x2a", b"\x2a", "Raw")
    yield good("raw, one pixel of 0", "raw", 1, 1, b"\0", b"\0", "Raw")
    yield good("raw, one pixel of 10", "raw", 1, 1, b"\n", b"\n", "Raw", comment="An LF, if it were not stuffed.")
    yield good("raw, 4 rows", "raw", 4, 4, pattern(16, 17), pattern(16, 17), "Raw")
    yield good("raw, all values", "raw", 16, 16, bytes(range(256)), bytes(range(256)), "Raw")
    yield good("raw, rows 2 and 3 of 8", "raw", 5, 8, pattern(10), pattern(10), "Raw", first=2)
    yield good("raw, the last row", "raw", 5, 8, pattern(5), pattern(5), "Raw", first=7)
    yield good("raw, a row of 1024", "raw", 1024, 1, pattern(1024, 3), pattern(1024, 3), "Raw")
    yield good("raw, 1024 rows", "raw", 1, 1024, pattern(1024, 5), pattern(1024, 5), "Raw")


def filters():
    for kind, name in enumerate(NAMES):
        for width, height in ((8, 6), (1, 5), (31, 3)):
            pixels = greys(width, height)
            data = fixed(filtered(pixels, width, [kind] * height))
            yield good(f"deflate, {name}, {width} × {height}", "deflate", width, height, data, pixels, "Filter")
        pixels = greys(9, 2)
        note = "The filter is on the payload's first row: what lies above it is zeros."
        yield good(f"deflate, {name} first, in the image's midst", "deflate", 9, 7, fixed(filtered(pixels, 9, [kind, 2])), pixels, "Above",
                   first=3, comment=note)  # fmt: skip
    pixels = greys(16, 15)
    yield good("deflate, all filters mixed", "deflate", 16, 15, dynamic(filtered(pixels, 16, [0, 1, 2, 3, 4] * 3)), pixels, "Filter")
    white = b"\xff" * 24
    yield good("deflate, Average of white", "deflate", 8, 3, fixed(filtered(white, 8, [3] * 3)), white, "Filter",
               comment="The sum of left and above is 510: it must not be cut to 8 bits before it is halved.")  # fmt: skip
    steep = bytes([0, 255, 1, 254, 128, 127, 2, 253] + [255, 0, 254, 1, 127, 128, 253, 2] + [7, 7, 200, 9, 9, 100, 100, 3])
    yield good("deflate, Paeth of steep edges", "deflate", 8, 3, fixed(filtered(steep, 8, [4] * 3)), steep, "Filter",
               comment="Left + above − corner leaves 0 to 255; ties go to left, then above.")  # fmt: skip
    for name, right, down in (("left and corner", 1, -2), ("above and corner", -2, 1)):
        slope = bytes((128 + 3 * (right * x + down * y)) % 256 for y in range(30) for x in range(40))
        yield good(f"deflate, Paeth, {name} equally near", "deflate", 40, 30, dynamic(filtered(slope, 40, [4] * 30)), slope, "Filter",
                   comment="A slope on which the corner never wins the tie.")  # fmt: skip


def blocks():
    pixels = greys(24, 12)
    plain = filtered(pixels, 24, [1] * 12)
    for name, data in (("stored", stored(plain)), ("fixed codes", fixed(plain)), ("codes of its own", dynamic(plain))):
        yield good(f"deflate, a block of {name}", "deflate", 24, 12, data, pixels, "Block")
    two = Bits()
    two.put(0, 3)
    two.align()
    two.put(100, 16)
    two.put(100 ^ 0xFFFF, 16)
    head = two.bytes() + plain[:100]
    yield good("deflate, several blocks", "deflate", 24, 12, head + fixed(plain[100:]), pixels, "Block")
    empty = b"\x00\x00\x00\xff\xff"
    yield good("deflate, an empty stored block first", "deflate", 24, 12, empty + dynamic(plain), pixels, "Block",
               comment="What a flush leaves.")  # fmt: skip
    flat = bytes(24 * 12)
    yield good("deflate, matches that overlap themselves", "deflate", 24, 12, fixed(filtered(flat, 24, [0] * 12)), flat, "Block")
    yield good("deflate, a single distance code", "deflate", 24, 12, dynamic(filtered(flat, 24, [0] * 12)), flat, "Block",
               comment="Its code is one bit long and incomplete: RFC 1951 section 3.2.7 allows it, and zlib makes it.")  # fmt: skip
    steps = bytes(range(60))
    yield good("deflate, no distance code", "deflate", 60, 1, dynamic(filtered(steps, 60, [0])), steps, "Block",
               comment="All literals: one distance code of no bits.")  # fmt: skip
    far = pattern(127, 37)
    wide = (far + bytes(1900) + far)[: 127 * 16]
    yield good("deflate, a match from far back", "deflate", 127, 16, dynamic(filtered(wide, 127, [0] * 16)), wide, "Block")


def limits():
    flat = bytes(127 * 64)
    yield good("deflate, as much as `inflate` allows", "deflate", 127, 64, dynamic(filtered(flat, 127, [0] * 64)), flat, "Limit",
               comment="64 × 128 = 8192 bytes.")  # fmt: skip
    for name, width, height in (("a row", 127, 65), ("a little", 90, 91)):
        data = dynamic(bytes((width + 1) * height))
        yield bad(f"deflate, {name} more than `inflate` allows", "deflate", width, height, data, "Limit")  # fmt: skip
    yield bad("deflate, a bomb", "deflate", 100, 80, dynamic(bytes(400_000)), "Limit",
              comment="400,000 bytes: refused when it passes the limit, not after.")  # fmt: skip


def streams():
    plain = filtered(greys(8, 6), 8, [1] * 6)

    def damaged(id, data, comment=""):
        try:
            inflater = zlib.decompressobj(-15)
            broken = len(inflater.decompress(data)) != len(plain) or not inflater.eof or inflater.unused_data
        except zlib.error:
            broken = True
        assert broken, id
        return bad(f"deflate, {id}", "deflate", 8, 6, data, "Stream", comment=comment)

    whole, own = fixed(plain), dynamic(plain)
    yield damaged("last byte lost", whole[:-1])
    yield damaged("first byte lost", whole[1:])
    yield damaged("half lost", own[: len(own) // 2])
    yield damaged("one byte only", whole[:1])
    yield damaged("a byte after the end", whole + b"\0", "Nothing may follow the stream.")
    yield damaged("the stream twice", whole + whole)
    yield damaged("zlib's header", b"\x78\x9c" + whole + zlib.adler32(plain).to_bytes(4, "big"), "RFC 1950 is not raw deflate.")
    yield damaged("gzip's header", b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + whole)
    yield damaged("block of the fourth kind", b"\x07")
    yield damaged("stored length and its complement differ", stored(plain)[:3] + b"\0\0" + plain)
    yield damaged("stored block beyond the end", stored(plain)[:-4])
    yield damaged("no last block", b"\0" + stored(plain)[1:], "The final bit is never set.")
    yield damaged("match before the beginning", match(3, 5))
    yield damaged("distance symbol 30", symbols(257, 30))
    yield damaged("length symbol 286", symbols(286, 0))
    yield damaged("codes of too many lengths", b"\xfd\xff" + bytes(20), "286 literals at most, 30 distances.")
    yield damaged("code lengths oversubscribed", codes([1] * 4))
    yield damaged("repeat without a length before it", codes([1, 0, 0, 1], repeat=True))
    yield damaged("not deflate at all", b"\xff" * 40)
    yield damaged("raw pixels", greys(8, 6))


def match(length: int, distance: int) -> bytes:
    """One literal, then a match that begins before the data."""
    bits = Bits()
    bits.put(3, 3)
    bits.code(0x30, 8)
    bits.code(length - 2, 7)
    bits.code(4, 5)
    bits.put(distance - 5, 1)
    bits.code(0, 7)
    return bits.bytes()


def symbols(length: int, distance: int) -> bytes:
    """A literal, then one length and one distance symbol that fixed codes can write and deflate does not know."""
    bits = Bits()
    bits.put(3, 3)
    for _ in range(8):
        bits.code(0x30, 8)
    if length < 280:
        bits.code(length - 256, 7)
    else:
        bits.code(0xC0 + length - 280, 8)
    bits.code(distance, 5)
    for _ in range(60):
        bits.code(0x30, 8)
    bits.code(0, 7)
    return bits.bytes()


def codes(lengths: list[int], repeat: bool = False) -> bytes:
    """A block with codes of its own whose code lengths are as given, for symbols 16, 17, 18, 0."""
    bits = Bits()
    bits.put(5, 3)
    bits.put(0, 5)
    bits.put(0, 5)
    bits.put(0, 4)
    for each in lengths:
        bits.put(each, 3)
    if repeat:
        bits.code(1, 1)
    bits.put(0, 64)
    return bits.bytes()


def sizes():
    pixels = greys(8, 6)
    plain = filtered(pixels, 8, [0] * 6)
    yield bad("raw, part of a row", "raw", 8, 6, pixels[:5], "Size")
    yield bad("raw, a row and a half", "raw", 8, 6, pixels[:12], "Size")
    yield bad("raw, a row too many", "raw", 8, 6, pixels + bytes(8), "Size")
    yield bad("raw, a byte too many", "raw", 8, 6, pixels + bytes(1), "Size")
    yield bad("raw, rows beyond the height", "raw", 8, 6, pixels[:16], "Size", first=5)
    yield bad("raw, first row beyond the height", "raw", 8, 6, pixels[:8], "Size", first=6)
    yield bad("raw, first row far beyond the height", "raw", 8, 6, pixels[:8], "Size", first=9999)
    yield bad("deflate, nothing", "deflate", 8, 6, fixed(b""), "Size", comment="An empty stream: not one row.")
    yield bad("deflate, part of a row", "deflate", 8, 6, fixed(plain[:8]), "Size")
    yield bad("deflate, a row and a byte", "deflate", 8, 6, fixed(plain[:10]), "Size")
    yield bad("deflate, a row too many", "deflate", 8, 6, fixed(plain + bytes(9)), "Size")
    yield bad("deflate, rows beyond the height", "deflate", 8, 6, fixed(plain[:18]), "Size", first=5)
    yield bad("deflate, first row beyond the height", "deflate", 8, 6, fixed(plain[:9]), "Size", first=6)
    yield bad("deflate, filter 5", "deflate", 8, 6, fixed(bytes([5]) + plain[1:]), "Size")
    yield bad("deflate, filter 255", "deflate", 8, 6, fixed(bytes([255]) + plain[1:]), "Size")
    yield bad("deflate, filter 5 in the last row", "deflate", 8, 6, fixed(plain[:45] + bytes([5]) + plain[46:]), "Size",
              comment="None of the rows counts as arrived.")  # fmt: skip
    yield bad("deflate, pixels without filter types", "deflate", 8, 6, fixed(pixels), "Size")
    yield bad("raw rows under the name deflate", "deflate", 8, 6, pixels, "Size")
    yield bad("no rows beyond 1024 wide", "raw", 1024, 2, bytes(1025), "Size")
