/** What the appliance does at each command. What leaves of a result, leaves as at its own topic. */
import type { CommandHandlers } from "../../mqtt/commands.ts";
import type { HealthData, ResultData } from "../../mqtt/messages.ts";
import type { ResultStore } from "../../store/results.ts";
import type { SelfCheckReport } from "../known-answer.ts";
import { Receipts } from "../receipts.ts";
import { RequestError } from "./errors.ts";
import { type InferParts, infer } from "./infer.ts";
import { type ResendParts, resend } from "./resend.ts";
import { type VoidParts, voidResult } from "./void.ts";

export interface HandlerParts extends ResendParts, Omit<VoidParts, "read">, Omit<InferParts, "read"> {
  readonly store: ResendParts["store"] & Pick<ResultStore, "unpark">;
  /** The last health message; undefined before the first. */
  readonly health: () => HealthData | undefined;
  /** A known image, and a known digest. Never rejects. */
  readonly selftest: () => Promise<Pick<SelfCheckReport, "ok" | "checks">>;
}

export function makeHandlers(parts: HandlerParts): CommandHandlers {
  const { store } = parts;
  const { read } = store;
  const receipts = new Receipts(read);
  const leaving = (data: ResultData | null) => (data === null ? null : parts.leaving(data));
  return {
    receipt: ({ resultId }) => ({ receipt: receipts.of(resultId) }),
    resend: async (command) => ({ resend: await resend(parts, command) }),
    health: () => ({ health: healthNow(parts) }),
    selftest: async () => {
      const { ok, checks } = await parts.selftest();
      return { selftest: { ok, checks: [...checks] } };
    },
    retry: async () => ({ retry: { messages: await store.unpark() } }),
    infer: async (command) => ({ infer: leaving(await infer({ ...parts, read }, command)) }),
    void: async (command) => ({ void: leaving(await voidResult({ ...parts, read }, command)) }),
  };
}

/** @throws RequestError HEALTH_NOT_YET */
function healthNow({ health }: HandlerParts): HealthData {
  const latest = health();
  if (latest === undefined) throw new RequestError("HEALTH_NOT_YET", "there is no health message yet");
  return latest;
}
