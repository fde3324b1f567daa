import {
  chmodSync,
  linkSync,
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
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSigningKey } from "./key-file.ts";
import { keyId, SigningKey, VerifyingKey } from "./signing-key.ts";
import { readTrustedKeys, trustedKeyLine } from "./trust.ts";

const hex = (digits: string) => Buffer.from(digits, "hex");

describe("Ed25519", () => {
  /** RFC 8032 §7.1, test 2. */
  const seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  const publicKey = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const signature = hex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  );

  test("signs and verifies as RFC 8032's example", () => {
    const key = SigningKey.ofSeed(seed);
    expect(key.publicKey).toEqual(publicKey);
    expect(key.sign(hex("72"))).toEqual(signature);
    expect(new VerifyingKey(publicKey).verifies(hex("72"), signature)).toBe(true);
    expect(new VerifyingKey(publicKey).verifies(hex("73"), signature)).toBe(false);
  });

  test("verifies nothing with a key that is no point", () => {
    expect(new VerifyingKey(Buffer.alloc(32, 0xff)).verifies(hex("72"), signature)).toBe(false);
    expect(() => new VerifyingKey(Buffer.alloc(31))).toThrow(/SEAL_LENGTH/);
  });

  test("keys have a short name of 16 digits that differs with the key", () => {
    expect(keyId(publicKey)).toMatch(/^[0-9a-f]{16}$/);
    expect(keyId(publicKey)).not.toBe(keyId(seed));
  });
});

describe("the signing key's file", () => {
  let home = "";
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "lv06-key-"));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));
  const folder = () => join(home, "a", "keys");
  const file = () => join(folder(), "signing-key.pem");
  const open = (byte = 7) => openSigningKey({ folder: folder(), randomSeed: () => Buffer.alloc(32, byte) });
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

  test("is made once, for its user alone, with nothing left beside it", () => {
    const made = open(7);
    expect(made.publicKey).toEqual(SigningKey.ofSeed(Buffer.alloc(32, 7)).publicKey);
    expect([mode(folder()), mode(file())]).toEqual(["700", "600"]);
    expect(readdirSync(folder())).toEqual(["signing-key.pem"]);
    expect(open(8).publicKey).toEqual(made.publicKey);
  });

  test("is refused where others could read or replace it", () => {
    open();
    for (const [path, loose, tight] of [
      [file(), 0o640, 0o600],
      [file(), 0o602, 0o600],
      [folder(), 0o750, 0o700],
    ] as const) {
      chmodSync(path, loose);
      expect(() => open()).toThrow(/SEAL_KEY_PERMISSIONS/);
      chmodSync(path, tight);
    }
    open();
  });

  test("is not made in a folder that others may enter", () => {
    mkdirSync(folder(), { recursive: true });
    chmodSync(folder(), 0o755);
    expect(() => open()).toThrow(/SEAL_KEY_PERMISSIONS/);
    expect(readdirSync(folder())).toEqual([]);
  });

  test("of another user, or behind a symbolic link, is refused", () => {
    open();
    const uid = (process.getuid?.() ?? 0) + 1;
    const foreign = () => openSigningKey({ folder: folder(), randomSeed: () => Buffer.alloc(32), uid });
    expect(foreign).toThrow(/SEAL_KEY_PERMISSIONS/);
    linkSync(file(), join(folder(), "moved.pem"));
    rmSync(file());
    symlinkSync("moved.pem", file());
    expect(() => open()).toThrow(/symbolic link.*SEAL_KEY_PERMISSIONS/);
  });

  test("that is damaged, empty, too long or of another kind of key is refused and kept", () => {
    open();
    const rsa =
      "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\n-----END PRIVATE KEY-----\n";
    for (const content of ["", "x", readFileSync(file(), "utf8").slice(0, 60), "x".repeat(5000), rsa]) {
      writeFileSync(file(), content);
      expect(() => open()).toThrow(/SEAL_KEY_DAMAGED/);
      expect(readFileSync(file(), "utf8")).toBe(content);
    }
  });

  test("that somebody else made first is the one that is used", () => {
    mkdirSync(folder(), { recursive: true, mode: 0o700 });
    chmodSync(folder(), 0o700);
    const first = SigningKey.ofSeed(Buffer.alloc(32, 1));
    const key = openSigningKey({
      folder: folder(),
      randomSeed: () => {
        writeFileSync(file(), first.pem(), { mode: 0o600 });
        return Buffer.alloc(32, 2);
      },
    });
    expect(key.publicKey).toEqual(first.publicKey);
  });

  test("in a folder that cannot be made is an error of the disk", () => {
    writeFileSync(join(home, "a"), "");
    expect(() => open()).toThrow(/SEAL_KEY_IO/);
  });
});

describe("a list of trusted keys", () => {
  const key = SigningKey.ofSeed(Buffer.alloc(32, 1)).publicKey;

  test("has a key a line, with a name, comments and empty lines", () => {
    const text = `# wards\r\n\r\n${trustedKeyLine(key, "ward 3")}\r\n  ${"0".repeat(64)}  \n`;
    expect([...readTrustedKeys(text)]).toEqual([
      [key.toString("hex"), "ward 3"],
      ["0".repeat(64), ""],
    ]);
  });

  test("is refused by the number of the line that is no key", () => {
    for (const bad of ["x", "0".repeat(63), "A".repeat(64), `${"0".repeat(64)}name`]) {
      expect(() => readTrustedKeys(`# one\n${bad}`)).toThrow(/line 2.*SEAL_TRUST/);
    }
    expect(() => readTrustedKeys("\n".repeat(70_000))).toThrow(/SEAL_TRUST/);
  });
});
