import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { KeyRing, MasterKey } from "./key-ring.ts";
import { SEALED_EXTRA_BYTES, TAG_BYTES, Vault } from "./vault.ts";

/** Bytes 0 to 31. What is expected of it below was computed with Python's hashlib, hmac and cryptography. */
const HEX = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const BASE64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER = "ff".repeat(31).concat("fe");
const NONCE = Buffer.from("404142434445464748494a4b", "hex");
const TEXT = Buffer.from("Bild 7, grün");
const SEALED = "01404142434445464748494a4bd53673958d9eba6b6e93eafc846f1839960a6bc432a2c4ccd0683e3184";

const vaultOf = (...keys: string[]) => new Vault(KeyRing.parse(keys.join("\n")), { random: randomBytes });
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("a ring of keys", () => {
  test("reads hex and base64, and names a key by 8 bytes that are not the key's", () => {
    for (const text of [HEX, HEX.toUpperCase(), BASE64, `\n# made in spring\n  ${HEX}\r\n`]) {
      expect(hex(KeyRing.parse(text).current.id)).toBe("dd47688b8dc7d373");
    }
  });

  test("writes with the first and finds all by their id", () => {
    const ring = KeyRing.parse(`${OTHER}\n${HEX}`);
    expect(ring.current).toBe(ring.keys[0]);
    expect(ring.byId(KeyRing.parse(HEX).current.id)).toBe(ring.keys[1]);
    expect(ring.byId(Buffer.alloc(8))).toBeUndefined();
    expect(ring.byId(Buffer.alloc(0))).toBeUndefined();
  });

  const many = Array.from({ length: 17 }, (_, index) => index.toString(16).padStart(64, "0")).join("\n");
  test.each([
    ["nothing", ""],
    ["only a comment", "# soon"],
    ["63 digits", HEX.slice(1)],
    ["65 digits", `${HEX}0`],
    ["base64 of 31 bytes", Buffer.alloc(31, 7).toString("base64")],
    ["base64 of 33 bytes", Buffer.alloc(33, 7).toString("base64")],
    ["base64 without its end mark", BASE64.slice(0, -1)],
    ["a password", "correct horse battery staple"],
    ["zeros", "00".repeat(32)],
    ["one key twice", `${HEX}\n${BASE64}`],
    ["a key and something else", `${HEX}\nelse`],
    ["17 keys", many],
    ["far too much", HEX.repeat(100)],
  ])("refuses %s", (_, text) => {
    expect(() => KeyRing.parse(text)).toThrow(/VAULT_KEY_FORM/);
  });

  test("no key shows itself: not in an error, not when printed", () => {
    expect(() => KeyRing.parse(`${HEX}\n${OTHER}0`)).toThrow(/^line 2 is no key \[/);
    const ring = KeyRing.parse(HEX);
    const shown = inspect(ring, { depth: 9, showHidden: true }) + JSON.stringify(ring);
    expect(shown).not.toMatch(/000102|AAECAw|00 01 02|0, 1, 2/);
  });

  test("a key that is not 32 bytes is none", () => {
    expect(() => new MasterKey(Buffer.alloc(31, 1))).toThrow(/VAULT_KEY_FORM/);
  });

  test("derives as HKDF-SHA256 without a salt does", () => {
    const derived = KeyRing.parse(HEX).current.derive("lv06/at-rest/1 result");
    expect(derived.export().toString("hex")).toBe("50ecaad5169d3f8b03bd4ed7d36bd484fc65a36637497cdad106666f7353e902");
  });
});

describe("the vault", () => {
  test("seals to the bytes that another implementation makes, and opens them", () => {
    const vault = new Vault(KeyRing.parse(HEX), { random: () => NONCE });
    const { keyId, bytes } = vault.seal("result", TEXT, "row-1");
    expect([hex(keyId), hex(bytes)]).toEqual(["dd47688b8dc7d373", SEALED]);
    expect(vault.open("result", keyId, bytes, Buffer.from("row-1"))).toEqual(TEXT);
    expect(vault.currentKeyId).toEqual(keyId);
  });

  test("opens nothing of which one bit was changed", () => {
    const vault = vaultOf(HEX);
    const { keyId, bytes } = vault.seal("result", TEXT, "row-1");
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ mask;
        expect(() => vault.open("result", keyId, changed, "row-1"), `byte ${at}`).toThrow(/VAULT_DAMAGED/);
      }
    }
  });

  test("opens nothing that was cut or grew", () => {
    const vault = vaultOf(HEX);
    const { keyId, bytes } = vault.seal("result", TEXT, "row-1");
    for (let length = 0; length < bytes.length; length++) {
      expect(() => vault.open("result", keyId, bytes.subarray(0, length), "row-1")).toThrow(/VAULT_DAMAGED/);
    }
    expect(() => vault.open("result", keyId, Buffer.concat([bytes, Buffer.of(0)]), "row-1")).toThrow(/VAULT_DAMAGED/);
  });

  test("opens nothing for another purpose or another row", () => {
    const vault = vaultOf(HEX);
    const { keyId, bytes } = vault.seal("result", TEXT, "row-1");
    expect(() => vault.open("message", keyId, bytes, "row-1")).toThrow(/VAULT_DAMAGED/);
    expect(() => vault.open("result", keyId, bytes, "row-2")).toThrow(/VAULT_DAMAGED/);
    expect(() => vault.open("result", keyId, bytes, "")).toThrow(/VAULT_DAMAGED/);
  });

  test("a key that is not there is said to be missing, never that the bytes are damaged", () => {
    const { keyId, bytes } = vaultOf(HEX).seal("result", TEXT, "row-1");
    const stranger = vaultOf(OTHER);
    expect(stranger.knows(keyId)).toBe(false);
    expect(() => stranger.open("result", keyId, bytes, "row-1")).toThrow(/key dd47688b8dc7d373 \[VAULT_KEY_UNKNOWN\]/);
    expect(() => stranger.open("result", keyId, Buffer.alloc(0), "row-1")).toThrow(/VAULT_KEY_UNKNOWN/);
    for (let at = 0; at < keyId.length; at++) {
      const changed = Buffer.from(keyId);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => vaultOf(HEX).open("result", changed, bytes, "row-1")).toThrow(/VAULT_KEY_UNKNOWN/);
    }
  });

  test("another key under a known id is told by the authentication", () => {
    const { bytes } = vaultOf(HEX).seal("result", TEXT, "row-1");
    const both = vaultOf(OTHER, HEX);
    expect(() => both.open("result", both.currentKeyId, bytes, "row-1")).toThrow(/VAULT_DAMAGED/);
  });

  test("with a new key on top, what the old one sealed still opens, and new things are under the new one", () => {
    const old = vaultOf(HEX).seal("result", TEXT, "row-1");
    const vault = vaultOf(OTHER, HEX);
    expect(vault.open("result", old.keyId, old.bytes, "row-1")).toEqual(TEXT);
    expect(vault.seal("result", TEXT, "row-1").keyId).toEqual(vaultOf(OTHER).currentKeyId);
  });

  test("no two seals of one text are alike, and each adds as much as is said", () => {
    const vault = vaultOf(HEX);
    const [one, two] = [vault.seal("result", TEXT, ""), vault.seal("result", TEXT, "")];
    expect(one.bytes).not.toEqual(two.bytes);
    expect(one.bytes.length).toBe(TEXT.length + SEALED_EXTRA_BYTES);
  });

  test("takes nothing at all, and a megabyte", () => {
    const vault = vaultOf(HEX);
    for (const text of [Buffer.alloc(0), randomBytes(1 << 20)]) {
      const { keyId, bytes } = vault.seal("image", text, "x");
      expect(vault.open("image", keyId, bytes, "x").equals(text)).toBe(true);
    }
  });

  test("beside the event loop is the same, and what one way has sealed the other way opens", async () => {
    const vault = new Vault(KeyRing.parse(HEX), { random: () => NONCE });
    for (const text of [Buffer.alloc(0), TEXT, randomBytes(100_000)]) {
      const sealed = vault.seal("image", text, "x");
      expect(await vault.sealAside("image", text, "x")).toEqual(sealed);
      expect(await vault.openAside("image", sealed.keyId, sealed.bytes, "x")).toEqual(text);
    }
    const { keyId, bytes } = vault.seal("image", TEXT, "x");
    const changed = Buffer.from(bytes);
    changed[20] = (changed[20] ?? 0) ^ 1;
    for (const [purpose, wrong, aad] of [
      ["image", changed, "x"],
      ["image", bytes.subarray(0, -1), "x"],
      ["image", bytes.subarray(0, 9), "x"],
      ["image", bytes, "y"],
      ["result", bytes, "x"],
    ] as const) {
      await expect(vault.openAside(purpose, keyId, wrong, aad)).rejects.toThrow(/VAULT_DAMAGED/);
    }
    await expect(vaultOf(OTHER).openAside("image", keyId, bytes, "x")).rejects.toThrow(/VAULT_KEY_UNKNOWN/);
  });

  test("a source of randomness that gives too little is refused", () => {
    const vault = new Vault(KeyRing.parse(HEX), { random: () => Buffer.alloc(11) });
    expect(() => vault.seal("result", TEXT, "")).toThrow(RangeError);
  });
});

describe("tags", () => {
  test("are what another implementation makes", () => {
    expect(hex(vaultOf(HEX).tag("reference", "ACC-1"))).toBe("9170440f614378306d3b239aced111db");
    expect(vaultOf(HEX).tag("reference", Buffer.from("ACC-1")).length).toBe(TAG_BYTES);
  });

  test("differ with the value, the purpose and the key", () => {
    const all = [
      vaultOf(HEX).tag("reference", "ACC-1"),
      vaultOf(HEX).tag("reference", "ACC-2"),
      vaultOf(HEX).tag("file", "ACC-1"),
      vaultOf(OTHER).tag("reference", "ACC-1"),
    ];
    expect(new Set(all.map(hex)).size).toBe(4);
  });

  test("of all keys come with the current one's first", () => {
    const tags = vaultOf(OTHER, HEX).tags("reference", "ACC-1").map(hex);
    expect(tags).toEqual([hex(vaultOf(OTHER).tag("reference", "ACC-1")), "9170440f614378306d3b239aced111db"]);
  });
});
