/** The opening of a connection: no known firmware has the order of another, and some of them break easily. */

import { VERSION_MASK } from "../../../host/work/header.ts";
import { expectThat, stratumCase } from "../../rig/case.ts";
import { permutations } from "./permutations.ts";
import { RawClient } from "./raw-client.ts";
import { asked, exchanges, maskOf, messages, notices, sentJobs, unanswered } from "./talk.ts";
import { SHARES_MS, Working } from "./work.ts";

/** Stock firmware probes a pool with one read of this. */
const PROBE_BYTES = 1023;
const KNOWN_CLIENTS = /^(?:bitaxe|LuckyMiner|bmminer|cgminer|NerdQAxe|NerdAxe|NerdOCTAXE)\b/i;
const OPENING = [
  ["mining.configure", ["version-rolling"], { "version-rolling.mask": "ffffffff" }],
  ["mining.subscribe", "raw/rig"],
  ["mining.authorize", "rig.raw", "x"],
  ["mining.suggest_difficulty", 1000],
] as const;

export const OPEN_CASES = [
  stratumCase({
    id: "stratum/open/answered",
    title: "Everything that the device asks while it opens is answered once, under its own id, and nothing is refused",
    spec: ["Stratum V1"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      await (await Working.of(bench)).share(1);
      const opening = exchanges(bench).filter(({ request }) => request.method !== "mining.submit");
      for (const { request, answer } of opening) {
        const refused = answer.error !== null && answer.error !== undefined;
        expectThat(!refused, `${request.method} was refused: ${answer.line.text}`);
      }
      const methods = opening.map(({ request }) => request.method);
      for (const method of ["mining.subscribe", "mining.authorize"])
        expectThat(methods.includes(method), `the device never said ${method}`);
      const [left] = unanswered(bench);
      expectThat(left === undefined, `never answered: ${left?.line.text}`);
    },
  }),

  stratumCase({
    id: "stratum/open/error-key",
    title: "Every answer has an error key, null where all is well: without it the oldest firmware crashes",
    spec: ["Stratum V1"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      await (await Working.of(bench)).share(1);
      for (const { request, answer } of exchanges(bench)) {
        expectThat(answer.hasError, `the answer to ${request.method} has no error key: ${answer.line.text}`);
        if (answer.result === true) expectThat(answer.error === null, `not null: ${answer.line.text}`);
      }
    },
  }),

  stratumCase({
    id: "stratum/open/difficulty-then-job",
    title: "The device is told its extranonce, then a difficulty, then at once a clean job",
    spec: ["Stratum V1: mining.set_difficulty"],
    level: "MUST",
    needs: [],
    run: async (bench) => {
      await Working.of(bench);
      const host = messages(bench).filter(({ line }) => line.from === "host");
      const job = host.findIndex(({ method }) => method === "mining.notify");
      expectThat(host[job - 1]?.method === "mining.set_difficulty", "the first job does not follow a difficulty");
      const subscribed = host.findIndex(({ line }) => line === asked(bench, "mining.subscribe")[0]?.answer.line);
      expectThat(subscribed >= 0 && subscribed < job, "the first job came before the extranonce");
      expectThat(sentJobs(bench)[0]?.clean === true, "the first job is not clean");
    },
  }),

  stratumCase({
    id: "stratum/open/mask",
    title: "The device may roll those bits of 1fffe000 that it asked for, all of them, and no others",
    spec: ["BIP 310", "BIP 320"],
    level: "MUST",
    needs: [],
    run: async (bench) => {
      const on = await Working.of(bench);
      const [configured] = asked(bench, "mining.configure");
      // S9s may negotiate nothing, and then roll nothing.
      if (configured === undefined) return;
      const wanted = (maskOf(configured.request.params[1]) ?? 0xffffffff) & VERSION_MASK;
      const granted = maskOf(configured.answer.result);
      expectThat(granted !== null, `no mask in ${configured.answer.line.text}`);
      const words = `${hex(granted)} was granted, of ${hex(wanted)}`;
      expectThat((granted & ~VERSION_MASK) === 0, `bits outside 1fffe000: ${words}`);
      expectThat(granted === wanted, words);
      expectThat(
        on.bridge.view().miners.some(({ versionMask }) => versionMask === granted),
        "the bridge keeps another",
      );
    },
  }),

  stratumCase({
    id: "stratum/open/extranonce",
    title: "Extranonces are of 4 and 4 bytes, and no two connections share the first",
    spec: ["Stratum V1: mining.subscribe"],
    level: "MUST",
    needs: [],
    run: async (bench) => {
      const { bridge } = await Working.of(bench);
      const [, first, bytes] = resultOf(asked(bench, "mining.subscribe")[0]?.answer.result);
      expectThat(typeof first === "string" && /^[0-9a-f]{8}$/.test(first), `extranonce1 is ${JSON.stringify(first)}`);
      expectThat(bytes === 4, `extranonce2 has ${bytes} bytes`);
      const others = Array.from({ length: 8 }, () => new RawClient(bridge).open().extranonce1);
      expectThat(new Set([first, ...others]).size === 9, "two connections share an extranonce1");
    },
  }),

  stratumCase({
    id: "stratum/open/client",
    title: "The device says what it is, in words that are known",
    spec: ["docs/stock-devices.md"],
    level: "SHOULD",
    needs: [],
    run: async (bench) => {
      await Working.of(bench);
      const [client = ""] = asked(bench, "mining.subscribe")[0]?.request.params ?? [];
      expectThat(KNOWN_CLIENTS.test(String(client)), `it calls itself ${JSON.stringify(client)}`);
    },
  }),

  stratumCase({
    id: "stratum/open/any-order",
    title: "An opening is served in each of its 24 orders, and ends in a difficulty and a job",
    spec: ["Stratum V1"],
    level: "MUST",
    needs: [],
    run: async (bench) => {
      const { bridge } = await Working.of(bench);
      for (const order of permutations(OPENING)) {
        const raw = new RawClient(bridge);
        const lines = order.map(([method, ...params], i) => JSON.stringify({ id: `o${i}`, method, params }));
        raw.send(lines.map((line) => `${line}\n`).join(""));
        const told = raw.told.map(({ method, id }) => method ?? id);
        const words = order.map(([method]) => method).join(", ");
        expectThat(
          raw.told.every(({ error }) => error === undefined || error === null),
          `refused in ${words}`,
        );
        expectThat(told.filter((one) => String(one).startsWith("o")).length === 4, `not all answered: ${words}`);
        const at = told.indexOf("mining.notify");
        expectThat(at > 0 && told[at - 1] === "mining.set_difficulty", `no difficulty and job after ${words}`);
        raw.end();
      }
    },
  }),

  stratumCase({
    id: "stratum/open/health-probe",
    title: "A health probe of stock firmware finds the job in its only read of 1,023 bytes",
    spec: ["docs/stock-devices.md"],
    level: "MUST",
    needs: [],
    run: async (bench) => {
      const { bridge } = await Working.of(bench);
      const raw = new RawClient(bridge);
      raw.send('{"id":1,"method":"mining.subscribe","params":["bitaxe/BM1366/v2.15.0"]}\n');
      raw.send('{"id":2,"method":"mining.authorize","params":["rig.raw","x"]}\n');
      const [write = "", ...more] = raw.writes;
      expectThat(more.length === 0, `the answer came in ${more.length + 1} writes`);
      expectThat(Buffer.byteLength(write) <= PROBE_BYTES, `the answer has ${Buffer.byteLength(write)} bytes`);
      expectThat(write.includes('"method":"mining.notify"') && write.endsWith("\n"), "no whole job in it");
    },
  }),

  stratumCase({
    id: "stratum/open/lone-subscribe",
    title: "Who only subscribes is answered within a second, without a job",
    spec: ["Stratum V1: mining.subscribe"],
    level: "MUST",
    needs: [],
    run: async (bench) => {
      const { bridge } = await Working.of(bench);
      const raw = new RawClient(bridge);
      const heard = raw.heard();
      const askedMs = bench.clock.nowMs();
      raw.ask("mining.subscribe", "raw/rig");
      await bench.settle(heard, 1000);
      bench.measured("lone-subscribe", bench.clock.nowMs() - askedMs);
      expectThat(raw.extranonce1.length === 8, `the answer is ${raw.writes.join("")}`);
      expectThat(
        raw.told.every(({ method }) => method === undefined),
        "a stranger was given work",
      );
    },
  }),

  stratumCase({
    id: "stratum/open/stranger",
    title: "A worker who is not on the list is refused with 24, is given no job, and is dropped after some tries",
    spec: ["Stratum V1: mining.authorize", "docs/stock-devices.md"],
    level: "MUST",
    needs: [],
    run: async (bench) => {
      const on = await Working.of(bench);
      const raw = new RawClient(on.bridge);
      raw.ask("mining.subscribe", "raw/rig");
      for (let i = 0; i < 8 && !raw.closed; i++) raw.ask("mining.authorize", `stranger-${i}`, "x");
      expectThat(raw.closed, "a stranger may try for ever");
      const refusals = raw.told.flatMap(({ error }) => error?.[0] ?? []);
      expectThat(refusals.length > 0 && refusals.every((code) => code === 24), `refused with ${refusals}`);
      expectThat(
        raw.told.every(({ method }) => method !== "mining.notify"),
        "a stranger was given a job",
      );
      expectThat(
        notices(bench, "mining.notify").length > 0 && on.bridge.view().joined >= 1,
        "the device lost its place",
      );
    },
  }),
];

function resultOf(result: unknown): readonly unknown[] {
  return Array.isArray(result) ? result : [];
}

function hex(bits: number): string {
  return (bits >>> 0).toString(16).padStart(8, "0");
}
