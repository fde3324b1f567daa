/** `lv06 device …` as a person and a script meet it, on the model device: the real `./lv06`, started anew for every case. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ModelProcess, startModel } from "../host/device/usb/model-process.ts";
import { decodeProof, verifyProof } from "../host/work/proof.ts";
import { targetOfDifficulty } from "../host/work/target.ts";
import { FILMS } from "./demo/films.ts";

const ROOT = resolve(import.meta.dirname, "..");
const [FILM_A = "", FILM_B = ""] = FILMS.map(({ path }) => path);
const KEY = "0b".repeat(32);
const COMMITMENT = "5a".repeat(32);
const COMMIT = ["--commitment", COMMITMENT];

let folder: string;
let model: ModelProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cli-device-"));
  model = await startModel({ program: join(ROOT, "build/firmware/lv06-model"), seed: 7, key: KEY });
  writeFileSync(join(folder, "right.key"), `${KEY}\n`);
  writeFileSync(join(folder, "wrong.key"), Buffer.alloc(32));
});

afterAll(async () => {
  await model.stop();
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

function lv06(args: readonly string[], input = "", env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("LV06_") || name === "LV06_NODE");
  return new Promise((done) => {
    const options = { cwd: folder, encoding: "buffer", env: { ...Object.fromEntries(own), ...env } } as const;
    const child = execFile(join(ROOT, "lv06"), ["device", ...args], options, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr: stderr.toString("utf8") });
    });
    child.stdin?.end(input, "latin1");
  });
}

/** The one document that --json gives. */
async function answer(args: readonly string[]) {
  const { code, stdout } = await lv06([...args, "--port", model.path, "--json"]);
  return { code, document: JSON.parse(stdout.toString("utf8")) };
}

describe("lv06 device image", () => {
  test("has the device compute every scale's root of a film, and tells bytes, time and whether they are equal", async () => {
    const { code, document } = await answer(["image", FILM_A, FILM_B, "--scale", "4,8,16", "--digests"]);
    expect(code).toBe(0);
    expect(document).toMatchObject({ simulated: true, hashed: 2, different: 0, failed: 0 });
    for (const image of document.images) {
      expect(image).toMatchObject({ equal: true, mismatches: 0, error: null });
      expect(Object.keys(image.roots)).toEqual(["4", "8", "16"]);
      expect(image.wire.sentBytes).toBeLessThan(50_176);
      // 4,116 digests of 32 bytes came back.
      expect(image.wire.receivedBytes).toBeGreaterThan(4_116 * 32);
    }
  });

  test("sends pixels as they are with --raw, and goes on after a file that is no image", async () => {
    writeFileSync(join(folder, "no.png"), "not an image");
    const { code, document } = await answer(["image", "no.png", FILM_A, "--raw"]);
    expect(code).toBe(6);
    expect(document).toMatchObject({ hashed: 1, failed: 1, different: 0 });
    expect(document.images[0]).toMatchObject({ equal: null, error: { code: "RASTER_FORMAT" } });
    expect(document.images[1].ratio).toBeGreaterThan(1);
    expect(document.images[1].ratio).toBeLessThan(1.05);
  });
});

describe("lv06 device hash", () => {
  test("gives the device's own digest, and the expected one only where they differ", async () => {
    const { code, document } = await answer(["hash", "abc"]);
    const digest = createHash("sha256").update("abc").digest("hex");
    expect([code, document]).toMatchObject([0, { digest, equal: true, simulated: true }]);
    expect(document).not.toHaveProperty("expected");
  });
});

describe("lv06 device work", () => {
  test("gives a proof that anyone can verify, and says that it is simulated", async () => {
    const { code, document } = await answer(["work", "--text", "hello", "--difficulty", "2^-22"]);
    expect(code).toBe(4);
    expect(document).toMatchObject({ state: "found", valid: true, simulated: true });
    const commitment = createHash("sha256").update("hello").digest();
    expect(document.commitment).toBe(commitment.toString("hex"));
    const verdict = verifyProof(decodeProof(document.proof), commitment, targetOfDifficulty(2 ** -22));
    expect(verdict).toMatchObject({ ok: true, place: { kind: "script" } });
  });

  test("ends at its deadline with nothing found", async () => {
    const { code, document } = await answer(["work", ...COMMIT, "--difficulty", "1e30", "--deadline", "1"]);
    expect(code).toBe(1);
    expect(document).toMatchObject({ state: "expired", valid: false, proof: null });
  });
});

describe("lv06 device attest", () => {
  test.each([
    ["verifies with the key, and says that it is simulated", ["--key-file", "right.key"], 4, true],
    ["is not valid under another key", ["--key-file", "wrong.key"], 1, false],
    ["is not verified without the key", ["--challenge", "33".repeat(32)], 3, null],
  ])("%s", async (_, more, code, valid) => {
    expect(await answer(["attest", ...COMMIT, ...more])).toMatchObject({
      code,
      document: { id: "lv06-model-00000007", commitment: COMMITMENT, valid, simulated: true },
    });
  });
});

describe.concurrent("lv06 device frame", () => {
  test("makes a frame with a payload as bytes, and explains them again", async () => {
    const made = await lv06(["frame", "BATCH", "2", "root", "--seq", "4", "--payload-hex", "11002233", "--bytes"]);
    expect(made.stdout.toString("latin1")).toMatch(/^~0004 BATCH 2 root :[^\n]+ [0-9a-f]{8}\n$/);
    const read = await lv06(["frame", "--decode", "-", "--json"], made.stdout.toString("latin1"));
    expect(JSON.parse(read.stdout.toString())).toEqual({
      kind: "frame",
      seq: 4,
      verb: "BATCH",
      args: ["2", "root"],
      payloadHex: "11002233",
    });
  });

  test("keeps the promises of its own help", async () => {
    const { stdout } = await lv06(["frame", "--help"]);
    const examples = stdout.toString().match(/^ {2}lv06 device frame .*$/gm) ?? [];
    expect(examples.length).toBeGreaterThanOrEqual(3);
    for (const example of examples) {
      const [, words = ""] = example.replace(/ > .*$/, "").split("lv06 device ");
      const args = [...words.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
      const { code, stderr } = await lv06(args);
      expect([example, code, stderr]).toEqual([example, 0, ""]);
    }
  });

  test("says what is wrong with a line that is no frame", async () => {
    const { code, stdout } = await lv06(["frame", "--decode", "~0001 HASH 616263 00000000"]);
    expect([code, stdout.toString()]).toEqual([1, "discarded (crc): its checksum is another\n"]);
  });
});

describe.concurrent("what is typed wrong is said before a device is looked for", () => {
  test.each([
    [["image", "film.png", "--scale", "5"], "USAGE_OPTION"],
    [["work"], "USAGE_OPTION"],
    [["attest", "--commitment", "00"], "USAGE_OPTION"],
    [["health", "--baud", "12"], "USAGE_OPTION"],
  ])("%j", async (args, error) => {
    const { code, stdout } = await lv06([...args, "--json"]);
    expect([code, JSON.parse(stdout.toString()).error.code]).toEqual([2, error]);
  });
});

test("a device with another id than the configured one is not taken", async () => {
  const env = { LV06_DEVICE_USB_PATH: model.path, LV06_DEVICE_USB_ID: "lv06-another" };
  const { code, stderr } = await lv06(["health"], "", env);
  expect(code).toBe(5);
  expect(stderr).toContain("lv06-model-00000007");
  expect(stderr).toContain("[DEVICE_OTHER]");
});
