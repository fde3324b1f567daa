/** `lv06 images` and `lv06 keys`: the real command line on files that were put away. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSecrets } from "../host/appliance/secrets.ts";
import { Keeper } from "../host/ingest/keeper.ts";
import { KEYS_IN_FILES } from "./stored.ts";

const ROOT = resolve(import.meta.dirname, "..");
const PROCESSED_ID = "0".repeat(31).concat("1");
const REFUSED_ID = "0".repeat(31).concat("2");
const UNREAD_ID = "0".repeat(31).concat("3");

let folder = "";
let inbox = "";

function lv06(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("LV06_") || name === "LV06_NODE");
  const given = { ...Object.fromEntries(own), LV06_DATA_DIR: join(folder, "data"), ...env };
  const { status, stdout, stderr } = spawnSync(join(ROOT, "lv06"), args, { cwd: folder, env: given, encoding: "utf8" });
  return { code: status, stdout, stderr };
}

function answer(...args: readonly string[]) {
  const { code, stdout } = lv06(["--json", ...args]);
  return { code, document: JSON.parse(stdout) as unknown };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cli-images-"));
  inbox = join(folder, "data", "inbox");
  mkdirSync(inbox, { recursive: true });
  const { vault } = openSecrets({ dataDir: join(folder, "data"), ...KEYS_IN_FILES }, randomBytes);
  let utcMs = Date.UTC(2026, 0, 1);
  const keeper = new Keeper({ inbox, maxFileBytes: 100, vault, utcMs: () => utcMs++, timeTrusted: () => true });
  const away = async (name: string, content: string, own: string, id: string) => {
    writeFileSync(join(inbox, name), content);
    const departing = { name, file: lstatSync(join(inbox, name)), folder: join(inbox, own), id };
    await keeper.keep(departing);
    await keeper.remove(departing);
  };
  await away("film.png", "pixels", "processed", PROCESSED_ID);
  await away("film.png.json", '{"age":4}', "processed", `${PROCESSED_ID}.json`);
  await away("letter.png", "a letter", "quarantine", REFUSED_ID);
  await away("large.png", "x".repeat(101), "quarantine", UNREAD_ID);
  const reason = { code: "RASTER_FORMAT", message: "no image", fileDigest: null };
  writeFileSync(join(inbox, "quarantine", `${REFUSED_ID}.reason.json`), JSON.stringify(reason));
  writeFileSync(join(inbox, "processed", "odd.lv06e"), "damaged");
});

afterAll(() => rmSync(folder, { recursive: true }));

describe("lv06 images", () => {
  test("ls names what was kept, by the names that it came with", () => {
    const { code, document } = answer("images", "ls");
    const { images } = document as { images: { id: string; head: { reference: string } | null }[] };
    expect(code).toBe(0);
    expect(Object.fromEntries(images.map(({ id, ...rest }) => [id, rest]))).toMatchObject({
      [PROCESSED_ID]: { folder: "processed", code: null, head: { reference: "film.png", sizeBytes: 6, unread: false } },
      [REFUSED_ID]: { folder: "quarantine", code: "RASTER_FORMAT", head: { reference: "letter.png" } },
      [UNREAD_ID]: { folder: "quarantine", code: null, head: { reference: "large.png", unread: true } },
      odd: { folder: "processed", code: "VAULT_DAMAGED", head: null },
    });
    expect(images.length).toBe(4);
    expect(lv06(["images", "ls"]).stdout).toMatch(/2026-01-01T00:00:00 +processed +6 +film\.png/);
  });

  test("open writes an image and what was said of it, for this user alone, and replaces nothing unasked", () => {
    const out = join(folder, "out.png");
    const open = ["images", "open", PROCESSED_ID, "--out", out];
    expect(answer(...open)).toMatchObject({ code: 0, document: { reference: "film.png", sidecar: true } });
    expect(readFileSync(out, "utf8") + readFileSync(`${out}.json`, "utf8")).toBe('pixels{"age":4}');
    expect([statSync(out).mode & 0o777, statSync(`${out}.json`).mode & 0o777]).toEqual([0o600, 0o600]);
    expect(answer(...open)).toMatchObject({ code: 1, document: { error: { code: "OUTPUT_EXISTS" } } });
  });

  test.each([
    ["a path", "../keys/at-rest", "IMAGE_MISSING"],
    ["what was never read", UNREAD_ID, "IMAGE_UNREAD"],
  ])("open of %s is refused by name", (_, id, code) => {
    const out = join(folder, "none.png");
    expect(answer("images", "open", id, "--out", out)).toMatchObject({ code: 1, document: { error: { code } } });
    expect(existsSync(out)).toBe(false);
  });

  test("with another key nothing opens, and nothing is said to be damaged", () => {
    const { stdout } = lv06(["keys", "new"]);
    const other = { LV06_STORE_ENCRYPTION_KEY: stdout.trim() };
    const listed = JSON.parse(lv06(["--json", "images", "ls"], other).stdout);
    expect(listed.images.find(({ id }: { id: string }) => id === PROCESSED_ID)).toMatchObject({
      ...{ head: null, code: "VAULT_KEY_UNKNOWN" },
    });
    const { code, stderr } = lv06(["images", "open", PROCESSED_ID, "--out", join(folder, "none.png")], other);
    expect([code, stderr]).toEqual([1, expect.stringContaining("VAULT_KEY_UNKNOWN")]);
  });
});

describe("lv06 keys", () => {
  test("new prints another key each time, in a form that is taken", () => {
    const [one, two] = [lv06(["keys", "new"]).stdout, lv06(["keys", "new"]).stdout];
    expect(one).toMatch(/^[0-9a-f]{64}\n$/);
    expect(one).not.toBe(two);
    const ids = lv06(["--json", "keys", "show-ids"], { LV06_STORE_ENCRYPTION_KEY: `${one}${two}` });
    expect(JSON.parse(ids.stdout)).toMatchObject({ older: [expect.stringMatching(/^[0-9a-f]{16}$/)] });
    expect(ids.stdout).not.toContain(one.trim());
  });

  test("show-ids makes no key, and says where there is none", () => {
    const { code, stderr } = lv06(["keys", "show-ids"], { LV06_DATA_DIR: join(folder, "empty") });
    expect([code, stderr]).toEqual([1, expect.stringContaining("VAULT_KEY_MISSING")]);
    expect(existsSync(join(folder, "empty"))).toBe(false);
    expect(lv06(["keys", "show-ids"]).stdout).toMatch(
      /^id +is +rows +files\n.*\n[0-9a-f]{16} {2}current +0 +[1-9]\d*\nfrom the keys folder\n$/,
    );
  });
});
