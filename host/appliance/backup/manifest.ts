/** What a backup says of itself: which appliance, from when, and the digest of every file in it. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { BackupError } from "./error.ts";

export const MANIFEST_FILE = "MANIFEST.json";
export const CONFIG_FILE = "lv06.yaml";
const FORM = "lv06-backup";
const FORM_VERSION = 1;
const FILES_MAX = 1000;

/** Nothing else is ever taken out of a backup. */
export const FILE_NAME =
  /^(results\.db|lv06\.yaml|keys\/(at-rest\.key|site\.key|signing-key\.pem)|pairings\/[0-9A-Za-z.-]{1,128}\.json)$/;

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const whole = z.int().min(0);

const manifestSchema = z.strictObject({
  form: z.literal(FORM),
  formVersion: z.literal(FORM_VERSION),
  /** Version of the appliance that made it. */
  software: z.string().max(64),
  site: z.string().max(256),
  appliance: z.string().max(256),
  utcMs: whole,
  withKeys: z.boolean(),
  /** Whose appliance's it is; null where it had no signing key yet. */
  publicKey: hex(64).nullable(),
  /** What the results are encrypted with. */
  keyIds: z.array(hex(16)).max(64),
  store: z.strictObject({ schema: whole, results: whole, lastSequence: whole, reserved: whole, highWater: whole }),
  files: z
    .array(z.strictObject({ name: z.string().regex(FILE_NAME), sizeBytes: whole, sha256: hex(64) }))
    .max(FILES_MAX),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestFile = Manifest["files"][number];

export function makeManifest(about: Omit<Manifest, "form" | "formVersion">): Manifest {
  return { form: FORM, formVersion: FORM_VERSION, ...about };
}

export function encodeManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** @throws BackupError BACKUP_DAMAGED, BACKUP_NEWER */
export function decodeManifest(text: string): Manifest {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch (cause) {
    throw new BackupError("BACKUP_DAMAGED", `${MANIFEST_FILE} is not JSON`, { cause });
  }
  const head = z.looseObject({ form: z.literal(FORM), formVersion: whole }).safeParse(said);
  if (head.success && head.data.formVersion > FORM_VERSION) {
    throw new BackupError("BACKUP_NEWER", `its form is ${head.data.formVersion}, this version knows ${FORM_VERSION}`);
  }
  const manifest = manifestSchema.safeParse(said);
  if (manifest.success) return manifest.data;
  const issue = manifest.error.issues[0];
  throw new BackupError("BACKUP_DAMAGED", `${MANIFEST_FILE}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}

/** @param read called with the number of bytes of each piece that was read */
export async function describeFile(
  folder: string,
  name: string,
  signal: AbortSignal,
  read: (bytes: number) => void = () => {},
): Promise<ManifestFile> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  await pipeline(
    createReadStream(join(folder, name)),
    async (pieces: AsyncIterable<Buffer>) => {
      for await (const piece of pieces) {
        hash.update(piece);
        sizeBytes += piece.length;
        read(piece.length);
      }
    },
    { signal },
  );
  return { name, sizeBytes, sha256: hash.digest("hex") };
}

/** Everything that the manifest names, and nothing else, is there as it was written. @throws BackupError BACKUP_DAMAGED */
export async function verifyFiles(
  folder: string,
  { files }: Manifest,
  names: readonly string[],
  signal: AbortSignal,
  read: (bytes: number) => void,
): Promise<void> {
  const listed = [MANIFEST_FILE, ...files.map(({ name }) => name)].sort();
  const present = [...names].sort();
  const odd = listed.find((name, at) => name !== present[at]) ?? present[listed.length];
  if (odd !== undefined || listed.length !== present.length) {
    throw new BackupError(
      "BACKUP_DAMAGED",
      `${odd ?? "a file"} is missing, is there twice, or is not in ${MANIFEST_FILE}`,
    );
  }
  for (const expected of files) {
    if (!(await lstat(join(folder, expected.name))).isFile()) {
      throw new BackupError("BACKUP_DAMAGED", `${expected.name} is no file`);
    }
    const { sizeBytes, sha256 } = await describeFile(folder, expected.name, signal, read);
    if (sizeBytes !== expected.sizeBytes || sha256 !== expected.sha256) {
      throw new BackupError("BACKUP_DAMAGED", `${expected.name} is not as it was written`);
    }
  }
}
