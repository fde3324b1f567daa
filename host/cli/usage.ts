/** What commander says for itself (help, version, usage errors), so that --json and the exit codes hold there too. */
import { type Command, CommanderError } from "commander";
import { type UsageCode, UsageError } from "./error.ts";
import { EXIT, type ExitCode, Output } from "./output.ts";

/** commander's names for what was typed wrong; every other one is about an option. */
const CODES: Readonly<Record<string, UsageCode>> = {
  "commander.help": "USAGE_COMMAND",
  "commander.unknownCommand": "USAGE_COMMAND",
  "commander.missingArgument": "USAGE_ARGUMENT",
  "commander.excessArguments": "USAGE_ARGUMENT",
};

/**
 * Runs the program on `args`.
 *
 * @param build registers the commands below the program it is given
 * @returns the exit code when commander ended the run; undefined when a command ran, which then set its own
 */
export async function runProgram(
  program: Command,
  build: (program: Command) => void,
  args: readonly string[],
): Promise<ExitCode | undefined> {
  const json = wantsJson(args);
  let said = "";
  const keep = (text: string) => {
    said += text;
  };
  // Both before the commands are registered, which inherit them.
  program.exitOverride();
  if (json) program.configureOutput({ writeOut: keep, writeErr: () => {} });
  build(program);
  try {
    await program.parseAsync(args, { from: "user" });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const done = error.exitCode === 0;
    if (json) answer(new Output(true), error, done, said.trimEnd());
    return done ? EXIT.done : EXIT.usage;
  }
}

function answer(output: Output, { code, message }: CommanderError, done: boolean, said: string): void {
  if (done) {
    const document = code === "commander.version" ? { version: said } : { help: said };
    output.answer(document, () => []);
    return;
  }
  const detail = code === "commander.help" ? "no command was given" : message.replace(/^error: /, "");
  output.failure(new UsageError(CODES[code] ?? "USAGE_OPTION", detail));
}

/** Also when the arguments are too wrong to be parsed. */
function wantsJson(args: readonly string[]): boolean {
  const literal = args.indexOf("--");
  return args.slice(0, literal < 0 ? args.length : literal).includes("--json");
}
