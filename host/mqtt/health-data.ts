/** The data of a health message. What is not known is absent, never 0. */
import { z } from "zod";
import { code, count, deviceKind, digest, intendedUse, name, utcMs } from "./fields.ts";

const part = z.strictObject({
  /** One word: `running`, or the part's own. `failed`, `resting`: it did not start, and is tried again soon, or later. */
  state: name,
  sinceUtcMs: utcMs,
  lastErrorCode: code.nullable(),
  /** Since the appliance started. */
  restarts: count,
});
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
  /** `degraded`: an alarm is raised. `failing`: what comes in gets no answer. */
  state: z.enum(["ok", "degraded", "failing"]),
  /** Codes of the alarms that are raised, sorted. */
  alarms: z.array(code),
  /** What the appliance does without meanwhile, sorted. */
  modes: z.array(name),
  process: z.strictObject({
    uptimeS: z.number().min(0),
    rssBytes: count,
    openFiles: count.optional(),
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
  clock: z.strictObject({
    /** False also while `stepped`; null where nobody says. */
    synced: z.boolean().nullable(),
    /** It was set while the appliance ran, and it is not known yet whether rightly. */
    stepped: z.boolean(),
  }),
  parts: z.record(name, part),
  /** The last check by a known answer; null before the first has ended. */
  selfcheck: z
    .strictObject({
      /** Everything passed, also the device where one hashes. */
      ok: z.boolean(),
      /** Images are served right: decoder, attention and model passed, at the last check and not long ago. */
      proven: z.boolean(),
      utcMs,
      durationMs: z.number().min(0),
      /** Of the first thing that failed. */
      lastErrorCode: code.nullable(),
      /** What the model's answer was held to: `file`, `own` (its first since the start), or `none`. */
      reference: z.enum(["file", "own", "none"]),
    })
    .nullable(),
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
  store: z.strictObject({
    /** The database of results, its journal included. */
    bytes: count,
    maxBytes: count,
    /** Sequence number of the newest result, 0 before the first. */
    lastSequence: count,
    /** Of the newest that the retention policy has removed. */
    prunedThrough: count,
  }),
  encryption: z.strictObject({
    /** Of the key that encrypts now, as `lv06 keys` shows it. */
    keyId: name,
    /** Stored results and messages that an older key still encrypts. */
    remaining: count,
  }),
  outbox: z.strictObject({ rows: count, bytes: count, maxRows: count, maxBytes: count }),
  queues: z.record(name, count),
  cache: cacheStats.nullable(),
  inference: z.strictObject({ restarts: count }).nullable(),
  /** How often each error code occurred since the start. */
  errors: z.record(code, count),
  intendedUse,
});
