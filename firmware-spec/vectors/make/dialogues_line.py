"""Dialogues about the line itself, PING and HELLO; what all dialogues use."""

from .answers import TEXT, ask, either, err, nak, ok, step
from .cases import case, text
from .codec import BOOT, frame, sealed

SENSORS = {
    "tempC": 58.25,
    "powerW": 12.6,
    "coreMv": 1200,
    "inputMv": 5040,
    "currentMa": 2500,
    "frequencyMhz": 485,
    "hashrateGhs": 433.59,
    "errors": 0,
    "freeHeapB": 182000,
}
HELLO = ask(1, "HELLO 1 0a0b0c0d maxLine=65536")
CAPS = "hash,batch,image,health,work,attest,key,baud,log,reset"
GREETING = {
    "proto": "1",
    "nonce": "0a0b0c0d",
    "firmware": "vectors/1",
    "device": "vectors",
    "caps": {"set": CAPS.split(",")},
    "maxLine": "2304",
    "maxReply": "2304",
    "lines": "64",
    "bytes": "16384",
    "maxBlock": "1024",
    "maxImage": "50176",
    "inflate": "8192",
    "rates": {"set": ["115200", "460800", "921600"]},
    "simulated": "1",
}
# What the minimal profile says too (10).
ALL = ("firmware", "device", "maxLine", "lines", "bytes", "maxBlock")
GREETING_OF_ALL = {"proto": "1", "nonce": "0a0b0c0d", **{key: "*" for key in ALL}, "caps": {"pattern": "^hash(,|$)|,hash(,|$)"}}
HELLOED = ok(1, keys={"proto": "1", "nonce": "0a0b0c0d"})


def one(id, spec, verdict, line, *expect, flags=("Arguments",), comment="", **more):
    """A case of one step."""
    return case(id, spec, verdict, comment, flags, **more, steps=[step(line, *expect)])


def many(id, spec, verdict, steps, flags, comment="", **more):
    return case(id, spec, verdict, comment, flags, **more, steps=steps)


def cases():
    yield from lines()
    yield from versions()


def lines():
    ping, pong = ask(1, "PING"), ok(1)
    yield one("ping", "5.2", "valid", ping, pong, flags=["Normal"])
    yield one("ping with a word", "5.2", "invalid", ask(1, "PING x"), err(1, "ARGS"))
    yield one("ping with a payload", "5", "invalid", ask(1, "PING", b"x"), err(1, "ARGS"))
    yield one("highest number", "4.1", "valid", ask(0xFFFF, "PING"), ok(0xFFFF), flags=["Normal"])
    yield one("unknown command", "4.3", "invalid", ask(3, "FLASH x"), err(3, "VERB"))
    yield one("unknown command with a payload", "4.3", "invalid", ask(3, "FLASH x", b"y"), err(3, "VERB"))
    yield one("command that begins like another", "4.3", "invalid", [ask(3, "PINGS"), ask(4, "PIN"), ask(5, "HASHES 00")],
              err(3, "VERB"), err(4, "VERB"), err(5, "VERB"))  # fmt: skip
    for verb in ("OK", "ERR", "NAK", "BOOT"):
        echo = [text(frame(seq, verb, BOOT, "x")) for seq in (0, 7)]
        yield one(f"echo of {verb}", "4.1", "valid", [*echo, ping], pong, flags=["Echo"], comment="Only PING is answered.")
    echo = text(frame(0, "WORK", BOOT, "0000000a", "running", "elapsedMs=0", "hashes=0"))
    yield one("echo of a WORK notice", "4.1", "valid", [echo, ping], pong, flags=["Echo"])
    yield one("request of number 0", "4.1", "invalid", [text(frame(0, "PING")), ping], nak("SEQ"), pong, flags=["Discard"])
    yield one("unknown request of number 0", "4.1", "invalid", text(frame(0, "FLASH")), nak("SEQ"), flags=["Discard"])
    yield one("same request twice", "4.2", "valid", [ping, ping], pong, pong, flags=["Repeat"], comment="The device keeps no memory of its replies.")
    yield one("question mark", "3.5", "valid", "?", TEXT, flags=["Person"])
    yield one("question mark and CR", "3.5", "valid", "?\r", TEXT, flags=["Person"])
    yield one("question mark, then a request", "3.5", "valid", ["?", ping], TEXT, pong, flags=["Person"])
    yield many("question mark after HELLO", "3.5", "valid", [step(HELLO, HELLOED), step("?", TEXT)], ["Person"], "HELLO silences the log, not this answer.")
    for name, line in (("two question marks", "??"), ("question mark and a space", "? "), ("help", "help"), ("modem manager", "AT+GCAP\r"),
                       ("empty lines", ""), ("a lone CR", "\r"), ("its own log", "I (12) main: ready"), ("NUL", "\0"),
                       ("frame after a space", " " + ping)):  # fmt: skip
        yield one(f"no answer to {name}", "3.5", "valid", [line, ping], pong, flags=["Person"])
    broken = {
        "CRC": ("~0001 PING 00000000", "crc"),
        "FORM": ("~0001 PIN", "form"),
        "BYTES": ("~0001 PING \u00ff 00000000", "bytes"),
    }
    for reason, (line, name) in broken.items():
        yield one(f"discarded: {name}", "4.3", "invalid", [line, ping], nak(reason), pong, flags=["Discard"])
    for name, line in (("bytes before crc", "~0001 \u00ff 00000000"), ("bytes before form", "~\u00ff")):
        yield one(f"discarded: {name}", "3.5", "invalid", line, nak("BYTES"), flags=["Discard", "Order"])
    yield one("discarded: crc before form of the verb", "3.5", "invalid", "~0001 ping 00000000", nak("CRC"), flags=["Discard", "Order"])
    yield one("discarded: form of the verb", "3.5", "invalid", text(sealed(b"~0001 ping ")), nak("FORM"), flags=["Discard"])
    yield one("discarded: form of a payload", "3.4", "invalid", text(sealed(b"~0001 BATCH 1 root :\x08 ")), nak("FORM"), flags=["Discard"])
    full = frame(9, "FLASH", "x" * (2304 - len(frame(9, "FLASH")) - 2))
    yield many("line of maxLine bytes", "3.1", "valid", [step(HELLO, HELLOED), step(text(full), err(9, "VERB"))], ["Limit"], "2304 bytes with the LF.")
    returned = [step(HELLO, HELLOED), step(text(full + b"\r"), err(9, "VERB"))]
    yield many("line of maxLine bytes and a CR", "3.1", "valid", returned, ["Limit"], "The CR does not count.")
    over = text(frame(9, "FLASH", "x" * (2304 - len(frame(9, "FLASH")) - 1)))
    yield many("line of maxLine + 1 bytes", "3.1", "acceptable", [step(HELLO, HELLOED), step([over, ping], either(nak("LONG"), err(9, "VERB")), pong)],
               ["Discard", "Limit"], "A reader may take longer lines than it announced.")  # fmt: skip
    endless = "~" + "x" * 20000
    yield many("line of 20,001 bytes", "3.1", "invalid", [step(HELLO, HELLOED), step([endless, ping], nak("LONG", "FORM"), pong)], ["Discard", "Limit"])
    yield many("log of 20,000 bytes", "3.1", "valid", [step(HELLO, HELLOED), step(["x" * 20000, ping], pong)], ["Discard", "Limit"])
    small = text(frame(9, "FLASH", "x" * (512 - len(frame(9, "FLASH")) - 2)))
    yield one("line of 512 bytes before HELLO", "3.1", "valid", small, err(9, "VERB"), flags=["Limit"])
    parts = [{"bytes": ping[:7], "expect": []}, {"bytes": ping[7:] + "\n", "expect": [pong]}]
    yield many("request in two parts", "3.1", "valid", parts, ["Normal"], "A line ends with LF, not with a pause.")
    half = [{"bytes": ping[:9], "expect": []}, {"bytes": f"\n\n{ping}\n", "expect": [nak("FORM"), pong]}]
    yield many("half a line before two LF", "6", "valid", half, ["Discard"], "How a host begins: the half line goes, its request is heard.")
    yield many("notice of the start", "4.1", "valid", [{"restart": True, "expect": [{"seq": "0000", "verb": "BOOT", "boot": "1a2b3c4e", "words": [["power-on", "unknown"]]}]}],
               ["Normal"], "Every start draws another boot id; on a board both it and the reason differ.")  # fmt: skip


def versions():
    def hello(words, *expect, verdict="valid", id, comment="", flags=("Version",), **more):
        return one(id, "5.1", verdict, ask(1, f"HELLO {words}"), *expect, flags=flags, comment=comment, **more)

    good = ok(1, keys=GREETING_OF_ALL)
    yield hello("1 0a0b0c0d maxLine=65536", ok(1, keys=GREETING), id="hello", flags=["Normal"], comment="The values are those of the vectors' device.")
    yield hello("1 0a0b0c0d", good, id="hello without maxLine")
    yield hello("1 0a0b0c0d colour=blue size", good, id="hello with words of a later version")
    yield hello("2 0a0b0c0d", good, id="hello from the next version")
    yield hello("9999 0a0b0c0d", good, id="hello from the highest version", comment="The lower of both versions is 1.")
    yield hello("1 00000000", ok(1, keys={"nonce": "00000000"}), id="hello with nonce 0")
    yield hello("1 0a0b0c0d maxLine=512", good, id="hello with the least maxLine")
    yield hello("0 0a0b0c0d", err(1, "ARGS"), id="hello of version 0", verdict="invalid", flags=["Version", "Arguments"])
    for words, name in (("", "without words"), ("1", "without a nonce"), ("one 0a0b0c0d", "with a version in words"), ("10000 0a0b0c0d", "of version 10000"),
                        ("-1 0a0b0c0d", "of version -1"), ("01 0a0b0c0d", "with a leading zero"), ("1.0 0a0b0c0d", "of version 1.0"), ("0a0b0c0d 1", "with words swapped")):  # fmt: skip
        line = ask(1, f"HELLO {words}" if words else "HELLO")
        yield one(f"hello {name}", "5.1", "invalid", line, err(1, "ARGS"))
    for words, name in (("1 0a0b0c0", "of 7 digits"), ("1 0a0b0c0d0", "of 9 digits"), ("1 0A0B0C0D", "in capitals"), ("1 0a0b0c0g", "that is not hexadecimal")):
        yield one(f"hello with a nonce {name}", "5.1", "invalid", ask(1, f"HELLO {words}"), err(1, "ARGS"))
    yield one("hello with a payload", "5", "invalid", ask(1, "HELLO 1 0a0b0c0d", b"x"), err(1, "ARGS"))
    for value in ("511", "65537", "0", "-1", "0x200", "abc", "", "=512", "00512", "1000000000"):
        yield one(f"hello with maxLine={value}", "5.1", "invalid", ask(1, f"HELLO 1 0a0b0c0d maxLine={value}"), err(1, "ARGS"))
    quiet = [step(ask(2, "LOG 3"), ok(2), log=3), step(HELLO, good, log=0)]
    yield many("hello stops the log", "5.1", "valid", quiet, ["State"])
    failed = [step(ask(2, "LOG 3"), ok(2), log=3), step(ask(3, "HELLO 1"), err(3, "ARGS"), log=3)]
    yield many("hello that fails does not stop the log", "5.1", "valid", failed, ["State"])
    again = [step(HELLO, good), step(HELLO, good), step(ask(1, "HELLO 1 01020304"), ok(1, keys={"nonce": "01020304"}))]
    twice = [step(ask(1, "HELLO 1 0a0b0c0d maxLine=512 maxLine=65536"), good), step(ask(4, "BATCH 1 digests", bytes(16)), err(4, "LENGTH"))]
    yield many("hello with maxLine twice", "5", "valid", twice, ["Limit"], "Of repeated keys the first counts.")
    twice = [step(ask(1, "HELLO 1 0a0b0c0d maxLine=512 maxLine=no"), good)]
    yield many("hello with maxLine twice, the second wrong", "5", "valid", twice, ["Limit"], "The others are not looked at.")
    yield many("hello again", "4.2", "valid", again, ["Repeat"])
