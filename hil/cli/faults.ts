/** `hil faults`: every fault that a plan may hold, and how a plan is written. */
import type { Command } from "commander";
import { EXIT, type ExitCode, type Output, table } from "../../host/cli/output.ts";
import { FAULT_KINDS, KINDS, kindOf } from "../faults/kinds.ts";
import { action } from "./action.ts";

const HOW = `
A plan: KIND@DIRECTION OPTION=VALUE …; KIND@DIRECTION …

  flip@both p=0.001                  one line in a thousand, both ways
  stall@read verb=BATCH times=1 ms=700   once, at an answer to BATCH
  unplug@read afterBytes=4000 times=1    when so much was heard
  seed=7; lose@write p=0.01          with this luck in every case (default: each case's own seed)

Directions: read (what the host hears), write, both. When: p (chance), times (at most), once, afterBytes, line, verb, from and to (a mark
of the case). It strikes wherever all that is given holds.`;

export function registerFaults(program: Command): void {
  program
    .command("faults")
    .description("list the faults that --faults may hold")
    .action(
      action((output: Output): ExitCode => {
        const kinds = FAULT_KINDS.map((kind) => ({ kind, ...kindOf(kind) }));
        output.answer({ faults: KINDS }, () => [
          ...table(
            ["fault", "on", "options", "what it does"],
            kinds.map((each) => [each.kind, each.in.join(", "), (each.takes ?? []).join(", "), each.does]),
          ),
          ...HOW.split("\n"),
        ]);
        return EXIT.done;
      }),
    );
}
