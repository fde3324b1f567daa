/** The dialogue with the device as messages: written from the wire format, not with the host's own reader. */
import type { StratumBench } from "../../rig/bench.ts";
import { CaseFailure, expectThat } from "../../rig/case.ts";
import type { SaidLine } from "../../rig/dialogue.ts";

export interface Message {
  readonly line: SaidLine;
  readonly id: unknown;
  /** Empty in an answer. */
  readonly method: string;
  readonly params: readonly unknown[];
  readonly result: unknown;
  readonly error: unknown;
  /** Whether the answer says anything of an error, be it null. */
  readonly hasError: boolean;
}

export interface Exchange {
  readonly request: Message;
  readonly answer: Message;
}

/** A job as it went over the wire. */
export interface SentJob {
  readonly message: Message;
  readonly id: string;
  readonly coinb1: string;
  readonly coinb2: string;
  readonly branches: readonly unknown[];
  readonly version: string;
  readonly nbits: string;
  readonly ntime: string;
  readonly clean: unknown;
}

/** A share as the device sent it, and what became of it. */
export interface SentShare extends Exchange {
  readonly worker: string;
  readonly jobId: string;
  readonly extranonce2: string;
  readonly ntime: string;
  readonly nonce: string;
  /** `00000000` where the device sends none. */
  readonly versionBits: string;
}

export function messageOf(line: SaidLine): Message | null {
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { id, method, params, result, error } = { ...value } as Record<string, unknown>;
  return {
    ...{ line, id, result, error, hasError: "error" in value },
    method: typeof method === "string" ? method : "",
    params: Array.isArray(params) ? params : [],
  };
}

/** Everything that was said so far. @throws CaseFailure where the host said what is no message */
export function messages({ dialogue }: StratumBench): Message[] {
  return dialogue.lines.flatMap((line) => {
    const message = messageOf(line);
    if (message === null && line.from === "host" && line.text !== "")
      throw new CaseFailure(`the host said what is no JSON object: ${line.text}`);
    return message ?? [];
  });
}

/** What the host told the device by itself, by method. */
export function notices(bench: StratumBench, method: string): Message[] {
  return messages(bench).filter((message) => message.line.from === "host" && message.method === method);
}

/** What the device asked and was answered, in the order of its asking. @throws CaseFailure for an answer to nothing */
export function exchanges(bench: StratumBench): Exchange[] {
  const open = new Map<string, Message[]>();
  const done: Exchange[] = [];
  const key = ({ line, id }: Message) => `${line.connection}/${JSON.stringify(id)}`;
  for (const message of messages(bench)) {
    const waiting = open.get(key(message)) ?? [];
    if (message.line.from === "device" && message.method !== "") open.set(key(message), [...waiting, message]);
    else if (message.line.from === "host" && message.method === "") {
      const [request, ...rest] = waiting;
      expectThat(request !== undefined, `the host answered what nobody asked: ${message.line.text}`);
      open.set(key(message), rest);
      done.push({ request, answer: message });
    }
  }
  return done;
}

/** What the device asked and was not answered. */
export function unanswered(bench: StratumBench): Message[] {
  const answered = new Set(exchanges(bench).map(({ request }) => request.line));
  return messages(bench).filter(({ line, method }) => line.from === "device" && method !== "" && !answered.has(line));
}

export function asked(bench: StratumBench, method: string): Exchange[] {
  return exchanges(bench).filter(({ request }) => request.method === method);
}

/** @throws CaseFailure for one that is no job at all */
export function sentJobs(bench: StratumBench): SentJob[] {
  return notices(bench, "mining.notify").map((message) => {
    const [id, prevhash, coinb1, coinb2, branches, version, nbits, ntime, clean] = message.params;
    const texts = [id, prevhash, coinb1, coinb2, version, nbits, ntime];
    const whole = texts.every((text) => typeof text === "string") && Array.isArray(branches);
    expectThat(whole, `the host sent a job that is none: ${message.line.text}`);
    const hex = { id, coinb1, coinb2, version, nbits, ntime };
    return { ...mapText(hex), message, branches, clean };
  });
}

export function sentShares(bench: StratumBench): SentShare[] {
  return asked(bench, "mining.submit").map((exchange) => {
    const [worker, jobId, extranonce2, ntime, nonce, versionBits = "00000000"] = exchange.request.params;
    return { ...exchange, ...mapText({ worker, jobId, extranonce2, ntime, nonce, versionBits }) };
  });
}

function mapText<Name extends string>(of: Record<Name, unknown>): Record<Name, string> {
  return Object.fromEntries(Object.entries(of).map(([name, value]) => [name, String(value)])) as Record<Name, string>;
}

/** The bits that the device was last allowed to roll. */
export function grantedMask(bench: StratumBench): number {
  const masks = asked(bench, "mining.configure").map(({ answer }) => maskOf(answer.result));
  return masks.findLast((mask) => mask !== null) ?? 0;
}

/** The mask in a `mining.configure` answer or question; null where there is none. */
export function maskOf(value: unknown): number | null {
  const mask: unknown = typeof value === "object" && value !== null && { ...value }["version-rolling.mask" as never];
  return typeof mask === "string" && /^[0-9a-f]{1,8}$/i.test(mask) ? Number.parseInt(mask, 16) : null;
}

/** Waits for the n-th message of its kind, from 1. @throws RigError RIG_DEADLINE */
export function nthSaid(
  bench: StratumBench,
  from: SaidLine["from"],
  method: string,
  count: number,
  deadlineMs: number,
): Promise<SaidLine> {
  let seen = 0;
  const line = bench.dialogue.first((one) => {
    if (one.from !== from || messageOf(one)?.method !== method) return false;
    seen += 1;
    return seen === count;
  });
  return bench.settle(line, deadlineMs);
}
