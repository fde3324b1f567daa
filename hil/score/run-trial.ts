/** Runs a trial in a copy, and ends it when it does not end itself. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ScoreError } from "./error.ts";
import type { Tier } from "./mutant.ts";
import type { Finder, TrialOptions, TrialResult } from "./trial.ts";

/** Several times what a tier takes without a defect. */
const DEADLINE_MS: Readonly<Record<Tier, number>> = {
  verify: 60_000,
  "replay-lv06": 30_000,
  "replay-usb": 90_000,
  "replay-stratum": 90_000,
  virtual: 120_000,
  "model-usb": 180_000,
  "model-stratum": 180_000,
};
const WORDS = 2000;

export interface TimedTrial extends TrialResult {
  readonly ms: number;
}

type Said =
  | { readonly kind: "ready" }
  | { readonly kind: "begun"; readonly target: string; readonly by: string }
  | { readonly kind: "done"; readonly result: TrialResult };

/**
 * A trial that hangs or dies has found its defect too: no run of the rig would have passed.
 *
 * @throws ScoreError SCORE_TRIAL where it did not even begin
 */
export async function tryIn(root: string, options: TrialOptions, signal: AbortSignal): Promise<TimedTrial> {
  const startMs = performance.now();
  const program = join(root, "hil/score/trial-main.ts");
  // A group of its own: model devices of a trial that hangs end with it.
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new ScoreError("SCORE_TRIAL", `${process.execPath} does not start`);
  const kill = () => killGroup(pid);
  signal.addEventListener("abort", kill, { once: true });
  const heard: Heard = {
    ready: false,
    at: { target: options.tier, by: "opening" },
    words: "",
    late: false,
    result: undefined,
  };
  const timer = setTimeout(() => {
    heard.late = true;
    kill();
  }, DEADLINE_MS[options.tier]);
  createInterface(child.stdout).on("line", (line) => hear(line, heard));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    heard.words = (heard.words + text).slice(-WORDS);
  });
  const [status] = await once(child, "close");
  clearTimeout(timer);
  signal.removeEventListener("abort", kill);
  killGroup(pid);
  signal.throwIfAborted();
  const ms = performance.now() - startMs;
  if (heard.result !== undefined) return { ...heard.result, ms };
  if (!heard.ready) throw new ScoreError("SCORE_TRIAL", `${options.tier} in ${root}: ${heard.words || status}`);
  const why = heard.late ? `it hung for ${DEADLINE_MS[options.tier] / 1000} s` : `it died: ${heard.words || status}`;
  return { found: { ...heard.at, message: why }, ran: 0, flaky: [], ms };
}

interface Heard {
  ready: boolean;
  /** What was tried last. */
  at: Pick<Finder, "target" | "by">;
  words: string;
  late: boolean;
  result: TrialResult | undefined;
}

function hear(line: string, heard: Heard): void {
  const said = JSON.parse(line) as Said;
  if (said.kind === "ready") heard.ready = true;
  else if (said.kind === "begun") heard.at = { target: said.target, by: said.by };
  else heard.result = said.result;
}

/** Of a child that was started detached; what has ended already is no matter. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended, and everything it started.
  }
}
