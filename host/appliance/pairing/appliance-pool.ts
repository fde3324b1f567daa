/** The running appliance's pool, as its health messages tell of it. */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Connection } from "../../mqtt/connection.ts";
import type { MqttError } from "../../mqtt/errors.ts";
import { subscribe } from "../../mqtt/subscriber.ts";
import { makeIdentity, topicOf } from "../../mqtt/topics.ts";
import { brokerAccess } from "../broker-access.ts";
import { showEndpoint } from "../endpoint.ts";
import { PairError } from "./error.ts";
import { type Prover, type ProverOptions, type Sighting, type Waiting, watch } from "./sighting.ts";

/** Beyond its interval. */
const HEALTH_SLACK_MS = 5_000;

/** Of a health message only what is needed here: a later version may say more. */
const heardSchema = z.object({
  data: z.object({
    pool: z.object({ state: z.string() }).optional(),
    miners: z.array(
      z.object({
        worker: z.string(),
        proven: z.object({ connected: z.boolean(), accepted: z.number() }).nullable(),
      }),
    ),
  }),
});

type Heard = z.infer<typeof heardSchema>["data"];

export class AppliancePool implements Prover {
  readonly pool = "appliance";
  readonly #options: ProverOptions;
  #connection: Connection | undefined;
  #lost: MqttError | undefined;
  /** What the pool was like before anything was changed. */
  #first: Heard | undefined;
  /** The worker's accepted shares that are no proof, fewer after a restart of the appliance; undefined: those of the next message. */
  #before: number | undefined;
  #sighting: Sighting = "nothing";

  private constructor(options: ProverOptions) {
    this.#options = options;
  }

  /** Once the appliance was heard. @throws PairError PAIR_SILENT, PAIR_NAME_TAKEN; MqttError MQTT_CA */
  static async open(options: ProverOptions): Promise<AppliancePool> {
    const prover = new AppliancePool(options);
    try {
      await prover.#subscribe();
      await prover.#firstHealth();
      return prover;
    } catch (error) {
      await prover.close();
      throw error;
    }
  }

  /** A share that comes at the last moment is told of in the next health message, or in the one after. */
  wait(waiting: Waiting): Promise<Sighting> {
    const { isSet } = this.#options;
    if (isSet) [this.#before, this.#sighting] = [undefined, "nothing"];
    const deadlineMs = waiting.deadlineMs + this.#intervalMs * (isSet ? 2 : 1);
    return watch(() => this.#look(), this.#options.clock, { ...waiting, deadlineMs });
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }

  get #intervalMs(): number {
    return this.#options.config.mqtt.healthIntervalS * 1000;
  }

  #look(): Sighting {
    if (this.#lost === undefined) return this.#sighting;
    throw new PairError("PAIR_SILENT", "the connection to the broker was lost", { cause: this.#lost });
  }

  async #subscribe(): Promise<void> {
    const { site, appliance, mqtt } = this.#options.config;
    if (mqtt.url === null && mqtt.embeddedPort === 0) {
      throw new PairError("PAIR_SILENT", `${this.#taken()}, and mqtt.embeddedPort 0 does not tell where its broker is`);
    }
    this.#connection = await subscribe({
      url: mqtt.url ?? `mqtt://127.0.0.1:${mqtt.embeddedPort}`,
      clientId: `lv06-pair-${randomUUID().slice(0, 13)}`,
      filter: topicOf(makeIdentity(site, appliance), "health"),
      onMessage: ({ payload }) => this.#heard(payload),
      ...brokerAccess(mqtt),
    }).catch((error: unknown) => {
      throw new PairError("PAIR_SILENT", `${this.#taken()}, and no broker tells of it`, { cause: error });
    });
    void this.#connection.closed.then((reason) => {
      this.#lost = reason;
    });
  }

  /** Nothing is sent to a miner before it is known that its pool is there. */
  async #firstHealth(): Promise<void> {
    const { clock, signal, worker, isSet, config, onHearing } = this.#options;
    onHearing(config.mqtt.healthIntervalS);
    const deadlineMs = this.#intervalMs + HEALTH_SLACK_MS;
    const look = (): Sighting => (this.#first === undefined ? "nothing" : "share");
    await watch(look, clock, { deadlineMs, signal, onWait: () => {} });
    if (this.#first === undefined) throw new PairError("PAIR_SILENT", `${this.#taken()}, and no appliance was heard`);
    if (this.#first.pool?.state !== "listening") {
      throw new PairError("PAIR_SILENT", `${this.#taken()}, but not by the appliance's pool`);
    }
    if (!isSet && provenOf(worker, this.#first)?.connected) {
      throw new PairError("PAIR_NAME_TAKEN", `a miner works for the pool as ${worker} already`);
    }
  }

  #heard(payload: Uint8Array): void {
    const heard = heardSchema.safeParse(parsed(payload));
    if (!heard.success) return;
    const proven = provenOf(this.#options.worker, heard.data.data);
    if (this.#first === undefined) {
      this.#first = heard.data.data;
      this.#before = proven?.accepted ?? 0;
      return;
    }
    this.#before = Math.min(this.#before ?? Number.POSITIVE_INFINITY, proven?.accepted ?? 0);
    if (proven === null) return;
    if (proven.accepted > this.#before) this.#sighting = "share";
    else if (proven.connected && this.#sighting === "nothing") this.#sighting = "connected";
  }

  #taken(): string {
    return `${showEndpoint(this.#options.listen)} is taken`;
  }
}

function provenOf(worker: string, { miners }: Heard) {
  return miners.find((miner) => miner.worker === worker)?.proven ?? null;
}

function parsed(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString("utf8"));
  } catch {
    return undefined;
  }
}
