/** Where files of the inbox go, and how one is known again. */
import { hash } from "node:crypto";
import type { Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import type { Vault } from "../base/vault.ts";

/** The first of `film.png`, `film.2.png`, … that does not exist in `folder`. */
export async function freePlace(folder: string, name: string): Promise<string> {
  const extension = extname(name);
  const stem = basename(name, extension);
  for (let copy = 1; ; copy++) {
    const place = join(folder, copy === 1 ? name : `${stem}.${copy}${extension}`);
    if (!(await exists(place))) return place;
  }
}

/** The file itself, unchanged: a rename changes neither of the three. */
export function isSame(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs;
}

/**
 * The same for the same file in the same place, and for nothing else: when the appliance is killed between storing a
 * result and moving its file, the store knows the file again. Put in once more, a file has another change time.
 * It is published, so it is keyed: who has no key cannot try names out on it.
 */
export function idOf(
  vault: Pick<Vault, "tag">,
  name: string,
  { ino, ctimeMs }: Stats,
  bytes: Uint8Array,
  /** With other words about it, it is asked about anew; what they are is not in the id. */
  sidecar: Stats | undefined,
): string {
  const beside = sidecar === undefined ? [] : [sidecar.ino, sidecar.ctimeMs];
  const known = JSON.stringify([name, ino, ctimeMs, hash("sha256", bytes), ...beside]);
  return vault.tag("inbox file", known).toString("hex");
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
