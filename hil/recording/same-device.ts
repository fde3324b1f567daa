/** Whether a recording's device is the one that its header names. */
import { LineDecoder } from "../../host/device/link/decoder.ts";
import { MAX_LINE_BYTES } from "../../host/device/session/hello.ts";
import { RecordingError } from "./error.ts";
import type { Recording } from "./format.ts";
import { redactedId } from "./redaction.ts";

/**
 * By what every HELLO reply says of itself; Stratum has no such thing.
 *
 * @throws RecordingError RECORDING_OTHER
 */
export function expectSameDevice({ header, events }: Recording): void {
  if (header.transport !== "usb") return;
  const decoders = new Map<number, LineDecoder>();
  for (const event of events) {
    if (event.code !== "r") continue;
    const decoder = decoders.get(event.connection) ?? new LineDecoder(MAX_LINE_BYTES);
    decoders.set(event.connection, decoder);
    for (const heard of decoder.push(event.bytes)) {
      const words = heard.kind === "frame" && heard.frame.verb === "OK" ? heard.frame.args : [];
      if (words.some((word) => word.startsWith("proto="))) expectWords(header, words);
    }
  }
}

function expectWords({ device, simulated }: Recording["header"], words: readonly string[]): void {
  const id = words.find((word) => word.startsWith("device="))?.slice("device=".length);
  const says = words.includes("simulated=1");
  if (says !== simulated) {
    throw new RecordingError("RECORDING_OTHER", `its device says simulated=${Number(says)}, its header ${simulated}`);
  }
  // A model's id may hang on its seed: `lv06-model` stands for all of them.
  if (id === undefined || id === device.id || id.startsWith(`${device.id}-`)) return;
  if (redactedId(id) === device.id) return;
  throw new RecordingError("RECORDING_OTHER", `its device says that it is ${id}, its header names ${device.id}`);
}
