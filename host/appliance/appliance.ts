/** The composition root: configuration → parts → start and stop. The only place that knows everyone. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode, errorMessage } from "../base/error.ts";
import type { Config } from "../config/schema.ts";
import type { LinkState } from "../device/device-link.ts";
import { clockSynced } from "../health/machine.ts";
import { Inbox, type Refusal } from "../ingest/inbox.ts";
import { MqttClient } from "../mqtt/client.ts";
import { EmbeddedBroker } from "../mqtt/embedded-broker.ts";
import { MqttError } from "../mqtt/errors.ts";
import { OutboxPublisher } from "../mqtt/publisher.ts";
import { clientIdOf, type Identity, makeIdentity } from "../mqtt/topics.ts";
import { type CheckReport, DigestChecker } from "../pipeline/checker.ts";
import { Cache } from "../store/cache.ts";
import { StoreError } from "../store/errors.ts";
import { FolderLock } from "../store/lock.ts";
import { ResultStore } from "../store/results.ts";
import { ConfiguredDevice } from "./device.ts";
import { CACHE_FILE, LOCK_FILE, RESULTS_FILE } from "./files.ts";
import { HealthReport } from "./health-report.ts";
import { Images } from "./images.ts";
import { Recorder } from "./recorder.ts";

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How long a file that could not be served waits for its next try. */
const RETRY_MS = 10_000;
/** A clean stop takes 5 s at most: this long for images under way … */
const FINISH_MS = 1_500;
/** … this long for the outbox to empty while the broker is there, and 2 s for the broker to hear the goodbye. */
const DRAIN_MS = 1_000;
const ACK_DEADLINE_MS = 10_000;

export class Appliance {
  readonly #config: Config;
  readonly #log: Log;
  readonly #identity: Identity;
  readonly #lock: FolderLock;
  readonly #store: ResultStore;
  readonly #cache: Cache;
  readonly #recorder: Recorder;
  readonly #device: ConfiguredDevice;
  readonly #checker: DigestChecker;
  readonly #images: Images;
  readonly #inbox: Inbox;
  readonly #health: HealthReport;
  #deviceState: LinkState["kind"] = "stopped";
  #broker: EmbeddedBroker | undefined;
  #client: MqttClient | undefined;
  #publisher: OutboxPublisher | undefined;

  /** Opens the store. @throws StoreError, CacheError, MqttError MQTT_NAME */
  constructor(config: Config, about: { readonly version: string; readonly log: Log }) {
    this.#config = config;
    this.#log = about.log;
    this.#identity = makeIdentity(config.site, config.appliance);
    makeDataDir(config.dataDir);
    this.#lock = FolderLock.take(join(config.dataDir, LOCK_FILE));
    const { outboxMaxRows, outboxMaxBytes, cacheMaxBytes } = config.store;
    this.#store = new ResultStore({
      path: join(config.dataDir, RESULTS_FILE),
      utcMs: Date.now,
      outboxMaxRows,
      outboxMaxBytes,
    });
    this.#cache = new Cache({ path: join(config.dataDir, CACHE_FILE), maxBytes: cacheMaxBytes });
    this.#recorder = new Recorder(this.#store, this.#identity);
    this.#device = new ConfiguredDevice(config, {
      onChange: (state) => this.#deviceChanged(state),
      onLog: (text) => this.#log.debug({ part: "device", text }, "the device's log"),
    });
    this.#checker = new DigestChecker({
      device: () => this.#device.hashing(),
      judged: (device, judgement) => this.#device.judged(device, judgement),
      report: (report) => this.#checked(report),
      monotonicMs: () => performance.now(),
    });
    this.#images = new Images(config, {
      caches: this.#cache,
      record: (build) => this.#recorder.record(build),
      device: () => this.#device.present(),
      check: (task) => this.#checker.add(task),
      clockSynced,
    });
    this.#inbox = this.#makeInbox();
    this.#health = new HealthReport({
      config,
      version: about.version,
      identity: this.#identity,
      device: this.#device,
      model: this.#images.model,
      rasteriser: this.#images.rasteriser,
      inbox: this.#inbox,
      checker: this.#checker,
      store: this.#store,
      cache: this.#cache,
      mqtt: () => this.#client?.state,
      publishing: () => this.#publisher?.stats.lastErrorCode ?? null,
      publish: (message) => this.#client?.publish(message) ?? Promise.resolve(),
      event: (data) => this.#event(data),
    });
  }

  /** The broker's address; of the embedded one, once started. */
  get brokerUrl(): string {
    return this.#broker?.url ?? this.#config.mqtt.url ?? "";
  }

  /** Starts every part. A missing broker, device or model is no error: the appliance runs and says so. */
  async start(): Promise<void> {
    const { mqtt } = this.#config;
    if (mqtt.url === null) this.#broker = await EmbeddedBroker.start({ port: mqtt.embeddedPort });
    this.#client = new MqttClient({
      url: this.brokerUrl,
      clientId: clientIdOf(this.#identity),
      connectDeadlineMs: mqtt.connectDeadlineMs,
      ackDeadlineMs: ACK_DEADLINE_MS,
      ...(mqtt.username === null ? {} : { username: mqtt.username }),
      ...(mqtt.password === null ? {} : { password: mqtt.password }),
      ...(mqtt.caFile === null ? {} : { ca: readAuthority(mqtt.caFile) }),
      status: (state) => this.#health.status(state),
      announce: () => this.#health.announcement(),
      random: Math.random,
      utcMs: Date.now,
    });
    this.#client.onChange(({ state, lastErrorCode, lastErrorMessage }) => {
      const fields = { part: "mqtt", state, code: lastErrorCode, broker: this.brokerUrl };
      if (state === "offline") this.#log.warn(fields, lastErrorMessage ?? "the broker is away");
      if (state === "online") this.#log.info(fields, "connected to the broker");
    });
    this.#publisher = new OutboxPublisher({ store: this.#store, client: this.#client });
    this.#client.start();
    this.#publisher.start();
    this.#device.start();
    await this.#inbox.start();
    this.#health.start();
    void this.#images.warm();
    this.#log.info({ part: "appliance", broker: this.brokerUrl, inbox: this.#config.ingest.inboxDir }, "started");
  }

  /** Finishes what is under way, says goodbye, closes. What could not be published stays in the outbox. */
  async stop(): Promise<void> {
    this.#health.stop();
    const idle = this.#inbox.stop();
    await Promise.race([idle, sleep(FINISH_MS, undefined, { ref: false })]);
    this.#checker.stop();
    // What is still under way is given up here; its files stay in the inbox.
    await Promise.all([this.#device.stop(), this.#images.stop()]);
    await idle;
    await this.#drainOutbox();
    await Promise.all([this.#publisher?.stop(), this.#client?.stop()]);
    await this.#broker?.stop();
    this.#cache.close();
    this.#store.close();
    this.#lock.release();
    this.#log.info({ part: "appliance" }, "stopped");
  }

  #makeInbox(): Inbox {
    const { inboxDir, settleMs, rescanMs, maxFileBytes, maxInFlight } = this.#config.ingest;
    const options = {
      folder: inboxDir,
      mode: this.#config.mode,
      settleMs,
      rescanMs,
      retryMs: RETRY_MS,
      maxFileBytes,
      maxInFlight,
    };
    return new Inbox(options, {
      process: async (request) => {
        const outcome = await this.#images.pipeline.process(request);
        if (outcome.kind === "result") {
          const { resultId, sequence, cached } = outcome.data;
          this.#log.info({ part: "pipeline", resultId, sequence, cached, ms: outcome.data.timingMs.total }, "result");
        }
        // The pipeline knows bytes, not names: its messages may be logged.
        if (outcome.kind === "unavailable") this.#log.warn({ part: "pipeline", code: outcome.code }, outcome.message);
        return outcome;
      },
      nowMs: Date.now,
      refused: (refusal) => this.#refused(refusal),
      delayed: (code) => {
        this.#health.count(code);
        this.#log.warn({ part: "ingest", code }, "an image waits for another try");
      },
    });
  }

  #refused({ reference, fileDigest, code, message }: Refusal): void {
    this.#health.count(code);
    // The log carries no reference: it may name a patient.
    this.#log.warn({ part: "ingest", code, fileDigest }, "an image was refused");
    const short = message.slice(0, 500);
    this.#event({ kind: "ingest-refused", reference, fileDigest, code, message: short, intendedUse: "research-only" });
  }

  #deviceChanged(state: LinkState): void {
    this.#health.deviceChanged(state);
    // Once a state: a device that stays away is looked for every half minute.
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

  #checked(report: CheckReport): void {
    if (report.code !== null) this.#health.count(report.code);
    if (report.outcome === "mismatched") this.#health.digestsMismatched();
    const { resultId, outcome, checked, mismatches, code } = report;
    this.#log.info({ part: "device", resultId, outcome, checked, mismatches, code }, "digest check");
    this.#event({ kind: "digest-check", ok: outcome === "matched", ...report, intendedUse: "research-only" });
  }

  #event(data: Parameters<Recorder["event"]>[0]): void {
    this.#recorder.event(data, Date.now()).catch((error: unknown) => {
      this.#health.count(errorCode(error));
      this.#log.error({ part: "store", code: errorCode(error) }, `an event was not recorded: ${errorMessage(error)}`);
    });
  }

  async #drainOutbox(): Promise<void> {
    const until = performance.now() + DRAIN_MS;
    while (this.#client?.online && this.#store.outbox.rows > 0 && performance.now() < until) await sleep(20);
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

/** @throws MqttError MQTT_CA */
function readAuthority(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new MqttError("MQTT_CA", `${path}: ${errorMessage(error)}`, { cause: error });
  }
}
