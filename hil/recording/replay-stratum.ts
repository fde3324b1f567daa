/** A recorded device on the pool under test: its bytes go in, and what the pool says is held against what it said then. */
import { sleep } from "../../host/device/clock.ts";
import type { Admit } from "../../host/device/stratum/admission.ts";
import type { MakeJob } from "../../host/device/stratum/jobs.ts";
import { DROP_REASONS, type DropReason } from "../../host/device/stratum/limits.ts";
import type { Peer, Wire } from "../../host/device/stratum/peer.ts";
import type { Job } from "../../host/work/job.ts";
import type { BenchFor } from "../rig/target.ts";
import { type Joined, stratumBenchFor } from "../targets/stratum-bench.ts";
import type { TappedBridge } from "../targets/tapped-bridge.ts";
import { RecordingError } from "./error.ts";
import type { Control, Event, Recording } from "./format.ts";
import { Player } from "./player.ts";
import { notesOf, type ReplayOptions } from "./replay-usb.ts";
import { ACTS } from "./script.ts";
import { jobOf } from "./stratum-job.ts";
import { messagesOf, questionKey } from "./stratum-text.ts";

const JOIN_MS = 600_000;
const SLACK_MS = 1;

/** A fresh bench that plays the recording. @throws RecordingError RECORDING_OTHER for one that is not of Stratum */
export function replayStratum(recording: Recording, { pace }: ReplayOptions = {}): BenchFor<"stratum"> {
  const { header, events } = recording;
  const { stratum } = header;
  if (stratum === undefined) throw new RecordingError("RECORDING_OTHER", "it says nothing of a Stratum device");
  const device = new RecordedDevice();
  const deliver = (event: Event) => device.deliver(event);
  const player = new Player({ events, deliver, ...(pace === undefined ? {} : { pace }) });
  device.player = player;
  const opened = stratumBenchFor({
    ...{ target: "replay", clock: player.clock, startUtcMs: header.startedUtcMs, seed: header.seed, can: header.can },
    ...{ difficulty: stratum.difficulty, admit: admitAsRecorded(recording), notes: notesOf(recording) },
    jobs: (stratum.jobs ?? []).map(({ commitment, tookMs }) => ({
      commitment: Buffer.from(commitment, "hex"),
      tookMs,
    })),
    options: {
      ...(stratum.jobs === undefined ? {} : { makeJob: recordedJobs(events) }),
      ...(stratum.extranonce1 === undefined ? {} : { extranonce1: counted(stratum.extranonce1) }),
    },
    meet: async (bridge: TappedBridge, joined: Promise<Joined>) => {
      device.bridge = bridge;
      await player.settle(joined, JOIN_MS);
    },
    settle: (work, deadlineMs) => player.settle(work, deadlineMs),
    skip: (ms) => player.settle(sleep(player.clock, ms), ms + SLACK_MS),
    restart: async () => {
      await player.call(
        ACTS,
        "a restart of the device",
        (control) => control.op === "act" && control.ability === "restart",
      );
    },
    close: async () => {},
  });
  return {
    ...opened,
    close: async () => {
      try {
        await player.close();
      } finally {
        // The bridge ends now as it did then, after the recording.
        device.player = undefined;
        await opened.close();
      }
    },
  };
}

class RecordedDevice {
  bridge: TappedBridge | undefined;
  player: Player | undefined;
  readonly #peers = new Map<number, Peer>();
  /** Connections that the device itself ends: the pool then has nothing to say in it. */
  readonly #leaving = new Set<number>();

  /** @returns false for bytes of a device that is not connected */
  deliver(event: Event): boolean {
    const { bridge } = this;
    if (bridge === undefined) return false;
    // The bytes are as they arrived; whatever a case has done to them was done then.
    bridge.damage = (chunk) => [chunk];
    if (event.code === "r") {
      const peer = this.#peers.get(event.connection);
      if (peer === undefined) return false;
      bridge.receive(peer, event.bytes);
    } else if (event.code === "c" && event.control.op === "accept") {
      const peer = bridge.connect(this.#wire(event.connection));
      if (peer !== null) this.#peers.set(event.connection, peer);
    } else if (event.code === "c" && event.control.op === "close") {
      this.#leaving.add(event.connection);
      this.#peers.get(event.connection)?.end(dropReason(event.control.reason));
    }
    return true;
  }

  #wire(connection: number): Wire {
    const isClose = (control: Control) => control.op === "close" && control.by === "host";
    const quiet = (work: () => unknown) => {
      // What does not fit is told where the case waits; here it would tear the bridge down half-way.
      try {
        work();
      } catch {}
    };
    return {
      address: "recording",
      unreadBytes: 0,
      send: (text) => quiet(() => this.player?.wrote(connection, Buffer.from(text))),
      close: () => {
        if (this.#leaving.has(connection)) return;
        this.player?.call(connection, "the connection's end", isClose).catch(() => {});
      },
    };
  }
}

function dropReason(reason: string): DropReason {
  return DROP_REASONS.find((known) => known === reason) ?? "closed-by-peer";
}

/** Who was admitted then is admitted again. */
function admitAsRecorded({ header, events }: Recording): Admit {
  const asked = new Map<string, string>();
  const admitted = new Set<string>();
  for (const message of messagesOf(events)) {
    const key = questionKey(message);
    const [worker] = message.params;
    if (message.from === "device" && message.method === "mining.authorize" && typeof worker === "string") {
      asked.set(key, worker);
    } else if (message.from === "host" && message.method === "" && message.result === true) {
      admitted.add(asked.get(key) ?? "");
    }
  }
  return (worker) => (admitted.has(worker) ? { kind: "admitted", simulated: header.simulated } : { kind: "refused" });
}

/** The jobs of the recording, in their order, for those that the bridge would make. */
function recordedJobs(events: readonly Event[]): MakeJob {
  const jobs: Job[] = [];
  for (const { from, method, params } of messagesOf(events)) {
    const job = from === "host" && method === "mining.notify" ? jobOf(params) : undefined;
    if (job !== undefined) jobs.push(job);
  }
  let next = 0;
  return () => {
    const job = jobs[next];
    next += 1;
    if (job === undefined)
      throw new RecordingError("RECORDING_MISMATCH", `the host gives out a job more than ${jobs.length}`);
    return job;
  };
}

/** The first connection gets this one, the others the next ones. */
function counted(first: string): () => Uint8Array {
  let next = Number.parseInt(first, 16);
  return () => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(next);
    next = (next + 1) % 2 ** 32;
    return bytes;
  };
}
