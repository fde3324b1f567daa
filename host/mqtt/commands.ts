/**
 * What can be asked of the appliance at `cmd/{name}`, and what it replies: one table from which types, validation and
 * the published JSON Schemas come.
 *
 * A further command is a line in `COMMANDS`, a handler of the same name, and a name for its answer in `ANSWERS`.
 * A command is held to its schema strictly: who misspells a name is told so, rather than misunderstood.
 */
import { z } from "zod";
import { receiptSchema } from "../seal/receipt.ts";

export const COMMAND_MAX_BYTES = 65_536;

/** As it stands in the topic: also of commands that there are not. */
export const COMMAND_NAME = /^[a-z][a-z0-9-]{0,39}$/;
export const ERROR_CODE = /^[A-Z0-9_]{1,64}$/;
export const commandId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

/** Stands in every command. */
const head = {
  /** The sender's own name for it, and the last level of the reply's topic. The same id asks for the same answer again. */
  id: commandId,
  /** When it was sent, ms since 1970: one that is more than 30 s from the appliance's time is refused. */
  utcMs: z.int().min(0).optional(),
};

export const COMMANDS = {
  /** Asks for the receipt of a sealed result. */
  receipt: z.strictObject({ ...head, resultId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/) }),
} as const;

export type CommandName = keyof typeof COMMANDS;
export type Command<Name extends CommandName = CommandName> = z.infer<(typeof COMMANDS)[Name]>;

/** The part of a reply that is a command's own; null in the reply to any other, and where it failed. */
const ANSWERS = {
  /** To be verified in its canonical form (RFC 8785). */
  receipt: receiptSchema.nullable(),
} as const;

export const replySchema = z.strictObject({
  /** The command's. */
  id: commandId,
  /** As it stood in the topic, also where there is no such command. */
  command: z.string().regex(COMMAND_NAME),
  ok: z.boolean(),
  /** Why it failed. */
  code: z.string().regex(ERROR_CODE).nullable(),
  /** What happened, and what to do about it. */
  message: z.string().max(1000).nullable(),
  ...ANSWERS,
  intendedUse: z.literal("research-only"),
});

export type ReplyData = z.infer<typeof replySchema>;

/** What a handler gives: its command's own part of the reply. */
export type Answer = { readonly [Name in keyof typeof ANSWERS]?: z.infer<(typeof ANSWERS)[Name]> };

/** Carries one kind of command out. What it throws is the reply: a coded error's code, or INTERNAL. */
export type CommandHandlers = {
  readonly [Name in CommandName]: (command: Command<Name>) => Promise<Answer> | Answer;
};

export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly CommandName[];

/** A reply without an answer of its own. */
export const NO_ANSWER: Required<Answer> = { receipt: null };
