/** Ctrl-C ends a run with what there is; a second one ends the process. */
import { CommandError } from "../../host/cli/error.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** @param work is to end soon after its signal is aborted, with what it has */
export async function stoppable<Value>(work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
  const controller = new AbortController();
  const stop = (name: string) => controller.abort(new CommandError("COMMAND_INTERRUPTED", `told to stop by ${name}`));
  for (const name of SIGNALS) process.once(name, stop);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, stop);
  }
}
