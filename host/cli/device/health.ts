import type { Command } from "commander";
import { action } from "../context.ts";
import { EXIT, examples } from "../output.ts";
import { onPort, type PortOptions, withDevice } from "./open.ts";
import { fields } from "./print.ts";

export function registerHealth(device: Command): void {
  onPort(device.command("health"))
    .description("one reading of the device's sensors; what it does not know is absent")
    .addHelpText("after", examples("lv06 device health", "lv06 device health --port /dev/ttyACM0 --json"))
    .action(
      action((context, options: PortOptions) =>
        withDevice(context, options, async ({ device: on, signal }) => {
          const { id, simulated } = on.info;
          const document = { id, simulated, ...(await on.health({ signal })) };
          context.output.answer(document, () => fields(document));
          return EXIT.done;
        }),
      ),
    );
}
