import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
  rollVersion,
  sha256d,
  stratumPrevhash,
  swapWords,
  VERSION_MASK,
  withinMask,
} from "./header.ts";
import { BLOCK_170, BLOCK_125552, GENESIS } from "./testing/blocks.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const printed = (header: Uint8Array) => sha256d(header).reverse().toString("hex");
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const hash32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const headers = fc.record({
  version: uint32,
  prevhash: hash32,
  merkleRoot: hash32,
  ntime: uint32,
  nbits: uint32,
  nonce: uint32,
});

describe("headers", () => {
  test("of real blocks have their blocks' hashes", () => {
    expect(printed(GENESIS.header)).toBe(GENESIS.hash);
    expect(printed(BLOCK_125552.header)).toBe(BLOCK_125552.hash);
    expect(printed(encodeHeader(BLOCK_170.header))).toBe(BLOCK_170.hash);
  });

  test("decode to the fields of the genesis block", () => {
    const { version, ntime, nbits, nonce } = decodeHeader(GENESIS.header);
    expect({ version, ntime, nbits, nonce }).toEqual({
      version: 1,
      ntime: 1_231_006_505,
      nbits: 0x1d00ffff,
      nonce: 2_083_236_893,
    });
  });

  test("come back from their bytes, whatever the fields", () => {
    fc.assert(
      fc.property(headers, (header) => {
        const back = decodeHeader(encodeHeader(header));
        expect({ ...back, prevhash: [...back.prevhash], merkleRoot: [...back.merkleRoot] }).toEqual({
          ...header,
          prevhash: [...header.prevhash],
          merkleRoot: [...header.merkleRoot],
        });
      }),
    );
  });

  test("come back from their fields, whatever the bytes", () => {
    const bytes = fc.uint8Array({ minLength: HEADER_BYTES, maxLength: HEADER_BYTES });
    fc.assert(
      fc.property(bytes, (header) => {
        expect([...encodeHeader(decodeHeader(header))]).toEqual([...header]);
      }),
    );
  });

  test("with a field out of range are refused by name", () => {
    const header = decodeHeader(GENESIS.header);
    for (const bad of [-1, 2 ** 32, 0.5, Number.NaN]) {
      for (const field of ["version", "ntime", "nbits", "nonce"]) {
        expect(() => encodeHeader({ ...header, [field]: bad })).toThrow(`${field} is ${bad}`);
      }
    }
    expect(() => encodeHeader({ ...header, prevhash: Buffer.alloc(31) })).toThrow(/prevhash has 31 bytes.*WORK_LENGTH/);
    expect(() => decodeHeader(Buffer.alloc(81))).toThrow(/WORK_LENGTH/);
  });
});

test("a double SHA-256 is SHA-256 of SHA-256", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(sha256d(bytes)).toEqual(sha256(sha256(bytes)));
    }),
  );
});

describe("Stratum's prevhash", () => {
  test("has each 4-byte word of the header's reversed", () => {
    const bytes = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
    expect(stratumPrevhash(bytes)).toBe("03020100070605040b0a09080f0e0d0c13121110171615141b1a19181f1e1d1c");
  });

  test("leads back by the same step and leaves its argument alone", () => {
    fc.assert(
      fc.property(hash32, (bytes) => {
        const before = [...bytes];
        expect([...swapWords(swapWords(bytes))]).toEqual(before);
        expect([...bytes]).toEqual(before);
      }),
    );
  });
});

describe("version rolling", () => {
  test("gives the version that a BM1366 logs, from the bits that it submits", () => {
    expect(rollVersion(0x20000000, 0x06e42000)).toBe(0x26e42000);
  });

  test("stays an unsigned number and is its own inverse", () => {
    fc.assert(
      fc.property(uint32, uint32, (version, bits) => {
        const rolled = rollVersion(version, bits);
        expect(rolled).toBeGreaterThanOrEqual(0);
        expect(rollVersion(rolled, bits)).toBe(version);
        expect(rollVersion(version, rolled)).toBe(bits);
      }),
    );
  });

  test("is within a mask only bit by bit", () => {
    expect(withinMask(0x1fffe000, VERSION_MASK)).toBe(true);
    expect(withinMask(0, 0)).toBe(true);
    for (let bit = 0; bit < 32; bit++) {
      expect(withinMask((1 << bit) >>> 0, VERSION_MASK)).toBe(bit >= 13 && bit <= 28);
    }
  });
});
