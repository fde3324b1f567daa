/** What the supervisor starts, stops and tells of: every part, by the name that health gives it. */
import { errorCode } from "../base/error.ts";
import type { Inbox } from "../ingest/inbox.ts";
import type { KeptUpkeep } from "../ingest/kept-upkeep.ts";
import type { DigestChecker } from "../pipeline/checker.ts";
import type { Rasteriser } from "../raster/rasteriser.ts";
import type { Cache } from "../store/cache.ts";
import type { FolderLock } from "../store/lock.ts";
import type { ResultStore } from "../store/results.ts";
import type { ClockKeeper } from "./clock-keeper.ts";
import type { ConfiguredDevice } from "./device.ts";
import type { Devices } from "./devices.ts";
import type { HealthReport } from "./health-report.ts";
import type { Housekeeper } from "./housekeeper.ts";
import type { Images } from "./images.ts";
import type { MinerFleet } from "./miners/miner-fleet.ts";
import type { ModelSlot } from "./model-slot.ts";
import type { Pool } from "./pool.ts";
import type { Publishing } from "./publishing.ts";
import type { Sealing } from "./sealing/sealing.ts";
import type { Selfcheck } from "./selfcheck.ts";
import type { Part, Stage } from "./supervisor.ts";

export interface Made {
  readonly lock: FolderLock;
  readonly store: ResultStore;
  readonly cache: Cache;
  readonly publishing: Publishing;
  readonly devices: Devices;
  readonly sealing: Sealing;
  readonly sealingErrorCode: () => string | null;
  readonly miners: MinerFleet;
  readonly checker: DigestChecker;
  readonly images: Images;
  readonly housekeeper: Housekeeper;
  readonly kept: KeptUpkeep;
  readonly inbox: Inbox;
  /** Why no new work comes in; null where it does. */
  readonly refusal: () => string | null;
  readonly clock: ClockKeeper;
  readonly health: HealthReport;
  readonly selfcheck: Selfcheck;
  /** Where metrics are served. */
  readonly metrics: Part | undefined;
}

/** For the outbox to empty while the broker is there. */
const DRAIN_MS = 700;

/**
 * In the order of their start. A clean stop takes 5 s at most: the last stage is told to stop first, and each has until its
 * time for what it has under way. Nothing is lost by what is cut short: files stay in the inbox, messages in the outbox.
 */
export function stagesOf(made: Made): readonly Stage[] {
  const { clock, health, selfcheck, metrics } = made;
  const watching = [
    part("clock", clock, () => ({ state: clock.stepped ? "stepped" : "running" })),
    part("health", health),
    part("selfcheck", selfcheck, () => selfcheckState(selfcheck)),
    ...(metrics === undefined ? [] : [metrics]),
  ];
  return [
    { parts: storing(made), stopByMs: 5_000 },
    { parts: publishing(made), stopByMs: 4_800 },
    { parts: working(made), stopByMs: 2_900 },
    { parts: [inboxPart(made)], stopByMs: 1_700 },
    { parts: watching, stopByMs: 200 },
  ];
}

type Running = Pick<Part, "start" | "stop">;

function part(name: string, running: Running, state?: Part["state"], essential?: true): Part {
  return {
    name,
    start: () => running.start?.(),
    stop: () => running.stop?.(),
    ...(state === undefined ? {} : { state }),
    ...(essential === undefined ? {} : { essential }),
  };
}

/** Open before anything starts, closed after everything else has stopped. */
function storing({ store, cache, lock }: Made): Part[] {
  const closed = () => {
    store.close();
    lock.release();
  };
  return [
    { name: "store", stop: closed },
    { name: "cache", stop: () => cache.close() },
  ];
}

function publishing({ publishing, store }: Made): Part[] {
  const stop = async () => {
    await publishing.drain(DRAIN_MS);
    await publishing.stop();
  };
  const start = () => publishing.start();
  const broker = () => {
    const { state = "stopped", lastErrorCode = null, connects = 0 } = publishing.state ?? {};
    return { state, lastErrorCode, restarts: Math.max(0, connects - 1) };
  };
  const outbox = () => ({
    state: store.outbox.rows === 0 ? "empty" : "waiting",
    lastErrorCode: publishing.lastErrorCode,
  });
  return [part("broker", { start, stop }, broker, true), { name: "outbox", state: outbox }];
}

function working({ devices, sealing, sealingErrorCode, miners, checker, images, housekeeper, kept }: Made): Part[] {
  const { usb, pool } = devices;
  return [
    devicePart(usb),
    ...(pool.configured ? [poolPart(pool)] : []),
    part("sealing", sealing, () => ({ state: sealing.view().state, lastErrorCode: sealingErrorCode() }), true),
    part("miners", miners),
    part("checker", { stop: () => checker.stop() }, () => ({ state: checker.queued === 0 ? "idle" : "working" })),
    decoderPart(images.rasteriser),
    modelPart(images.model),
    part("housekeeper", housekeeper, () => ({ lastErrorCode: housekeeper.lastErrorCode })),
    part("kept", kept, () => ({ lastErrorCode: kept.lastErrorCode })),
  ];
}

export function devicePart(usb: ConfiguredDevice): Part {
  return part("device", usb, () => {
    const { settled } = usb;
    return { state: usb.state.kind, lastErrorCode: "error" in settled ? errorCode(settled.error) : null };
  });
}

function poolPart(pool: Pool): Part {
  return part("pool", pool, () => ({ state: pool.state, lastErrorCode: pool.lastErrorCode }));
}

function decoderPart(rasteriser: Rasteriser): Part {
  const running = { start: () => rasteriser.warm(), stop: () => rasteriser.stop() };
  return part("decoder", running, () => {
    const { pid, starts, resting, lastErrorCode } = rasteriser.state;
    const state = resting ? "resting" : pid === undefined ? "idle" : "ready";
    return { state, lastErrorCode, restarts: Math.max(0, starts - 1) };
  });
}

function modelPart(model: ModelSlot): Part {
  // Not waited for: what fails is told by its state, and tried again.
  const start = () => void model.get().catch(() => {});
  return part("model", { start, stop: () => model.stop() }, () => {
    const { state, lastErrorCode, starts } = model.state;
    return { state, lastErrorCode, restarts: Math.max(0, starts - 1) };
  });
}

function inboxPart({ inbox, refusal }: Made): Part {
  const state = () => {
    if (inbox.trouble !== null) return { state: "failed", lastErrorCode: inbox.trouble };
    return refusal() === null ? {} : { state: "paused", lastErrorCode: refusal() };
  };
  return part("inbox", inbox, state, true);
}

function selfcheckState(selfcheck: Selfcheck): ReturnType<NonNullable<Part["state"]>> {
  const lastErrorCode = selfcheck.view?.lastErrorCode ?? null;
  if (selfcheck.failing === undefined) return { state: "waiting", lastErrorCode };
  return { state: selfcheck.failing ? "failed" : "passed", lastErrorCode };
}
