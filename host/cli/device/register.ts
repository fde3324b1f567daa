import type { Command } from "commander";
import { registerAttest } from "./attest.ts";
import { registerFrame } from "./frame.ts";
import { registerHash } from "./hash.ts";
import { registerHealth } from "./health.ts";
import { registerImage } from "./image.ts";
import { registerInfo } from "./info.ts";
import { registerList } from "./list.ts";
import { registerPair } from "./pair.ts";
import { registerWork } from "./work.ts";

export function registerDevice(program: Command): void {
  const device = program
    .command("device")
    .description("the device: on a serial line with direct-hash firmware, or a stock miner (pair)");
  registerList(device);
  registerInfo(device);
  registerHealth(device);
  registerHash(device);
  registerImage(device);
  registerWork(device);
  registerAttest(device);
  registerPair(device);
  registerFrame(device);
}
