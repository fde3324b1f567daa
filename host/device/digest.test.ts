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
    expect(check).toEqual({ checked: 1000, mismatches: [3, 999] });
  });

  it("refuses lists that do not match", async () => {
    await expect(verifyDigests(new SoftwareDevice(), blocks, [])).rejects.toThrow(RangeError);
  });
});

describe("verifyImage", () => {
  const image = { width: 16, height: 16, samples: Uint8Array.from({ length: 256 }, (_, i) => i) };

  it("names the scales whose roots differ", async () => {
    const device = new SoftwareDevice();
    const { roots } = await device.image(image, { scales: [2, 4, 8] });
    expect(await verifyImage(device, image, [2, 4, 8], roots)).toEqual({ checked: 3, mismatches: [] });
    const others = new Map([...roots, [4, sha256(Buffer.from("another"))], [8, new Uint8Array(31)]]);
    expect(await verifyImage(device, image, [2, 4, 8], others)).toEqual({ checked: 3, mismatches: [4, 8] });
  });

  it("refuses a scale without an expected root", async () => {
    await expect(verifyImage(new SoftwareDevice(), image, [4], new Map())).rejects.toThrow(RangeError);
  });
});
