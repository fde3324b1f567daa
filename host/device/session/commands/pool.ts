/** Many requests at once, as wide as the device allows. */
import { DeviceError } from "../../errors.ts";

export interface PoolOptions {
  /** Requests under way at once. */
  readonly width: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Does every task, begun in order, `width` at a time. The first failure aborts the rest and is thrown.
 *
 * @param run gets a signal that is aborted when the caller gives up or another task fails
 * @throws what `run` throws; DeviceError DEVICE_ABORTED
 */
export async function runPool<Task>(
  tasks: readonly Task[],
  { width, signal }: PoolOptions,
  run: (task: Task, index: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const any = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const failures: unknown[] = [];
  const queue = tasks.entries();
  const worker = async () => {
    for (const [index, task] of queue) {
      if (any.aborted) return;
      try {
        await run(task, index, any);
      } catch (error) {
        failures.push(error);
        stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, tasks.length) }, worker));
  if (signal?.aborted) throw new DeviceError("DEVICE_ABORTED", "the caller gave up");
  if (failures.length > 0) throw failures[0];
}
