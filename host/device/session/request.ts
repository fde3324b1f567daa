/** What goes into the exchange and what comes out of it. */
import type { DeviceErrorCode, Refusal } from "../errors.ts";
import { type Frame, frameBytes } from "../link/frame.ts";

export interface Credits {
  /** Requests that may be unanswered at once. */
  readonly lines: number;
  /** And their bytes. */
  readonly bytes: number;
}

export interface RetryPolicy {
  /** Wait for the first reply, in ms, besides the time the line needs. */
  readonly firstMs: number;
  /** Each further wait is this many times the one before. */
  readonly factor: number;
  /** Sends in all. */
  readonly tries: number;
}

export interface Request extends Omit<Frame, "seq"> {
  /** The caller's, unique among those not yet settled. */
  readonly id: number;
  readonly deadlineAtMs: number;
  /** Its own line's length. */
  readonly lineBytes: number;
  readonly retry: RetryPolicy;
  /** How long the reply's line will be; reckoned into the wait. */
  readonly replyBytes: number;
  /** Goes before all others, and also while the line is held. */
  readonly urgent: boolean;
  /** Whether the words after the boot id can be the answer to this request; a reply that cannot is passed over. */
  readonly accepts?: (args: readonly string[]) => boolean;
}

export interface Reply {
  /** The words after the boot id. */
  readonly args: readonly string[];
  readonly boot: string;
  readonly payload?: Uint8Array;
}

export type Output =
  | { readonly kind: "send"; readonly seq: number; readonly verb: string; readonly bytes: Uint8Array }
  | { readonly kind: "reply"; readonly id: number; readonly reply: Reply }
  | {
      readonly kind: "failed";
      readonly id: number;
      readonly code: DeviceErrorCode;
      readonly detail: string;
      readonly refusal?: Refusal;
    }
  /** News of a search; the words after the boot id. */
  | { readonly kind: "notice"; readonly args: readonly string[] }
  /** Comes before the failures of what was unanswered. `reason` as the device gives it, if its BOOT notice was heard. */
  | { readonly kind: "rebooted"; readonly boot: string; readonly reason: string };

export interface ExchangeCounters {
  readonly requests: number;
  readonly retries: number;
  /** Replies to nothing that waits: late, doubled, or somebody else's. */
  readonly strayReplies: number;
  /** Frames that are no replies, such as an echo of the host's own. */
  readonly strayFrames: number;
  /** Lines the device could not read, by its own account. */
  readonly naks: number;
}

export interface ExchangeHeld {
  /** Requests on the line, those among them whose callers gave up. */
  readonly unanswered: number;
  /** Requests that wait for credits. */
  readonly waiting: number;
  /** Numbers that are not used again yet, because a late reply may still bear them. */
  readonly lingering: number;
}

/** One question to the device, as a caller puts it. */
export interface Call extends Omit<Frame, "seq"> {
  /** From now, waiting for credits included; default 10,000. */
  readonly deadlineMs?: number;
  readonly retry?: RetryPolicy;
  /** Default 128. */
  readonly replyBytes?: number;
  /** Default false. */
  readonly urgent?: boolean;
  /** Default: every reply. */
  readonly accepts?: (args: readonly string[]) => boolean;
  readonly signal?: AbortSignal;
}

/** @throws DeviceError */
export type Ask = (call: Call) => Promise<Reply>;

/** One send and up to three more: 0.3, 0.9, 2.1 and 4.5 s after the first, besides the line's own time (SPEC §4.2). */
const RETRY: RetryPolicy = { firstMs: 300, factor: 2, tries: 4 };
const DEADLINE_MS = 10_000;
const REPLY_BYTES = 128;

export function requestOf(call: Call, id: number, nowMs: number): Request {
  const { deadlineMs = DEADLINE_MS, signal: _, ...rest } = call;
  const own = { id, deadlineAtMs: nowMs + deadlineMs, lineBytes: frameBytes(rest) };
  return { retry: RETRY, replyBytes: REPLY_BYTES, urgent: false, ...rest, ...own };
}
