/** The line itself: ends, pieces, noise, and what others do on theirs. */
import type { StratumBench } from "../../rig/bench.ts";
import { expectThat, stratumCase } from "../../rig/case.ts";
import { RawClient } from "./raw-client.ts";
import { exchanges, sentJobs, sentShares } from "./talk.ts";
import { hardSealing, SHARES_MS, Working } from "./work.ts";

const COMMON = { spec: ["Stratum V1"], level: "MUST", needs: [] } as const;

export const LINE_CASES = [
  stratumCase({
    id: "stratum/line/reconnect",
    title: "After the connection broke off the device comes back, and the batch goes on",
    ...{ ...COMMON, can: ["restart"], deadlineMs: SHARES_MS },
    run: async (bench) => {
      const on = await Working.of(bench);
      on.bridge.seek(hardSealing(bench, 0x81));
      await on.more(1);
      const brokenMs = bench.clock.nowMs();
      await bench.act("restart");
      await on.join(2);
      bench.measured("back-after", bench.clock.nowMs() - brokenMs);
      const job = sentJobs(bench).at(-1);
      expectThat(job?.coinb1.includes("81".repeat(32)) === true, "it came back to another batch");
      const connections = new Set(sentJobs(bench).map(({ message }) => message.line.connection));
      expectThat(connections.size === 2, `its jobs went over ${connections.size} connections, not 2`);
      await on.more(1);
      expectThat(sentShares(bench).at(-1)?.jobId === job.id, "its share is of a job of the connection before");
      const ids = sentJobs(bench).map(({ id }) => id);
      expectThat(new Set(ids).size === ids.length, "a job id was used again after the break");
      const [miner, ...more] = on.bridge.view().miners;
      expectThat(more.length === 0 && miner?.connections === 2, "it is not known as the same miner");
    },
  }),

  stratumCase({
    id: "stratum/line/in-pieces",
    title: "What the device says may arrive byte by byte",
    ...{ ...COMMON, can: ["faults"], deadlineMs: SHARES_MS },
    run: async (bench) => {
      bench.damage((chunk) => Array.from(chunk, (byte) => Uint8Array.of(byte)));
      await (await Working.of(bench)).share(2);
      for (const { request, answer } of exchanges(bench))
        expectThat(answer.error === null, `${request.method} was refused: ${answer.line.text}`);
    },
  }),

  stratumCase({
    id: "stratum/line/noise",
    title: "A line of noise now and then is answered as malformed, and the device's work still counts",
    ...{ ...COMMON, can: ["faults"], deadlineMs: SHARES_MS },
    run: async (bench) => {
      let chunks = 0;
      const noise = Buffer.from("\u0000\u00ff[0;32mI (512) stratum_task: noise\n", "latin1");
      bench.damage((chunk) => (++chunks % 2 === 1 && chunks < 6 && chunk.at(-1) === 10 ? [noise, chunk] : [chunk]));
      const on = await Working.of(bench);
      await on.share(3);
      expectThat(on.bridge.view().joined === 1, "the device was dropped");
    },
  }),

  stratumCase({
    id: "stratum/line/ping",
    title: "Whoever asks for a sign of life or the version gets it",
    ...COMMON,
    run: async (bench) => {
      const raw = await rawBeside(bench);
      expectThat(raw.ask("mining.ping")?.result === "pong", "no pong");
      const version = raw.ask("client.get_version")?.result;
      expectThat(typeof version === "string" && version.length > 0, `the version is ${JSON.stringify(version)}`);
    },
  }),

  stratumCase({
    id: "stratum/line/unknown",
    title:
      "What is unknown is refused with 20; a suggestion or subscription that changes nothing is answered with true",
    ...COMMON,
    run: async (bench) => {
      const raw = await rawBeside(bench);
      expectThat(raw.ask("mining.multi_version", 4)?.error?.[0] === 20, "an unknown method is not refused");
      for (const method of ["mining.suggest_difficulty", "mining.suggest_target", "mining.extranonce.subscribe"])
        expectThat(raw.ask(method, 1)?.result === true, `${method} is not answered with true`);
    },
  }),

  stratumCase({
    id: "stratum/line/split-anywhere",
    title: "An opening says the same wherever it is cut in two",
    ...COMMON,
    run: async (bench) => {
      const { bridge } = await Working.of(bench);
      const text =
        '{"id":1,"method":"mining.subscribe","params":["raw/rig"]}\r\n{"id":2,"method":"mining.authorize","params":["rig.raw","x"]}\n';
      for (let at = 0; at <= text.length; at += 7) {
        const raw = new RawClient(bridge);
        raw.send(text.slice(0, at));
        raw.send(text.slice(at));
        const told = raw.told.map(({ method, id }) => method ?? id).join(" ");
        expectThat(told === "1 2 mining.set_difficulty mining.notify", `cut at ${at} it is answered with ${told}`);
        raw.end();
      }
    },
  }),

  nuisance("garbage", "Noise in place of messages ends a connection after some lines", (raw) => {
    for (let i = 0; i < 10; i++) raw.send("garbage\n");
  }),
  nuisance("too-long", "A line without an end ends its connection", (raw) => {
    for (let i = 0; i < 10; i++) raw.send("x".repeat(1000));
  }),
  nuisance("deep", "Brackets that nest too deep end a connection after some lines", (raw) => {
    const deep = `{"id":1,"method":"mining.submit","params":${"[".repeat(500)}${"]".repeat(500)}}\n`;
    for (let i = 0; i < 10; i++) raw.send(deep);
  }),
  nuisance("flood", "Thousands of lines at once end a connection", (raw) => {
    raw.send('{"id":1,"method":"mining.ping","params":[]}\n'.repeat(2000));
  }),
];

/** What ends a nuisance's connection does not touch the device's. */
function nuisance(name: string, title: string, act: (raw: RawClient) => void) {
  return stratumCase({
    id: `stratum/line/${name}`,
    title: `${title}, and leaves the device's alone`,
    ...{ ...COMMON, deadlineMs: SHARES_MS },
    run: async (bench) => {
      const on = await Working.of(bench);
      const raw = new RawClient(on.bridge).open();
      act(raw);
      expectThat(raw.closed, "the connection is still there");
      await on.more(1);
      expectThat(on.bridge.view().joined === 1, "the device's connection suffered");
    },
  });
}

async function rawBeside(bench: StratumBench): Promise<RawClient> {
  const { bridge } = await Working.of(bench);
  return new RawClient(bridge).open();
}
