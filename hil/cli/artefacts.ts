/** What a run leaves behind: one folder under build/hil, which git does not see. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { errorMessage } from "../../host/base/error.ts";
import { CommandError } from "../../host/cli/error.ts";
import { reportJson } from "../report/json.ts";
import { junitOf } from "../report/junit.ts";
import { pageOf } from "../report/page.ts";
import { sectionTitles } from "../report/sections.ts";
import type { RunReport } from "../rig/report.ts";
import { ROOT } from "./action.ts";

const RUNS = join(ROOT, "build/hil");
const LATEST = "latest";
const SPEC = join(ROOT, "firmware-spec/SPEC.md");

/** @param given where the person wants it @throws CommandError OUTPUT_WRITE */
export function makeRunFolder(given: string | undefined, utcMs: number, seed: number): string {
  const time = new Date(utcMs).toISOString().slice(0, 19).replaceAll(":", "");
  const folder = given === undefined ? join(RUNS, `${time}Z-${seed}`) : resolve(given);
  try {
    mkdirSync(folder, { recursive: true });
    if (given === undefined) pointLatestAt(folder);
  } catch (error) {
    throw new CommandError("OUTPUT_WRITE", `${folder}: ${errorMessage(error)}`, { cause: error });
  }
  return folder;
}

function pointLatestAt(folder: string): void {
  const link = join(dirname(folder), LATEST);
  rmSync(link, { force: true });
  symlinkSync(folder, link);
}

/** @returns the page's path @throws CommandError OUTPUT_WRITE */
export function writeReports(folder: string, report: RunReport): string {
  const page = join(folder, "report.html");
  try {
    writeFileSync(join(folder, "report.json"), reportJson(report));
    writeFileSync(join(folder, "junit.xml"), junitOf(report));
    writeFileSync(page, pageOf(report, sectionTitles(readFileSync(SPEC, "utf8"))));
  } catch (error) {
    throw new CommandError("OUTPUT_WRITE", `${folder}: ${errorMessage(error)}`, { cause: error });
  }
  return page;
}
