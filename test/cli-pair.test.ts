/** `lv06 device pair` as a person meets it: the real `./lv06`, on simulated miners that hash for whatever they are set to. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { StockMiner } from "../host/appliance/pairing/testing/stock-miner.ts";
import type { PayloadName } from "../host/device/axeos/testing/payloads.ts";
import { freePort, type RunningAppliance, startAppliance } from "./demo/appliance.ts";

const LV06 = resolve(import.meta.dirname, "../lv06");
const WAIT_MS = 50_000;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
let port: number;
let miner: StockMiner | undefined;
let appliance: RunningAppliance | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "cli-pair-"));
  port = await freePort();
});

afterEach(async () => {
  await miner?.close();
  await appliance?.stop();
  [miner, appliance] = [undefined, undefined];
  rmSync(folder, { recursive: true });
});

async function stock(payload: PayloadName, hashrate?: number): Promise<StockMiner> {
  miner = await StockMiner.start(payload, hashrate);
  return miner;
}

const QUESTION = "Do this? [y/N]";

function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("LV06_") || name === "LV06_NODE");
  const pool = {
    LV06_DEVICE_STRATUM_LISTEN: `127.0.0.1:${port}`,
    LV06_DEVICE_STRATUM_WORKERS: "simulated",
    LV06_DEVICE_STRATUM_SIMULATED_WORKERS: "simulated",
  };
  return { ...Object.fromEntries(own), ...pool };
}

/** @param input what is typed once it is asked for; none: there is no terminal */
function start(command: string, args: readonly string[], input?: string): Promise<Ended> {
  const child = spawn(command, args, { cwd: folder, env: environment(), stdio: ["pipe", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (input !== undefined && stdout.includes(QUESTION)) child.stdin.end(input);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  if (input === undefined) child.stdin.end();
  const timer = setTimeout(() => child.kill("SIGKILL"), WAIT_MS);
  return new Promise((done) => {
    child.once("close", (code) => {
      clearTimeout(timer);
      done({ code, stdout, stderr });
    });
  });
}

const pair = (...args: readonly string[]) => start(LV06, ["device", "pair", ...args]);
/** At a terminal. */
const typed = (input: string, ...args: readonly string[]) =>
  start("script", ["-qefc", [LV06, "device", "pair", ...args].join(" "), "/dev/null"], input);
const records = () => readdirSync(join(folder, "data", "pairings"));

describe("lv06 device pair", () => {
  test.each(["v2.12", "v2.15"] as const)("pairs %s, tells what to do next, and undoes it later", async (payload) => {
    const it = await stock(payload);
    const before = it.settings;
    const paired = await pair(it.address, "--yes");
    expect(paired).toMatchObject({ code: 0 });
    expect(paired.stderr).toContain("pool.example:3333 as owner.lv06");
    expect(paired.stdout).toContain("(simulated worker)");
    expect(paired.stdout).toContain(`miners: [axeos://simulated.000006@${it.address}]`);
    expect(it.pool).toEqual({ stratumURL: "127.0.0.1", stratumPort: port, stratumUser: "simulated.000006" });
    expect(records()).toEqual(["020000000006.json"]);
    expect(readFileSync(join(folder, "data/pairings/020000000006.json"), "utf8")).not.toContain("secret");

    const undone = await pair(it.address, "--undo", "--yes", "--json");
    expect([undone.code, JSON.parse(undone.stdout)]).toEqual([0, { outcome: "undone", listed: [] }]);
    expect(it.settings).toEqual(before);
    expect(records()).toEqual([]);
  });

  test("undone, says which entry is to be taken out of device.miners", async () => {
    const it = await stock("v2.12");
    const { entry } = JSON.parse((await pair(it.address, "--yes", "--json")).stdout);
    const settings = join(folder, "listed.yaml");
    writeFileSync(settings, `device: { miners: ["${entry}"] }\n`);
    const { code, stdout } = await pair(it.address, "--undo", "--yes", "--config", settings);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`take ${entry} out of device.miners`)]);
  });

  test("after one that was killed while it proved: goes on, and undoes by its record", async () => {
    const it = await stock("v2.12", 0);
    const before = it.settings;
    const killed = spawn(LV06, ["device", "pair", it.address, "--yes"], { cwd: folder, env: environment() });
    const restarted = () => expect(it.axeos.requests.map(({ path }) => path)).toContain("/api/system/restart");
    await vi.waitFor(restarted, { timeout: WAIT_MS });
    killed.kill("SIGKILL");
    await new Promise((gone) => killed.once("close", gone));
    expect(it.pool.stratumPort).toBe(port);
    const { code, stdout, stderr } = await pair(it.address, "--yes", "--json", "--deadline", "6");
    expect([code, JSON.parse(stdout).error.code]).toEqual([1, "AXEOS_PAIR_UNPROVEN"]);
    expect(stderr).toContain("it is set to this pool already: waiting for a valid share");
    expect(it.settings).toEqual(before);
  });

  test("of a miner that is set to the pool by hand leaves it so, and ends with 1 if no share comes", async () => {
    const it = await stock("v2.12", 0);
    it.axeos.set({ stratumURL: "127.0.0.1", stratumPort: port, stratumUser: "simulated.000006" });
    const before = it.settings;
    const { code, stderr } = await pair(it.address, "--deadline", "2");
    expect([code, stderr]).toEqual([1, expect.stringContaining("[PAIR_UNPROVEN]")]);
    expect(stderr).toContain("leaving it as it is");
    expect([it.settings, it.axeos.restarts]).toEqual([before, 0]);
  });

  test("undoes everything when no share comes, and exits with 1", async () => {
    const it = await stock("v2.15", 0);
    const before = it.settings;
    const { code, stdout, stderr } = await pair(it.address, "--yes", "--json", "--deadline", "2");
    expect([code, JSON.parse(stdout).error.code]).toEqual([1, "AXEOS_PAIR_UNPROVEN"]);
    expect(stderr).toContain("it connected, but sent no valid share in time");
    expect([it.settings, records()]).toEqual([before, []]);
  });

  test("asks at the terminal: no, Ctrl-C, Ctrl-D and nothing are no", async () => {
    const it = await stock("v2.12");
    for (const input of ["n\n", "\x03", "\x04", "\n"]) {
      const { code, stdout } = await typed(input, it.address);
      expect([input, code]).toEqual([input, 1]);
      expect(stdout).toContain(QUESTION);
      expect(stdout).toContain("nothing was changed");
    }
    expect(it.axeos.requests.every(({ method }) => method === "GET")).toBe(true);
    expect(existsSync(join(folder, "data"))).toBe(false);
    expect(await typed("y\n", it.address)).toMatchObject({ code: 0 });
    expect(it.pool.stratumPort).toBe(port);
  });

  test.each([
    ["without a terminal and --yes", [], 2, "USAGE_OPTION"],
    ["with --json and without --yes", ["--json"], 2, "USAGE_OPTION"],
    ["under a name that the pool does not admit", ["--yes", "--worker", "stranger"], 2, "PAIR_WORKER"],
    ["without a record to undo", ["--undo", "--yes"], 1, "PAIR_NO_RECORD"],
  ])("does nothing %s", async (_, args, code, error) => {
    const it = await stock("v2.12");
    const ended = await pair(it.address, ...args);
    expect(ended.code).toBe(code);
    expect(ended.stderr + ended.stdout).toContain(error);
    expect(it.axeos.requests.every(({ method }) => method === "GET")).toBe(true);
  });

  test.each([
    ["a name that the pool does not admit", ["--worker", "stranger"], "PAIR_WORKER"],
    ["a worker that --undo does not take", ["--undo", "--worker", "simulated.a"], "USAGE_OPTION"],
    ["an address that --undo does not take", ["--undo", "--advertise", "10.0.0.1:3333"], "USAGE_OPTION"],
    ["a deadline that --undo does not take", ["--undo", "--deadline", "180"], "USAGE_OPTION"],
  ])("refuses %s before it asks anyone", async (_, args, error) => {
    const { code, stderr } = await pair(`127.0.0.1:${await freePort()}`, "--yes", ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(error)]);
  });

  test("ends with 5 where there is no miner", async () => {
    const { code, stderr } = await pair(`127.0.0.1:${await freePort()}`, "--yes");
    expect([code, stderr]).toEqual([5, expect.stringContaining("[AXEOS_UNREACHABLE]")]);
  });

  test("believes the health of the appliance that has the pool", async () => {
    const settings = `dataDir: data
mqtt: { embeddedPort: PORT, healthIntervalS: 1 }
device: { stratum: { listen: "127.0.0.1:${port}", workers: [simulated], simulatedWorkers: [simulated] } }
`;
    appliance = await startAppliance(folder, { settings, modelDevice: false });
    const it = await stock("v2.12");
    await vi.waitFor(() => expect(appliance?.log()).toContain('"msg":"started"'), { timeout: WAIT_MS });
    const { code, stdout, stderr } = await pair(it.address, "--config", "lv06.yaml", "--yes", "--json");
    expect([code, stderr]).toEqual([0, expect.stringContaining("the appliance has the pool")]);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: "paired", pool: "appliance", simulated: true });
    const again = await pair(it.address, "--config", "lv06.yaml", "--yes", "--json");
    expect([again.code, JSON.parse(again.stdout)]).toMatchObject([0, { outcome: "already", pool: "appliance" }]);
    expect(it.axeos.restarts).toBe(1);
  });
});
