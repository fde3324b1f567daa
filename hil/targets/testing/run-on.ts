/** One case on one target, without a runner. */
import { errorCode, errorMessage } from "../../../host/base/error.ts";
import type { TransportKind } from "../../rig/bench.ts";
import type { Case } from "../../rig/case.ts";
import type { Target } from "../../rig/target.ts";

/** What went wrong, with its code; null if nothing. */
export async function runOn<Kind extends TransportKind>(
  target: Target<Kind>,
  one: Case<Kind>,
  seed = 1,
): Promise<string | null> {
  const opened = await target.open(one, seed);
  const words = (error: unknown) => `${errorCode(error)} ${errorMessage(error)}`;
  let failure: string | null = null;
  try {
    await one.run(opened.bench);
  } catch (error) {
    failure = words(error);
  }
  try {
    await opened.close();
  } catch (error) {
    failure ??= words(error);
  }
  return failure;
}
