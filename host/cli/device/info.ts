import type { Command } from "commander";
import { action } from "../context.ts";
import { EXIT, examples } from "../output.ts";
import { onPort, type PortOptions, withDevice } from "./open.ts";
import { fields } from "./print.ts";

export function registerInfo(device: Command): void {
  onPort(device.command("info"))
    .description("what the device says of itself")
    .addHelpText("after", examples("lv06 device info", "lv06 device info --port /dev/ttyACM0 --json"))
    .action(
      action((context, options: PortOptions) =>
        withDevice(context, options, async ({ device: { kind, info, hello, baud } }) => {
          const { protocol, maxLineBytes, maxReplyBytes, maxImagePixels, inflateBytes, rates, credits } = hello;
          const limits = { protocol, maxLineBytes, maxReplyBytes, maxImagePixels, inflateBytes };
          const line = {
            credits: `${credits.lines} lines, ${credits.bytes} bytes`,
            rates,
            baud: rates.length > 0 ? baud : null,
          };
          const document = { kind, ...info, capabilities: [...info.capabilities], ...limits, ...line };
          context.output.answer(document, () => fields(document));
          return EXIT.done;
        }),
      ),
    );
}
