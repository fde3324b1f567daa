import { describe, expect, it } from "vitest";
import { sha256, verifyDigests } from "./digest.ts";
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
