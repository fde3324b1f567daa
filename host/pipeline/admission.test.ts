import { expect, test } from "vitest";
import { CodedError } from "../base/error.ts";
import { Pipeline } from "./pipeline.ts";
import type { PipelineParts } from "./ports.ts";

const never = () => {
  throw new Error("nobody asked for this");
};

test("an image whose result might find no room is not worked on; one that leaves no result is", async () => {
  let loads = 0;
  const parts: PipelineParts = {
    ...{ appliance: "box", deviceCheckFraction: 0, seal: "none", caches: { get: never, set: never } },
    ...{ rasterise: never, record: never, device: never, check: never, random: never },
    clock: { nowMs: () => 0, monotonicMs: () => 0, synced: () => null },
    model: async () => {
      loads += 1;
      throw new CodedError("NO_MODEL", "", "");
    },
    admit: async () => {
      throw new CodedError("STORE_FULL", "Wait.", "full");
    },
  };
  const pipeline = new Pipeline(parts);
  const image = { id: "a", bytes: new Uint8Array(1), reference: null, stated: {} };
  expect(await pipeline.process({ ...image, mode: "inference" })).toMatchObject({
    kind: "unavailable",
    code: "STORE_FULL",
  });
  expect(loads).toBe(0);
  expect(await pipeline.process({ ...image, mode: "training" })).toMatchObject({
    kind: "unavailable",
    code: "NO_MODEL",
  });
});
