/** BAUD with confirm-or-revert (SPEC.md §5.9). Nothing else may be unanswered meanwhile. */
import { type Clock, sleep } from "../clock.ts";
import { DeviceError } from "../errors.ts";
import type { Transport } from "../transport.ts";
import { badReply, expectWords } from "./commands/data.ts";
import type { Ask } from "./request.ts";

export interface RateLine {
  readonly clock: Clock;
  readonly ask: Ask;
  /** Bytes outside any request. */
  readonly post: (bytes: Uint8Array) => void;
  /** Changes the host's end. */
  readonly setRate: (baud: number) => Promise<void>;
}

/** The device switches once its reply has left. */
const SWITCH_MS = 10;
/** It reverts when it reads nothing good for this long. */
const CONFIRM_MS = 500;
/** By now it has reverted for sure. */
const REVERTED_MS = 600;
/** Three chances, the last within 250 ms, and an answer to it within the time that the device waits. */
const CONFIRM_RETRY = { firstMs: 55, factor: 2, tries: 3 };
const PING_REPLY_BYTES = 30;
const SETTLE_RETRY = { firstMs: 300, factor: 2, tries: 3 };
const SETTLE_DEADLINE_MS = 3000;
const LINE_FEEDS = Buffer.from("\n\n");

/**
 * What changes the host's end of this line.
 *
 * @throws DeviceError DEVICE_UNSUPPORTED where the line has no rate, DEVICE_LIMIT where the device does not take this one
 */
export function rateSetter(transport: Transport, rates: readonly number[], baud: number): RateLine["setRate"] {
  if (transport.setRate === undefined || rates.length === 0) {
    throw new DeviceError("DEVICE_UNSUPPORTED", `${transport.name} has no rate to change`);
  }
  if (!rates.includes(baud)) {
    throw new DeviceError("DEVICE_LIMIT", `${baud} baud; the device takes ${rates.join(", ")}`);
  }
  return transport.setRate.bind(transport);
}

/**
 * Moves both ends from rate `from` to rate `to`, or leaves both at `from`.
 *
 * @throws DeviceError DEVICE_RATE if the line does not carry the rate and both ends are back at `from`;
 *   DEVICE_REFUSED if the device does not take it; any other code means that the two have lost each other
 */
export async function changeRate(line: RateLine, from: number, to: number): Promise<void> {
  const reply = await line.ask({ verb: "BAUD", args: [String(to)], urgent: true });
  expectWords("BAUD", reply, 1);
  if (reply.args[0] !== String(to)) throw badReply("BAUD", reply.args);
  const repliedAtMs = line.clock.nowMs();
  const sinceReplyMs = () => line.clock.nowMs() - repliedAtMs;
  await sleep(line.clock, SWITCH_MS);
  if (await answers(line, to, CONFIRM_MS - sinceReplyMs(), CONFIRM_RETRY)) return;
  await switchTo(line, from);
  await sleep(line.clock, Math.max(0, REVERTED_MS - sinceReplyMs()));
  if (await answers(line, from, SETTLE_DEADLINE_MS, SETTLE_RETRY)) {
    throw new DeviceError("DEVICE_RATE", `no answer at ${to} baud; back at ${from}`);
  }
  // The device may have read a request at the new rate whose reply was lost: then it stays there.
  if (await answers(line, to, SETTLE_DEADLINE_MS, SETTLE_RETRY)) return;
  throw new DeviceError("DEVICE_DEADLINE", `no answer at ${to} baud, nor at ${from} again`);
}

/** Whether the device answers at `baud`. A refusal is an answer too. */
async function answers(line: RateLine, baud: number, deadlineMs: number, retry: typeof CONFIRM_RETRY) {
  await switchTo(line, baud);
  line.post(LINE_FEEDS);
  try {
    const timing = { deadlineMs: Math.max(1, deadlineMs), retry, replyBytes: PING_REPLY_BYTES };
    await line.ask({ verb: "PING", args: [], urgent: true, ...timing });
    return true;
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    if (error.code === "DEVICE_DEADLINE") return false;
    if (error.code === "DEVICE_REFUSED") return true;
    throw error;
  }
}

async function switchTo(line: RateLine, baud: number): Promise<void> {
  try {
    await line.setRate(baud);
  } catch (cause) {
    throw new DeviceError("DEVICE_CLOSED", `the port does not go to ${baud} baud`, { cause });
  }
}
