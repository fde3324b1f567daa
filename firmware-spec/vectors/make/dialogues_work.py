"""Dialogues about WORK. The ASIC is scripted: what it says so many milliseconds after a search's start."""

from .answers import ask, err, maybe, search, step, wait
from .basics import GENESIS, sha
from .codec import BOOT
from .dialogues_board import mac, tag
from .dialogues_line import HELLO, HELLOED, many, one

ID, OTHER = "0000000a", "0000000b"
HEADER = GENESIS[:76] + bytes(4)
DIFFICULTY_1 = "00000000ffff" + "00" * 26
EASY = "0000ffff" + "00" * 28
NONCE = "7c2bac1d"
HASHES = "4294967296"
MASK = "1fffe000"


def proof(header: bytes, target: str, version: int | None = None) -> str:
    """The least nonce that meets `target`, as WORK writes it."""
    head = header if version is None else version.to_bytes(4, "little") + header[4:]
    limit, nonce = int(target, 16), 0
    while int.from_bytes(sha(sha(head[:76] + nonce.to_bytes(4, "little"))), "little") > limit:
        nonce += 1
    return f"{nonce:08x}"


def found_mac(header: bytes, nonce: str, version: str = "00000001") -> str:
    found = int(version, 16).to_bytes(4, "little") + header[4:76] + int(nonce, 16).to_bytes(4, "little")
    return mac(tag("lv06/work/1") + found + bytes.fromhex(BOOT))


def start(seq=9, id=ID, header=HEADER, target=DIFFICULTY_1, mask="00000000", deadline="60000"):
    return ask(seq, f"WORK START {id} {header.hex()} {target} {mask} {deadline}")


def status(seq, id=ID):
    return ask(seq, f"WORK STATUS {id}")


def stop(seq, id=ID):
    return ask(seq, f"WORK STOP {id}")


def says(at, nonce, version="00000001", hashes=HASHES):
    return {"atMs": at, "say": "nonce", "nonce": nonce, "version": version, "hashes": hashes}


AT_ONCE = {"asic": [says(12, NONCE)]}
BEGUN = step(start(), search(9, ID, "running", 0, 5))
FOUND = {"hashes": HASHES, "errors": "0", "nonce": NONCE, "version": "00000001", "mac": found_mac(HEADER, NONCE)}
NEVER = {"asic": []}
BAUD_OK = {"seq": "0008", "verb": "OK", "boot": BOOT, "words": ["460800"]}
PONG = {"seq": "000d", "verb": "OK", "boot": BOOT, "words": []}


def running(count: int) -> list:
    """Notices while a search runs: SHOULD, so that a device may leave them out."""
    return [maybe(search(0, ID, "running", 0, 10**7)) for _ in range(count)]


def cases():
    yield from lives()
    yield from ends()
    yield from proofs()
    yield from words()


def work(id, verdict, steps, *flags, comment="", device=NEVER, spec="5.6"):
    return many(id, spec, verdict, steps, [*flags, "Scripted"], comment, device=device)


def lives():
    over = search(10, ID, "found", 12, 112, **FOUND)
    notice = search(0, ID, "found", 12, 112, **FOUND)
    yield work("work of the specification", "valid", [BEGUN, wait(200, notice), step(status(10), over)], "Normal", device=AT_ONCE,
               comment="With the vectors' key there is a mac, as in section 13.")  # fmt: skip
    yield work("status while it runs", "valid", [BEGUN, wait(500), step(status(10), search(10, ID, "running", 500, 600))], "Normal",
               comment="No errors so far: 0, or absent.")  # fmt: skip
    same = step(status(10), search(10, ID, "found", 12, 112, **FOUND))
    yield work("a result stays", "valid", [BEGUN, wait(200, notice), same, wait(60000), same, same], "State", device=AT_ONCE, comment="Time no longer counts, and no second notice comes.")
    yield work("hello does not end a search", "valid", [BEGUN, step(HELLO, HELLOED), step(status(10), search(10, ID, "running", 0, 50)), wait(200, notice)], "State", device=AT_ONCE)
    yield work("a result outlives hello", "valid", [BEGUN, wait(200, notice), step(HELLO, HELLOED), same], "State", device=AT_ONCE)
    booted = {"restart": True, "expect": [{"seq": "0000", "verb": "BOOT", "boot": "1a2b3c4e", "words": [["power-on", "unknown"]]}]}
    yield work("restart ends a search", "valid", [BEGUN, booted, step(status(10), {**err(10, "STATE"), "boot": "1a2b3c4e"})], "State")
    again = step(start(), search(9, ID, "running", 100, 110))
    yield work("start twice", "valid", [BEGUN, wait(100), again, wait(1000), step(status(10), search(10, ID, "running", 1100, 1150))], "Repeat", spec="4.2")
    other = step(start(target=EASY, deadline="1"), search(9, ID, "running", 100, 110))
    yield work("start of the present id with other words", "valid", [BEGUN, wait(100), other, wait(1000), step(status(10), search(10, ID, "running", 1100, 1150))], "Repeat",
               comment="Whatever else it says, nothing changes: the new deadline of 1 ms neither.")  # fmt: skip
    yield work("start of a search that was found", "valid", [BEGUN, wait(200, notice), step(start(), search(9, ID, "found", 12, 112, **FOUND))], "Repeat", device=AT_ONCE)
    replaced = [BEGUN, wait(100), step(start(11, OTHER), search(11, OTHER, "running", 0, 5)), step(status(10), err(10, "STATE")),
                step(status(12, OTHER), search(12, OTHER, "running", 0, 50))]  # fmt: skip
    yield work("start of another id replaces", "valid", replaced, "State", comment="The search before is forgotten.")
    after = [BEGUN, wait(200, notice), step(start(11, OTHER), search(11, OTHER, "running", 0, 5)), wait(200, search(0, OTHER, "found", 12, 112, **FOUND))]
    yield work("start after a result", "valid", after, "State", device=AT_ONCE)
    yield work("image and search do not meet", "valid", [BEGUN, step([ask(5, "IMAGE NEW 0000000a 4 4"), ask(6, "PING")], {"seq": "0005", "verb": "OK", "boot": BOOT, "words": []},
               {"seq": "0006", "verb": "OK", "boot": BOOT, "words": []}), step(status(10), search(10, ID, "running", 0, 50))], "State")  # fmt: skip
    long = [BEGUN, wait(10500, *running(6)), step(status(10), search(10, ID, "running", 10500, 10600))]
    yield work("notices while it runs", "valid", long, "Clock", comment="One every 2 s or so (SHOULD).")


def ends():
    quiet = maybe(search(0, ID, "stopped", 0, 200))
    ended = step(stop(10), search(10, ID, "stopped", 100, 110))
    same = step(status(12), search(12, ID, "stopped", 100, 120))
    yield work("stop", "valid", [BEGUN, wait(100), {**ended, "expect": [*ended["expect"], quiet]}, wait(3000, quiet), same], "Normal")
    twice = step([stop(10), stop(10)], search(10, ID, "stopped", 100, 110), search(10, ID, "stopped", 100, 110), quiet)
    yield work("stop twice", "valid", [BEGUN, wait(100), twice], "Repeat", spec="4.2")
    notice = search(0, ID, "found", 12, 112, **FOUND)
    yield work("stop of a search that was found", "valid", [BEGUN, wait(200, notice), step(stop(10), search(10, ID, "found", 12, 112, **FOUND))], "State", device=AT_ONCE)
    yield work("a nonce after stop", "valid", [BEGUN, step(stop(10), search(10, ID, "stopped", 0, 10), quiet), wait(200), same | step(status(12), search(12, ID, "stopped", 0, 20))],
               "State", device=AT_ONCE)  # fmt: skip
    again = step(start(), search(9, ID, "stopped", 100, 120))
    yield work("start of a stopped id", "valid", [BEGUN, wait(100), {**ended, "expect": [*ended["expect"], quiet]}, again], "Repeat", comment="It changes nothing: to search again takes another id.")
    expired = step(start(deadline="1000"), search(9, ID, "running", 0, 5))
    late = search(0, ID, "expired", 1000, 1100)
    yield work("expired", "valid", [expired, wait(990), wait(200, late), step(status(10), search(10, ID, "expired", 1000, 1100))], "Clock")
    yield work("expired, no second notice", "valid", [expired, wait(1200, late), wait(10000)], "Clock")
    yield work("expired, a repeated start", "valid", [expired, wait(1200, late), step(start(deadline="1000"), search(9, ID, "expired", 1000, 1100))], "Repeat", "Clock")
    least = step(start(deadline="1"), search(9, ID, "running", 0, 5))
    yield work("deadline of 1 ms", "valid", [least, wait(120, search(0, ID, "expired", 1, 101))], "Limit", "Clock")
    yield work("deadline of an hour", "valid", [step(start(deadline="3600000"), search(9, ID, "running", 0, 5))], "Limit")
    empty = {"asic": [{"atMs": 50, "say": "exhausted", "hashes": HASHES}]}
    yield work("exhausted", "valid", [BEGUN, wait(300, search(0, ID, "exhausted", 50, 150, hashes=HASHES)), step(status(10), search(10, ID, "exhausted", 50, 150, hashes=HASHES))],
               "State", device=empty)  # fmt: skip
    broken = {"asic": [{"atMs": 50, "say": "failed", "hashes": "0"}]}
    yield work("failed", "valid", [BEGUN, wait(300, search(0, ID, "failed", 50, 150)), step(status(10), search(10, ID, "failed", 50, 150))], "State", device=broken)
    busy = {"asic": [], "faults": ["busy"]}
    yield work("asic that is not free", "invalid", [step(start(), err(9, "BUSY")), step(status(10), err(10, "STATE"))], "State", device=busy, comment="Nothing was done.")
    once = {"asic": [], "asicStarts": 1}
    refused = [BEGUN, wait(100), step(start(11, OTHER), err(11, "BUSY", "DEVICE")), step(status(10), search(10, ID, "running", 100, 150)), step(status(12, OTHER), err(12, "STATE"))]
    yield work("start of another id that fails", "invalid", refused, "State", device=once, comment="The present search then stays as it is.")
    yield work("start of the present id of an asic that is not free", "valid", [BEGUN, wait(100), step(start(), search(9, ID, "running", 100, 150))], "Repeat", device=once,
               comment="Never BUSY.")  # fmt: skip
    bad = step(start(deadline="0"), err(9, "ARGS"))
    yield work("start of the present id with words that are not well-formed", "invalid", [BEGUN, bad, step(status(10), search(10, ID, "running", 0, 50))], "State")
    yield work("a search goes on through a change of rate", "valid", [BEGUN, step(ask(8, "BAUD 460800"), BAUD_OK, rate=460800), wait(200, rate=460800),
               {"send": [ask(13, "PING")], "advanceMs": 200, "expect": [PONG, search(0, ID, "found", 12, 112, **FOUND)], "rate": 460800}], "Clock", device=AT_ONCE,
               spec="5.9", comment="During the trial the device sends nothing but answers: the notice comes after it.")  # fmt: skip
    back = [BEGUN, step(ask(8, "BAUD 460800"), BAUD_OK, rate=460800), wait(450), wait(400, search(0, ID, "found", 12, 112, **FOUND), rate=115200)]
    yield work("a search goes on through a rate that fails", "valid", back, "Clock", device=AT_ONCE, spec="5.9")
    yield work("start that is refused, asked again", "valid", [step(start(deadline="0"), err(9, "ARGS")), step(status(10), err(10, "STATE")), BEGUN], "State")


def proofs():
    easy = proof(HEADER, EASY)
    rolled = 0x00002001
    other = proof(HEADER, EASY, rolled)
    assert proof(HEADER, EASY) != other

    def meets(id, verdict, asic, target, mask, steps, comment=""):
        begin = step(start(target=target, mask=mask), search(9, ID, "running", 0, 5))
        return work(id, verdict, [begin, *steps], "Proof", comment=comment, device={"asic": asic})

    def found(nonce, version="00000001"):
        keys = {"hashes": HASHES, "errors": "0", "nonce": nonce, "version": version, "mac": found_mac(HEADER, nonce, version)}
        return wait(300, search(0, ID, "found", 12, 112, **keys))

    def not_found(count):
        return [wait(300, *running(1)), step(status(10), search(10, ID, "running", 300, 400, errors=str(count)))]

    yield meets("easy target", "valid", [says(12, easy)], EASY, "00000000", [found(easy)], "The least nonce at 2^-16 of difficulty 1.")
    hashed = int.from_bytes(sha(sha(HEADER[:76] + int(easy, 16).to_bytes(4, "little"))), "little")
    exact = f"{hashed:064x}"
    yield meets("hash equal to the target", "valid", [says(12, easy)], exact, "00000000", [found(easy)], "At most the target: equal is enough.")
    yield meets("hash one above the target", "invalid", [says(12, easy)], f"{hashed - 1:064x}", "00000000", not_found(0), "No result, and no error: honest ASICs report such nonces.")
    yield meets("hash at twice the target", "invalid", [says(12, easy)], f"{(hashed + 1) // 2:064x}", "00000000", not_found(0))
    yield meets("hash above twice the target", "invalid", [says(12, easy)], f"{hashed // 2 - 1:064x}", "00000000", not_found(1), "An error, though by a hair.")
    yield meets("nonce that proves nothing", "invalid", [says(12, "00000000")], DIFFICULTY_1, "00000000", not_found(1))
    swapped = bytes.fromhex(NONCE)[::-1].hex()
    yield meets("nonce with its bytes swapped", "invalid", [says(12, swapped)], DIFFICULTY_1, "00000000", not_found(1), "1dac2b7c, as it stands in the header, is not the number 7c2bac1d.")
    late = [says(12, "00000000"), says(40, "00000001"), says(70, NONCE)]
    twice = search(0, ID, "found", 70, 170, **{**FOUND, "errors": "2"})
    yield meets("two wrong nonces, then a right one", "valid", late, DIFFICULTY_1, "00000000", [wait(300, twice)], "The search goes on.")
    yield meets("version changed within the mask", "valid", [says(12, other, f"{rolled:08x}")], EASY, MASK, [found(other, f"{rolled:08x}")], "The mac is over the header that was found.")
    yield meets("version changed outside the mask", "invalid", [says(12, other, f"{rolled:08x}")], EASY, "1fffc000", not_found(1), "It MUST change nothing else.")
    yield meets("version changed without a mask", "invalid", [says(12, other, f"{rolled:08x}")], EASY, "00000000", not_found(1))
    noise = HEADER[:76] + b"\xff\xff\xff\xff"
    steps = [step(start(header=noise), search(9, ID, "running", 0, 5)), wait(200, search(0, ID, "found", 12, 112, **FOUND))]
    yield work("header with a nonce", "valid", steps, "Proof", device=AT_ONCE, comment="The header's nonce bytes are ignored.")
    bare = {**AT_ONCE, "without": ["key"]}
    plain = {key: value for key, value in FOUND.items() if key != "mac"}
    steps = [BEGUN, wait(200, search(0, ID, "found", 12, 112, absentKeys=["mac"], **plain))]
    yield work("found without a key", "valid", steps, "Secret", device=bare, comment="No mac.")


def words():
    def bad(id, line, *codes, comment=""):
        return one(id, "5.6", "invalid", ask(9, line), err(9, *codes or ("ARGS",)), comment=comment)

    good = [HEADER.hex(), DIFFICULTY_1, "00000000", "60000"]
    for words, name in (("WORK", "without words"), ("WORK FOO 0000000a", "of an unknown kind"), ("WORK start 0000000a", "in small letters"), ("WORK START", "start only"),
                        (f"WORK START {ID} {' '.join(good[:3])}", "without a deadline"), (f"WORK START {ID} {' '.join(good)} x", "with a word too many"),
                        ("WORK STATUS", "status only"), (f"WORK STATUS {ID} x", "status and a word"), ("WORK STOP", "stop only"), (f"WORK STOP {ID} x", "stop and a word")):  # fmt: skip
        yield bad(f"work {name}", words)
    for deadline in ("0", "3600001", "1000000000", "060000", "-1", "1.5", "x"):
        yield bad(f"work with deadline {deadline}", f"WORK START {ID} {' '.join(good[:3])} {deadline}")
    wrong = {
        "id of 7 digits": ("0000000", *good),
        "id of 9 digits": ("0000000aa", *good),
        "id in capitals": ("0000000A", *good),
        "header of 79 bytes": (ID, good[0][2:], *good[1:]),
        "header of 81 bytes": (ID, good[0] + "00", *good[1:]),
        "header of 159 digits": (ID, good[0][1:], *good[1:]),
        "header in capitals": (ID, good[0].upper(), *good[1:]),
        "target of 31 bytes": (ID, good[0], good[1][2:], *good[2:]),
        "target of 33 bytes": (ID, good[0], good[1] + "00", *good[2:]),
        "target that is not hexadecimal": (ID, good[0], "g" + good[1][1:], *good[2:]),
        "mask of 7 digits": (ID, *good[:2], "0000000", good[3]),
        "mask of 9 digits": (ID, *good[:2], "000000000", good[3]),
    }
    for name, each in wrong.items():
        yield bad(f"work with {name}", f"WORK START {' '.join(each)}", "ARGS")
    yield one("work with a payload", "5", "invalid", ask(9, f"WORK STATUS {ID}", b"x"), err(9, "ARGS"))
    yield one("status without a search", "5.6", "invalid", status(9), err(9, "STATE"), flags=["State"])
    yield one("stop without a search", "5.6", "invalid", stop(9), err(9, "STATE"), flags=["State"])
    yield work("status of another id", "invalid", [BEGUN, step(status(10, OTHER), err(10, "STATE"))], "State")
    yield work("stop of another id", "invalid", [BEGUN, step(stop(10, OTHER), err(10, "STATE")), step(status(11), search(11, ID, "running", 0, 50))], "State")
