"""Dialogues about HEALTH, ATTEST, KEY, BAUD, LOG, RESET, and about devices that lack something."""

import hashlib
import hmac

from .answers import TEXT, ask, err, maybe, nak, ok, step, wait
from .basics import root, sha
from .cases import text
from .codec import BOOT, frame
from .dialogues_line import CAPS, HELLO, SENSORS, many, one

KEY = bytes(range(32))

# What a board says behind a RESET; the vectors' device only counts it.
RESTARTED = {"seq": "0000", "verb": "BOOT", "boot": "1a2b3c4e", "words": [["software", "unknown"]], "optional": True}


def cases():
    yield from healths()
    yield from keys()
    yield from rates()
    yield from boards()
    yield from capabilities()


def healths():
    keys = {name: f"{value}" for name, value in SENSORS.items()}
    full = {**keys, "uptimeS": {"min": 12, "max": 13}, "resetReason": "power-on"}
    yield many("health", "5.5", "valid", [step(ask(5, "HEALTH"), ok(5, keys=full, absentKeys=["vrTempC", "fanRpm"]))], ["Values", "Scripted"],
               "What is not known is absent; errors are known to be 0.")  # fmt: skip
    shape = {"pattern": "^(0|[1-9][0-9]{0,8})(\\.[0-9]{0,2}[1-9])?$"}
    yield many("health of a board", "5.5", "valid", [step(ask(5, "HEALTH"), ok(5, keys={"uptimeS": shape}))], ["Normal"])
    for name, milli, value in (("tempC", -5250, -5.25), ("tempC", -500, -0.5), ("tempC", 1, 0.001), ("tempC", 1050, 1.05), ("tempC", 0, 0), ("tempC", -40000, -40),
                               ("freeHeapB", 8388608000, 8388608), ("errors", 5 * 10**12, 999999999), ("fanRpm", 0, 0), ("vrTempC", 71125, 71.125)):  # fmt: skip
        reply = ok(5, keys={name: f"{value}"})
        yield many(f"health with {name}={value}", "5.5", "valid", [step(ask(5, "HEALTH"), reply)], ["Values", "Scripted"], device={"milli": {name: milli}})
    grown = [step(ask(5, "HEALTH"), ok(5, keys={"uptimeS": {"min": 12, "max": 13}})), wait(5000), step(ask(6, "HEALTH"), ok(6, keys={"uptimeS": {"min": 17, "max": 18}}))]
    yield many("health counts its uptime", "5.5", "valid", grown, ["Values", "Clock", "Scripted"])
    yield one("health with a word", "5.5", "invalid", ask(5, "HEALTH x"), err(5, "ARGS"))
    yield one("health with a payload", "5", "invalid", ask(5, "HEALTH", b"x"), err(5, "ARGS"))


def mac(message: bytes) -> str:
    return hmac.new(KEY, message, hashlib.sha256).hexdigest()


def tag(name: str) -> bytes:
    return name.encode().ljust(16, b"\0")


def keys():
    commitment, challenge = sha(b"commitment"), sha(b"challenge")
    boot = bytes.fromhex(BOOT)
    known = mac(tag("lv06/attest/1") + commitment + challenge + boot)
    request = f"ATTEST {commitment.hex()} {challenge.hex()}"
    yield one("attest", "5.7", "valid", ask(6, request), ok(6, known), flags=["Secret"], comment="Key 00 01 … 1f, boot id 1a2b3c4d. On a board the key is another.")
    swapped = mac(tag("lv06/attest/1") + challenge + commitment + boot)
    yield one("attest with both swapped", "5.7", "valid", ask(6, f"ATTEST {challenge.hex()} {commitment.hex()}"), ok(6, swapped), flags=["Secret"])
    zeros = mac(tag("lv06/attest/1") + bytes(64) + boot)
    yield one("attest of zeros", "5.7", "valid", ask(6, f"ATTEST {'00' * 32} {'00' * 32}"), ok(6, zeros), flags=["Secret"])
    yield one("attest twice", "4.2", "valid", [ask(6, request)] * 2, ok(6, known), ok(6, known), flags=["Secret", "Repeat"])
    later = mac(tag("lv06/attest/1") + commitment + challenge + bytes.fromhex("1a2b3c4e"))
    restarted = [{"restart": True, "expect": [{"seq": "0000", "verb": "BOOT", "boot": "1a2b3c4e", "words": [["power-on", "unknown"]], "optional": True}]}, step(ask(6, request), ok(6, later, boot="1a2b3c4e"))]
    yield many("attest after a restart", "5.7", "valid", restarted, ["Secret"], "The boot id is part of the message.")
    for word in (challenge, bytes(32)):
        value = mac(tag("lv06/key/1") + word + b"\x01")
        yield one(f"key for {word.hex()[:8]}", "5.7", "valid", ask(7, f"KEY {word.hex()}"), ok(7, value), flags=["Secret"], comment="HKDF-Expand of RFC 5869, 32 bytes.")
    hex64 = commitment.hex()
    for words, name in (("", "without words"), (hex64, "without a challenge"), (f"{hex64} {hex64} {hex64}", "with a word too many")):
        yield one(f"attest {name}", "5.7", "invalid", ask(6, f"ATTEST {words}" if words else "ATTEST"), err(6, "ARGS"))
    for bad, name in ((hex64[:-1], "of 63 digits"), (hex64[:-2], "of 62 digits"), (hex64 + "0", "of 65 digits"), (hex64 + "00", "of 66 digits"), (hex64.upper(), "in capitals"), ("g" + hex64[1:], "no hex")):
        yield one(f"attest with a commitment {name}", "5.7", "invalid", ask(6, f"ATTEST {bad} {hex64}"), err(6, "ARGS"))
        yield one(f"key with a context {name}", "5.7", "invalid", ask(7, f"KEY {bad}"), err(7, "ARGS"))
    yield one("attest with a payload", "5", "invalid", ask(6, request, b"x"), err(6, "ARGS"))
    yield one("key without a word", "5.7", "invalid", ask(7, "KEY"), err(7, "ARGS"))
    yield one("key with two words", "5.7", "invalid", ask(7, f"KEY {hex64} {hex64}"), err(7, "ARGS"))
    none = {"without": ["key"]}
    steps = [step(ask(6, request), err(6, "KEY")), step(ask(7, f"KEY {hex64}"), err(7, "KEY"))]
    yield many("attest and key without a key", "5", "invalid", steps, ["Secret", "Capability", "Scripted"], "KEY, not VERB, though neither is announced.", device=none)
    steps = [step(ask(6, "ATTEST x"), err(6, "ARGS")), step(ask(7, "KEY"), err(7, "ARGS"))]
    yield many("attest and key with bad words, without a key", "4.3", "invalid", steps, ["Order", "Capability", "Scripted"], "ARGS comes before KEY.", device=none)


def rates():
    pong = ok(9)
    ping = ask(9, "PING")

    def baud(id, steps, comment="", verdict="valid", flags=("Clock",)):
        return many(id, "5.9", verdict, steps, list(flags), comment)

    climb = step(ask(8, "BAUD 460800"), ok(8, "460800"), rate=460800)
    yield baud("baud, confirmed", [climb, wait(10), step(ping, pong, rate=460800), wait(5000, rate=460800)])
    yield baud("baud, never confirmed", [climb, wait(400, rate=460800), wait(300, rate=115200), step(ping, pong, rate=115200)], "500 ms after the reply's last byte.")
    early = [step([ask(8, "BAUD 460800"), ping], ok(8, "460800"), rate=460800), wait(700, rate=115200), step(ping, pong, rate=115200)]
    yield baud("baud, and a request behind it", early, "It came at the old rate: it is dropped, and confirms nothing.")
    yield baud("baud, confirmed late", [climb, wait(400), step(ping, pong), wait(2000, rate=460800)])
    damaged = step("~0009 PING 00000000", rate=460800)
    yield baud("baud, only damage heard", [climb, damaged, wait(700, rate=115200)], "Only a request confirms; the NAK is left out.")
    person = [climb, step("?", TEXT, rate=460800), wait(700, rate=115200)]
    yield baud("baud, only a person heard", person, "The device answers `?` during the trial; it is no request, and does not confirm.")
    echo = text(frame(9, "OK", BOOT))
    yield baud("baud, only an echo heard", [climb, step(echo), wait(700, rate=115200)], "Frames that are no requests do not confirm.")
    yield baud("baud, an unknown request confirms", [climb, step(ask(9, "FLASH"), err(9, "VERB")), wait(700, rate=460800)], "A request read at the new rate is enough.")
    echoes = [climb, step(ping, pong), *([wait(3000), step(echo)] * 3), wait(1500, rate=115200)]
    yield baud("baud, 10 s of echoes", echoes, "The device's own words are no requests.")
    there = ask(5, "IMAGE NEW 00000007 1 1"), ask(6, "IMAGE ROWS 00000007 0 raw", b"x"), ask(7, "IMAGE ROOTS 00000007 1")
    kept = [step(there[0], ok(5)), step(there[1], ok(6)), climb, step(there[2], ok(7, f"1={root([sha(b'x')]).hex()}"))]
    yield baud("baud leaves the image alone", kept, flags=["State"])
    present = [climb, step(ping, pong), step(ask(8, "BAUD 460800"), ok(8, "460800"), rate=460800), wait(5000, rate=460800), step(ping, pong)]
    yield baud("baud, the present rate again", present, "It changes nothing: there is no trial to fail.")
    yield baud("baud, only log heard", [climb, step("AT+GCAP"), wait(700, rate=115200)])
    yield baud("baud, two LF before the request", [climb, wait(10), step(["", "", ping], pong), wait(2000, rate=460800)])
    quiet = [climb, step(ping, pong), wait(9000, rate=460800), wait(1500, rate=115200), step(ping, pong)]
    yield baud("baud, 10 s of silence", quiet, "Back to 115,200, whatever the rate before was.")
    alive = [climb, step(ping, pong), wait(9000), step(ping, pong), wait(9000, rate=460800), step(ping, pong, rate=460800)]
    yield baud("baud, a heartbeat every 9 s", alive)
    noisy = [climb, step(ping, pong), wait(6000), step("~0009 PING 00000000", nak("CRC")), wait(4500, rate=115200)]
    yield baud("baud, 10 s of damage", noisy, "Damaged lines are no good frames.")
    second = step(ask(8, "BAUD 921600"), ok(8, "921600"), rate=921600)
    yield baud("baud, second step fails", [climb, step(ping, pong), second, wait(700, rate=460800), step(ping, pong), wait(2000, rate=460800)], "Back to the rate before, not to 115,200.")
    yield baud("baud, second step as confirmation", [climb, second, wait(700, rate=460800)], "The second BAUD was a good frame at the first rate.")
    yield baud("baud, down again", [climb, step(ping, pong), step(ask(8, "BAUD 115200"), ok(8, "115200"), rate=115200), step(ping, pong), wait(20000, rate=115200)])
    yield baud("baud, the present rate", [step(ask(8, "BAUD 115200"), ok(8, "115200"), rate=115200), wait(700, rate=115200), step(ping, pong)])
    yield baud("baud at 115200 needs no heartbeat", [step(ping, pong, rate=115200), wait(30000, rate=115200), step(ping, pong, rate=115200)])
    again = step(ask(8, "BAUD 460800"), ok(8, "460800"), rate=460800)
    yield baud("baud twice", [climb, again, step(ping, pong), wait(1000, rate=460800)], flags=["Repeat", "Clock"])
    booted = {"restart": True, "rate": 115200, "expect": [{"seq": "0000", "verb": "BOOT", "boot": "1a2b3c4e", "words": [["power-on", "unknown"]], "optional": True}]}
    yield baud("baud, restart", [climb, step(ping, pong), booted], "Every start is at 115,200.", flags=["State"])
    for word in ("9600", "230400", "0", "0460800", "460800.0", "+460800", "fast", "1000000000"):
        yield baud(f"baud {word}", [step(ask(8, f"BAUD {word}"), err(8, "ARGS"), rate=115200)], verdict="invalid", flags=["Arguments"])
    yield baud("baud without a rate", [step(ask(8, "BAUD"), err(8, "ARGS"))], verdict="invalid", flags=["Arguments"])
    yield baud("baud with two rates", [step(ask(8, "BAUD 460800 921600"), err(8, "ARGS"), rate=115200)], verdict="invalid", flags=["Arguments"])
    yield baud("baud with a payload", [step(ask(8, "BAUD 460800", b"x"), err(8, "ARGS"), rate=115200)], verdict="invalid", flags=["Arguments"])


def boards():
    for level in range(6):
        yield many(f"log {level}", "5.10", "valid", [step(ask(10, f"LOG {level}"), ok(10), log=level)], ["Normal"])
    for word in ("6", "-1", "00", "x", "9999999999"):
        yield one(f"log {word}", "5.10", "invalid", ask(10, f"LOG {word}"), err(10, "ARGS"))
    yield one("log without a level", "5.10", "invalid", ask(10, "LOG"), err(10, "ARGS"))
    yield one("log with two levels", "5.10", "invalid", ask(10, "LOG 1 2"), err(10, "ARGS"))
    yield one("log with a payload", "5", "invalid", ask(10, "LOG 1", b"x"), err(10, "ARGS"))
    yield many("reset", "5.10", "valid", [step(ask(11, f"RESET {BOOT}"), ok(11)), wait(150, RESTARTED, restarts=1)], ["Clock"], "The reply comes first; the restart within 100 ms of it.")
    yield many("reset, and a request behind it", "5.10", "valid", [step([ask(11, f"RESET {BOOT}"), ask(9, "PING")], ok(11)), wait(150, RESTARTED, restarts=1)], ["State"],
               "What came after it is not answered.")  # fmt: skip
    yield many("reset of another boot", "5.10", "invalid", [step(ask(11, "RESET 1a2b3c4e"), err(11, "BOOT")), wait(150, restarts=0)], ["Repeat"])
    late = [{"restart": True, "expect": [{"seq": "0000", "verb": "BOOT", "boot": "1a2b3c4e", "words": [["power-on", "unknown"]], "optional": True}]},
            step(ask(11, f"RESET {BOOT}"), {**err(11, "BOOT"), "boot": "1a2b3c4e"}), wait(150, restarts=0)]  # fmt: skip
    yield many("reset repeated after the restart", "4.2", "valid", late, ["Repeat"], "It names the boot that has ended: no second restart.")
    yield one("reset without a boot", "5.10", "invalid", ask(11, "RESET"), err(11, "ARGS"))
    yield one("reset with two words", "5.10", "invalid", ask(11, f"RESET {BOOT} {BOOT}"), err(11, "ARGS"))
    yield one("reset with a payload", "5", "invalid", ask(11, f"RESET {BOOT}", b"x"), err(11, "ARGS"))
    for word, name in (("1a2b3c4", "7 digits"), ("1A2B3C4D", "capitals"), ("1a2b3c4dd", "9 digits"), ("restart!", "no hex")):
        yield one(f"reset with {name}", "5.10", "invalid", ask(11, f"RESET {word}"), err(11, "ARGS"))


def capabilities():
    asked = {
        "batch": (ask(4, "BATCH 1 root", b"x"), 4),
        "image": (ask(4, "IMAGE NEW 00000007 4 4"), 4),
        "health": (ask(4, "HEALTH"), 4),
        "work": (ask(4, "WORK STATUS 0000000a"), 4),
        "baud": (ask(4, "BAUD 460800"), 4),
        "log": (ask(4, "LOG 1"), 4),
        "reset": (ask(4, f"RESET {BOOT}"), 4),
    }
    for name, (line, seq) in asked.items():
        if name == "batch":
            continue
        left = [each for each in CAPS.split(",") if each != name]
        hello = ok(1, keys={"caps": {"set": left}}, absentKeys={"image": ["maxImage"], "baud": ["rates"]}.get(name, []))
        yield many(f"device without {name}", "5", "invalid", [step(HELLO, hello), step(line, err(seq, "VERB"))], ["Capability", "Scripted"], device={"without": [name]})
    left = [each for each in CAPS.split(",") if each not in ("attest", "key")]
    hello = ok(1, keys={"caps": {"set": left}})
    yield many("device without a key", "5.7", "valid", [step(HELLO, hello)], ["Capability", "Scripted"], device={"without": ["key"]})
    hello = ok(1, keys={"maxImage": "50176"}, absentKeys=["inflate"])
    rows = ask(3, "IMAGE ROWS 00000007 0 deflate", b"\x03\0")
    steps = [step(HELLO, hello), step(ask(2, "IMAGE NEW 00000007 4 4"), ok(2)), step(rows, err(3, "ARGS"))]
    yield many("device that does not inflate", "5.8", "invalid", steps, ["Capability", "Scripted"], device={"without": ["inflate"]})
    hello = ok(1, keys={}, absentKeys=["simulated"])
    yield many("device that is an LV06", "5.1", "valid", [step(HELLO, hello)], ["Capability", "Scripted"], device={"without": ["simulated"]})
    fault = [step(ask(2, "HASH 616263"), err(2, "DEVICE"))]
    yield many("SHA unit that fails", "4.3", "invalid", fault, ["Capability", "Scripted"], device={"faults": ["sha"]})
    fault = [step(ask(6, f"ATTEST {'00' * 32} {'00' * 32}"), err(6, "DEVICE")), step(ask(7, f"KEY {'00' * 32}"), err(7, "DEVICE"))]
    yield many("HMAC unit that fails", "4.3", "invalid", fault, ["Capability", "Scripted"], device={"faults": ["hmac"]})
