/** A line of the direct-hash protocol in words. */
import type { DiscardReason, Frame, LinkEvent } from "../../device/link/frame.ts";

const REASONS: Readonly<Record<DiscardReason, string>> = {
  long: "it is longer than a line may be",
  bytes: "a byte outside a payload is not printable ASCII",
  form: "it is not `~`, four digits, a verb, words, and a checksum, each after one space (SPEC §3.2)",
  crc: "its checksum is another",
};

/** What the device's own verbs mean, and what number a host gives its requests. */
function roleOf({ seq, verb }: Frame): string {
  const own: Readonly<Record<string, string>> = {
    OK: "a reply: the command was done",
    ERR: "a reply: the command was refused",
    NAK: "a notice: the device could not read a line",
    BOOT: "a notice: the device has just started",
  };
  if (verb === "WORK" && seq === 0) return "a notice: how a search stands";
  return own[verb] ?? (seq === 0 ? "no request: those are numbered from 0001" : "a request");
}

export function explain(event: LinkEvent): string[] {
  switch (event.kind) {
    case "log":
      return ["log: a line that does not begin with ~ is never data", event.text];
    case "discarded":
      return [`discarded (${event.reason}): ${REASONS[event.reason]}`];
    case "frame":
      return explainFrame(event.frame);
  }
}

function explainFrame(frame: Frame): string[] {
  const { seq, verb, args, payload } = frame;
  const fromDevice = verb === "OK" || verb === "ERR" || verb === "NAK" || verb === "BOOT";
  const boot = fromDevice || (verb === "WORK" && seq === 0);
  const [first, ...rest] = args;
  return [
    `${verb} is ${roleOf(frame)}; its checksum is right`,
    `number    ${seq.toString(16).padStart(4, "0")} (${seq})`,
    ...(boot ? [`boot id   ${first ?? "(missing)"}`] : []),
    ...(boot ? rest : args).map((word, index) => `word ${String(index + 1).padEnd(4)} ${word}`),
    ...(payload === undefined ? [] : [`payload   ${payload.length} bytes: ${hexOf(payload)}`]),
  ];
}

const SHOWN_BYTES = 64;

function hexOf(payload: Uint8Array): string {
  const hex = Buffer.from(payload.subarray(0, SHOWN_BYTES)).toString("hex");
  return payload.length > SHOWN_BYTES ? `${hex}…` : hex;
}
