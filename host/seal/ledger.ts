/**
 * The ledger: every seal names the one before, so that none can be changed, left out or put in without all later ones
 * being made anew, work and all.
 *
 * It does not protect from its own keeper: who holds the key may cut the newest seals off, or work a new chain. Against
 * that, a head must be kept elsewhere (an anchor), such as by a subscriber of the `seal` messages.
 */
import type { CheckName } from "./checks.ts";
import { SealError } from "./error.ts";
import { fromHex, toHex } from "./fields.ts";
import { decodeSeal, type Seal } from "./seal.ts";
import { sealChecks, signerCheck } from "./seal-checks.ts";
import { FIRST_PREVIOUS } from "./sealed-value.ts";
import { VerifyingKey } from "./signing-key.ts";
import type { TrustedKeys } from "./trust.ts";

export interface LedgerHead {
  /** How many seals there are. */
  readonly seals: number;
  /** How many results they seal. */
  readonly results: number;
  /** D of the last seal; zeros before the first. 64 hex digits. */
  readonly head: string;
}

export const EMPTY_LEDGER: LedgerHead = { seals: 0, results: 0, head: toHex(FIRST_PREVIOUS) };

/** The head after one more seal. @throws SealError SEAL_LEDGER where the seal does not follow this head */
export function extendLedger({ seals, results, head }: LedgerHead, seal: Seal): LedgerHead {
  if (seal.previous !== head) {
    throw new SealError("SEAL_LEDGER", `seal ${seals} names ${seal.previous} as the one before, not ${head}`);
  }
  return { seals: seals + 1, results: results + seal.size, head: seal.sealedValue };
}

export interface LedgerOptions {
  /** Where given, every seal must be by one of these keys. */
  readonly trustedKeys?: TrustedKeys;
  /** Heads kept elsewhere, 64 hex digits: each must be in the chain. */
  readonly anchors?: readonly string[];
  /** Where the chain begins: its oldest seals were removed; the keeper's word, held to nothing but anchors. */
  readonly base?: LedgerHead;
}

/** `form`: the stored text is no seal. `previous`: the chain. `anchor`: a head kept elsewhere is not in it. */
export type LedgerFault = "form" | "previous" | "anchor" | CheckName;

export type LedgerVerdict =
  | { readonly ok: true; readonly head: LedgerHead }
  | {
      readonly ok: false;
      /** Place of the first seal that is wrong, from 0; the number of seals for a missing anchor. */
      readonly seal: number;
      readonly fault: LedgerFault;
      readonly detail: string;
      /** Up to there it is sound. */
      readonly head: LedgerHead;
    };

type Fault = { readonly fault: LedgerFault; readonly detail: string };

/** Work is held to the difficulty that the seal states: what it was worth was decided when it was made. */
function faultOf(seal: Seal, { trustedKeys }: LedgerOptions): Fault | null {
  const key = new VerifyingKey(fromHex(seal.publicKey));
  const checks = sealChecks(seal, key, 0);
  if (trustedKeys !== undefined) checks.push(signerCheck(seal.publicKey, trustedKeys));
  const wrong = checks.find(({ verdict }) => verdict === "failed" || verdict === "unknown");
  return wrong === undefined ? null : { fault: wrong.name, detail: wrong.detail };
}

function step(head: LedgerHead, text: string, options: LedgerOptions): LedgerHead | Fault {
  let seal: Seal;
  try {
    seal = decodeSeal(text);
  } catch (error) {
    if (error instanceof SealError) return { fault: "form", detail: error.detail };
    throw error;
  }
  if (seal.previous !== head.head) {
    return { fault: "previous", detail: `It names ${seal.previous} as the one before, not ${head.head}.` };
  }
  return faultOf(seal, options) ?? extendLedger(head, seal);
}

/**
 * Checks the whole chain, from the first seal or `base` on: form, order, sealed value, signature and work of each.
 *
 * @param seals as `encodeSeal` gave them, oldest first
 * @throws whatever the iterator throws; never because of a seal
 */
export function checkLedger(seals: Iterable<string>, options: LedgerOptions = {}): LedgerVerdict {
  const base = options.base ?? EMPTY_LEDGER;
  let head = base;
  const missing = new Set(options.anchors);
  missing.delete(head.head);
  for (const text of seals) {
    const next = step(head, text, options);
    if ("fault" in next) return { ok: false, seal: head.seals, ...next, head };
    head = next;
    missing.delete(head.head);
  }
  const [anchor] = missing;
  if (anchor === undefined) return { ok: true, head };
  const removed = base.seals === 0 ? "" : ` Its oldest ${base.seals} were removed and are not looked at.`;
  return {
    ok: false,
    seal: head.seals,
    fault: "anchor",
    detail: `${anchor} is no seal of this ledger.${removed}`,
    head,
  };
}
