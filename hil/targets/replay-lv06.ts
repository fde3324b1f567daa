/**
 * The 20 shares of a real LV06 as a target of its own: real shares in a reconstructed framing. It has one case, and is
 * no proof of anything that the case does not say.
 */
import { RecordingError } from "../recording/error.ts";
import { at, readRecording } from "../recording/files.ts";
import type { Recording } from "../recording/format.ts";
import { replayStratum } from "../recording/replay-stratum.ts";
import type { ReplayOptions } from "../recording/replay-usb.ts";
import { expectSound } from "../recording/sound.ts";
import type { Target } from "../rig/target.ts";

export const LV06_SHARES_PATH: string = new URL("../recordings/real/lv06-shares.ndjson", import.meta.url).pathname;

export interface ReplayLv06Options extends ReplayOptions {
  /** Default the recording that comes with the rig. */
  readonly path?: string;
}

/** @throws RecordingError for a recording that is not there, was changed, or is of something else */
export function replayLv06(options: ReplayLv06Options = {}): Target<"stratum"> {
  const { path = LV06_SHARES_PATH } = options;
  const { header } = readReal(path);
  return {
    name: "replay-lv06-shares",
    kind: "replay",
    transport: "stratum",
    identity: {
      id: header.device.id,
      firmware: `${header.device.firmware}; real shares, framing ${header.framing}`,
      simulated: header.simulated,
      capabilities: new Set(header.device.capabilities),
    },
    covers: ({ id }) =>
      id === header.case.id
        ? { runs: true }
        : { runs: false, verdict: "not-applicable", reason: "the recording holds the LV06's shares and nothing else" },
    open: async () => replayStratum(readReal(path), options),
    close: async () => {},
  };
}

function readReal(path: string): Recording {
  const recording = readRecording(path);
  const { transport, stratum, target } = recording.header;
  if (transport === "stratum" && stratum?.jobs !== undefined && target.kind === "real") {
    at(path, () => expectSound(recording));
    return recording;
  }
  throw new RecordingError("RECORDING_OTHER", `${path} holds no shares of a real device`);
}
