/** `hil map`: which devices are plugged in, merged into the hardware map. */
import type { Command } from "commander";
import { EXIT, type ExitCode, type Output, table } from "../../host/cli/output.ts";
import { loadMap, saveMap } from "../map/hardware.ts";
import { mergeMap } from "../map/merge.ts";
import { preflight } from "../map/preflight.ts";
import { scanPorts } from "../map/scan.ts";
import { action } from "./action.ts";
import { HARDWARE } from "./targets.ts";

export function registerMap(program: Command): void {
  program
    .command("map")
    .description("ask every serial port who is there, and bring the hardware map up to date")
    .option("--file <path>", "the map", HARDWARE)
    .action(action(map));
}

async function map(output: Output, { file }: { readonly file: string }): Promise<ExitCode> {
  const known = await loadMap(file);
  const { found, others } = await scanPorts({ onPort: (path) => output.note(`asking ${path}`) });
  const merged = mergeMap(known, found, new Set(["usb"]));
  await saveMap(file, merged.devices);
  const findings = await preflight(found[0]?.port);
  output.answer({ file, ...merged, others, findings }, () => [
    ...table(
      ["name", "present", "device", "firmware", "port"],
      merged.devices.map(({ name, present, device, firmware, byId }) => [
        name,
        present ? "yes" : "no",
        device ?? "",
        firmware ?? "",
        byId ?? "",
      ]),
    ),
    `${merged.devices.length} devices in ${file}: ${merged.added.length} new, ${merged.changed.length} changed, ${merged.gone.length} not there.`,
    ...others.map(
      ({ path, message }) => `${path}: ${message.startsWith(path) ? message.slice(path.length + 2) : message}`,
    ),
    ...findings.map(({ what, todo, code }) => `${what} [${code}]. ${todo}`),
  ]);
  return found.length === 0 ? EXIT.deviceAbsent : EXIT.done;
}
