import { describe, expect, it } from "vitest";
import { sha256, verifyDigests, verifyImage } from "./digest.ts";
import { SoftwareDevice } from "./testing/software-device.ts";

const blocks = Array.from({ length: 1000 }, (_, i) => Buffer.from(`block ${i}`));

describe("verifyDigests", () => {
  it("names the blocks whose digests differ", async () => {
    const expected = blocks.map(sha256);
    expected[3] = sha256(Buffer.from("another"));
    expected[999] = new Uint8Array(31);
    const check = await verifyDigests(new SoftwareDevice(), blocks, expected);
    expect(check).toMatchObject({ checked: 1000, mismatches: [3, 999] });
  });

  it("hands the device's own digests on, right or wrong", async () => {
    const liar = new SoftwareDevice();
    const wrong = new Uint8Array(32);
    liar.hash = async () => [wrong];
    const block = Buffer.from("abc");
    const check = await verifyDigests(liar, [block], [sha256(block)]);
    expect(check).toEqual({ checked: 1, mismatches: [0], digests: [wrong] });
  });

  it("refuses lists that do not match", async () => {
    await expect(verifyDigests(new SoftwareDevice(), blocks, [])).rejects.toThrow(RangeError);
  });
});

const image = { width: 16, height: 16, samples: Uint8Array.from({ length: 256 }, (_, i) => i) };
const scales = [2, 4, 8];
const truth = await new SoftwareDevice().image(image, { scales, digestsOf: [4, 8] });

describe("verifyImage", () => {
  const own = (change: (scale: number, root: Uint8Array) => Uint8Array = (_, root) => root) =>
    new Map(
      [...truth.roots].map(([scale, root]) => [
        scale,
        { root: change(scale, root), digests: truth.digests.get(scale) ?? new Uint8Array() },
      ]),
    );

  it("names the scales whose roots differ", async () => {
    const device = new SoftwareDevice();
    expect(await verifyImage(device, image, { scales }, own())).toMatchObject({ checked: 3, mismatches: [] });
    const others = own((scale, root) => (scale === 4 ? sha256(root) : scale === 8 ? root.subarray(1) : root));
    expect(await verifyImage(device, image, { scales }, others)).toMatchObject({ checked: 3, mismatches: [4, 8] });
  });

  it("counts the digests that differ, and those that are left out", async () => {
    const digestsOf = [4, 8];
    const honest = await verifyImage(new SoftwareDevice(), image, { scales, digestsOf }, own());
    expect([...honest.wrongDigests]).toEqual([
      [4, 0],
      [8, 0],
    ]);
    const liar = new SoftwareDevice();
    const wrong = Buffer.from(truth.digests.get(4) ?? []);
    wrong.writeUInt8(wrong.readUInt8(3 * 32) ^ 1, 3 * 32);
    liar.image = async () => ({ roots: truth.roots, digests: new Map([[4, wrong]]) });
    const check = await verifyImage(liar, image, { scales, digestsOf }, own());
    expect([...check.wrongDigests]).toEqual([
      [4, 1],
      [8, 4],
    ]);
  });

  it("refuses a scale without an expected root, or without expected digests where they are asked for", async () => {
    const device = new SoftwareDevice();
    await expect(verifyImage(device, image, { scales: [4] }, new Map())).rejects.toThrow(RangeError);
    const root = new Map([[4, { root: new Uint8Array(32) }]]);
    await expect(verifyImage(device, image, { scales: [4], digestsOf: [4] }, root)).rejects.toThrow(RangeError);
  });
});
