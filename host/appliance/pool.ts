/** The configured Stratum pool: listens as soon as it can, and goes on trying where it cannot. */
import { randomBytes } from "node:crypto";
import { errorCode } from "../base/error.ts";
import type { Config } from "../config/schema.ts";
import { type Clock, systemClock } from "../device/clock.ts";
import { admitListed } from "../device/stratum/admission.ts";
import type { BridgeEvent, BridgeView } from "../device/stratum/bridge.ts";
import { StratumError } from "../device/stratum/errors.ts";
import { StratumDevice } from "../device/stratum/stratum-device.ts";
import type { PresentDevice } from "../pipeline/ports.ts";
import type { Changes } from "./changes.ts";
import { type Endpoint, parseEndpoint } from "./endpoint.ts";

/** The address may belong to a network that is not up yet. */
const RETRY_MS = 10_000;

export interface PoolOptions {
  readonly config: Config["device"]["stratum"];
  /** Told of miners that came or went, and when it begins to listen. */
  readonly changes: Changes;
  readonly clock?: Clock;
  /** Miners that come and go. */
  readonly onEvent?: (event: BridgeEvent) => void;
  /** Once for each reason why it does not listen, and once it does. */
  readonly onState?: (state: Pool["state"], error: unknown) => void;
}

export class Pool {
  readonly #options: PoolOptions;
  readonly #clock: Clock;
  #device: StratumDevice | undefined;
  #opening: Promise<void> | undefined;
  #lastErrorCode: string | null = null;
  #stopped = true;
  #cancelRetry: () => void = () => {};

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get configured(): boolean {
    return this.#options.config.listen !== null;
  }

  get state(): "none" | "listening" | "failed" {
    if (!this.configured) return "none";
    return this.#device === undefined ? "failed" : "listening";
  }

  get lastErrorCode(): string | null {
    return this.#lastErrorCode;
  }

  /** What searches work proofs; undefined while it does not listen. */
  get device(): StratumDevice | undefined {
    return this.#device;
  }

  view(): BridgeView | undefined {
    return this.#device?.view();
  }

  /** The miners that are there, as one device; simulated only while no real one is. */
  present(): PresentDevice | undefined {
    const device = this.#device;
    if (device === undefined || !device.present) return undefined;
    return { kind: "stratum", simulated: device.info.simulated, canHash: false };
  }

  /** Listens, or tries again later: an address that is taken stops nothing. */
  async start(): Promise<void> {
    if (!this.configured) return;
    this.#stopped = false;
    await this.#open();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry();
    await this.#opening;
    await this.#device?.close();
    this.#device = undefined;
  }

  #open(): Promise<void> {
    this.#opening = this.#listen().then(
      (device) => {
        this.#device = device;
        this.#noted(null);
        this.#options.changes.tell();
      },
      (error: unknown) => {
        this.#noted(error);
        if (!this.#stopped) this.#cancelRetry = this.#clock.after(RETRY_MS, () => void this.#open());
      },
    );
    return this.#opening;
  }

  #listen(): Promise<StratumDevice> {
    const { listen, workers, simulatedWorkers } = this.#options.config;
    return StratumDevice.listen({
      ...endpointOf(listen),
      admit: admitListed({ workers, simulated: simulatedWorkers }),
      clock: this.#clock,
      utcMs: Date.now,
      random: randomBytes,
      onEvent: (event) => {
        this.#options.onEvent?.(event);
        this.#options.changes.tell();
      },
    });
  }

  #noted(error: unknown): void {
    const code = error === null ? null : errorCode(error);
    const news = code !== this.#lastErrorCode || error === null;
    this.#lastErrorCode = code;
    if (news) this.#options.onState?.(this.state, error);
  }
}

/** @throws StratumError STRATUM_OPTION */
function endpointOf(listen: string | null): Endpoint {
  const endpoint = listen === null ? undefined : parseEndpoint(listen, 0);
  if (endpoint === undefined) throw new StratumError("STRATUM_OPTION", `device.stratum.listen is ${listen}`);
  return endpoint;
}
