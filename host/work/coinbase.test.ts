import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { COINBASE_HEIGHT, coinbaseParts, scriptOfCoinbase } from "./coinbase.ts";
import { BLOCK_170, GENESIS } from "./testing/blocks.ts";

const commitment = Buffer.alloc(32, 0xd5);
const whole = (extranonceBytes: number, height?: number) => {
  const parts = coinbaseParts({ commitment, extranonceBytes, ...(height === undefined ? {} : { height }) });
  return { ...parts, bytes: Buffer.concat([parts.coinb1, Buffer.alloc(extranonceBytes, 0xee), parts.coinb2]) };
};

describe("a sealing coinbase", () => {
  test("is these bytes", () => {
    expect(whole(8).bytes.toString("hex")).toBe(
      [
        `0100000001${"00".repeat(32)}ffffffff`,
        "2e", // 46 bytes of script
        "0300350c", // height 800,000
        `20${"d5".repeat(32)}`,
        `08${"ee".repeat(8)}`,
        "ffffffff",
        "010000000000000000066a046c763036", // one output of 0, OP_RETURN "lv06"
        "00000000",
      ].join(""),
    );
  });

  test("ends its first part right before the extranonce, whose push it announces", () => {
    for (const extranonceBytes of [4, 8, 12, 16]) {
      const { coinb1, coinb2 } = whole(extranonceBytes);
      expect(coinb1.at(-1)).toBe(extranonceBytes);
      expect(coinb2.subarray(0, 4).toString("hex")).toBe("ffffffff");
    }
  });

  test("stays within what every firmware takes", () => {
    const { bytes, coinb1 } = whole(16, 0x7fffffff);
    expect(bytes.length).toBeLessThan(250);
    expect(coinb1[41]).toBeLessThanOrEqual(100);
    expect(whole(12).bytes.length).toBe(116);
  });

  test("pushes the height as BIP 34 does", () => {
    const known: [number, string][] = [
      [17, "0111"],
      [127, "017f"],
      [128, "028000"],
      [32_768, "03008000"],
      [COINBASE_HEIGHT, "0300350c"],
      [8_388_608, "0400008000"],
      [0x7fffffff, "04ffffff7f"],
    ];
    for (const [height, push] of known) {
      expect(whole(8, height).coinb1.subarray(42).toString("hex").startsWith(`${push}20d5`)).toBe(true);
    }
  });

  test("of bad options is refused", () => {
    const make = (change: object) => () => coinbaseParts({ commitment, extranonceBytes: 8, ...change });
    expect(make({ commitment: Buffer.alloc(31) })).toThrow(/WORK_LENGTH/);
    for (const extranonceBytes of [3, 17, 8.5]) expect(make({ extranonceBytes })).toThrow(/WORK_NUMBER/);
    for (const height of [16, -1, 2 ** 31, 17.5]) expect(make({ height })).toThrow(/WORK_NUMBER/);
  });
});

describe("the shape of a coinbase", () => {
  const scriptOf = (bytes: Buffer) => {
    const found = scriptOfCoinbase(bytes);
    return found === null ? null : bytes.subarray(found.start, found.end).toString("hex");
  };

  test("gives the input's script of real blocks and of ours", () => {
    expect(scriptOf(BLOCK_170.coinbase)).toBe("04ffff001d0102");
    expect(scriptOf(GENESIS.coinbase)).toMatch(/^04ffff001d0104455468652054696d6573/);
    expect(scriptOf(whole(4).bytes)).toBe(`0300350c20${"d5".repeat(32)}04eeeeeeee`);
  });

  test("is refused to anything shorter or longer, wherever it is cut", () => {
    const { bytes } = whole(12);
    for (let length = 0; length < bytes.length; length++) expect(scriptOf(bytes.subarray(0, length))).toBeNull();
    expect(scriptOf(Buffer.concat([bytes, Buffer.of(0)]))).toBeNull();
  });

  test("is refused to a transaction that spends something, and to Merkle nodes", () => {
    const { bytes } = whole(12);
    for (const at of [4, 5, 36, 37, 40]) {
      const spending = Buffer.from(bytes);
      spending[at] = (spending[at] ?? 0) ^ 1;
      expect(scriptOf(spending)).toBeNull();
    }
    const nodes = fc.uint8Array({ minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(nodes, (node) => {
        expect(scriptOfCoinbase(node)).toBeNull();
      }),
    );
  });

  test("takes lengths of two bytes where one does not do, and only there", () => {
    const { coinbase } = GENESIS;
    const [before, script, after] = [coinbase.subarray(0, 41), coinbase.subarray(42, 119), coinbase.subarray(119)];
    const sized = (size: string, bytes: Buffer) => Buffer.concat([before, Buffer.from(size, "hex"), bytes, after]);
    expect(scriptOf(sized("4d", script))).toBe(script.toString("hex"));
    expect(scriptOf(sized("fd4d00", script))).toBeNull();
    const long = Buffer.alloc(300, 1);
    expect(scriptOf(sized("fd2c01", long))).toBe(long.toString("hex"));
    for (const size of ["fe2c01", "ff2c01", "fe2c010000"]) expect(scriptOf(sized(size, long))).toBeNull();
  });

  test("never reads past the bytes, whatever the lengths say", () => {
    const { bytes } = whole(12);
    fc.assert(
      fc.property(fc.integer({ min: 41, max: bytes.length - 1 }), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const bent = Buffer.from(bytes);
        bent[at] = value;
        const script = scriptOfCoinbase(bent);
        expect(script === null || (script.start <= script.end && script.end < bent.length)).toBe(true);
      }),
    );
  });
});
