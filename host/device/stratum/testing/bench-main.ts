/**
 * `node --expose-gc bench-main.ts [SHARES [CROWD_SECONDS]]`: what a share costs the bridge, one JSON document on stdout. Simulated
 * throughout: shares of so low a difficulty that every nonce is one, from a client on the loopback interface.
 */
import { connect } from "node:net";
import { testBridge } from "./bridge.ts";
import { runCrowd } from "./crowd.ts";
import { Talk } from "./talk.ts";

const LEAST = 2 ** -32;
const BLOCK = 2000;

const [shares = "20000", crowdSeconds = "20"] = process.argv.slice(2);
const round = (value: number) => Math.round(value * 1000) / 1000;

function percentiles(timesMs: readonly number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (part: number) => round(sorted[Math.floor(part * sorted.length)] ?? 0);
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** Lines to answers without a network: parse, judge, answer. */
function sharesPerS(count: number): number {
  let tookMs = 0;
  for (let done = 0; done < count; done += BLOCK) {
    const vardiff = () => ({ least: LEAST, most: LEAST, shareEveryMs: 1 });
    const talk = new Talk({ vardiff }, { linesPerS: 1e9, lineBurst: 1e9 }).open("model");
    const ntime = (1_800_000_000).toString(16);
    const id = talk.jobId;
    const lines = Array.from({ length: BLOCK }, (_, i) => {
      const params = ["model", id, "00000000", ntime, i.toString(16).padStart(8, "0"), "00002000"];
      return JSON.stringify({ id: i, method: "mining.submit", params });
    });
    const startMs = performance.now();
    for (const line of lines) talk.conversation.receive(line, talk.at);
    tookMs += performance.now() - startMs;
  }
  return Math.round((1000 * count) / tookMs);
}

/** From the miner's write to the proof in the caller's hands, and to the miner's answer; every share seals a batch. */
async function sharePath(count: number) {
  let provedMs = 0;
  const on = await testBridge({
    simulatedVardiff: { least: LEAST, most: LEAST },
    limits: { linesPerS: 1_000_000, lineBurst: 1_000_000 },
    onProof: () => {
      provedMs = performance.now();
    },
  });
  const socket = connect({ port: on.port, host: "127.0.0.1", noDelay: true });
  socket.write('{"id":1,"method":"mining.subscribe","params":["bench"]}\n');
  socket.write('{"id":2,"method":"mining.authorize","params":["model","x"]}\n');
  let text = "";
  const wait = async (words: string) => {
    while (!text.includes(words)) text += String(await new Promise((resolve) => socket.once("data", resolve)));
    const said = text;
    text = "";
    return said;
  };
  await wait("mining.notify");
  const proof: number[] = [];
  const answer: number[] = [];
  for (let i = 0; i < count; i++) {
    on.bridge.seek({ commitment: Buffer.alloc(32, i), difficulty: 256, simulatedDifficulty: LEAST });
    const params = JSON.parse((await wait("mining.notify")).trim()).params;
    const submit = ["model", params[0], "00000000", params[7], i.toString(16).padStart(8, "0")];
    const startMs = performance.now();
    socket.write(`${JSON.stringify({ id: 7, method: "mining.submit", params: submit })}\n`);
    await wait('"id":7');
    answer.push(performance.now() - startMs);
    proof.push(provedMs - startMs);
  }
  socket.destroy();
  await on.server.close();
  return { toProof: percentiles(proof), toAnswer: percentiles(answer) };
}

const report = {
  simulated: true,
  shares: Number(shares),
  judgedLinesPerS: sharesPerS(Number(shares)),
  ...(await sharePath(Math.min(Number(shares), 5000))),
  crowd64: await runCrowd({ miners: 64, batches: 20, forMs: Number(crowdSeconds) * 1000 }),
};
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
