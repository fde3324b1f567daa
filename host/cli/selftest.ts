import type { Command } from "commander";
import { askAppliance } from "./ask.ts";
import { action } from "./context.ts";
import { EXIT, examples, table } from "./output.ts";

export function registerSelftest(program: Command): void {
  program
    .command("selftest")
    .description(
      "Has the running appliance, asked over its broker, compute what is known: a picture goes through decoder, attention\n" +
        "and model, and a device that hashes is asked for a digest. Nothing of it is stored or published. Ends with 1 where\n" +
        "something came out wrong.",
    )
    .summary("have the running appliance compute what is known")
    .addHelpText("after", examples("lv06 selftest", "lv06 selftest --json --config /etc/lv06/lv06.yaml"))
    .action(
      action(async ({ config, output }) => {
        const { selftest } = await askAppliance(config(), "selftest", {});
        const { ok, checks } = selftest ?? { ok: false, checks: [] };
        output.answer({ ok, checks }, () => [
          ...table(
            ["check", "verdict", "ms"],
            checks.map(({ name, ok, code, durationMs }) => [
              name,
              ok ? "ok" : `wrong [${code}]`,
              String(Math.round(durationMs)),
            ]),
          ),
          "",
          ok ? "All is well." : "Something came out wrong: docs/errors.md says what to do.",
        ]);
        return ok ? EXIT.done : EXIT.failed;
      }),
    );
}
