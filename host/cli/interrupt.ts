import { CommandError } from "./error.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs `work` so that it can end its children when the person presses Ctrl-C or closes the terminal: they leave the signal to us. A second
 * Ctrl-C ends this process at once.
 *
 * @param work is to fail soon after its signal is aborted
 * @throws CommandError COMMAND_INTERRUPTED in place of what `work` throws, once it was told to stop
 */
export async function interruptible<Value>(work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
  const controller = new AbortController();
  const { signal } = controller;
  const interrupt = (name: string) =>
    controller.abort(new CommandError("COMMAND_INTERRUPTED", `told to stop by ${name}`));
  for (const name of SIGNALS) process.once(name, interrupt);
  try {
    return await work(signal);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    for (const name of SIGNALS) process.off(name, interrupt);
  }
}
