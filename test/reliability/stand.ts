/**
 * The real appliance as a process of its own, the real Mosquitto, a bad line between them, the model device on its
 * pseudo-terminal (simulated), and the documented subscriber; and what all of them have in the end.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode, errorMessage } from "../../host/base/error.ts";
import { Seeded } from "../../host/device/testing/seeded.ts";
import { type ModelProcess, startModel } from "../../host/device/usb/model-process.ts";
import { Mosquitto } from "../../host/mqtt/testing/mosquitto.ts";
import { type RunningAppliance, startAppliance } from "../demo/appliance.ts";
import { openStored } from "../stored.ts";
import { FilmMaker, type TestFilm } from "./films.ts";
import type { Evidence } from "./judge.ts";
import { lookAtStore } from "./look.ts";
import { MqttLine } from "./mqtt-line.ts";
import { Observer } from "./observer.ts";

export interface StandOptions {
  readonly folder: string;
  readonly seed: number;
  /** Sections of the configuration, over the stand's own. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The appliance's own environment, beside this one's. */
  readonly env?: Readonly<Record<string, string>>;
}

const ROOT = resolve(import.meta.dirname, "../..");
const MODEL_DEVICE = join(ROOT, "build/firmware/lv06-model");
/** Untrained, tiny, fast. */
export const STAND_IN = join(ROOT, "host/inference/fixtures/tiny");
export const REAL = join(ROOT, "models/kermany-resnet18-a");

const SOURCE = "/lv06/v1/demo/lv06-demo";
const POLL_MS = 250;
const ONLINE_MS = 120_000;

type Settings = Readonly<Record<string, Readonly<Record<string, unknown>> | string>>;

export class Stand {
  /** What was put in, without the bytes. */
  readonly films: Omit<TestFilm, "bytes">[] = [];
  readonly seeded: Seeded;
  readonly maker: FilmMaker;
  readonly broker: Mosquitto;
  readonly line: MqttLine;
  readonly observer: Observer;
  readonly #options: StandOptions;
  readonly #complaints: string[] = [];
  #appliance: RunningAppliance | undefined;
  #device: ModelProcess | undefined;

  private constructor(options: StandOptions, seeded: Seeded, broker: Mosquitto, line: MqttLine) {
    this.#options = options;
    this.seeded = seeded;
    this.broker = broker;
    this.line = line;
    this.maker = new FilmMaker(seeded);
    this.observer = new Observer(broker.url, join(options.folder, "received.db"), SOURCE);
  }

  /** Everything but the appliance and the device. */
  static async open(options: StandOptions): Promise<Stand> {
    const seeded = new Seeded(options.seed);
    for (const folder of [join("data", "inbox", "processed"), join("data", "inbox", "quarantine"), "films"]) {
      mkdirSync(join(options.folder, folder), { recursive: true, mode: 0o700 });
    }
    const broker = await Mosquitto.start(["max_queued_messages 0"]);
    const stand = new Stand(options, seeded, broker, await MqttLine.open(broker.port, seeded));
    // The session begins with the subscription: what is published before it, nobody keeps.
    while (stand.observer.noted("connected") === 0) await sleep(20);
    return stand;
  }

  get folder(): string {
    return this.#options.folder;
  }

  get dataDir(): string {
    return join(this.folder, "data");
  }

  get inbox(): string {
    return join(this.dataDir, "inbox");
  }

  get appliance(): RunningAppliance {
    if (this.#appliance === undefined) throw new Error("the appliance does not run");
    return this.#appliance;
  }

  get device(): ModelProcess | undefined {
    return this.#device;
  }

  /** As it is in the appliance's configuration. */
  get port(): string {
    return join(this.folder, "port");
  }

  /** Where `lv06 infer` finds the same model. */
  get configFile(): string {
    return join(this.folder, "lv06.yaml");
  }

  /** A process is there when this resolves, and no more. @param env beside that of all others */
  async spawn(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const settings = JSON.stringify(this.#settings());
    const environment = { ...this.#options.env, ...env };
    this.#appliance = await startAppliance(this.folder, { settings, modelDevice: false, env: environment });
  }

  /** It has found the broker, too. @throws Error with what it logged, where it does not */
  async start(signal: AbortSignal): Promise<void> {
    const online = this.line.next("connect", AbortSignal.any([signal, AbortSignal.timeout(ONLINE_MS)]));
    await Promise.all([
      this.spawn(),
      online.catch(() => {
        signal.throwIfAborted();
        throw new Error(
          `the appliance found no broker within ${ONLINE_MS / 1000} s: ${this.#appliance?.log().slice(-2000)}`,
        );
      }),
    ]);
  }

  /** kill -9, where it has not ended already, and the end is waited for. @returns how it ended */
  async kill(): Promise<string> {
    const { appliance } = this;
    try {
      process.kill(appliance.pid, "SIGKILL");
    } catch (error) {
      if (errorCode(error) !== "ESRCH") throw error;
    }
    const how = await appliance.ended;
    if (how !== "SIGKILL") this.#complaints.push(...appliance.complaints());
    this.#noteStrayWords(appliance);
    this.#appliance = undefined;
    return how;
  }

  /** As it should be ended. What is wrong with how it ended is in the evidence. */
  async stop(): Promise<void> {
    const { appliance } = this;
    await appliance.stop();
    this.#noteStrayWords(appliance);
    this.#complaints.push(...appliance.complaints());
    this.#appliance = undefined;
  }

  /** @param id another one for every number: the appliance tells devices by it */
  async plugIn(id = 1, link = this.port): Promise<void> {
    this.#device = await startModel({ program: MODEL_DEVICE, link, seed: id, workScale: 0 });
  }

  async unplug(): Promise<void> {
    const device = this.#device;
    this.#device = undefined;
    await device?.stop("SIGKILL");
  }

  /** By renaming, so that the appliance never sees half of it. */
  put({ name, bytes, good }: TestFilm): void {
    const hidden = join(this.inbox, `.${name}.part`);
    writeFileSync(hidden, bytes);
    this.films.push({ name, good });
    renameSync(hidden, join(this.inbox, name));
  }

  /** One more, and not all of them good. */
  async putOne(badShare = 0): Promise<TestFilm> {
    const film = this.seeded.next() < badShare ? this.maker.bad() : await this.maker.good();
    this.put(film);
    return film;
  }

  /** How many files wait in the inbox. */
  get waiting(): number {
    return readdirSync(this.inbox).filter((name) => /^film-/.test(name)).length;
  }

  /** Everything that was put in is answered, delivered, and sealed if there is a device; in vain at the deadline. */
  async settle(deadlineMs: number, signal: AbortSignal): Promise<void> {
    const until = Date.now() + deadlineMs;
    for (;;) {
      signal.throwIfAborted();
      const left = this.#unsettled();
      if (left === "") return;
      if (Date.now() > until) {
        this.#complaints.push(`not at rest within ${deadlineMs / 1000} s: ${left}`);
        return;
      }
      await sleep(POLL_MS);
    }
  }

  /** What it all came to; the appliance has been stopped. */
  evidence(inOrder = true): Evidence {
    const { observer, films } = this;
    const names = (good: boolean) => films.filter((film) => film.good === good).map(({ name }) => name);
    const look = lookAtStore(this.dataDir, observer.seals);
    return {
      ...{ good: names(true), bad: names(false), arrived: observer.arrived, inOrder },
      ...look,
      complaints: [...this.#complaints, ...observer.complaints, ...look.complaints],
    };
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#appliance?.stop();
    await this.unplug();
    await this.observer.stop();
    await this.line.stop();
    await this.broker.stop();
  }

  #settings(): Settings {
    const own: Settings = {
      ...{ site: "demo", appliance: "lv06-demo", dataDir: "data" },
      privacy: { reference: "plain" },
      log: { level: "warn" },
      ingest: { settleMs: 0 },
      mqtt: { url: this.line.url, healthIntervalS: 1, connectDeadlineMs: 5000 },
      model: { dir: STAND_IN },
      device: { usb: { path: this.port } },
      seal: { maxAgeMs: 200 },
    };
    const given = (this.#options.settings ?? {}) as Settings;
    const merged = Object.entries(given).map(([name, value]) => {
      const before = own[name];
      return [name, typeof value === "object" && typeof before === "object" ? { ...before, ...value } : value];
    });
    return { ...own, ...Object.fromEntries(merged) };
  }

  /** Empty when nothing is to be waited for. */
  #unsettled(): string {
    if (!existsSync(join(this.dataDir, "results.db"))) return "no store";
    try {
      const reader = openStored(this.dataDir);
      try {
        const last = reader.list({ limit: 1 })[0]?.sequence ?? 0;
        const left = {
          "files in the inbox": this.waiting,
          "messages to be delivered": reader.outboxCounts().rows,
          "results to be sealed": this.#device === undefined ? 0 : reader.seals.counts().waiting,
          "results to arrive": Math.max(0, last - this.observer.arrived.length),
          "gaps to be healed": this.observer.whole ? 0 : 1,
        };
        return Object.entries(left)
          .flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what}`]))
          .join(", ");
      } finally {
        reader.close();
      }
    } catch (error) {
      return errorMessage(error);
    }
  }

  /** Its log is JSON: anything else is a warning of Node's, or worse. Of a long log the beginning is cut. */
  #noteStrayWords(appliance: RunningAppliance): void {
    const log = appliance.log();
    appendFileSync(join(this.folder, "appliance.log"), log);
    const lines = log.split("\n").slice(0, -1);
    const stray = lines.filter((line, i) => !line.startsWith("{") && (i > 0 || line.length < 200));
    this.#complaints.push(...stray.map((line) => `the appliance said: ${line}`));
  }
}
