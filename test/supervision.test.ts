/** The appliance as a whole, looked after: ready and alive by verified work only, stopped in time, ended by a defect. */
import { hash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { NotifySocket, RUN_NOTIFY } from "../host/health/testing/notify-socket.ts";
import { freePort, type RunningAppliance, type StartOptions, startAppliance } from "./demo/appliance.ts";
import { FILMS, putIntoInbox } from "./demo/films.ts";
import { OutsideClient } from "./demo/outside-client.ts";

const TINY = resolve("host/inference/fixtures/tiny");
const WAIT_MS = 40_000;

let folder: string;
let appliance: RunningAppliance | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "supervision-"));
});

afterEach(async () => {
  await appliance?.stop();
  appliance = undefined;
  rmSync(folder, { recursive: true });
});

const settings = (more = "", model = TINY) =>
  `site: demo\nappliance: lv06-demo\ndataDir: data\nmqtt: { embeddedPort: PORT, healthIntervalS: 1 }\nmodel: { dir: ${model} }\nhealth: { selfcheckIntervalS: 1 }\n${more}`;

async function start(options: StartOptions): Promise<RunningAppliance> {
  appliance = await startAppliance(folder, { modelDevice: false, ...options });
  return appliance;
}

/** The child process of `parent` whose command line contains `words`. */
function childOf(parent: number, words: string): number {
  for (const pid of readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim().split(" ").map(Number)) {
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(words)) return pid;
  }
  throw new Error(`no child ${words}`);
}

const until = (condition: () => boolean) => vi.waitFor(() => expect(condition()).toBe(true), { timeout: WAIT_MS });

describe.skipIf(!RUN_NOTIFY)("a service manager", () => {
  let socket: NotifySocket;
  beforeEach(async () => {
    socket = await NotifySocket.open();
  });
  afterEach(() => socket.close());

  const env = () => ({ NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "180000000" });
  const told = () => socket.notices.filter((notice) => !notice.startsWith("STATUS="));

  test("hears READY once an image was answered right, WATCHDOG after it, and STOPPING at the end", async () => {
    const running = await start({ settings: settings(), env: env() });
    await until(() => told().length >= 3);
    expect(told().slice(0, 3)).toEqual(["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
    await running.stop();
    await until(() => told().at(-1) === "STOPPING=1");
    expect(running.complaints()).toEqual([]);
  });

  test("hears nothing of an appliance without a model, and READY once it has one", async () => {
    const model = join(folder, "model");
    await start({ settings: settings("", model), env: env() });
    await until(() => /"check":"model","code":"MODEL_MISSING"/.test(appliance?.log() ?? ""));
    expect(socket.notices).toEqual([]);
    cpSync(TINY, model, { recursive: true });
    cpSync(join(TINY, "../shared"), join(folder, "shared"), { recursive: true });
    await until(() => told()[0] === "READY=1");
  });
});

test("health and readiness are served, with what the appliance does without", async () => {
  const port = await freePort();
  await start({ settings: settings(`metrics: { listen: 127.0.0.1:${port} }\n`) });
  const at = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined))?.status;
  await vi.waitFor(async () => expect(await at("/ready")).toBe(200), { timeout: WAIT_MS });
  expect(await at("/health")).toBe(200);
});

test("health tells of every part, the check, the store and its key", async () => {
  const { url, prefix } = await start({ settings: settings() });
  const client = await OutsideClient.open(url, prefix, WAIT_MS);
  try {
    const latest = () => client.of("health").at(-1)?.data as Record<string, Record<string, unknown>> | undefined;
    await client.until("a check", WAIT_MS, () => latest()?.selfcheck?.proven === true);
    expect(latest()).toMatchObject({
      parts: { store: { state: "running" }, selfcheck: { state: "passed", restarts: 0 }, model: { state: "ready" } },
      selfcheck: { ok: true, lastErrorCode: null },
      store: { lastSequence: 0, prunedThrough: 0 },
      encryption: { remaining: 0 },
      clock: { stepped: false },
    });
    expect(client.received.flatMap(({ complaints }) => complaints)).toEqual([]);
  } finally {
    await client.close();
  }
});

test("a model that answers the known picture wrongly serves no image, and serves again once it answers right", async () => {
  const model = join(folder, "model");
  cpSync(TINY, model, { recursive: true });
  cpSync(join(TINY, "../shared"), join(folder, "shared"), { recursive: true });
  const manifest = hash("sha256", readFileSync(join(model, "manifest.json")));
  const logits = { "int8-u8s8": 1e6, "int8-s8s8": 1e6 };
  const said = join(model, "known-answer.json");
  writeFileSync(said, JSON.stringify({ schema: "lv06/known-answer/1", manifest, logits }));
  const [film] = FILMS;
  if (film === undefined) throw new Error("no film");
  // It is there before the appliance is: not even the first image is served before the first check.
  const inbox = join(folder, "data", "inbox");
  mkdirSync(inbox, { recursive: true });
  putIntoInbox(inbox, film);
  const running = await start({ settings: settings("ingest: { settleMs: 0 }\n", model) });
  const client = await OutsideClient.open(running.url, running.prefix, WAIT_MS);
  try {
    const latest = () => client.of("health").at(-1)?.data;
    await client.until("a refusal", WAIT_MS, () => latest()?.state === "failing");
    expect(latest()).toMatchObject({
      modes: ["not-assessing", "refusing-work"],
      selfcheck: { proven: false, lastErrorCode: "SELFCHECK_MODEL" },
      parts: { inbox: { state: "paused", lastErrorCode: "SELFCHECK_MODEL" } },
      store: { lastSequence: 0 },
    });
    expect(client.of("result")).toEqual([]);
    rmSync(said);
    await client.until("the film's result", WAIT_MS, () => client.of("result").length === 1);
  } finally {
    await client.close();
  }
});

test("a port that is taken for its metrics stops nothing: the part is tried again, and an alarm says so", async () => {
  const port = await freePort();
  const { url, prefix } = await start({ settings: settings(`metrics: { listen: 127.0.0.1:${port} }\n`) });
  const other = await startAppliance(mkdtempSync(join(folder, "other-")), {
    modelDevice: false,
    settings: settings(`metrics: { listen: 127.0.0.1:${port} }\n`),
  });
  const [first, second] = [
    await OutsideClient.open(url, prefix, WAIT_MS),
    await OutsideClient.open(other.url, other.prefix, WAIT_MS),
  ];
  try {
    const alarms = (client: OutsideClient) => (client.of("health").at(-1)?.data.alarms as string[] | undefined) ?? [];
    const resting = () => [first, second].filter((client) => alarms(client).includes("PART_RESTING"));
    await until(() => resting().length === 1);
  } finally {
    await first.close();
    await second.close();
    await other.stop();
  }
});

test.each([
  ["an error that nobody caught", 'throw new Error("planted")'],
  ["a rejection that nobody heard of", 'void Promise.reject(new Error("planted"))'],
])("%s ends the process, as one line of the log and with status 1", async (_, defect) => {
  const module = join(folder, "defect.mjs");
  writeFileSync(module, `process.on("SIGUSR2", () => { ${defect}; });\n`);
  const running = await start({ settings: settings(), env: { NODE_OPTIONS: `--import ${module}` } });
  await until(() => running.log().includes('"started"'));
  process.kill(running.pid, "SIGUSR2");
  await until(() => running.complaints()[0]?.includes("ended with status 1") ?? false);
  const lines = running
    .log()
    .split("\n")
    .filter((line) => line.includes("defect: planted"));
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: 50, part: "appliance", code: "INTERNAL" });
});

test("is gone within 5 s of being told, though an image under way does not end", async () => {
  const running = await start({ settings: settings("ingest: { settleMs: 0 }\nraster: { deadlineMs: 60000 }\n") });
  const decoder = await vi.waitFor(() => childOf(running.pid, "raster/child.ts"), { timeout: WAIT_MS });
  process.kill(decoder, "SIGSTOP");
  for (const film of FILMS.slice(0, 3)) putIntoInbox(running.inbox, film);
  await until(() => /"part":"selfcheck"|"started"/.test(running.log()));
  const startedMs = performance.now();
  await running.stop();
  expect(performance.now() - startedMs).toBeLessThan(5_500);
  expect(running.complaints()).toEqual([]);
  // What was under way lies where it was.
  expect(readdirSync(running.inbox).filter((name) => name.endsWith(".jpeg"))).toHaveLength(3);
});
