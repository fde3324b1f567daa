/**
 * Results that stand in for others. Nothing that is stored is ever edited: a correction, or the word that a result was
 * entered in error, is a result of its own, which names the one that it replaces.
 */
import type { ResultData } from "../../mqtt/messages.ts";
import type { ResultReader } from "../../store/reader.ts";
import type { StoredResult } from "../../store/schema.ts";
import { noResult } from "../receipts.ts";
import { RequestError } from "./errors.ts";

type Replacing = Pick<ResultData, "resultId" | "status" | "replaces">;

/**
 * Whether it may be stored: what it replaces is there, and nothing stands in for that already.
 * @throws RequestError RESULT_REPLACED, VOID_TWICE; ReceiptError RESULT_MISSING, RESULT_PRUNED; StoreError
 */
export function expectReplaceable(reader: ResultReader, { resultId, status, replaces }: Replacing): void {
  if (replaces === null) return;
  const replaced = reader.get(replaces);
  if (replaced === undefined) throw noResult(reader, replaces);
  const successor = reader.replacedBy(replaces);
  const inError = [replaced, successor].find((one) => one?.status === "entered-in-error");
  if (successor?.resultId === resultId) return;
  if (status === "entered-in-error" && inError !== undefined) {
    throw new RequestError("VOID_TWICE", `result ${replaces} was entered in error: ${inError.resultId} says so`);
  }
  if (successor !== undefined) {
    throw new RequestError("RESULT_REPLACED", `result ${successor.resultId} stands in for ${replaces}`);
  }
}

/** What of the appliance a result names that is made without an image. */
export interface Present {
  readonly device: { readonly kind: "usb" | "stratum"; readonly simulated: boolean } | undefined;
  readonly seal: ResultData["seal"];
  readonly time: ResultData["time"];
}

interface InError extends Present {
  readonly resultId: string;
  readonly sequence: number;
  /** A code of whoever says so. */
  readonly reason: string;
}

/** The same image and model, and no answer any more. */
export function enteredInError(of: StoredResult, { resultId, sequence, reason, ...present }: InError): ResultData {
  return {
    ...(of.data as ResultData),
    ...{ resultId, sequence, status: "entered-in-error", replaces: of.resultId },
    ...{ assessed: false, reasons: [...new Set(["ENTERED_IN_ERROR", reason])].sort() },
    ...{ label: null, probability: null, decision: null, cached: false, timingMs: {} },
    ...{ seal: present.seal, time: present.time },
    device: { kind: present.device?.kind ?? "none", simulated: present.device?.simulated ?? false, checked: false },
  };
}
