/** What somebody may do to a recording, by hand or by accident. */
import { LineDecoder } from "../../host/device/link/decoder.ts";
import { encodeFrame, type Frame } from "../../host/device/link/frame.ts";
import { MAX_LINE_BYTES } from "../../host/device/session/hello.ts";
import { encodeRecording } from "../recording/encode.ts";
import type { Event, Recording } from "../recording/format.ts";
import { parseRecording } from "../recording/parse.ts";
import type { TransportKind } from "../rig/bench.ts";

export const LV06_SHARES = "real/lv06-shares.ndjson";

/**
 * Those before `flip-a-digit` leave the end record as it was; the others make counts and hashes anew, as somebody
 * does who knows the format.
 */
export const EDITS = {
  "cut-the-end-off": (file: Buffer) => file.subarray(0, Math.floor(file.length * 0.7)),
  empty: () => Buffer.alloc(0),
  "claim-a-later-version": (file: Buffer) => replaceOnce(file, '"lv06/recording/1"', '"lv06/recording/2"'),
  "flip-a-digit": (file: Buffer) => flipDigit(file),
  "forge-a-digest": remade(({ events }) => changed(events, placesOf(events, "r"), forgedDigest)),
  "forge-the-request": remade(({ events }) => changed(events, placesOf(events, "w"), otherBlock)),
  "swap-two-answers": remade(({ events }) => swapAnswers(events)),
  "leave-the-last-answer-out": remade(({ events }) => dropLast(events)),
  "end-early": remade(({ events }) =>
    events.length < 12 ? undefined : events.slice(0, Math.floor(events.length * 0.6)),
  ),
  "another-boot": remade(({ events }) => changed(events, placesOf(events, "r").reverse(), otherBoot)),
  "change-a-nonce": remade(({ events }) =>
    withText(events, "r", /("mining\.submit".*?,")([0-9a-f]{8})(","[0-9a-f]{8}"\]\})/, flipNonce),
  ),
  "refuse-what-was-accepted": remade(({ events }) =>
    withText(events, "w", /"result":true,"error":null(?!.*"result":true,"error":null)/, refused, "last"),
  ),
  "claim-hardware": remade(
    (recording) => recording.events,
    (header) => ({ ...header, simulated: false }),
  ),
  "claim-another-device": remade(
    (recording) => recording.events,
    (header) => ({ ...header, device: { ...header.device, id: "lv06-0badcafe" } }),
  ),
  "claim-another-case": remade(
    (recording) => recording.events,
    (header) => ({ ...header, case: { ...header.case, id: "usb/hash/boundaries" } }),
  ),
  "slow-the-clock": remade(({ events }) => events.map((event) => ({ ...event, atUs: event.atUs * 3 }))),
} as const satisfies Readonly<Record<string, (file: Buffer) => Uint8Array | undefined>>;
export type EditName = keyof typeof EDITS;

export interface RecordingEdit {
  readonly transport: TransportKind;
  /** A case's id; `lv06-shares` the recording of real shares. */
  readonly of: string;
  readonly edit: EditName;
}

/** @returns undefined where there is nothing to edit so */
export function editRecording(file: Buffer, { edit }: RecordingEdit): Uint8Array | undefined {
  return EDITS[edit](file);
}

function replaceOnce(file: Buffer, from: string, to: string): Buffer | undefined {
  const parts = file.toString("utf8").split(from);
  return parts.length === 2 ? Buffer.from(parts.join(to)) : undefined;
}

/** The last digit of the first answer's text. */
function flipDigit(file: Buffer): Buffer | undefined {
  const text = file.toString("utf8");
  const at = text.indexOf(',"r","');
  const end = at < 0 ? -1 : text.indexOf('"', at + 6);
  if (end < 0) return undefined;
  const place = text.slice(0, end).search(/[0-9a-f](?=[^0-9a-f]*$)/);
  const digit = text[place] === "0" ? "1" : "0";
  return place < 0 ? undefined : Buffer.from(text.slice(0, place) + digit + text.slice(place + 1));
}

type Header = Recording["header"];

function remade(
  change: (recording: Recording) => readonly Event[] | undefined,
  claim: (header: Header) => Header = (header) => header,
): (file: Buffer) => Buffer | undefined {
  return (file) => {
    const recording = parseRecording(file);
    const events = change(recording);
    const { verdict, redacted } = recording.end;
    return events === undefined ? undefined : encodeRecording(claim(recording.header), events, verdict, redacted);
  };
}

/** A frame that is one event, or several as one: where it stands, and what was asked. */
interface Place {
  readonly index: number;
  readonly frame: Frame;
  readonly request: Frame | undefined;
}

/** Events that hold exactly one frame and nothing else. */
function placesOf(events: readonly Event[], code: "w" | "r"): Place[] {
  const asked = new Map<number, Frame>();
  return events.flatMap((event, index) => {
    if (event.code !== "w" && event.code !== "r") return [];
    const frames = new LineDecoder(MAX_LINE_BYTES)
      .push(event.bytes)
      .flatMap((each) => (each.kind === "frame" ? [each.frame] : []));
    if (event.code === "w") for (const frame of frames) asked.set(frame.seq, frame);
    const [frame] = frames;
    const whole = frame !== undefined && frames.length === 1 && event.bytes.equals(encodeFrame(frame));
    return whole && event.code === code ? [{ index, frame, request: asked.get(frame.seq) }] : [];
  });
}

type Change = (frame: Frame, request: Frame | undefined) => Frame | undefined;

/** The first frame that `change` changes. */
function changed(events: readonly Event[], places: readonly Place[], change: Change): Event[] | undefined {
  for (const { index, frame, request } of places) {
    const other = change(frame, request);
    if (other !== undefined) return withBytes(events, index, encodeFrame(other));
  }
  return undefined;
}

function withBytes(events: readonly Event[], index: number, bytes: Buffer): Event[] {
  return events.map((event, at) =>
    at === index && (event.code === "w" || event.code === "r") ? { ...event, bytes } : event,
  );
}

const flipped = (digit: string) => (digit === "0" ? "1" : "0");

function forgedDigest(frame: Frame, request: Frame | undefined): Frame | undefined {
  const [boot = "", digest = ""] = frame.args;
  if (request?.verb !== "HASH" || frame.verb !== "OK" || digest.length !== 64) return undefined;
  return { ...frame, args: [boot, flipped(digest[0] ?? "") + digest.slice(1)] };
}

function otherBlock(frame: Frame): Frame | undefined {
  const [block = ""] = frame.args;
  if (frame.verb !== "HASH" || block.length < 2 || !/^[0-9a-f]+$/.test(block)) return undefined;
  return { ...frame, args: [flipped(block[0] ?? "") + block.slice(1)] };
}

function otherBoot(frame: Frame): Frame | undefined {
  const [boot = "", ...rest] = frame.args;
  if (frame.verb !== "OK" || boot.length !== 8) return undefined;
  return { ...frame, args: [flipped(boot[0] ?? "") + boot.slice(1), ...rest] };
}

/** What two digests' answers say, each under the other's number. */
function swapAnswers(events: readonly Event[]): Event[] | undefined {
  const answers = placesOf(events, "r").filter(({ frame, request }) => frame.verb === "OK" && request?.verb === "HASH");
  const [first, second] = answers.slice(-2);
  if (first === undefined || second === undefined || first.frame.args[1] === second.frame.args[1]) return undefined;
  const swapped = withBytes(events, first.index, encodeFrame({ ...second.frame, seq: first.frame.seq }));
  return withBytes(swapped, second.index, encodeFrame({ ...first.frame, seq: second.frame.seq }));
}

function dropLast(events: readonly Event[]): Event[] | undefined {
  const last = events.findLastIndex(({ code }) => code === "r");
  return last < 0 ? undefined : events.toSpliced(last, 1);
}

/** The first event, or the last, whose text fits. */
function withText(
  events: readonly Event[],
  code: "w" | "r",
  pattern: RegExp,
  change: (...parts: string[]) => string,
  which: "first" | "last" = "first",
): Event[] | undefined {
  const entries = [...events.entries()];
  for (const [index, event] of which === "first" ? entries : entries.reverse()) {
    if (event.code !== code || !pattern.test(event.bytes.toString("latin1"))) continue;
    return withBytes(events, index, Buffer.from(event.bytes.toString("latin1").replace(pattern, change), "latin1"));
  }
  return undefined;
}

const refused = () => '"result":null,"error":[23,"Low difficulty share",null]';

function flipNonce(_: string, head = "", nonce = "", tail = ""): string {
  return `${head}${flipped(nonce[0] ?? "")}${nonce.slice(1)}${tail}`;
}
