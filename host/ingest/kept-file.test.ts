import { hash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { KeyRing } from "../base/key-ring.ts";
import { Vault } from "../base/vault.ts";
import { HEAD_MAX_BYTES, openKept, openKeptHead, resealKept, sealKept } from "./kept-file.ts";

const vaultOf = (key: string) => new Vault(KeyRing.parse(key), { random: randomBytes });
const vault = vaultOf("01".repeat(31).concat("02"));
const about = { reference: "Müller, Käthe.png", utcMs: 1_700_000_000_000, unread: false };
const content = Buffer.from("pixels");
const file = await sealKept(vault, "id-1", about, content);

describe("a kept file", () => {
  test("opens to what was put in, and its head to what it is", () => {
    const head = { ...about, sizeBytes: 6, digest: hash("sha256", content) };
    expect(openKept(vault, "id-1", file)).toEqual({ head, content });
    expect(openKeptHead(vault, "id-1", file.subarray(0, HEAD_MAX_BYTES))).toEqual(head);
    expect(file.subarray(0, 7).toString()).toBe("LV06E1\n");
  });

  test("tells its head without its content, and neither to whoever has another key", async () => {
    const large = await sealKept(vault, "id-2", about, randomBytes(200_000));
    expect(openKeptHead(vault, "id-2", large.subarray(0, HEAD_MAX_BYTES)).sizeBytes).toBe(200_000);
    expect(() => openKeptHead(vaultOf("03".repeat(31).concat("04")), "id-1", file)).toThrow(/VAULT_KEY_UNKNOWN/);
  });

  test("opens under no other name, and not with one bit changed", () => {
    expect(() => openKept(vault, "id-2", file)).toThrow(/VAULT_DAMAGED/);
    for (let at = 0; at < file.length; at++) {
      const changed = Buffer.from(file);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => openKept(vault, "id-1", changed), `byte ${at}`).toThrow(/VAULT_(DAMAGED|KEY_UNKNOWN)/);
    }
  });

  test("opens at no other length", () => {
    for (let length = 0; length < file.length; length++) {
      expect(() => openKept(vault, "id-1", file.subarray(0, length))).toThrow(/VAULT_DAMAGED/);
    }
  });

  test("has no content that belongs to another", async () => {
    const other = await sealKept(
      vault,
      "id-1",
      { ...about, reference: "x".repeat(about.reference.length + 2) },
      content,
    );
    expect(other.length).toBe(file.length);
    const foreign = await sealKept(vault, "id-2", about, content);
    const sealedContent = content.length + 29;
    const mixed = Buffer.concat([file.subarray(0, -sealedContent), foreign.subarray(-sealedContent)]);
    expect(() => openKept(vault, "id-1", mixed)).toThrow(/VAULT_DAMAGED/);
  });

  test("is under the current key afterwards, otherwise the same; what is damaged is not made anew", async () => {
    const both = new Vault(KeyRing.parse(`${"03".repeat(31).concat("04")}\n${"01".repeat(31).concat("02")}`), {
      random: randomBytes,
    });
    const anew = await resealKept(both, "id-1", file);
    expect(openKept(vaultOf("03".repeat(31).concat("04")), "id-1", anew)).toEqual(openKept(vault, "id-1", file));
    const changed = Buffer.from(file);
    changed[file.length - 1] = (changed[file.length - 1] ?? 0) ^ 1;
    await expect(resealKept(both, "id-1", changed)).rejects.toThrow(/VAULT_DAMAGED/);
    await expect(resealKept(vaultOf("05".repeat(31).concat("06")), "id-1", file)).rejects.toThrow(/VAULT_KEY_UNKNOWN/);
  });

  test("of any size is sealed while others go on", async () => {
    let turns = 0;
    const turning = setInterval(() => {
      turns += 1;
    }, 0);
    await sealKept(vault, "id-1", about, Buffer.alloc(32 * 2 ** 20));
    clearInterval(turning);
    expect(turns).toBeGreaterThan(2);
  });
});
