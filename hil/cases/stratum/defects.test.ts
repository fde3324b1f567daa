/** Defects planted between the bridge and the device: each is found by the case that stands for it. */
import { describe, expect, test } from "vitest";
import type { ModelMiner } from "../../targets/model-stratum.ts";
import { modelStratum } from "../../targets/model-stratum.ts";
import { runOn } from "../../targets/testing/run-on.ts";
import { STRATUM_CASES } from "../stratum.ts";

interface Defect {
  readonly name: string;
  readonly rewrite: () => (text: string) => string;
  /** The case that names it, and a piece of what it says. */
  readonly found: readonly [id: string, words: string];
  readonly miner?: ModelMiner;
}

/** Rewrites whole lines; the bridge writes nothing else. */
const lines = (change: (line: string) => string) => () => (text: string) =>
  text
    .split("\n")
    .map((line) => (line === "" ? line : change(line)))
    .join("\n");
const jobs = (change: (params: unknown[]) => unknown[]) =>
  lines((line) => {
    const message = JSON.parse(line);
    if (message.method !== "mining.notify") return line;
    return JSON.stringify({ ...message, params: change(message.params) });
  });

const DEFECTS: readonly Defect[] = [
  {
    name: "a mask with a bit that nobody may roll",
    rewrite: lines((line) => line.replace('"version-rolling.mask":"1fffe000"', '"version-rolling.mask":"3fffe000"')),
    found: ["stratum/open/mask", "bits outside 1fffe000"],
  },
  {
    name: "a mask that lacks bits",
    rewrite: lines((line) => line.replace('"version-rolling.mask":"1fffe000"', '"version-rolling.mask":"00ffe000"')),
    found: ["stratum/open/mask", "00ffe000 was granted"],
  },
  {
    name: "answers without an error key",
    rewrite: lines((line) => line.replace(',"error":null', "")),
    found: ["stratum/open/error-key", "has no error key"],
    miner: "esp",
  },
  {
    name: "answers under another id",
    rewrite: lines((line) => line.replace(/^\{"id":3,"result"/, '{"id":77,"result"')),
    found: ["stratum/open/answered", "what nobody asked"],
  },
  {
    name: "no answer to a suggestion",
    rewrite: lines((line) => (line.startsWith('{"id":4,"result":true') ? "" : line)),
    found: ["stratum/open/answered", "never answered"],
  },
  {
    name: "a job ahead of the difficulty",
    rewrite: () => (text) => {
      const all = text.split("\n").filter((line) => line !== "");
      const at = all.findIndex((line) => line.includes('"method":"mining.set_difficulty"'));
      const [difficulty, job] = [all[at], all[at + 1]];
      if (at < 0 || difficulty === undefined || job === undefined) return text;
      return `${[...all.slice(0, at), job, difficulty, ...all.slice(at + 2)].join("\n")}\n`;
    },
    found: ["stratum/open/difficulty-then-job", "does not follow a difficulty"],
  },
  {
    name: "an extranonce2 of 9 bytes",
    rewrite: lines((line) => line.replace(/("[0-9a-f]{8}"),4\]/, "$1,9]")),
    found: ["stratum/open/extranonce", "extranonce2 has 9 bytes"],
  },
  {
    name: "a job id that is used again",
    rewrite: () => {
      let sent = 0;
      let first: unknown;
      return jobs((params) => {
        sent += 1;
        first ??= params[0];
        return sent === 4 ? params.with(0, first) : params;
      })();
    },
    found: ["stratum/job/ids", "used twice"],
  },
  {
    name: "a difficulty that changes without a clean job",
    rewrite: lines((line) =>
      line.includes('"method":"mining.notify"') ? line.replace(/,true\]\}$/, ",false]}") : line,
    ),
    found: ["stratum/difficulty/with-next-job", "is not clean"],
  },
  {
    name: "a new batch that is not clean",
    rewrite: jobs((params) => params.with(8, false)),
    found: ["stratum/batch/clean", "is not clean"],
  },
  {
    name: "no branch in a job",
    rewrite: jobs((params) => params.with(4, [])),
    found: ["stratum/job/envelope", "0 branches"],
  },
  {
    name: "a line that is too long",
    rewrite: jobs((params) =>
      params.with(
        4,
        Array.from({ length: 8 }, () => "00".repeat(32)),
      ),
    ),
    found: ["stratum/job/envelope", "a job of"],
  },
  {
    name: "a version with bits of the mask",
    rewrite: jobs((params) => params.with(5, "20002000")),
    found: ["stratum/job/fields", "has bits of the mask"],
  },
  {
    name: "an easy nbits",
    rewrite: jobs((params) => params.with(6, "207fffff")),
    found: ["stratum/job/fields", "look like blocks"],
  },
  {
    name: "a time of yesterday",
    rewrite: jobs((params) =>
      params.with(7, (Number.parseInt(String(params[7]), 16) - 86_400).toString(16).padStart(8, "0")),
    ),
    found: ["stratum/job/time", "s off"],
  },
  {
    name: "a keepalive that drops the work under way",
    rewrite: jobs((params) => params.with(8, true)),
    found: ["stratum/job/keepalive", "drop its work"],
  },
  {
    name: "no keepalive",
    rewrite: lines((line) => (/"mining.notify".*,false\]\}$/.test(line) ? "" : line)),
    found: ["stratum/job/keepalive", "was told nothing"],
  },
  {
    name: "another batch's commitment in the job",
    rewrite: jobs((params) => params.with(2, String(params[2]).replace("b2".repeat(32), "a1".repeat(32)))),
    found: ["stratum/job/commitment", "another commitment"],
  },
  {
    name: "a prevhash whose words are not swapped",
    rewrite: jobs((params) => params.with(1, String(params[1]).replace(/(..)(..)(..)(..)/g, "$4$3$2$1"))),
    found: ["stratum/share/first-proves", "refused, the last with 23"],
  },
];

async function failureOf({ miner = "stock", rewrite, found: [id] }: Defect, planted: boolean): Promise<string | null> {
  const one = STRATUM_CASES.find((each) => each.id === id);
  if (one === undefined) throw new Error(`no case ${id}`);
  const target = modelStratum({ miner, ...(planted ? { rewrite: rewrite() } : {}) });
  return runOn(target, one);
}

describe("a defect in what the host says is found by its case:", () => {
  test.concurrent.each(DEFECTS)("$name", { timeout: 30_000 }, async (defect) => {
    expect(await failureOf(defect, true)).toContain(defect.found[1]);
  });

  test("and none of those cases complains without a defect", { timeout: 60_000 }, async () => {
    for (const defect of DEFECTS) expect(await failureOf(defect, false), defect.name).toBeNull();
  });
});
