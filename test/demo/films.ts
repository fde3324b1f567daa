/** The 8 real chest X-rays that ship with the project (CC BY 4.0, see ATTRIBUTION.txt beside them). */
import { copyFileSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join, resolve } from "node:path";

const FOLDER = resolve(import.meta.dirname, "../films");

export interface Film {
  readonly name: string;
  readonly label: "NORMAL" | "PNEUMONIA";
  readonly path: string;
}

export const FILMS: readonly Film[] = (["NORMAL", "PNEUMONIA"] as const).flatMap((label) =>
  readdirSync(join(FOLDER, label))
    .sort()
    .map((name) => ({ name, label, path: join(FOLDER, label, name) })),
);

export function readFilm({ path }: Film): Buffer {
  return readFileSync(path);
}

/** By renaming, so that the appliance never sees half a file. */
export function putIntoInbox(inbox: string, { name, path }: Film): void {
  const hidden = join(inbox, `.${name}.part`);
  copyFileSync(path, hidden);
  renameSync(hidden, join(inbox, name));
}
