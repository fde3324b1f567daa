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
import { model, resultSchema } from "./result-data.ts";

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

/** The clock was set while the appliance ran: times before and after it do not compare. */
const clockStep = z.strictObject({ kind: z.literal("clock-step"), byMs: z.int(), intendedUse });

/** The store was damaged, and what could be read of it was saved into a new one. */
const storeRestored = z.strictObject({
  kind: z.literal("store-restored"),
  /** Of the damaged one in the data folder. */
  file: name,
  saved: count,
  /** Numbers whose results were not found: so many were lost at most. */
  lost: count,
  /** The lowest and the highest of them; null where there is none. */
  lostFrom: z.int().min(1).nullable(),
  lostTo: z.int().min(1).nullable(),
  /** Messages that may have been lost, and come again under the same ids. */
  queuedAgain: count,
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
  clockStep,
  storeRestored,
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
