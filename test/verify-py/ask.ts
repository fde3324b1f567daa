/** The Python verifier as a child process: one receipt on its command line, or many, a line each. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { CheckName, CheckVerdict } from "../../host/seal/checks.ts";

const DEADLINE_MS = 120_000;

export interface PythonOutcome {
  readonly exitCode: number;
  readonly checks: Readonly<Partial<Record<CheckName, CheckVerdict>>>;
}

export interface PythonRequest {
  readonly file: Uint8Array;
  /** 64 hexadecimal digits each, as are the digests. */
  readonly trustedKeys: readonly string[];
  readonly minDifficulty?: number;
  readonly rasterDigest?: string;
  readonly fileDigest?: string;
}

export function python(script: string, args: readonly string[], input = "") {
  const path = join(import.meta.dirname, script);
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", PYTHONUTF8: "1" };
  return spawnSync("python3", [path, ...args], {
    input,
    encoding: "utf8",
    env,
    timeout: DEADLINE_MS,
    maxBuffer: 2 ** 28,
  });
}

/** @throws Error with what Python said */
export function askPython<T>(requests: readonly object[], args: readonly string[] = []): T[] {
  if (requests.length === 0) return [];
  const lines = requests.map((request) => `${JSON.stringify(request)}\n`).join("");
  const { status, stdout, stderr } = python("verify_lines.py", args, lines);
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** All in one process, in their order. */
export function verifyByPython(requests: readonly PythonRequest[], args: readonly string[] = []): PythonOutcome[] {
  const asked = requests.map(({ file, ...rest }) => {
    return { kind: "receipt", receiptHex: Buffer.from(file).toString("hex"), ...rest };
  });
  return askPython<PythonOutcome>(asked, args);
}
