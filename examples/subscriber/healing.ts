/**
 * Asks one appliance for what is missing, until nothing is, or it does not have it any more.
 *
 * It is asked gently: one question at a time, a pause after each that was not answered. Appliances that are away, or refuse
 * for now, are asked again later; what they published is in their store.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Gap, Received } from "./received.ts";

/** Of the reply's data, what matters here. */
export interface ResendReply {
  readonly ok: boolean;
  readonly code: string | null;
  readonly resend?: Resent | null;
}

interface Resent {
  /** Published again. */
  readonly sent: number;
  /** Where to go on; null when all was sent. */
  readonly next: number | null;
  /** The lowest number, of those asked for, that a result has there: the ones before it are gone, or never were. */
  readonly firstAvailable: number;
}

export interface Healing {
  readonly store: Received;
  readonly source: string;
  readonly askEveryMs: number;
  readonly signal: AbortSignal;
  /** `cmd/resend`. @returns undefined where no answer came in time */
  readonly ask: (from: number, limit: number) => Promise<ResendReply | undefined>;
  readonly note: (note: Readonly<Record<string, unknown>>) => void;
}

/** A command resends at most this many. */
const LIMIT = 1000;
/** Asked this often, and nothing was sent: a number that no result has, or one that cannot be read any more. */
const TRIES = 3;
/** What was sent may wait behind thousands of others: it is given ever more time, here an hour and a half by default. */
const TRIES_SENT = 8;
/** A question that is not answered, or in vain, is repeated ever more rarely, up to this many pauses. */
const PAUSES_MAX = 64;

/** What is asked for: a gap, or what may follow the last that came. */
interface Question extends Gap {
  readonly open: boolean;
}

/** Returns when nothing is missing, or `signal` says so. */
export async function healSource(healing: Healing): Promise<void> {
  const { store, source, askEveryMs, signal, note } = healing;
  /** Answers that brought nothing, by gap. */
  const tries = new Map<string, number>();
  let pauses = 1;
  for (let asked = questionOf(store, source); asked !== undefined && !signal.aborted; ) {
    const { first, last, open } = asked;
    note({ what: open ? "asked what may be missing" : "asked for a gap", source, first, ...(open ? {} : { last }) });
    const reply = await healing.ask(first, last - first + 1);
    const answer = reply?.ok === true ? reply.resend : undefined;
    const times = answer == null ? 0 : settle(healing, asked, answer, tries);
    if (answer == null) note({ what: "not resent", source, first, code: reply?.code ?? "no answer" });
    pauses = Math.min(PAUSES_MAX, answer == null ? pauses * 2 : 2 ** Math.max(0, times - 1));
    // What is resent needs its time to arrive.
    await sleep(askEveryMs * pauses, undefined, { signal }).catch(() => {});
    asked = questionOf(store, source);
  }
}

function questionOf(store: Received, source: string): Question | undefined {
  const [gap] = store.gaps(source);
  // No more than one question can bring: the rest of the gap is not to be given up with it.
  if (gap !== undefined) return { first: gap.first, last: Math.min(gap.last, gap.first + LIMIT - 1), open: false };
  const first = store.doubted(source);
  return first === undefined ? undefined : { first, last: first + LIMIT - 1, open: true };
}

/** @returns how often this very gap has been asked for by now; 0 where it is open */
function settle(
  { store, source, note }: Healing,
  asked: Question,
  { sent, next, firstAvailable }: Resent,
  tries: Map<string, number>,
): number {
  const { first, last, open } = asked;
  const lost = { first, last: open ? firstAvailable - 1 : Math.min(last, firstAvailable - 1) };
  if (lost.last >= first) {
    store.giveUp(source, lost, "RESEND_PRUNED");
    note({ what: "gone", source, ...lost });
  }
  if (open) {
    store.sureUpTo(source, (next ?? 1) - 1, next !== null);
    return 0;
  }
  // Where some of it came, it is another gap, and its time begins anew.
  const gap = `${first}-${last}`;
  const times = (tries.get(gap) ?? 0) + 1;
  tries.set(gap, times);
  if (times < (sent > 0 ? TRIES_SENT : TRIES) || lost.last >= last) return times;
  const never = { first: Math.max(first, firstAvailable), last };
  store.giveUp(source, never, "NEVER_CAME");
  note({ what: "gone", source, ...never, why: "NEVER_CAME" });
  return times;
}
