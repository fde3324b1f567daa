/** `hil score`: planted defects, and which target and case finds each. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Command } from "commander";
import { ROOT } from "./action.ts";

const SCORE = join(ROOT, "hil/score/main.ts");

export function registerScore(program: Command): void {
  program
    .command("score")
    .description("plant defects into host, device core and recordings, and tell which target and case finds each")
    .argument("[options...]", "as `hil/score/main.ts` takes them")
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (options: readonly string[], _: unknown, command: Command) => {
      const json = command.optsWithGlobals<{ json?: true }>().json === true ? ["--json"] : [];
      // A process of its own: a mutant must not change the code that runs it.
      const child = spawn(process.execPath, [SCORE, ...options, ...json], { stdio: "inherit" });
      const [code] = await once(child, "exit");
      process.exitCode = typeof code === "number" ? code : 1;
    });
}
