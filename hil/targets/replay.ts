/** Recordings as a target: a folder with one file a case. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Capability } from "../../host/device/device.ts";
import { RecordingError } from "../recording/error.ts";
import { at, EXTENSION, RECORDINGS_FOLDER, readRecording, recordingPath } from "../recording/files.ts";
import type { Recording } from "../recording/format.ts";
import type { Pace } from "../recording/pace.ts";
import { replayStratum } from "../recording/replay-stratum.ts";
import { replayUsb } from "../recording/replay-usb.ts";
import { expectSound } from "../recording/sound.ts";
import type { Ability, Identity, TransportKind } from "../rig/bench.ts";
import type { Case } from "../rig/case.ts";
import type { BenchFor, Target } from "../rig/target.ts";
import { lacking } from "./live-bench.ts";

export interface ReplayTargetOptions {
  /** Holds the folders `usb` and `stratum`; default the recordings that come with the rig. */
  readonly folder?: string;
  /** Default `max`. */
  readonly pace?: Pace;
}

/** @throws RecordingError RECORDING_MISSING where the folder holds none */
export function replayUsbTarget(options: ReplayTargetOptions = {}): Target<"usb"> {
  return replayTarget("usb", options, replayUsb);
}

/** @throws RecordingError RECORDING_MISSING where the folder holds none */
export function replayStratumTarget(options: ReplayTargetOptions = {}): Target<"stratum"> {
  return replayTarget("stratum", options, replayStratum);
}

function replayTarget<Kind extends TransportKind>(
  transport: Kind,
  { folder = RECORDINGS_FOLDER, pace }: ReplayTargetOptions,
  play: (recording: Recording, options: { readonly pace?: Pace }) => BenchFor<Kind>,
): Target<Kind> {
  const devices = recordedDevices(join(folder, transport));
  const { identity, can } = together(devices);
  return {
    name: `replay-${transport}`,
    ...{ kind: "replay", transport, identity },
    covers: (one) => covers(one, recordingPath(folder, transport, one.id), { identity, can }),
    open: async (one) => {
      const path = recordingPath(folder, transport, one.id);
      const recording = readRecording(path);
      at(path, () => expectOf(recording, one));
      return play(recording, pace === undefined ? {} : { pace });
    },
    close: async () => {},
  };
}

/** A file that is there and no good is run all the same: its case then fails, and says why. */
function covers(
  one: Case,
  path: string,
  all: { readonly identity: Identity; readonly can: ReadonlySet<Ability> },
): ReturnType<Target["covers"]> {
  const recording = existsSync(path) ? readIfGood(path) : null;
  if (recording === undefined) return { runs: true };
  if (recording === null) {
    const reason = lacking(one, all.identity.capabilities, all.can);
    return reason === undefined
      ? { runs: false, verdict: "missing", reason: "there is no recording of it" }
      : { runs: false, verdict: "not-applicable", reason };
  }
  // What is said to be lacking must not hide a file that is no good.
  if (!isOf(recording, one)) return { runs: true };
  if (recording.end.redacted > 0) {
    const reason = "what the device answered is a secret, which no recording holds";
    return { runs: false, verdict: "not-applicable", reason };
  }
  const { device, can } = recording.header;
  const reason = lacking(one, new Set(device.capabilities), new Set(can.filter(isReplayed)));
  return reason === undefined ? { runs: true } : { runs: false, verdict: "not-applicable", reason };
}

function isOf(recording: Recording, one: Case): boolean {
  try {
    expectOf(recording, one);
    return true;
  } catch (error) {
    if (error instanceof RecordingError) return false;
    throw error;
  }
}

/** @throws RecordingError RECORDING_OTHER, RECORDING_FAILED, RECORDING_FALSE */
function expectOf(recording: Recording, one: Case): void {
  const { header, end } = recording;
  if (header.case.id !== one.id || header.transport !== one.transport) {
    throw new RecordingError(
      "RECORDING_OTHER",
      `it is of ${header.case.id} over ${header.transport}, not of ${one.id}`,
    );
  }
  if (end.verdict !== "passed")
    throw new RecordingError("RECORDING_FAILED", `${one.id} ${end.verdict} when it was recorded`);
  expectSound(recording);
  const reason = lacking(one, new Set(header.device.capabilities), new Set(header.can));
  if (reason !== undefined)
    throw new RecordingError("RECORDING_OTHER", `${one.id} was recorded, and by its header ${reason}`);
}

function recordedDevices(folder: string): readonly Recording["header"][] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(EXTENSION)) : [];
  if (names.length === 0) throw new RecordingError("RECORDING_MISSING", `${folder} holds no recordings`);
  return names.flatMap((name) => readIfGood(join(folder, name))?.header ?? []);
}

function readIfGood(path: string): Recording | undefined {
  try {
    return readRecording(path);
  } catch (error) {
    if (error instanceof RecordingError) return undefined;
    throw error;
  }
}

/** Several devices as one: what any of them can. Simulated if one of them is. */
function together(headers: readonly Recording["header"][]): {
  readonly identity: Identity;
  readonly can: ReadonlySet<Ability>;
} {
  const all = (of: (header: Recording["header"]) => string) => [...new Set(headers.map(of))].join(", ");
  return {
    identity: {
      id: all(({ device }) => device.id),
      firmware: all(({ device }) => device.firmware),
      simulated: headers.some(({ simulated }) => simulated),
      capabilities: new Set<Capability>(headers.flatMap(({ device }) => device.capabilities)),
    },
    can: new Set(headers.flatMap(({ can }) => can).filter(isReplayed)),
  };
}

/** A recording holds what passed: to damage it anew would be another conversation. */
export function isReplayed(ability: Ability): boolean {
  return ability !== "faults";
}
