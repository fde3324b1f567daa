/** What on this computer would spoil a run on hardware, and what to do about it. Looks only; opens no port. */
import { basename } from "node:path";
import {
  holders,
  meddlers,
  portOf,
  TROUBLE_ROOTS,
  type TroubleRoots,
  UNDERVOLTAGE_TODO,
  undervoltage,
} from "../../host/device/usb/port-trouble.ts";

/** The run may not go well for it; what becomes of the run, the run tells. */
export interface Finding {
  readonly code: string;
  readonly what: string;
  readonly todo: string;
}

/** @param path the device's port, if it is known yet */
export async function preflight(path?: string, roots: TroubleRoots = TROUBLE_ROOTS): Promise<readonly Finding[]> {
  const found = await Promise.all([meddling(roots), supply(roots), ...(path === undefined ? [] : [held(path, roots)])]);
  return found.flat();
}

async function meddling(roots: TroubleRoots): Promise<Finding[]> {
  return (await meddlers(roots)).map(({ name, todo }) => {
    return { code: "RIG_MEDDLER", what: `${name} runs and may speak to the port`, todo };
  });
}

async function held(path: string, roots: TroubleRoots): Promise<Finding[]> {
  const port = basename(await portOf(path));
  return (await holders(path, roots)).map(({ pid, name }) => {
    const what = `process ${pid} (${name}) has ${port} open`;
    return { code: "RIG_PORT_BUSY", what, todo: `End it, or wait for it: \`kill ${pid}\`.` };
  });
}

async function supply(roots: TroubleRoots): Promise<Finding[]> {
  const low = await undervoltage(roots);
  if (low === null) return [];
  const what =
    low === "now"
      ? "this computer's supply voltage is too low"
      : "this computer's supply voltage was too low since it was started";
  return [{ code: "RIG_UNDERVOLTAGE", what, todo: UNDERVOLTAGE_TODO }];
}
