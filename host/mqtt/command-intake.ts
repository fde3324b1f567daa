/**
 * What arrived at `cmd/{name}`, read and judged: pure, and the sender is nobody we know.
 *
 * What is wrong is told without a word of the sender's: it stands in the log, and a patient's name may be anywhere.
 */
import { hash } from "node:crypto";
import { z } from "zod";
import {
  COMMAND_MAX_BYTES,
  COMMAND_NAME,
  COMMAND_NAMES,
  COMMANDS,
  type Command,
  type CommandName,
  commandId,
} from "./commands.ts";
import type { Arrived } from "./connection.ts";
import { ChannelError, type ChannelErrorCode } from "./errors.ts";
import { commandTopicOf, type Identity } from "./topics.ts";

/** To whom a reply would go. */
export interface Asker {
  readonly id: string;
  readonly command: string;
}

export type Intake =
  | { readonly kind: "command"; readonly asker: Asker; readonly name: CommandName; readonly command: Command }
  | { readonly kind: "refused"; readonly asker: Asker; readonly error: ChannelError }
  /** There is nobody to reply to: it has no id, or its topic no name of a command. */
  | { readonly kind: "nameless"; readonly error: ChannelError };

/** How far a command's time may be from ours, either way. */
const OLD_MS = 30_000;
const withId = z.looseObject({ id: commandId });
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Never throws. @param maxBytes of a command's payload, by the name in its topic */
export function readCommand(
  identity: Identity,
  arrived: Arrived,
  maxBytes: (name: string) => number = () => COMMAND_MAX_BYTES,
): Intake {
  const prefix = commandTopicOf(identity, "");
  const given = arrived.topic.slice(prefix.length);
  if (!arrived.topic.startsWith(prefix) || !COMMAND_NAME.test(given)) {
    return nameless("COMMAND_TOPIC", "its topic has no name of a command");
  }
  // Before it is read: what it would take to parse it is what the limit is for.
  const bytes = arrived.payload.length;
  if (bytes > maxBytes(given)) return nameless("COMMAND_TOO_LARGE", `a command of ${bytes} bytes`);
  let payload: unknown;
  try {
    payload = JSON.parse(utf8.decode(arrived.payload));
  } catch {
    return nameless("COMMAND_FORM", "no JSON in UTF-8");
  }
  const sender = withId.safeParse(payload);
  if (!sender.success) return nameless("COMMAND_FORM", firstIssue(sender.error, []));
  return judge({ id: sender.data.id, command: given }, payload, arrived.retained);
}

function judge(asker: Asker, payload: unknown, retained: boolean): Intake {
  const refused = (code: ChannelErrorCode, detail: string): Intake => {
    return { kind: "refused", asker, error: new ChannelError(code, detail) };
  };
  const name = COMMAND_NAMES.find((one) => one === asker.command);
  if (name === undefined) return refused("COMMAND_UNKNOWN", "there is no command of this name");
  // A broker hands it out again at every connect: it would be carried out for ever.
  if (retained) return refused("COMMAND_RETAINED", "a retained command is not carried out");
  const command = COMMANDS[name].safeParse(payload);
  if (!command.success) return refused("COMMAND_FORM", firstIssue(command.error, Object.keys(COMMANDS[name].shape)));
  return { kind: "command", asker, name, command: command.data };
}

/** @throws ChannelError COMMAND_EXPIRED */
export function expectFresh({ utcMs }: Command, nowUtcMs: number): void {
  if (utcMs === undefined || Math.abs(nowUtcMs - utcMs) <= OLD_MS) return;
  const [sent, now] = [utcMs, nowUtcMs].map(timeText);
  throw new ChannelError("COMMAND_EXPIRED", `it was sent at ${sent}, and this appliance's time is ${now}`);
}

/** Of what is asked for, whoever asks and whenever: as short for a command that brings an image. */
export function fingerprintOf(name: CommandName, { id: _, utcMs: __, ...args }: Command): string {
  return hash("sha256", JSON.stringify([name, args]));
}

function nameless(code: ChannelErrorCode, detail: string): Intake {
  return { kind: "nameless", error: new ChannelError(code, detail) };
}

/** @param names that it may have */
function firstIssue(error: z.ZodError, names: readonly string[]): string {
  const [issue] = error.issues;
  const where = issue?.path.join(".") || "it";
  if (issue?.code !== "unrecognized_keys") return `${where}: ${issue?.message ?? "another shape"}`.slice(0, 300);
  const known = issue.path.length === 0 ? `; it may have ${names.join(", ")}` : "";
  return `${where}: ${issue.keys.length} of its names are none of the schema's${known}`;
}

/** A sender's time may be beyond what a date can be. */
function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}
