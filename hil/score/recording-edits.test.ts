import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sha256 } from "../../host/device/digest.ts";
import { encodeFrame } from "../../host/device/link/frame.ts";
import { encodeRecording } from "../recording/encode.ts";
import type { Event } from "../recording/format.ts";
import { parseRecording } from "../recording/parse.ts";
import { HEADER, opened, r, w } from "../recording/testing/samples.ts";
import { verifyRecording } from "../recording/verify.ts";
import { LV06_SHARES_PATH } from "../targets/replay-lv06.ts";
import { EDITS, type EditName } from "./recording-edits.ts";

const BOOT = "1a2b3c4d";

/** Six blocks, each asked for and answered. */
function conversation(): Event[] {
  return Array.from({ length: 6 }, (_, i) => {
    const block = Buffer.of(i);
    const request = encodeFrame({ seq: i + 1, verb: "HASH", args: [block.toString("hex")] });
    const digest = Buffer.from(sha256(block)).toString("hex");
    const answer = encodeFrame({ seq: i + 1, verb: "OK", args: [BOOT, digest] });
    return [w(1000 * i, request.toString("latin1")), r(1000 * i + 500, answer.toString("latin1"))];
  }).flat();
}

const FILE = encodeRecording(HEADER, [opened(0), ...conversation()]);
const SHARES = readFileSync(LV06_SHARES_PATH);

const edited = (name: EditName, file = FILE) => EDITS[name](file);

describe("edits of recordings", () => {
  it("have a sound recording to begin with", () => {
    expect(verifyRecording(parseRecording(FILE)).wrong).toEqual([]);
  });

  it.each(["cut-the-end-off", "empty", "claim-a-later-version", "flip-a-digit"] as const)(
    "%s: the file is not read any more",
    (name) => {
      expect(() => parseRecording(edited(name) ?? FILE)).toThrow(/RECORDING_/);
    },
  );

  it.each(["forge-a-digest", "forge-the-request", "swap-two-answers"] as const)(
    "%s: the file is in order, and its digests are not true",
    (name) => {
      expect(verifyRecording(parseRecording(edited(name) ?? FILE)).wrong).not.toEqual([]);
    },
  );

  it.each(["change-a-nonce", "refuse-what-was-accepted"] as const)(
    "%s: the file is in order, and its shares are not true",
    (name) => {
      expect(verifyRecording(parseRecording(edited(name, SHARES) ?? SHARES)).wrong).not.toEqual([]);
    },
  );

  it.each(["leave-the-last-answer-out", "end-early", "another-boot", "claim-another-case", "slow-the-clock"] as const)(
    "%s: the file is in order, another, and tells no untruth that can be computed",
    (name) => {
      const file = edited(name) ?? FILE;
      expect(Buffer.compare(file, FILE)).not.toBe(0);
      expect(verifyRecording(parseRecording(file)).wrong).toEqual([]);
    },
  );

  it("change nothing where there is nothing to change", () => {
    expect(edited("change-a-nonce")).toBeUndefined();
    expect(edited("forge-a-digest", SHARES)).toBeUndefined();
  });
});
