/** Broker, appliance, miners, films and an observer, and what can be done to them. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Seeded } from "../../host/device/testing/seeded.ts";
import { Mosquitto } from "../../host/mqtt/testing/mosquitto.ts";
import { freePort, type RunningAppliance, startAppliance } from "../demo/appliance.ts";
import { OutsideClient } from "../demo/outside-client.ts";
import { FilmSource } from "./films.ts";
import { Miners } from "./miners.ts";
import type { WorldFault } from "./plan.ts";
import { ShareBook } from "./shares.ts";

export interface WorldOptions {
  readonly folder: string;
  readonly seeded: Seeded;
  /** How long things stay away at most, in ms. */
  readonly awayMs: number;
}

/** What the soak looks at. */
export interface Health {
  readonly process: { readonly rssBytes: number };
  readonly sealing: { readonly waiting: number; readonly seals: number };
  readonly outbox: { readonly rows: number };
  readonly miners: readonly { readonly worker: string; readonly proven: { readonly accepted: number } | null }[];
}

export interface Outage {
  readonly fromMs: number;
  readonly untilMs: number;
}

interface Parts {
  readonly broker: Mosquitto;
  readonly observer: OutsideClient;
  readonly book: ShareBook;
  readonly miners: Miners;
  readonly settings: string;
}

const START_MS = 40_000;
const BURST = 20;
/** Until everyone has found the broker again, and what waited is through. */
const SETTLE_MS = 10_000;
const settingsOf = (broker: string, poolPort: number) => `site: demo
appliance: lv06-demo
dataDir: data
privacy: { reference: plain }
log: { level: warn }
ingest: { settleMs: 0 }
mqtt: { url: "${broker}", healthIntervalS: 1 }
device: { stratum: { listen: "127.0.0.1:${poolPort}", simulatedWorkers: [simulated] } }
seal: { simulatedDifficulty: ${2 ** -16} }
`;

export class World {
  /** Name → when it was put into the inbox, ms since 1970. */
  readonly films = new Map<string, number>();
  /** When broker or appliance were away, ms since 1970. */
  readonly outages: Outage[] = [];
  readonly #options: WorldOptions;
  readonly #parts: Parts;
  readonly #source: FilmSource;
  readonly #complaints: string[] = [];
  #appliance: RunningAppliance;
  #bornMs: number;

  private constructor(options: WorldOptions, parts: Parts, appliance: RunningAppliance, bornMs: number) {
    this.#options = options;
    this.#parts = parts;
    this.#appliance = appliance;
    this.#bornMs = bornMs;
    this.#source = new FilmSource(options.seeded);
  }

  /** Everything runs when this resolves; `close` ends it. */
  static async open(options: WorldOptions): Promise<World> {
    const { folder, seeded, awayMs } = options;
    const poolPort = await freePort();
    const broker = await Mosquitto.start(["max_queued_messages 0"]);
    const settings = settingsOf(broker.url, poolPort);
    const bornMs = Date.now();
    const appliance = await startAppliance(folder, { settings, modelDevice: false });
    const observer = await OutsideClient.open(broker.url, appliance.prefix, START_MS, { session: "soak" });
    const book = new ShareBook();
    const miners = await Miners.make({ poolPort, book, seeded, stallMs: awayMs });
    miners.start();
    return new World(options, { broker, observer, book, miners, settings }, appliance, bornMs);
  }

  get observer(): OutsideClient {
    return this.#parts.observer;
  }

  get book(): ShareBook {
    return this.#parts.book;
  }

  get miners(): Miners {
    return this.#parts.miners;
  }

  /** When the present appliance was started, ms since 1970. */
  get bornMs(): number {
    return this.#bornMs;
  }

  /** The last health message of the present appliance. */
  get health(): Health | undefined {
    const message = this.observer.received.findLast(({ kind, atMs }) => kind === "health" && atMs > this.#bornMs);
    return message?.data as Health | undefined;
  }

  async film(): Promise<void> {
    const { name, bytes } = await this.#source.next();
    const hidden = join(this.#appliance.inbox, `.${name}.part`);
    writeFileSync(hidden, bytes);
    this.films.set(name, Date.now());
    renameSync(hidden, join(this.#appliance.inbox, name));
  }

  async suffer(fault: WorldFault): Promise<void> {
    const { broker, miners } = this.#parts;
    switch (fault) {
      case "broker-restart":
        // As an operator restarts it: what it holds is on its disk then.
        return this.#outage(async () => {
          await broker.halt("SIGTERM");
          await this.#pause();
          await broker.resume();
        });
      case "kill":
        process.kill(this.#appliance.pid, "SIGKILL");
        return this.#outage(() => this.#startAgain());
      case "restart":
        return this.#outage(() => this.#startAgain());
      case "miners-away":
        miners.stop();
        await this.#pause();
        return miners.start();
      case "burst":
        for (let i = 0; i < BURST; i++) await this.film();
    }
  }

  /** A clean end of the appliance. @returns what was wrong with it, and with those before it */
  async stopAppliance(): Promise<string[]> {
    await this.#appliance.stop();
    this.#noteStrayWords();
    return [...this.#complaints, ...this.#appliance.complaints()];
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.miners.close();
    await this.#appliance.stop();
    await this.observer.close();
    await this.#parts.broker.stop();
  }

  async #outage(work: () => Promise<void>): Promise<void> {
    const fromMs = Date.now();
    await work();
    this.outages.push({ fromMs, untilMs: Date.now() + SETTLE_MS });
  }

  async #startAgain(): Promise<void> {
    // A killed process is waited for too.
    await this.#appliance.stop();
    this.#noteStrayWords();
    await this.#pause();
    this.book.newLife();
    this.#bornMs = Date.now();
    const { settings } = this.#parts;
    this.#appliance = await startAppliance(this.#options.folder, { settings, modelDevice: false });
    await this.observer.until("health after a start", START_MS, () => this.health !== undefined);
  }

  /** Its log is JSON: anything else is a warning of Node's, or worse. */
  #noteStrayWords(): void {
    const lines = this.#appliance.log().split("\n").slice(0, -1);
    const stray = lines.filter((line) => !line.startsWith("{"));
    this.#complaints.push(...stray.map((line) => `the appliance said: ${line}`));
  }

  #pause(): Promise<void> {
    const { seeded, awayMs } = this.#options;
    return sleep(200 + seeded.below(awayMs));
  }
}
