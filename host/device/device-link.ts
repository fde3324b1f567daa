/** Keeps one device connected: connects, watches, reconnects, and never throws into the caller. */
import { CodedError, errorMessage } from "../base/error.ts";
import type { Clock } from "./clock.ts";
import type { Device, LiveDevice } from "./device.ts";

export type LinkState =
  /** Nothing is there; it is looked for again at `retryInMs` from when this state began. */
  | { readonly kind: "absent"; readonly error: Error; readonly retryInMs: number }
  | { readonly kind: "connecting" }
  | { readonly kind: "ready"; readonly device: Device }
  /** Something is there but does not serve, or the connection was lost. */
  | { readonly kind: "failed"; readonly error: Error; readonly retryInMs: number }
  | { readonly kind: "stopped" };

export interface DeviceLinkOptions {
  /** Makes a connection; called again after each that ended. The signal says that nobody waits for it any more. */
  readonly connect: (signal: AbortSignal) => Promise<LiveDevice>;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly onChange?: (state: LinkState) => void;
  /** Between two signs of life, in ms; default 3,000. */
  readonly heartbeatMs?: number;
  /** The first wait before connecting again, in ms; default 500. Doubled at each failure. */
  readonly backoffMs?: number;
  /** The longest wait, in ms; default 30,000. */
  readonly backoffMaxMs?: number;
}

const HEARTBEAT_DEADLINE_MS = 5000;

export class DeviceLink {
  readonly #options: DeviceLinkOptions;
  #state: LinkState = { kind: "stopped" };
  #started = false;
  #failures = 0;
  #cancelTimer: (() => void) | undefined;
  #connecting: Promise<void> | undefined;
  #giveUp = new AbortController();
  #device: LiveDevice | undefined;

  constructor(options: DeviceLinkOptions) {
    this.#options = options;
  }

  get #heartbeatMs(): number {
    return this.#options.heartbeatMs ?? 3000;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The device, while there is one. */
  current(): Device | undefined {
    return this.#device;
  }

  /** Starts to connect and returns at once. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#giveUp = new AbortController();
    this.#connect();
  }

  /** Ends the connection and looks for none again. Idempotent, never throws. */
  async stop(): Promise<void> {
    this.#started = false;
    this.#cancelTimer?.();
    this.#giveUp.abort();
    await this.#connecting;
    const device = this.#device;
    this.#device = undefined;
    this.#enter({ kind: "stopped" });
    await device?.close();
  }

  #connect(): void {
    this.#enter({ kind: "connecting" });
    this.#connecting = this.#options
      .connect(this.#giveUp.signal)
      .then((device) => this.#connected(device))
      .catch((error: unknown) => this.#lost(error));
  }

  async #connected(device: LiveDevice): Promise<void> {
    if (!this.#started) return device.close();
    this.#device = device;
    this.#enter({ kind: "ready", device });
    device.onGone((reason) => {
      if (this.#device === device) this.#lost(reason);
    });
    this.#beatLater(device);
  }

  #beatLater(device: LiveDevice): void {
    if (this.#device !== device) return;
    this.#cancelTimer = this.#options.clock.after(this.#heartbeatMs, () => void this.#beat(device));
  }

  /** A silent device is dropped: a fresh connection often cures what ails it. */
  async #beat(device: LiveDevice): Promise<void> {
    // Any answer is a sign of life: behind a long batch on a slow line a PING would wait past its deadline.
    if (this.#options.clock.nowMs() - device.heardAtMs < this.#heartbeatMs) {
      this.#beatLater(device);
      return;
    }
    try {
      await device.ping({ deadlineMs: HEARTBEAT_DEADLINE_MS });
      this.#failures = 0;
      this.#beatLater(device);
    } catch (error) {
      if (this.#device !== device) return;
      this.#lost(error);
      await device.close();
    }
  }

  #lost(cause: unknown): void {
    this.#device = undefined;
    this.#cancelTimer?.();
    if (!this.#started) return;
    const error = cause instanceof Error ? cause : new Error(errorMessage(cause));
    const absent = error instanceof CodedError && error.code === "DEVICE_ABSENT";
    const retryInMs = this.#backoffMs();
    this.#enter({ kind: absent ? "absent" : "failed", error, retryInMs });
    this.#cancelTimer = this.#options.clock.after(retryInMs, () => this.#connect());
  }

  /** Between half and all of the doubled wait, so that several appliances do not knock in step. */
  #backoffMs(): number {
    const { backoffMs = 500, backoffMaxMs = 30_000, random } = this.#options;
    const fullMs = Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return Math.round(fullMs * (0.5 + random() / 2));
  }

  #enter(state: LinkState): void {
    if (this.#state.kind === "stopped" && state.kind === "stopped") return;
    this.#state = state;
    try {
      this.#options.onChange?.(state);
    } catch {
      // A listener's defect must not stop the link; the listener's owner sees to its own errors.
    }
  }
}
