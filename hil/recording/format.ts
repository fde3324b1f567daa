/**
 * Format 1 of recordings: NDJSON in UTF-8. A header, events in the order in which they happened, an end record.
 *
 * `[atUs, "w" | "r", bytes, connection]` what the host wrote and read; `[atUs, "c", control, connection]` what became of
 * the line; `[atUs, "m", text]` a mark of the case; `[atUs, "x", fault]` a fault that was put in. Times are whole
 * microseconds since the bench was opened, on a clock that never goes back. `connection` counts from 1 and is left out
 * where it is 1. Bytes are text where all of them are printable ASCII or line ends, else `{"base64": …}`.
 */
import { z } from "zod";
import { CAPABILITIES } from "../../host/device/device.ts";
import { ABILITIES } from "../rig/bench.ts";

export const FORMAT_NAME = "lv06/recording/";
export const FORMAT_VERSION = 1;
export const MOST_FILE_BYTES = 16 * 1024 * 1024;
export const MOST_LINE_BYTES = 1024 * 1024;
export const MOST_EVENTS = 200_000;

const text = z.string().max(4096);
const count = z.int().min(0);
const usbId = z.string().regex(/^[0-9a-f]{4}$/);
const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

export const headerSchema = z.strictObject({
  format: z.literal(`${FORMAT_NAME}${FORMAT_VERSION}`),
  case: z.strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9]+(?:[/-][a-z0-9]+)*$/)
      .max(128),
    suite: text,
  }),
  target: z.strictObject({ name: text, kind: z.enum(["model", "real"]) }),
  transport: z.enum(["usb", "stratum"]),
  /** Whether anything but real hardware said what the device says here. */
  simulated: z.boolean(),
  /** `id` stands for itself where it is simulated, else for a hash of the device's own (`redactedId`). */
  device: z.strictObject({ id: text, firmware: text, capabilities: z.array(z.enum(CAPABILITIES)) }),
  /** What could be done to the target. */
  can: z.array(z.enum(ABILITIES)),
  host: z.strictObject({ version: text, commit: text.nullable(), dirty: z.boolean() }),
  runtime: text,
  /** Of the system that the host ran on, such as `Linux 6.18.5`. */
  kernel: text.optional(),
  /** The version of the library that the serial port was opened with. */
  serialport: text.optional(),
  /** The port that the device was behind, where that is known; its serial number would tell which device it is. */
  port: z
    .strictObject({
      vendorId: usbId.optional(),
      productId: usbId.optional(),
      /** The chip between USB and UART. */
      bridge: text.optional(),
      /** The rate that it is opened at. */
      baud: z.int().positive().optional(),
    })
    .optional(),
  /** Of the bench: every random number of host and case follows from it. */
  seed: z.int().min(0).max(0xffff_ffff),
  /** The time of day when the bench's clock was 0, in ms since 1970. */
  startedUtcMs: z.number().min(0),
  /** `reconstructed`: the contents are real, what stands around them was made up from notes. */
  framing: z.enum(["recorded", "reconstructed"]),
  /** For people: source, licence, what was made up. */
  note: text.optional(),
  stratum: z
    .strictObject({
      /** Difficulty that the device finds in a second or so. */
      difficulty: z.number().positive(),
      /** What the bridge gave the first connection; by default it follows from the seed. */
      extranonce1: z
        .string()
        .regex(/^[0-9a-f]{8}$/)
        .optional(),
      /** What the recorded jobs seal; with it the bridge gives out the jobs of this recording. */
      jobs: z.array(z.strictObject({ commitment: sha256Hex, tookMs: z.number().min(0) })).optional(),
    })
    .optional(),
});
export type Header = z.infer<typeof headerSchema>;

const controlSchema = z.discriminatedUnion("op", [
  /** The host asked for a line: from then on it is there, or why not. */
  z.strictObject({
    op: z.literal("open"),
    /** Whether the line has a rate. */
    rated: z.boolean(),
    /** The rate that it was opened at, where it has one. */
    baud: z.int().positive().optional(),
    error: z.strictObject({ code: text, detail: text }).optional(),
  }),
  /** The host's end changed its rate, or why not. */
  z.strictObject({ op: z.literal("baud"), baud: z.int().positive(), error: text.optional() }),
  /** Levels that the host set. */
  z.strictObject({ op: z.literal("lines"), dtr: z.boolean(), rts: z.boolean() }),
  /** A device connected to the host's pool. */
  z.strictObject({ op: z.literal("accept") }),
  /** `device` also where the line broke. */
  z.strictObject({ op: z.literal("close"), by: z.enum(["host", "device"]), reason: text }),
  /** The case had something done to the device. */
  z.strictObject({ op: z.literal("act"), ability: z.enum(["restart", "crash", "replug"]) }),
]);
export type Control = z.infer<typeof controlSchema>;

/** Put in between the host and the recorder: what was written is as the fault left it, what was read is as it came. */
const faultSchema = z.strictObject({ kind: text });
export type Fault = z.infer<typeof faultSchema>;

const atUs = count;
const connection = z.int().min(1);
const bytes = z.union([z.string(), z.strictObject({ base64: z.base64() })]);
/** Which elements an event has hangs on its second. */
export const eventSchemas = {
  w: z.union([z.tuple([atUs, z.literal("w"), bytes]), z.tuple([atUs, z.literal("w"), bytes, connection])]),
  r: z.union([z.tuple([atUs, z.literal("r"), bytes]), z.tuple([atUs, z.literal("r"), bytes, connection])]),
  c: z.union([
    z.tuple([atUs, z.literal("c"), controlSchema]),
    z.tuple([atUs, z.literal("c"), controlSchema, connection]),
  ]),
  m: z.tuple([atUs, z.literal("m"), text]),
  x: z.tuple([atUs, z.literal("x"), faultSchema]),
} as const;

export type Event =
  | { readonly atUs: number; readonly code: "w" | "r"; readonly connection: number; readonly bytes: Buffer }
  | { readonly atUs: number; readonly code: "c"; readonly connection: number; readonly control: Control }
  | { readonly atUs: number; readonly code: "m"; readonly text: string }
  | { readonly atUs: number; readonly code: "x"; readonly fault: Fault };

const directionSchema = z.strictObject({ chunks: count, bytes: count, sha256: sha256Hex });

export const endSchema = z.strictObject({
  end: z.strictObject({
    events: count,
    /** Over all connections, in the order of the events. */
    w: directionSchema,
    r: directionSchema,
    /** How many lines had a secret in them that is not kept. */
    redacted: count,
    verdict: z.enum(["passed", "failed"]),
    durationUs: count,
    /** Of every byte of the file before this line, and of this record as JSON without this field. */
    sha256: sha256Hex,
  }),
});
export type End = z.infer<typeof endSchema>["end"];

export interface Recording {
  readonly header: Header;
  readonly events: readonly Event[];
  readonly end: End;
}
