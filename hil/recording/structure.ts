/** What the events of a recording have to do with one another, which no hash shows: whoever edits can make hashes anew. */
import { RecordingError } from "./error.ts";
import type { Control, Event, Recording } from "./format.ts";
import { redactedLines } from "./redaction.ts";

type Connected = Exclude<Event, { code: "m" | "x" }>;

/**
 * A connection begins before anything passes on it, and nothing passes once it is over; a case that passed had one, and
 * they are counted from 1. The end record counts the secrets that were taken out.
 *
 * @throws RecordingError RECORDING_FORM, RECORDING_EMPTY, RECORDING_EDITED
 */
export function expectStructure({ header, events, end }: Recording): void {
  const connections = new Map<number, "open" | "over">();
  for (const [index, event] of events.entries()) {
    if (event.code === "m" || event.code === "x") continue;
    const problem = isAct(event) ? actProblem(event) : problemOf(event, header.transport, connections);
    if (problem !== undefined) throw new RecordingError("RECORDING_FORM", `line ${index + 2}: ${problem}`);
    note(event, connections);
  }
  // Of a failure everything is kept that there is, also of one before the first connection.
  if (end.verdict === "passed") expectAll(connections);
  const redacted = header.transport === "usb" ? redactedLines({ header, events }) : 0;
  if (redacted === end.redacted) return;
  const said = `the end record says that ${end.redacted} lines had a secret`;
  throw new RecordingError("RECORDING_EDITED", `${said}, and ${redacted} are without one`);
}

function expectAll(connections: ReadonlyMap<number, unknown>): void {
  if (connections.size === 0) throw new RecordingError("RECORDING_EMPTY", "no device was ever connected");
  for (let number = 1; number <= connections.size; number++) {
    if (!connections.has(number)) throw new RecordingError("RECORDING_FORM", `connection ${number} never begins`);
  }
}

function isAct(event: Connected): boolean {
  return event.code === "c" && event.control.op === "act";
}

function actProblem({ connection }: Connected): string | undefined {
  return connection === 1 ? undefined : `what is done to the device belongs to no connection, and not to ${connection}`;
}

function problemOf(
  event: Connected,
  transport: Recording["header"]["transport"],
  connections: ReadonlyMap<number, "open" | "over">,
): string | undefined {
  const state = connections.get(event.connection);
  const begins = event.code === "c" && isBeginning(event.control);
  if (begins && state !== undefined) return `connection ${event.connection} begins twice`;
  if (begins) return isOf(event.control, transport) ? undefined : `"${event.control.op}" is not of ${transport}`;
  if (state === "open" || isLateRate(event)) return undefined;
  const what = event.code === "c" ? `"${event.control.op}"` : `"${event.code}"`;
  return `${what} on connection ${event.connection}, which ${state === undefined ? "has not begun" : "is over"}`;
}

function note(event: Connected, connections: Map<number, "open" | "over">): void {
  if (event.code !== "c") return;
  const { control, connection } = event;
  if (isBeginning(control)) connections.set(connection, "error" in control ? "over" : "open");
  if (control.op === "close") connections.set(connection, "over");
}

function isBeginning({ op }: Control): boolean {
  return op === "open" || op === "accept";
}

function isOf({ op }: Control, transport: Recording["header"]["transport"]): boolean {
  return (op === "open") === (transport === "usb");
}

/** A host that wants another rate of a line that has just ended is told so. */
function isLateRate(event: Connected): boolean {
  return event.code === "c" && event.control.op === "baud" && event.control.error !== undefined;
}
