/**
 * `make soak`, or `node main.ts [SECONDS [SEED [FOLDER]]]`: the appliance at mixed faults (soak.ts). A line every few
 * seconds, a table at the end, and `soak.json` and `soak.md` in FOLDER (build/soak); exit status 1 on any finding.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { MOSQUITTO, RUN_MOSQUITTO } from "../../host/mqtt/testing/mosquitto.ts";
import { markdownOf, showReport } from "./report.ts";
import { runSoak } from "./soak.ts";

const [seconds = "3600", seed = "1", folder = resolve(import.meta.dirname, "../../build/soak")] = process.argv.slice(2);
const say = (line: string) => void process.stdout.write(`${line}\n`);

if (!RUN_MOSQUITTO) {
  say(`the soak needs ${MOSQUITTO}`);
  process.exit(1);
}
mkdirSync(folder, { recursive: true });
const startedUtc = new Date().toISOString();
const report = await runSoak({ seconds: Number(seconds), seed: Number(seed), folder: join(folder, "appliance"), say });
writeFileSync(
  join(folder, "soak.json"),
  `${JSON.stringify({ startedUtc, node: process.version, ...report }, null, 2)}\n`,
);
writeFileSync(join(folder, "soak.md"), `${markdownOf(report)}\n`);
for (const line of showReport(report)) say(line);
process.exitCode = report.findings.length === 0 ? 0 : 1;
