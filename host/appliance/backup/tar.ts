/** Archives, by the system's tar. */
import { spawn } from "node:child_process";
import { errorMessage } from "../../base/error.ts";
import { BackupError } from "./error.ts";
import { FILE_NAME, MANIFEST_FILE } from "./manifest.ts";

const LIST_MAX_BYTES = 1 << 20;
const SAID_MAX = 300;

/** @param names of files below `folder`, in this order */
export async function pack(
  archive: string,
  folder: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await tar(["--create", "--file", archive, "--directory", folder, "--mode=0600", "--", ...names], signal);
}

/** @throws BackupError BACKUP_DAMAGED where it holds anything that a backup never does */
export async function listed(archive: string, signal: AbortSignal): Promise<readonly string[]> {
  const said = await tar(["--list", "--file", archive], signal, "BACKUP_DAMAGED");
  const names = said.split("\n").filter((name) => name !== "");
  const odd = names.find((name) => name !== MANIFEST_FILE && !FILE_NAME.test(name));
  if (odd !== undefined) throw new BackupError("BACKUP_DAMAGED", `${odd.slice(0, SAID_MAX)} belongs into no backup`);
  if (!names.includes(MANIFEST_FILE)) throw new BackupError("BACKUP_DAMAGED", `it has no ${MANIFEST_FILE}`);
  return names;
}

/** @param names as `listed` */
export async function unpack(
  archive: string,
  folder: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const plain = ["--no-same-owner", "--no-same-permissions", "--keep-old-files"];
  await tar(["--extract", "--file", archive, "--directory", folder, ...plain, "--", ...names], signal);
}

/** @returns what it printed @throws BackupError; what the signal says */
async function tar(
  args: readonly string[],
  signal: AbortSignal,
  code: "BACKUP_TAR" | "BACKUP_DAMAGED" = "BACKUP_TAR",
): Promise<string> {
  // A name with a colon would else be another machine's.
  const child = spawn("tar", ["--force-local", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, LC_ALL: "C" },
    signal,
  });
  let [said, complaint] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (said.length < LIST_MAX_BYTES) said += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(0, SAID_MAX);
  });
  const failure = await new Promise<string | undefined>((end) => {
    child.once("error", (error) => end(errorMessage(error)));
    child.once("close", (status) => end(status === 0 ? undefined : `status ${status}: ${complaint.trim()}`));
  });
  signal.throwIfAborted();
  if (failure !== undefined) throw new BackupError(code, `tar: ${failure}`);
  return said;
}
