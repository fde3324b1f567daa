import { expect, test } from "vitest";
import { Memory } from "./cached.ts";
import type { CacheName, CachePort, Model } from "./ports.ts";

const settings = { scales: [{ block: 8, weight: 1 }], grids: [7] } as const;
const model: Model = {
  name: "m",
  version: "1",
  digest: "d",
  pattern: "A",
  precision: "p",
  fingerprint: "f",
  threshold: 0.5,
  attention: settings,
  population: null,
  infer: () => Promise.reject(new Error("not here")),
};

/** Caches that answer every key with `value`, and the keys that they were asked for. */
function answering(value: Uint8Array): { readonly memory: Memory; readonly keys: string[] } {
  const keys: string[] = [];
  const caches: CachePort = {
    get: (name: CacheName, key: string) => {
      keys.push(`${name} ${key}`);
      return value;
    },
    set: () => {},
  };
  return { memory: new Memory(caches, "raster-v1"), keys };
}

test.each(["{bad", "null", "7", "{}", '{"rasterDigest":7}', '{"attentionDigest":"x"}'])("%s is a miss", (text) => {
  const { memory } = answering(Buffer.from(text));
  expect(memory.raster("f")).toBeUndefined();
  expect(memory.result("r", model)).toBeUndefined();
});

test.each([0, 31, 32, 40, 32 + 4 * 49 + 1])("attention of %i bytes is a miss", (bytes) => {
  expect(answering(new Uint8Array(bytes)).memory.attention("r", settings)).toBeUndefined();
});

test("what is kept comes back as it was", () => {
  const stored = new Map<string, Uint8Array>();
  const memory = new Memory(
    { get: (name, key) => stored.get(name + key), set: (name, key, value) => stored.set(name + key, value) },
    "raster-v1",
  );
  const attention = { digest: "ab".repeat(32), pyramid: [Float32Array.from({ length: 49 }, (_, i) => i / 48)] };
  memory.keepAttention("r", settings, attention);
  expect(memory.attention("r", settings)).toEqual(attention);
  expect(memory.attention("r", { ...settings, grids: [14] })).toBeUndefined();
  const verdict = { logit: 1.5, label: "PNEUMONIA", probability: 0.8176, decision: "positive" } as const;
  memory.keepResult("r", model, { attentionDigest: "x", verdict, reasons: [] });
  expect(memory.result("r", model)).toEqual({ attentionDigest: "x", verdict, reasons: [] });
});

test.each([
  ["the model", { digest: "other" }],
  ["the precision", { precision: "other" }],
  ["the runtime", { fingerprint: "other" }],
  ["the weights", { attention: { scales: [{ block: 8, weight: 0.5 }], grids: [7] } }],
] as const)("another result key for another one of %s", (_, change) => {
  const { memory, keys } = answering(Buffer.from("{}"));
  memory.result("r", model);
  memory.result("r", { ...model, ...change });
  expect(new Set(keys).size).toBe(2);
});

test("a result without attention is found for the model that takes none, and for no other", () => {
  const without = { ...model, pattern: "none", attention: null } as const;
  const kept = Buffer.from('{"attentionDigest":null,"verdict":null,"reasons":[]}');
  expect(answering(kept).memory.result("r", without)).toEqual({ attentionDigest: null, verdict: null, reasons: [] });
  expect(answering(kept).memory.result("r", model)).toBeUndefined();
  const withDigest = Buffer.from('{"attentionDigest":"ab","verdict":null,"reasons":[]}');
  expect(answering(withDigest).memory.result("r", without)).toBeUndefined();
});
