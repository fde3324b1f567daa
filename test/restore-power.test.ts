/** A restore that is killed before each of its steps on the disk, or finds the disk full there: nothing is ever lost. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeBackup } from "../host/appliance/backup/backup.ts";
import { refuseUnfinished } from "../host/appliance/backup/unfinished.ts";
import { openSecrets, readSecrets } from "../host/appliance/secrets.ts";
import { loadConfig } from "../host/config/load.ts";
import { openSigningKey } from "../host/seal/key-file.ts";
import { ResultReader } from "../host/store/reader.ts";
import { ResultStore } from "../host/store/results.ts";
import { makeResult } from "../host/store/testing/make-result.ts";
import { buildShim, shimEnv, type Trouble } from "./power/shim.ts";

const CHILD = resolve(import.meta.dirname, "restore-once.ts");
/** Steps that are tried, spread over all; 0 tries each. */
const TRIALS = Number(process.env.LV06_RESTORE_TRIALS ?? 12);
const BEFORE = 5;
const IN_BACKUP = 3;

let root: string;
let shim: string;
let backup: string;
let template: string;

const configOf = (folder: string) => {
  writeFileSync(join(folder, "lv06.yaml"), "dataDir: data\n");
  return loadConfig({ file: join(folder, "lv06.yaml"), env: {}, cwd: folder, installDir: folder }).config;
};

async function appliance(name: string, results: number): Promise<string> {
  const folder = join(root, name);
  mkdirSync(join(folder, "data"), { recursive: true, mode: 0o700 });
  const config = configOf(folder);
  const { vault } = openSecrets(config, randomBytes);
  openSigningKey({ folder: join(config.dataDir, "keys"), randomSeed: () => randomBytes(32) });
  const store = new ResultStore({ path: join(config.dataDir, "results.db"), vault, utcMs: Date.now });
  for (let made = 0; made < results; made++) await store.append(makeResult);
  store.close();
  return folder;
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "lv06-restore-power-"));
  shim = buildShim();
  const from = await appliance("from", IN_BACKUP);
  backup = join(root, "backup.tar");
  await makeBackup({
    ...{ config: configOf(from), configFile: null, secretsInFile: [], file: backup, withKeys: true, replace: false },
    ...{ software: "0", utcMs: Date.now, random: randomBytes, progress: () => {} },
    signal: new AbortController().signal,
  });
  template = await appliance("template", BEFORE);
});
afterAll(() => rmSync(root, { recursive: true }));

async function restore(folder: string, trouble: Trouble, countFile?: string): Promise<boolean> {
  const count = countFile === undefined ? {} : { countFile };
  const env = shimEnv(shim, { folder: join(folder, "data"), trouble, ...count });
  try {
    await promisify(execFile)(process.execPath, [CHILD, join(folder, "lv06.yaml"), backup], { env, timeout: 60_000 });
    return true;
  } catch {
    return false;
  }
}

function countIn(database: string, folder: string): number {
  const reader = ResultReader.open(database, readSecrets(configOf(folder), randomBytes).vault);
  try {
    return reader.count();
  } finally {
    reader.close();
  }
}

function isUnfinished(folder: string): boolean {
  try {
    refuseUnfinished(join(folder, "data"));
    return false;
  } catch {
    return true;
  }
}

/** What was there before and what was restored, each in one place, and numbers above both. */
function judge(folder: string): void {
  const data = join(folder, "data");
  expect(isUnfinished(folder)).toBe(false);
  expect(readdirSync(data).filter((name) => name.startsWith("."))).toEqual([]);
  expect(countIn(join(data, "results.db"), folder)).toBe(IN_BACKUP);
  const asides = readdirSync(data).filter((name) => name.startsWith("before-restore-"));
  const databases = asides.map((name) => join(data, name, "results.db")).filter((path) => existsSync(path));
  expect(databases.map((path) => countIn(path, folder))).toContain(BEFORE);
  expect(Number.parseInt(readFileSync(join(data, "high-water"), "latin1"), 10)).toBeGreaterThan(BEFORE);
  expect(
    readdirSync(join(data, "keys"))
      .filter((name) => !name.endsWith(".new"))
      .sort(),
  ).toEqual([...["at-rest.key", "signing-key.pem", "site.key"]]);
}

test("nothing is lost, and the same restore goes through the next time", { timeout: 600_000 }, async () => {
  const countFile = join(root, "count");
  const trial = (name: string) => {
    const folder = join(root, name);
    cpSync(template, folder, { recursive: true });
    return folder;
  };
  const whole = trial("whole");
  expect(await restore(whole, { kind: "none" }, countFile)).toBe(true);
  judge(whole);
  const steps = Number(readFileSync(countFile, "utf8"));
  expect(steps).toBeGreaterThan(20);
  const unfinished = new Set<string>();
  for (let at = 1; at <= steps; at += TRIALS === 0 ? 1 : Math.max(1, Math.round(steps / TRIALS))) {
    for (const trouble of [{ kind: "killed", at } as const, { kind: "full", at, onward: true } as const]) {
      const folder = trial("trial");
      const done = await restore(folder, trouble);
      if (!done && isUnfinished(folder)) unfinished.add(`${trouble.kind} ${at}`);
      // Until the mark is there, what is there is what was there before.
      if (!done && !isUnfinished(folder)) {
        expect([BEFORE, IN_BACKUP]).toContain(countIn(join(folder, "data", "results.db"), folder));
      }
      if (!done) expect(await restore(folder, { kind: "none" })).toBe(true);
      judge(folder);
      rmSync(folder, { recursive: true });
    }
  }
  // Some of them in the midst of it.
  expect(unfinished.size).toBeGreaterThan(0);
});
