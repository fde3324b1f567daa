/** Every pattern through the whole appliance: inbox → result → digest check → seal → receipt, with tiny models. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { missingPrograms } from "../host/device/testing/firmware.ts";
import { type Canonical, canonicalBytes } from "../host/seal/canonical.ts";
import { type RunningAppliance, startAppliance } from "./demo/appliance.ts";
import { FILMS, type Film, putIntoInbox } from "./demo/films.ts";
import { OutsideClient } from "./demo/outside-client.ts";
import { judgeReceipts } from "./receipts.ts";

const FIXTURES = resolve("host/inference/fixtures");
const WAIT_MS = 40_000;
const [film, secondFilm] = FILMS as readonly [Film, Film];
const withPython = missingPrograms("python3").length === 0;

let folder: string;
let appliance: RunningAppliance | undefined;
let client: OutsideClient | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "models-"));
});

afterEach(async () => {
  await client?.close();
  await appliance?.stop();
  [client, appliance] = [undefined, undefined];
  rmSync(folder, { recursive: true });
});

async function open(model: string): Promise<OutsideClient> {
  const settings =
    "site: demo\nappliance: lv06-demo\nmode: validation\ndataDir: data\nmqtt: { embeddedPort: PORT, healthIntervalS: 1 }\n" +
    `ingest: { settleMs: 0 }\nseal: { maxSize: 8 }\nmodel: { dir: ${model} }\n`;
  appliance = await startAppliance(folder, { settings });
  client = await OutsideClient.open(appliance.url, appliance.prefix, WAIT_MS);
  const opened = client;
  const ready = () =>
    opened.of("health").some(({ data }) => (data.device as { state?: string } | null)?.state === "ready");
  await opened.until("ready device", WAIT_MS, ready);
  return opened;
}

describe("the appliance serves", () => {
  const MULTI = { version: "attention-v1", scales: [4, 8, 16] };
  const NONE = { version: "none", scales: [], digest: null, source: "none" };

  test.each([
    { name: "tiny-none", pattern: "none", attention: NONE, digests: 0 },
    { name: "tiny-a-single", pattern: "A", attention: { ...MULTI, scales: [8] }, digests: 784 },
    { name: "tiny", pattern: "A", attention: MULTI, digests: 4116 },
    { name: "tiny-b", pattern: "B", attention: MULTI, digests: 4116 },
    { name: "tiny-c", pattern: "C", attention: MULTI, digests: 4116 },
  ])("$name: result, digest check and receipt are those of pattern $pattern", async ({ name, ...expected }) => {
    const outside = await open(join(FIXTURES, name));
    const results = () => outside.of("result").map(({ data }) => data);
    const checks = () => outside.of("event").filter(({ data }) => data.kind === "digest-check");
    putIntoInbox(appliance?.inbox ?? "", film);
    await outside.until("result", WAIT_MS, () => results().length === 1);
    putIntoInbox(appliance?.inbox ?? "", film);
    await outside.until("cached result", WAIT_MS, () => results().length === 2);
    putIntoInbox(appliance?.inbox ?? "", secondFilm);
    await outside.until("other film's result", WAIT_MS, () => results().length === 3);

    const [first, again, other] = results();
    expect(first).toMatchObject({ assessed: true, cached: false, model: { name, pattern: expected.pattern } });
    expect(first?.attention).toMatchObject(expected.attention);
    expect(again).toMatchObject({ cached: true, probability: first?.probability, decision: first?.decision });
    expect(other?.probability).not.toBe(first?.probability);
    const attention = first?.attention as { digest: string | null; source: string } | undefined;
    const digest = attention?.digest;
    expect(attention?.source).toBe(expected.digests === 0 ? "none" : "software");
    expect(again?.attention).toEqual({ ...attention, source: digest === null ? "none" : "cache" });
    const stages = Object.keys(first?.timingMs ?? {});
    expect([stages.includes("features"), stages.includes("attention")]).toEqual([true, expected.digests > 0]);

    // What is hashed on the device is what the model uses; without attention nothing is.
    if (expected.digests > 0) {
      await outside.until("two digest checks", WAIT_MS, () => checks().length === 2);
      const { digests } = expected;
      for (const { data } of checks())
        expect(data).toMatchObject({ outcome: "matched", checked: digests, mismatches: 0 });
    }

    await outside.until(
      "seals",
      WAIT_MS,
      () => outside.of("seal").reduce((sum, { data }) => sum + Number(data.size), 0) >= 3,
    );
    expect(checks().length).toBe(expected.digests > 0 ? 2 : 0);
    const receipts: Buffer[] = [];
    for (const { resultId } of results()) {
      const answer = await outside.ask("receipt", { resultId }, WAIT_MS);
      receipts.push(canonicalBytes(answer.receipt as Canonical));
    }
    const bound = receipts.map((receipt) => (JSON.parse(receipt.toString()) as { result: object }).result);
    for (const result of bound) expect(result).toMatchObject({ pattern: expected.pattern });
    expect(bound[0]).toMatchObject({ attentionVersion: expected.attention.version, attentionDigest: digest });
    const publicKey = outside.of("info").at(-1)?.data.publicKey as string;
    expect(judgeReceipts(receipts, publicKey, withPython)).toEqual([]);
    expect(outside.received.flatMap(({ complaints }) => complaints)).toEqual([]);
  });

  test("no model whose shared weights were changed, says so, and serves once they are mended", async () => {
    const copy = join(folder, "models");
    cpSync(FIXTURES, copy, { recursive: true });
    const weights = join(copy, "shared", "tiny-backbone-int8.bin");
    const right = readFileSync(weights);
    writeFileSync(
      weights,
      right.map((byte, at) => (at === 100 ? byte ^ 1 : byte)),
    );
    const outside = await open(join(copy, "tiny-c"));
    putIntoInbox(appliance?.inbox ?? "", film);
    const model = () => (outside.of("health").at(-1)?.data.parts as { model?: object } | undefined)?.model;
    await outside.until("failed model", WAIT_MS, () => JSON.stringify(model()).includes("MODEL_DIGEST"));
    expect(outside.of("result")).toEqual([]);
    writeFileSync(weights, right);
    await outside.until("result", WAIT_MS, () => outside.of("result").length === 1);
    expect(outside.of("result")[0]?.data).toMatchObject({ assessed: true, model: { pattern: "C" } });
  });
});
