"""lines.json: what one line is."""

from .cases import case, suite, text
from .codec import BOOT, cobs, frame, read, sealed

HOLDS = 2304
FLAGS = {
    "Normal": ("BASIC", "The simplest frames are not understood."),
    "Edge": ("BOUNDARY", "The least or greatest of a field is refused, or the next one taken."),
    "Return": ("COMPATIBILITY", "A terminal's or a driver's CR makes good lines unreadable, or a CR within goes unseen."),
    "NotAFrame": ("FRAMING", "Log or a person's words are taken for data, or answered."),
    "Damage": ("INTEGRITY", "A line changed on its way is taken for good: wrong pixels, wrong digests."),
    "Grammar": ("PARSER", "There are two ways to write a frame; the sides may disagree about what was said."),
    "Foreign": ("PARSER", "Control bytes and non-ASCII text come through to logs and terminals, or end strings early."),
    "Payload": ("PARSER", "Bytes of a payload are taken for the frame's form, or the form for bytes."),
    "Order": ("DIAGNOSIS", "The wrong reason is counted, and people look for the wrong cause."),
    "Long": ("MEMORY", "A line longer than its reader holds overflows a buffer, or is taken in part."),
    "Colour": ("COMPATIBILITY", "A host that keeps ANSI colours about frames does not hear a firmware that colours its log."),
    "Echo": ("STATE", "A device that answers its own echo talks to itself for ever."),
}
LATIN = {"kind": "discarded", "reason": "bytes"}
FORM = {"kind": "discarded", "reason": "form"}
CRC = {"kind": "discarded", "reason": "crc"}
LONG = {"kind": "discarded", "reason": "long"}
LOG, EMPTY = {"kind": "log"}, {"kind": "empty"}
PING = frame(1, "PING")


def said(seq: str, verb: str, *words: str, payload: str | None = None) -> dict:
    data = {"payload": payload} if payload is not None else {}
    return {"kind": "frame", "seq": seq, "verb": verb, "words": list(words), **data}


def lines() -> dict:
    cases = [*frames(), *returns(), *logs(), *damage(), *grammar(), *foreign(), *payloads(), *order(), *lengths(), *colours()]
    about = (
        "What one line is. `line` stands without its LF; characters U+0000 to U+00FF stand for bytes. `holds`: the "
        "longest line, LF included, that the reader takes. `outcome` lists what a reader may make of it, of which there "
        "is more than one only where the verdict is acceptable."
    )
    return suite("lines", about, FLAGS, cases)


def each(id, spec, verdict, line, *outcomes, flags, comment="", sides=("host", "device"), holds=HOLDS):
    if sides == ("host", "device") and verdict != "acceptable":
        assert read(line, holds) == outcomes[0], (id, read(line, holds), outcomes)
    return case(id, spec, verdict, comment, flags, sides=list(sides), holds=holds, line=text(line), outcome=list(outcomes))


def frames():
    def good(id, line, outcome, *flags, comment=""):
        return each(id, "3.2", "valid", line, outcome, flags=flags or ["Normal"], comment=comment)

    yield good("shortest frame", frame(1, "A"), said("0001", "A"), "Edge")
    yield good("ping", PING, said("0001", "PING"))
    yield good("lowest number of a request", frame(1, "PING", "x"), said("0001", "PING", "x"))
    yield good("highest number", frame(0xFFFF, "PING"), said("ffff", "PING"), "Edge")
    yield good("number 0", frame(0, "NAK", BOOT, "CRC"), said("0000", "NAK", BOOT, "CRC"), "Edge")
    yield good("words", frame(0xFF, "OK", BOOT, "a=1", "b=~x"), said("00ff", "OK", BOOT, "a=1", "b=~x"))
    yield good("verb of 16 characters", frame(1, "ABCDEFGHIJKLMN_9"), said("0001", "ABCDEFGHIJKLMN_9"), "Edge")
    yield good("verb with digit and underscore", frame(1, "A1_"), said("0001", "A1_"))
    every = "!\"#$%&'()*+,-./0123456789;<=>?@[\\]^_`{|}~"
    yield good("word of every sign", frame(1, "A", every + ":"), said("0001", "A", every + ":"), "Edge")
    yield good("colon within a word", frame(1, "A", "b:c"), said("0001", "A", "b:c"), comment="Only SP \":\" begins a payload.")
    yield good("word that looks like a checksum", frame(1, "A", "7316c11a"), said("0001", "A", "7316c11a"))
    yield good("word that looks like a frame", frame(1, "A", "~0001"), said("0001", "A", "~0001"))
    yield good("unknown verb", frame(1, "FLASH", "x"), said("0001", "FLASH", "x"), comment="A frame: what it asks is not the line's affair.")
    for verb in ("OK", "ERR", "NAK", "BOOT"):
        yield good(f"echo of {verb}", frame(2, verb, BOOT), said("0002", verb, BOOT), "Echo")


def returns():
    def ret(id, verdict, line, *outcomes, comment=""):
        return each(id, "3.1", verdict, line, *outcomes, flags=["Return"], comment=comment)

    yield ret("CR before the LF", "valid", PING + b"\r", said("0001", "PING"), comment="A reader ignores it; a writer sends none.")
    yield ret("two CR before the LF", "invalid", PING + b"\r\r", LATIN)
    yield ret("CR within", "invalid", b"~0001 \rPING 2d39f3e2", LATIN)
    yield ret("CR after the tilde", "invalid", b"~\r", FORM, comment="The CR goes; a single ~ has no form.")
    yield ret("CR before the tilde", "valid", b"\r" + PING, LOG, comment="LF CR line ends: the line does not begin with ~.")
    yield ret("empty line", "valid", b"", EMPTY)
    yield ret("only a CR", "valid", b"\r", EMPTY)
    yield ret("only two CR", "acceptable", b"\r\r", LOG, EMPTY, comment="No frame; whether it is log or nothing is all the same.")
    yield ret("CR before the LF of a payload's line", "valid", frame(1, "A", payload=b"x") + b"\r", said("0001", "A", payload="78"))
    yield ret("CR as the last byte of a payload", "valid", frame(1, "A", payload=b"\x07"), said("0001", "A", payload="07"),
              comment="07 is sent as 08 0d.")  # fmt: skip


def logs():
    def log(id, line, *flags, comment=""):
        return each(id, "3.5", "valid", line, LOG, flags=["NotAFrame", *flags], comment=comment)

    yield log("log line", b"I (2048) wifi: connected")
    yield log("coloured log line", b"\x1b[0;32mI (2048) wifi: connected\x1b[0m")
    yield log("boot text", b"ESP-ROM:esp32s3-20210327")
    yield log("question mark", b"?", comment="The device answers it with a line of text; as a line it is log.")
    yield log("two question marks", b"??", comment="Not the one line that a device answers.")
    yield log("modem manager", b"AT+GCAP\r")
    yield log("frame after a space", b" " + PING)
    yield log("frame after text", b"I (12) main: " + PING, comment="Log that was cut short runs into a frame: the frame is lost, and sent again.")
    yield log("frame after NUL", b"\0" + PING, "Foreign")
    yield log("frame after a byte order mark", b"\xef\xbb\xbf" + PING, "Foreign")
    yield log("bytes that are no text", b"\xff\xfe\x80\0\x01", "Foreign")
    yield log("colon payload without a frame", b"x :" + cobs(b"abc"), "Payload")
    yield log("single space", b" ")


def damage():
    def bad(id, line, outcome=CRC):
        return each(id, "3.5", "invalid", line, outcome, flags=["Damage"])

    good = frame(2, "HASH", "616263")
    yield bad("bit flipped in a word", good.replace(b"616263", b"616363"))
    yield bad("bit flipped in the number", good.replace(b"0002", b"0003"))
    yield bad("bit flipped in the verb", good.replace(b"HASH", b"HASI"))
    yield bad("bit flipped in the checksum", good[:-1] + bytes([good[-1] ^ 1]))
    yield bad("digits of a word swapped", good.replace(b"616263", b"166263"))
    yield bad("words swapped", frame(2, "A", "b", "c").replace(b"b c", b"c b"))
    yield bad("digit lost", good.replace(b"616263", b"61623"))
    yield bad("digit doubled", good.replace(b"616263", b"6162263"))
    yield bad("checksum of another frame", PING[:-8] + good[-8:])
    yield bad("space taken for a letter", good.replace(b"H 6", b"H`6"))
    yield bad("first half lost", good[9:], LOG)
    yield bad("second half lost", good[:12], FORM)
    yield bad("checksum lost", good[:-9], FORM)
    yield bad("last digit lost", good[:-1], FORM)
    yield bad("two frames run together", PING + good, CRC)
    yield bad("bit flipped in a payload", frame(2, "A", payload=b"abcd").replace(b"k", b"j"))
    yield bad("payload cut by an LF, first part", b"~0002 A :" + cobs(b"abcd")[:2], FORM)
    yield bad("byte of the head becomes a NUL", b"\0" + good[1:], LOG)


def grammar():
    def bad(id, head, comment="", outcome=FORM):
        """`head` gets the right checksum, so that nothing but the grammar refuses it."""
        return each(id, "3.2", "invalid", sealed(head), outcome, flags=["Grammar"], comment=comment)

    yield bad("capital hex in the number", b"~00FF PING ")
    yield each("capital hex in the checksum", "3.2", "invalid", PING[:-8] + PING[-8:].upper(), FORM, flags=["Grammar"])
    yield bad("number of three digits", b"~001 PING ")
    yield bad("number of five digits", b"~00001 PING ")
    yield bad("sign in the number", b"~+001 PING ")
    yield bad("0x in the number", b"~0x01 PING ")
    yield bad("two tildes", b"~~0001 PING ")
    yield bad("space after the tilde", b"~ 0001 PING ")
    yield bad("small letters in the verb", b"~0001 ping ")
    yield bad("verb of 17 characters", b"~0001 ABCDEFGHIJKLMN_90 ")
    yield bad("verb begins with a digit", b"~0001 1PING ")
    yield bad("verb begins with an underscore", b"~0001 _PING ")
    yield bad("hyphen in the verb", b"~0001 PI-NG ")
    yield bad("colon in the verb", b"~0001 PING:x ")
    yield bad("no verb", b"~0001  ", "Two spaces: nothing stands between the number and the checksum.")
    yield bad("two spaces before the verb", b"~0001  PING ")
    yield bad("two spaces before a word", b"~0001 HASH  616263 ")
    yield bad("two spaces before the checksum", b"~0001 HASH 616263  ")
    yield bad("tab instead of a space", b"~0001 HASH\t616263 ", "", LATIN)
    yield bad("no space before the checksum", b"~0001 PING")
    yield each("space after the checksum", "3.2", "invalid", PING + b" ", FORM, flags=["Grammar"])
    yield each("only a tilde", "3.2", "invalid", b"~", FORM, flags=["Grammar"])
    yield each("only a number", "3.2", "invalid", b"~0001", FORM, flags=["Grammar"])
    yield each("number and checksum share a space", "3.2", "invalid", sealed(b"~0001 "), FORM, flags=["Grammar"])
    yield each("checksum of seven digits", "3.2", "invalid", PING[:-8] + b"0" * 7, FORM, flags=["Grammar"])
    yield each("checksum of nine digits", "3.2", "invalid", PING + b"0", FORM, flags=["Grammar"])
    yield each("asterisk before the checksum", "3.2", "invalid", b"~0001 PING*2d39f3e2", FORM, flags=["Grammar"], comment="As NMEA writes it.")


def foreign():
    def bad(id, head, comment=""):
        return each(id, "3.5", "invalid", sealed(head), LATIN, flags=["Foreign"], comment=comment)

    yield bad("NUL in a word", b"~0001 HASH 61\x0062 ", "A string that ends at NUL would be a shorter, odd one.")
    yield bad("NUL after the number", b"~0001\0PING ")
    yield bad("UTF-8 in a word", "~0001 HASH ä ".encode())
    yield bad("Latin-1 in a word", b"~0001 HASH \xe4 ")
    yield bad("DEL in a word", b"~0001 HASH \x7f ")
    yield bad("ESC in a word", b"~0001 HASH \x1b[31m ")
    yield bad("XOFF in a word", b"~0001 HASH \x13 ")
    yield bad("no-break space between words", b"~0001 HASH\xa0616263 ")
    yield bad("CR between words", b"~0001 HASH\r616263 ")
    yield each("UTF-8 after the checksum", "3.5", "invalid", PING + "…".encode(), LATIN, flags=["Foreign"])


def payloads():
    def good(id, data, *words, verdict="valid", comment=""):
        line = frame(1, "A", *words, payload=data)
        return each(id, "3.4", verdict, line, said("0001", "A", *words, payload=data.hex()), flags=["Payload"], comment=comment)

    def bad(id, head, outcome, *more, verdict="invalid", spec="3.5", comment="", flags=("Payload",)):
        return each(id, spec, verdict, sealed(head), outcome, *more, flags=list(flags), comment=comment)

    yield good("payload of one byte", b"x")
    yield good("payload of one zero", bytes(1))
    yield good("payload of one LF", b"\n", comment="Sent as 08 00: a NUL within a frame is good.")
    yield good("payload after words", b"abc", "b", "c:d")
    yield good("payload of every byte", bytes(range(256)))
    yield good("payload of spaces and colons", b" : : 7316c11a ")
    yield good("payload that holds a frame", b"~0001 PING 2d39f3e2\r\n~0001 PING 2d39f3e2")
    yield good("payload that ends like a checksum", b"x 7316c11a")
    yield good("payload of ANSI colours", b"\x1b[31m\x1b[0m")
    yield good("payload of 2000 bytes", bytes(at * 13 % 256 for at in range(2000)))
    yield bad("empty payload", b"~0001 A : ", FORM)
    yield bad("payload without a verb", b"~0001 :" + cobs(b"x") + b" ", FORM)
    yield bad("payload after a bad verb", b"~0001 a :" + cobs(b"x") + b" ", FORM)
    yield bad("payload after two spaces", b"~0001 A  :" + cobs(b"x") + b" ", FORM)
    yield bad("group reaches over the payload's end", b"~0001 A :\x08 ", FORM)
    yield bad("group reaches into the checksum", b"~0001 A :\x03" + b"x" * 4 + b" ", FORM)
    yield bad("foreign byte before a payload", b"~0001 \xe4 :" + cobs(b"x") + b" ", LATIN)
    yield bad("colon without a payload's form", b"~0001 A :", FORM, comment="The last nine bytes are `:` and a checksum.")
    yield each("foreign byte after a payload's checksum", "3.5", "invalid", frame(1, "A", payload=b"x") + b"\x1b", FORM,
               flags=["Payload", "Order"], comment="Behind SP \":\" all bytes may stand: the end has no form.")  # fmt: skip
    yield bad("needless group after 254 bytes", b"~0001 A :" + cobs(bytes([1]) * 254) + b"\x0b ",
              said("0001", "A", payload="01" * 254), FORM, verdict="acceptable", spec="3.4")  # fmt: skip
    yield bad("only an empty group", b"~0001 A :\x0b ", FORM, spec="3.4", comment="A payload that yields no byte is damage.")


def order():
    def bad(id, line, outcome, comment):
        return each(id, "3.5", "invalid", line, outcome, flags=["Order"], comment=comment)

    long = b"~0001 A " + b"x" * HOLDS
    yield bad("long before bytes", b"~\xff" + b"x" * HOLDS, LONG, "Too long, and a foreign byte.")
    yield bad("long before form", b"~" + b"x" * HOLDS, LONG, "Too long, and no form.")
    yield bad("long before crc", long + b" 00000000", LONG, "Too long, and another checksum.")
    yield bad("bytes before form", b"~\xff", LATIN, "A foreign byte, and no form.")
    yield bad("bytes before crc", b"~0001 \xff 00000000", LATIN, "A foreign byte, and another checksum.")
    yield bad("form before crc", b"~0001 PING 0000000", FORM, "No form, and so no checksum.")
    yield bad("crc before the verb's form", b"~0001 ping 00000000", CRC, "A verb in small letters, and another checksum.")
    yield bad("crc before the words' form", b"~0001 HASH  616263 00000000", CRC, "Two spaces, and another checksum.")
    yield bad("crc before the payload's form", b"~0001 A :\x08 00000000", CRC, "A group too long, and another checksum.")
    yield bad("form of the ends before crc of capitals", b"~000A PING 00000000", FORM, "A capital in the number is the start's form.")
    yield bad("bytes before the payload, not in it", b"~0001 \x01 :\xff 00000000", LATIN, "Only what stands before SP \":\" must be printable.")
    yield bad("crc with foreign bytes in a payload", b"~0001 A :\xff\x01 00000000", CRC, "Those of a payload are none.")


def lengths():
    def filled(size: int) -> bytes:
        return frame(1, "A", "x" * (size - len(frame(1, "A")) - 2))

    def bad(id, verdict, line, *outcomes, holds=HOLDS, comment="", sides=("host", "device")):
        return each(id, "3.1", verdict, line, *outcomes, flags=["Long"], holds=holds, comment=comment, sides=sides)

    for holds, sides in ((512, ("host",)), (HOLDS, ("host", "device"))):
        word = "x" * (holds - len(frame(1, "A")) - 2)
        yield bad(f"line of {holds} bytes", "valid", filled(holds), said("0001", "A", word), holds=holds, sides=sides, comment="The LF is counted.")
        yield bad(f"line of {holds + 1} bytes", "invalid", filled(holds + 1), LONG, holds=holds, sides=sides)
    word = "x" * (HOLDS - len(frame(1, "A")) - 2)
    yield bad("line of 2304 bytes and a CR", "valid", filled(HOLDS) + b"\r", said("0001", "A", word), comment="The CR does not count.")
    yield bad("line of 2304 bytes and two CR", "invalid", filled(HOLDS) + b"\r\r", LONG, comment="Only the last one does not count.")
    yield bad("line of 2305 bytes and a CR", "invalid", filled(HOLDS + 1) + b"\r", LONG)
    yield bad("line of 5000 bytes", "invalid", filled(5000), LONG)
    yield bad("log line of 5000 bytes", "valid", b"x" * 5000, LOG, comment="Dropped all the same; it is not counted as damage.")
    yield bad("5000 tildes", "invalid", b"~" * 5000, LONG)
    full = HOLDS - len(frame(1, "A", payload=b"x"))
    data = bytes([0x41]) + bytes(full - 1)
    line = frame(1, "A", payload=data)
    assert len(line) == HOLDS - 1
    yield bad("payload that fills the line", "valid", line, said("0001", "A", payload=data.hex()))
    yield bad("payload a byte too long", "invalid", frame(1, "A", payload=data + b"\0"), LONG)


def colours():
    def colour(id, line, *outcomes, sides, comment=""):
        verdict = "acceptable" if len(outcomes) > 1 else "invalid"
        return each(id, "3.5", verdict, line, *outcomes, flags=["Colour"], sides=sides, comment=comment)

    reply = frame(1, "OK", BOOT)
    ok = said("0001", "OK", BOOT)
    forms = {
        "before the tilde": (b"\x1b[0;32m" + reply, LOG),
        "after the checksum": (reply + b"\x1b[0m", LATIN),
        "on both sides": (b"\x1b[0;32m" + reply + b"\x1b[0m", LOG),
        "several before the tilde": (b"\x1b[0m\x1b[1;31m" + reply, LOG),
        "after the checksum, and a CR": (reply + b"\x1b[0m\r", LATIN),
        "after a payload's checksum": (frame(1, "OK", BOOT, payload=b"x") + b"\x1b[0m", FORM),
    }
    for name, (line, plain) in forms.items():
        clean = said("0001", "OK", BOOT, payload="78") if "payload" in name else ok
        yield colour(f"colour {name}, at the host", line, clean, plain, sides=("host",), comment="A host should remove it (SHOULD).")
        yield colour(f"colour {name}, at the device", line, plain, sides=("device",), comment="A device removes nothing.")
    yield colour("colour within", b"~0001 \x1b[0mOK 1a2b3c4d 00000000", LATIN, sides=("host", "device"))
    yield colour("ESC [ and a letter before the tilde", b"\x1b[K" + reply, LOG, ok, sides=("host",),
                 comment="Any number of digits is none, too.")  # fmt: skip
