/** What a run ran in: kept with its report, so that two runs can be compared honestly. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import type { RecordFacts } from "../recording/record.ts";
import { ROOT } from "./action.ts";

const GIT_MS = 5_000;
const COMMIT_DIGITS = 12;

export interface Commit {
  /** Null outside a git checkout. */
  readonly id: string | null;
  /** Files differ from the commit. */
  readonly dirty: boolean;
}

export function commitOf(folder = ROOT): Commit {
  const id = git(folder, "rev-parse", `--short=${COMMIT_DIGITS}`, "HEAD");
  return { id, dirty: id !== null && git(folder, "status", "--porcelain") !== "" };
}

function git(folder: string, ...args: readonly string[]): string | null {
  const { stdout, status } = spawnSync("git", ["-C", folder, ...args], { encoding: "utf8", timeout: GIT_MS });
  return status === 0 ? stdout.trim() : null;
}

export function commitWords({ id, dirty }: Commit): string {
  return id === null ? "unknown" : `${id}${dirty ? " with changes" : ""}`;
}

export function environmentOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const { HIL_TARGET, HIL_REQUIRE_REAL } = env;
  const [cpu] = cpus();
  return {
    commit: commitWords(commitOf()),
    node: process.version,
    system: `${type()} ${release()}, ${arch()}`,
    processor: `${cpus().length} × ${cpu?.model.trim() ?? "unknown"}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    "load before": (loadavg()[0] ?? 0).toFixed(2),
    ...(HIL_TARGET === undefined || HIL_TARGET === "" ? {} : { HIL_TARGET }),
    ...(HIL_REQUIRE_REAL === undefined || HIL_REQUIRE_REAL === "" ? {} : { HIL_REQUIRE_REAL }),
  };
}

/** What a recording says of the host that made it. */
export function recordFacts(): RecordFacts {
  const version = versionIn(join(ROOT, "package.json"));
  const { id, dirty } = commitOf();
  return {
    suite: version,
    host: { version, commit: id, dirty },
    runtime: `node ${process.version} ${process.platform} ${process.arch}`,
    kernel: `${type()} ${release()}`,
    serialport: versionIn(join(ROOT, "node_modules/serialport/package.json")),
  };
}

function versionIn(path: string): string {
  const { version } = JSON.parse(readFileSync(path, "utf8")) as { readonly version: string };
  return version;
}
