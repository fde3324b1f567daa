#!/usr/bin/env python3
"""A second verifier of receipts, written from docs/receipt.md alone; it shares no code with the appliance.

Needs Python 3.9 and nothing else. Ed25519 comes from `cryptography` or `PyNaCl` where one of them can be imported,
otherwise from ed25519.py beside this file.

Exit codes: 0 valid, 1 invalid, 2 wrong arguments, 3 valid but the signer is unknown, 4 valid but simulated.
"""
import argparse
import hashlib
import json
import math
import re
import sys
from fractions import Fraction

import ed25519

RECEIPT_MAX_BYTES = 16384
RASTER_BYTES = 224 * 224
COUNT_MAX = 2**53 - 1
DIFFICULTY_1 = 65535 * 2**208
DEFAULT_MINIMUM = 256
CHECKS = (
    "form",
    "file",
    "raster",
    "commitment",
    "signature",
    "inclusion",
    "sealed-value",
    "seal-signature",
    "appliance",
    "work-header",
    "work-commitment",
    "work-difficulty",
    "minimum",
    "work-flag",
    "signer",
    "simulation",
)


class Malformed(Exception):
    """The file is no receipt; the text says why."""


class Usage(Exception):
    """What the verifier was given is wrong, not the receipt."""


def sha256(data):
    return hashlib.sha256(data).digest()


def tagged(tag, *parts):
    return sha256(tag.encode("ascii") + b"\x00" + b"".join(parts))


# --- form: types -----------------------------------------------------------------------------------------------------


def need(condition, where, what):
    if not condition:
        raise Malformed(f"{where}: {what}")


def text(pattern):
    compiled = re.compile(pattern, re.ASCII)

    def check(value, where):
        need(isinstance(value, str) and compiled.fullmatch(value) is not None, where, f"does not match {pattern}")

    return check


def whole(least, most):
    def check(value, where):
        # In Python True is an int.
        need(type(value) is int and least <= value <= most, where, f"is no whole number from {least} to {most}")

    return check


def one_of(*allowed):
    def check(value, where):
        need(isinstance(value, str) and value in allowed, where, f"is none of {', '.join(allowed)}")

    return check


def boolean(value, where):
    need(isinstance(value, bool), where, "is neither true nor false")


def name(value, where):
    need(isinstance(value, str) and 1 <= len(value) <= 64, where, "is not 1 to 64 characters")
    need(not any(0xD800 <= ord(char) <= 0xDFFF for char in value), where, "has half a surrogate pair")


def or_null(inner):
    def check(value, where):
        if value is not None:
            inner(value, where)

    return check


def list_of(inner, most):
    def check(value, where):
        need(isinstance(value, list) and len(value) <= most, where, f"is no list of at most {most}")
        for place, item in enumerate(value):
            inner(item, f"{where}.{place}")

    return check


def reasons(value, where):
    list_of(text("[A-Z0-9_]{1,64}"), 64)(value, where)
    need(value == sorted(value), where, "is not sorted")


def record(fields):
    def check(value, where):
        need(isinstance(value, dict), where, "is no object")
        odd = sorted(set(value) ^ set(fields))
        need(not odd, where, f"names missing or too many: {odd!r}")
        for key, inner in fields.items():
            inner(value[key], f"{where}.{key}")

    return check


HEX32 = text("[0-9a-f]{64}")
HEX64 = text("[0-9a-f]{128}")
COUNT = whole(0, COUNT_MAX)
FRACTION = text(r"0\.[0-9]{4}|1\.0000")
DIFFICULTY = text(r"(?!0$)(0|[1-9][0-9]{0,15})(\.[0-9]{0,31}[1-9])?")

RESULT = record(
    {
        "resultId": text("[A-Za-z0-9_-]{1,64}"),
        "sequence": whole(1, COUNT_MAX),
        "utcMs": COUNT,
        "appliance": name,
        "fileDigest": HEX32,
        "rasterDigest": HEX32,
        "attentionVersion": name,
        "attentionDigest": or_null(HEX32),
        "modelDigest": HEX32,
        "precision": name,
        "pattern": one_of("A", "B", "C", "none"),
        "label": or_null(name),
        "decision": or_null(one_of("positive", "negative")),
        "probability": or_null(FRACTION),
        "threshold": or_null(FRACTION),
        "assessed": boolean,
        "reasons": reasons,
        "simulated": boolean,
    }
)

SEAL = record(
    {
        "format": one_of("lv06/seal/1"),
        "appliance": name,
        "utcMs": COUNT,
        "sealedValue": HEX32,
        "root": HEX32,
        "size": whole(1, 1024),
        "previous": HEX32,
        "workProof": record(
            {
                "header": text("[0-9a-f]{160}"),
                "coinbase": text("([0-9a-f]{2}){1,1024}"),
                "branches": list_of(HEX32, 32),
            }
        ),
        "device": record({"kind": one_of("usb", "stratum"), "name": name, "simulated": boolean}),
        "difficulty": DIFFICULTY,
        "workVerified": boolean,
        "publicKey": HEX32,
        "intendedUse": one_of("research-only"),
        "signature": HEX64,
    }
)

RECEIPT = record(
    {
        "format": one_of("lv06/receipt/1"),
        "result": RESULT,
        "commitment": HEX32,
        "signature": HEX64,
        "inclusion": record({"index": whole(0, 1023), "path": list_of(HEX32, 10)}),
        "seal": SEAL,
        "intendedUse": one_of("research-only"),
    }
)


# --- form: the file --------------------------------------------------------------------------------------------------


def canonical(value):
    """RFC 8785 for values whose types were checked: names here are ASCII, numbers are whole."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def no_constant(word):
    raise Malformed(f"{word} is no JSON")


def read_receipt(data):
    if len(data) > RECEIPT_MAX_BYTES:
        raise Malformed(f"it has {len(data)} bytes, more than {RECEIPT_MAX_BYTES}")
    body = data[:-1] if data.endswith(b"\n") else data
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"it is no JSON in UTF-8: {error}") from error
    RECEIPT(value, "receipt")
    if canonical(value) != body:
        raise Malformed("it is not in canonical form (RFC 8785)")
    return value


# --- tree ------------------------------------------------------------------------------------------------------------


def leads_to_root(leaf, index, path, size, root):
    """RFC 9162, 2.1.3.2."""
    if index >= size:
        return False
    fn, sn = index, size - 1
    r = sha256(b"\x00" + leaf)
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = sha256(b"\x01" + p + r)
            while fn & 1 == 0 and fn != 0:
                fn >>= 1
                sn >>= 1
        else:
            r = sha256(b"\x01" + r + p)
        fn >>= 1
        sn >>= 1
    return sn == 0 and r == root


# --- work ------------------------------------------------------------------------------------------------------------


class Reader:
    """Takes bytes one after the other; ValueError where there are not enough."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, length):
        taken = self.data[self.at : self.at + length]
        if len(taken) != length:
            raise ValueError("too short")
        self.at += length
        return taken

    def compact_size(self):
        first = self.take(1)[0]
        if first < 0xFD:
            return first
        value = int.from_bytes(self.take(2), "little") if first == 0xFD else 0
        if value < 0xFD:
            raise ValueError("no compact size of the shortest form, or above 65535")
        return value


def script_of(coinbase):
    """The script of the only input, if the bytes are exactly one coinbase transaction; otherwise ValueError."""
    reader = Reader(coinbase)
    reader.take(4)
    if reader.take(37) != b"\x01" + bytes(32) + b"\xff" * 4:
        raise ValueError("it spends something")
    script = reader.take(reader.compact_size())
    reader.take(4)
    for _ in range(reader.compact_size()):
        reader.take(8)
        reader.take(reader.compact_size())
    reader.take(4)
    if reader.at != len(coinbase):
        raise ValueError("bytes after the transaction")
    return script


def pushed_value(coinbase):
    """The 32 bytes that the script pushes after the height, or None."""
    try:
        reader = Reader(script_of(coinbase))
        height = reader.take(1)[0]
        if not 1 <= height <= 5:
            return None
        reader.take(height)
        return reader.take(32) if reader.take(1) == b"\x20" else None
    except ValueError:
        return None


def merkle_root(coinbase, branches):
    r = sha256(sha256(coinbase))
    for branch in branches:
        r = sha256(sha256(r + branch))
    return r


def meets(hash_bytes, difficulty):
    return int.from_bytes(hash_bytes, "little") * difficulty <= DIFFICULTY_1


# --- checks ----------------------------------------------------------------------------------------------------------


def verdict(holds):
    return "passed" if holds else "failed"


def compared(given, stated):
    return "skipped" if given is None else verdict(given.hex() == stated)


def result_checks(receipt, options):
    result, seal, unhex = receipt["result"], receipt["seal"], bytes.fromhex
    commitment = unhex(receipt["commitment"])
    inclusion = receipt["inclusion"]
    path = [unhex(node) for node in inclusion["path"]]
    signed = ed25519.verify(unhex(seal["publicKey"]), commitment, unhex(receipt["signature"]))
    return {
        "file": compared(options["file_digest"], result["fileDigest"]),
        "raster": compared(options["raster_digest"], result["rasterDigest"]),
        "commitment": verdict(tagged("lv06/commitment/1", canonical(result)) == commitment),
        "signature": verdict(signed),
        "inclusion": verdict(
            leads_to_root(commitment, inclusion["index"], path, seal["size"], unhex(seal["root"]))
        ),
        "appliance": verdict(result["appliance"] == seal["appliance"]),
    }


def seal_checks(seal):
    unhex = bytes.fromhex
    size = seal["size"].to_bytes(8, "big")
    value = tagged("lv06/seal/1", unhex(seal["root"]), size, unhex(seal["previous"]))
    unsigned = {key: field for key, field in seal.items() if key != "signature"}
    signed = ed25519.verify(unhex(seal["publicKey"]), canonical(unsigned), unhex(seal["signature"]))
    return {
        "sealed-value": verdict(value == unhex(seal["sealedValue"])),
        "seal-signature": verdict(signed),
        "work-flag": verdict(not (seal["workVerified"] and seal["device"]["simulated"])),
    }


def minimum_check(seal, hash_bytes, minimum):
    if minimum is None and seal["device"]["simulated"]:
        return "skipped"
    return verdict(meets(hash_bytes, Fraction(DEFAULT_MINIMUM if minimum is None else minimum)))


def work_checks(seal, minimum):
    proof = seal["workProof"]
    header, coinbase = bytes.fromhex(proof["header"]), bytes.fromhex(proof["coinbase"])
    branches = [bytes.fromhex(branch) for branch in proof["branches"]]
    hash_bytes = sha256(sha256(header))
    return {
        "work-header": verdict(merkle_root(coinbase, branches) == header[36:68]),
        "work-commitment": verdict(pushed_value(coinbase) == bytes.fromhex(seal["sealedValue"])),
        "work-difficulty": verdict(meets(hash_bytes, Fraction(seal["difficulty"]))),
        "minimum": minimum_check(seal, hash_bytes, minimum),
    }


def exit_code(checks):
    if "failed" in checks.values():
        return 1
    if checks["signer"] == "unknown":
        return 3
    return 4 if checks["simulation"] == "simulated" else 0


def report(checks, detail):
    ordered = {key: checks[key] for key in CHECKS}
    code = exit_code(ordered)
    words = {0: "valid", 1: "invalid", 3: "signer-unknown", 4: "simulated"}
    return {"exitCode": code, "verdict": words[code], "checks": ordered, "detail": detail}


def verify(data, trusted=(), raster_digest=None, file_digest=None, minimum=None):
    """All checks of a receipt's bytes. Digests are 32 bytes or None; minimum is a float or None."""
    try:
        receipt = read_receipt(data)
    except Malformed as error:
        return report({**dict.fromkeys(CHECKS, "skipped"), "form": "failed"}, str(error))
    seal = receipt["seal"]
    simulated = receipt["result"]["simulated"] or seal["device"]["simulated"]
    checks = {
        "form": "passed",
        **result_checks(receipt, {"file_digest": file_digest, "raster_digest": raster_digest}),
        **seal_checks(seal),
        **work_checks(seal, minimum),
        "signer": "passed" if seal["publicKey"] in trusted else "unknown",
        "simulation": "simulated" if simulated else "passed",
    }
    return report(checks, "")


# --- command line ----------------------------------------------------------------------------------------------------


def read_trusted(content):
    keys = {}
    for number, line in enumerate(content.split("\n"), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = re.fullmatch(r"([0-9a-f]{64})(?:[ \t]+(.*))?", line, re.ASCII)
        if match is None:
            raise Usage(f"line {number} of the trusted keys is no key")
        keys[match[1]] = match[2] or ""
    return keys


def raster_digest_of(samples):
    if len(samples) != RASTER_BYTES:
        raise Usage(f"the raster has {len(samples)} bytes, not {RASTER_BYTES}")
    side = (224).to_bytes(2, "big")
    return tagged("lv06/raster/1", side, side, samples)


def read_minimum(words):
    try:
        number = float(words)
    except ValueError as error:
        raise Usage(f"{words} is no difficulty") from error
    if math.isfinite(number) and (number == 0 or 2.0**-32 <= number <= 2.0**208):
        return number
    raise Usage(f"difficulty {words} is neither 0 nor from 2^-32 to 2^208")


def read_file(path, most):
    with open(path, "rb") as file:
        return file.read(most)


def digest_of_file(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.digest()


def arguments():
    parser = argparse.ArgumentParser(description="Verifies a receipt offline.")
    parser.add_argument("receipt")
    parser.add_argument("--raster", help="the 50,176 bytes that lv06 infer --raster-out writes")
    parser.add_argument("--image", help="the image, compared as a file only")
    parser.add_argument("--trust", help="a file of trusted keys")
    parser.add_argument("--min-difficulty", help="default 256, and none for a simulated device's seal")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser.parse_args()


def verify_files(given):
    options = {}
    if given.trust is not None:
        options["trusted"] = read_trusted(read_file(given.trust, 65536).decode("utf-8"))
    if given.raster is not None:
        options["raster_digest"] = raster_digest_of(read_file(given.raster, RASTER_BYTES + 1))
    if given.image is not None:
        options["file_digest"] = digest_of_file(given.image)
    if given.min_difficulty is not None:
        options["minimum"] = read_minimum(given.min_difficulty)
    return verify(read_file(given.receipt, RECEIPT_MAX_BYTES + 1), **options)


def main():
    given = arguments()
    try:
        found = verify_files(given)
    except (Usage, OSError, ValueError) as error:
        print(f"verify.py: {error}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(found))
    else:
        for key, value in found["checks"].items():
            print(f"{value:10} {key}")
        print(f"{found['verdict']}{': ' + found['detail'] if found['detail'] else ''}")
    return found["exitCode"]


if __name__ == "__main__":
    sys.exit(main())
