/** How a run goes, on standard error: a bar at a terminal, else a line a target and a line a failure. */
import { SingleBar } from "cli-progress";
import type { AnyCase } from "../rig/case.ts";
import type { RunEvent, TargetPlan } from "../rig/runner.ts";

export interface RunProgress {
  readonly onEvent: (event: RunEvent) => void;
  /** Something that a target has to say while it is waited for. */
  readonly onWords: (words: string) => void;
  stop(): void;
}

export function runProgress(cases: readonly AnyCase[], plans: readonly TargetPlan[]): RunProgress {
  return process.stderr.isTTY ? withBar(cases, plans) : withLines();
}

function withBar(cases: readonly AnyCase[], plans: readonly TargetPlan[]): RunProgress {
  const of = (transport: TargetPlan["transport"]) => cases.filter((one) => one.transport === transport).length;
  let total = plans.reduce((sum, plan) => sum + of(plan.transport), 0);
  const bar = new SingleBar({
    stream: process.stderr,
    format: "{bar} {value}/{total} cases · {now}",
    clearOnComplete: true,
    hideCursor: true,
  });
  bar.start(total, 0, { now: "" });
  return {
    onEvent: (event) => {
      switch (event.kind) {
        case "opened":
          break;
        case "absent":
          total -= of(event.target.transport);
          bar.setTotal(total);
          break;
        case "begun":
          bar.update({ now: `${event.target}: ${event.id}${event.attempt > 1 ? " again" : ""}` });
          break;
        case "judged":
          bar.increment();
          break;
      }
    },
    onWords: (now) => bar.update({ now }),
    stop: () => bar.stop(),
  };
}

function withLines(): RunProgress {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  return {
    onEvent: (event) => {
      switch (event.kind) {
        case "opened":
          say(`${event.target.name}: ${event.target.identity.firmware}`);
          break;
        case "absent":
          say(`${event.target.name}: absent, ${event.target.message}`);
          break;
        case "begun":
          if (event.attempt > 1) say(`${event.target}: ${event.id} failed, again on a fresh bench`);
          break;
        case "judged":
          if (event.result.verdict === "failed") say(`${event.result.target}: ${event.result.id} FAILED`);
          break;
      }
    },
    onWords: say,
    stop: () => {},
  };
}
