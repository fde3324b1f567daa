import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { joinRings, openSecrets, readSecrets, type SecretsConfig } from "./secrets.ts";

let dataDir = "";
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "lv06-secrets-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const ONE = "01".repeat(31).concat("02");
const TWO = "03".repeat(31).concat("04");
const config = (encryptionKey: string | null = null, siteKey: string | null = null): SecretsConfig => ({
  dataDir,
  store: { encryptionKey },
  privacy: { reference: "pseudonym", siteKey },
});
const open = (of = config()) => openSecrets(of, randomBytes);
const read = (of = config()) => readSecrets(of, randomBytes);
const file = (name: string) => join(dataDir, "keys", name);

describe("the appliance's secrets", () => {
  test("are made at the first start, for its user alone, and found again", () => {
    const first = open();
    expect(readdirSync(join(dataDir, "keys")).sort()).toEqual(["at-rest.key", "site.key"]);
    for (const name of ["at-rest.key", "site.key"]) {
      expect(readFileSync(file(name), "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
      expect(statSync(file(name)).mode & 0o777).toBe(0o600);
    }
    const { keyId, bytes } = first.vault.seal("result", Buffer.from("x"), "");
    for (const later of [open(), read()]) {
      expect(later.vault.open("result", keyId, bytes, "").toString()).toBe("x");
      expect(later.pseudonyms.of("a")).toBe(first.pseudonyms.of("a"));
    }
  });

  test("of two appliances differ, and the two keys of one do", () => {
    const first = [open(), readFileSync(file("at-rest.key"), "utf8"), readFileSync(file("site.key"), "utf8")] as const;
    rmSync(join(dataDir, "keys"), { recursive: true });
    expect(open().pseudonyms.of("a")).not.toBe(first[0].pseudonyms.of("a"));
    expect(first[1]).not.toBe(first[2]);
  });

  test("that are configured are used, and no file is made", () => {
    const configured = config(`${TWO}\n${ONE}`, "AB".repeat(31).concat("CD"));
    const { ring, pseudonyms } = open(configured);
    expect(ring.keys.length).toBe(2);
    expect(pseudonyms.of("a")).toBe(open(config(ONE, "ab".repeat(31).concat("cd"))).pseudonyms.of("a"));
    expect(existsSync(join(dataDir, "keys"))).toBe(false);
    expect(read(configured).ring.current.id).toEqual(ring.current.id);
  });

  test("are not made by whoever only looks things up", () => {
    expect(() => read()).toThrow(/VAULT_KEY_MISSING/);
    expect(() => read(config(ONE))).toThrow(/site\.key \[VAULT_KEY_MISSING\]/);
    expect(readdirSync(dataDir)).toEqual([]);
  });

  test("that are gone after the first start are named, and not made anew", () => {
    open();
    writeFileSync(join(dataDir, "high-water"), "1000\n");
    open();
    for (const name of ["site.key", "at-rest.key"]) {
      const key = readFileSync(file(name));
      rmSync(file(name));
      expect(() => open()).toThrow(/VAULT_KEY_LOST/);
      expect(existsSync(file(name))).toBe(false);
      writeFileSync(file(name), key, { mode: 0o600 });
    }
    open();
    rmSync(join(dataDir, "keys"), { recursive: true });
    expect(() => open(config(ONE))).toThrow(/site\.key .*VAULT_KEY_LOST/);
    open(config(ONE, TWO));
  });

  test("of two rings are joined without one twice, the first one's first", () => {
    const ids = (text: string) => joinRings(text, `# old\n\n${TWO}\n${ONE}\n`);
    expect(ids(`${ONE}\n`)).toBe(`${ONE}\n${TWO}\n`);
    expect(ids(`${TWO}\n${ONE.toUpperCase()}`)).toBe(`${TWO}\n${ONE.toUpperCase()}\n`);
  });

  test("that others could read are refused", () => {
    open();
    chmodSync(file("site.key"), 0o640);
    expect(() => open()).toThrow(/VAULT_PERMISSIONS/);
    expect(() => read()).toThrow(/VAULT_PERMISSIONS/);
  });

  test("that are no keys are refused and kept, and the message does not repeat them", () => {
    open();
    for (const [name, text] of [
      ["at-rest.key", "correct horse battery staple"],
      ["site.key", "correct horse battery staple"],
      ["site.key", ""],
      ["at-rest.key", "x".repeat(5_000)],
    ] as const) {
      const before = readFileSync(file(name), "utf8");
      writeFileSync(file(name), text);
      expect(() => open()).toThrow(/VAULT_KEY_FORM/);
      expect(() => open()).not.toThrow(/horse|xxxx/);
      expect(readFileSync(file(name), "utf8")).toBe(text);
      writeFileSync(file(name), before);
    }
  });

  test("in a folder that cannot be made are an error of the disk", () => {
    writeFileSync(join(dataDir, "keys"), "");
    expect(() => open()).toThrow(/VAULT_IO/);
  });
});
