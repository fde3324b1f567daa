/** One case: what must hold, of which paragraph, and how it is tried. */
import type { Capability } from "../../host/device/device.ts";
import type { Ability, BenchOf, TransportKind } from "./bench.ts";

export type Level = "MUST" | "SHOULD" | "MAY";

export interface Case<Kind extends TransportKind = TransportKind> {
  /** `usb/hash/boundaries`: transport, subject, name; stable, lowercase, unique. */
  readonly id: string;
  /** One sentence that is true of a conforming device or host. */
  readonly title: string;
  readonly transport: Kind;
  /** Paragraphs, such as `SPEC 5.2`, or `DESIGN 6`. */
  readonly spec: readonly string[];
  readonly level: Level;
  /** What the device must have for the case to apply. */
  readonly needs: readonly Capability[];
  /** What the target must be able to do for the case to apply. */
  readonly can?: readonly Ability[];
  /** For the whole case, in ms of its clock; default 30,000. */
  readonly deadlineMs?: number;
  /** @throws CaseFailure, or whatever the driver throws */
  run(bench: BenchOf[Kind]): Promise<void>;
}

/** Keeps the bench's type in the case file. */
export function usbCase(one: Omit<Case<"usb">, "transport">): Case<"usb"> {
  return { ...one, transport: "usb" };
}

export function stratumCase(one: Omit<Case<"stratum">, "transport">): Case<"stratum"> {
  return { ...one, transport: "stratum" };
}

export type AnyCase = Case<"usb"> | Case<"stratum">;

/** What a case found wrong, in a sentence for people. */
export class CaseFailure extends Error {
  override readonly name = "CaseFailure";
}

/** @throws CaseFailure */
export function expectThat(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new CaseFailure(otherwise);
}
