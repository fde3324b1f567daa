/** The data of a health message. What is not known is absent, never 0. */
import { z } from "zod";
import { code, count, deviceKind, digest, intendedUse, name, utcMs } from "./fields.ts";

const part = z.strictObject({ state: name, sinceUtcMs: utcMs, lastErrorCode: code.nullable() });
const cacheStats = z.strictObject({
  hits: count,
  misses: count,
  damaged: count,
  evicted: count,
  failed: count,
  entries: count,
  bytes: count,
});

const readings = z.record(name, z.union([z.number(), z.boolean(), z.string().max(64)]));

/** A miner with stock firmware: one of `device.miners`, or one that connected by itself. */
const miner = z.strictObject({
  /** Its name at the pool. */
  worker: name,
  kind: z.enum(["axeos", "s9", "unknown"]),
  simulated: z.boolean(),
  /** `offline`: its interface does not answer. `unread`: it is not in `device.miners`, or has not been read yet. */
  state: z.enum(["ok", "alarm", "offline", "unread"]),
  /** Codes, sorted. */
  alarms: z.array(code),
  /** Its own word. */
  readings,
  /** What its verified shares show; null where it has never connected. */
  proven: z
    .strictObject({
      connected: z.boolean(),
      accepted: count,
      rejected: count,
      hashrateGhs: z.number().min(0).optional(),
      meanShareMs: z.number().min(0).optional(),
      lastShareUtcMs: utcMs.optional(),
      bestDifficulty: z.number().min(0).optional(),
    })
    .nullable(),
});

/** The local pool. */
const pool = z.strictObject({
  state: z.enum(["listening", "failed"]),
  connections: count,
  /** Connections that have authorised themselves. */
  joined: count,
  /** Why connections ended, how often. */
  ends: z.record(name, count),
});

const sealing = z.strictObject({
  /** `none`: nothing can seal. `failed`: the stored seals contradict each other. `absent`: no device is there. `idle`: nothing waits. */
  state: z.enum(["none", "failed", "absent", "idle", "gathering", "working"]),
  /** Results that wait for a seal, those that are being worked on among them. */
  waiting: count,
  /** Results in the batch that is being worked on. */
  working: count,
  /** Seals, and results in them, since the appliance was set up. */
  seals: count,
  sealedResults: count,
  /** Sealed value of the newest seal. */
  head: digest,
  lastSealUtcMs: utcMs.optional(),
  /** Mean wait for a seal with the devices that are there, by observed shares. */
  expectedMs: z.number().min(0).optional(),
  /** Mean over the last seals, from measured power; absent where no device measures any. */
  energyPerSealJ: z.number().min(0).optional(),
  /** Whether that power was a model's. */
  energySimulated: z.boolean().optional(),
});

/** What is not known is absent, never 0. */
export const healthSchema = z.strictObject({
  state: z.enum(["ok", "degraded"]),
  /** Codes of the alarms that are raised, sorted. */
  alarms: z.array(code),
  process: z.strictObject({
    uptimeS: z.number().min(0),
    rssBytes: count,
    loopDelayP99Ms: z.number().min(0).optional(),
  }),
  machine: z.strictObject({
    load1: z.number().min(0).optional(),
    cores: z.int().min(1),
    freeMemoryBytes: count.optional(),
    diskFreeBytes: count.optional(),
    diskTotalBytes: count.optional(),
    cpuTempC: z.number().optional(),
    /** As the Raspberry Pi's firmware names them: now, and since boot. */
    throttled: z.array(name).optional(),
  }),
  clock: z.strictObject({ synced: z.boolean().nullable() }),
  parts: z.record(name, part),
  device: z.strictObject({
    kind: deviceKind,
    state: name,
    /** Of the device that is there, or was there last: also of one that is lost or lied. Absent until one has answered. */
    id: name.optional(),
    simulated: z.boolean(),
    readings,
    /** What is done to get the device back; absent where none is configured. */
    recovery: z
      .strictObject({
        /** `none`: nothing is wrong. `rest`: it is left alone for a while. */
        rung: z.enum(["none", "reopen", "reset", "rest"]),
        reason: code.nullable(),
        /** Attempts in a row that did not bring it back. */
        failures: count,
        /** Within the last hour. */
        resets: count,
      })
      .optional(),
  }),
  /** At most 64. */
  miners: z.array(miner).max(64),
  /** Absent where there is none. */
  pool: pool.optional(),
  sealing,
  mqtt: z.strictObject({
    state: z.enum(["connecting", "online", "offline", "stopped"]),
    protocolVersion: z.union([z.literal(4), z.literal(5)]).nullable(),
    connects: count,
    lastErrorCode: code.nullable(),
  }),
  outbox: z.strictObject({ rows: count, bytes: count, maxRows: count, maxBytes: count }),
  queues: z.record(name, count),
  cache: cacheStats.nullable(),
  inference: z.strictObject({ restarts: count }).nullable(),
  /** How often each error code occurred since the start. */
  errors: z.record(code, count),
  intendedUse,
});
