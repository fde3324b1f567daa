/** Small recordings made by hand. */
import type { Event, Header } from "../format.ts";

export const HEADER: Header = {
  format: "lv06/recording/1",
  case: { id: "usb/test/sample", suite: "1" },
  target: { name: "model-usb", kind: "model" },
  transport: "usb",
  simulated: true,
  device: { id: "lv06-model", firmware: "lv06-model/1", capabilities: ["hash"] },
  can: ["restart"],
  host: { version: "0.1.0", commit: "0123abc", dirty: false },
  runtime: "test",
  seed: 7,
  startedUtcMs: 1_766_933_774_580.5,
  framing: "recorded",
};

export const w = (atUs: number, text: string, connection = 1): Event => bytesEvent("w", atUs, text, connection);
export const r = (atUs: number, text: string, connection = 1): Event => bytesEvent("r", atUs, text, connection);

function bytesEvent(code: "w" | "r", atUs: number, text: string, connection: number): Event {
  return { atUs, code, connection, bytes: Buffer.from(text, "latin1") };
}

export function opened(atUs: number, connection = 1, rated = false): Event {
  return { atUs, code: "c", connection, control: { op: "open", rated } };
}

export function closed(atUs: number, by: "host" | "device", connection = 1): Event {
  return { atUs, code: "c", connection, control: { op: "close", by, reason: "pulled" } };
}

export const EVENTS: readonly Event[] = [
  opened(10),
  w(20, "\n\n"),
  w(30, "~0001 PING 3a56d140\n"),
  r(1030, "~0001 OK 1a2b3c4d 00000000\n"),
  { atUs: 1500, code: "m", text: "half" },
  { atUs: 1600, code: "x", fault: { kind: "bit-flip" } },
  r(1700, "\x00\xffé"),
  closed(2000, "host"),
];
