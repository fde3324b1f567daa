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
import { code, count, deviceKind, digest, id, intendedUse, name, reference, utcMs } from "./fields.ts";
import { healthSchema } from "./health-data.ts";

/** Four decimals: what the commitment binds is what is published. */
const probability = z
  .number()
  .min(0)
  .max(1)
  .refine((value) => value === roundTo4(value), { error: "more than 4 decimals" });
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

/** The broker can never take a message, so it was set aside, and those behind it went on. */
const outboxParked = z.strictObject({
  kind: z.literal("outbox-parked"),
  /** The CloudEvent's id: of a result, a seal. */
  messageId: z.string().min(1).max(128),
  code,
  bytes: count,
  intendedUse,
});

export const eventSchema = z.discriminatedUnion("kind", [
  digestCheck,
  alarm,
  ingestRefused,
  sealLate,
  sealNoDevice,
  minerAction,
  outboxParked,
]);

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
