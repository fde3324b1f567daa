/** What the parts tell, as log lines and events. No log line names a reference: it may be a patient's. */
import { errorCode, errorMessage } from "../base/error.ts";
import type { LinkState } from "../device/device-link.ts";
import type { BridgeEvent } from "../device/stratum/bridge.ts";
import type { Refusal } from "../ingest/inbox.ts";
import type { MqttState } from "../mqtt/client.ts";
import type { EventData } from "../mqtt/messages.ts";
import type { CheckReport } from "../pipeline/checker.ts";
import type { Outcome } from "../pipeline/pipeline.ts";
import type { Continuation } from "../store/numbers.ts";
import type { SalvageReport } from "../store/rescue.ts";
import type { WaitingMessage } from "../store/schema.ts";
import type { Removed } from "./housekeeper.ts";
import type { SelfCheckReport } from "./known-answer.ts";
import type { MinerAction, MinerAlarmChange } from "./miners/watched-miner.ts";
import type { Pool } from "./pool.ts";
import type { SealedBatch } from "./sealing/seal-batch.ts";
import type { SealingEvent } from "./sealing/sealing.ts";

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface Hearers {
  readonly log: Log;
  /** Into the outbox. @param id of the message, where it is known before */
  readonly event: (data: EventData, utcMs: number, id?: string) => Promise<void>;
  /** Counts an error by its code. @param times default 1 */
  readonly count: (code: string, times?: number) => void;
}

const RESEARCH = "research-only" as const;
const MESSAGE_MAX = 500;

export class Happenings {
  readonly #log: Log;
  readonly #hearers: Hearers;
  #deviceState: LinkState["kind"] = "stopped";
  #sealingErrorCode: string | null = null;

  constructor(hearers: Hearers) {
    this.#hearers = hearers;
    this.#log = hearers.log;
  }

  /** Durable before it is published; one that finds no room is counted. */
  event(data: EventData): void {
    this.#hearers.event(data, Date.now()).catch((error: unknown) => {
      this.#hearers.count(errorCode(error));
      this.#log.error({ part: "store", code: errorCode(error) }, `an event was not recorded: ${errorMessage(error)}`);
    });
  }

  processed(outcome: Outcome): void {
    if (outcome.kind === "result") {
      const { resultId, sequence, cached, timingMs } = outcome.data;
      this.#log.info({ part: "pipeline", resultId, sequence, cached, ms: timingMs.total }, "result");
    }
    // The pipeline knows bytes, not names: its messages may be logged.
    if (outcome.kind === "unavailable") this.#log.warn({ part: "pipeline", code: outcome.code }, outcome.message);
  }

  /** Durable when it resolves; told twice of one file, it has the same id. @throws StoreError; OutboxError OUTBOX_FULL */
  async refused({ id, reference, fileDigest, code, message }: Refusal): Promise<void> {
    const data: EventData = {
      ...{ kind: "ingest-refused", reference, fileDigest, code },
      ...{ message: message.slice(0, MESSAGE_MAX), intendedUse: RESEARCH },
    };
    await this.#hearers.event(data, Date.now(), `refused-${id}`);
    this.#hearers.count(code);
    this.#log.warn({ part: "ingest", code, fileDigest }, "an image was refused");
  }

  duplicate(): void {
    const code = "INGEST_DUPLICATE";
    this.#hearers.count(code);
    this.#log.info({ part: "ingest", code }, "an image was skipped: its bytes have a result already");
  }

  delayed(code: string): void {
    this.#hearers.count(code);
    this.#log.warn({ part: "ingest", code }, "an image waits for another try");
  }

  /** Once a state: a device that stays away is looked for every half minute. */
  deviceChanged(state: LinkState): void {
    if (state.kind === this.#deviceState || state.kind === "connecting") return;
    this.#deviceState = state.kind;
    const fields = { part: "device", state: state.kind };
    if (state.kind === "ready") {
      const { id, firmware, simulated } = state.device.info;
      this.#log.info({ ...fields, id, firmware, simulated }, "the device is there");
    } else if (state.kind !== "stopped") {
      this.#log.warn({ ...fields, ...state.recovery, code: errorCode(state.error) }, errorMessage(state.error));
    }
  }

  deviceSaid(text: string): void {
    this.#log.debug({ part: "device", text }, "the device's log");
  }

  checked(report: CheckReport): void {
    if (report.code !== null) this.#hearers.count(report.code);
    const { resultId, outcome, checked, mismatches, code } = report;
    this.#log.info({ part: "device", resultId, outcome, checked, mismatches, code }, "digest check");
    this.event({ kind: "digest-check", ok: outcome === "matched", ...report, intendedUse: RESEARCH });
  }

  minerMoved(event: BridgeEvent): void {
    const { name, simulated, client } = event.worker;
    const fields = { part: "pool", worker: name, simulated, client, address: event.address };
    if (event.kind === "joined") this.#log.info(fields, "a miner joined the pool");
    else this.#log.info({ ...fields, reason: event.reason }, "a miner left the pool");
  }

  minerAlarm(change: MinerAlarmChange): void {
    const { code, raised, message } = change;
    this.#log[raised ? "warn" : "info"]({ part: "miners", code, raised, ...change.device }, message);
  }

  minerAction(action: MinerAction): void {
    const { miner, action: what, ok, code } = action;
    this.#log[ok ? "info" : "warn"]({ part: "miners", miner, action: what, code }, "something was done to a miner");
    this.event(action);
  }

  /** Names of models are a door: for trying out. */
  simulatedAdmitted(names: readonly string[]): void {
    this.#log.warn(
      { part: "pool", simulatedWorkers: names },
      "miners under these names seal real results as simulated",
    );
  }

  poolChanged(state: Pool["state"], error: unknown): void {
    if (error === null) this.#log.info({ part: "pool", state }, "the pool listens");
    else this.#log.warn({ part: "pool", state, code: errorCode(error) }, errorMessage(error));
  }

  /** Why sealing failed last; null once a batch has been sealed since. */
  get sealingErrorCode(): string | null {
    return this.#sealingErrorCode;
  }

  sealed({ seal, elapsedMs }: SealedBatch): void {
    this.#sealingErrorCode = null;
    const { sealedValue, size, device, difficulty, workVerified } = seal;
    const fields = { sealedValue, size, device, difficulty, workVerified, ms: Math.round(elapsedMs) };
    this.#log.info({ part: "seal", ...fields }, "sealed");
  }

  unsealed(event: SealingEvent): void {
    const { kind, ...fields } = event;
    this.#log.warn({ part: "seal", why: kind, ...fields }, "results wait for their seal");
    if (event.kind === "late") this.event({ ...event, kind: "seal-late", intendedUse: RESEARCH });
    else this.event({ ...event, kind: "seal-no-device", intendedUse: RESEARCH });
  }

  keptRemoved(files: number): void {
    this.#log.info({ part: "ingest", files }, "kept files were removed by the limits of ingest");
  }

  /** Counted, so that health tells it too. */
  restored({ from, to }: Continuation): void {
    const code = "STORE_LEAP";
    this.#hearers.count(code);
    this.#log.warn({ part: "store", code, from, to }, "another store stands in the place of the latest: numbers leap");
  }

  /** Counted, so that health tells it too. Subscribers hear of it by the event that the new store was made with. */
  salvaged(report: SalvageReport): void {
    const code = "STORE_DAMAGED";
    this.#hearers.count(code);
    this.#log.error(
      { part: "store", code, ...report },
      "the store was damaged: it is set aside, and what could be read was saved",
    );
  }

  /** Counted, so that health tells it too. */
  siteKeyChanged(from: string, to: string): void {
    const code = "VAULT_SITE_KEY_CHANGED";
    this.#hearers.count(code);
    this.#log.warn({ part: "privacy", code, from, to }, "references leave under other pseudonyms than before");
  }

  /** A kept file that its upkeep could not read or remove. What it lies under may name somebody: the id does not. */
  keptFailed(code: string, id: string): void {
    this.#hearers.count(code);
    this.#log.warn({ part: "ingest", code, id }, "a kept file could not be looked after");
  }

  /** By the retention policy. */
  removed({ events, results }: Removed): void {
    if (events > 0) this.#hearers.count("OUTBOX_AGED", events);
    this.#log.info({ part: "store", events, results }, "removed by the retention policy");
  }

  /** A part that the appliance can do without. */
  failed(part: string, error: unknown): void {
    this.#hearers.count(errorCode(error));
    this.#log.error({ part, code: errorCode(error) }, errorMessage(error));
  }

  /** What failed; a check that passed is what everybody expects. */
  selfchecked({ ok, checks }: SelfCheckReport): void {
    for (const { name, code, durationMs } of checks.filter((check) => !check.ok)) {
      if (code !== null) this.#hearers.count(code);
      this.#log.error({ part: "selfcheck", check: name, code, ms: durationMs }, "the check by a known answer failed");
    }
    if (ok)
      this.#log.debug({ part: "selfcheck", checks: checks.map(({ name }) => name) }, "the known answer was given");
  }

  clockStepped(byMs: number): void {
    this.#log.warn({ part: "clock", byMs }, "the clock was set");
    this.event({ kind: "clock-step", byMs, intendedUse: RESEARCH });
  }

  /** Parts that a clean stop did not wait for any longer. */
  late(parts: readonly string[]): void {
    this.#log.error({ part: "appliance", late: parts }, "some parts did not stop in time");
  }

  sealingFailed(code: string, message: string): void {
    this.#sealingErrorCode = code;
    this.#hearers.count(code);
    this.#log.warn({ part: "seal", code }, message);
  }

  brokerChanged({ state, refused, lastErrorCode, lastErrorMessage }: MqttState, broker: string): void {
    const fields = { part: "mqtt", state, code: lastErrorCode, broker };
    if (state === "offline") this.#log.warn(fields, lastErrorMessage ?? "the broker is away");
    if (state === "online") this.#log.info(fields, "connected to the broker");
    if (state === "online" && refused.length > 0) this.#log.warn({ ...fields, refused }, "the broker refuses topics");
  }

  /** A message about a message that is about a message would have no end: events are only counted. */
  parked({ messageId, topic, payloadBytes: bytes }: WaitingMessage, code: string): void {
    this.#hearers.count(code);
    const kind = topic.split("/").at(-1) ?? "";
    this.#log.error({ part: "outbox", code, messageId, kind, bytes }, "a message can never be delivered: set aside");
    if (kind !== "event") this.event({ kind: "outbox-parked", messageId, code, bytes, intendedUse: RESEARCH });
  }

  commandRefused(code: string, message: string, times: number): void {
    this.#log.warn({ part: "commands", code, times }, message);
  }
}
