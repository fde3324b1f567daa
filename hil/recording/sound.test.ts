/** Recordings that somebody edited who knows the format: counts and hashes are right, and what they say cannot be. */
import { describe, expect, it } from "vitest";
import { errorCode } from "../../host/base/error.ts";
import { sha256 } from "../../host/device/digest.ts";
import { encodeFrame } from "../../host/device/link/frame.ts";
import { encodeRecording } from "./encode.ts";
import { RECORDINGS_FOLDER, readRecording, recordingPath } from "./files.ts";
import type { Event, Header, Recording } from "./format.ts";
import { parseRecording } from "./parse.ts";
import { expectSound } from "./sound.ts";
import { closed, EVENTS, HEADER, opened, r, w } from "./testing/samples.ts";
import { verifyRecording } from "./verify.ts";

interface Claim {
  readonly header?: Header;
  readonly redacted?: number;
  readonly verdict?: "passed" | "failed";
}

function made(events: readonly Event[], { header = HEADER, redacted = 0, verdict = "passed" }: Claim = {}): Recording {
  return parseRecording(encodeRecording(header, events, verdict, redacted));
}

/** What playing it and computing it again come to: the same. */
function verdictOf(events: readonly Event[], claim: Claim = {}): string | null {
  const recording = made(events, claim);
  const played = codeOf(() => expectSound(recording));
  const computed = codeOf(() => {
    if (verifyRecording(recording).wrong.length > 0)
      throw Object.assign(new Error("false"), { code: "RECORDING_FALSE" });
  });
  expect(computed).toBe(played);
  return played;
}

function codeOf(work: () => void): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return errorCode(error);
  }
}

const text = (seq: number, verb: string, ...args: string[]) => encodeFrame({ seq, verb, args }).toString("latin1");
const block = Buffer.from("abc");
const ask = (atUs: number, seq: number, connection = 1) =>
  w(atUs, text(seq, "HASH", block.toString("hex")), connection);
const answer = (atUs: number, seq: number, connection = 1) =>
  r(atUs, text(seq, "OK", "1a2b3c4d", Buffer.from(sha256(block)).toString("hex")), connection);
const TALK = [opened(0), ask(1, 1), ask(2, 2), answer(3, 1), answer(4, 2), closed(5, "host")];

describe("the connections of a recording", () => {
  it("are as they can be", () => {
    expect(verdictOf(TALK)).toBeNull();
    expect(verdictOf(EVENTS)).toBeNull();
    expect(verdictOf([...TALK, opened(6, 2), ask(7, 3, 2), answer(8, 3, 2)])).toBeNull();
    expect(
      verdictOf([...TALK, { atUs: 9, code: "c", connection: 1, control: { op: "act", ability: "crash" } }]),
    ).toBeNull();
  });

  const late = (op: "lines" | "baud"): Event => ({
    ...{ atUs: 9, code: "c", connection: 1 },
    control: op === "lines" ? { op, dtr: true, rts: true } : { op, baud: 115_200 },
  });
  const failedOpen: Event = {
    ...{ atUs: 0, code: "c", connection: 1 },
    control: { op: "open", rated: false, error: { code: "DEVICE_ABSENT", detail: "" } },
  };
  it.each<[string, readonly Event[]]>([
    ["bytes before it begins", TALK.slice(1)],
    ["bytes on one that never begins", [...TALK, r(9, "x", 7)]],
    ["bytes after its end", [...TALK, r(9, "x")]],
    ["bytes on one that could not be had", [failedOpen, r(9, "x")]],
    ["a number left out", TALK.map((event) => ("connection" in event ? { ...event, connection: 2 } : event))],
    ["a beginning in the middle", [...TALK.slice(0, -1), opened(9)]],
    ["a second end", [...TALK, closed(9, "device")]],
    ["levels after the end", [...TALK, late("lines")]],
    ["a rate after the end", [...TALK, late("baud")]],
    ["another transport's beginning", [{ atUs: 0, code: "c", connection: 1, control: { op: "accept" } }, r(1, "x")]],
    [
      "an act on a connection",
      [...TALK, { atUs: 9, code: "c", connection: 2, control: { op: "act", ability: "crash" } }],
    ],
  ])("have not %s", (_, events) => {
    expect(verdictOf(events)).toBe("RECORDING_FORM");
  });

  it("may be told of a rate that they no longer take", () => {
    const refused: Event = { atUs: 9, code: "c", connection: 1, control: { op: "baud", baud: 9600, error: "closed" } };
    expect(verdictOf([...TALK, refused])).toBeNull();
  });

  it("are there, unless the case failed before the first", () => {
    expect(verdictOf([])).toBe("RECORDING_EMPTY");
    expect(verdictOf([{ atUs: 1, code: "m", text: "begins" }])).toBe("RECORDING_EMPTY");
    expect(verdictOf([], { verdict: "failed" })).toBeNull();
  });
});

describe("answers in a recording", () => {
  it("stand after their questions, and as often as these", () => {
    expect(verdictOf([opened(0), answer(1, 1), ask(2, 1)])).toBe("RECORDING_FALSE");
    expect(verdictOf([opened(0), ask(1, 1), answer(2, 1), answer(3, 1)])).toBe("RECORDING_FALSE");
    expect(verdictOf([opened(0), ask(1, 1), ask(1, 1), answer(2, 1), answer(3, 1)])).toBeNull();
    expect(verdictOf([opened(0), ask(1, 1), r(2, text(1, "ERR", "1a2b3c4d", "BUSY")), answer(3, 1)])).toBe(
      "RECORDING_FALSE",
    );
  });

  it("may come on a later connection, and are then not judged", () => {
    const events = [opened(0), ask(1, 1), closed(2, "host"), opened(3, 2), answer(4, 1, 2)];
    expect(verifyRecording(made(events))).toEqual({ digests: 0, proofs: 0, wrong: [], unchecked: 1 });
  });
});

describe("what a recording says of its device", () => {
  const words = ["proto=1", "firmware=lv06-model/1", "device=lv06-model-00000007", "caps=hash,image", "simulated=1"];
  const hello = [opened(0), w(1, text(1, "HELLO", "1", "0a0b0c0d")), r(2, text(1, "OK", "1a2b3c4d", ...words))];
  const claims = (change: Partial<Header["device"]>): Claim => ({
    header: { ...HEADER, device: { ...HEADER.device, capabilities: ["hash", "image"], ...change } },
  });

  it("is what the device says, but for rates that it has on another line", () => {
    expect(verdictOf(hello, claims({}))).toBeNull();
    expect(verdictOf(hello, claims({ capabilities: ["image", "baud", "hash"] }))).toBeNull();
  });

  it.each<[string, Partial<Header["device"]>]>([
    ["firmware", { firmware: "lv06-model/2" }],
    ["id", { id: "lv06-model-00000008" }],
    ["beginning of its id", { id: "lv06" }],
    ["capabilities, of which there are less", { capabilities: ["hash"] }],
    ["capabilities, of which there are none", { capabilities: [] }],
    ["capabilities, of which there are more", { capabilities: ["hash", "image", "attest"] }],
  ])("is not another %s", (_, change) => {
    expect(verdictOf(hello, claims(change))).toBe("RECORDING_OTHER");
  });

  const stratum = readRecording(recordingPath(RECORDINGS_FOLDER, "stratum", "stratum/share/first-proves"));
  const { header, events } = stratum;
  const device = (change: Partial<Header["device"]>): Claim => ({
    header: { ...header, device: { ...header.device, ...change } },
  });

  it("is over Stratum the worker and the client of the miner", () => {
    expect(verdictOf(events, { header })).toBeNull();
    expect(verdictOf(events, device({ id: "lv06" }))).toBe("RECORDING_OTHER");
    expect(verdictOf(events, device({ firmware: "ESP-Miner v2.15, simulated" }))).toBe("RECORDING_OTHER");
    expect(verdictOf(events, { header: { ...header, simulated: false } })).toBe("RECORDING_OTHER");
    expect(verdictOf(events, device({ firmware: "LuckyMiner/BM1366/v2.4.0" }))).toBeNull();
  });

  it("is no share of a job before the job was given out", () => {
    const [begins, ...rest] = events;
    const [said, heard] = [rest.filter(({ code }) => code === "w"), rest.filter(({ code }) => code === "r")];
    const early = [...(begins === undefined ? [] : [begins]), ...heard, ...said].map((event) => ({
      ...event,
      atUs: 0,
    }));
    expect(verdictOf(early, { header })).toBe("RECORDING_FALSE");
  });
});

describe("the secrets of a recording", () => {
  const key = w(1, text(1, "KEY", "33".repeat(32)));
  const hidden = r(2, text(1, "OK", "1a2b3c4d", "redacted"));

  it("are as many as its end says", () => {
    expect(verdictOf([opened(0), key, hidden], { redacted: 1 })).toBeNull();
    expect(verdictOf([opened(0), key, r(2, "redacted\n"), r(3, "redacted")], { redacted: 2 })).toBeNull();
    expect(verdictOf([opened(0), key, hidden])).toBe("RECORDING_EDITED");
    expect(verdictOf(TALK, { redacted: 1 })).toBe("RECORDING_EDITED");
    expect(verdictOf([opened(0), r(1, "redacted\n")])).toBeNull();
  });
});
