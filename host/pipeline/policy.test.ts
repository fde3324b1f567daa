import { describe, expect, test } from "vitest";
import { deviceCheck, isRecorded, type PolicyInput } from "./policy.ts";

const usual: PolicyInput = {
  mode: "validation",
  usesAttention: true,
  cached: false,
  canHash: true,
  fraction: 1,
  random: 0.5,
};

describe("the device policy", () => {
  test("a fresh validation image is checked on the device", () => {
    expect(deviceCheck(usual)).toEqual({ kind: "check" });
  });

  test.each([
    ["training images are not", { mode: "training" }, "mode"],
    ["inference images are not", { mode: "inference" }, "mode"],
    ["what a model without attention looked at is not", { usesAttention: false }, "no-attention"],
    ["a cached result is not", { cached: true }, "cached"],
    ["nothing is without a device that can hash", { canHash: false }, "no-device"],
    ["the share left out by the fraction is not", { fraction: 0.5, random: 0.5 }, "sampled-out"],
    ["a fraction of 0 checks nothing", { fraction: 0, random: 0 }, "sampled-out"],
    ["the cache decides before the fraction and the device", { cached: true, canHash: false, fraction: 0 }, "cached"],
  ] as const)("%s", (_, change, reason) => {
    expect(deviceCheck({ ...usual, ...change })).toEqual({ kind: "none", reason });
  });

  test("the fraction checks that share of the images", () => {
    const random = Array.from({ length: 1000 }, (_, i) => i / 1000);
    const checked = random.filter((value) => deviceCheck({ ...usual, fraction: 0.3, random: value }).kind === "check");
    expect(checked.length).toBe(300);
  });

  test("training leaves no trace, the other modes are recorded", () => {
    expect([isRecorded("training"), isRecorded("inference"), isRecorded("validation")]).toEqual([false, true, true]);
  });
});
