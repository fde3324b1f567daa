import { describe, expect, it } from "vitest";
import { sha256, verifyDigests } from "./digest.ts";
import { SoftwareDevice } from "./software.ts";

const blocks = Array.from({ length: 1000 }, (_, i) => Buffer.from(`block ${i}`));

describe("SoftwareDevice", () => {
  it("hashes in the order given", async () => {
    expect(await new SoftwareDevice().hash(blocks)).toEqual(blocks.map(sha256));
  });

  it("has no health", async () => {
    await expect(new SoftwareDevice().health()).rejects.toMatchObject({ code: "DEVICE_UNSUPPORTED" });
  });

  it("stops when its caller gives up", async () => {
    const signal = AbortSignal.abort();
    await expect(new SoftwareDevice().hash(blocks, { signal })).rejects.toMatchObject({ code: "DEVICE_ABORTED" });
  });
});

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
