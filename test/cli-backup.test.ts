/** `./lv06 backup` and `restore` as docs/operations.md has them, on a real store. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSecrets } from "../host/appliance/secrets.ts";
import { ResultStore } from "../host/store/results.ts";
import { makeResult } from "../host/store/testing/make-result.ts";
import { KEYS_IN_FILES, openStored } from "./stored.ts";

const ROOT = resolve(import.meta.dirname, "..");
const DEADLINE_MS = 50_000;

let folder: string;
let store: ResultStore;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lv06-cli-backup-"));
  const dataDir = join(folder, "data");
  mkdirSync(dataDir, { mode: 0o700 });
  const { vault } = openSecrets({ dataDir, ...KEYS_IN_FILES }, randomBytes);
  store = new ResultStore({ path: join(dataDir, "results.db"), vault, utcMs: Date.now });
  for (let made = 0; made < 3; made++) await store.append((next) => makeResult(next));
  writeFileSync(join(folder, "lv06.yaml"), "site: clinic\n");
});
afterAll(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function lv06(line: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((end) => {
    const options = { cwd: folder, env: { ...process.env, ...env }, timeout: DEADLINE_MS };
    execFile(join(ROOT, "lv06"), line.split(" "), options, (error, out, err) => {
      end({ code: Number(error?.code ?? 0), out, err });
    });
  });
}

test("a backup is made while the appliance has its store open, verified, and restored on another machine", async () => {
  const made = await lv06("backup safe.tar --with-keys");
  expect(made).toEqual({ code: 0, out: expect.stringMatching(/^safe\.tar: 3 results up to number 3, /), err: "" });
  expect(statSync(join(folder, "safe.tar")).mode & 0o777).toBe(0o600);

  const check = await lv06("restore safe.tar --check --json");
  expect(JSON.parse(check.out)).toMatchObject({ checked: true, restored: false, manifest: { site: "clinic" } });

  const elsewhere = { LV06_DATA_DIR: join(folder, "other") };
  const restored = await lv06("restore safe.tar --config-out other.yaml", elsewhere);
  expect(restored).toMatchObject({ code: 0, err: "" });
  expect(restored.out).toMatch(/^restored: 3 results up to number 3 of clinic\/appliance, from 20/);
  expect(readFileSync(join(folder, "other.yaml"), "utf8")).toBe("site: clinic\n");
  const reader = openStored(join(folder, "other"));
  expect(reader.count()).toBe(3);
  reader.close();

  const again = await lv06("restore safe.tar --json", elsewhere);
  const { setAside } = JSON.parse(again.out) as { readonly setAside: string };
  expect(statSync(join(setAside, "results.db")).isFile()).toBe(true);
}, 120_000);

test("a backup without the keys says which ones it needs", async () => {
  const { code, err } = await lv06("backup keyless.tar");
  expect({ code, err }).toEqual({ code: 0, err: expect.stringMatching(/^Without the key [0-9a-f]{16} nobody/) });
}, 60_000);

test("secrets of the configuration file go into no backup that is not told to hold keys", async () => {
  writeFileSync(join(folder, "secret.yaml"), "site: clinic\nmqtt: { password: hunter2 }\n");
  const { code, out } = await lv06("backup other.tar --config secret.yaml --json");
  expect({ code, ...(JSON.parse(out) as object) }).toEqual({
    code: 1,
    error: { code: "BACKUP_SECRETS", message: expect.stringContaining("mqtt.password"), action: expect.any(String) },
  });
  expect(out).not.toContain("hunter2");
}, 60_000);
