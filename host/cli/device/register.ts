import type { Command } from "commander";
import { registerAttest } from "./attest.ts";
import { registerFrame } from "./frame.ts";
import { registerHash } from "./hash.ts";
import { registerHealth } from "./health.ts";
import { registerImage } from "./image.ts";
import { registerInfo } from "./info.ts";
import { registerList } from "./list.ts";
import { registerWork } from "./work.ts";

export function registerDevice(program: Command): void {
  const device = program
    .command("device")
    .description("the hashing device on a serial line (direct-hash firmware; a model device says so)");
  registerList(device);
  registerInfo(device);
  registerHealth(device);
  registerHash(device);
  registerImage(device);
  registerWork(device);
  registerAttest(device);
  registerFrame(device);
}
