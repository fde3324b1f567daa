/** Gathers what every part says of itself into status, info and health, and raises alarms. */
import { randomBytes, randomUUID } from "node:crypto";
import { errorCode } from "../base/error.ts";
import type { DeviceHealth } from "../device/device.ts";
import type { LinkState } from "../device/device-link.ts";
import { type AlarmCode, type AlarmSet, type AlarmSubject, APPLIANCE_ALARMS, nextAlarms } from "../health/alarms.ts";
import { EnergyMeter, type WorkingPower } from "../health/energy.ts";
import { machineFigures, ProcessMeter } from "../health/machine.ts";
import { makeMessage } from "../mqtt/envelope.ts";
import type { HealthData, InfoData } from "../mqtt/messages.ts";
import type { Kind } from "../mqtt/topics.ts";
import type { OutboxMessage } from "../store/schema.ts";
import { conditionsOf } from "./health-conditions.ts";
import { composeHealth } from "./health-message.ts";
import type { HealthParts } from "./health-parts.ts";
import type { MinerAlarmChange } from "./miners/watched-miner.ts";
import type { SealedBatch } from "./sealing/seal-batch.ts";

/** Error codes that are counted; a code is a word of ours, so they are few. */
const CODES_MAX = 256;
/** A device's power that was read longer ago says nothing about now. */
const FRESH_INTERVALS = 3;
const RESEARCH = "research-only" as const;

export class HealthReport {
  readonly #parts: HealthParts;
  readonly #meter = new ProcessMeter();
  readonly #energy = new EnergyMeter();
  readonly #bootId = randomBytes(8).toString("hex");
  readonly #startedUtcMs = Date.now();
  readonly #errors = new Map<string, number>();
  #alarms: AlarmSet<AlarmCode> = new Map();
  #mismatched = false;
  #stopped = false;
  #latest: HealthData | undefined;
  /** The info that the broker has, as text. */
  #told = "";
  #readings: { readonly of: DeviceHealth | undefined; readonly id: string | undefined; readonly atMs: number } = {
    of: undefined,
    id: undefined,
    atMs: 0,
  };
  #timer: NodeJS.Timeout | undefined;
  #asked = false;
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

  /** The last health message; undefined before the first. */
  get latest(): HealthData | undefined {
    return this.#latest;
  }

  /** Counts an error by its code. */
  count(code: string, times = 1): void {
    if (this.#errors.has(code) || this.#errors.size < CODES_MAX) {
      this.#errors.set(code, (this.#errors.get(code) ?? 0) + times);
    }
  }

  /** Something changed that cannot wait for the next look. */
  look(): void {
    this.#soon();
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

  /** An alarm of a miner was raised or cleared. */
  minerAlarm(change: MinerAlarmChange): void {
    this.#parts.event({ kind: "alarm", ...change, intendedUse: RESEARCH });
    this.#soon();
  }

  /** Simulated devices stand still for a seal while a real one is there. */
  sealed({ seal, elapsedMs }: SealedBatch): void {
    const { simulated } = seal.device;
    const all = [...this.#devicePower(), ...this.#parts.miners.power()];
    this.#energy.sealed(
      all.filter((power) => simulated || !power.simulated),
      elapsedMs,
    );
  }

  /** The retained status message. */
  status(state: "online" | "stopped" | "offline"): OutboxMessage {
    return this.#message("status", { state, bootId: this.#bootId, intendedUse: RESEARCH });
  }

  /** What follows `online` at every connect. */
  announcement(): readonly OutboxMessage[] {
    const data = this.#info();
    this.#told = JSON.stringify(data);
    const info = this.#message("info", data);
    return this.#latest === undefined ? [info] : [info, this.#message("health", this.#latest)];
  }

  /** One look at a time; of those asked for during another one, one follows it. */
  #soon(): void {
    if (this.#stopped || this.#asked) return;
    this.#asked = true;
    this.#running = this.#running
      .then(() => {
        this.#asked = false;
        return this.#look();
      })
      .catch((error: unknown) => this.count(errorCode(error)));
  }

  async #look(): Promise<void> {
    const { device, config } = this.#parts;
    const readings = await device.readings();
    this.#readings = { of: readings, id: device.current()?.info.id, atMs: performance.now() };
    const machine = await machineFigures(config.dataDir);
    if (this.#stopped) return;
    const { alarms, changes } = nextAlarms(APPLIANCE_ALARMS, this.#alarms, {
      conditions: conditionsOf(this.#parts, { machine, mismatched: this.#mismatched }),
      utcMs: Date.now(),
      subject: this.#device(),
    });
    this.#alarms = alarms;
    for (const change of changes) this.#parts.event({ kind: "alarm", ...change, intendedUse: RESEARCH });
    const look = {
      ...{ alarms: alarms.keys(), process: this.#meter.read(), machine, readings },
      ...{ energy: this.#energy.mean, errors: this.#errors },
    };
    this.#latest = composeHealth(this.#parts, look);
    await this.#tellInfo();
    // Health is what is true now: when the broker is away it is not kept for later.
    await this.#parts.publish(this.#message("health", this.#latest)).catch(() => {});
  }

  /** It is retained: what came or went since the broker was told of it, such as the model, would never be known. */
  async #tellInfo(): Promise<void> {
    const data = this.#info();
    const text = JSON.stringify(data);
    if (text === this.#told) return;
    const told = await this.#parts.publish(this.#message("info", data)).then(
      () => true,
      () => false,
    );
    if (told) this.#told = text;
  }

  /** The device that is there, or was there last. */
  #device(): AlarmSubject | undefined {
    const { known } = this.#parts.device;
    return known === undefined ? undefined : { id: known.id, simulated: known.simulated };
  }

  /** Of the serial device, where it can search. */
  #devicePower(): WorkingPower[] {
    const { device, config } = this.#parts;
    const info = device.current()?.info;
    if (!info?.capabilities.has("work")) return [];
    const { of, id, atMs } = this.#readings;
    const fresh = performance.now() - atMs <= FRESH_INTERVALS * config.mqtt.healthIntervalS * 1000;
    return [{ powerW: fresh && id === info.id ? (of?.powerW ?? null) : null, simulated: info.simulated }];
  }

  #info(): InfoData {
    const { identity, version, device, model, sealing } = this.#parts;
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
      publicKey: sealing.publicKey,
      intendedUse: RESEARCH,
    };
  }

  #message<K extends Kind>(kind: K, data: Parameters<typeof makeMessage<K>>[3]): OutboxMessage {
    return makeMessage(this.#parts.identity, kind, { id: randomUUID(), utcMs: Date.now() }, data);
  }
}
