/** The command line: `./lv06` in the checkout. Only arguments, progress and printing live in this room. */
import { Command } from "commander";
import { registerAttention } from "./attention.ts";
import { registerBackup } from "./backup.ts";
import { registerConfig } from "./config.ts";
import { packageVersion } from "./context.ts";
import { registerStore } from "./damage.ts";
import { registerDevice } from "./device/register.ts";
import { registerDoctor } from "./doctor.ts";
import { registerEval } from "./eval.ts";
import { registerImages } from "./images.ts";
import { registerInfer } from "./infer.ts";
import { registerKeys } from "./keys.ts";
import { registerLedger } from "./ledger.ts";
import { registerModels } from "./models.ts";
import { registerOutbox } from "./outbox.ts";
import { registerPrecompute } from "./precompute.ts";
import { registerReceipt } from "./receipt.ts";
import { registerRestore } from "./restore.ts";
import { registerResults } from "./results.ts";
import { registerRun } from "./run.ts";
import { registerSelftest } from "./selftest.ts";
import { runProgram } from "./usage.ts";
import { registerVerify } from "./verify.ts";

const EXIT_TABLE = `
Exit codes: 0 done or valid · 1 failed or invalid · 2 usage or configuration · 3 valid, signer unknown
4 valid but simulated · 5 device absent · 6 input refused
(the lowest where several hold). Answers, and the log of run, go to stdout, everything else to stderr.
Research use only: not for diagnosis.`;

const lv06 = new Command("lv06")
  .description("The LV06 edge appliance: hash attention and a hybrid CNN on medical images, published over MQTT.")
  .version(packageVersion())
  .option("--config <file>", "configuration file (default: LV06_CONFIG, else lv06.yaml in the working folder)")
  .option("--json", "one JSON document on stdout and nothing else")
  .addHelpText("after", EXIT_TABLE)
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError("(--help shows what is possible)");

function register(program: Command): void {
  registerRun(program);
  registerInfer(program);
  registerAttention(program);
  registerPrecompute(program);
  registerEval(program);
  registerDevice(program);
  registerModels(program);
  registerResults(program);
  registerImages(program);
  registerOutbox(program);
  registerStore(program);
  registerReceipt(program);
  registerVerify(program);
  registerLedger(program);
  registerKeys(program);
  registerBackup(program);
  registerRestore(program);
  registerConfig(program);
  registerDoctor(program);
  registerSelftest(program);
}

const exitCode = await runProgram(lv06, register, process.argv.slice(2));
if (exitCode !== undefined) process.exitCode = exitCode;
