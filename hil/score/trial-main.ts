/** A trial as a process of its own, in a copy of the checkout: options in, JSON lines out. */
import { runTrial, type TrialOptions } from "./trial.ts";

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

const options = JSON.parse(process.argv[2] ?? "{}") as TrialOptions;
say({ kind: "ready" });
const result = await runTrial(options, (target, by) => say({ kind: "begun", target, by }));
say({ kind: "done", result });
