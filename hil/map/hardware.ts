/** The hardware map, `hil/hardware.yaml`: which devices this rig has, and how each is known again. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { errorCode, errorMessage } from "../../host/base/error.ts";
import { MapError } from "./error.ts";

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const USB_ID = /^[0-9a-f]{4}$/;
const ENTRIES_MOST = 100;
const MAP_BYTES_MOST = 1 << 20;

const text = z.string().max(200);

const entrySchema = z.strictObject({
  /** For people, and for `--device`; unique. */
  name: z.string().regex(NAME, "small letters, digits, dot, underscore, hyphen; at most 64"),
  transport: z.enum(["usb", "stratum"]),
  /** A name of its port that stays, such as /dev/serial/by-id/…; null where it has none. */
  byId: text.nullable().default(null),
  usb: z
    .strictObject({
      vid: z.string().regex(USB_ID, "4 hexadecimal digits, in quotes"),
      pid: z.string().regex(USB_ID, "4 hexadecimal digits, in quotes"),
      serial: text.nullable().default(null),
    })
    .nullable()
    .default(null),
  /** The chip's address, as the device tells it. */
  mac: text.nullable().default(null),
  /** What HELLO calls it, or the name of its worker: what decides whether it is this one. */
  device: text.nullable().default(null),
  firmware: text.nullable().default(null),
  /** False when the last look did not find it. */
  present: z.boolean().default(true),
  /** Whatever people write here stays. */
  notes: z.string().max(2000).default(""),
});

const mapSchema = z.strictObject({ version: z.literal(1), devices: z.array(entrySchema).max(ENTRIES_MOST) });

export type HardwareEntry = z.infer<typeof entrySchema>;

const HEADER = `# The devices of this rig; \`./hil/hil map\` brings it up to date and keeps every entry and its notes.
# Comments are not kept: write into \`notes\`. An entry that is no longer wanted is taken out by hand.
`;

/** @throws MapError RIG_MAP_FORM, RIG_MAP_EQUAL */
export function readMap(source: string): readonly HardwareEntry[] {
  if (source.length > MAP_BYTES_MOST) throw new MapError("RIG_MAP_FORM", `a map of ${source.length} bytes`);
  const parsed = mapSchema.safeParse(parsedYaml(source));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new MapError("RIG_MAP_FORM", `${issue?.path.join(".") || "the map"}: ${issue?.message ?? "is no map"}`);
  }
  const { devices } = parsed.data;
  expectDifferent(devices);
  return devices;
}

function parsedYaml(source: string): unknown {
  try {
    // As many aliases as a map needs: none.
    return parse(source, { maxAliasCount: 0 });
  } catch (error) {
    throw new MapError("RIG_MAP_FORM", errorMessage(error).split("\n", 1)[0] ?? "no YAML", { cause: error });
  }
}

/** What is written holds what was read. */
export function writtenMap(devices: readonly HardwareEntry[]): string {
  return `${HEADER}${stringify({ version: 1, devices }, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

/** An absent file is an empty map. @throws MapError */
export async function loadMap(path: string): Promise<readonly HardwareEntry[]> {
  try {
    return readMap(await readFile(path, "utf8"));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    if (error instanceof MapError) throw new MapError(error.code, `${path}: ${error.detail}`, { cause: error });
    throw fileError(path, error);
  }
}

/** All or nothing: a reader meets the old map or the new one. @throws MapError RIG_MAP_EQUAL, RIG_MAP_FILE */
export async function saveMap(path: string, devices: readonly HardwareEntry[]): Promise<void> {
  expectDifferent(devices);
  const fresh = `${path}.new`;
  try {
    await writeFile(fresh, writtenMap(devices));
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => {});
    throw fileError(path, error);
  }
}

function fileError(path: string, cause: unknown): MapError {
  return new MapError("RIG_MAP_FILE", `${path}: ${errorMessage(cause)}`, { cause });
}

/** Names are unique, and so is what a device is known by. @throws MapError RIG_MAP_EQUAL */
export function expectDifferent(devices: readonly HardwareEntry[]): void {
  const by: readonly (readonly [what: string, of: (entry: HardwareEntry) => string | null])[] = [
    ["the name", ({ name }) => name],
    ["the id in HELLO", ({ device, transport }) => (device === null ? null : `${transport} ${device}`)],
    ["the port", ({ byId }) => byId],
    ["USB ids and serial number", usbKey],
    ["the address", ({ mac, transport }) => (mac === null ? null : `${transport} ${mac}`)],
  ];
  for (const [what, of] of by) {
    const seen = new Map<string, HardwareEntry>();
    for (const entry of devices) {
      const key = of(entry);
      if (key === null) continue;
      const other = seen.get(key);
      if (other !== undefined)
        throw new MapError("RIG_MAP_EQUAL", `${other.name} and ${entry.name} share ${what}, ${key}`);
      seen.set(key, entry);
    }
  }
}

/** Null without a serial number: cheap adapters have none, and all look alike. */
export function usbKey({ usb }: Pick<HardwareEntry, "usb">): string | null {
  return usb === null || usb.serial === null ? null : `${usb.vid}:${usb.pid} ${usb.serial}`;
}
