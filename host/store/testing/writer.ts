/** A process that stores results until it is killed and says which ones it was told are durable. */
import { writeSync } from "node:fs";
import { ResultStore } from "../results.ts";
import { makeMessage, makeResult } from "./make-result.ts";
import { sampleVault } from "./vault.ts";

const store = new ResultStore({ path: process.argv[2] ?? "", vault: sampleVault(1), utcMs: () => 0 });

async function write(): Promise<never> {
  for (;;) {
    const { sequence, resultId } = await store.append((next) => {
      const result = makeResult(next);
      return { ...result, messages: [makeMessage(result.resultId)] };
    });
    writeSync(1, `${sequence} ${resultId}\n`);
  }
}

await Promise.all([write(), write(), write(), write()]);
