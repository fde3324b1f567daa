/** The composition root: configuration → parts → start and stop. The only place that knows everyone. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { systemClock } from "../device/clock.ts";
import type { Inbox } from "../ingest/inbox.ts";
import type { KeptUpkeep } from "../ingest/kept-upkeep.ts";
import type { CommandHandlers } from "../mqtt/commands.ts";
import { makeSealMessage } from "../mqtt/envelope.ts";
import type { ResultData } from "../mqtt/messages.ts";
import { type Identity, makeIdentity } from "../mqtt/topics.ts";
import { DigestChecker } from "../pipeline/checker.ts";
import type { Outcome } from "../pipeline/pipeline.ts";
import type { ImageRequest } from "../pipeline/request.ts";
import { Cache } from "../store/cache.ts";
import { StoreError } from "../store/errors.ts";
import type { FolderLock } from "../store/lock.ts";
import { openResultStore } from "../store/open-store.ts";
import type { ResultStore } from "../store/results.ts";
import { type Admission, makeAdmission } from "./admission.ts";
import { type ClockKeeper, makeClockKeeper } from "./clock-keeper.ts";
import { makeHandlers } from "./commands/handlers.ts";
import { resultIds } from "./commands/result-ids.ts";
import { takeDataDir } from "./data-dir.ts";
import { Devices } from "./devices.ts";
import { CACHE_FILE, RESULTS_FILE } from "./files.ts";
import { Happenings, type Log } from "./happenings.ts";
import { HealthReport } from "./health-report.ts";
import { type Housekeeper, makeHousekeeper } from "./housekeeper.ts";
import { Images } from "./images.ts";
import { makeKeptUpkeep } from "./kept.ts";
import type { KnownAnswer } from "./known-answer.ts";
import { makeInbox } from "./make-inbox.ts";
import { makeFleet } from "./miners/make-fleet.ts";
import type { MinerFleet } from "./miners/miner-fleet.ts";
import { stagesOf } from "./parts.ts";
import { makeKnownAnswer, makeSelfcheck, metricsPart } from "./proving.ts";
import { Publishing } from "./publishing.ts";
import { Recorder } from "./recorder.ts";
import { makeRescue } from "./rescue.ts";
import { makeSealing } from "./sealing/make-sealing.ts";
import type { Sealing } from "./sealing/sealing.ts";
import { openSecrets, type Secrets } from "./secrets.ts";
import type { Selfcheck } from "./selfcheck.ts";
import { Supervisor } from "./supervisor.ts";

export class Appliance {
  readonly #config: Config;
  readonly #log: Log;
  readonly #happenings: Happenings;
  readonly #identity: Identity;
  readonly #lock: FolderLock;
  readonly #secrets: Secrets;
  readonly #store: ResultStore;
  readonly #admission: Admission;
  readonly #housekeeper: Housekeeper;
  readonly #kept: KeptUpkeep;
  readonly #cache: Cache;
  readonly #recorder: Recorder;
  readonly #devices: Devices;
  readonly #sealing: Sealing;
  readonly #miners: MinerFleet;
  readonly #checker: DigestChecker;
  readonly #images: Images;
  readonly #inbox: Inbox;
  readonly #health: HealthReport;
  readonly #publishing: Publishing;
  readonly #clock: ClockKeeper;
  readonly #known: KnownAnswer;
  readonly #selfcheck: Selfcheck;
  readonly #supervisor: Supervisor;

  /** Opens the store. @throws VaultError, StoreError, CacheError, SealError, MqttError MQTT_NAME */
  constructor(config: Config, about: { readonly version: string; readonly log: Log }) {
    this.#config = config;
    this.#log = about.log;
    this.#identity = makeIdentity(config.site, config.appliance);
    this.#happenings = new Happenings({
      log: about.log,
      event: (data, utcMs, id) => this.#recorder.event(data, utcMs, id),
      count: (code, times) => this.#health.count(code, times),
    });
    this.#lock = takeDataDir(config.dataDir);
    this.#secrets = openSecrets(config, randomBytes);
    const { outboxMaxRows, outboxMaxBytes, cacheMaxBytes } = config.store;
    this.#store = openResultStore({
      rescue: makeRescue(this.#identity),
      path: join(config.dataDir, RESULTS_FILE),
      vault: this.#secrets.vault,
      utcMs: Date.now,
      outboxMaxRows,
      outboxMaxBytes,
      damaged: endForDamage,
    });
    this.#clock = makeClockKeeper((byMs) => this.#happenings.clockStepped(byMs));
    this.#admission = makeAdmission(config, this.#store);
    this.#housekeeper = this.#makeHousekeeper();
    this.#kept = makeKeptUpkeep(config, {
      vault: this.#secrets.vault,
      happenings: this.#happenings,
      timeTrusted: () => this.#clock.trusted,
    });
    this.#cache = new Cache({
      path: join(config.dataDir, CACHE_FILE),
      maxBytes: cacheMaxBytes,
      vault: this.#secrets.vault,
    });
    this.#devices = this.#makeDevices();
    this.#sealing = this.#makeSealing();
    this.#recorder = this.#makeRecorder();
    this.#miners = this.#makeMiners();
    this.#checker = this.#makeChecker();
    this.#images = new Images(config, {
      caches: this.#cache,
      admit: async () => {
        this.#admission.expect();
        await this.#known.expectRight();
      },
      record: (build) => this.#record(build),
      device: () => this.#devices.present(),
      check: (task) => this.#checker.add(task),
      clockSynced: () => this.#clock.synced(),
      seal: this.#sealing.promise,
    });
    this.#inbox = this.#makeInbox();
    this.#publishing = this.#makePublishing(about.version);
    this.#health = this.#makeHealth(about.version);
    this.#known = makeKnownAnswer(config, this.#images, this.#devices.usb);
    this.#selfcheck = this.#makeSelfcheck();
    this.#supervisor = this.#makeSupervisor();
  }

  /** The broker's address; of the embedded one, once started. */
  get brokerUrl(): string {
    return this.#publishing.brokerUrl;
  }

  /** Starts every part. A missing broker, device or model is no error: the appliance runs and says so. */
  async start(): Promise<void> {
    const { listen, simulatedWorkers } = this.#config.device.stratum;
    if (listen !== null && simulatedWorkers.length > 0) this.#happenings.simulatedAdmitted(simulatedWorkers);
    const { continuation } = this.#store;
    if (continuation !== null) this.#happenings.restored(continuation);
    const { salvaged } = this.#store;
    if (salvaged !== null) this.#happenings.salvaged(salvaged);
    await this.#noteSiteKey();
    await this.#supervisor.start();
    this.#log.info({ part: "appliance", broker: this.brokerUrl, inbox: this.#config.ingest.inboxDir }, "started");
  }

  /**
   * Finishes what is under way, says goodbye, closes; within 5 s. What could not be published stays in the outbox.
   *
   * @returns whether every part stopped in time
   */
  async stop(): Promise<boolean> {
    const late = await this.#supervisor.stop();
    if (late.length > 0) this.#happenings.late(late);
    this.#log.info({ part: "appliance" }, "stopped");
    return late.length === 0;
  }

  /** Why no new work comes in; null where it does. */
  #refusal(): string | null {
    return this.#admission.refusal() ?? this.#known.wrong;
  }

  /** What is bound now wants miners that work. */
  async #record(build: (sequence: number) => ResultData): Promise<ResultData> {
    const result = await this.#recorder.record(build);
    this.#miners.wake();
    return result;
  }

  async #process(request: ImageRequest): Promise<Outcome> {
    const outcome = await this.#images.pipeline.process(request);
    this.#happenings.processed(outcome);
    return outcome;
  }

  /** A change is told; where it cannot be noted, nothing else fails for it. */
  async #noteSiteKey(): Promise<void> {
    const { keyId } = this.#secrets.pseudonyms;
    try {
      const before = await this.#store.upkeep.noteSiteKey(keyId);
      if (before !== null) this.#happenings.siteKeyChanged(before, keyId);
    } catch (error) {
      this.#happenings.failed("store", error);
    }
  }

  #makeHousekeeper(): Housekeeper {
    return makeHousekeeper(this.#config, this.#identity, {
      store: this.#store,
      timeTrusted: () => this.#clock.trusted,
      removed: (removed) => this.#happenings.removed(removed),
      failed: (error) => this.#happenings.failed("store", error),
    });
  }

  #makeDevices(): Devices {
    return new Devices(this.#config, {
      onUsb: (state) => {
        this.#health.deviceChanged(state);
        this.#happenings.deviceChanged(state);
      },
      onUsbLog: (text) => this.#happenings.deviceSaid(text),
      onMiner: (event) => this.#happenings.minerMoved(event),
      onPool: (state, error) => this.#happenings.poolChanged(state, error),
      onTrouble: (code, message) => this.#happenings.sealingFailed(code, message),
    });
  }

  #makeSealing(): Sealing {
    return makeSealing(this.#config, this.#devices, {
      store: this.#store,
      messagesOf: (made) => [makeSealMessage(this.#identity, made)],
      onSealed: (sealed) => {
        this.#health.sealed(sealed);
        this.#happenings.sealed(sealed);
      },
      onEvent: (event) => this.#happenings.unsealed(event),
      onTrouble: (code, message) => this.#happenings.sealingFailed(code, message),
    });
  }

  #makeRecorder(): Recorder {
    const { pseudonyms } = this.#secrets;
    const isPlain = this.#config.privacy.reference === "plain";
    return new Recorder({
      store: this.#store,
      identity: this.#identity,
      binder: this.#sealing,
      outward: (reference) => (isPlain ? reference : pseudonyms.of(reference)),
    });
  }

  #makeChecker(): DigestChecker {
    return new DigestChecker({
      device: () => this.#devices.usb.hashing(),
      judged: (device, judgement) => this.#devices.usb.judged(device, judgement),
      report: (report) => {
        if (report.outcome === "mismatched") this.#health.digestsMismatched();
        this.#happenings.checked(report);
      },
      monotonicMs: () => performance.now(),
    });
  }

  #makeInbox(): Inbox {
    return makeInbox(this.#config, {
      process: (request) => this.#process(request),
      refused: (refusal) => this.#happenings.refused(refusal),
      delayed: (code) => this.#happenings.delayed(code),
      results: this.#store.read,
      duplicate: () => this.#happenings.duplicate(),
      refusal: () => this.#refusal(),
      timeTrusted: () => this.#clock.trusted,
      kept: (folder, sizeBytes) => this.#kept.grew(folder, sizeBytes),
      vault: this.#secrets.vault,
    });
  }

  #makeMiners(): MinerFleet {
    return makeFleet(this.#config, {
      pool: () => this.#devices.pool.view(),
      busy: () => this.#sealing.busy,
      onAlarm: (change) => {
        this.#health.minerAlarm(change);
        this.#happenings.minerAlarm(change);
      },
      onAction: (action) => this.#happenings.minerAction(action),
      count: (code) => this.#health.count(code),
    });
  }

  #makeHealth(version: string): HealthReport {
    return new HealthReport({
      config: this.#config,
      version,
      identity: this.#identity,
      device: this.#devices.usb,
      miners: this.#miners,
      pool: this.#devices.pool,
      sealing: this.#sealing,
      model: this.#images.model,
      inbox: this.#inbox,
      checker: this.#checker,
      store: this.#store,
      cache: this.#cache,
      clock: this.#clock,
      selfcheck: () => this.#selfcheck,
      keyId: this.#secrets.vault.currentKeyId.toString("hex"),
      supervisor: () => this.#supervisor,
      mqtt: () => this.#publishing.state,
      parked: () => this.#publishing.parked,
      refusal: () => this.#refusal(),
      publish: (message) => this.#publishing.publish(message),
      event: (data) => this.#happenings.event(data),
    });
  }

  #makeSelfcheck(): Selfcheck {
    return makeSelfcheck(this.#config, {
      known: this.#known,
      happenings: this.#happenings,
      checked: () => this.#health.look(),
      health: () => this.#health.latest,
    });
  }

  #makeSupervisor(): Supervisor {
    const metrics = metricsPart(this.#config, {
      health: () => this.#health.latest,
      proven: () => this.#selfcheck.proven,
    });
    const made = {
      ...{ lock: this.#lock, store: this.#store, cache: this.#cache, publishing: this.#publishing },
      ...{ devices: this.#devices, sealing: this.#sealing, miners: this.#miners, checker: this.#checker },
      ...{ images: this.#images, housekeeper: this.#housekeeper, kept: this.#kept, inbox: this.#inbox },
      ...{ clock: this.#clock, health: this.#health, selfcheck: this.#selfcheck, metrics },
      refusal: () => this.#refusal(),
      sealingErrorCode: () => this.#happenings.sealingErrorCode,
    };
    return new Supervisor({
      stages: stagesOf(made),
      clock: systemClock,
      utcMs: Date.now,
      failed: (part, error) => this.#happenings.failed(part, error),
    });
  }

  #makePublishing(version: string): Publishing {
    return new Publishing({
      config: this.#config.mqtt,
      identity: this.#identity,
      version,
      store: this.#store,
      handlers: this.#makeHandlers(),
      status: (state) => this.#health.status(state),
      announce: () => this.#health.announcement(),
      onChange: (state, broker) => this.#happenings.brokerChanged(state, broker),
      parked: (message, code) => this.#happenings.parked(message, code),
      commandRefused: (code, message, times) => this.#happenings.commandRefused(code, message, times),
      count: (code) => this.#health.count(code),
    });
  }

  #makeHandlers(): CommandHandlers {
    const { mode, ingest, mqtt } = this.#config;
    return makeHandlers({
      store: this.#store,
      identity: this.#identity,
      ids: resultIds(this.#secrets.vault),
      leaving: (data) => this.#recorder.leaving(data),
      count: (code) => this.#health.count(code),
      record: (build) => this.#record(build),
      present: () => ({
        device: this.#devices.present(),
        seal: this.#sealing.promise,
        time: { utcMs: Date.now(), synced: this.#clock.synced() },
      }),
      process: (request) => this.#process(request),
      ...{
        mode,
        allowedDirs: ingest.allowedDirs,
        maxFileBytes: ingest.maxFileBytes,
        inferMaxBytes: mqtt.inferMaxBytes,
      },
      health: () => this.#health.latest,
      selftest: () => this.#known.check(),
    });
  }
}

/** What was found damaged while it ran is saved at the next start, so this life ends. */
function endForDamage(): void {
  setImmediate(() => {
    throw new StoreError("STORE_DAMAGED", "the database was found damaged while it ran");
  });
}
