/**
 * A process that does with the store what the appliance does: node writer.ts DATABASE ROUNDS
 *
 * It says what it was told is durable, a line each, the moment it is told: `result SEQUENCE ID`, `message ID`, `sealed ID`.
 * `taken ID` it says before it acknowledges a message, which may then be gone. What a full disk refuses is `refused CODE`, and
 * it goes on; with 0 rounds it opens and closes the store.
 */
import { writeSync } from "node:fs";
import { errorCode } from "../../host/base/error.ts";
import { openResultStore } from "../../host/store/open-store.ts";
import type { ResultStore } from "../../host/store/results.ts";
import { makeMessage } from "../../host/store/testing/make-result.ts";
import { makeBatch, makeBoundResult, sampleRescue } from "../../host/store/testing/rescue.ts";
import { sampleVault } from "../../host/store/testing/vault.ts";

const TOGETHER = 3;
const BATCH_ROUNDS = 4;
const say = (line: string) => void writeSync(1, `${line}\n`);

async function tried<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    say(`refused ${errorCode(error)}`);
    return undefined;
  }
}

async function append(store: ResultStore, salt: string): Promise<void> {
  const result = await tried(() =>
    store.append((sequence) => {
      // Of another life with the same number it must be told apart.
      const made = makeBoundResult(sequence, { reference: `${"x".repeat((sequence * 97) % 900)} ${salt}` });
      return { ...made, resultId: made.resultId };
    }),
  );
  if (result !== undefined) say(`result ${result.sequence} ${result.resultId}`);
}

async function round(store: ResultStore, number: number, salt: string): Promise<void> {
  await Promise.all(Array.from({ length: TOGETHER }, () => append(store, salt)));
  const event = { ...makeMessage("an event"), messageId: `event-${salt}-${number}` };
  await tried(() => store.enqueue([event]).then(() => say(`message ${event.messageId}`)));
  const taken = store.pending(2);
  for (const { messageId } of taken) say(`taken ${messageId}`);
  await tried(() => store.acknowledge(taken.map(({ position }) => position)));
  if (number % BATCH_ROUNDS === 0) await seal(store);
}

async function seal(store: ResultStore): Promise<void> {
  const waiting = store.read.seals.waiting(100).map(({ sequence }) => sequence);
  const worked = store.read.seals.worked();
  const name = `${worked?.size ?? waiting.length}-of-${waiting[0] ?? worked?.batch}`;
  const { seal, ...batch } = makeBatch(name, waiting.length);
  if (worked !== undefined || waiting.length === 0) return;
  const number = await tried(() => store.closeBatch(batch, waiting));
  if (number === undefined) return;
  const message = { ...makeMessage(seal), messageId: `seal-${name}` };
  await tried(() => store.sealBatch(number, seal, [message]).then(() => say(`sealed ${message.messageId}`)));
}

const [path = "", rounds = "0"] = process.argv.slice(2);
try {
  const store = openResultStore({ path, vault: sampleVault(1), utcMs: () => 1_000, rescue: sampleRescue() });
  for (let i = 1; i <= Number(rounds); i++) await round(store, i, String(store.read.lastSequence));
  store.close();
  say("closed");
} catch (error) {
  say(`refused ${errorCode(error)}`);
}
