/** The command line: `./lv06` in the checkout. Only arguments, progress and printing live in this room. */
import { Command, CommanderError } from "commander";
import { registerAttention } from "./attention.ts";
import { registerConfig } from "./config.ts";
import { packageVersion } from "./context.ts";
import { registerDevice } from "./device.ts";
import { registerDoctor } from "./doctor.ts";
import { registerInfer } from "./infer.ts";
import { registerModels } from "./models.ts";
import { EXIT } from "./output.ts";
import { registerPrecompute } from "./precompute.ts";
import { registerResults } from "./results.ts";
import { registerRun } from "./run.ts";

const EXIT_TABLE = `
Exit codes: 0 done · 1 failed · 2 usage or configuration · 5 device absent · 6 input refused
(the lowest where several hold). Answers go to stdout, everything else to stderr.
Research use only: not for diagnosis.`;

function program(): Command {
  const lv06 = new Command("lv06")
    .description("The LV06 edge appliance: hash attention and a hybrid CNN on medical images, published over MQTT.")
    .version(packageVersion())
    .option("--config <file>", "configuration file (default: LV06_CONFIG, else lv06.yaml in the working folder)")
    .option("--json", "one JSON document on stdout and nothing else")
    .addHelpText("after", EXIT_TABLE)
    .showHelpAfterError("(--help shows what is possible)");
  registerRun(lv06);
  registerInfer(lv06);
  registerAttention(lv06);
  registerPrecompute(lv06);
  registerDevice(lv06);
  registerModels(lv06);
  registerResults(lv06);
  registerConfig(lv06);
  registerDoctor(lv06);
  exitByException(lv06);
  return lv06;
}

/** commander ends the process with 1 on a usage error, in the middle of what it prints; ours is 2. */
function exitByException(command: Command): void {
  command.exitOverride();
  for (const below of command.commands) {
    below
      .option("--json", "one JSON document on stdout and nothing else")
      .option("--config <file>", "configuration file");
    exitByException(below as Command);
  }
}

try {
  await program().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
}
