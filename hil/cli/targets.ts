/** Which targets a person means, and how each is opened. The only place that knows all of them. */
import { join } from "node:path";
import { UsageError } from "../../host/cli/error.ts";
import { parseFaults } from "../faults/text.ts";
import { loadMap } from "../map/hardware.ts";
import { RigError } from "../rig/error.ts";
import type { TargetPlan } from "../rig/runner.ts";
import type { Demands } from "../rig/verdict.ts";
import { MODEL_MINERS, type ModelMiner, modelStratum } from "../targets/model-stratum.ts";
import { openModelUsb } from "../targets/model-usb.ts";
import { openRealStratum } from "../targets/real-stratum.ts";
import { openRealUsb } from "../targets/real-usb.ts";
import { replayStratumTarget, replayUsbTarget } from "../targets/replay.ts";
import { replayLv06 } from "../targets/replay-lv06.ts";
import { ROOT } from "./action.ts";

/** Simulated miners wait more than they work: two at a time take half the time. */
const STRATUM_LANES = 2;

export interface TargetChoice {
  readonly target?: string;
  readonly port?: string;
  readonly stratum?: string;
  /** Where recordings lie; default those that come with the rig. */
  readonly recordings?: string;
}

/**
 * What is left of the targets where their lines are to be spoilt: a recording has no line, and on Stratum the cases do it.
 *
 * @throws UsageError USAGE_OPTION, FaultError FAULT_PLAN
 */
export function spoilt(plans: readonly TargetPlan[], faults: string | undefined): readonly TargetPlan[] {
  if (faults === undefined) return plans;
  const plan = parseFaults(faults);
  if (plan.faults.length === 0) throw new UsageError("USAGE_OPTION", "--faults names no fault");
  const live = plans.filter(({ transport, kind }) => transport === "usb" && kind !== "replay");
  if (live.length === 0)
    throw new UsageError("USAGE_OPTION", "--faults is for serial lines: a model's or a real one's");
  return live.map((each) => ({ ...each, options: `${each.options ?? ""} --faults '${faults}'`.trimStart() }));
}

export interface PlannedTargets {
  readonly plans: readonly TargetPlan[];
  readonly demands: Pick<Demands, "requireReal" | "requireHardware" | "optional">;
}

export interface Telling {
  readonly onWords: (words: string) => void;
}

/**
 * The options come first, then HIL_TARGET, HIL_PORT and HIL_STRATUM; without any: models and recordings, and what is real
 * if it answers.
 *
 * @throws UsageError USAGE_OPTION
 */
export function planTargets(choice: TargetChoice, env: NodeJS.ProcessEnv, telling: Telling): PlannedTargets {
  const wanted = choice.target ?? env.HIL_TARGET ?? "";
  const all = [
    ...modelPlans(),
    ...replayPlans(choice.recordings),
    ...realPlans(choice.port ?? env.HIL_PORT ?? "", choice.stratum ?? env.HIL_STRATUM ?? "", telling),
  ];
  const names = wanted === "" ? ["all"] : wanted.split(",").map((name) => name.trim());
  const plans = all.filter((plan) => names.some((name) => isMeant(plan, name)));
  const unknown = names.find((name) => !all.some((plan) => isMeant(plan, name)));
  if (unknown !== undefined) {
    const known = ["model", "replay", "real", "all", ...all.map(({ name }) => name)].join(", ");
    throw new UsageError("USAGE_OPTION", `there is no target "${unknown}", only ${known}`);
  }
  const named = wanted !== "" && plans.some(({ kind }) => kind === "real");
  return { plans, demands: { requireReal: named, requireHardware: isSet(env.HIL_REQUIRE_REAL), optional: ["real"] } };
}

function isMeant({ name, kind }: TargetPlan, wanted: string): boolean {
  return wanted === "all" || wanted === kind || name === wanted || name.startsWith(`${wanted}-`);
}

function isSet(value = ""): boolean {
  return value !== "" && value !== "0";
}

export const HARDWARE = join(ROOT, "hil/hardware.yaml");

function modelPlans(): TargetPlan[] {
  const miners = Object.keys(MODEL_MINERS) as ModelMiner[];
  return [
    { ...{ name: "model-usb", kind: "model", transport: "usb", lane: "model usb" }, open: () => openModelUsb() },
    ...miners.map(
      (miner, index): TargetPlan => ({
        ...{ name: `model-stratum-${miner}`, kind: "model", transport: "stratum" },
        lane: `model stratum ${index % STRATUM_LANES}`,
        open: async () => modelStratum({ miner }),
      }),
    ),
  ];
}

function replayPlans(folder: string | undefined): TargetPlan[] {
  const choice = folder === undefined ? {} : { folder };
  const options = folder === undefined ? "" : `--recordings ${folder}`;
  return [
    {
      ...{ name: "replay-usb", kind: "replay", transport: "usb", lane: "replay", options },
      open: async () => replayUsbTarget(choice),
    },
    {
      ...{ name: "replay-stratum", kind: "replay", transport: "stratum", lane: "replay", options },
      open: async () => replayStratumTarget(choice),
    },
    {
      ...{ name: "replay-lv06-shares", kind: "replay", transport: "stratum", lane: "replay" },
      open: async () => replayLv06(),
    },
  ];
}

/** One lane: USB and Stratum may be two ways to the same device. */
function realPlans(port: string, stratum: string, { onWords }: Telling): TargetPlan[] {
  return [
    {
      ...{ name: "real-usb", kind: "real", transport: "usb", lane: "real" },
      options: port === "" ? "" : `--port ${port}`,
      open: async () => openRealUsb(port === "" ? { map: await loadMap(HARDWARE) } : { port }),
    },
    {
      ...{ name: "real-stratum", kind: "real", transport: "stratum", lane: "real" },
      options: stratum === "" ? "" : `--stratum ${stratum}`,
      open: async () => {
        if (stratum === "") throw new RigError("RIG_NO_REAL", "no address is given for a miner to come to");
        return openRealStratum({ address: stratum, onProgress: onWords });
      },
    },
  ];
}
