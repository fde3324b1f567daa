import { expect, it } from "vitest";
import { SoftwareDevice } from "../../host/device/testing/software-device.ts";
import { ownRoot } from "./own-roots.ts";

it("two implementations of the tree agree, also where the blocks are no power of two", async () => {
  for (const [width, height, scale] of [
    [16, 16, 4],
    [24, 24, 8],
    [40, 24, 8],
    [8, 8, 8],
  ] as const) {
    const samples = Uint8Array.from({ length: width * height }, (_, i) => (i * 37) % 251);
    const image = { width, height, samples };
    const theirs = await new SoftwareDevice().image(image, { scales: [scale], digestsOf: [scale] });
    const { root, digests } = ownRoot(image, scale);
    expect(root).toEqual(theirs.roots.get(scale));
    expect(digests).toEqual(Buffer.from(theirs.digests.get(scale) ?? []));
  }
});
