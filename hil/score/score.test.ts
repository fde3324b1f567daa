/** The score itself, on few defects: what is planted is found, and what cannot be planted is no success. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ROOT } from "../cli/action.ts";
import { isGood, judge } from "./judge.ts";
import type { Mutant } from "./mutant.ts";
import { CONTROL_MUTANTS } from "./mutants/control.ts";
import { MUTANTS } from "./mutants.ts";
import { scorePage, scoreTable } from "./results.ts";
import { type Score, scoreRig } from "./score.ts";

const FOLDER = join(ROOT, "build/hil-score-test");
const TOLD = { command: "./hil/hil score", environment: { commit: "0123abc" } };
const MOST_MS = 120_000;

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const CONTROLS = CONTROL_MUTANTS.filter(({ where }) => where === "host");

const named = (...ids: readonly string[]) => MUTANTS.filter(({ id }) => ids.includes(id));

function score(
  name: string,
  mutants: readonly Mutant[],
  options: Partial<Parameters<typeof scoreRig>[0]> = {},
): Promise<Score> {
  return scoreRig({
    ...{ root: ROOT, folder: join(FOLDER, name), mutants, jobs: 2, seed: 1, scenarios: 100 },
    ...{ all: false, hinted: true, keep: false, tiers: ["verify", "replay-lv06", "model-usb"] },
    ...{ signal: new AbortController().signal, onWords: () => {} },
    ...options,
  });
}

/** What a score that found nothing anywhere would look like. */
function scoreOf(mutant: Mutant, verdict: "killed" | "survived" | "invalid"): Score {
  const scored = [{ mutant, verdict, error: verdict === "invalid" ? "stale" : null, trials: [], ms: 1 }];
  return { baseline: [], leftOut: [], all: true, ms: 1, scored };
}

describe("the score", { timeout: MOST_MS }, () => {
  it("finds defects of core, host and a recording, and says what found them", async () => {
    const mutants = named("core/digest-reversed", "host/hashes-itself", "recording/real-share-forged");
    const result = await score("found", [...mutants, ...CONTROLS]);
    const found = result.scored.map(({ mutant, trials }) => [mutant.id, trials.at(-1)?.trial.found?.by]);
    expect(found).toEqual([
      ["host/hashes-itself", "usb/hash/crosses-the-line"],
      ["core/digest-reversed", "usb/hash/known-answers"],
      ["recording/real-share-forged", "real/lv06-shares.ndjson"],
      ["control/comment", undefined],
    ]);
    expect(isGood(judge(result))).toBe(true);
    expect(scoreTable(result, judge(result)).at(-1)).toContain("3 of 3 defects found");
  });

  it("does not take what cannot be planted, built or begun for found", async () => {
    const [template] = named("host/crc-skipped");
    if (template === undefined) throw new Error("no template");
    const broken = (id: string, file: string, from: string, to: string): Mutant => ({
      ...template,
      id,
      hint: [],
      edits: [{ file, from, to }],
    });
    const { scored } = await score("invalid", [
      broken("test/stale", "host/device/link/frame.ts", "no such text", ""),
      broken("test/twice", "host/device/link/frame.ts", "const", "let"),
      broken("test/no-file", "host/nowhere.ts", "const", "let"),
      broken("test/no-c", "firmware-spec/core/crc32.c", "return crc ^", "return crk ^"),
      broken(
        "test/no-typescript",
        "host/device/link/frame.ts",
        "export function encodeFrame",
        "export functoin encodeFrame",
      ),
    ]);
    expect(scored.map(({ verdict, error }) => [verdict, /SCORE_[A-Z]+/.exec(error ?? "")?.[0]])).toEqual([
      ["invalid", "SCORE_STALE"],
      ["invalid", "SCORE_STALE"],
      ["invalid", "SCORE_STALE"],
      ["invalid", "SCORE_BUILD"],
      ["invalid", "SCORE_TRIAL"],
    ]);
  });
});

describe("a score's judgement", () => {
  const [mutant] = MUTANTS;
  if (mutant === undefined) throw new Error("no mutants");

  it("fails for a survivor that nobody explained, and for what could not be tried", () => {
    expect(isGood(judge(scoreOf(mutant, "survived")))).toBe(false);
    expect(isGood(judge(scoreOf(mutant, "invalid")))).toBe(false);
    expect(isGood(judge(scoreOf(mutant, "killed")))).toBe(true);
  });

  it("fails below the bar, though every survivor is explained", () => {
    const explained = scoreOf({ ...mutant, survives: "for a reason" }, "survived");
    expect(judge(explained).problems).toEqual([]);
    expect(isGood(judge(explained))).toBe(false);
  });

  it("fails where something finds what is no defect, and does not count it", () => {
    const control: Mutant = { ...mutant, id: "control/any", isControl: true, expected: [] };
    const [found, left] = (["killed", "survived"] as const).map((verdict) => {
      const { scored } = scoreOf(mutant, "killed");
      return judge({ ...scoreOf(control, verdict), scored: [...scored, ...scoreOf(control, verdict).scored] });
    });
    expect(found?.problems).toEqual([expect.stringContaining("control/any was found")]);
    expect([left?.problems, left?.planted, left?.rate]).toEqual([[], 1, 1]);
  });

  it("tells what failed without the defect as well", () => {
    const score = scoreOf(mutant, "survived");
    const trial = { found: null, ran: 9, flaky: [], ms: 1, doubted: ["usb/ping/answered"] };
    const scored = score.scored.map((one) => ({ ...one, trials: [{ tier: "model-usb" as const, trial }] }));
    expect(judge({ ...score, scored }).remarks.join()).toContain("usb/ping/answered fails without the defect");
  });

  it("tells on its page what survives, and why", () => {
    const explained = scoreOf({ ...mutant, survives: "for a reason" }, "survived");
    expect(scorePage(explained, judge(explained), TOLD)).toContain("for a reason");
  });
});
