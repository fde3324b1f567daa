/** What saving a damaged store needs to know of results, seals and messages. */
import { randomUUID } from "node:crypto";
import { makeMessage, makeResultMessage, makeSealMessage } from "../mqtt/envelope.ts";
import type { ResultData } from "../mqtt/messages.ts";
import type { Identity } from "../mqtt/topics.ts";
import { boundResult, commitmentOf } from "../seal/commitment.ts";
import { fromHex } from "../seal/fields.ts";
import { decodeSeal } from "../seal/seal.ts";
import { VerifyingKey } from "../seal/signing-key.ts";
import type { Rescue } from "../store/rescue.ts";

export function makeRescue(identity: Identity): Rescue {
  return {
    commitmentOf: (data) => {
      const result = data as ResultData;
      return result.seal === "pending" ? commitmentOf(boundResult(result)) : null;
    },
    verifies: ({ commitment, signature, publicKey }) => new VerifyingKey(publicKey).verifies(commitment, signature),
    sealedBatch: (text) => {
      const { root, previous, sealedValue, size } = decodeSeal(text);
      return { root: fromHex(root), previous: fromHex(previous), sealedValue: fromHex(sealedValue), size };
    },
    resultMessage: ({ data, pseudonym }) => {
      // `replaces` is younger than some results.
      const result = { replaces: null, ...data } as ResultData;
      return makeResultMessage(identity, { ...result, reference: pseudonym ?? result.reference });
    },
    sealMessage: (text) => makeSealMessage(identity, decodeSeal(text)),
    restoredMessage: ({ utcMs, messages, ...told }) =>
      makeMessage(
        identity,
        "event",
        { id: randomUUID(), utcMs },
        { kind: "store-restored", ...told, intendedUse: "research-only" },
      ),
  };
}
