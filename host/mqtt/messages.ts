/**
 * What the appliance says, as data: the one description from which types, validation and the published JSON
 * Schemas come.
 *
 * Here the schemas are strict, so that nothing leaves by accident; the published ones are open, so that a later
 * minor version may add names without breaking a subscriber.
 */
import { z } from "zod";
import { sealSchema } from "../seal/seal.ts";
import { type ReplyData, replySchema } from "./commands.ts";

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const name = z.string().min(1).max(64);
const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const code = z.string().regex(/^[A-Z0-9_]{1,64}$/);
const count = z.int().min(0);
const reference = z.string().max(256).nullable();
const utcMs = z.int().min(0);
const intendedUse = z.literal("research-only");
/** Four decimals: what the commitment binds is what is published. */
const probability = z
  .number()
  .min(0)
  .max(1)
  .refine((value) => value === roundTo4(value), { error: "more than 4 decimals" });
const deviceKind = z.enum(["usb", "stratum", "none"]);

/** Rounds a probability or threshold to the 4 decimals that leave the appliance. */
export function roundTo4(value: number): number {
  return Number(value.toFixed(4));
}

const model = z.strictObject({
  name,
  version: name,
  digest,
  pattern: z.enum(["A", "B", "C", "none"]),
  precision: name,
});

export const statusSchema = z.strictObject({
  state: z.enum(["online", "stopped", "offline"]),
  /** Random per start of the appliance; tells a restart from a reconnect. */
  bootId: id,
  intendedUse,
});

export const infoSchema = z.strictObject({
  site: name,
  appliance: name,
  bootId: id,
  startedUtcMs: utcMs,
  version: name,
  runtime: z.strictObject({ node: name, platform: name, arch: name }),
  model: model.nullable(),
  device: z.strictObject({ kind: deviceKind, simulated: z.boolean(), id: name, firmware: name }).nullable(),
  /** Ed25519, of the key that signs results and seals. */
  publicKey: digest,
  intendedUse,
});

/** DESIGN §6, "Result data". */
export const resultSchema = z.strictObject({
  resultId: id,
  /** 1, 2, 3 … per appliance: a gap is a result that was missed. */
  sequence: z.int().min(1),
  reference,
  status: z.enum(["preliminary", "corrected", "entered-in-error"]),
  assessed: z.boolean(),
  /** Why it was not assessed, sorted. */
  reasons: z.array(code),
  /** The class that `probability` speaks of. */
  label: name.nullable(),
  probability: probability.nullable(),
  threshold: probability.nullable(),
  decision: z.enum(["positive", "negative"]).nullable(),
  model,
  input: z.strictObject({ fileDigest: digest, rasterDigest: digest, rasterVersion: name }),
  attention: z.strictObject({
    version: name,
    scales: z.array(z.int().min(1).max(224)),
    digest: digest.nullable(),
    source: z.enum(["software", "cache", "none"]),
  }),
  /** The device present when the result was made; `checked` is always false, a check arrives later as an event. */
  device: z.strictObject({ kind: deviceKind, simulated: z.boolean(), checked: z.literal(false) }),
  cached: z.boolean(),
  timingMs: z.record(name, z.number().min(0)),
  seal: z.enum(["pending", "none"]),
  appliance: name,
  time: z.strictObject({ utcMs, synced: z.boolean().nullable() }),
  intendedUse,
});

const digestCheck = z.strictObject({
  kind: z.literal("digest-check"),
  resultId: id,
  reference,
  outcome: z.enum(["matched", "mismatched", "device-failed", "not-checked"]),
  /** Only for `matched`. */
  ok: z.boolean(),
  checked: count,
  mismatches: count,
  /** Why it failed or was not checked. */
  code: code.nullable(),
  device: z.strictObject({ kind: deviceKind, simulated: z.boolean() }),
  durationMs: z.number().min(0),
  intendedUse,
});

const alarm = z.strictObject({
  kind: z.literal("alarm"),
  code,
  raised: z.boolean(),
  message: z.string().max(500),
  sinceUtcMs: utcMs,
  /** The device that it speaks of; absent where it speaks of none, or none has ever been there. */
  device: z.strictObject({ id: name, simulated: z.boolean() }).optional(),
  intendedUse,
});

/** No file name: it may hold a patient's. */
const ingestRefused = z.strictObject({
  kind: z.literal("ingest-refused"),
  reference,
  fileDigest: digest.nullable(),
  code,
  message: z.string().max(500),
  intendedUse,
});

/** By the share times observed, the batch's seal should long have come. It still may. */
const sealLate = z.strictObject({
  kind: z.literal("seal-late"),
  sealedValue: digest,
  size: z.int().min(1),
  waitedMs: z.number().min(0),
  /** Mean wait with the devices that are there. */
  expectedMs: z.number().min(0),
  intendedUse,
});

/** Results wait beyond `seal.deadlineMs`, and there is no device to seal them. */
const sealNoDevice = z.strictObject({
  kind: z.literal("seal-no-device"),
  waitedMs: z.number().min(0),
  results: count,
  intendedUse,
});

/** Something the appliance did to a miner by itself. */
const minerAction = z.strictObject({
  kind: z.literal("miner-action"),
  miner: name,
  simulated: z.boolean(),
  /** `restart`: it worked for its fallback pool. `pause`, `resume`: `device.stratum.idle`. */
  action: z.enum(["restart", "pause", "resume"]),
  ok: z.boolean(),
  /** Why it failed. */
  code: code.nullable(),
  intendedUse,
});

export const eventSchema = z.discriminatedUnion("kind", [
  digestCheck,
  alarm,
  ingestRefused,
  sealLate,
  sealNoDevice,
  minerAction,
]);

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

export const DATA_SCHEMAS = {
  status: statusSchema,
  info: infoSchema,
  health: healthSchema,
  result: resultSchema,
  seal: sealSchema,
  event: eventSchema,
  reply: replySchema,
} as const;

export type StatusData = z.infer<typeof statusSchema>;
export type InfoData = z.infer<typeof infoSchema>;
export type HealthData = z.infer<typeof healthSchema>;
export type ResultData = z.infer<typeof resultSchema>;
export type SealData = z.infer<typeof sealSchema>;
export type EventData = z.infer<typeof eventSchema>;

export interface DataOf {
  status: StatusData;
  info: InfoData;
  health: HealthData;
  result: ResultData;
  seal: SealData;
  event: EventData;
  reply: ReplyData;
}
