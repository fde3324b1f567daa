import type { Command } from "commander";
import { parseMiners } from "../appliance/miners/miner-url.ts";
import { effectiveConfig } from "../config/effective.ts";
import { action } from "./context.ts";
import { EXIT, examples, table } from "./output.ts";

export function registerConfig(program: Command): void {
  program
    .command("check-config")
    .summary("check the configuration and show where every value comes from")
    .description("Checks file and environment, and prints every key's value and origin; secrets are hidden.")
    .addHelpText("after", examples("LV06_MODE=validation lv06 check-config --config /etc/lv06/lv06.yaml"))
    .action(
      action(({ output, load }) => {
        const loaded = load();
        parseMiners(loaded.config.device.miners);
        const keys = effectiveConfig(loaded);
        output.answer({ valid: true, file: loaded.file, keys }, () => [
          loaded.file === null ? "no configuration file; defaults and environment:" : `${loaded.file} is valid:`,
          "",
          ...table(
            ["key", "value", "from"],
            keys.map(({ key, value, origin }) => [key, JSON.stringify(value), origin]),
          ),
        ]);
        return EXIT.done;
      }),
    );
}
