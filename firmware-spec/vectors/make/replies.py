"""replies.json: what a host makes of a device's lines."""

from .basics import sha
from .cases import case, suite
from .codec import BOOT
from .dialogues_work import DIFFICULTY_1, EASY, HEADER, MASK, NONCE, proof

OTHER = "5e6f7a8b"
FLAGS = {
    "Normal": ("BASIC", "The host does not work with a good device."),
    "Required": ("PARSER", "The host uses a device of whose limits it knows nothing."),
    "Range": ("BOUNDARY", "The host sends or keeps more than either side holds, or refuses a good device."),
    "Later": ("COMPATIBILITY", "A newer device is not understood."),
    "Handshake": ("STATE", "The host takes an earlier handshake's, another's or its own words for the device's."),
    "Stray": ("STATE", "A request gets the answer of another one."),
    "Boot": ("STATE", "The host does not notice that the device has restarted and forgotten everything."),
    "Refusal": ("PARSER", "The host does not learn why it was refused, or takes a refusal for an answer."),
    "Shape": ("PARSER", "Words of the wrong shape are taken for data."),
    "Damage": ("INTEGRITY", "A damaged line is taken for the reply."),
    "Log": ("FRAMING", "Log around a reply hides it, or is taken for it."),
    "False": ("CRYPTO", "A nonce that proves nothing is taken for a work proof."),
    "Values": ("ARITHMETIC", "A reading is taken for another, or what is not known for 0."),
}
GREETING = {
    "proto": "1",
    "nonce": "{nonce}",
    "firmware": "vectors/1",
    "device": "vectors",
    "caps": "hash,image,health,work,attest,key,log,reset",
    "maxLine": "2304",
    "maxReply": "2304",
    "lines": "64",
    "bytes": "16384",
    "maxBlock": "1024",
    "maxImage": "50176",
    "inflate": "8192",
    "simulated": "1",
}


def replies() -> dict:
    cases = [*greetings(), *strays(), *refusals(), *shapes(), *works(), *readings()]
    about = (
        "What a host makes of a device's lines. The host has greeted the device with `hello` (but for calls of HELLO itself), makes "
        "`call`, and reads `lines` when the request has left it. `{seq}`, `{nonce}`, `{id}` stand for what the request bears, `{hello}` for "
        "the number of HELLO. `outcome`: accept (the call ends well, with `value` where given; `over`: the conversation ends with it), ignore (it goes on waiting; `good` then ends it), "
        "refuse (it fails, with `code` where the device named one; the conversation goes on), restart (everything unanswered fails, and HELLO "
        "comes next). For HELLO, refuse means that these lines never make the device one that is used."
    )
    return suite("replies", about, FLAGS, cases, hello=words(GREETING))


def words(pairs: dict) -> list:
    return [f"{key}={value}" for key, value in pairs.items()]


def frame(verb, *more, seq="{seq}", boot=BOOT, **rest):
    return {"frame": [seq, verb, boot, *more], **rest}


def one(id, spec, call, lines, *outcomes, flags, comment="", good=None, **more):
    verdict = "acceptable" if len(outcomes) > 1 else "valid" if outcomes[0] == "accept" else "invalid"
    if "ignore" in outcomes:
        more["good"] = good
    return case(id, spec, verdict, comment, flags, call=call, lines=lines, outcome=list(outcomes), **more)


def greetings():
    good = frame("OK", *words(GREETING))

    def hello(id, lines, *outcomes, flags, comment="", spec="5.1"):
        return one(id, spec, {"verb": "HELLO"}, lines, *outcomes, flags=flags, comment=comment, good=good)

    def but(**changes):
        return [frame("OK", *words({key: value for key, value in {**GREETING, **changes}.items() if value is not None}))]

    yield hello("hello", [good], "accept", flags=["Normal"])
    yield hello("hello, keys in another order", [frame("OK", *reversed(words(GREETING)))], "accept", flags=["Normal"])
    minimal = {"caps": "hash", "maxLine": "512", "lines": "1", "bytes": "512", "maxBlock": "245", "maxReply": None, "maxImage": None, "inflate": None, "simulated": None}
    yield hello("hello of the minimal profile", but(**minimal), "accept", flags=["Normal"], spec="10")
    yield hello("hello with a key of a later version", but(colour="blue", zeal="1"), "accept", flags=["Later"])
    yield hello("hello with a word of a later version", [frame("OK", *words(GREETING), "blue")], "accept", flags=["Later"])
    yield hello("hello with a capability of a later version", but(caps="hash,paint"), "accept", flags=["Later"])
    yield hello("hello without maxReply", but(maxReply=None), "accept", flags=["Normal"], comment="512 then.")
    yield hello("hello without inflate", but(inflate=None), "accept", flags=["Normal"])
    yield hello("hello without simulated", but(simulated=None), "accept", flags=["Normal"], comment="What an LV06 says.")
    for key in ("proto", "firmware", "device", "caps", "maxLine", "lines", "bytes", "maxBlock"):
        yield hello(f"hello without {key}", but(**{key: None}), "refuse", flags=["Required"])
    yield hello("hello without a nonce", but(nonce=None), "refuse", "ignore", flags=["Required", "Handshake"], comment="Without it, the reply may be of an earlier handshake.")
    yield hello("hello with image, without maxImage", but(maxImage=None), "refuse", flags=["Required"], comment="Required with `image`.")
    yield hello("hello with baud, without rates", but(caps="hash,baud"), "refuse", flags=["Required"], comment="Required with `baud`.")
    yield hello("hello with no words", [frame("OK")], "refuse", "ignore", flags=["Required"])
    yield hello("hello without hash", but(caps="health,work"), "refuse", flags=["Required"], comment="`hash` MUST be there.")
    edges = {
        "proto": ((), ("0", "2", "9999", "one", "01", "-1")),
        "maxLine": (("512", "65536"), ("511", "65537", "0", "", "02304", "2304.0", "1e3", "999999999999999999999")),
        "maxReply": (("512", "65536"), ("511", "65537", "0", "x")),
        "lines": (("1", "1024"), ("0", "1025", "-1", "x")),
        "bytes": (("2304", "1048576"), ("2303", "512", "1048577", "x")),
        "maxBlock": (("1024", "32768"), ("0", "32769", "x")),
        "maxImage": (("1", "1048576"), ("0", "1048577", "x")),
        "inflate": (("65536",), ("65537", "x")),
        "firmware": (("f" * 64,), ("f" * 65,)),
        "device": (("d" * 64,), ("d" * 65,)),
    }
    for key, (fit, unfit) in edges.items():
        for value in fit:
            more = {"bytes": "65536"} if (key, value) == ("maxLine", "65536") else {}
            name = value if len(value) < 20 else f"{len(value)} characters"
            yield hello(f"hello with {key} of {name}", but(**{key: value, **more}), "accept", flags=["Range"])
        for value in unfit:
            name = value[:20] if len(value) != 65 else "65 characters"
            yield hello(f"hello with {key} of {name or 'nothing'}", but(**{key: value}), "refuse", flags=["Range"])
    yield hello("hello with simulated=0", but(simulated="0"), "refuse", flags=["Range"], comment="1 or absent.")
    yield hello("hello with inflate=0", but(inflate="0"), "refuse", flags=["Range"], comment="Absent where the device does not inflate.")
    yield hello("hello with maxBlock of 1000", but(maxBlock="1000"), "refuse", flags=["Range"], comment="1,024 or more but for the minimal profile.")
    yield hello("hello with a key twice", [frame("OK", *words(GREETING), "lines=2")], "accept", flags=["Range"], comment="The first counts.")
    yield hello("hello of another nonce", but(nonce="00000000"), "ignore", flags=["Handshake"], comment="The reply to an earlier handshake.")
    other = frame("OK", *words(GREETING), seq="{other}")
    yield hello("hello under another number", [other], "ignore", flags=["Handshake"])
    yield hello("hello, its own request echoed", [{"echo": True}], "ignore", flags=["Handshake"])
    yield hello("hello, echoed and answered", [{"echo": True}, good], "accept", flags=["Handshake"])
    yield hello("hello after boot text", [{"line": "ESP-ROM:esp32s3-20210327"}, {"line": "rst:0x1 (POWERON),boot:0x8"}, {"line": "\u00ff\u00fe\u0000"}, {"line": ""}, good], "accept", flags=["Log"], spec="6")
    yield hello("hello after a notice", [frame("BOOT", "power-on", seq="0000"), good], "accept", flags=["Handshake"], spec="6")
    yield hello("hello after a notice of another boot", [frame("BOOT", "power-on", seq="0000", boot=OTHER), good], "accept", flags=["Handshake"], spec="6",
                comment="What comes before the first good reply is ignored.")  # fmt: skip
    yield hello("hello after an old reply", [frame("OK", "00" * 32, seq="{other}", boot=OTHER), good], "accept", flags=["Handshake"], spec="6")
    yield hello("hello after damage", [{"line": "~0001 OK 1a2b3c4d 00000000"}, good], "accept", flags=["Damage"])
    yield hello("hello, NAK first", [frame("NAK", "FORM", seq="0000"), good], "accept", flags=["Handshake"], comment="The half line before the two LF.")
    yield hello("hello, damaged", [{**good, "checksum": "00000000"}], "ignore", flags=["Damage"])
    yield hello("hello, refused for its version", [frame("ERR", "VERSION", "this", "device", "speaks", "3", "and", "4")], "refuse", flags=["Refusal"], spec="8")
    yield hello("hello, refused", [frame("ERR", "ARGS", "no")], "refuse", flags=["Refusal"])


PING, HASH = {"verb": "PING"}, {"verb": "HASH", "block": "616263"}
ABC = sha(b"abc").hex()
GOOD_HASH = frame("OK", ABC)


def strays():
    def hashed(id, lines, *outcomes, flags, spec="4.1", comment=""):
        value = {} if "restart" in outcomes else {"value": ABC}
        return one(id, spec, HASH, lines, *outcomes, flags=flags, comment=comment, good=GOOD_HASH, **value)

    yield hashed("hash", [GOOD_HASH], "accept", flags=["Normal"])
    yield one("ping", "5.2", PING, [frame("OK")], "accept", flags=["Normal"])
    yield one("ping, refused", "10", PING, [frame("ERR", "VERB")], "accept", "refuse", flags=["Refusal"], code="VERB", comment="A sign of life too.")
    yield hashed("reply twice", [GOOD_HASH, GOOD_HASH], "accept", flags=["Stray"], spec="4.2")
    yield hashed("reply, then another to the same number", [GOOD_HASH, frame("OK", "00" * 32)], "accept", flags=["Stray"], spec="4.2")
    yield hashed("reply under another number", [frame("OK", "00" * 32, seq="{other}")], "ignore", flags=["Stray"])
    yield hashed("reply under number 0000", [frame("OK", "00" * 32, seq="0000")], "ignore", flags=["Stray"])
    yield hashed("late second reply to HELLO", [frame("OK", *words(GREETING), seq="{hello}")], "ignore", flags=["Stray", "Handshake"])
    yield hashed("refusal under another number", [frame("ERR", "HEX", seq="{other}")], "ignore", flags=["Stray"])
    yield hashed("refusal under number 0000", [frame("ERR", "HEX", seq="0000")], "ignore", flags=["Stray"])
    yield hashed("its own request echoed", [{"echo": True}], "ignore", flags=["Stray"])
    yield hashed("a frame it does not know", [frame("FLASH", "x")], "ignore", flags=["Later"])
    yield hashed("a notice it does not know", [frame("FLASH", "x", seq="0000")], "ignore", flags=["Later"])
    yield hashed("a WORK notice", [frame("WORK", "0000000a", "running", "elapsedMs=1", "hashes=2", seq="0000")], "ignore", flags=["Stray"], spec="5.6")
    for reason in ("LONG", "BYTES", "FORM", "CRC", "SEQ", "GLARE"):
        yield hashed(f"NAK {reason}", [frame("NAK", reason, seq="0000")], "ignore", flags=["Refusal"], spec="4.3", comment="It names no request: the host relies on its own timing.")
    yield hashed("boot notice of the present boot", [frame("BOOT", "power-on", seq="0000")], "ignore", flags=["Boot"], comment="Late, from before HELLO.")
    yield hashed("boot notice of another boot", [frame("BOOT", "brownout", seq="0000", boot=OTHER)], "restart", flags=["Boot"])
    yield hashed("right reply of another boot", [frame("OK", ABC, boot=OTHER)], "restart", flags=["Boot"])
    yield hashed("refusal of another boot", [frame("ERR", "STATE", boot=OTHER)], "restart", flags=["Boot"])
    yield hashed("NAK of another boot", [frame("NAK", "CRC", seq="0000", boot=OTHER)], "restart", flags=["Boot"])
    yield hashed("WORK notice of another boot", [frame("WORK", "0000000a", "running", "elapsedMs=1", "hashes=2", seq="0000", boot=OTHER)], "restart", flags=["Boot"])
    yield hashed("reply under another number, of another boot", [frame("OK", "00" * 32, seq="{other}", boot=OTHER)], "restart", flags=["Boot"])
    for boot, name in (("1a2b3c4", "7 digits"), ("1A2B3C4D", "capitals"), ("1a2b3c4d0", "9 digits")):
        yield hashed(f"boot id of {name}", [frame("OK", ABC, boot=boot)], "ignore", flags=["Boot", "Shape"], comment="A frame without a boot id is ignored.")
    yield hashed("reply without a boot id", [{"frame": ["{seq}", "OK"]}], "ignore", flags=["Boot", "Shape"])
    yield hashed("reply among log", [{"line": "I (12) main: hot"}, GOOD_HASH, {"line": "W (13) main: hotter"}], "accept", flags=["Log"])
    yield hashed("log that holds the reply", [{"line": "I (12) main: ", "then": GOOD_HASH}], "ignore", flags=["Log"], spec="3.5", comment="The line does not begin with ~.")
    yield hashed("reply and CR", [{**GOOD_HASH, "after": "\r"}], "accept", flags=["Log"], spec="3.1")
    colour = "A host should remove colours (SHOULD)."
    for before, after, name in (("\u001b[0;32m", "", "before"), ("", "\u001b[0m", "after"), ("\u001b[0;32m", "\u001b[0m\r", "about")):
        yield hashed(f"colour {name} the reply", [{**GOOD_HASH, "before": before, "after": after}], "accept", "ignore", flags=["Log"], spec="3.5", comment=colour)
    yield hashed("damaged reply", [{**GOOD_HASH, "checksum": "00000000"}], "ignore", flags=["Damage"], spec="3.3")
    yield hashed("reply cut in two", [{"line": "~0001 OK 1a2b3c4d ba7816bf"}, {"line": ABC[8:]}], "ignore", flags=["Damage"])
    yield hashed("reply longer than the host reads", [frame("OK", "0", times=65536)], "ignore", flags=["Damage"], spec="3.1")
    yield hashed("log without an end, then the reply", [{"line": "x", "times": 200_000}, GOOD_HASH], "accept", flags=["Log"], spec="3.1")


def refusals():
    for code in ("VERB", "ARGS", "HEX", "LENGTH", "STATE", "PAYLOAD", "KEY", "BOOT", "DEVICE", "MISSING", "VERSION"):
        yield one(f"refused: {code}", "4.3", HASH, [frame("ERR", code, "words", "for", "people")], "refuse", flags=["Refusal"], code=code)
    yield one("refused: BUSY", "4.3", HASH, [frame("ERR", "BUSY")], "refuse", "ignore", flags=["Refusal"], code="BUSY", good=GOOD_HASH, value=ABC,
              comment="Nothing was done: a host may ask again later.")  # fmt: skip
    yield one("refused: a code of a later version", "4.3", HASH, [frame("ERR", "GLARE", "too", "bright")], "refuse", flags=["Refusal", "Later"], code="DEVICE",
              comment="Treated as DEVICE.")  # fmt: skip
    yield one("refused without a code", "4.3", HASH, [frame("ERR")], "refuse", flags=["Refusal"], code="DEVICE")
    yield one("refused with a code in small letters", "4.3", HASH, [frame("ERR", "hex")], "refuse", flags=["Refusal"], code="DEVICE")
    yield one("refused, then done", "4.2", HASH, [frame("ERR", "DEVICE"), GOOD_HASH], "refuse", flags=["Refusal", "Stray"], code="DEVICE", comment="The second reply is ignored.")


def shapes():
    keyed = {"ATTEST": {"commitment": "11" * 32, "challenge": "22" * 32}, "KEY": {"context": "33" * 32}}
    calls = {"HASH": HASH, **{verb: {"verb": verb, **args} for verb, args in keyed.items()}}
    for verb, call in calls.items():
        good = "5a" * 32
        yield one(f"{verb} of 64 digits", "5", call, [frame("OK", good)], "accept", flags=["Normal"], value=good)
        wrong = {"63 digits": good[1:], "62 digits": good[2:], "65 digits": good + "5", "66 digits": good + "5a", "capitals": good.upper(), "no hex": "g" + good[1:], "0x": "0x" + good[2:]}
        for name, word in wrong.items():
            yield one(f"{verb} of {name}", "5", call, [frame("OK", word)], "refuse", flags=["Shape"])
        yield one(f"{verb} without a word", "5", call, [frame("OK")], "refuse", flags=["Shape"])
        yield one(f"{verb} with a word too many", "5", call, [frame("OK", good, good)], "refuse", flags=["Shape"])
        yield one(f"{verb} as a payload", "5", call, [frame("OK", payload=good)], "refuse", flags=["Shape"])
    yield one("RESET answered after the restart", "5.10", {"verb": "RESET"}, [frame("ERR", "BOOT", boot=OTHER)], "accept", flags=["Boot"], over=True,
              comment="Its reply was lost, and the repeat reached the restarted device: success, and the conversation is over.")  # fmt: skip
    yield one("RESET refused", "5.10", {"verb": "RESET"}, [frame("ERR", "BOOT")], "refuse", flags=["Refusal"], code="BOOT")
    for code in ("KEY", "VERB"):
        yield one(f"ATTEST without a key: {code}", "5", calls["ATTEST"], [frame("ERR", code)], "refuse", flags=["Refusal"], code=code)
    yield one("PING with words", "5.2", PING, [frame("OK", "x=1")], "refuse", flags=["Shape"], comment="Its reply has no words.")


def works():
    easy = proof(HEADER, EASY)
    rolled = proof(HEADER, EASY, 0x00002001)

    def work(id, lines, *outcomes, target=EASY, mask="00000000", flags=("Shape",), comment="", value=None):
        call = {"verb": "WORK", "header": HEADER.hex(), "target": target, "mask": mask, "deadline": 60000}
        more = {"value": value} if value is not None else {}
        return one(id, "5.6", call, lines, *outcomes, flags=flags, comment=comment, **more)

    def state(word, *more, id="{id}"):
        return frame("OK", id, word, "elapsedMs=12", "hashes=65536", *more)

    yield work("found", [state("found", f"nonce={easy}", "version=00000001")], "accept", flags=["Normal"], value=easy)
    yield work("found, the genesis block", [state("found", f"nonce={NONCE}", "version=00000001")], "accept", target=DIFFICULTY_1, flags=["Normal"], value=NONCE)
    yield work("found, with errors and mac", [state("found", "errors=3", f"nonce={easy}", "version=00000001", "mac=" + "ab" * 32)], "accept", flags=["Normal"], value=easy)
    yield work("found, keys in another order", [frame("OK", "{id}", "found", "version=00000001", "hashes=1", f"nonce={easy}", "colour=blue", "elapsedMs=1")], "accept", flags=["Later"], value=easy)
    yield work("found, version rolled", [state("found", f"nonce={rolled}", "version=00002001")], "accept", mask=MASK, flags=["Normal"], value=rolled)
    yield work("found, a nonce that proves nothing", [state("found", "nonce=00000000", "version=00000001")], "refuse", flags=["False"])
    yield work("found, a share below the target", [state("found", f"nonce={easy}", "version=00000001")], "refuse", target=DIFFICULTY_1, flags=["False"])
    swapped = bytes.fromhex(NONCE)[::-1].hex()
    yield work("found, nonce with its bytes swapped", [state("found", f"nonce={swapped}", "version=00000001")], "refuse", target=DIFFICULTY_1, flags=["False"])
    yield work("found, version rolled without a mask", [state("found", f"nonce={rolled}", "version=00002001")], "refuse", flags=["False"])
    yield work("found, version rolled outside the mask", [state("found", f"nonce={rolled}", "version=00002001")], "refuse", mask="1fffc000", flags=["False"])
    yield work("found, without a nonce", [state("found", "version=00000001")], "refuse")
    yield work("found, without a version", [state("found", f"nonce={easy}")], "refuse")
    yield work("found, nonce of 7 digits", [state("found", f"nonce={easy[1:]}", "version=00000001")], "refuse")
    yield work("found, nonce in capitals", [state("found", "nonce=7C2BAC1D", "version=00000001")], "refuse", target=DIFFICULTY_1)
    yield work("found, mac of 63 digits", [state("found", f"nonce={easy}", "version=00000001", "mac=" + "a" * 63)], "refuse")
    yield work("a state it does not know", [state("dreaming")], "refuse")
    yield work("without a state", [frame("OK", "{id}")], "refuse")
    yield work("the search of another id", [state("running", id="ffffffff")], "refuse")
    yield work("without elapsedMs", [frame("OK", "{id}", "running", "hashes=1")], "refuse")
    yield work("without hashes", [frame("OK", "{id}", "running", "elapsedMs=1")], "refuse")
    yield work("hashes of 21 digits", [frame("OK", "{id}", "running", "elapsedMs=1", "hashes=" + "1" * 21)], "refuse")
    yield work("hashes of 20 digits", [frame("OK", "{id}", "expired", "elapsedMs=1", "hashes=18446744073709551615")], "accept", flags=["Normal"], value="expired")
    for word in ("expired", "exhausted", "failed", "stopped"):
        yield work(f"{word}", [state(word)], "accept", flags=["Normal"], value=word)


def readings():
    call = {"verb": "HEALTH"}

    def health(id, words, *outcomes, flags=("Values",), value=None, comment=""):
        more = {"value": value} if value is not None else {}
        return one(id, "5.5", call, [frame("OK", *words)], *outcomes, flags=flags, comment=comment, **more)

    yield health("health", ["tempC=58.25", "uptimeS=12", "resetReason=power-on"], "accept", flags=["Normal"], value={"tempC": 58.25, "uptimeS": 12, "resetReason": "power-on"})
    yield health("health of nothing", [], "accept", value={}, comment="What is not known is absent, never 0.")
    yield health("health of zeros", ["errors=0", "fanRpm=0"], "accept", value={"errors": 0, "fanRpm": 0})
    yield health("health below zero", ["tempC=-5.5"], "accept", value={"tempC": -5.5})
    yield health("health of a later version", ["tempC=1", "mood=good", "blue"], "accept", flags=["Later"], value={"tempC": 1})
    yield health("health with a later reset reason", ["resetReason=cosmic-ray"], "accept", flags=["Later"], value={"resetReason": "cosmic-ray"})
    for word in ("hot", "", "1e3", "+5", "0x10", "5.1234", "NaN", "5,5"):
        yield health(f"health with tempC of {word or 'nothing'}", [f"tempC={word}"], "refuse", "accept", flags=["Shape"], value={}, comment="At most the value is left out.")
    yield health("health with a reset reason in capitals", ["resetReason=PANIC"], "refuse", "accept", flags=["Shape"], value={}, comment="At most the value is left out.")
