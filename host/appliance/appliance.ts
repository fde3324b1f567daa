/** The composition root: configuration → parts → start and stop. The only place that knows everyone. */
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "../base/error.ts";
import type { Config } from "../config/schema.ts";
import { systemClock } from "../device/clock.ts";
import { admitListed } from "../device/stratum/admission.ts";
import { clockSynced } from "../health/machine.ts";
import { MetricsServer } from "../health/metrics-server.ts";
import { Inbox } from "../ingest/inbox.ts";
import type { KeptUpkeep } from "../ingest/kept-upkeep.ts";
import { makeSealMessage } from "../mqtt/envelope.ts";
import { type Identity, makeIdentity, topicOf } from "../mqtt/topics.ts";
import { DigestChecker } from "../pipeline/checker.ts";
import { openSigningKey } from "../seal/key-file.ts";
import { Cache } from "../store/cache.ts";
import { StoreError } from "../store/errors.ts";
import { FolderLock } from "../store/lock.ts";
import { ResultStore } from "../store/results.ts";
import { Admission, diskFreeBytes } from "./admission.ts";
import { Devices } from "./devices.ts";
import { parseEndpoint } from "./endpoint.ts";
import { CACHE_FILE, KEYS_FOLDER, LOCK_FILE, MINERS_FOLDER, RESULTS_FILE } from "./files.ts";
import { Happenings, type Log } from "./happenings.ts";
import { HealthReport } from "./health-report.ts";
import { ageOf, Housekeeper } from "./housekeeper.ts";
import { Images } from "./images.ts";
import { makeKeptUpkeep } from "./kept.ts";
import { MinerFleet } from "./miners/miner-fleet.ts";
import { parseMiners } from "./miners/miner-url.ts";
import { Publishing } from "./publishing.ts";
import { Receipts } from "./receipts.ts";
import { Recorder } from "./recorder.ts";
import { Sealing } from "./sealing/sealing.ts";
import { openSecrets, type Secrets } from "./secrets.ts";

/** How long a file that could not be served waits for its next try. */
const RETRY_MS = 10_000;
/** An image follows its sidecar at once, or has gone before it. */
const ALONE_MS = 300_000;
/** A clean stop takes 5 s at most: this long for images under way … */
const FINISH_MS = 1_500;
/** … this long for the outbox to empty while the broker is there, and 2 s for the broker to hear the goodbye. */
const DRAIN_MS = 1_000;

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
  #metrics: MetricsServer | undefined;

  /** Opens the store. @throws VaultError, StoreError, CacheError, SealError, MqttError MQTT_NAME */
  constructor(config: Config, about: { readonly version: string; readonly log: Log }) {
    this.#config = config;
    this.#log = about.log;
    this.#identity = makeIdentity(config.site, config.appliance);
    this.#happenings = new Happenings({
      log: about.log,
      event: (data, utcMs) => this.#recorder.event(data, utcMs),
      count: (code, times) => this.#health.count(code, times),
    });
    makeDataDir(config.dataDir);
    this.#lock = FolderLock.take(join(config.dataDir, LOCK_FILE));
    this.#secrets = openSecrets(config, randomBytes);
    const { outboxMaxRows, outboxMaxBytes, cacheMaxBytes } = config.store;
    this.#store = new ResultStore({
      path: join(config.dataDir, RESULTS_FILE),
      vault: this.#secrets.vault,
      utcMs: Date.now,
      outboxMaxRows,
      outboxMaxBytes,
    });
    this.#admission = this.#makeAdmission();
    this.#housekeeper = this.#makeHousekeeper();
    this.#kept = makeKeptUpkeep(config, this.#secrets.vault, this.#happenings);
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
      admit: () => this.#admission.expect(),
      record: async (build) => {
        const result = await this.#recorder.record(build);
        this.#miners.wake();
        return result;
      },
      device: () => this.#devices.present(),
      check: (task) => this.#checker.add(task),
      clockSynced,
      seal: this.#sealing.promise,
    });
    this.#inbox = this.#makeInbox();
    this.#publishing = this.#makePublishing(about.version);
    this.#health = this.#makeHealth(about.version);
  }

  /** The broker's address; of the embedded one, once started. */
  get brokerUrl(): string {
    return this.#publishing.brokerUrl;
  }

  /** Starts every part. A missing broker, device or model is no error: the appliance runs and says so. */
  async start(): Promise<void> {
    await this.#publishing.start();
    const { listen, simulatedWorkers } = this.#config.device.stratum;
    if (listen !== null && simulatedWorkers.length > 0) this.#happenings.simulatedAdmitted(simulatedWorkers);
    const { continuation } = this.#store;
    if (continuation !== null) this.#happenings.restored(continuation);
    await this.#devices.start();
    await this.#sealing.start();
    this.#miners.start();
    this.#housekeeper.start();
    await this.#inbox.start();
    this.#kept.start();
    this.#health.start();
    this.#metrics = await this.#serveMetrics();
    void this.#images.warm();
    this.#log.info({ part: "appliance", broker: this.brokerUrl, inbox: this.#config.ingest.inboxDir }, "started");
  }

  /** Finishes what is under way, says goodbye, closes. What could not be published stays in the outbox. */
  async stop(): Promise<void> {
    this.#health.stop();
    await this.#metrics?.stop();
    const idle = this.#inbox.stop();
    await Promise.race([idle, sleep(FINISH_MS, undefined, { ref: false })]);
    this.#checker.stop();
    const tidy = Promise.all([this.#housekeeper.stop(), this.#kept.stop()]);
    // What is still under way is given up here; its files stay in the inbox.
    await Promise.all([this.#sealing.stop(), this.#devices.stop(), this.#miners.stop(), this.#images.stop()]);
    await Promise.all([idle, tidy]);
    await this.#publishing.drain(DRAIN_MS);
    await this.#publishing.stop();
    this.#cache.close();
    this.#store.close();
    this.#lock.release();
    this.#log.info({ part: "appliance" }, "stopped");
  }

  #makeAdmission(): Admission {
    const { dataDir, store } = this.#config;
    return new Admission({
      diskFreeMinBytes: store.diskFreeMinBytes,
      storeMaxBytes: store.maxBytes,
      diskFreeBytes: () => diskFreeBytes(dataDir),
      storeUsedBytes: () => this.#store.read.usage().usedBytes,
      monotonicMs: () => performance.now(),
    });
  }

  #makeHousekeeper(): Housekeeper {
    const { maxBytes, maxAgeDays } = this.#config.store;
    return new Housekeeper({
      store: this.#store,
      policy: { maxBytes, maxAgeMs: ageOf(maxAgeDays) },
      eventTopic: topicOf(this.#identity, "event"),
      utcMs: Date.now,
      timeTrusted: () => clockSynced() !== false,
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
    const { appliance, dataDir, seal } = this.#config;
    return new Sealing({
      configured: this.#devices.canSeal,
      searchers: this.#devices.searchers,
      changes: this.#devices.changes,
      clock: systemClock,
      appliance,
      policy: seal,
      minDifficulty: seal.minDifficulty,
      store: this.#store,
      key: openSigningKey({ folder: join(dataDir, KEYS_FOLDER), randomSeed: () => randomBytes(32) }),
      utcMs: Date.now,
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
    const { inboxDir, settleMs, rescanMs, maxFileBytes, maxInFlight, keep } = this.#config.ingest;
    const limits = { settleMs, rescanMs, retryMs: RETRY_MS, aloneMs: ALONE_MS, maxFileBytes, maxInFlight, keep };
    return new Inbox(
      { folder: inboxDir, mode: this.#config.mode, ...limits },
      {
        process: async (request) => {
          const outcome = await this.#images.pipeline.process(request);
          this.#happenings.processed(outcome);
          return outcome;
        },
        utcMs: Date.now,
        monotonicMs: () => performance.now(),
        refused: (refusal) => this.#happenings.refused(refusal),
        delayed: (code) => this.#happenings.delayed(code),
        refusal: () => this.#admission.refusal(),
        vault: this.#secrets.vault,
      },
    );
  }

  #makeMiners(): MinerFleet {
    const { miners, minerIntervalS, stratum } = this.#config.device;
    const admit = admitListed({ workers: stratum.workers, simulated: stratum.simulatedWorkers });
    return new MinerFleet({
      miners: parseMiners(miners),
      folder: join(this.#config.dataDir, MINERS_FOLDER),
      clock: systemClock,
      utcMs: Date.now,
      intervalMs: minerIntervalS * 1000,
      idle: stratum.idle,
      simulated: (worker) => {
        const admission = admit(worker);
        return admission.kind === "admitted" && admission.simulated;
      },
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
      rasteriser: this.#images.rasteriser,
      inbox: this.#inbox,
      checker: this.#checker,
      store: this.#store,
      cache: this.#cache,
      mqtt: () => this.#publishing.state,
      publishing: () => this.#publishing.lastErrorCode,
      parked: () => this.#publishing.parked,
      refusal: () => this.#admission.refusal(),
      publish: (message) => this.#publishing.publish(message),
      event: (data) => this.#happenings.event(data),
    });
  }

  /** Metrics that cannot be served stop nothing. */
  async #serveMetrics(): Promise<MetricsServer | undefined> {
    const endpoint = parseEndpoint(this.#config.metrics.listen ?? "", 0);
    if (endpoint === undefined) return undefined;
    try {
      return await MetricsServer.listen({ ...endpoint, health: () => this.#health.latest });
    } catch (error) {
      this.#happenings.failed("metrics", error);
      return undefined;
    }
  }

  #makePublishing(version: string): Publishing {
    const receipts = new Receipts(this.#store.read);
    return new Publishing({
      config: this.#config.mqtt,
      identity: this.#identity,
      version,
      store: this.#store,
      handlers: { receipt: ({ resultId }) => ({ receipt: receipts.of(resultId) }) },
      status: (state) => this.#health.status(state),
      announce: () => this.#health.announcement(),
      onChange: (state, broker) => this.#happenings.brokerChanged(state, broker),
      parked: (message, code) => this.#happenings.parked(message, code),
      commandRefused: (code, message, times) => this.#happenings.commandRefused(code, message, times),
      count: (code) => this.#health.count(code),
    });
  }
}

/** @throws StoreError STORE_OPEN */
function makeDataDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StoreError("STORE_OPEN", `${path}: ${errorMessage(error)}`, { cause: error });
  }
}
