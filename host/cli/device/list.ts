import type { Command } from "commander";
import { findPorts, type PortCandidate } from "../../device/usb/find.ts";
import { action } from "../context.ts";
import { EXIT, examples, table } from "../output.ts";

export function registerList(device: Command): void {
  device
    .command("list")
    .summary("serial ports that may have a device behind them")
    .description(
      "Lists serial ports that may have a device behind them, without opening any.\n" +
        "`lv06 device info --port PATH` shows which device it is.\n" +
        "A port's name may change at every plug; the device's id (device.usb.id) does not.",
    )
    .addHelpText("after", examples("lv06 device list", "lv06 device list --json | jq -r '.ports[].path'"))
    .action(
      action(async ({ output }) => {
        const ports = await findPorts();
        output.answer({ ports }, () =>
          ports.length === 0
            ? ["no serial port was found"]
            : table(["path", "port", "usb", "chip", "says"], rows(ports)),
        );
        return EXIT.done;
      }),
    );
}

function rows(ports: readonly PortCandidate[]): string[][] {
  return ports.map(({ path, port, stable, usb, bridge }) => [
    path,
    stable ? port : "(name may change)",
    usb === undefined ? "" : `${usb.vendorId}:${usb.productId}`,
    bridge ?? "",
    [usb?.manufacturer, usb?.product, usb?.serial].filter((word) => word !== undefined).join(" "),
  ]);
}
