/** The two verifiers, one in TypeScript and one in Python, agree on every check of every receipt. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { missingPrograms } from "../../host/device/testing/firmware.ts";
import type { CheckName, CheckVerdict } from "../../host/seal/checks.ts";
import { verifyReceipt } from "../../host/seal/verify.ts";
import { askPython, type PythonOutcome, type PythonRequest, python, verifyByPython } from "./ask.ts";

const DEADLINE_MS = 120_000;
const vectorFile = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, "../../host/seal/vectors", name), "utf8"));

interface Vector {
  readonly name: string;
  readonly receipt?: string;
  readonly receiptHex?: string;
  readonly trustedKeys: readonly string[];
  readonly minDifficulty?: number;
  readonly rasterDigest?: string;
  readonly fileDigest?: string;
  readonly exitCode: number;
  readonly checks: Readonly<Record<CheckName, CheckVerdict>>;
}

const vectors: readonly Vector[] = vectorFile("receipts.json");
const fileOf = ({ receipt, receiptHex = "" }: Vector) =>
  Buffer.from(receipt ?? receiptHex, receipt === undefined ? "hex" : "utf8");
const vectorOf = (name: string): Vector => {
  const found = vectors.find((vector) => vector.name === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return found;
};

type Request = PythonRequest & { readonly file: Buffer };

function byTypeScript({ file, trustedKeys, minDifficulty, rasterDigest, fileDigest }: Request): PythonOutcome {
  const { exitCode, checks } = verifyReceipt(file, {
    trustedKeys: new Map(trustedKeys.map((key) => [key, ""])),
    ...(minDifficulty === undefined ? {} : { minDifficulty }),
    ...(rasterDigest === undefined ? {} : { rasterDigest: Buffer.from(rasterDigest, "hex") }),
    ...(fileDigest === undefined ? {} : { fileDigest: Buffer.from(fileDigest, "hex") }),
  });
  return { exitCode, checks: Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict])) };
}

/** Every `stride`-th place, each with one bit flipped, replaced by a printable byte, left out, and doubled. */
function changes(file: Buffer, stride: number): Buffer[] {
  const places = Array.from({ length: Math.floor(file.length / stride) }, (_, i) => i * stride + (i % stride));
  return places.flatMap((at) => {
    const [before, after] = [file.subarray(0, at), file.subarray(at + 1)];
    const byte = file[at] ?? 0;
    const hexDigit = byte === 0x30 ? 0x31 : 0x30;
    const put = (...bytes: number[]) => Buffer.concat([before, Buffer.of(...bytes), after]);
    return [put(byte ^ (1 << (at % 8))), put(byte === hexDigit ? 0x61 : hexDigit), put(), put(byte, byte)];
  });
}

const folder = mkdtempSync(join(tmpdir(), "lv06-verify-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe.skipIf(missingPrograms("python3").length > 0)("the Python verifier", { timeout: DEADLINE_MS }, () => {
  const requestOf = (vector: Vector): Request => {
    const { name: _, receipt: _2, receiptHex: _3, exitCode: _4, checks: _5, ...given } = vector;
    return { ...given, file: fileOf(vector) };
  };
  const requests = vectors.map(requestOf);

  for (const args of [[], ["--plain"]]) {
    it(`has the verdicts of all vectors${args.length > 0 ? " with its own signatures" : ""}`, () => {
      for (const [i, outcome] of verifyByPython(requests, args).entries()) {
        const { name, exitCode, checks } = vectors[i] ?? vectorOf("valid");
        expect(outcome, name).toEqual({ exitCode, checks });
      }
    });
  }

  it("makes the commitments and verifies the trees of the vectors", () => {
    const commitments: { result: object; canonical: string; commitment: string }[] = vectorFile("commitments.json");
    const made = askPython<object>(commitments.map(({ result }) => ({ kind: "commitment", result })));
    expect(made).toEqual(commitments.map(({ canonical, commitment }) => ({ canonical, commitment })));
    const trees: { size: number; root: string; paths: string[][] }[] = vectorFile("trees.json");
    const leaf = (index: number) => Buffer.alloc(32, index).toString("hex");
    const asked = trees.flatMap(({ size, root, paths }) =>
      paths.flatMap((path, index) => [
        { kind: "inclusion", leaf: leaf(index), index, path, size, root },
        { kind: "inclusion", leaf: leaf(index + 1), index, path, size, root },
      ]),
    );
    expect(askPython<boolean>(asked)).toEqual(asked.map((_, i) => i % 2 === 0));
  });

  it("agrees with the TypeScript one on receipts with any byte changed, and neither takes one for valid", () => {
    const changed = ["valid", "simulated-unknown", "valid-text"].flatMap((name) => {
      const request = requestOf(vectorOf(name));
      return changes(request.file, 17).map((file): Request => ({ ...request, file }));
    });
    const outcomes = changed.map(byTypeScript);
    const wrong = outcomes.filter(({ exitCode }) => exitCode !== 1);
    expect(wrong).toEqual([]);
    expect(
      new Set(
        outcomes.flatMap(({ checks }) => Object.keys(checks).filter((name) => checks[name as CheckName] === "failed")),
      ).size,
    ).toBeGreaterThan(6);
    expect(verifyByPython(changed)).toEqual(outcomes);
  });

  it("reads files, and answers with the exit code", () => {
    const valid = vectorOf("valid");
    const receipt = written("receipt.json", fileOf(valid));
    const keys = written("keys.txt", `# wards\n\n${valid.trustedKeys[0]} ward 3\n`);
    const image = written("image", "another image");
    const run = (...args: string[]) => python("verify.py", [receipt, ...args]);
    const easy = ["--min-difficulty", String(valid.minDifficulty)];
    expect(run("--trust", keys, ...easy).status).toBe(0);
    expect(run(...easy).status).toBe(3);
    expect(run("--trust", keys).status).toBe(1);
    const refused = run("--trust", keys, ...easy, "--image", image, "--json");
    expect(refused.status).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      verdict: "invalid",
      checks: { file: "failed", raster: "skipped" },
    });
    expect(run("--raster", image).status).toBe(2);
    expect(run("--trust", receipt).status).toBe(2);
    expect(run("--min-difficulty", "-1").status).toBe(2);
    expect(python("verify.py", [join(folder, "nothing")]).status).toBe(2);
    const simulated = written("simulated.json", fileOf(vectorOf("simulated-seal")));
    expect(python("verify.py", [simulated, "--trust", keys]).status).toBe(4);
  });
});
