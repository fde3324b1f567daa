/** Whether a fault strikes now. */
import type { Seeded } from "../../host/device/testing/seeded.ts";
import type { Fault } from "./plan.ts";

/** What passes, as far as triggers look at it. */
export interface Passing {
  /** Its number on this connection and direction, from 1; 0 where lines are not told apart. */
  readonly line: number;
  /** Bytes that passed before it. */
  readonly bytesBefore: number;
  /** The command it asks or answers, where it is known. */
  readonly verb: string | undefined;
}

/** One fault of a plan over all connections: how often it may strike, and its own luck. */
export class ArmedFault {
  readonly fault: Fault;
  /** Its own: what another fault draws, or whether it is there at all, changes nothing here. */
  readonly random: Seeded;
  #left: number;

  constructor(fault: Fault, random: Seeded) {
    this.fault = fault;
    this.random = random;
    this.#left = fault.times ?? Number.POSITIVE_INFINITY;
  }

  /** Draws its luck only where all else holds. A strike is counted. */
  strikes({ line, bytesBefore, verb }: Passing, marks: ReadonlySet<string>): boolean {
    const { fault } = this;
    if (this.#left <= 0) return false;
    if (fault.line !== undefined && fault.line !== line) return false;
    if (fault.afterBytes !== undefined && bytesBefore < fault.afterBytes) return false;
    if (fault.verb !== undefined && fault.verb !== verb) return false;
    if (fault.from !== undefined && !marks.has(fault.from)) return false;
    if (fault.to !== undefined && marks.has(fault.to)) return false;
    if (fault.p !== undefined && this.random.next() >= fault.p) return false;
    this.#left -= 1;
    return true;
  }

  /** It struck where there was nothing to strike: that does not count. */
  missed(): void {
    this.#left += 1;
  }
}
