/** `cmd/void`: a result was entered in error; a result of its own says so, and is sealed and published as any other. */
import type { Command } from "../../mqtt/commands.ts";
import type { ResultData } from "../../mqtt/messages.ts";
import type { ResultReader } from "../../store/reader.ts";
import { noResult } from "../receipts.ts";
import { enteredInError, expectReplaceable, type Present } from "./replacing.ts";
import { type ResultIds, resultOf } from "./result-ids.ts";

export interface VoidParts {
  readonly read: ResultReader;
  readonly ids: ResultIds;
  /** Result and message in one transaction. */
  readonly record: (build: (sequence: number) => ResultData) => Promise<ResultData>;
  readonly present: () => Present;
}

/**
 * The same command has the same result, also after a restart.
 * @returns the result that says so
 * @throws RequestError VOID_TWICE, RESULT_REPLACED; ReceiptError RESULT_MISSING, RESULT_PRUNED; StoreError; OutboxError OUTBOX_FULL
 */
export async function voidResult(parts: VoidParts, command: Command<"void">): Promise<ResultData> {
  const { read, ids, record, present } = parts;
  const asked = ids("void", command.id, command.resultId);
  const done = resultOf(read, asked);
  if (done !== undefined) return done;
  const replaced = read.get(command.resultId);
  if (replaced === undefined) throw noResult(read, command.resultId);
  const [resultId] = asked;
  const { reason } = command;
  expectReplaceable(read, { resultId, status: "entered-in-error", replaces: replaced.resultId });
  return record((sequence) => enteredInError(replaced, { resultId, sequence, reason, ...present() }));
}
