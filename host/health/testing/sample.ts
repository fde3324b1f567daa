/** A health message with something in every part. */
import type { HealthData } from "../../mqtt/messages.ts";

const lv06 = { worker: "lv06.a", kind: "axeos", simulated: false, state: "alarm", alarms: ["MINER_FAN"] } as const;

export const HEALTH: HealthData = {
  state: "degraded",
  alarms: ["DEVICE_ABSENT", "MINER_FAN"],
  modes: ["software-only"],
  process: { uptimeS: 12.5, rssBytes: 100, openFiles: 42, loopDelayP99Ms: 11.2 },
  machine: { load1: 0.5, cores: 4, diskFreeBytes: 1000, cpuTempC: 48.5, throttled: ["under-voltage"] },
  clock: { synced: true, stepped: false },
  parts: { model: { state: "ready", sinceUtcMs: 5, lastErrorCode: null, restarts: 2 } },
  selfcheck: {
    ok: true,
    proven: true,
    utcMs: 1_700_000_000_000,
    durationMs: 21,
    lastErrorCode: null,
    reference: "own",
  },
  device: {
    ...{ kind: "usb", state: "ready", id: "lv06-model-1", simulated: true },
    readings: { tempC: 51.2, inputMv: 5062.5, resetReason: "power-on" },
    recovery: { rung: "none", reason: null, failures: 0, resets: 1 },
  },
  miners: [
    {
      ...{ ...lv06, alarms: [...lv06.alarms] },
      readings: { tempC: 61.5, fanRpm: 0, fallbackPool: false, firmware: "v2.4.1" },
      proven: { connected: true, accepted: 12, rejected: 0, hashrateGhs: 441.2, lastShareUtcMs: 1_700_000_000_000 },
    },
    { worker: "s9", kind: "s9", simulated: false, state: "offline", alarms: [], readings: {}, proven: null },
    { worker: "x", kind: "unknown", simulated: true, state: "unread", alarms: [], readings: {}, proven: null },
  ],
  pool: { state: "listening", connections: 1, joined: 1, ends: { "closed-by-peer": 2 } },
  sealing: {
    ...{ state: "working", waiting: 12, working: 10, seals: 3, sealedResults: 120, head: "0".repeat(64) },
    ...{ lastSealUtcMs: 1_700_000_000_500, expectedMs: 2300, energyPerSealJ: 31.2, energySimulated: false },
  },
  mqtt: { state: "online", protocolVersion: 5, connects: 1, lastErrorCode: null },
  store: { bytes: 4096, maxBytes: 1_000_000, lastSequence: 120, prunedThrough: 20 },
  encryption: { keyId: "0123456789abcdef", remaining: 0 },
  outbox: { rows: 0, bytes: 0, maxRows: 100, maxBytes: 1000 },
  queues: { inbox: 0 },
  cache: { hits: 1, misses: 2, damaged: 0, evicted: 0, failed: 0, entries: 1, bytes: 100 },
  inference: { restarts: 0 },
  errors: { RASTER_TRUNCATED: 2 },
  intendedUse: "research-only",
};
