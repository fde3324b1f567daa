/** The rig's command line: `./hil/hil` in the checkout. Only arguments, progress and printing live in this folder. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { runProgram } from "../../host/cli/usage.ts";
import { ROOT } from "./action.ts";
import { registerDiff } from "./diff.ts";
import { registerFaults } from "./faults.ts";
import { registerMap } from "./map.ts";
import { registerRecord } from "./record.ts";
import { registerRefresh } from "./refresh.ts";
import { registerRun } from "./run.ts";
import { registerVirtual } from "./scenarios.ts";
import { registerScore } from "./score.ts";
import { registerSoak } from "./soak.ts";
import { registerVerify } from "./verify.ts";

const NOTES = `
Environment: HIL_TARGET (as --target), HIL_PORT (as --port), HIL_STRATUM (as --stratum), HIL_REQUIRE_REAL=1.
Exit codes: 0 all passed · 1 failed · 2 usage · 5 device absent (the lowest where several hold).
Answers go to stdout, everything else to stderr. Research use only: not for diagnosis.`;

const version = (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly version: string }).version;

const hil = new Command("hil")
  .description("The hardware-in-the-loop rig: one suite of cases on models, recordings and real devices.")
  .version(version)
  .option("--json", "one JSON document on stdout and nothing else")
  .addHelpText("after", NOTES)
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError("(--help shows what is possible)");

function register(program: Command): void {
  registerRun(program);
  registerMap(program);
  registerRecord(program);
  registerVerify(program);
  registerDiff(program);
  registerRefresh(program);
  registerSoak(program);
  registerFaults(program);
  registerVirtual(program);
  registerScore(program);
}

const exitCode = await runProgram(hil, register, process.argv.slice(2));
if (exitCode !== undefined) process.exitCode = exitCode;
