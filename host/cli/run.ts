import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { Appliance } from "../appliance/appliance.ts";
import { QuietLog } from "../appliance/quiet-log.ts";
import { errorCode, errorMessage } from "../base/error.ts";
import type { Config } from "../config/schema.ts";
import { type ModelProcess, startModel } from "../device/usb/model-process.ts";
import { action, INSTALL_DIR, openLog, packageVersion } from "./context.ts";
import { leaveSoon, untilCrashed, untilTold } from "./ending.ts";
import { UsageError } from "./error.ts";
import { EXIT, examples } from "./output.ts";

const MODEL_PROGRAM = resolve(INSTALL_DIR, "build/firmware/lv06-model");

export function registerRun(program: Command): void {
  program
    .command("run")
    .summary("the appliance: inbox in, results and health out over MQTT, until it is told to stop")
    .description(
      "Runs the appliance until SIGTERM or Ctrl-C. Put images into its inbox (data/inbox), by renaming them into it.\n" +
        "Without mqtt.url it brings its own broker on 127.0.0.1, for trying out. Logs are JSON lines on stdout\n" +
        "(with --json on stderr); what is said again and again is said once a minute, with its number in `times`.",
    )
    .option("--model-device", "start the model device too, and use it (simulated)")
    .addHelpText(
      "after",
      examples("lv06 run --model-device", "LV06_MQTT_URL=mqtt://broker.local lv06 run --config /etc/lv06/lv06.yaml"),
    )
    .action(
      action(async ({ config, output }, options: { readonly modelDevice?: true }) => {
        // Before anything is started, so that whoever ends it early ends it cleanly too.
        const told = untilTold();
        const settings = config();
        const log = new QuietLog(openLog(settings.log.level, output.json ? 2 : 1), {
          monotonicMs: () => performance.now(),
          utcMs: () => Date.now(),
        });
        const crashed = untilCrashed(log);
        const model = options.modelDevice ? await modelDevice(settings) : undefined;
        try {
          const device =
            model === undefined
              ? settings.device
              : { ...settings.device, usb: { ...settings.device.usb, path: model.path } };
          const appliance = new Appliance({ ...settings, device }, { version: packageVersion(), log });
          let inTime = false;
          try {
            await appliance.start();
            await Promise.race([told, crashed]);
          } finally {
            inTime = await appliance.stop();
            log.flush();
          }
          const clean = inTime && (await Promise.race([crashed, told])) === "told";
          if (output.json) output.answer({ status: "stopped" }, () => []);
          return clean ? EXIT.done : EXIT.failed;
        } catch (error) {
          // Whoever has the log alone is to see why there is no more of it.
          log.error({ part: "appliance", code: errorCode(error) }, errorMessage(error));
          throw error;
        } finally {
          await model?.stop();
          leaveSoon();
        }
      }),
    );
}

async function modelDevice({ dataDir }: Config): Promise<ModelProcess> {
  if (!existsSync(MODEL_PROGRAM)) {
    throw new UsageError("USAGE_OPTION", `--model-device needs ${MODEL_PROGRAM}: run make firmware`);
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return startModel({ program: MODEL_PROGRAM, link: join(dataDir, `model-device-${process.pid}`) });
}
