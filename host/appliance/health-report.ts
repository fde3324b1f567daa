/** Gathers what every part says of itself into status, info and health, and raises alarms. */
import { randomBytes, randomUUID } from "node:crypto";
import { errorCode } from "../base/error.ts";
import type { Config } from "../config/schema.ts";
import type { DeviceHealth } from "../device/device.ts";
import type { LinkState } from "../device/device-link.ts";
import { type AlarmDevice, type AlarmSet, nextAlarms } from "../health/alarms.ts";
import { clockSynced, machineFigures, ProcessMeter } from "../health/machine.ts";
import type { Inbox } from "../ingest/inbox.ts";
import type { MqttState } from "../mqtt/client.ts";
import { makeMessage } from "../mqtt/envelope.ts";
import type { EventData, HealthData, InfoData } from "../mqtt/messages.ts";
import type { Identity, Kind } from "../mqtt/topics.ts";
import type { DigestChecker } from "../pipeline/checker.ts";
import type { Rasteriser } from "../raster/rasteriser.ts";
import type { Cache } from "../store/cache.ts";
import type { ResultStore } from "../store/results.ts";
import type { OutboxMessage } from "../store/schema.ts";
import type { ConfiguredDevice } from "./device.ts";
import type { ModelSlot } from "./model-slot.ts";

/** Below this the disk alarm is raised. */
const DISK_LOW_BYTES = 512 * 1024 * 1024;
/** Error codes that are counted; a code is a word of ours, so they are few. */
const CODES_MAX = 256;
const RESEARCH = "research-only" as const;

export interface HealthParts {
  readonly config: Config;
  readonly version: string;
  readonly identity: Identity;
  readonly device: ConfiguredDevice;
  readonly model: ModelSlot;
  readonly rasteriser: Rasteriser;
  readonly inbox: Inbox;
  readonly checker: DigestChecker;
  readonly store: ResultStore;
  readonly cache: Cache;
  mqtt(): MqttState | undefined;
  /** Error code of the last attempt to publish from the outbox; null once one has succeeded. */
  publishing(): string | null;
  publish(message: OutboxMessage): Promise<void>;
  event(data: EventData): void;
}

export class HealthReport {
  readonly #parts: HealthParts;
  readonly #meter = new ProcessMeter();
  readonly #bootId = randomBytes(8).toString("hex");
  readonly #startedUtcMs = Date.now();
  readonly #errors = new Map<string, number>();
  readonly #since = new Map<string, { readonly state: string; readonly sinceUtcMs: number }>();
  #alarms: AlarmSet = new Map();
  #mismatched = false;
  #stopped = false;
  #latest: HealthData | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: HealthParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#meter.start();
    this.#timer = setInterval(() => this.#soon(), this.#parts.config.mqtt.healthIntervalS * 1000);
    this.#soon();
  }

  /** Takes no further look: the parts that it would look at are being closed. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#meter.stop();
  }

  /** Counts an error by its code. */
  count(code: string): void {
    if (this.#errors.has(code) || this.#errors.size < CODES_MAX) {
      this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
    }
  }

  digestsMismatched(): void {
    this.#mismatched = true;
    this.#soon();
  }

  deviceChanged(state: LinkState): void {
    if ("error" in state) this.count(errorCode(state.error));
    if (state.kind !== "connecting" && state.kind !== "stopped") this.#soon();
    // A new connection is a new chance: the next comparison judges it.
    if (state.kind === "ready") this.#mismatched = false;
  }

  /** The retained status message. */
  status(state: "online" | "stopped" | "offline"): OutboxMessage {
    return this.#message("status", { state, bootId: this.#bootId, intendedUse: RESEARCH });
  }

  /** What follows `online` at every connect. */
  announcement(): readonly OutboxMessage[] {
    const info = this.#message("info", this.#info());
    return this.#latest === undefined ? [info] : [info, this.#message("health", this.#latest)];
  }

  /** One look at a time; a look that is asked for during another one follows it. */
  #soon(): void {
    if (this.#stopped) return;
    this.#running = this.#running.then(() => this.#look()).catch((error: unknown) => this.count(errorCode(error)));
  }

  async #look(): Promise<void> {
    const readings = await this.#parts.device.readings();
    const machine = await machineFigures(this.#parts.config.dataDir);
    const { alarms, changes } = nextAlarms(this.#alarms, this.#conditions(machine), Date.now(), this.#device());
    this.#alarms = alarms;
    for (const change of changes) this.#parts.event({ kind: "alarm", ...change, intendedUse: RESEARCH });
    this.#latest = this.#compose(readings, machine);
    // Health is what is true now: when the broker is away it is not kept for later.
    await this.#parts.publish(this.#message("health", this.#latest)).catch(() => {});
  }

  #conditions(machine: HealthData["machine"]): Parameters<typeof nextAlarms>[1] {
    const { device, model, store, inbox } = this.#parts;
    const { rows, bytes, maxRows, maxBytes } = store.outbox;
    const mqtt = this.#parts.mqtt()?.state;
    const link = device.settled.kind;
    const power = machine.throttled?.some((name) => !name.endsWith("-since-boot"));
    return {
      // Between two states is no news: an alarm stays as it was while a connection is being tried.
      ...(mqtt === "online" || mqtt === "offline" ? { BROKER_AWAY: mqtt === "offline" } : {}),
      DEVICE_ABSENT: link === "absent" || link === "failed" || link === "resting",
      DEVICE_DISTRUSTED: link === "distrusted",
      CLOCK_UNSYNCED: clockSynced() === false,
      DIGEST_MISMATCH: this.#mismatched,
      DISK_LOW: machine.diskFreeBytes !== undefined && machine.diskFreeBytes < DISK_LOW_BYTES,
      INBOX_UNUSABLE: inbox.trouble !== null,
      MODEL_UNAVAILABLE: model.state.state === "failed",
      OUTBOX_HIGH: rows > maxRows / 2 || bytes > maxBytes / 2,
      ...(power === undefined ? {} : { POWER: power }),
    };
  }

  #compose(readings: DeviceHealth | undefined, machine: HealthData["machine"]): HealthData {
    const { device, model, rasteriser, inbox, checker, store, cache } = this.#parts;
    const mqtt = this.#parts.mqtt();
    const present = device.present();
    const { inFlight, waiting } = inbox.counts;
    const link = device.state;
    const last = device.settled;
    const linkError = "error" in last ? errorCode(last.error) : null;
    const known = this.#device();
    return {
      state: this.#alarms.size === 0 ? "ok" : "degraded",
      alarms: [...this.#alarms.keys()].sort(),
      process: this.#meter.read(),
      machine,
      clock: { synced: clockSynced() },
      parts: {
        model: this.#part("model", model.state.state, model.state.lastErrorCode),
        decoder: this.#part("decoder", rasteriser.state.pid === undefined ? "idle" : "ready", null),
        device: this.#part("device", link.kind, linkError),
        broker: this.#part("broker", mqtt?.state ?? "stopped", mqtt?.lastErrorCode ?? null),
        outbox: this.#part("outbox", store.outbox.rows === 0 ? "empty" : "waiting", this.#parts.publishing()),
      },
      device: {
        kind: present?.kind ?? "none",
        state: link.kind,
        ...(known === undefined ? {} : { id: known.id }),
        simulated: known?.simulated ?? false,
        readings: { ...readings },
        ...(link.kind === "none" ? {} : { recovery: device.recovery }),
      },
      miners: [],
      sealing: { state: "none", waiting: 0, working: 0, seals: 0, sealedResults: 0, head: "0".repeat(64) },
      mqtt: {
        state: mqtt?.state ?? "stopped",
        protocolVersion: mqtt?.protocolVersion ?? null,
        connects: mqtt?.connects ?? 0,
        lastErrorCode: mqtt?.lastErrorCode ?? null,
      },
      outbox: store.outbox,
      queues: { inbox: waiting, inFlight, checks: checker.queued },
      cache: cache.stats,
      inference: { restarts: Math.max(0, model.state.starts - 1) },
      errors: Object.fromEntries(this.#errors),
      intendedUse: RESEARCH,
    };
  }

  /** The device that is there, or was there last. */
  #device(): AlarmDevice | undefined {
    const { known } = this.#parts.device;
    return known === undefined ? undefined : { id: known.id, simulated: known.simulated };
  }

  #part(name: string, state: string, lastErrorCode: string | null): HealthData["parts"][string] {
    const known = this.#since.get(name);
    const entry = known?.state === state ? known : { state, sinceUtcMs: Date.now() };
    this.#since.set(name, entry);
    return { ...entry, lastErrorCode };
  }

  #info(): InfoData {
    const { identity, version, device, model } = this.#parts;
    const on = device.current();
    const present = device.present();
    return {
      ...identity,
      bootId: this.#bootId,
      startedUtcMs: this.#startedUtcMs,
      version,
      runtime: { node: process.version, platform: process.platform, arch: process.arch },
      model: model.described,
      device:
        on === undefined || present === undefined
          ? null
          : { kind: present.kind, simulated: present.simulated, id: on.info.id, firmware: on.info.firmware },
      publicKey: null,
      intendedUse: RESEARCH,
    };
  }

  #message<K extends Kind>(kind: K, data: Parameters<typeof makeMessage<K>>[3]): OutboxMessage {
    return makeMessage(this.#parts.identity, kind, { id: randomUUID(), utcMs: Date.now() }, data);
  }
}
