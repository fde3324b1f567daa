import { hash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { errorCode } from "../base/error.ts";
import { ConfigSchema } from "../config/schema.ts";
import type { Device } from "../device/device.ts";
import { DeviceError } from "../device/errors.ts";
import { SoftwareDevice } from "../device/testing/software-device.ts";
import { InferenceError } from "../inference/error.ts";
import type { Judgement } from "../pipeline/checker.ts";
import type { Model } from "../pipeline/ports.ts";
import { Rasteriser } from "../raster/rasteriser.ts";
import { KnownAnswer, type KnownAnswerParts, serves } from "./known-answer.ts";
import { KNOWN_ANSWER_FILE, type KnownLogits, knownLogit } from "./known-logits.ts";
import { ModelSlot } from "./model-slot.ts";

const TINY = new URL("../inference/fixtures/tiny/", import.meta.url).pathname;
const config = { ...ConfigSchema.parse({ model: { dir: TINY } }), ingest: { inboxDir: "" } };
const rasteriser = new Rasteriser({ deadlineMs: 20_000, memoryMiB: 512, queueMax: 4 });
const slot = new ModelSlot(config as never, () => performance.now());

let judgements: Judgement[];

beforeEach(() => {
  judgements = [];
});

afterAll(() => Promise.all([rasteriser.stop(), slot.stop()]));

function knownAnswer(change: Partial<KnownAnswerParts> = {}): KnownAnswer {
  return new KnownAnswer({
    rasterise: (bytes) => rasteriser.rasterise(bytes),
    model: () => slot.get(),
    known: () => undefined,
    device: () => "DEVICE_ABSENT",
    judged: (_device, judgement) => judgements.push(judgement),
    monotonicMs: () => performance.now(),
    random: (bytes) => new Uint8Array(bytes).fill(7),
    ...change,
  });
}

/** The real model, its answer moved by `shift()`. */
const shifted = (shift: () => number) => async () => {
  const model = await slot.get();
  const infer: typeof model.infer = async (...image) => {
    const verdict = await model.infer(...image);
    return { ...verdict, logit: verdict.logit + shift() };
  };
  return { ...model, infer };
};

const software = new SoftwareDevice();
const device = (hash: Device["hash"]) => ({ kind: "usb", info: software.info, hash }) as Device;
const names = (checks: readonly { readonly name: string }[]) => checks.map(({ name }) => name);

test("decoder, attention and model pass, and the second answer is held to the first", async () => {
  const known = knownAnswer();
  const first = await known.check();
  expect(first).toMatchObject({ ok: true, reference: "none" });
  expect(names(first.checks)).toEqual(["decoder", "attention", "model"]);
  expect(first.checks.every(({ code, durationMs }) => code === null && durationMs >= 0)).toBe(true);
  expect(await known.check()).toMatchObject({ ok: true, reference: "own" });
});

test("a decoder that changes one grey level fails, and nothing after it is judged", async () => {
  const known = knownAnswer({
    rasterise: async (bytes) => {
      const { raster } = await rasteriser.rasterise(bytes);
      const samples = Uint8Array.from(raster.samples, (value, index) => (index === 30_000 ? value ^ 1 : value));
      return { raster: { samples } };
    },
  });
  const report = await known.check();
  expect(report).toMatchObject({ ok: false, checks: [{ name: "decoder", ok: false, code: "SELFCHECK_RASTER" }] });
  expect(report.checks).toHaveLength(1);
  expect(serves(report)).toBe(false);
});

test("a model that answers otherwise than before fails; one that differs in its last digits does not", async () => {
  let shift = 0;
  const known = knownAnswer({ model: shifted(() => shift) });
  await known.check();
  shift = 1e-4;
  expect(await known.check()).toMatchObject({ ok: true });
  shift = 0.1;
  const report = await known.check();
  expect(report).toMatchObject({ ok: false, reference: "none" });
  expect(report.checks.at(-1)).toMatchObject({ name: "model", ok: false, code: "SELFCHECK_MODEL" });
  expect(serves(report)).toBe(false);
});

test("a model that answers otherwise than its folder says fails with the first check", async () => {
  const { logit } = await (await slot.get()).infer(new Uint8Array(224 * 224), Promise.resolve([new Float32Array(49)]));
  const far = await knownAnswer({ known: () => logit + 1_000 }).check();
  expect(far.checks.at(-1)).toMatchObject({ name: "model", ok: false, code: "SELFCHECK_MODEL" });
});

test("the answer in a model's folder holds for its very manifest and variant, and on other processors", async () => {
  const { digest, precision } = await slot.get();
  let found = Number.NaN;
  const infer: Model["infer"] = async (...image) => {
    const verdict = await (await slot.get()).infer(...image);
    found = verdict.logit;
    return verdict;
  };
  await knownAnswer({ model: async () => ({ ...(await slot.get()), infer }) }).check();
  const folder = mkdtempSync(join(tmpdir(), "known-"));
  try {
    const logits = { [precision]: found + 0.3 };
    writeFileSync(
      join(folder, KNOWN_ANSWER_FILE),
      JSON.stringify({ schema: "lv06/known-answer/1", manifest: digest, logits }),
    );
    const report = await knownAnswer({ known: (model) => knownLogit(folder, model) }).check();
    expect(report).toMatchObject({ ok: true, reference: "file" });
    expect(knownLogit(folder, { digest: "0".repeat(64), precision })).toBeUndefined();
    expect(knownLogit(folder, { digest, precision: "other" })).toBeUndefined();
    expect(knownLogit(join(folder, "none"), { digest, precision })).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the known answers of the models that come along belong to their manifests", () => {
  const models = new URL("../../models/", import.meta.url);
  const read = (model: string, file: string) => readFileSync(new URL(`${model}/${file}`, models));
  const known = readdirSync(models).filter((name) => existsSync(new URL(`${name}/${KNOWN_ANSWER_FILE}`, models)));
  expect(known.length).toBeGreaterThan(0);
  for (const model of known) {
    const { manifest, logits } = JSON.parse(read(model, KNOWN_ANSWER_FILE).toString()) as KnownLogits;
    const described = read(model, "manifest.json");
    // Else: scripts/known-answer.ts models/NAME
    expect(manifest).toBe(hash("sha256", described));
    expect(Object.keys(logits)).toEqual(Object.keys(JSON.parse(described.toString()).variants));
  }
});

test("another model is not held to the answer of the one before", async () => {
  let [shift, digest] = [0, "a"];
  const model = async () => ({ ...(await shifted(() => shift)()), digest });
  const known = knownAnswer({ model });
  await known.check();
  [shift, digest] = [1, "b"];
  expect(await known.check()).toMatchObject({ ok: true, reference: "none" });
});

test("without a model the check says why, and rejects nothing", async () => {
  const error = new InferenceError("MODEL_MISSING", "there is none");
  const report = await knownAnswer({ model: () => Promise.reject(error) }).check();
  expect(report.checks.at(-1)).toMatchObject({ name: "model", ok: false, code: errorCode(error) });
});

test("after a wrong answer no image may be served, until the answer is right again", async () => {
  let shift = 0;
  const known = knownAnswer({ model: shifted(() => shift) });
  await known.check();
  await known.expectRight();
  shift = 1;
  await known.check();
  expect(known.wrong).toBe("SELFCHECK_MODEL");
  await expect(known.expectRight()).rejects.toMatchObject({ code: "SELFCHECK_MODEL" });
  shift = 0;
  await known.check();
  expect(known.wrong).toBeNull();
  await known.expectRight();
});

test("that nothing answers is no wrong answer, and makes none right", async () => {
  let model: KnownAnswerParts["model"] = () => Promise.reject(new InferenceError("MODEL_MISSING", "there is none"));
  const known = knownAnswer({ model: () => model() });
  await known.check();
  expect(known.wrong).toBeNull();
  model = () => slot.get();
  await known.check();
  model = shifted(() => 1);
  await known.check();
  model = () => Promise.reject(new InferenceError("MODEL_MISSING", "there is none"));
  await known.check();
  expect(known.wrong).toBe("SELFCHECK_MODEL");
});

test("an image waits for the first check, and never for a device", async () => {
  const hung = knownAnswer({ device: () => device(() => new Promise(() => {})) });
  let served = false;
  const image = hung.expectRight().then(() => {
    served = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(served).toBe(false);
  void hung.check();
  await image;
});

test("a device that hashes right is praised", async () => {
  const report = await knownAnswer({ device: () => device((blocks) => software.hash(blocks)) }).check();
  expect(report.ok).toBe(true);
  expect(report.checks.at(-1)).toMatchObject({ name: "device", ok: true });
  expect(judgements).toEqual([{ kind: "right" }]);
});

test("a device that lies is judged for it, and images are served all the same", async () => {
  const liar = device(async (blocks) => (await software.hash(blocks)).map((digest) => digest.map((byte) => byte ^ 1)));
  const report = await knownAnswer({ device: () => liar }).check();
  expect(report).toMatchObject({ ok: false });
  expect(report.checks.at(-1)).toMatchObject({ name: "device", ok: false, code: "SELFCHECK_DEVICE" });
  expect(judgements).toEqual([{ kind: "lied" }]);
  expect(serves(report)).toBe(true);
});

test("a device that does not answer is judged for it by its error", async () => {
  const error = new DeviceError("DEVICE_DEADLINE", "no answer");
  const report = await knownAnswer({ device: () => device(() => Promise.reject(error)) }).check();
  expect(report.checks.at(-1)).toMatchObject({ name: "device", ok: false, code: "DEVICE_DEADLINE" });
  expect(judgements).toEqual([{ kind: "failed", error }]);
});

test("who asks during a check gets its report", async () => {
  let asked = 0;
  const known = knownAnswer({
    rasterise: (bytes) => {
      asked += 1;
      return rasteriser.rasterise(bytes);
    },
  });
  const [one, other] = await Promise.all([known.check(), known.check()]);
  expect(one).toBe(other);
  expect(asked).toBe(1);
});
