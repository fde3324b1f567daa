/** The commands that ask a running appliance, as a person would run them, with the appliance as a process of its own. */
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { freePort, type RunningAppliance, startAppliance } from "./demo/appliance.ts";
import { FILMS, putIntoInbox, readFilm } from "./demo/films.ts";
import { OutsideClient } from "./demo/outside-client.ts";

const results = () => client.of("result").map(({ data }) => data);
const LV06 = resolve(import.meta.dirname, "../lv06");
const WAIT = { timeout: 50_000 };
const SETTINGS =
  "site: demo\nappliance: lv06-demo\ndataDir: data\nmqtt: { embeddedPort: PORT, healthIntervalS: 1, inferMaxBytes: 2000000 }\ningest: { settleMs: 0, allowedDirs: [films] }\n";

let folder: string;
let appliance: RunningAppliance;
let client: OutsideClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cli-ask-"));
  appliance = await startAppliance(folder, { settings: SETTINGS, modelDevice: false });
  client = await OutsideClient.open(appliance.url, appliance.prefix, WAIT.timeout);
  const [film] = FILMS;
  if (film === undefined) throw new Error("no films");
  await putIntoInbox(appliance.inbox, film);
  await vi.waitUntil(() => results().length === 1, WAIT);
});

afterAll(async () => {
  await client?.close();
  await appliance?.stop();
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function lv06(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const all = ["--config", join(folder, "lv06.yaml"), ...args];
  return new Promise((end) => {
    execFile(LV06, all, { cwd: folder, env: { ...process.env, ...env }, timeout: 50_000 }, (error, out, err) => {
      end({ code: Number(error?.code ?? 0), out, err });
    });
  });
}

const json = async (...args: readonly string[]) => {
  const { code, out } = await lv06(["--json", ...args]);
  return { code, document: JSON.parse(out) };
};

test("results void has the appliance say that a result was entered in error; then it is on record, and said once", async () => {
  const resultId = String(results()[0]?.resultId);
  const { code, document } = await json("results", "void", resultId, "--reason", "WRONG_PATIENT");
  expect([code, document]).toEqual([
    0,
    expect.objectContaining({ status: "entered-in-error", replaces: resultId, sequence: 2, assessed: false }),
  ]);
  await vi.waitUntil(() => results().length === 2, WAIT);
  expect(results()[1]).toEqual(document);
  expect((await lv06(["results", "show", resultId])).out).toContain(
    `REPLACED by ${document.resultId} (entered-in-error)`,
  );
  expect((await lv06(["results", "ls"])).out).toMatch(/entered-in-error.*\n.*replaced/);
  expect(await json("results", "void", resultId, "--reason", "WRONG_PATIENT")).toMatchObject({
    code: 1,
    document: { error: { code: "VOID_TWICE" } },
  });
});

test("results resend has results published again", async () => {
  const heard = results().length;
  const { code, document } = await json("results", "resend", "--from", "1");
  expect([code, document]).toEqual([0, { from: 1, sent: heard, next: null, firstAvailable: 1 }]);
  await vi.waitUntil(() => results().length === 2 * heard, WAIT);
  const ids = client.of("result").map(({ id }) => id);
  expect(ids.slice(heard)).toEqual(ids.slice(0, heard));
});

test("cmd/infer assesses a film that is named or brought along, as the inbox does, and may correct a result", async () => {
  const [film] = FILMS;
  if (film === undefined) throw new Error("no films");
  mkdirSync(join(folder, "films"));
  copyFileSync(film.path, join(folder, "films", film.name));
  const [first] = results();
  const named = await client.ask(
    "infer",
    { path: join(folder, "films", film.name), reference: film.name },
    WAIT.timeout,
  );
  const { label, decision, probability, input, reference } = first ?? {};
  expect(named).toMatchObject({
    ok: true,
    infer: { label, decision, probability, input, reference, cached: true, status: "preliminary" },
  });
  const { resultId } = named.infer as { readonly resultId: string };
  const image = readFilm(film).toString("base64");
  const brought = await client.ask("infer", { image, replaces: resultId }, WAIT.timeout);
  expect(brought).toMatchObject({ ok: true, infer: { probability, status: "corrected", replaces: resultId } });
  await vi.waitUntil(() => results().some(({ replaces }) => replaces === resultId), WAIT);
  const outside = await client.ask("infer", { path: film.path }, WAIT.timeout);
  expect(outside).toMatchObject({ ok: false, code: "INFER_PATH", infer: null });
});

test("selftest computes what is known, and cmd/health has the present health message", async () => {
  const { code, document } = await json("selftest");
  expect([code, document.ok]).toEqual([0, true]);
  expect(document.checks.map(({ name, ok }: { name: string; ok: boolean }) => [name, ok])).toEqual([
    ["decoder", true],
    ["attention", true],
    ["model", true],
  ]);
  const { ok, health } = await client.ask("health", {}, WAIT.timeout);
  expect(ok).toBe(true);
  expect(client.of("health").map(({ data }) => data)).toContainEqual(health);
});

test("outbox retry has what was set aside tried again; ls --parked shows none", async () => {
  expect(await json("outbox", "retry")).toEqual({ code: 0, document: { messages: 0 } });
  expect(await json("outbox", "ls", "--parked")).toMatchObject({ code: 0, document: { messages: [] } });
});

test("everything that it published and replied passes the published schemas", () => {
  expect(client.received.flatMap(({ complaints }) => complaints)).toEqual([]);
  expect(client.of("reply").length).toBeGreaterThan(5);
});

test("what nobody answers, and what cannot be meant, is told by name", async () => {
  const port = await freePort();
  const [away, odd] = await Promise.all([
    lv06(["results", "resend", "--from", "1"], { LV06_MQTT_EMBEDDED_PORT: String(port) }),
    lv06(["results", "void", "a", "--reason", "not a code"]),
  ]);
  expect([away.code, away.err]).toEqual([1, expect.stringContaining("MQTT_UNREACHABLE")]);
  expect([odd.code, odd.err]).toEqual([2, expect.stringContaining("USAGE_OPTION")]);
});
