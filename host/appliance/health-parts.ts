/** The parts that health is gathered from. */
import type { Config } from "../config/schema.ts";
import type { Inbox } from "../ingest/inbox.ts";
import type { MqttState } from "../mqtt/client.ts";
import type { EventData } from "../mqtt/messages.ts";
import type { Identity } from "../mqtt/topics.ts";
import type { DigestChecker } from "../pipeline/checker.ts";
import type { Cache } from "../store/cache.ts";
import type { ResultStore } from "../store/results.ts";
import type { OutboxMessage } from "../store/schema.ts";
import type { ClockKeeper } from "./clock-keeper.ts";
import type { ConfiguredDevice } from "./device.ts";
import type { MinerFleet } from "./miners/miner-fleet.ts";
import type { ModelSlot } from "./model-slot.ts";
import type { Pool } from "./pool.ts";
import type { Sealing } from "./sealing/sealing.ts";
import type { Selfcheck } from "./selfcheck.ts";
import type { Supervisor } from "./supervisor.ts";

export interface HealthParts {
  readonly config: Config;
  readonly version: string;
  readonly identity: Identity;
  readonly device: ConfiguredDevice;
  readonly miners: Pick<MinerFleet, "views" | "power">;
  readonly pool: Pick<Pool, "state" | "view" | "lastErrorCode">;
  readonly sealing: Pick<Sealing, "view" | "troubles" | "publicKey">;
  readonly model: ModelSlot;
  readonly inbox: Inbox;
  readonly checker: DigestChecker;
  readonly store: ResultStore;
  readonly cache: Cache;
  readonly clock: Pick<ClockKeeper, "synced" | "stepped">;
  selfcheck(): Pick<Selfcheck, "view" | "failing">;
  /** Name of the key that encrypts now. */
  readonly keyId: string;
  supervisor(): Pick<Supervisor, "views" | "troubled">;
  mqtt(): MqttState | undefined;
  /** Messages that the broker can never take. */
  parked(): number;
  /** Why no new work comes in; null where it does. */
  refusal(): string | null;
  publish(message: OutboxMessage): Promise<void>;
  event(data: EventData): void;
}
