/** `./lv06 receipt`, `ledger` and `infer --raster-out` as a person would run them, on a real store. */

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openSecrets } from "../host/appliance/secrets.ts";
import { SealedStore } from "../host/appliance/testing/sealed-store.ts";
import type { Vault } from "../host/base/vault.ts";
import { missingPrograms } from "../host/device/testing/firmware.ts";
import { fileDigest, rasterDigest } from "../host/raster/raster.ts";
import { encodeReceipt } from "../host/seal/receipt.ts";
import { sampleKey } from "../host/seal/testing/samples.ts";
import { verifyReceipt } from "../host/seal/verify.ts";
import { replacing, tamper } from "../host/store/testing/tamper.ts";
import { FILMS } from "./demo/films.ts";
import { KEYS_IN_FILES } from "./stored.ts";

const ROOT = resolve(import.meta.dirname, "..");
const DEADLINE_MS = 50_000;

let folder: string;
let database: string;
let sealed: SealedStore;
let vault: Vault;
let heads: string[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lv06-cli-receipt-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Open while the commands run: two sealed batches, and one result that waits. */
beforeEach(async () => {
  database = join(mkdtempSync(join(folder, "data-")), "results.db");
  vault = openSecrets({ dataDir: resolve(database, ".."), ...KEYS_IN_FILES }, randomBytes).vault;
  sealed = new SealedStore(database, sampleKey(1), vault);
  heads = [];
  for (const size of [3, 2]) heads.push((await sealed.seal(size)).sealedValue);
  await sealed.append();
});
afterEach(() => sealed.store.close());

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function lv06(...args: readonly string[]): Promise<Ended> {
  const env = { ...process.env, LV06_DATA_DIR: resolve(database, "..") };
  return new Promise((end) => {
    execFile(join(ROOT, "lv06"), args, { cwd: folder, env, timeout: DEADLINE_MS }, (error, out, err) => {
      end({ code: Number(error?.code ?? 0), out, err });
    });
  });
}

const python = (...args: readonly string[]) =>
  new Promise<{ readonly code: number; readonly out: string }>((end) => {
    const script = join(ROOT, "test/verify-py/verify.py");
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
    execFile("python3", [script, ...args], { env, timeout: DEADLINE_MS }, (error, out) => {
      end({ code: Number(error?.code ?? 0), out });
    });
  });

const change = (sql: string) => tamper(database, vault, sql);

const trustFile = () => {
  const file = join(folder, "keys.txt");
  writeFileSync(file, `${sealed.key.publicKey.toString("hex")} ward 3\n`);
  return file;
};

describe("lv06 receipt", () => {
  test.each([[[]], [["--json"]]])("prints the receipt, and nothing else, with %j", async (options) => {
    const { code, out } = await lv06("receipt", "sample-2", ...options);
    expect(code).toBe(0);
    const { receipt, verdict } = verifyReceipt(out, {
      trustedKeys: new Map([[sealed.key.publicKey.toString("hex"), ""]]),
    });
    expect(verdict).toBe("simulated");
    expect(receipt?.result.resultId).toBe("sample-2");
    expect(out).toBe(`${receipt && encodeReceipt(receipt)}\n`);
  });

  test("writes it byte for byte, for all to read, and replaces a file only when told to", async () => {
    const file = join(folder, "receipt.json");
    const { code, out } = await lv06("receipt", "sample-2", "--out", file, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ resultId: "sample-2", out: file, sealedValue: heads[0], simulated: true });
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect((await lv06("verify", file, "--trust", trustFile())).code).toBe(4);
    const again = await lv06("receipt", "sample-4", "--out", file);
    expect(again.code).toBe(1);
    expect(again.err).toContain("OUTPUT_EXISTS");
    expect(readFileSync(file, "utf8")).toContain('"sample-2"');
    expect((await lv06("receipt", "sample-4", "--out", file, "--force")).code).toBe(0);
    expect(readFileSync(file, "utf8")).toContain('"sample-4"');
  });

  test.each([
    ["nobody", "RESULT_MISSING"],
    ["sample-6", "RECEIPT_NOT_SEALED"],
  ])("of %s says %s and ends with 1", async (id, expected) => {
    const { code, out } = await lv06("receipt", id, "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ error: { code: expected } });
  });

  test("of a result that was changed in the database is never handed out", async () => {
    change(replacing("0.9731", "0.0001", "WHERE sequence = 2"));
    const { code, out, err } = await lv06("receipt", "sample-2");
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain("RECEIPT_DAMAGED");
  });
});

describe("lv06 ledger head", () => {
  test("prints how many seals there are, the newest, and its key", async () => {
    const { code, out } = await lv06("ledger", "head", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      seals: 2,
      sealedResults: 5,
      waiting: 1,
      head: heads[1],
      publicKey: sealed.key.publicKey.toString("hex"),
      simulated: true,
    });
    expect((await lv06("ledger", "head")).out).toContain("by a simulated device");
  });

  test("before the first seal says so", async () => {
    change("DELETE FROM commitments; DELETE FROM batches");
    const { code, out } = await lv06("ledger", "head");
    expect(code).toBe(0);
    expect(out).toContain("0".repeat(64));
    expect(out).toContain("nothing is sealed yet");
  });
});

describe("lv06 ledger check", () => {
  test("of a sound ledger ends with 0 and says what no anchor means", async () => {
    const { code, out } = await lv06("ledger", "check");
    expect(code).toBe(0);
    expect(out).toContain("the ledger is sound");
    expect(out).toContain("2 of them by simulated devices");
    expect(out).toContain("Keep heads elsewhere");
  });

  test("holds it to heads kept elsewhere and to trusted keys", async () => {
    const { code, out } = await lv06("ledger", "check", "--json", "--trust", trustFile(), "--anchor", ...heads);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ sound: true, anchors: 2, checkedResults: 6, fault: null });
  });

  test("takes the head of an empty ledger for no anchor", async () => {
    const zeros = "0".repeat(64);
    const { code, out } = await lv06("ledger", "check", "--anchor", zeros);
    expect([code, out]).toEqual([0, expect.stringContaining("Keep heads elsewhere")]);
    const both = await lv06("ledger", "check", "--json", "--anchor", zeros, ...heads);
    expect([both.code, JSON.parse(both.out)]).toEqual([0, expect.objectContaining({ anchors: 2 })]);
  });

  test("names a missing head, and ends with 1", async () => {
    const { code, out } = await lv06("ledger", "check", "--anchor", "ab".repeat(32));
    expect(code).toBe(1);
    expect(out).toContain("anchor: abab");
  });

  test("names a result that was changed in the database", async () => {
    change(replacing("0.9731", "0.0001", "WHERE sequence = 4"));
    const { code, out } = await lv06("ledger", "check");
    expect(code).toBe(1);
    expect(out).toContain("result sample-4 (batch 2): it was changed after it was bound");
  });

  test("names a seal that was changed", async () => {
    change(`UPDATE batches SET seal = replace(seal, '"utcMs":1', '"utcMs":2') WHERE batch = 2`);
    const { code, out } = await lv06("ledger", "check", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ sound: false, chain: { ok: false, seal: 1, fault: "seal-signature" } });
  });
});

describe("lv06 infer --raster-out", () => {
  const [{ path: film } = { path: "" }] = FILMS;

  test("writes the pixels that the answer is about", async () => {
    const raw = join(folder, "film.raw");
    const { code, out } = await lv06("infer", film, "--raster-out", raw, "--json");
    expect(code).toBe(0);
    const samples = readFileSync(raw);
    expect(samples).toHaveLength(50_176);
    const [answer] = JSON.parse(out).results;
    expect(answer.result.input.rasterDigest).toBe(rasterDigest({ samples }));
  });

  test.skipIf(missingPrograms("python3").length > 0)("writes what the Python verifier compares", async () => {
    const [raw, receipt] = [join(folder, "own.raw"), join(folder, "own.json")];
    const { out } = await lv06("infer", film, "--raster-out", raw, "--json");
    const { input } = JSON.parse(out).results[0].result;
    await sealed.append({ resultId: "film", input });
    await sealed.seal(1);
    expect((await lv06("receipt", "film", "--out", receipt)).code).toBe(0);
    const same = await python(receipt, "--raster", raw, "--trust", trustFile(), "--json");
    expect(JSON.parse(same.out)).toMatchObject({ exitCode: 4 });
    expect(same.code).toBe(4);
    writeFileSync(raw, readFileSync(raw).fill(7, 0, 1));
    expect((await python(receipt, "--raster", raw, "--trust", trustFile())).code).toBe(1);
    expect((await lv06("verify", receipt, "--image", film, "--trust", trustFile())).code).toBe(4);
  });

  test("replaces a file, and be it the film itself, only when told to", async () => {
    const own = join(folder, "own-film.jpeg");
    const bytes = readFileSync(film);
    writeFileSync(own, bytes);
    const { code, out } = await lv06("infer", own, "--raster-out", own, "--json");
    expect([code, JSON.parse(out).results[0].error.code]).toEqual([1, "OUTPUT_EXISTS"]);
    expect(readFileSync(own).equals(bytes)).toBe(true);
    const raw = join(folder, "replaced.raw");
    writeFileSync(raw, "what was there");
    expect((await lv06("infer", own, "--raster-out", raw, "--force")).code).toBe(0);
    expect(readFileSync(raw)).toHaveLength(50_176);
    expect((await lv06("infer", own, "--force")).code).toBe(2);
  });

  test("is for one image", async () => {
    const { code, out } = await lv06("infer", film, film, "--raster-out", join(folder, "two.raw"), "--json");
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ error: { code: "USAGE_OPTION" } });
    expect(existsSync(join(folder, "two.raw"))).toBe(false);
  });

  test("of what is no image writes nothing", async () => {
    const bad = join(folder, "bad.png");
    writeFileSync(bad, "no image");
    expect((await lv06("infer", bad, "--raster-out", join(folder, "bad.raw"))).code).toBe(6);
    expect(existsSync(join(folder, "bad.raw"))).toBe(false);
  });
});

describe("lv06 verify --image of what does not decode", () => {
  const OURS = "no image, but what the receipt speaks of";
  let receipt: string;

  beforeEach(async () => {
    receipt = join(folder, "undecoded.json");
    const input = { fileDigest: fileDigest(Buffer.from(OURS)), rasterDigest: "ab".repeat(32) };
    await sealed.append({ resultId: "undecoded", input });
    await sealed.seal(1);
    expect((await lv06("receipt", "undecoded", "--out", receipt, "--force")).code).toBe(0);
  });

  test.skipIf(missingPrograms("python3").length > 0).each([
    ["the result's own file", OURS, 4, "passed"],
    ["another one", "another text", 1, "failed"],
    ["an empty one", "", 1, "failed"],
  ])("compares %s as a file, and agrees with the Python verifier", async (_, text, expected, file) => {
    const image = join(folder, "image");
    writeFileSync(image, text);
    const args = [receipt, "--image", image, "--trust", trustFile(), "--json"];
    const [ours, theirs] = await Promise.all([lv06("verify", ...args), python(...args)]);
    const { checks } = JSON.parse(ours.out) as { readonly checks: readonly { name: string; verdict: string }[] };
    expect([ours.code, theirs.code]).toEqual([expected, expected]);
    expect(Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict]))).toEqual(
      JSON.parse(theirs.out).checks,
    );
    expect(checks).toContainEqual(expect.objectContaining({ name: "file", verdict: file }));
    const detail = expect.stringMatching(/gives no raster: .*\[RASTER_/);
    expect(checks).toContainEqual(expect.objectContaining({ name: "raster", verdict: "skipped", detail }));
  });

  test("still says that a file that is not there cannot be read", async () => {
    const { code, err } = await lv06("verify", receipt, "--image", join(folder, "nowhere"));
    expect([code, err]).toEqual([6, expect.stringContaining("INGEST_MISSING")]);
  });
});
