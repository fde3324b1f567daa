/** Every stored result's receipt, and what the two verifiers say of them. */
import { isDeepStrictEqual } from "node:util";
import { Receipts } from "../host/appliance/receipts.ts";
import { errorMessage } from "../host/base/error.ts";
import { encodeReceipt } from "../host/seal/receipt.ts";
import { ReceiptVerifier } from "../host/seal/verify.ts";
import type { ResultReader } from "../host/store/reader.ts";
import { verifyByPython } from "./verify-py/ask.ts";

const VALID_SIMULATED = 4;

/** The appliance's own receipts, and why there is none where there is none. */
export function receiptsOf(
  reader: ResultReader,
  results: readonly { readonly resultId: string }[],
): { readonly receipts: readonly Buffer[]; readonly missing: readonly string[] } {
  const made = new Receipts(reader);
  const [receipts, missing]: [Buffer[], string[]] = [[], []];
  for (const { resultId } of results) {
    try {
      receipts.push(encodeReceipt(made.of(resultId)));
    } catch (error) {
      missing.push(errorMessage(error));
    }
  }
  return { receipts, missing };
}

/** Lines of findings: none where both verifiers take every receipt for valid and simulated, check by check. */
export function judgeReceipts(receipts: readonly Uint8Array[], publicKey: string, withPython: boolean): string[] {
  const verifier = new ReceiptVerifier({ trustedKeys: new Map([[publicKey, "this appliance"]]) });
  const own = receipts.map((file) => {
    const { exitCode, checks } = verifier.verify(file);
    return { exitCode, checks: Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict])) };
  });
  const findings = own.flatMap(({ exitCode, checks }, i) => {
    return exitCode === VALID_SIMULATED ? [] : [`receipt ${i}: exit code ${exitCode}, ${JSON.stringify(checks)}`];
  });
  if (!withPython) return findings;
  const python = verifyByPython(receipts.map((file) => ({ file, trustedKeys: [publicKey] })));
  const other = python.filter((outcome, i) => !isDeepStrictEqual(outcome, own[i]));
  return [...findings, ...other.map((outcome) => `the Python verifier says ${JSON.stringify(outcome)}`)];
}
