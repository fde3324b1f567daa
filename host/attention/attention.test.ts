import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attentionDigest, blockDigests, computeAttention } from "./attention.ts";
import { BLOCK_SIZES, type BlockSize, blocksOf, gridOf, isBlockSize } from "./blocks.ts";
import { areaMean, firstBytes, hashToAttentionValue, MULTI_SCALE, multiScaleMap, singleScaleMap } from "./map.ts";

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest();

/** A film-like raster made by integer arithmetic, so that the expected values below never depend on a decoder. */
function ramp(): Uint8Array {
  return Uint8Array.from({ length: 224 * 224 }, (_, i) => ((i % 224) * 3 + Math.floor(i / 224) * 7) & 0xff);
}

describe("Appendix B", () => {
  test("reads the byte at a position of the digest", () => {
    const digest = sha256("").toString("hex"); // e3b0c442…
    expect(hashToAttentionValue(digest, 0)).toBe(0xe3 / 255);
    expect(hashToAttentionValue(digest, 3)).toBe(0x42 / 255);
    expect(hashToAttentionValue(digest, 31)).toBe(0x55 / 255);
  });

  test.each([-1, 32, 1.5, Number.NaN])("refuses position %s", (position) => {
    expect(() => hashToAttentionValue(sha256("").toString("hex"), position)).toThrow(RangeError);
  });

  test.each(["", "e3b0", "z".repeat(64)])("refuses %j as a digest", (digest) => {
    expect(() => hashToAttentionValue(digest, 0)).toThrow(RangeError);
  });
});

test("a map's value is Appendix B's at position 0", async () => {
  const digests = await blockDigests(ramp(), 16);
  const { values } = singleScaleMap(firstBytes(digests), 16);
  for (let block = 0; block < values.length; block++) {
    const hex = digests.subarray(block * 32, block * 32 + 32).toString("hex");
    expect(values[block]).toBe(hashToAttentionValue(hex, 0));
  }
});

describe("block digests", () => {
  test.each(BLOCK_SIZES)("at %s pixels equal SHA-256 of each block's rows", async (block) => {
    const samples = ramp();
    const digests = await blockDigests(samples, block);
    const grid = gridOf(block);
    expect(digests.length).toBe(grid * grid * 32);
    for (const index of [0, grid - 1, grid, grid * grid - 1]) {
      const rows = Array.from({ length: block }, (_, row) => {
        const start = (Math.floor(index / grid) * block + row) * 224 + (index % grid) * block;
        return samples.subarray(start, start + block);
      });
      expect(digests.subarray(index * 32, index * 32 + 32)).toEqual(sha256(Buffer.concat(rows)));
    }
  });

  test("are those of the blocks that go to a device", async () => {
    const digests = await blockDigests(ramp(), 16);
    expect(Buffer.concat(blocksOf(ramp(), 16).map(sha256))).toEqual(digests);
  });

  test("one changed grey level changes one block of each scale and no other", async () => {
    const changed = ramp();
    changed[100 * 224 + 57] = (changed[100 * 224 + 57] ?? 0) ^ 1;
    for (const block of BLOCK_SIZES) {
      const [before, after] = [await blockDigests(ramp(), block), await blockDigests(changed, block)];
      const differing = Array.from({ length: gridOf(block) ** 2 }, (_, i) => i).filter(
        (i) => !before.subarray(i * 32, i * 32 + 32).equals(after.subarray(i * 32, i * 32 + 32)),
      );
      expect(differing).toEqual([Math.floor(100 / block) * gridOf(block) + Math.floor(57 / block)]);
    }
  });

  test("a black border has the value that makes attention encode collimation: 0xf5 at 8 pixels", async () => {
    expect(firstBytes(await blockDigests(new Uint8Array(224 * 224), 8)).every((byte) => byte === 0xf5)).toBe(true);
  });
});

describe("maps", () => {
  test("a multi-scale map is normalised to exactly 0 and 1", async () => {
    const { map } = await computeAttention(ramp(), { scales: MULTI_SCALE, grids: [] });
    expect(map.grid).toBe(56);
    expect(Math.min(...map.values)).toBe(0);
    expect(Math.max(...map.values)).toBe(1);
  });

  test("a uniform image has a map of zeros, not of NaN", async () => {
    const { map } = await computeAttention(new Uint8Array(224 * 224), { scales: MULTI_SCALE, grids: [7] });
    expect(map.values.every((value) => value === 0)).toBe(true);
  });

  test("weights decide each scale's share", () => {
    const flat = (block: BlockSize, byte: number) =>
      singleScaleMap(new Uint8Array(gridOf(block) ** 2).fill(byte), block);
    const fine = new Uint8Array(56 * 56);
    fine[0] = 255;
    const coarse = new Uint8Array(28 * 28);
    coarse[0] = 255;
    const map = multiScaleMap([
      { map: singleScaleMap(fine, 4), weight: 0.2 },
      { map: singleScaleMap(coarse, 8), weight: 0.5 },
      { map: flat(16, 0), weight: 0.3 },
    ]);
    expect(map.values[0]).toBe(1);
    expect(map.values[1]).toBeCloseTo(0.5 / 0.7, 12);
    expect(map.values[57]).toBeCloseTo(0.5 / 0.7, 12);
    expect(map.values[2]).toBe(0);
  });

  test("the area mean keeps the mean of the whole map", () => {
    const bytes = fc.uint8Array({ minLength: 56 * 56, maxLength: 56 * 56 });
    fc.assert(
      fc.property(bytes, fc.constantFrom(56, 28, 14, 7), (values, grid) => {
        const map = singleScaleMap(values, 4);
        const mean = (numbers: Float64Array | Float32Array) =>
          Array.from(numbers).reduce((sum, value) => sum + value, 0) / numbers.length;
        expect(mean(areaMean(map, grid))).toBeCloseTo(mean(map.values), 5);
      }),
      { numRuns: 25 },
    );
  });

  test("a grid that does not divide the map is refused", () => {
    expect(() => areaMean(singleScaleMap(new Uint8Array(49), 32), 14)).toThrow(RangeError);
  });

  test("only 4, 8, 16 and 32 are block sizes", () => {
    expect([4, 8, 16, 32].every(isBlockSize)).toBe(true);
    expect([0, 1, 7, 12, 64, Number.NaN].some(isBlockSize)).toBe(false);
  });
});

test("training computes the same level from the same raster: the vector that both sides hold to", async () => {
  const path = new URL("../../models/train/fixtures/attention-v1.json", import.meta.url);
  const vector = JSON.parse(readFileSync(path, "utf8")) as {
    readonly attentionDigest: string;
    readonly grid: number;
    readonly values: readonly number[];
  };
  const samples = Uint8Array.from({ length: 224 * 224 }, (_, i) => {
    const [x, y] = [i % 224, Math.floor(i / 224)];
    return (x * x + 3 * y * y + 7 * x * y) & 0xff;
  });
  const { digest, pyramid } = await computeAttention(samples, { scales: MULTI_SCALE, grids: [vector.grid] });
  expect(digest).toBe(vector.attentionDigest);
  expect(Array.from(pyramid[0] ?? [])).toEqual(vector.values);
});

describe("the attention digest", () => {
  test("is the tagged digest of the scales' roots in ascending order, whatever order they came in", async () => {
    const [four, eight] = [Buffer.alloc(32, 4), Buffer.alloc(32, 8)];
    const expected = sha256(
      Buffer.concat([Buffer.from("lv06/attention/1\0"), Buffer.of(0, 4), four, Buffer.of(0, 8), eight]),
    ).toString("hex");
    expect(attentionDigest(new Map([[8, eight] as const, [4, four] as const]))).toBe(expected);
    expect(attentionDigest(new Map([[4, four] as const, [8, eight] as const]))).toBe(expected);
  });
});
