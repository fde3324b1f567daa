/**
 * Faults on any `Transport`: a decorator, so that they work on a model, in this process, and on a real line.
 *
 * A `FaultBox` holds one plan over all connections that are made through it; what strikes once strikes once, also when
 * the line was opened again meanwhile. Everything follows from the plan's seed and the order of events.
 */
import type { Clock } from "../../host/device/clock.ts";
import { Seeded } from "../../host/device/testing/seeded.ts";
import type { Transport } from "../../host/device/transport.ts";
import { Dialogue } from "./dialogue.ts";
import { FaultError } from "./error.ts";
import { type Direction, type FaultKind, LIES } from "./kinds.ts";
import { Lane } from "./lane.ts";
import type { FaultPlan } from "./plan.ts";
import { ArmedFault } from "./trigger.ts";

export interface FaultTools {
  /** Every delay goes through it. */
  readonly clock: Clock;
  /** What `restart` and `crash` do; without it a plan may not have them. */
  readonly act?: (what: "restart" | "crash") => void;
  /** Hears of every strike. */
  readonly onStrike?: (kind: FaultKind) => void;
}

/** Spreads the seeds of a plan's faults. */
const SEED_STEP = 0x9e37_79b1;
/** A device restarts no sooner again. */
const BOOT_MS = 250;

export class FaultBox {
  readonly plan: FaultPlan;
  readonly #tools: FaultTools;
  readonly #armed: readonly ArmedFault[];
  readonly #listens: boolean;
  readonly #marks = new Set<string>();
  readonly #fired = new Map<FaultKind, number>();
  readonly #lanes = new Set<Lane>();
  #unplugs = 0;
  #restartedMs = Number.NEGATIVE_INFINITY;
  #healed = false;

  /** @throws FaultError FAULT_CANNOT */
  constructor(plan: FaultPlan, tools: FaultTools) {
    this.plan = plan;
    this.#tools = tools;
    const kinds = plan.faults.map(({ kind }) => kind);
    if (tools.act === undefined && (kinds.includes("restart") || kinds.includes("crash"))) {
      throw new FaultError("FAULT_CANNOT", "nothing here can restart the device");
    }
    this.#armed = plan.faults.map((fault, i) => new ArmedFault(fault, new Seeded(plan.seed + (i + 1) * SEED_STEP)));
    const lies = kinds.some((kind) => (LIES as readonly FaultKind[]).includes(kind));
    this.#listens = lies || plan.faults.some(({ verb }) => verb !== undefined);
  }

  /** How often each fault struck. */
  get fired(): Readonly<Partial<Record<FaultKind, number>>> {
    return Object.fromEntries(this.#fired);
  }

  /** What is on its way, in bytes: bounded, whatever happens. */
  get waitingBytes(): number {
    return [...this.#lanes].reduce((sum, lane) => sum + lane.waitingBytes, 0);
  }

  /** Faults that begin or end `from` or `to` this mark do so. */
  mark(name: string): void {
    this.#marks.add(name);
  }

  /** The plan is over, on open connections and on later ones. */
  heal(): void {
    this.#healed = true;
    for (const lane of this.#lanes) lane.heal();
  }

  wrap(transport: Transport): Transport {
    const name = this.#unplugs === 0 ? transport.name : `${transport.name}~${this.#unplugs + 1}`;
    return transport.setRate === undefined
      ? new FaultyTransport(transport, name, this)
      : new RatedFaultyTransport(transport, name, this);
  }

  /** For the decorators: one direction of a new connection. */
  lane(
    direction: Direction,
    dialogue: Dialogue,
    { deliver, unplug }: { readonly deliver: (bytes: Uint8Array) => void; readonly unplug: () => void },
  ): Lane {
    const lane = new Lane({
      ...{ direction, dialogue, deliver, marks: this.#marks, listens: this.#listens, clock: this.#tools.clock },
      faults: this.#armed.filter(({ fault }) => fault.direction === direction),
      unplug: () => {
        this.#unplugs += 1;
        unplug();
      },
      act: (what) => this.#restart(what),
      fired: (kind) => {
        this.#fired.set(kind, (this.#fired.get(kind) ?? 0) + 1);
        this.#tools.onStrike?.(kind);
      },
    });
    if (this.#healed) lane.heal();
    this.#lanes.add(lane);
    return lane;
  }

  /** @returns false while the device still starts: what it says then must not restart it for ever at one moment */
  #restart(what: "restart" | "crash"): boolean {
    const nowMs = this.#tools.clock.nowMs();
    if (nowMs - this.#restartedMs < BOOT_MS) return false;
    this.#restartedMs = nowMs;
    this.#tools.act?.(what);
    return true;
  }

  forget(lane: Lane): void {
    lane.end();
    this.#lanes.delete(lane);
  }
}

/** One connection under the faults of a plan. @throws FaultError FAULT_CANNOT */
export function faulty(transport: Transport, plan: FaultPlan, tools: FaultTools): Transport {
  return new FaultBox(plan, tools).wrap(transport);
}

class FaultyTransport implements Transport {
  readonly name: string;
  readonly #inner: Transport;
  readonly #box: FaultBox;
  readonly #out: Lane;
  readonly #in: Lane;
  #over: Error | undefined;
  #onChunk: (chunk: Uint8Array) => void = () => {};
  #onClose: (reason: Error) => void = () => {};

  constructor(inner: Transport, name: string, box: FaultBox) {
    this.name = name;
    this.#inner = inner;
    this.#box = box;
    const dialogue = new Dialogue();
    const unplug = () => this.#unplug();
    this.#out = box.lane("write", dialogue, { unplug, deliver: (bytes) => this.#send(bytes) });
    this.#in = box.lane("read", dialogue, { unplug, deliver: (bytes) => this.#hear(bytes) });
    inner.onChunk((chunk) => {
      if (this.#over === undefined) this.#in.push(chunk);
    });
    inner.onClose((reason) => this.#end(reason));
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    switch (this.#out.push(bytes)) {
      case "passed":
        return this.#over === undefined ? Promise.resolve() : Promise.reject(this.#over);
      case "refused":
        return Promise.reject(new Error("EIO: i/o error, write"));
      case "hung":
        return new Promise(() => {});
    }
  }

  onChunk(listener: (chunk: Uint8Array) => void): void {
    this.#onChunk = listener;
  }

  onClose(listener: (reason: Error) => void): void {
    this.#onClose = listener;
  }

  async close(): Promise<void> {
    this.#end(new Error("the connection was closed"));
    await this.#inner.close();
  }

  #send(bytes: Uint8Array): void {
    this.#inner
      .write(bytes)
      .catch((cause: unknown) => this.#end(cause instanceof Error ? cause : new Error(String(cause))));
  }

  #hear(bytes: Uint8Array): void {
    if (this.#over === undefined) this.#onChunk(bytes);
  }

  #unplug(): void {
    this.#end(new Error("unplugged"));
    this.#inner.close().catch(() => {});
  }

  #end(reason: Error): void {
    if (this.#over !== undefined) return;
    this.#over = reason;
    this.#box.forget(this.#out);
    this.#box.forget(this.#in);
    this.#onClose(reason);
  }
}

class RatedFaultyTransport extends FaultyTransport {
  readonly #rated: Transport;

  constructor(inner: Transport, name: string, box: FaultBox) {
    super(inner, name, box);
    this.#rated = inner;
  }

  async setRate(baud: number): Promise<void> {
    await this.#rated.setRate?.(baud);
  }
}
