/** Defects of the device's core: digests, trees, keys. */
import type { Mutant } from "../mutant.ts";

const REQUEST = "firmware-spec/core/request.c";
const HASH = "firmware-spec/core/hash.c";
const KEYS = "firmware-spec/core/keys.c";
const MERKLE = "firmware-spec/core/merkle.c";

const IN_CORE = { where: "core", hint: [], expected: ["model"] } as const;

export const CORE_HASH_MUTANTS: readonly Mutant[] = [
  {
    ...IN_CORE,
    id: "core/digest-reversed",
    what: "Digests of HASH have their bytes the other way round",
    edits: [
      {
        file: HASH,
        from: "    lv06_put_digest(&r->text, digest);\n  }\n}\n\n#if !LV06_MINIMAL",
        to: "    uint8_t other[LV06_DIGEST_SIZE];\n    for (size_t i = 0; i < sizeof other; i++) other[i] = digest[sizeof other - 1u - i];\n    lv06_put_digest(&r->text, other);\n  }\n}\n\n#if !LV06_MINIMAL",
      },
    ],
    expected: ["model"],
    hint: ["usb/hash/known-answers"],
  },
  {
    ...IN_CORE,
    id: "core/last-digest-of-a-batch-again",
    what: "BATCH gives the digest of the block before for its last block",
    edits: [
      {
        file: REQUEST,
        from: "if (!source(r, i, digest)) {",
        to: "if ((i == 0 || i + 1u < count) && !source(r, i, digest)) {",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/batch/digests"],
  },
  {
    ...IN_CORE,
    id: "core/long-block-hashed",
    what: "A block longer than maxBlock is hashed",
    edits: [{ file: HASH, from: "block.length / 2u > LV06_BLOCK_MAX", to: "block.length / 2u > 2u * LV06_BLOCK_MAX" }],
    hint: ["usb/hash/too-long"],
  },
  {
    ...IN_CORE,
    id: "core/leaf-tag-missing",
    what: "The device's tree hashes leaves without their tag",
    edits: [
      {
        file: MERKLE,
        from: "return sha256(context, message, sizeof message, hash);",
        to: "return sha256(context, message + 1, sizeof message - 1u, hash);",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/batch/root"],
  },
  {
    ...IN_CORE,
    id: "core/odd-leaf-duplicated",
    what: "The device's tree pairs an odd last leaf with itself, as Bitcoin's does",
    edits: [
      {
        file: MERKLE,
        from: "if (tree->leaves == 0) return false;",
        to: "if (tree->leaves == 0) return false;\n  if (tree->leaves > 1u && (tree->leaves & 1u) != 0) {\n    uint8_t *odd = tree->nodes[depth(tree->leaves) - 1u], copy[LV06_DIGEST_SIZE];\n    memcpy(copy, odd, sizeof copy);\n    if (!join(sha256, context, odd, copy)) return fail(tree);\n  }",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/batch/root"],
  },
  {
    ...IN_CORE,
    id: "core/challenge-left-out",
    what: "ATTEST's MAC does not hang on the challenge",
    edits: [
      {
        file: KEYS,
        from: 'put_mac(r, "lv06/attest/1", (lv06_span){data, sizeof data}',
        to: 'put_mac(r, "lv06/attest/1", (lv06_span){data, LV06_DIGEST_SIZE}',
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/attest/fresh"],
  },
  {
    ...IN_CORE,
    id: "core/boot-left-out-of-mac",
    what: "ATTEST's MAC is the same after a restart",
    edits: [
      {
        file: KEYS,
        from: "lv06_boot_bytes(r->core, boot);\n    put_mac",
        to: "memset(boot, 0, sizeof boot);\n    put_mac",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/attest/this-boot"],
  },
  {
    ...IN_CORE,
    id: "core/key-not-bound",
    what: "KEY gives one key for every context",
    edits: [
      {
        file: KEYS,
        from: 'put_mac(r, "lv06/key/1", (lv06_span){data, sizeof data}',
        to: 'put_mac(r, "lv06/key/1", (lv06_span){data, 0}',
      },
    ],
    hint: ["usb/key/same-over-a-restart"],
  },
  {
    ...IN_CORE,
    id: "core/keys-and-macs-alike",
    what: "KEY derives under the tag of another command",
    edits: [{ file: KEYS, from: '"lv06/key/1"', to: '"lv06/attest/1"' }],
    hint: ["usb/key/right"],
  },
];
