import { randomBytes } from "node:crypto";
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KeyRing } from "../base/key-ring.ts";
import { Vault } from "../base/vault.ts";
import { idOf } from "./places.ts";

const vaultOf = (byte: string) => new Vault(KeyRing.parse(byte.repeat(31).concat("ff")), { random: randomBytes });
const bytes = Buffer.from("film");
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "places-"));
  writeFileSync(join(folder, "film"), bytes);
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a file's id is the same in every life, and another for another name, content or words about it", () => {
  const stats = lstatSync(join(folder, "film"));
  const id = idOf(vaultOf("01"), "film", stats, bytes, undefined);
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(idOf(vaultOf("01"), "film", lstatSync(join(folder, "film")), bytes, undefined)).toBe(id);
  const others = [
    idOf(vaultOf("01"), "film2", stats, bytes, undefined),
    idOf(vaultOf("01"), "film", stats, Buffer.from("another"), undefined),
    idOf(vaultOf("01"), "film", stats, bytes, stats),
  ];
  expect(new Set([id, ...others]).size).toBe(4);
});

test("who has no key cannot try names out on an id", () => {
  const stats = lstatSync(join(folder, "film"));
  const [one, other] = ["01", "02"].map((key) => idOf(vaultOf(key), "film", stats, bytes, undefined));
  expect(one).not.toBe(other);
});
