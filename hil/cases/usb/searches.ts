/** SPEC 5.6: searches as they are begun, asked for, replaced and stopped. */
import { sleep } from "../../../host/device/clock.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { timed } from "./support/driver.ts";
import { expectErr } from "./support/expect.ts";
import { RawLine } from "./support/raw-line.ts";
import { drawJob, easy, ended, endsHeard, HOPELESS, start, statusOf } from "./support/searches.ts";

const MUST = { level: "MUST", needs: ["work"] } as const;

export const SEARCH_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/work/stopped",
    title: "STOP ends a search at once, without a notice, and it stays stopped",
    spec: ["SPEC 5.6"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const job = drawJob(bench, { difficulty: HOPELESS });
      expectThat(statusOf(await start(line, job), "WORK START").state === "running", "it does not run");
      const stopped = statusOf(await line.ask("WORK", ["STOP", job.id]), "WORK STOP");
      expectThat(stopped.state === "stopped", `after STOP it is ${stopped.state}`);
      const again = statusOf(await start(line, job), "WORK START of a stopped search");
      expectThat(again.state === "stopped", `START of a stopped search made it ${again.state}`);
      expectThat(again.elapsedMs === stopped.elapsedMs, "time goes on in a search that was stopped");
      await line.sync();
      expectThat(endsHeard(line.heard, job.id).length === 0, "STOP was told by a notice too");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/expires",
    title: "A search ends at its deadline and says so",
    spec: ["SPEC 5.6"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const job = drawJob(bench, { difficulty: HOPELESS, deadlineMs: 200 });
      statusOf(await start(line, job), "WORK START");
      const { state, elapsedMs } = await timed(bench, "work-deadline-200", () => ended(line, job.id));
      const right = state === "expired" || state === "exhausted";
      expectThat(right, `the search ended ${state}`);
      const late = state === "expired" && (elapsedMs < 200 || elapsedMs > 1200);
      expectThat(!late, `a search of 200 ms expired after ${elapsedMs} ms`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/too-hard",
    title: "A search that cannot succeed goes on, counts, and finds nothing",
    spec: ["SPEC 5.6"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const job = drawJob(bench, { difficulty: HOPELESS });
      let before = statusOf(await start(line, job), "WORK START");
      for (let times = 0; times < 3; times++) {
        await bench.settle(sleep(bench.clock, 100), 5000);
        const now = statusOf(await line.ask("WORK", ["STATUS", job.id]), "WORK STATUS");
        expectThat(now.state === "running" || now.state === "exhausted", `a hopeless search is ${now.state}`);
        const grows = now.hashes > before.hashes && now.elapsedMs > before.elapsedMs;
        expectThat(grows || now.state === "exhausted", `${now.hashes} hashes in ${now.elapsedMs} ms: it stands still`);
        before = now;
      }
      await line.ask("WORK", ["STOP", job.id]);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/another-takes-its-place",
    title: "START of another id replaces the search, which is then unknown",
    spec: ["SPEC 5.6"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const [first, second] = [drawJob(bench, { difficulty: HOPELESS }), drawJob(bench, { difficulty: HOPELESS })];
      statusOf(await start(line, first), "WORK START");
      expectThat(statusOf(await start(line, second), "WORK START").id === second.id, "the second was not begun");
      for (const what of ["STATUS", "STOP"]) {
        expectErr(await line.ask("WORK", [what, first.id]), "STATE", `WORK ${what} of the search before`);
      }
      expectThat(statusOf(await line.ask("WORK", ["STOP", second.id]), "STOP").state === "stopped", "it goes on");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/start-again",
    title: "START of the running id changes nothing, whatever its words say",
    spec: ["SPEC 5.6", "SPEC 4.2"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const job = drawJob(bench, { difficulty: HOPELESS });
      statusOf(await start(line, job), "WORK START");
      const other = drawJob(bench, { difficulty: easy(bench), deadlineMs: 1 });
      const again = statusOf(await start(line, { ...other, id: job.id }), "WORK START again");
      expectThat(again.state === "running", `it is ${again.state}`);
      await bench.settle(sleep(bench.clock, 50), 5000);
      const now = statusOf(await line.ask("WORK", ["STOP", job.id]), "WORK STOP");
      expectThat(now.state === "stopped", `the repeated START has made it ${now.state}`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/unknown-id",
    title: "STATUS and STOP of an id that was never begun are STATE",
    spec: ["SPEC 5.6"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const what of ["STATUS", "STOP"])
        expectErr(await line.ask("WORK", [what, "0badc0de"]), "STATE", `WORK ${what}`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/refused",
    title: "Words of START that are out of shape or range are ARGS, and begin nothing",
    spec: ["SPEC 5.6", "SPEC 4.3"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const { id, words } = drawJob(bench, { difficulty: easy(bench) });
      const [header = "", target = "", mask = "", deadline = ""] = words;
      const wrong = [
        [header.slice(2), target, mask, deadline],
        [header.toUpperCase().replaceAll(/[0-9]/g, "A"), target, mask, deadline],
        [header, target.slice(1), mask, deadline],
        [header, target, "1fffe00", deadline],
        [header, target, mask, "0"],
        [header, target, mask, "3600001"],
        [header, target, mask],
        [header, target, mask, deadline, "x"],
      ];
      for (const each of wrong)
        expectErr(await line.ask("WORK", ["START", id, ...each]), "ARGS", "a START out of shape");
      expectErr(await line.ask("WORK", ["PAUSE", id]), "ARGS", "WORK PAUSE");
      expectErr(await line.ask("WORK", ["STATUS", id]), "STATE", "a search that was refused");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/over-hello",
    title: "HELLO does not end a search",
    spec: ["SPEC 5.6", "SPEC 5.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const job = drawJob(bench, { difficulty: HOPELESS });
      statusOf(await start(line, job), "WORK START");
      await line.close();
      const next = await RawLine.open(bench);
      const { state } = statusOf(await next.ask("WORK", ["STATUS", job.id]), "WORK STATUS after HELLO");
      expectThat(state === "running" || state === "exhausted", `after HELLO it is ${state}`);
      await next.ask("WORK", ["STOP", job.id]);
    },
  }),
];
