import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { expectClean } from "./clean.ts";

let root: string;
const git = (...words: readonly string[]) =>
  execFileSync("git", ["-C", root, "-c", "user.name=a", "-c", "user.email=a@example.org", ...words]);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "clean-"));
  git("init", "--quiet");
  for (const name of ["code.ts", "RESULTS.md"]) writeFileSync(join(root, name), "as it was\n");
  git("add", ".");
  git("commit", "--quiet", "--message", "all");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("a page of results", () => {
  it("may be written of a clean commit, over an earlier page or elsewhere", () => {
    writeFileSync(join(root, "RESULTS.md"), "an earlier page\n");
    expect(() => expectClean(root, join(root, "RESULTS.md"))).not.toThrow();
    expect(() => expectClean(root, join(root, "other.md"))).toThrow("RESULTS.md");
  });

  it("is refused by name where the checkout has changes, or is none", () => {
    writeFileSync(join(root, "code.ts"), "changed\n");
    writeFileSync(join(root, "new.ts"), "not added\n");
    expect(() => expectClean(root, join(root, "RESULTS.md"))).toThrow(/code\.ts, new\.ts.*SCORE_CHANGES/s);
    expect(() => expectClean(root, join(tmpdir(), "page.md"))).toThrow("SCORE_CHANGES");
    expect(() => expectClean(join(root, "nowhere"), "page.md")).toThrow("no git checkout");
  });
});
