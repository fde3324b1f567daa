/**
 * `node fuzz-main.ts SECONDS [SEED [OUT]]`: the host's driver under damage (corruption.ts, against the real C core in
 * WebAssembly, simulated) and under lies (liar.ts), round by round with a seed each, until the time is over. One line a
 * round on stderr, one JSON document on stdout and in OUT; exit status 1 on any finding. A round alone: SECONDS 0.
 */
import { writeFileSync } from "node:fs";
import { runCampaign } from "./corruption.ts";
import { runLiars } from "./liar.ts";
import { wasmPeer } from "./wasm-peer.ts";

const ROUND_CASES = 250_000;
const ROUND_CALLS = 50_000;

const [seconds = "20", first = "1", out] = process.argv.slice(2);
const startedMs = performance.now();
const elapsedS = () => (performance.now() - startedMs) / 1000;
const totals = { rounds: 0, damagedLines: 0, requests: 0, calls: 0, lies: 0, peakMiB: 0 };
const findings: string[] = [];

do {
  const seed = Number(first) + totals.rounds;
  const damage = runCampaign({ seed, cases: ROUND_CASES, peer: await wasmPeer(seed) });
  for (const kind of ["wrong", "unsettled", "deaf", "failed"] as const) {
    if (damage[kind] > 0) findings.push(`seed ${seed}: ${damage[kind]} ${kind} of ${ROUND_CASES} damaged lines`);
  }
  const liars = await runLiars({ seed, calls: ROUND_CALLS });
  findings.push(...liars.findings.map((finding) => `seed ${seed}: ${finding}`));
  totals.rounds += 1;
  totals.damagedLines += damage.cases;
  totals.requests += damage.requests;
  totals.calls += liars.calls;
  totals.lies += liars.lies;
  totals.peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stderr.write(`seed ${seed}: ${Math.round(elapsedS())} of ${seconds} s, ${findings.length} findings\n`);
} while (elapsedS() < Number(seconds));

const report = { simulated: true, firstSeed: Number(first), seconds: Math.round(elapsedS()), ...totals, findings };
process.stdout.write(`${JSON.stringify(report)}\n`);
if (out !== undefined) writeFileSync(out, `${JSON.stringify(report, null, 2)}\n`);
process.exitCode = findings.length === 0 ? 0 : 1;
