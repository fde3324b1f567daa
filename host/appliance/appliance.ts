/** The composition root: configuration → parts → start and stop. The only place that knows everyone. */
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode, errorMessage } from "../base/error.ts";
import type { Config } from "../config/schema.ts";
import { clockSynced } from "../health/machine.ts";
import { Inbox, type Refusal } from "../ingest/inbox.ts";
import { MqttClient } from "../mqtt/client.ts";
import { EmbeddedBroker } from "../mqtt/embedded-broker.ts";
import { OutboxPublisher } from "../mqtt/publisher.ts";
import { clientIdOf, type Identity, makeIdentity } from "../mqtt/topics.ts";
import { type CheckReport, DigestChecker } from "../pipeline/checker.ts";
import { Cache } from "../store/cache.ts";
import { ResultStore } from "../store/results.ts";
import { ConfiguredDevice } from "./device.ts";
import { CACHE_FILE, RESULTS_FILE } from "./files.ts";
import { HealthReport } from "./health-report.ts";
import { Images } from "./images.ts";
import { Recorder } from "./recorder.ts";

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How long a file that could not be served waits for its next try. */
const RETRY_MS = 10_000;
/** What a clean stop waits for the outbox to empty while the broker is there. */
const DRAIN_MS = 1_500;
const ACK_DEADLINE_MS = 10_000;

export class Appliance {
  readonly #config: Config;
  readonly #log: Log;
  readonly #identity: Identity;
  readonly #store: ResultStore;
  readonly #cache: Cache;
  readonly #recorder: Recorder;
  readonly #device: ConfiguredDevice;
  readonly #checker: DigestChecker;
  readonly #images: Images;
  readonly #inbox: Inbox;
  readonly #health: HealthReport;
  #broker: EmbeddedBroker | undefined;
  #client: MqttClient | undefined;
  #publisher: OutboxPublisher | undefined;

  /** Opens the store. @throws StoreError, CacheError, MqttError MQTT_NAME */
  constructor(config: Config, about: { readonly version: string; readonly log: Log }) {
    this.#config = config;
    this.#log = about.log;
    this.#identity = makeIdentity(config.site, config.appliance);
    mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
    const { outboxMaxRows, outboxMaxBytes, cacheMaxBytes } = config.store;
    this.#store = new ResultStore({
      path: join(config.dataDir, RESULTS_FILE),
      utcMs: Date.now,
      outboxMaxRows,
      outboxMaxBytes,
    });
    this.#cache = new Cache({ path: join(config.dataDir, CACHE_FILE), maxBytes: cacheMaxBytes });
    this.#recorder = new Recorder(this.#store, this.#identity);
    this.#device = new ConfiguredDevice(config, (state) => this.#health.deviceChanged(state));
    this.#checker = new DigestChecker({
      device: () => this.#device.hashing(),
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
      ...(mqtt.caFile === null ? {} : { ca: readFileSync(mqtt.caFile, "utf8") }),
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
    await this.#inbox.stop();
    this.#checker.stop();
    await Promise.all([this.#device.stop(), this.#images.stop()]);
    await this.#drainOutbox();
    await this.#publisher?.stop();
    await this.#client?.stop();
    await this.#broker?.stop();
    this.#cache.close();
    this.#store.close();
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
        return outcome;
      },
      newId: randomUUID,
      nowMs: Date.now,
      refused: (refusal) => this.#refused(refusal),
      delayed: (_, code, message) => {
        this.#health.count(code);
        this.#log.warn({ part: "ingest", code }, `an image waits: ${message}`);
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
