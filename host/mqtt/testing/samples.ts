/** One message of every kind, and an outbox in memory's place: a real one in a folder of its own. */
import { readFileSync } from "node:fs";
import { decodeReceipt } from "../../seal/receipt.ts";
import { type Answer, type CommandHandlers, type CommandName, NO_ANSWER, type ReplyData } from "../commands.ts";
import type { EventData, HealthData, InfoData, ResultData, SealData, StatusData } from "../messages.ts";
import { makeIdentity } from "../topics.ts";

export const IDENTITY = makeIdentity("clinic", "box-1");

const digest = "0123456789abcdef".repeat(4);
const intendedUse = "research-only";
const model = { name: "m", version: "1.0.0", digest, pattern: "A", precision: "int8" } as const;

export const status: StatusData = { state: "online", bootId: "abc123", intendedUse };

export const info: InfoData = {
  site: "clinic",
  appliance: "box-1",
  bootId: "abc123",
  startedUtcMs: 1,
  version: "0.1.0",
  runtime: { node: "24.21.0", platform: "linux", arch: "x64" },
  model,
  device: { kind: "usb", simulated: true, id: "lv06-model-1", firmware: "lv06-core 0.1" },
  publicKey: digest,
  intendedUse,
};

export const result: ResultData = {
  resultId: "5b1f6a9e-0000-4000-8000-000000000001",
  sequence: 7,
  reference: "request 12",
  status: "preliminary",
  replaces: null,
  assessed: true,
  reasons: [],
  label: "PNEUMONIA",
  probability: 0.9312,
  threshold: 0.4501,
  decision: "positive",
  model,
  input: { fileDigest: digest, rasterDigest: digest, rasterVersion: "raster-v1" },
  attention: { version: "attention-v1", scales: [4, 8, 16], digest, source: "software" },
  device: { kind: "none", simulated: false, checked: false },
  cached: false,
  timingMs: { raster: 3.2, total: 14 },
  seal: "none",
  appliance: "box-1",
  time: { utcMs: 1_700_000_000_000, synced: null },
  intendedUse,
};

export const notAssessed: ResultData = {
  ...result,
  assessed: false,
  reasons: ["BLANK"],
  label: null,
  probability: null,
  decision: null,
  attention: { ...result.attention, digest: null, source: "none" },
};

export const inError: ResultData = {
  ...notAssessed,
  resultId: "0123456789abcdef0123456789abcdef",
  sequence: 8,
  status: "entered-in-error",
  replaces: result.resultId,
  reasons: ["ENTERED_IN_ERROR", "WRONG_PATIENT"],
  timingMs: {},
};

export const health: HealthData = {
  state: "degraded",
  alarms: ["DEVICE_ABSENT"],
  modes: ["software-only"],
  process: { uptimeS: 12.5, rssBytes: 100, loopDelayP99Ms: 11.2 },
  machine: { load1: 0.5, cores: 4, diskFreeBytes: 1000 },
  clock: { synced: null, stepped: false },
  parts: { inference: { state: "ready", sinceUtcMs: 5, lastErrorCode: null, restarts: 0 } },
  selfcheck: {
    ok: true,
    proven: true,
    utcMs: 1_700_000_000_000,
    durationMs: 21,
    lastErrorCode: null,
    reference: "own",
  },
  device: { kind: "usb", state: "ready", simulated: true, readings: { tempC: 51.2, resetReason: "power-on" } },
  miners: [
    {
      worker: "lv06.a",
      kind: "axeos",
      simulated: false,
      state: "alarm",
      alarms: ["MINER_FAN"],
      readings: { tempC: 61.5, fanRpm: 0, fallbackPool: false, firmware: "v2.4.1" },
      proven: { connected: true, accepted: 12, rejected: 0, hashrateGhs: 441.2, lastShareUtcMs: 1_700_000_000_000 },
    },
    { worker: "s9", kind: "s9", simulated: false, state: "offline", alarms: [], readings: {}, proven: null },
  ],
  pool: { state: "listening", connections: 1, joined: 1, ends: { "closed-by-peer": 2 } },
  sealing: {
    state: "working",
    waiting: 12,
    working: 10,
    seals: 3,
    sealedResults: 120,
    head: digest,
    expectedMs: 2300,
    energyPerSealJ: 31.2,
    energySimulated: false,
  },
  mqtt: { state: "online", protocolVersion: 5, connects: 1, lastErrorCode: null },
  store: { bytes: 4096, maxBytes: 1_000_000, lastSequence: 120, prunedThrough: 20 },
  encryption: { keyId: "0123456789abcdef", remaining: 0 },
  outbox: { rows: 0, bytes: 0, maxRows: 100, maxBytes: 1000 },
  queues: { inbox: 0 },
  cache: { hits: 1, misses: 2, damaged: 0, evicted: 0, failed: 0, entries: 1, bytes: 100 },
  inference: { restarts: 0 },
  errors: { RASTER_TRUNCATED: 2 },
  intendedUse,
};

export const seal: SealData = {
  format: "lv06/seal/1",
  appliance: "box-1",
  utcMs: 1_700_000_002_000,
  sealedValue: digest,
  root: digest,
  size: 10,
  previous: digest,
  workProof: { header: "00".repeat(80), coinbase: "00".repeat(100), branches: [digest] },
  device: { kind: "stratum", simulated: false, name: "lv06.a" },
  difficulty: "256",
  workVerified: true,
  publicKey: digest,
  intendedUse,
  signature: digest.repeat(2),
};

interface Vector {
  readonly name: string;
  readonly receipt: string;
}
const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL("../../seal/vectors/receipts.json", import.meta.url), "utf8"),
);
export const receipt = decodeReceipt(vectors.find(({ name }) => name === "valid")?.receipt ?? "");

/** What each command is answered with. */
export const answers: Required<Answer> = {
  receipt,
  resend: { from: 7, sent: 2, next: null, firstAvailable: 7 },
  health,
  selftest: { ok: false, checks: [{ name: "decoder", ok: false, code: "SELFCHECK_RASTER", durationMs: 12 }] },
  retry: { messages: 1 },
  infer: result,
  void: inError,
};

export const reply: ReplyData = {
  id: "ask-1",
  command: "receipt",
  ok: true,
  code: null,
  message: null,
  ...NO_ANSWER,
  receipt,
  intendedUse,
};

export const refused: ReplyData = {
  ...reply,
  ok: false,
  code: "COMMAND_FORM",
  message: "resultId: invalid. Send what the schema asks for.",
  receipt: null,
};

/** What is asked, without the id. */
export const commands: Readonly<Record<CommandName, object>> = {
  receipt: { resultId: result.resultId },
  resend: { from: 7, limit: 20 },
  health: {},
  selftest: {},
  retry: {},
  infer: { path: "/srv/films/film.png", reference: "request 12", stated: { age: 3, view: "AP" } },
  void: { resultId: result.resultId, reason: "WRONG_PATIENT" },
};

/** Every command is answered with its sample. */
export const handlers: CommandHandlers = {
  receipt: () => ({ receipt }),
  resend: () => ({ resend: answers.resend }),
  health: () => ({ health }),
  selftest: () => ({ selftest: answers.selftest }),
  retry: () => ({ retry: answers.retry }),
  infer: () => ({ infer: result }),
  void: () => ({ void: inError }),
};

export const events: Readonly<Record<EventData["kind"], EventData>> = {
  "digest-check": {
    kind: "digest-check",
    resultId: result.resultId,
    reference: null,
    outcome: "matched",
    ok: true,
    checked: 4116,
    mismatches: 0,
    code: null,
    device: { kind: "usb", simulated: true },
    durationMs: 812,
    intendedUse,
  },
  "clock-step": { kind: "clock-step", byMs: -86_400_000, intendedUse },
  alarm: { kind: "alarm", code: "DISK_LOW", raised: true, message: "512 MiB left", sinceUtcMs: 4, intendedUse },
  "ingest-refused": {
    kind: "ingest-refused",
    reference: "request 13",
    fileDigest: digest,
    code: "RASTER_TRUNCATED",
    message: "the file ends early",
    intendedUse,
  },
  "seal-late": { kind: "seal-late", sealedValue: digest, size: 10, waitedMs: 16_000, expectedMs: 2300, intendedUse },
  "seal-no-device": { kind: "seal-no-device", waitedMs: 30_000, results: 4, intendedUse },
  "outbox-parked": {
    kind: "outbox-parked",
    messageId: `result-${result.resultId}`,
    code: "MQTT_TOO_LARGE",
    bytes: 4000,
    intendedUse,
  },
  "store-restored": {
    kind: "store-restored",
    file: "results.db.damaged-20260930T101500Z",
    saved: 4980,
    ...{ lost: 20, lostFrom: 1201, lostTo: 1220, queuedAgain: 300 },
    intendedUse,
  },
  "miner-action": {
    kind: "miner-action",
    miner: "lv06.a",
    simulated: false,
    action: "restart",
    ok: false,
    code: "AXEOS_UNREACHABLE",
    intendedUse,
  },
};
