/** Whether what is measured is what a commit holds: a page of results that nobody can measure again proves nothing. */
import { spawnSync } from "node:child_process";
import { isAbsolute, relative, resolve } from "node:path";
import { ScoreError } from "./error.ts";

const GIT_MS = 5_000;
const SHOWN = 5;

/** @param page is about to be written, and may differ @throws ScoreError SCORE_CHANGES */
export function expectClean(root: string, page: string): void {
  const place = relative(root, resolve(page));
  const inside = !isAbsolute(place) && !place.startsWith("..");
  const but = inside ? ["--", ":/", `:(top,exclude,literal)${place}`] : [];
  const git = spawnSync("git", ["-C", root, "status", "--porcelain", ...but], { encoding: "utf8", timeout: GIT_MS });
  if (git.status !== 0) throw new ScoreError("SCORE_CHANGES", `${root} is no git checkout: ${git.stderr.trim()}`);
  const changed = git.stdout.split("\n").filter((line) => line !== "");
  if (changed.length === 0) return;
  const more = changed.length > SHOWN ? ` and ${changed.length - SHOWN} more` : "";
  throw new ScoreError(
    "SCORE_CHANGES",
    `${changed
      .slice(0, SHOWN)
      .map((line) => line.slice(3))
      .join(", ")}${more}`,
  );
}
