import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { startModel } from "../host/device/usb/model-process.ts";
import { EmbeddedBroker } from "../host/mqtt/embedded-broker.ts";
import { badFiles } from "./bad-files.ts";
import { freePort, type RunningAppliance, startAppliance } from "./demo/appliance.ts";
import { FILMS, type Film, putIntoInbox } from "./demo/films.ts";
import { OutsideClient } from "./demo/outside-client.ts";
import { openStored } from "./stored.ts";

const MODEL = resolve("models/kermany-resnet18-a");
const WAIT_MS = 40_000;

/** The child process of `parent` whose command line contains `words`. */
async function childOf(parent: number, words: string): Promise<number> {
  for (const pid of readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim().split(" ").map(Number)) {
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(words)) return pid;
  }
  throw new Error(`no child ${words}`);
}

let folder: string;
let appliance: RunningAppliance | undefined;
let client: OutsideClient | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "appliance-"));
});

afterEach(async () => {
  await client?.close();
  await appliance?.stop();
  [client, appliance] = [undefined, undefined];
  rmSync(folder, { recursive: true });
});

const [film, secondFilm] = FILMS as readonly [Film, Film];
const settings = (more: string) =>
  `site: demo\nappliance: lv06-demo\ndataDir: data\nmqtt: { embeddedPort: PORT, healthIntervalS: 1 }\ningest: { settleMs: 0 }\n${more}`;
const results = () => client?.of("result") ?? [];
const processed = () =>
  readdirSync(join(appliance?.inbox ?? "", "processed")).filter((name) => /^[0-9a-f]{32}\.lv06e$/.test(name));
/** Whole, and with a name, at once. */
const reasons = () => {
  const folder = join(appliance?.inbox ?? "", "quarantine");
  const names = readdirSync(folder).filter((name) => /^[0-9a-f]{32}\.reason\.json$/.test(name));
  return names.map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as { readonly code: string });
};
const alarms = () => new Set((client?.of("health").at(-1)?.data.alarms as string[] | undefined) ?? []);

async function open(text = "", modelDevice = true): Promise<void> {
  appliance = await startAppliance(folder, { settings: text, modelDevice });
  client = await OutsideClient.open(appliance.url, appliance.prefix, WAIT_MS);
}

describe("the appliance", () => {
  test("refuses every bad file by name, quarantines it with its reason, and goes on", async () => {
    await open();
    const bad = await badFiles();
    const inbox = appliance?.inbox ?? "";
    for (const [name, , bytes] of bad) {
      writeFileSync(join(inbox, `.${name}`), bytes);
      renameSync(join(inbox, `.${name}`), join(inbox, name));
    }
    mkdirSync(join(inbox, "folder.png"));
    symlinkSync("loop.png", join(inbox, "loop.png"));
    putIntoInbox(inbox, film);
    await client?.until("result", WAIT_MS, () => results().length === 1);
    const expected = [
      ...bad.map(([name, code]) => [name, code] as const),
      ["folder.png", "INGEST_FOLDER"] as const,
      ["loop.png", "INGEST_LINK"] as const,
    ];
    await vi.waitFor(() => expect(reasons().length).toBe(expected.length), { timeout: WAIT_MS });
    const codes = expected.map(([, code]) => code);
    expect(
      reasons()
        .map(({ code }) => code)
        .sort(),
    ).toEqual([...codes].sort());
    const refused = () => client?.of("event").filter(({ data }) => data.kind === "ingest-refused") ?? [];
    await client?.until("refusals as events", WAIT_MS, () => refused().length === expected.length);
    const told = refused().map(({ data }) => [data.reference, data.code]);
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(expected));
    putIntoInbox(inbox, secondFilm);
    await client?.until("second result", WAIT_MS, () => results().length === 2);
    expect(client?.received.flatMap(({ complaints }) => complaints)).toEqual([]);
  });

  test("without a device serves by software, raises an alarm, and says what was not checked", async () => {
    await open(settings("mode: validation\ndevice: { usb: { path: /dev/serial/by-id/not-there } }\n"), false);
    putIntoInbox(appliance?.inbox ?? "", film);
    await client?.until("result", WAIT_MS, () => results().length === 1);
    expect(results()[0]?.data).toMatchObject({
      assessed: true,
      device: { kind: "none", simulated: false, checked: false },
    });
    await client?.until(
      "event",
      WAIT_MS,
      () => client?.of("event").some(({ data }) => data.outcome === "not-checked") ?? false,
    );
    await client?.until("alarm", WAIT_MS, () => alarms().has("DEVICE_ABSENT"));
  });

  test("takes a device into service that comes later, and compares its digests", async () => {
    const link = join(folder, "port");
    await open(settings(`mode: validation\ndevice: { usb: { path: ${link} } }\n`), false);
    await client?.until("alarm", WAIT_MS, () => alarms().has("DEVICE_ABSENT"));
    const model = await startModel({ program: resolve("build/firmware/lv06-model"), link });
    try {
      await client?.until("end of the alarm", WAIT_MS, () => !alarms().has("DEVICE_ABSENT"));
      putIntoInbox(appliance?.inbox ?? "", film);
      const check = () => client?.of("event").find(({ data }) => data.kind === "digest-check");
      await client?.until("comparison", WAIT_MS, () => check() !== undefined);
      expect(check()?.data).toMatchObject({
        outcome: "matched",
        checked: 4116,
        mismatches: 0,
        device: { kind: "usb", simulated: true },
      });
      expect(results()[0]?.data).toMatchObject({ device: { kind: "usb", simulated: true, checked: false } });
    } finally {
      await model.stop();
    }
  });

  test("weights that were changed under it are never served", async () => {
    const copy = join(folder, "model");
    cpSync(MODEL, copy, { recursive: true });
    await open(settings("model: { dir: model }\n"), false);
    putIntoInbox(appliance?.inbox ?? "", film);
    await client?.until("result", WAIT_MS, () => results().length === 1);
    const weights = readFileSync(join(copy, "backbone-int8.bin"));
    writeFileSync(
      join(copy, "backbone-int8.bin"),
      weights.map((byte, at) => (at % 1000 === 0 ? byte ^ 0x55 : byte)),
    );
    process.kill(await childOf(appliance?.pid ?? 0, "inference/child"), "SIGKILL");
    putIntoInbox(appliance?.inbox ?? "", secondFilm);
    await client?.until("alarm", WAIT_MS, () => alarms().has("MODEL_UNAVAILABLE"));
    expect(results().length).toBe(1);
    cpSync(join(MODEL, "backbone-int8.bin"), join(copy, "backbone-int8.bin"));
    await client?.until("second result", WAIT_MS, () => results().length === 2);
  });

  test("told to stop while it starts, it stops", async () => {
    for (const afterMs of [150, 500, 900]) {
      const starting = await startAppliance(join(folder, String(afterMs)));
      await sleep(afterMs);
      await starting.stop();
      expect(starting.complaints().filter((words) => !words.includes("SIGTERM"))).toEqual([]);
    }
  });

  test("a second one on the same data folder is refused, and the first goes on", async () => {
    await open();
    const second = await startAppliance(folder, { modelDevice: false });
    await vi.waitFor(() => expect(second.complaints()[0]).toContain("status 1"), { timeout: WAIT_MS });
    const logged = second
      .log()
      .split("\n")
      .filter((line) => line.startsWith("{"));
    expect(logged.map((line) => JSON.parse(line).code)).toContain("STORE_IN_USE");
    putIntoInbox(appliance?.inbox ?? "", film);
    await client?.until("result", WAIT_MS, () => results().length === 1);
  });

  test("no log line names a file, whatever becomes of it", async () => {
    await open(settings("ingest: { settleMs: 0, maxFileBytes: 1000000 }\n").replace("ingest: { settleMs: 0 }\n", ""));
    const inbox = appliance?.inbox ?? "";
    writeFileSync(join(inbox, "MUELLER-HANS.png"), "no image");
    symlinkSync("MUELLER-HANS-2.png", join(inbox, "MUELLER-HANS-2.png"));
    writeFileSync(join(inbox, "MUELLER-HANS-3.png"), Buffer.alloc(1_000_001));
    putIntoInbox(inbox, { ...film, name: "MUELLER-HANS-4.jpeg" });
    await client?.until("result", WAIT_MS, () => results().length === 1);
    await vi.waitFor(() => expect(reasons().length).toBe(3), { timeout: WAIT_MS });
    expect(appliance?.log()).toContain("INGEST_LINK");
    expect(appliance?.log()).not.toContain("MUELLER");
  });

  test("without a broker keeps results, and delivers them in order once there is one", async () => {
    const port = await freePort();
    appliance = await startAppliance(folder, {
      settings: settings("").replace("embeddedPort: PORT", `url: "mqtt://127.0.0.1:${port}"`),
      modelDevice: false,
    });
    for (const one of FILMS.slice(0, 3)) putIntoInbox(appliance.inbox, one);
    await vi.waitFor(() => expect(processed().length).toBe(3), { timeout: WAIT_MS, interval: 50 });
    const broker = await EmbeddedBroker.start({ port });
    try {
      client = await OutsideClient.open(broker.url, appliance.prefix, WAIT_MS);
      await client.until("three results", WAIT_MS, () => results().length === 3);
      expect(results().map(({ data }) => data.sequence)).toEqual([1, 2, 3]);
      expect(client.of("status").at(-1)?.data.state).toBe("online");
      await appliance.stop();
      await client.until("stopped", WAIT_MS, () => client?.of("status").at(-1)?.data.state === "stopped");
      expect(appliance.complaints()).toEqual([]);
    } finally {
      await client?.close();
      client = undefined;
      await broker.stop();
    }
  });

  test.each([
    ["no model file", "MODEL_MISSING", (at: string) => rmSync(join(at, "head.onnx"))],
    [
      "a model that is not the manifest's",
      "MODEL_DIGEST",
      (at: string) => writeFileSync(join(at, "head.onnx"), "not a model"),
    ],
  ])("with %s stays up, names it in health, and serves the file once the model is mended", async (_, code, spoil) => {
    const copy = join(folder, "model");
    cpSync(MODEL, copy, { recursive: true });
    spoil(copy);
    await open(settings("model: { dir: model }\n"), false);
    putIntoInbox(appliance?.inbox ?? "", film);
    await client?.until("alarm", WAIT_MS, () => alarms().has("MODEL_UNAVAILABLE"));
    expect(client?.of("health").at(-1)?.data.parts).toMatchObject({ model: { state: "failed", lastErrorCode: code } });
    expect(existsSync(join(appliance?.inbox ?? "", film.name))).toBe(true);
    cpSync(join(MODEL, "head.onnx"), join(copy, "head.onnx"));
    await client?.until("result", WAIT_MS, () => results().length === 1);
    await client?.until("end of the alarm", WAIT_MS, () => !alarms().has("MODEL_UNAVAILABLE"));
  });

  test("goes on counting after a restart, and answers from the cache as before", async () => {
    await open();
    putIntoInbox(appliance?.inbox ?? "", film);
    await client?.until("first result", WAIT_MS, () => results().length === 1);
    const [first] = results();
    await client?.close();
    await appliance?.stop();
    expect(appliance?.complaints()).toEqual([]);
    await open();
    putIntoInbox(appliance?.inbox ?? "", film);
    await client?.until("second result", WAIT_MS, () => results().length === 1);
    const [second] = results();
    expect(second?.data).toMatchObject({ sequence: 2, cached: true });
    for (const key of ["probability", "decision", "label", "input", "model"]) {
      expect(second?.data[key]).toEqual(first?.data[key]);
    }
  });

  test("killed in the middle of its work loses no file: what was not finished is taken up at the next start", async () => {
    await open("", true);
    for (const one of FILMS) putIntoInbox(appliance?.inbox ?? "", one);
    await client?.until("first result", WAIT_MS, () => results().length >= 1);
    process.kill(appliance?.pid ?? 0, "SIGKILL");
    await client?.close().catch(() => {});
    await appliance?.stop();
    await open();
    await vi.waitFor(() => expect(processed().length).toBe(FILMS.length), { timeout: WAIT_MS, interval: 50 });
    expect(reasons()).toEqual([]);
    const store = openStored(join(folder, "data"));
    const stored = store.listFrom(1, 100);
    store.close();
    expect(new Set(stored.map(({ reference }) => reference))).toEqual(new Set(FILMS.map(({ name }) => name)));
    expect(stored.map(({ sequence }) => sequence)).toEqual(stored.map((_, index) => index + 1));
  });

  test("a wrong configuration is an error with file and line, before anything starts", async () => {
    appliance = await startAppliance(folder, {
      settings: "site: demo\nmqtt:\n  healthIntervalS: often\n",
      modelDevice: false,
    });
    await vi.waitFor(() => expect(appliance?.complaints()[0]).toContain("status 2"), { timeout: WAIT_MS });
    expect(appliance.log()).toMatch(/lv06\.yaml:3.*healthIntervalS/);
  });
});
