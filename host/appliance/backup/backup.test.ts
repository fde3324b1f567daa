import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Loaded, loadConfig } from "../../config/load.ts";
import { openSigningKey } from "../../seal/key-file.ts";
import { FolderLock } from "../../store/lock.ts";
import { ResultReader } from "../../store/reader.ts";
import { ResultStore } from "../../store/results.ts";
import { makeResult } from "../../store/testing/make-result.ts";
import { newKey, openSecrets, readSecrets } from "../secrets.ts";
import { type BackupOptions, makeBackup } from "./backup.ts";
import { type RestoreOptions, restoreBackup } from "./restore.ts";
import { markUnfinished, refuseUnfinished } from "./unfinished.ts";

const DAY_MS = 86_400_000;

let root: string;
let file: string;
let stores: ResultStore[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lv06-backup-"));
  file = join(root, "backup.tar");
  stores = [];
});

afterEach(() => {
  for (const store of stores) store.close();
  rmSync(root, { recursive: true });
});

/** An appliance's configuration, in a folder of its own. */
function machine(name: string, yaml = ""): Loaded {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "lv06.yaml"), `site: clinic\ndataDir: data\n${yaml}`);
  return loadConfig({ file: join(folder, "lv06.yaml"), env: {}, cwd: folder, installDir: folder });
}

/** As the appliance does: keys first, then the store. */
function open({ config }: Loaded): ResultStore {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const { vault } = openSecrets(config, randomBytes);
  openSigningKey({ folder: join(config.dataDir, "keys"), randomSeed: () => randomBytes(32) });
  const store = new ResultStore({ path: join(config.dataDir, "results.db"), vault, utcMs: Date.now });
  stores.push(store);
  return store;
}

async function fill(store: ResultStore, count: number): Promise<void> {
  for (let made = 0; made < count; made++) await store.append((next) => makeResult(next));
}

const signal = new AbortController().signal;

function backup(of: Loaded, changes: Partial<BackupOptions> = {}) {
  return makeBackup({
    ...{ config: of.config, configFile: of.file, secretsInFile: [], file, withKeys: true, replace: false },
    ...{ software: "0.0.0", utcMs: Date.now, random: randomBytes, progress: () => {}, signal },
    ...changes,
  });
}

function restore(to: Loaded, changes: Partial<RestoreOptions> = {}) {
  return restoreBackup({
    ...{ config: to.config, configFile: to.file, file, check: false },
    ...{ utcMs: Date.now, random: randomBytes, progress: () => {}, signal },
    ...changes,
  });
}

function stored({ config }: Loaded) {
  const reader = ResultReader.open(join(config.dataDir, "results.db"), readSecrets(config, randomBytes).vault);
  try {
    return reader.listFrom(1, 10_000);
  } finally {
    reader.close();
  }
}

const numbers = (of: Loaded) => stored(of).map(({ sequence }) => sequence);
/** Everything below a folder, with what is in it. */
function everything(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = names.map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(path, "base64")]));
}

describe("a backup with the keys", () => {
  test("brings results, keys and pairings to a machine that never had them, and numbers go on above", async () => {
    const old = machine("old");
    const store = open(old);
    await fill(store, 3);
    mkdirSync(join(old.config.dataDir, "pairings"));
    writeFileSync(join(old.config.dataDir, "pairings", "aa-bb.json"), "{}");
    const { manifest } = await backup(old);
    expect(manifest).toMatchObject({ site: "clinic", withKeys: true, store: { results: 3, lastSequence: 3 } });

    const fresh = machine("new");
    const restored = await restore(fresh);
    expect(restored).toMatchObject({ setAside: null, keys: ["at-rest.key", "site.key", "signing-key.pem"] });
    expect(stored(fresh)).toEqual(stored(old));
    expect(readFileSync(join(fresh.config.dataDir, "pairings", "aa-bb.json"), "utf8")).toBe("{}");
    for (const name of ["results.db", "keys/site.key", "pairings/aa-bb.json"]) {
      expect(statSync(join(fresh.config.dataDir, name)).mode & 0o777, name).toBe(0o600);
    }
    const after = open(fresh);
    await fill(after, 1);
    expect(numbers(fresh)).toEqual([1, 2, 3, restored.above + 1]);
    expect(after.continuation).toEqual({ from: 3, to: restored.above });
  });

  test("of an appliance that may have gone on since leaps as far as it can have counted", async () => {
    const old = machine("old");
    await fill(open(old), 3);
    const { manifest } = await backup(old, { utcMs: () => 0 });
    const { above } = await restore(machine("new"), { utcMs: () => 10 * DAY_MS });
    expect(above - manifest.store.highWater).toBe(10 * 86_400 * 100 + 1);
  });

  test("is refused on a machine whose clock stands before it", async () => {
    await fill(open(machine("old")), 1);
    await backup(machine("old"), { utcMs: () => DAY_MS });
    await expect(restore(machine("new"), { utcMs: () => DAY_MS - 1 })).rejects.toThrow(/BACKUP_CLOCK/);
  });

  test("gives keys that lie here already up for nothing: what they encrypted goes on opening", async () => {
    const old = machine("old");
    await fill(open(old), 1);
    await backup(old);
    const other = machine("other");
    await fill(open(other), 2);
    for (const store of stores) store.close();
    const before = readSecrets(other.config, randomBytes).vault.seal("x", Buffer.from("kept"), "");
    const { setAside } = await restore(other);
    expect(numbers(other)).toEqual([1]);
    const { vault } = readSecrets(other.config, randomBytes);
    expect(vault.open("x", before.keyId, before.bytes, "").toString()).toBe("kept");
    expect(readdirSync(join(setAside ?? "", "keys")).sort()).toEqual(["at-rest.key", "signing-key.pem", "site.key"]);
  });
});

describe("a backup without the keys", () => {
  test("holds none of them, and nothing in the open", async () => {
    const here = machine("here");
    await open(here).append((next) => makeResult(next, { reference: "Mustermann.png" }));
    const { manifest } = await backup(here, { withKeys: false });
    expect(manifest.files.map(({ name }) => name)).toEqual(["results.db", "lv06.yaml"]);
    const bytes = readFileSync(file);
    for (const name of ["at-rest.key", "site.key"]) {
      expect(bytes.includes(readFileSync(join(here.config.dataDir, "keys", name), "latin1").trim())).toBe(false);
    }
    expect(bytes.includes("Mustermann")).toBe(false);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("is restored where the keys are, and what was there since is set aside", async () => {
    const here = machine("here");
    const store = open(here);
    await fill(store, 2);
    await backup(here, { withKeys: false });
    await fill(store, 5);
    store.close();
    const { setAside, keys, above } = await restore(here);
    expect(keys).toEqual([]);
    expect(above).toBeGreaterThan(7);
    expect(numbers(here)).toEqual([1, 2]);
    const { vault } = readSecrets(here.config, randomBytes);
    const aside = ResultReader.open(join(setAside ?? "", "results.db"), vault);
    expect(aside.count()).toBe(7);
    aside.close();
    await fill(open(here), 1);
    expect(numbers(here).at(-1)).toBe(above + 1);
  });

  test("is restored after a kill too, with its journal set aside, and no number is given twice", async () => {
    const here = machine("here");
    const store = open(here);
    await fill(store, 2);
    await backup(here, { withKeys: false });
    await fill(store, 5);
    // Not closed: the journal and the reservation are as a kill leaves them.
    await restore(here);
    expect(readdirSync(here.config.dataDir)).not.toContain("results.db-wal");
    await fill(open(here), 1);
    expect(numbers(here).at(-1)).toBeGreaterThan(7);
  });

  test("is refused where its keys are not, and nothing is changed", async () => {
    await fill(open(machine("old")), 1);
    await backup(machine("old"), { withKeys: false });
    const other = machine("other");
    await fill(open(other), 1);
    stores.at(-1)?.close();
    const before = everything(other.config.dataDir);
    await expect(restore(other)).rejects.toThrow(/BACKUP_KEYS/);
    expect(everything(other.config.dataDir)).toEqual({
      ...before,
      [join(other.config.dataDir, "appliance.lock")]: expect.anything(),
    });
    await expect(restore(machine("fresh"))).rejects.toThrow(/BACKUP_KEYS/);
  });
});

describe("while the appliance runs", () => {
  test("a backup is of one moment, and the appliance goes on", async () => {
    const here = machine("here");
    const store = open(here);
    const large = () => store.append((next) => makeResult(next, { data: { text: "x".repeat(20_000) } }));
    await Promise.all(Array.from({ length: 80 }, large));
    let going = true;
    const writing = (async () => {
      while (going) {
        await large();
        await sleep(1);
      }
    })();
    const seen: number[] = [];
    const { manifest } = await backup(here, { progress: (done) => seen.push(done) });
    going = false;
    await writing;
    // Were it to begin anew whenever somebody writes, it would have gone back.
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(3);
    expect(store.read.count()).toBeGreaterThan(manifest.store.results);
    const fresh = machine("new");
    await restore(fresh);
    expect(numbers(fresh)).toEqual(Array.from({ length: manifest.store.results }, (_, at) => at + 1));
  });

  test("nothing is restored, but a backup can be verified", async () => {
    const here = machine("here");
    await fill(open(here), 1);
    await backup(here);
    const lock = FolderLock.take(join(here.config.dataDir, "appliance.lock"));
    await expect(restore(here)).rejects.toThrow(/STORE_IN_USE/);
    const before = readdirSync(here.config.dataDir);
    expect(await restore(here, { check: true })).toMatchObject({ setAside: null, manifest: { store: { results: 1 } } });
    expect(readdirSync(here.config.dataDir)).toEqual(before);
    lock.release();
  });
});

describe("an archive", () => {
  const here = () => machine("here");
  const refused = async (code: RegExp) => {
    const before = everything(here().config.dataDir);
    await expect(restore(here())).rejects.toThrow(code);
    expect(everything(here().config.dataDir)).toEqual(before);
  };

  beforeEach(async () => {
    await fill(open(here()), 3);
    stores.at(-1)?.close();
    await backup(here());
    FolderLock.take(join(here().config.dataDir, "appliance.lock")).release();
  });

  test("with one changed byte in any of its files is refused, and nothing is changed", async () => {
    const whole = readFileSync(file);
    for (const text of ["SQLite format 3", "dataDir: data", '"lv06-backup"', "BEGIN PRIVATE KEY"]) {
      const at = whole.indexOf(text) + 5;
      writeFileSync(
        file,
        Buffer.concat([whole.subarray(0, at), Buffer.of(whole.readUInt8(at) ^ 1), whole.subarray(at + 1)]),
      );
      await refused(/BACKUP_DAMAGED/);
    }
  });

  test("that is cut short, empty, missing or something else is refused", async () => {
    const whole = readFileSync(file);
    for (const bytes of [whole.subarray(0, whole.length / 2), Buffer.alloc(0), Buffer.from("no tar at all")]) {
      writeFileSync(file, bytes);
      await refused(/BACKUP_(DAMAGED|TAR)/);
    }
    rmSync(file);
    await refused(/BACKUP_FILE/);
  });

  test("with anything in it that a backup never has is refused", async () => {
    const folder = join(root, "unpacked");
    mkdirSync(folder);
    execFileSync("tar", ["-xf", file, "-C", folder]);
    const pack = (...names: string[]) => execFileSync("tar", ["-cPf", file, "-C", folder, "MANIFEST.json", ...names]);
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
      (name) => name !== "MANIFEST.json" && statSync(join(folder, name)).isFile(),
    );
    pack(...names);
    expect(await restore(here(), { check: true })).toMatchObject({ keys: [] });
    writeFileSync(join(root, "escaped"), "");
    for (const extra of ["../escaped", "keys"]) {
      pack(...names, extra);
      await refused(/BACKUP_DAMAGED/);
    }
    pack(...names, "results.db");
    await refused(/BACKUP_(DAMAGED|TAR)/);
    pack(...names.slice(1));
    await refused(/BACKUP_DAMAGED/);
    rmSync(join(folder, "lv06.yaml"));
    symlinkSync("/etc/hostname", join(folder, "lv06.yaml"));
    pack(...names);
    await refused(/BACKUP_DAMAGED/);
  });

  test("of a form to come is refused as such", async () => {
    const folder = join(root, "unpacked");
    mkdirSync(folder);
    execFileSync("tar", ["-xf", file, "-C", folder]);
    const manifest = readFileSync(join(folder, "MANIFEST.json"), "utf8").replace(
      '"formVersion": 1',
      '"formVersion": 2',
    );
    writeFileSync(join(folder, "MANIFEST.json"), manifest);
    execFileSync("tar", ["-cf", file, "-C", folder, "MANIFEST.json", "results.db"]);
    await refused(/BACKUP_NEWER/);
  });
});

describe("a restore that was cut short", () => {
  test("lets nothing be stored until it was done again", async () => {
    const here = machine("here");
    await fill(open(here), 2);
    stores.at(-1)?.close();
    await backup(here);
    const { dataDir } = here.config;
    refuseUnfinished(dataDir);
    markUnfinished(dataDir, "before-restore-x");
    rmSync(join(dataDir, "results.db"));
    expect(() => refuseUnfinished(dataDir)).toThrow(/BACKUP_UNFINISHED/);
    await restore(here);
    refuseUnfinished(dataDir);
    expect(numbers(here)).toEqual([1, 2]);
  });
});

describe("a backup is refused", () => {
  test("where the configuration file holds secrets and keys are not asked for", async () => {
    const here = machine("here");
    await fill(open(here), 1);
    await expect(backup(here, { withKeys: false, secretsInFile: ["mqtt.password"] })).rejects.toThrow(/BACKUP_SECRETS/);
    expect(readdirSync(root)).toEqual(["here"]);
    await backup(here, { secretsInFile: ["mqtt.password"] });
  });

  test("where the file is there already, and then it stays as it was", async () => {
    const here = machine("here");
    await fill(open(here), 1);
    writeFileSync(file, "mine");
    await expect(backup(here)).rejects.toThrow(/BACKUP_FILE/);
    expect(readFileSync(file, "utf8")).toBe("mine");
    await backup(here, { replace: true });
    expect(readdirSync(root).sort()).toEqual(["backup.tar", "here"]);
  });

  test("where there are no results, or no folder for it; and what was begun is cleared away", async () => {
    const here = machine("here");
    await expect(backup(here)).rejects.toThrow(/VAULT_KEY_MISSING/);
    open(here).close();
    rmSync(join(here.config.dataDir, "results.db"));
    await expect(backup(here)).rejects.toThrow(/STORE_MISSING/);
    await expect(backup(here, { file: join(root, "gone", "x.tar") })).rejects.toThrow(/BACKUP_FILE/);
    expect(readdirSync(root)).toEqual(["here"]);
  });

  test("when it is told to stop", async () => {
    const here = machine("here");
    await fill(open(here), 1);
    const told = new AbortController();
    const stopped = backup(here, { signal: told.signal, progress: () => told.abort(new Error("told to stop")) });
    await expect(stopped).rejects.toThrow("told to stop");
    expect(existsSync(file)).toBe(false);
    expect(readdirSync(root)).toEqual(["here"]);
  });
});

test("what one that was killed left is removed by the next, and what another still works in is not", async () => {
  const here = machine("here");
  await fill(open(here), 1);
  const { dataDir } = here.config;
  const left = [join(root, ".lv06-backup-killed"), join(dataDir, ".restore-killed")];
  const worked = [join(root, ".lv06-backup-other"), join(dataDir, ".restore-other")];
  for (const folder of [...left, ...worked]) {
    mkdirSync(join(folder, "keys"), { recursive: true });
    writeFileSync(join(folder, "keys", "at-rest.key"), "secret");
  }
  const locks = worked.map((folder) => FolderLock.take(join(folder, "in-use")));
  try {
    await backup(here);
    await restore(here, { check: true });
    expect([...left, ...worked].filter((folder) => existsSync(folder))).toEqual(worked);
  } finally {
    for (const lock of locks) lock.release();
  }
});

test("a restore that the disk stops in the middle says so, gives nothing up, and goes through the next time", async () => {
  const old = machine("old");
  await fill(open(old), 1);
  await backup(old);
  const here = machine("here");
  await fill(open(here), 2);
  stores.at(-1)?.close();
  const { dataDir } = here.config;
  const inTheWay = join(dataDir, "keys", "site.key.new");
  mkdirSync(inTheWay);
  await expect(restore(here)).rejects.toThrow(/BACKUP_UNFINISHED/);
  expect(() => refuseUnfinished(dataDir)).toThrow(/BACKUP_UNFINISHED/);
  rmSync(inTheWay, { recursive: true });
  await restore(here);
  refuseUnfinished(dataDir);
  expect(numbers(here)).toEqual([1]);
  const { vault } = readSecrets(here.config, randomBytes);
  const kept = readdirSync(dataDir).filter((name) => name.startsWith("before-restore-"));
  const counts = kept.map((name) => {
    const reader = ResultReader.open(join(dataDir, name, "results.db"), vault);
    const count = reader.count();
    reader.close();
    return count;
  });
  expect(counts.sort()).toEqual([1, 2]);
});

test("keys that are configured are in the backup, and none is written where they are configured", async () => {
  const key = newKey(randomBytes);
  const here = machine("here", `store: { encryptionKey: ${key} }\n`);
  await fill(open(here), 1);
  await backup(here);
  const fresh = machine("new", `store: { encryptionKey: ${key} }\n`);
  expect((await restore(fresh)).keys).toEqual(["site.key", "signing-key.pem"]);
  const keyless = machine("keyless");
  expect((await restore(keyless)).keys).toEqual(["at-rest.key", "site.key", "signing-key.pem"]);
  expect(readFileSync(join(keyless.config.dataDir, "keys", "at-rest.key"), "utf8")).toBe(`${key}\n`);
});
