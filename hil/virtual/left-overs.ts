/**
 * What a device still knows of the start before: it is asked, as soon as it has restarted and before anybody greets it,
 * for the image and the search that it was given last. Both must be unknown (SPEC §5.6, §5.8).
 */
import { encodeFrame } from "../../host/device/link/frame.ts";
import type { WasmDevice } from "../../host/device/testing/wasm-device.ts";

const GIVEN = /~[0-9a-f]{4} (IMAGE NEW|WORK START) ([0-9a-f]{8}) /g;
const QUESTIONS = {
  "IMAGE NEW": (id: string) => ({ verb: "IMAGE", args: ["ROOTS", id, "1"] }),
  "WORK START": (id: string) => ({ verb: "WORK", args: ["STATUS", id] }),
};
type Given = keyof typeof QUESTIONS;
/** Of nobody's: the answer goes to no connection. */
const SEQ = 0xfffe;
const UNKNOWN = /^~fffe ERR [0-9a-f]{8} STATE /;

export class LeftOvers {
  readonly found: string[] = [];
  /** The last ids, of this start or of an earlier one. */
  readonly #ids = new Map<Given, string>();

  /** What a device heard. */
  heard(bytes: Uint8Array): void {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    for (const [, what, id = ""] of text.matchAll(GIVEN)) this.#ids.set(what as Given, id);
  }

  /** It has just started. */
  look(device: Pick<WasmDevice, "ask">): void {
    for (const [what, id] of this.#ids) {
      const answer = Buffer.from(device.ask(encodeFrame({ seq: SEQ, ...QUESTIONS[what](id) }))).toString("latin1");
      if (!UNKNOWN.test(answer)) this.found.push(`${what} ${id} of an earlier start: ${answer.slice(0, 80).trim()}`);
    }
  }
}
