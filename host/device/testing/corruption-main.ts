/**
 * `node corruption-main.ts [CASES [SEED [memory|core]]]`: the campaign of corruption.ts, by default a million cases
 * against the real C core in WebAssembly. One line of JSON; exit status 1 if anything was wrong.
 */
import { runCampaign } from "./corruption.ts";
import { MemoryDevice } from "./memory-device.ts";
import { wasmPeer } from "./wasm-peer.ts";

const [cases = "1000000", seed = "1", device = "core"] = process.argv.slice(2);
const startedMs = performance.now();
const peer = device === "memory" ? new MemoryDevice() : await wasmPeer(Number(seed));
const report = runCampaign({ cases: Number(cases), seed: Number(seed), peer });
const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(
  `${JSON.stringify({ device, simulated: true, seed: Number(seed), ...report, seconds, peakMiB })}\n`,
);
process.exitCode = report.wrong + report.unsettled + report.failed + report.deaf === 0 ? 0 : 1;
