/** What the appliance tells a miner to do: what came of it is told, and what fails again and again is told once. */
import { errorCode } from "../../base/error.ts";
import { AxeosError } from "../../device/axeos/errors.ts";
import type { RequestOptions } from "../../device/device.ts";
import type { MinerClient } from "./miner-client.ts";
import type { MinerAction } from "./watched-miner.ts";

/** `unsupported`: its firmware knows no such thing. */
export type OrderOutcome = "done" | "unsupported" | "failed";

export interface OrderOptions {
  readonly orders: NonNullable<MinerClient["orders"]>;
  readonly miner: () => Pick<MinerAction, "miner" | "simulated">;
  readonly onAction: (action: MinerAction) => void;
  /** Counts an error by its code. */
  readonly count: (code: string) => void;
}

export class MinerOrders {
  readonly #options: OrderOptions;
  /** Action → how the last one failed. */
  readonly #failures = new Map<MinerAction["action"], string>();

  constructor(options: OrderOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async give(action: MinerAction["action"], how: RequestOptions): Promise<OrderOutcome> {
    const failure = await this.#options.orders[action](how).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    this.#report(action, failure === undefined ? null : errorCode(failure.error));
    if (failure === undefined) return "done";
    return failure.error instanceof AxeosError && failure.error.status === 404 ? "unsupported" : "failed";
  }

  #report(action: MinerAction["action"], code: string | null): void {
    const told = code !== null && this.#failures.get(action) === code;
    if (code === null) this.#failures.delete(action);
    else this.#failures.set(action, code);
    if (told) return;
    const { miner, onAction, count } = this.#options;
    if (code !== null) count(code);
    onAction({ kind: "miner-action", ...miner(), action, ok: code === null, code, intendedUse: "research-only" });
  }
}
