/** Asks the npm registry what is known against the packages that the appliance runs with; says so when it cannot. */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { auditVerdict } from "./audit-verdict.ts";

const DEADLINE_MS = 120_000;
const { stdout } = spawnSync("npm", ["audit", "--audit=true", "--omit=dev", "--json"], {
  cwd: resolve(import.meta.dirname, ".."),
  encoding: "utf8",
  timeout: DEADLINE_MS,
});
const { exitCode, lines } = auditVerdict(stdout ?? "");
process.stdout.write(`${lines.join("\n")}\n`);
process.exitCode = exitCode;
