/** Keeps one device connected: connects, watches, recovers, and never throws into the caller. */
import { errorCode, errorMessage } from "../base/error.ts";
import type { Clock } from "./clock.ts";
import type { Device, LiveDevice } from "./device.ts";
import { DistrustList } from "./distrust.ts";
import { DeviceError } from "./errors.ts";
import { Heartbeat } from "./heartbeat.ts";
import { type PlugPorts, PlugWatch } from "./plug-watch.ts";
import { type Recovery, RecoveryLadder, type RecoveryLimits, type Trouble } from "./recovery.ts";

interface Waiting {
  readonly error: Error;
  /** It is tried again this long after the state began, or when something is plugged. */
  readonly retryInMs: number;
  readonly recovery: Recovery;
}

export type LinkState =
  /** Nothing is there. */
  | ({ readonly kind: "absent" } & Waiting)
  | { readonly kind: "connecting" }
  | { readonly kind: "ready"; readonly device: Device }
  /** Something is there but does not serve, or the connection was lost. */
  | ({ readonly kind: "failed" } & Waiting)
  /** Nothing helped: the device is left alone for a while. */
  | ({ readonly kind: "resting" } & Waiting)
  /** The device lied and is not used; another one in its place would be. */
  | ({ readonly kind: "distrusted" } & Waiting)
  | { readonly kind: "stopped" };

/** What the link has come to, leaving out that it tries again. */
export type SettledState = Exclude<LinkState, { readonly kind: "connecting" }>;

export interface ConnectAttempt {
  /** Pulse the board's reset line first, where there is one. */
  readonly reset: boolean;
  /** Throws for a device that must not be used. @throws DeviceError DEVICE_DISTRUSTED */
  readonly admit: (id: string) => void;
}

export interface DeviceLinkOptions extends Partial<RecoveryLimits> {
  /** Makes a connection; called again after each that ended. The signal says that nobody waits for it any more. */
  readonly connect: (signal: AbortSignal, attempt: ConnectAttempt) => Promise<LiveDevice>;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly onChange?: (state: LinkState) => void;
  /** Between two signs of life, in ms; default 3,000. */
  readonly heartbeatMs?: number;
  /** Where the device may be plugged: a wait ends when it is, or another in its place. */
  readonly plugs?: PlugPorts;
}

const HEARTBEAT_MS = 3000;
const RESET_DEADLINE_MS = 1500;
const PLUG_LOOK_MS = 2000;
/** Failed requests in a row of a device that answers its heartbeat. */
const COMPLAINTS_MAX = 3;

export class DeviceLink {
  readonly #options: DeviceLinkOptions;
  readonly #ladder: RecoveryLadder;
  readonly #distrusted = new DistrustList();
  readonly #plugs: PlugWatch | undefined;
  #state: LinkState = { kind: "stopped" };
  #settled: SettledState = { kind: "stopped" };
  #started = false;
  /** Every wait and attempt has its own number: one that was overtaken ends silently. */
  #turn = 0;
  #complaints = 0;
  #cancelTimer: (() => void) | undefined;
  #busy: Promise<void> | undefined;
  #giveUp = new AbortController();
  #device: LiveDevice | undefined;
  #heartbeat: Heartbeat | undefined;
  /** Id of the device that was there last. */
  #lastId: string | undefined;

  constructor(options: DeviceLinkOptions) {
    this.#options = options;
    this.#ladder = new RecoveryLadder(options);
    this.#plugs = options.plugs === undefined ? undefined : new PlugWatch(options.plugs);
  }

  get #nowMs(): number {
    return this.#options.clock.nowMs();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The state before the present attempt to connect, if there is one. */
  get settled(): SettledState {
    return this.#settled;
  }

  /** What is being done to get the device back, and what was. */
  get recovery(): Recovery {
    return this.#ladder.view(this.#nowMs);
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
    this.#plugs?.settle();
    this.#connect(false);
  }

  /** Ends the connection and looks for none again. Idempotent, never throws. */
  async stop(): Promise<void> {
    this.#started = false;
    this.#turn += 1;
    this.#cancelTimer?.();
    this.#heartbeat?.stop();
    this.#giveUp.abort();
    // Taken before anything is waited for: who drops it meanwhile would leave it open.
    const device = this.#device;
    this.#device = undefined;
    await this.#busy;
    this.#enter({ kind: "stopped" });
    await device?.close();
  }

  /**
   * The device gave a wrong answer behind a right checksum. It is dropped and not used again for a day, or until the
   * appliance restarts: unplugging it does not make it sounder. Another device in its place is taken at once.
   *
   * @param id the device's, as HELLO said it
   */
  distrust(id: string, reason: Error): void {
    this.#distrusted.add(id, this.#nowMs);
    const device = this.#device;
    if (device?.info.id === id) this.#drop(device, refusal(id, reason));
  }

  /** A request failed although the device is there: after some in a row it is reset. */
  complain(error: Error): void {
    const device = this.#device;
    if (device === undefined) return;
    this.#complaints += 1;
    this.#ladder.asked(false);
    if (this.#complaints >= COMPLAINTS_MAX) this.#drop(device, error, "sick");
  }

  /** A request was served. */
  praise(): void {
    this.#complaints = 0;
    this.#ladder.asked(true);
  }

  #connect(reset: boolean): void {
    const turn = ++this.#turn;
    this.#enter({ kind: "connecting" });
    const admit = (id: string) => {
      if (this.#distrusted.has(id, this.#nowMs)) throw refusal(id);
    };
    this.#busy = this.#options
      .connect(this.#giveUp.signal, { reset, admit })
      .then((device) => this.#connected(device, turn, admit))
      .catch((error: unknown) => this.#lost(asError(error)));
  }

  async #connected(device: LiveDevice, turn: number, admit: (id: string) => void): Promise<void> {
    if (this.#turn !== turn) return device.close();
    try {
      admit(device.info.id);
    } catch (error) {
      await device.close();
      throw error;
    }
    if (this.#lastId !== undefined && this.#lastId !== device.info.id) this.#ladder.replaced();
    this.#lastId = device.info.id;
    this.#device = device;
    this.#complaints = 0;
    this.#plugs?.settle();
    this.#enter({ kind: "ready", device });
    device.onGone((reason) => {
      if (this.#device === device) this.#lost(reason, undefined, () => device.close().then(() => false));
    });
    if (this.#device === device) this.#lookAfter(device);
  }

  #lookAfter(device: LiveDevice): void {
    const { clock, heartbeatMs = HEARTBEAT_MS } = this.#options;
    const readyAtMs = this.#nowMs;
    this.#heartbeat = new Heartbeat(device, {
      clock,
      everyMs: heartbeatMs,
      alive: () => this.#ladder.stayed(this.#nowMs - readyAtMs),
      silent: (error) => this.#drop(device, asError(error), "silent"),
    });
  }

  /** Ends a connection that still stands, by a reset where the ladder says so. */
  #drop(device: LiveDevice, error: Error, trouble: Trouble = troubleOf(error)): void {
    this.#lost(error, trouble, async (reset) => {
      const done = reset && (await resetByCommand(device));
      await device.close();
      return done;
    });
  }

  /** @param finish closes what is open; tells whether it has reset the device */
  #lost(error: Error, trouble = troubleOf(error), finish: (reset: boolean) => Promise<boolean> = async () => false) {
    this.#device = undefined;
    this.#heartbeat?.stop();
    if (!this.#started) return;
    const { rung, waitMs } = this.#ladder.next(trouble, errorCode(error), this.#nowMs, this.#options.random());
    const distrusted = errorCode(error) === "DEVICE_DISTRUSTED";
    const retryInMs = distrusted ? this.#ladder.restMs : waitMs;
    const waiting = { error, retryInMs, recovery: this.recovery };
    this.#enter({ kind: distrusted ? "distrusted" : kindOf(trouble, rung), ...waiting });
    const turn = ++this.#turn;
    const reset = rung === "reset";
    // Closed before it is opened again: the port is locked until then.
    this.#busy = finish(reset).then((done) => {
      if (this.#turn === turn) void this.#wait(retryInMs, reset && !done);
    });
  }

  async #wait(waitMs: number, reset: boolean): Promise<void> {
    const turn = ++this.#turn;
    const endMs = this.#nowMs + waitMs;
    let plugged = false;
    for (let leftMs = waitMs; leftMs > 0; leftMs = endMs - this.#nowMs) {
      plugged = (await this.#plugs?.news()) === true || plugged;
      if (this.#turn !== turn) return;
      if (plugged && this.#ladder.replugged(this.#nowMs)) break;
      await this.#pause(this.#plugs === undefined ? leftMs : Math.min(leftMs, PLUG_LOOK_MS));
      if (this.#turn !== turn) return;
    }
    this.#connect(reset);
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#cancelTimer = this.#options.clock.after(delayMs, resolve);
    });
  }

  #enter(state: LinkState): void {
    if (this.#state.kind === "stopped" && state.kind === "stopped") return;
    this.#state = state;
    if (state.kind !== "connecting") this.#settled = state;
    try {
      this.#options.onChange?.(state);
    } catch {
      // A listener's defect must not stop the link; the listener's owner sees to its own errors.
    }
  }
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(errorMessage(cause));
}

function refusal(id: string, cause?: Error): DeviceError {
  return new DeviceError("DEVICE_DISTRUSTED", `${id} gave a wrong answer and is not used`, { cause });
}

/** A device that hangs will not hear it; one that is merely confused will. */
async function resetByCommand(device: LiveDevice): Promise<boolean> {
  if (device.reset === undefined || !device.info.capabilities.has("reset")) return false;
  return device.reset({ deadlineMs: RESET_DEADLINE_MS }).then(
    () => true,
    () => false,
  );
}

function troubleOf(error: Error): Trouble {
  switch (errorCode(error)) {
    case "DEVICE_ABSENT":
    case "DEVICE_OTHER":
    case "DEVICE_DISTRUSTED":
      return "absent";
    case "DEVICE_OPEN":
      return "unopened";
    case "DEVICE_NO_HELLO":
    case "DEVICE_BOOTLOADER":
      return "silent";
    default:
      return "lost";
  }
}

function kindOf(trouble: Trouble, rung: Recovery["rung"]): "absent" | "resting" | "failed" {
  if (rung === "rest") return "resting";
  return trouble === "absent" ? "absent" : "failed";
}
