"""Lines and frames as SPEC section 3 says, a third time: beside the C core and the host, and from neither."""

import binascii
import re

BOOT = "1a2b3c4d"


def crc(data: bytes) -> str:
    return f"{binascii.crc32(data):08x}"


def cobs(data: bytes) -> bytes:
    """Section 3.4: consistent overhead byte stuffing, then every byte XOR 0A."""
    out, rest, ended = bytearray(), data, False
    while not ended:
        zero = rest.find(0)
        if 0 <= zero <= 253:
            group, rest = rest[:zero], rest[zero + 1 :]
        elif len(rest) >= 254:
            group, rest = rest[:254], rest[254:]
            ended = not rest
        else:
            group, ended = rest, True
        out += bytes([len(group) + 1]) + group
    return bytes(each ^ 0x0A for each in out)


def uncobs(payload: bytes) -> bytes | None:
    """The data of a payload, or None where a group reaches over its end."""
    coded, out, at = bytes(each ^ 0x0A for each in payload), bytearray(), 0
    while at < len(coded):
        count = coded[at]
        group = coded[at + 1 : at + count]
        if count == 0 or len(group) != count - 1:
            return None
        out += group
        at += count
        if count != 255 and at < len(coded):
            out.append(0)
    return bytes(out)


def sealed(head: bytes) -> bytes:
    """A line: what comes before the checksum, the space included, and the checksum."""
    return head + crc(head).encode()


def frame(seq: int, verb: str, *words: str, payload: bytes | None = None) -> bytes:
    """A line without its LF. `payload` is the data, before it is stuffed."""
    head = " ".join([f"~{seq:04x}", verb, *words]).encode("latin-1")
    return sealed(head + (b" :" + cobs(payload) if payload is not None else b"") + b" ")


WORD = re.compile(rb"[!-9;-~][!-~]*")
VERB = re.compile(rb"[A-Z][A-Z0-9_]{0,15}")


def read(line: bytes, holds: int) -> dict:
    """What a line without its LF is, for the first reason of section 3.5 that holds. The CR does not count."""
    line = line[:-1] if line.endswith(b"\r") else line
    if not line.startswith(b"~"):
        return {"kind": "log" if line else "empty"}
    if len(line) + 1 > holds:
        return {"kind": "discarded", "reason": "long"}
    colon = line.find(b" :")
    text = line if colon < 0 else line[:colon]
    if re.search(rb"[^ -~]", text):
        return {"kind": "discarded", "reason": "bytes"}
    if not re.fullmatch(rb"~[0-9a-f]{4} .+ [0-9a-f]{8}", line, re.DOTALL):
        return {"kind": "discarded", "reason": "form"}
    if crc(line[:-8]).encode() != line[-8:]:
        return {"kind": "discarded", "reason": "crc"}
    form = {"kind": "discarded", "reason": "form"}
    verb, *words = (line[6:-9] if colon < 0 else line[6 : max(colon, 6)]).split(b" ")
    if not VERB.fullmatch(verb) or not all(WORD.fullmatch(word) for word in words):
        return form
    found = {"kind": "frame", "seq": line[1:5].decode(), "verb": verb.decode(), "words": [word.decode() for word in words]}
    if colon < 0:
        return found
    data = uncobs(line[colon + 2 : -9])
    return {**found, "payload": data.hex()} if data else form
