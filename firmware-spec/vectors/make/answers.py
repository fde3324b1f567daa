"""How a dialogue's requests and the replies to them are written. `schema.json` and the README say what each form means."""

from .cases import text
from .codec import BOOT, frame


def ask(seq: int, line: str, payload: bytes | None = None) -> str:
    """A request's line: `ask(2, "HASH 616263")`."""
    return text(frame(seq, *line.split(" "), payload=payload))


def step(send=(), *expect, **more) -> dict:
    """One step: lines sent together (each gets its LF), and the replies to them in any order."""
    lines = [send] if isinstance(send, str) else list(send)
    return {"send": lines, "expect": list(expect), **more}


def wait(ms: int, *expect, **more) -> dict:
    return {"advanceMs": ms, "expect": list(expect), **more}


def ok(seq: int, *words, payload: bytes | None = None, keys: dict | None = None, boot: str = BOOT, **more) -> dict:
    out = {"seq": f"{seq:04x}", "verb": "OK", "boot": boot, "words": list(words)}
    if keys is not None:
        out["keys"] = keys
    if payload is not None:
        out["payload"] = payload.hex()
    return {**out, **more}


def err(seq: int, *codes: str, after: tuple = ()) -> dict:
    """An ERR with one of `codes`; the words for people are free."""
    code = codes[0] if len(codes) == 1 else list(codes)
    return {"seq": f"{seq:04x}", "verb": "ERR", "boot": BOOT, "words": [code, *after, "*"]}


def nak(*reasons: str) -> dict:
    reason = reasons[0] if len(reasons) == 1 else list(reasons)
    return {"seq": "0000", "verb": "NAK", "boot": BOOT, "words": [reason]}


def either(*replies: dict) -> dict:
    return {"anyOf": list(replies)}


def maybe(reply: dict) -> dict:
    return {**reply, "optional": True}


def search(seq: int, id: str, state: str, least: int, most: int, **keys) -> dict:
    """WORK's reply; as a notice where `seq` is 0. `least` … `most`: milliseconds since START; they stand still at its end."""
    still = {} if state == "running" else {"same": f"{id} {state}"}
    apart = {"absentKeys": keys.pop("absentKeys")} if "absentKeys" in keys else {}
    # Absent means 0, and a 0 may be left out.
    if keys.get("errors", "0") == "0":
        apart["optionalKeys"] = {"errors": keys.pop("errors", "0")}
    found = {"elapsedMs": {"min": least, "max": most, **still}, "hashes": keys.pop("hashes", {"min": 0, "max": 2**64}), **keys}
    reply = ok(seq, id, state, keys=found, **apart)
    return {**reply, "verb": "WORK"} if seq == 0 else reply


def number(value: float) -> dict:
    """A number however many decimals it is written with."""
    return {"min": value, "max": value}


TEXT = {"text": "*"}
