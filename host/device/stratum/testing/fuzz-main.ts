/**
 * `node fuzz-main.ts SECONDS [SEED [OUT]]`: sieges of the bridge, a seed each, until the time is over. One line a round
 * on stderr, one JSON document on stdout and in OUT; exit status 1 on any finding. A round alone: SECONDS 0.
 */
import { writeFileSync } from "node:fs";
import { runFuzz } from "./fuzz.ts";

const CONNECTIONS = 1000;
const WIDTH = 40;
const MINERS = 5;

const [seconds = "20", first = "1", out] = process.argv.slice(2);
const startedMs = performance.now();
const elapsedS = () => Math.round((performance.now() - startedMs) / 1000);
const totals = { rounds: 0, connections: 0, shares: 0, sealed: 0, rssMiB: [] as number[] };
const findings: string[] = [];

do {
  const seed = Number(first) + totals.rounds;
  try {
    const report = await runFuzz({ seed, connections: CONNECTIONS, width: WIDTH, miners: MINERS });
    findings.push(...report.findings.map((finding) => `seed ${seed}: ${finding}`));
    totals.shares += report.shares;
    totals.sealed += report.sealed;
  } catch (error) {
    findings.push(`seed ${seed}: ${error}`);
  }
  totals.rounds += 1;
  totals.connections += CONNECTIONS;
  totals.rssMiB.push(Math.round(process.memoryUsage.rss() / 2 ** 20));
  process.stderr.write(`seed ${seed}: ${elapsedS()} of ${seconds} s, ${findings.length} findings\n`);
} while (elapsedS() < Number(seconds));

const report = { simulated: true, firstSeed: Number(first), seconds: elapsedS(), ...totals, findings };
process.stdout.write(`${JSON.stringify(report)}\n`);
if (out !== undefined) writeFileSync(out, `${JSON.stringify(report, null, 2)}\n`);
process.exitCode = findings.length === 0 ? 0 : 1;
