#!/usr/bin/env python3
"""Many receipts in one process, for the tests: a JSON request a line on stdin, a JSON answer a line on stdout.

`--plain` takes the plain Python signatures even where a package could be imported.
"""
import json
import sys

import ed25519
import verify

if "--plain" in sys.argv[1:]:
    ed25519.verify = ed25519.verify_plain


def unhex(digits):
    return None if digits is None else bytes.fromhex(digits)


def receipt(request):
    found = verify.verify(
        bytes.fromhex(request["receiptHex"]),
        request["trustedKeys"],
        unhex(request.get("rasterDigest")),
        unhex(request.get("fileDigest")),
        request.get("minDifficulty"),
    )
    return {"exitCode": found["exitCode"], "checks": found["checks"]}


def commitment(request):
    text = verify.canonical(request["result"])
    return {"canonical": text.decode("utf-8"), "commitment": verify.tagged("lv06/commitment/1", text).hex()}


def inclusion(request):
    path = [bytes.fromhex(node) for node in request["path"]]
    leaf, root = bytes.fromhex(request["leaf"]), bytes.fromhex(request["root"])
    return verify.leads_to_root(leaf, request["index"], path, request["size"], root)


ANSWERS = {"receipt": receipt, "commitment": commitment, "inclusion": inclusion}

for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(ANSWERS[asked["kind"]](asked)))
