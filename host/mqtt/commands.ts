/**
 * What can be asked of the appliance at `cmd/{name}`, and what it replies: one table from which types, validation and
 * the published JSON Schemas come.
 *
 * A further command is a line in `COMMANDS`, a handler of the same name, and a name for its answer in `ANSWERS`.
 * A command is held to its schema strictly: who misspells a name is told so, rather than misunderstood.
 */
import { z } from "zod";
import { receiptSchema } from "../seal/receipt.ts";
import { code, count, id, name } from "./fields.ts";
import { healthSchema } from "./health-data.ts";
import { resultSchema } from "./result-data.ts";

export const COMMAND_MAX_BYTES = 65_536;

/** As it stands in the topic: also of commands that there are not. */
export const COMMAND_NAME = /^[a-z][a-z0-9-]{0,39}$/;
export const ERROR_CODE = /^[A-Z0-9_]{1,64}$/;
export const commandId = id;

/** Stands in every command. */
const head = {
  /** The sender's own name for it, and the last level of the reply's topic. The same id asks for the same answer again. */
  id: commandId,
  /** When it was sent, ms since 1970: one that is more than 30 s from the appliance's time is refused. */
  utcMs: z.int().min(0).optional(),
};

const word = z.string().max(16);

export const COMMANDS = {
  /** Asks for the receipt of a sealed result. */
  receipt: z.strictObject({ ...head, resultId: id }),
  /** Asks for results once more, oldest first: for a subscriber that missed some. */
  resend: z.strictObject({
    ...head,
    /** The lowest sequence number that is wanted. */
    from: z.int().min(1),
    /** At most this many results. */
    limit: z.int().min(1).max(1000).default(1000),
  }),
  /** Asks for the present health message. */
  health: z.strictObject({ ...head }),
  /** Has a known image and, where a device hashes, a known digest computed now. */
  selftest: z.strictObject({ ...head }),
  /** Has messages that were set aside published after all. */
  retry: z.strictObject({ ...head }),
  /** Asks for an image to be assessed: one below an allowed folder, or one that the command brings along. */
  infer: z
    .strictObject({
      ...head,
      /** Absolute, on the appliance's own disk. */
      path: z.string().regex(/^\//).max(1024).optional(),
      /** The file, in base64. */
      image: z
        .string()
        .min(4)
        .max(22_369_624)
        .regex(/^[A-Za-z0-9+/]+={0,2}$/)
        .optional(),
      /** The sender's own name for the image: as an inbox file's name. */
      reference: z.string().min(1).max(256).optional(),
      /** Without it, the configured one. */
      mode: z.enum(["inference", "validation", "training"]).optional(),
      /** What is known of the image; without it, of one on the disk, what stands beside it. */
      stated: z
        .strictObject({ age: z.union([z.string().max(16), z.number()]), view: word, modality: word, bodyPart: word })
        .partial()
        .optional(),
      /** Id of a result that this one is to stand in for: it is a correction. */
      replaces: id.optional(),
    })
    .refine(({ path, image }) => (path === undefined) !== (image === undefined), {
      error: "either path or image is needed, and not both",
    })
    .meta({
      oneOf: [
        { properties: { path: {} }, required: ["path"] },
        { properties: { image: {} }, required: ["image"] },
      ],
    }),
  /** Says that a result was entered in error: of another patient, of a film that does not count. */
  void: z.strictObject({
    ...head,
    resultId: id,
    /** Why, as a code of the sender's: it is published, and no place for names. */
    reason: code,
  }),
} as const;

export type CommandName = keyof typeof COMMANDS;

interface Conduct {
  readonly deadlineMs: number;
  /** Of this command; beyond it, it is refused as busy. */
  readonly runningMax: number;
}

/** How long each may take, and how many of it may be under way. */
export const CONDUCT: Readonly<Record<CommandName, Conduct>> = {
  receipt: { deadlineMs: 10_000, runningMax: 32 },
  resend: { deadlineMs: 20_000, runningMax: 4 },
  health: { deadlineMs: 10_000, runningMax: 32 },
  selftest: { deadlineMs: 60_000, runningMax: 4 },
  retry: { deadlineMs: 10_000, runningMax: 4 },
  infer: { deadlineMs: 40_000, runningMax: 4 },
  void: { deadlineMs: 10_000, runningMax: 32 },
};
export type Command<Name extends CommandName = CommandName> = z.infer<(typeof COMMANDS)[Name]>;

/** The part of a reply that is a command's own; null in the reply to any other, and where it failed. */
const ANSWERS = {
  /** To be verified in its canonical form (RFC 8785). */
  receipt: receiptSchema.nullable(),
  resend: z
    .strictObject({
      from: z.int().min(1),
      /** Results that are published again, or wait to be published already. */
      sent: count,
      /** Where to go on; null where there are no more. */
      next: z.int().min(1).nullable(),
      /** The lowest number, from `from` on, that a result has, or the next one will have: those before it are not there. */
      firstAvailable: z.int().min(1),
    })
    .nullable(),
  health: healthSchema.nullable(),
  selftest: z
    .strictObject({
      /** Whether every check passed. */
      ok: z.boolean(),
      /** In the order of an image's way, up to the first that failed; the device's, where one is there. */
      checks: z
        .array(z.strictObject({ name, ok: z.boolean(), code: code.nullable(), durationMs: z.number().min(0) }))
        .max(16),
    })
    .nullable(),
  /** How many there were. */
  retry: z.strictObject({ messages: count }).nullable(),
  /** As it is published at `result`, too; null of a training image, which leaves no trace. */
  infer: resultSchema.nullable(),
  /** The result that says so; it is published at `result`, too. */
  void: resultSchema.nullable(),
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

/** Bytes of a command's payload. @param inferMaxBytes of an image that it may bring along; null where none is taken */
export function payloadMaxOf(name: string, inferMaxBytes: number | null): number {
  const image = name === "infer" && inferMaxBytes !== null ? Math.ceil(inferMaxBytes / 3) * 4 : 0;
  return image + COMMAND_MAX_BYTES;
}

export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly CommandName[];

/** A reply without an answer of its own. */
export const NO_ANSWER: Required<Answer> = {
  ...{ receipt: null, resend: null, health: null, selftest: null, retry: null, infer: null, void: null },
};
