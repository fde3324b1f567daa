/** One published vector: a receipt, what the verifier is given, and the verdict of every check. */
import { CHECK_NAMES, type CheckName, type CheckVerdict } from "../checks.ts";
import { toHex } from "../fields.ts";
import { encodeReceipt, type Receipt } from "../receipt.ts";
import { SAMPLE_DIFFICULTY, sampleKey } from "./samples.ts";

export interface ReceiptVector {
  readonly name: string;
  readonly about: string;
  /** The file's text; `receiptHex` where its bytes are no UTF-8. */
  readonly receipt?: string;
  readonly receiptHex?: string;
  readonly trustedKeys: readonly string[];
  /** Absent: the verifier's default. */
  readonly minDifficulty?: number;
  /** 64 hex digits of what the verifier was given; absent: nothing. */
  readonly rasterDigest?: string;
  readonly fileDigest?: string;
  readonly exitCode: number;
  /** Every check. */
  readonly checks: Readonly<Record<CheckName, CheckVerdict>>;
}

/** The key that vectors trust unless they say otherwise. */
export const VECTOR_KEY = sampleKey(1);
export const EASY = { minDifficulty: SAMPLE_DIFFICULTY };

type Given = Pick<ReceiptVector, "trustedKeys" | "minDifficulty" | "rasterDigest" | "fileDigest">;
type Verdicts = Partial<Record<CheckName, CheckVerdict>>;

function exitCodeOf(verdicts: Verdicts): number {
  const values = Object.values(verdicts);
  if (values.includes("failed")) return 1;
  if (values.includes("unknown")) return 3;
  return values.includes("simulated") ? 4 : 0;
}

/** @param verdicts those that are not `passed`; without an image, file and raster are skipped */
export function vector(
  name: string,
  about: string,
  file: Receipt | string,
  verdicts: Verdicts,
  given: Partial<Given> = EASY,
) {
  const receipt = typeof file === "string" ? file : encodeReceipt(file).toString("utf8");
  return { ...wholeVector(name, about, verdicts, given), receipt };
}

export function wholeVector(name: string, about: string, verdicts: Verdicts, given: Partial<Given>): ReceiptVector {
  const all = {
    file: given.fileDigest ? "passed" : "skipped",
    raster: given.rasterDigest ? "passed" : "skipped",
  } as const;
  const unread = verdicts.form === "failed" ? Object.fromEntries(CHECK_NAMES.map((it) => [it, "skipped"])) : {};
  const passed = Object.fromEntries(CHECK_NAMES.map((it) => [it, "passed"])) as Record<CheckName, CheckVerdict>;
  const checks = { ...passed, ...all, ...unread, ...verdicts };
  return { name, about, trustedKeys: [toHex(VECTOR_KEY.publicKey)], ...given, exitCode: exitCodeOf(verdicts), checks };
}
