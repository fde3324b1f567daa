/** Whether a recording's device is the one that its header names, by what the device says of itself. */
import { CAPABILITIES, type Capability } from "../../host/device/device.ts";
import { LineDecoder } from "../../host/device/link/decoder.ts";
import { MAX_LINE_BYTES } from "../../host/device/session/hello.ts";
import { parsePairs } from "../../host/device/session/pairs.ts";
import { redactedId } from "../rig/hidden-id.ts";
import { MODEL_MINERS } from "../targets/model-stratum.ts";
import { RecordingError } from "./error.ts";
import type { Header, Recording } from "./format.ts";
import { messagesOf } from "./stratum-text.ts";

/** What the host keeps of a client's words. */
const CLIENT_CHARS = 64;

/**
 * Over USB by what every HELLO reply says, over Stratum by the worker that asks to be admitted and the client that it
 * says it is.
 *
 * @throws RecordingError RECORDING_OTHER
 */
export function expectSameDevice({ header, events }: Recording): void {
  const problem = header.transport === "usb" ? usbProblem(header, events) : stratumProblem(header, events);
  if (problem !== undefined) throw new RecordingError("RECORDING_OTHER", problem);
}

function usbProblem(header: Header, events: Recording["events"]): string | undefined {
  const decoders = new Map<number, LineDecoder>();
  for (const event of events) {
    if (event.code !== "r") continue;
    const decoder = decoders.get(event.connection) ?? new LineDecoder(MAX_LINE_BYTES);
    decoders.set(event.connection, decoder);
    for (const heard of decoder.push(event.bytes)) {
      const words = heard.kind === "frame" && heard.frame.verb === "OK" ? heard.frame.args : [];
      const isHello = words.some((word) => word.startsWith("proto="));
      const problem = isHello ? helloProblem(header, parsePairs(words)) : undefined;
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function helloProblem({ device, simulated }: Header, hello: ReadonlyMap<string, string>): string | undefined {
  const says = hello.get("simulated") === "1";
  if (says !== simulated) return `its device says simulated=${Number(says)}, its header ${simulated}`;
  const id = hello.get("device");
  if (id !== undefined && !isId(id, device.id, simulated)) return isNot(id, device.id);
  const firmware = hello.get("firmware");
  if (firmware !== undefined && firmware !== device.firmware) return isNot(firmware, device.firmware);
  const caps = hello.get("caps")?.split(",");
  return caps === undefined ? undefined : capsProblem(caps, new Set(device.capabilities));
}

function isId(said: string, named: string, simulated: boolean): boolean {
  // A model's id may hang on its seed: what stands before that stands for all of them.
  const seeded = simulated && said.startsWith(`${named}-`) && /^[0-9a-f]{8}$/.test(said.slice(named.length + 1));
  return said === named || seeded || redactedId(said) === named;
}

function isNot(said: string, named: string): string {
  return `its device says that it is ${said}, its header names ${named}`;
}

function capsProblem(said: readonly string[], named: ReadonlySet<Capability>): string | undefined {
  const own = CAPABILITIES.filter((capability) => said.includes(capability));
  const missing = own.filter((capability) => !named.has(capability));
  // The same device has rates on one line and none on another.
  const made = [...named].filter((capability) => capability !== "baud" && !own.includes(capability));
  if (missing.length > 0) return `its device has ${missing.join(", ")}, its header does not say so`;
  return made.length > 0 ? `its header says ${made.join(", ")}, its device has no such thing` : undefined;
}

/** What stands around real contents where the framing was made up says nothing. */
function stratumProblem({ device, simulated, framing }: Header, events: Recording["events"]): string | undefined {
  for (const { from, method, params } of messagesOf(events)) {
    const said = typeof params[0] === "string" ? params[0] : "";
    if (from !== "device") continue;
    if (method === "mining.authorize" && said !== device.id) return isNot(said, device.id);
    const checks = method === "mining.subscribe" && framing === "recorded";
    if (checks && !isClient(said, device.firmware, simulated)) return isNot(said, device.firmware);
  }
  return undefined;
}

/** A miner that came by itself is known by its client's words, a simulated one by the miner that it stands for. */
function isClient(said: string, firmware: string, simulated: boolean): boolean {
  if (said.replace(/[^ -~]/g, "").slice(0, CLIENT_CHARS) === firmware) return true;
  const model = Object.values(MODEL_MINERS).find(({ name }) => simulated && firmware === `${name}, simulated`);
  return model?.opening("").some(({ method, params }) => method === "mining.subscribe" && params[0] === said) ?? false;
}
