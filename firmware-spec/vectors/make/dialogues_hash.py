"""Dialogues about HASH and BATCH."""

from .answers import ask, either, err, nak, ok, step
from .basics import pattern, root, sha
from .cases import text
from .codec import cobs, sealed
from .dialogues_line import HELLO, HELLOED, many, one


def cases():
    yield from hashes()
    yield from batches()


def hashes():
    def hashed(id, data, *, comment=""):
        return one(id, "5.3", "valid", ask(2, f"HASH {data.hex()}"), ok(2, sha(data).hex()), flags=["Normal"], comment=comment)

    yield hashed("hash abc", b"abc")
    for size in (1, 55, 56, 63, 64, 65, 119, 120, 245):
        yield hashed(f"hash {size} bytes", pattern(size, 3))
    block = pattern(1024, 5).hex()
    greeted = step(HELLO, HELLOED)
    yield many("hash of maxBlock bytes", "5.3", "valid", [greeted, step(ask(2, f"HASH {block}"), ok(2, sha(pattern(1024, 5)).hex()))], ["Limit"])
    yield many("hash of maxBlock + 1 bytes", "5.3", "invalid", [greeted, step(ask(2, f"HASH {block}00"), err(2, "LENGTH"))], ["Limit"])
    yield many("hash of too many digits, odd", "4.3", "invalid", [greeted, step(ask(2, f"HASH {block}000"), err(2, "HEX"))], ["Order"], "HEX before LENGTH.")
    yield many("hash of too many digits, one foreign", "4.3", "invalid", [greeted, step(ask(2, f"HASH {block}0g"), err(2, "HEX"))], ["Order"])
    yield one("hash of nothing", "5.3", "invalid", ask(2, "HASH"), err(2, "ARGS"))
    yield one("hash of two words", "5.3", "invalid", ask(2, "HASH 61 62"), err(2, "ARGS"))
    yield one("hash of two words, the first no hex", "4.3", "invalid", ask(2, "HASH x y"), err(2, "ARGS"), comment="A command with too many words gets ARGS.")
    yield one("hash of a payload", "5", "invalid", ask(2, "HASH", b"abc"), err(2, "ARGS"))
    yield one("hash of a word and a payload", "5", "invalid", ask(2, "HASH 616263", b"abc"), err(2, "ARGS"))
    for word, name in (("0", "one digit"), ("616", "three digits"), ("6A", "a capital"), ("0x61", "a prefix"), ("zz", "no hex"), ("61-2", "a sign"), ("6 1".replace(" ", "_"), "an underscore")):
        yield one(f"hash of {name}", "5.3", "invalid", ask(2, f"HASH {word}"), err(2, "HEX"))
    numbers = [ask(seq, f"HASH {seq:02x}") for seq in range(1, 65)]
    replies = [ok(seq, sha(bytes([seq])).hex()) for seq in range(1, 65)]
    yield many("64 requests at once", "4.1", "valid", [step(HELLO, HELLOED), step(numbers, *replies)], ["Limit"], "As many as the credits allow.")


def batches():
    def batch(id, words, payload, *expect, verdict="valid", flags=("Normal",), comment="", greet=True):
        line = ask(4, f"BATCH {words}" if words else "BATCH", payload)
        steps = [step(HELLO, HELLOED)] if greet else []
        return many(id, "5.4", verdict, [*steps, step(line, *expect)], flags, comment)

    def digests(data, size):
        return [sha(data[at : at + size]) for at in range(0, len(data), size)]

    for count in range(1, 10):
        data = pattern(count * 3, 5)
        yield batch(f"batch root of {count}", "3 root", data, ok(4, root(digests(data, 3)).hex()))
    for count in (1, 2, 15):
        data = pattern(count * 4, 5)
        reply = ok(4, payload=b"".join(digests(data, 4)))
        yield batch(f"batch digests of {count}", "4 digests", data, reply, greet=count > 1, comment="Digests as the reply's payload.")
    data = pattern(2048, 9)
    yield batch("batch root of 32 blocks of 64", "64 root", data, ok(4, root(digests(data, 64)).hex()))
    yield batch("batch of one block of maxBlock", "1024 root", data[:1024], ok(4, root([sha(data[:1024])]).hex()), flags=["Limit"])
    yield batch("batch root of 2048 blocks of 1", "1 root", data, ok(4, root(digests(data, 1)).hex()), flags=["Limit"])
    repeat = ask(4, "BATCH 2 root", b"\x04\x01\x02\0")
    reply = ok(4, root([sha(b"\x04\x01"), sha(b"\x02\0")]).hex())
    yield one("batch twice", "4.2", "valid", [repeat, repeat], reply, reply, flags=["Repeat"])
    for words, name in (("", "without words"), ("1", "without a want"), ("1 root x", "with a word too many"), ("0 root", "with size 0"), ("01 root", "with a leading zero"),
                        ("-1 root", "with a sign"), ("x root", "with a size in letters"), ("1 Root", "with a want in capitals"), ("1 tree", "with an unknown want"),
                        ("1 root,digests", "with two wants"), ("1000000000 root", "with a size of 10 digits")):  # fmt: skip
        yield batch(f"batch {name}", words, b"ab", err(4, "ARGS"), verdict="invalid", flags=["Arguments"])
    yield batch("batch without a payload", "1 root", None, err(4, "ARGS"), verdict="invalid", flags=["Arguments"])
    yield batch("batch with hex instead of a payload", "1 root 6162", None, err(4, "ARGS"), verdict="invalid", flags=["Arguments"])
    yield batch("batch of blocks too large", "1025 root", data[:1025], err(4, "LENGTH"), verdict="invalid", flags=["Limit"])
    yield batch("batch of blocks much too large", "999999999 root", b"ab", err(4, "LENGTH"), verdict="invalid", flags=["Limit", "Order"],
                comment="LENGTH before PAYLOAD.")  # fmt: skip
    yield batch("batch of part of a block", "4 root", b"abcde", err(4, "PAYLOAD"), verdict="invalid", flags=["Arguments"])
    yield batch("batch of less than a block", "4 digests", b"abc", err(4, "PAYLOAD"), verdict="invalid", flags=["Arguments"])
    yield batch("batch digests that fill a reply", "1 digests", data[:70], ok(4, payload=b"".join(digests(data[:70], 1))), flags=["Limit"],
                comment="2240 bytes, at most 2249 as a payload, 2278 with the line.")  # fmt: skip
    yield batch("batch digests too many for a reply", "1 digests", data[:72], err(4, "LENGTH"), verdict="invalid", flags=["Limit"])
    edge = "It counts as 29 + 2272 + 9 = 2310 bytes, whatever the bytes are."
    yield batch("batch digests one too many for a reply", "1 digests", data[:71], err(4, "LENGTH"), verdict="invalid", flags=["Limit"], comment=edge)
    yield batch("batch of part of a block, and too many digests", "2 digests", data[:161], err(4, "PAYLOAD"), verdict="invalid", flags=["Order"],
                comment="PAYLOAD before a reply's LENGTH.")  # fmt: skip
    few = "Before HELLO, and after a HELLO with maxLine=512, a reply has at most 512 bytes."
    yield batch("batch digests too many before HELLO", "1 digests", data[:16], err(4, "LENGTH"), verdict="invalid", flags=["Limit"], greet=False, comment=few)
    short = [step(ask(1, "HELLO 1 0a0b0c0d maxLine=512"), HELLOED), step(ask(4, "BATCH 1 digests", data[:16]), err(4, "LENGTH")),
             step(ask(5, "BATCH 1 digests", data[:15]), ok(5, payload=b"".join(digests(data[:15], 1))))]  # fmt: skip
    yield many("batch digests within the host's maxLine", "5.1", "valid", short, ["Limit"], few)
    grown = [*short[:2], step(HELLO, HELLOED), step(ask(4, "BATCH 1 digests", data[:16]), ok(4, payload=b"".join(digests(data[:16], 1))))]
    yield many("batch digests after another HELLO", "5.1", "valid", grown, ["State"], "The last HELLO counts.")
    needless = text(sealed(b"~0004 BATCH 127 root :" + cobs(bytes([1]) * 254) + b"\x0b "))
    yield one("batch with a needless group", "3.4", "acceptable", needless, either(ok(4, root([sha(bytes([1]) * 127)] * 2).hex()), nak("FORM")), flags=["Limit"])
    nothing = text(sealed(b"~0004 BATCH 1 root :\x0b "))
    yield one("batch of no bytes", "3.4", "invalid", nothing, nak("FORM"), flags=["Discard"], comment="A payload that yields no byte is damage.")
