"""Dialogues about IMAGE: its life, what gets lost, its limits, the order of checks."""

from .answers import ask, either, err, nak, ok, step
from .basics import pattern, root, sha
from .deflate import filtered, fixed
from .dialogues_line import HELLO, HELLOED, many, one

ID, OTHER = "00000007", "00000008"


def blocks(pixels, width, size):
    """Digests of the blocks, from left to right and from top to bottom."""
    height = len(pixels) // width
    return [
        sha(b"".join(pixels[y * width + left : y * width + left + size] for y in range(top, top + size)))
        for top in range(0, height, size)
        for left in range(0, width, size)
    ]


def roots(seq, pixels, width, *scales):
    return ok(seq, *(f"{size}={root(blocks(pixels, width, size)).hex()}" for size in scales))


def new(seq, width, height, id=ID):
    return ask(seq, f"IMAGE NEW {id} {width} {height}")


def rows(seq, first, pixels, id=ID):
    return ask(seq, f"IMAGE ROWS {id} {first} raw", pixels)


def want(seq, scales, id=ID):
    return ask(seq, f"IMAGE ROOTS {id} {scales}")


def digests(seq, words, id=ID):
    return ask(seq, f"IMAGE DIGESTS {id} {words}")


def missing(seq, row):
    return err(seq, "MISSING", after=(str(row),))


FOUR = bytes(range(16))
WHOLE = [new(5, 4, 4), rows(6, 0, FOUR)]
THERE = step(WHOLE, ok(5), ok(6))


def cases():
    yield from lives()
    yield from losses()
    yield from scales()
    yield from parts()
    yield from words()
    yield from orders()


def lives():
    sub = fixed(filtered(FOUR[8:], 4, [1, 1]))
    lines = [new(5, 4, 4), rows(6, 0, FOUR[:8]), ask(7, f"IMAGE ROWS {ID} 2 deflate", sub), want(8, "4,2")]
    yield one("image of the specification", "13", "valid", lines, ok(5), ok(6), ok(7), roots(8, FOUR, 4, 4, 2), flags=["Normal"])
    yield one("image of one pixel", "5.8", "valid", [new(5, 1, 1), rows(6, 0, b"\x2a"), want(7, "1")], ok(5), ok(6), roots(7, b"\x2a", 1, 1), flags=["Limit"])
    wide = pattern(24 * 8, 11)
    lines = [new(5, 24, 8), rows(6, 0, wide), want(7, "8,4,2,1")]
    yield one("image that is not square", "5.8", "valid", lines, ok(5), ok(6), roots(7, wide, 24, 8, 4, 2, 1), flags=["Normal"], comment="Blocks from left to right, then down.")
    yield many("image, scales in another order", "5.8", "valid", [THERE, step(want(7, "1,4,2"), roots(7, FOUR, 4, 1, 4, 2))], ["Normal"], "In the order asked.")
    lines = [new(5, 4, 4), rows(6, 3, FOUR[12:]), rows(7, 0, FOUR[:4]), rows(8, 2, FOUR[8:12]), rows(9, 1, FOUR[4:8]), want(10, "2")]
    yield one("rows in any order", "5.8", "valid", lines, *(ok(seq) for seq in range(5, 10)), roots(10, FOUR, 4, 2), flags=["Normal"])
    changed = bytes([99] * 4) + FOUR[4:]
    again = [THERE, step([rows(7, 0, bytes([99] * 4)), want(8, "2")], ok(7), roots(8, changed, 4, 2))]
    yield many("rows again, with other pixels", "5.8", "valid", again, ["Repeat"], "The last ones count.")
    yield many("rows twice", "4.2", "valid", [step([*WHOLE, WHOLE[1], want(8, "2")], ok(5), ok(6), ok(6), roots(8, FOUR, 4, 2))], ["Repeat"])
    yield many("new twice", "4.2", "valid", [step([*WHOLE, WHOLE[0], want(8, "2")], ok(5), ok(5), ok(6), roots(8, FOUR, 4, 2))], ["Repeat"],
               "NEW of the present id and size changes nothing: the rows stay.")  # fmt: skip
    yield many("roots twice", "4.2", "valid", [THERE, step([want(8, "2")] * 2, roots(8, FOUR, 4, 2), roots(8, FOUR, 4, 2))], ["Repeat"])
    yield many("new of another id", "5.8", "valid", [THERE, step([new(7, 4, 4, OTHER), want(8, "2", OTHER), want(9, "2")], ok(7), missing(8, 0), err(9, "STATE"))], ["State"])
    yield many("new of another size", "5.8", "valid", [THERE, step([new(7, 4, 2), want(8, "2")], ok(7), missing(8, 0))], ["State"], "Forgotten with all its rows.")
    turned = [step([new(5, 8, 2), rows(6, 0, FOUR)], ok(5), ok(6)), step([new(7, 2, 8), want(8, "2")], ok(7), missing(8, 0))]
    yield many("new with width and height swapped", "5.8", "valid", turned, ["State"])
    yield many("hello drops the image", "5.1", "valid", [THERE, step(HELLO, HELLOED), step(want(8, "2"), err(8, "STATE"))], ["State"])
    kept = [THERE, step(ask(1, "HELLO 1"), err(1, "ARGS")), step(want(8, "2"), roots(8, FOUR, 4, 2))]
    yield many("hello that fails keeps the image", "5.1", "valid", kept, ["State"], "A request that gets ERR has changed nothing.")
    there = pattern(12 * 12, 9)
    before = pattern(12 * 12, 7)
    first = step([new(5, 12, 12), rows(6, 0, before), want(7, "4,2")], ok(5), ok(6), roots(7, before, 12, 4, 2))
    half = step([new(8, 4, 24, OTHER), rows(9, 0, there[:48], OTHER)], ok(8), ok(9))
    last = [new(10, 12, 12), rows(11, 0, there), want(12, "4,2")]
    steps = [first, half, step(last, ok(10), ok(11), roots(12, there, 12, 4, 2))]
    note = "The bytes stay, their rows do not: a device that hashes ahead must begin anew."
    yield many("image after another that was given up half-way", "5.8", "valid", steps, ["State"], note)
    booted = {"restart": True, "expect": [{"seq": "0000", "verb": "BOOT", "boot": "1a2b3c4e", "words": [["power-on", "unknown"]]}]}
    yield many("restart drops the image", "5.8", "valid", [THERE, booted, step(want(8, "2"), {**err(8, "STATE"), "boot": "1a2b3c4e"})], ["State"])
    for command, name, code in ((new(7, 0, 4, OTHER), "wrong size", "ARGS"), (new(7, 1024, 1024, OTHER), "size too large", "LENGTH")):
        steps = [THERE, step([command, want(8, "2")], err(7, code), roots(8, FOUR, 4, 2))]
        yield many(f"new of a {name} keeps the image", "5.8", "valid", steps, ["State"], "A request that gets ERR has changed nothing.")
    other = [ask(9, "PING"), ask(10, "HASH 616263"), ask(11, "BATCH 1 root", b"abc")]
    replies = [ok(9), ok(10, sha(b"abc").hex()), ok(11, root([sha(bytes([each])) for each in b"abc"]).hex())]
    yield many("other commands leave the image alone", "5.8", "valid", [THERE, step(other, *replies), step(want(8, "2"), roots(8, FOUR, 4, 2))], ["State"])
    big = pattern(224 * 9, 3)
    lines = [new(5, 224, 224), rows(6, 0, big), want(7, "8")]
    steps = [step(HELLO, HELLOED), step(lines, ok(5), ok(6), missing(7, 9))]
    yield many("image as large as maxImage", "5.8", "valid", steps, ["Limit"], "224 × 224 = 50,176 pixels, of which 9 rows arrive.")
    yield one("image one row larger than maxImage", "5.8", "invalid", new(5, 224, 225), err(5, "LENGTH"), flags=["Limit"])
    yield one("image as large as the protocol allows", "5.8", "invalid", new(5, 1024, 1024), err(5, "LENGTH"), flags=["Limit"], comment="1,048,576 pixels do not fit this device.")
    for width, height in ((1024, 49), (49, 1024)):
        yield one(f"image {width} by {height}", "5.8", "valid", new(5, width, height), ok(5), flags=["Limit"])


def losses():
    yield one("rows without an image", "5.8", "invalid", rows(6, 0, FOUR), err(6, "STATE"), flags=["Lost"])
    yield one("roots without an image", "5.8", "invalid", want(6, "2"), err(6, "STATE"), flags=["Lost"])
    yield one("digests without an image", "5.8", "invalid", digests(6, "2 0 1"), err(6, "STATE"), flags=["Lost"])
    damaged = new(5, 4, 4)[:-1] + "z"
    lost = [step([damaged, WHOLE[1], want(8, "2")], nak("FORM"), err(6, "STATE"), err(8, "STATE")), step([*WHOLE, want(8, "2")], ok(5), ok(6), roots(8, FOUR, 4, 2))]
    yield many("new lost, and the host begins again", "5.8", "valid", lost, ["Lost"])
    four = [new(5, 4, 4), rows(6, 0, FOUR[:4]), rows(7, 1, FOUR[4:8]), rows(8, 2, FOUR[8:12]), rows(9, 3, FOUR[12:])]
    for row in range(4):
        kept = [line for index, line in enumerate(four) if index != row + 1]
        replies = [ok(5 + index) for index in range(5) if index != row + 1]
        steps = [step([*kept, want(10, "2")], *replies, missing(10, row)), step([four[row + 1], want(10, "2")], ok(6 + row), roots(10, FOUR, 4, 2))]
        yield many(f"row {row} lost, and sent again", "5.8", "valid", steps, ["Lost"], "Every request as it was.")
    none = [step([four[0], want(10, "2")], ok(5), missing(10, 0)), step([*four[1:], want(10, "2")], *(ok(seq) for seq in range(6, 10)), roots(10, FOUR, 4, 2))]
    yield many("all rows lost", "5.8", "valid", none, ["Lost"])
    two = [step([four[0], four[2], want(10, "2")], ok(5), ok(7), missing(10, 0)), step([four[1], want(10, "2")], ok(6), missing(10, 2)),
           step([four[4], want(10, "2")], ok(9), missing(10, 2)), step([four[3], want(10, "2")], ok(8), roots(10, FOUR, 4, 2))]  # fmt: skip
    yield many("missing rows, one after the other", "5.8", "valid", two, ["Lost"], "MISSING names the first.")
    ahead = [step([want(10, "2"), *WHOLE], err(10, "STATE"), ok(5), ok(6)), step(want(10, "2"), roots(10, FOUR, 4, 2))]
    yield many("roots before everything else", "4.1", "valid", ahead, ["Lost"], "The device works requests off in the order of their arrival.")
    late = [step([new(5, 4, 4), new(7, 4, 4, OTHER), rows(6, 0, FOUR)], ok(5), ok(7), err(6, "STATE")), step(want(10, "2", OTHER), missing(10, 0))]
    yield many("rows of the image before", "5.8", "invalid", late, ["Lost"])
    spoilt = ask(7, f"IMAGE ROWS {ID} 2 deflate", b"\xff\xff")
    steps = [THERE, step([spoilt, want(8, "2")], err(7, "PAYLOAD"), either(roots(8, FOUR, 4, 2), missing(8, 2), missing(8, 3)))]
    yield many("payload that fails over rows that had arrived", "5.8", "acceptable", steps, ["Lost"], "They may count as missing again; rows before them may not.")
    steps = [THERE, step([spoilt, rows(9, 2, FOUR[8:]), want(8, "2")], err(7, "PAYLOAD"), ok(9), roots(8, FOUR, 4, 2))]
    yield many("payload that fails, and rows sent again", "5.8", "valid", steps, ["Lost"])
    steps = [step(new(5, 4, 4), ok(5)), step([rows(7, 3, FOUR[8:]), want(8, "2")], err(7, "PAYLOAD"), missing(8, 0))]
    yield many("rows partly beyond the height", "5.8", "invalid", steps, ["Lost"], "None of them counts as arrived.")


def scales():
    tall = pattern(64 * 32, 7)
    fill = [step(HELLO, HELLOED), step([new(5, 64, 32), rows(6, 0, tall)], ok(5), ok(6))]

    def roots_of(id, scale, *expect, verdict="invalid", flags=("Arguments",), comment=""):
        return many(id, "5.8", verdict, [*fill, step(want(7, scale), *expect)], list(flags), comment)

    yield roots_of("roots of 32", "32", roots(7, tall, 64, 32), verdict="valid", flags=["Limit"], comment="32² = 1024 bytes, maxBlock.")
    yield roots_of("roots of four scales", "1,2,4,8", roots(7, tall, 64, 1, 2, 4, 8), verdict="valid", flags=["Limit"])
    yield roots_of("roots of one scale twice", "8,8", roots(7, tall, 64, 8, 8), verdict="valid", comment="Answered twice.")
    for scale, name in (("0", "0"), ("3", "3, which does not divide"), ("65", "65"), ("128", "128"), ("8,3", "8 and 3"), ("08", "a leading zero"), ("-8", "a sign"), ("8,", "a comma at the end"),
                        (",8", "a comma at the beginning"), ("8,,4", "two commas"), ("a", "a letter"), ("1,2,4,8,16", "five scales"), ("8.0", "a fraction"), ("10000", "five digits")):  # fmt: skip
        yield roots_of(f"roots of {name}", scale, err(7, "ARGS"))
    yield roots_of("roots of two words", "8 4", err(7, "ARGS"))
    both = "64² is above maxBlock (LENGTH), and 64 does not divide the height: what must fit the image comes later."
    yield roots_of("roots of 64 in an image 32 high", "64", err(7, "LENGTH"), comment=both, flags=["Order"])
    square = pattern(64 * 64, 7)
    large = [step(HELLO, HELLOED), step([new(5, 64, 64), rows(6, 0, square[:2048]), rows(7, 32, square[2048:])], ok(5), ok(6), ok(7))]
    yield many("roots of a block above maxBlock", "5.8", "invalid", [*large, step(want(8, "64"), err(8, "LENGTH"))], ["Limit"], "64² = 4096.")
    yield many("roots of two scales, one above maxBlock", "5.8", "invalid", [*large, step(want(8, "8,64"), err(8, "LENGTH"))], ["Limit"])


def parts():
    pixels = pattern(32 * 16, 13)
    fill = [step(HELLO, HELLOED), step([new(5, 32, 16), rows(6, 0, pixels)], ok(5), ok(6))]
    each = blocks(pixels, 32, 4)

    def some(id, words, *expect, verdict="valid", flags=("Normal",), comment=""):
        return many(id, "5.8", verdict, [*fill, step(digests(7, words), *expect)], list(flags), comment)

    def of(first, count, source=each):
        return ok(7, payload=b"".join(source[first : first + count]))

    yield some("digests, all", "4 0 32", of(0, 32))
    yield some("digests, the first", "4 0 1", of(0, 1))
    yield some("digests, the last", "4 31 1", of(31, 1), flags=["Limit"])
    yield some("digests, some between", "4 5 9", of(5, 9))
    yield some("digests of single pixels", "1 500 12", of(500, 12, blocks(pixels, 32, 1)))
    yield some("digests that fill a reply", "1 0 70", of(0, 70, blocks(pixels, 32, 1)), flags=["Limit"])
    yield some("digests too many for a reply", "1 0 72", err(7, "LENGTH"), verdict="invalid", flags=["Limit"])
    yield some("digests, all of the pixels at once", "1 0 512", err(7, "LENGTH"), verdict="invalid", flags=["Limit"])
    for words, name in (("4 0 0", "none"), ("4 32 1", "one beyond the last"), ("4 31 2", "the last and one beyond"), ("4 9999 1", "far beyond"), ("4 10000000 1", "a block of 8 digits"), ("4 0 10000000", "a count of 8 digits"), ("4 1000000 1", "a block of 7 digits"), ("3 0 1", "a scale that does not divide"),
                        ("0 0 1", "scale 0"), ("65 0 1", "scale 65"), ("4,8 0 1", "two scales"), ("4 0", "no count"), ("4", "scale only"), ("4 0 1 1", "a word too many"), ("4 00 1", "a leading zero"), ("4 -1 1", "a sign"), ("4 x 1", "a letter")):  # fmt: skip
        yield some(f"digests of {name}", words, err(7, "ARGS"), verdict="invalid", flags=["Arguments"])
    yield some("digests beyond the last, and too many", "1 500 100", err(7, "ARGS"), verdict="invalid", flags=["Order"],
               comment="What must fit the image comes before a reply's LENGTH.")  # fmt: skip
    short = [step(ask(1, "HELLO 1 0a0b0c0d"), HELLOED), *fill[1:], step(digests(7, "4 0 16"), err(7, "LENGTH")), step(digests(7, "4 0 15"), of(0, 15))]
    yield many("digests within a host's 512 bytes", "3.1", "valid", short, ["Limit"])
    unfilled = [step(new(5, 4, 4), ok(5)), step(rows(6, 0, FOUR[:8]), ok(6)), step(digests(7, "2 2 1"), missing(7, 2))]
    yield many("digests of an image that is not whole", "5.8", "invalid", unfilled, ["Lost"], "Missing rows are treated as for ROOTS.")
    unfilled = [step(HELLO, HELLOED), step(new(5, 32, 16), ok(5)), step(digests(7, "1 0 512"), missing(7, 0))]
    yield many("digests too many, of an image that is not whole", "4.3", "invalid", unfilled, ["Order"], "MISSING before a reply's LENGTH.")
    there = [step(new(5, 4, 4), ok(5)), step(rows(6, 0, FOUR[:8]), ok(6)), step(digests(7, "2 0 1"), missing(7, 2))]
    yield many("digests whose own rows have arrived", "5.8", "invalid", there, ["Lost"], "If any row of the image is missing.")
    high = [step(HELLO, HELLOED), step(new(5, 224, 224), ok(5)), step(digests(7, "1 50175 1"), missing(7, 0)), step(digests(8, "1 50176 1"), err(8, "ARGS"))]
    yield many("digests from block 50175 on", "5.8", "valid", high, ["Limit"], "224 × 224 has 50,176 blocks of one pixel.")


def words():
    def bad(id, words, payload=None, *codes, comment=""):
        return one(id, "5.8", "invalid", ask(5, f"IMAGE {words}" if words else "IMAGE", payload), err(5, *codes or ("ARGS",)), comment=comment)

    yield bad("image without words", "")
    for name in ("FOO", "new", "NEWS", ID):
        yield bad(f"image {name}", f"{name} {ID} 4 4")
    yield bad("new without words", "NEW")
    yield bad("new without a height", f"NEW {ID} 4")
    yield bad("new with a word too many", f"NEW {ID} 4 4 4")
    yield bad("new with a payload", f"NEW {ID} 4 4", b"x")
    for size in ("04", "-4", "x", "4.0", "10000", "99999999999"):
        yield bad(f"new of width {size}", f"NEW {ID} {size} 4")
    for width, height in ((0, 4), (4, 0)):
        yield bad(f"new of {width} by {height}", f"NEW {ID} {width} {height}")
    for width, height in ((1025, 1), (1, 1025), (9999, 1)):
        yield bad(f"new of {width} by {height}", f"NEW {ID} {width} {height}")
    for id, name in (("0000007", "7 digits"), ("000000070", "9 digits"), ("0000000G", "no hex"), ("0000000A", "capitals")):
        yield bad(f"new with an id of {name}", f"NEW {id} 4 4")
    yield bad("rows without words", "ROWS", b"x")
    yield bad("rows without a form", f"ROWS {ID} 0", b"x")
    yield bad("rows of an unknown form", f"ROWS {ID} 0 png", b"x")
    yield bad("rows of a form in capitals", f"ROWS {ID} 0 RAW", b"x")
    yield bad("rows without a payload", f"ROWS {ID} 0 raw")
    yield bad("rows with a word too many", f"ROWS {ID} 0 raw 1", b"x")
    for first in ("00", "-1", "x", "10000000"):
        yield bad(f"rows from {first}", f"ROWS {ID} {first} raw", b"x")
    yield bad("roots without words", "ROOTS")
    yield bad("roots without a scale", f"ROOTS {ID}")
    yield bad("roots with a payload", f"ROOTS {ID} 2", b"x")
    yield bad("digests without words", "DIGESTS")
    yield bad("digests with a payload", f"DIGESTS {ID} 2 0 1", b"x")


def orders():
    def bad(id, line, *expect, there=True, comment=""):
        return many(id, "4.3", "invalid", [THERE, step(line, *expect)] if there else [step(line, *expect)], ["Order"], comment)

    yield bad("rows: ARGS before STATE", ask(7, f"IMAGE ROWS {OTHER} 0 png", FOUR), err(7, "ARGS"))
    yield bad("rows: STATE before PAYLOAD", ask(7, f"IMAGE ROWS {OTHER} 0 raw", b"abc"), err(7, "STATE"))
    yield bad("rows: STATE before PAYLOAD, deflate", ask(7, f"IMAGE ROWS {OTHER} 0 deflate", b"abc"), err(7, "STATE"))
    yield bad("roots: ARGS before STATE", want(7, "65", OTHER), err(7, "ARGS"))
    yield bad("roots: ARGS before LENGTH", want(7, "64,0"), err(7, "ARGS"))
    yield bad("roots: LENGTH before STATE", want(7, "64", OTHER), err(7, "LENGTH"))
    yield bad("roots: STATE, as dividing cannot be told", want(7, "3", OTHER), err(7, "STATE"))
    yield bad("digests: ARGS before STATE", digests(7, "2 0 0", OTHER), err(7, "ARGS"))
    yield bad("digests: STATE before a reply's LENGTH", digests(7, "2 0 9999", OTHER), err(7, "STATE"))
    yield bad("digests: LENGTH of a block before STATE", digests(7, "64 0 1", OTHER), err(7, "LENGTH"))
    yield bad("new: ARGS before LENGTH, 1025 wide", ask(7, f"IMAGE NEW {ID} 1025 1024"), err(7, "ARGS"), there=False)
    yield bad("rows: first beyond any image, without an image", rows(7, 1234567, FOUR), err(7, "STATE"), there=False)
    filling = [step(new(5, 4, 4), ok(5)), step(want(7, "3"), err(7, "ARGS"))]
    yield many("roots: ARGS before MISSING", "4.3", "invalid", filling, ["Order"])
    filling = [step(new(5, 4, 4), ok(5)), step(digests(7, "2 4 1"), err(7, "ARGS"))]
    yield many("digests: ARGS before MISSING", "4.3", "invalid", filling, ["Order"])
    yield bad("new: ARGS before LENGTH", ask(7, f"IMAGE NEW {ID} 1024 0"), err(7, "ARGS"), there=False)
