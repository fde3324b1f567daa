/** Which targets a person means, and how each is opened. The only place that knows all of them. */
import { join } from "node:path";
import { UsageError } from "../../host/cli/error.ts";
import { parseFaults } from "../faults/text.ts";
import { loadMap } from "../map/hardware.ts";
import { type Pace, paceOf } from "../recording/pace.ts";
import { RigError } from "../rig/error.ts";
import type { AbsentTarget } from "../rig/report.ts";
import type { TargetPlan } from "../rig/runner.ts";
import { shellWord } from "../rig/shell.ts";
import type { Demands } from "../rig/verdict.ts";
import { MODEL_MINERS, type ModelMiner, modelStratum } from "../targets/model-stratum.ts";
import { openMinimalUsb, openModelUsb } from "../targets/model-usb.ts";
import { OPEN_MS, openRealStratum } from "../targets/real-stratum.ts";
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
  /** As `paceOf` reads it; default as fast as the process goes. */
  readonly pace?: string;
}

/**
 * What is left of the targets where their lines are to be spoilt: a recording has no line.
 *
 * @throws UsageError USAGE_OPTION, FaultError FAULT_PLAN
 */
export function spoilt(plans: readonly TargetPlan[], faults: string | undefined): readonly TargetPlan[] {
  if (faults === undefined) return plans;
  const plan = parseFaults(faults);
  if (plan.faults.length === 0) throw new UsageError("USAGE_OPTION", "--faults names no fault");
  const live = plans.filter(({ kind }) => kind !== "replay");
  if (live.length === 0) throw new UsageError("USAGE_OPTION", "--faults is for lines: a model's or a real one's");
  return live.map((each) => ({ ...each, options: `${each.options ?? ""} --faults ${shellWord(faults)}`.trimStart() }));
}

export interface PlannedTargets {
  readonly plans: readonly TargetPlan[];
  readonly demands: Pick<Demands, "requireReal" | "requireHardware" | "requireRecorded" | "optional">;
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
  const real = { port: choice.port ?? env.HIL_PORT ?? "", stratum: choice.stratum ?? env.HIL_STRATUM ?? "" };
  const map: MapState = { knows: false };
  const all = [...modelPlans(), ...replayPlans(choice), ...realPlans(real, map, telling)];
  const names = wanted === "" ? ["all"] : wanted.split(",").map((name) => name.trim());
  const meant = (plan: TargetPlan, name: string) => {
    // A miner needs an address to come to: without one nobody waits for it.
    if (plan.name === REAL_STRATUM && real.stratum === "") return name === REAL_STRATUM;
    return all.some((each) => each.name === name) ? plan.name === name : isMeant(plan, name);
  };
  const plans = all.filter((plan) => names.some((name) => meant(plan, name)));
  const unknown = names.find((name) => !all.some((plan) => isMeant(plan, name)));
  if (unknown !== undefined) {
    const known = ["model", "replay", "real", "all", ...all.map(({ name }) => name)].join(", ");
    throw new UsageError("USAGE_OPTION", `there is no target "${unknown}", only ${known}`);
  }
  if (choice.pace !== undefined && !plans.some(({ kind }) => kind === "replay")) {
    throw new UsageError(
      "USAGE_OPTION",
      "--pace is for recordings that are played back, and none of these targets is one",
    );
  }
  const named = wanted !== "" && plans.some(({ kind }) => kind === "real");
  const demands = {
    ...{ requireReal: named, requireHardware: isSet(env.HIL_REQUIRE_REAL), requireRecorded: true },
    optional: (absent: AbsentTarget) => isOptional(absent, real, map),
  };
  return { plans, demands };
}

const REAL_STRATUM = "real-stratum";
const WRONG_MAP = new Set(["RIG_MAP_FILE", "RIG_MAP_FORM", "RIG_MAP_EQUAL"]);

/** What was found out when real devices were looked for. */
interface MapState {
  /** The hardware map has a device that was there when it was made. */
  knows: boolean;
}

interface RealChoice {
  readonly port: string;
  readonly stratum: string;
}

/** Whom nobody named may be absent, and a device of the map may be away: not hold its port and be of no use. */
function isOptional({ kind, name, code }: AbsentTarget, { port, stratum }: RealChoice, { knows }: MapState): boolean {
  if (kind !== "real" || WRONG_MAP.has(code)) return false;
  if (name === REAL_STRATUM) return stratum === "";
  return port === "" && (!knows || code === "DEVICE_ABSENT");
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
    {
      ...{ name: "model-usb-minimal", kind: "model", transport: "usb", lane: "model usb minimal" },
      open: () => openMinimalUsb(),
    },
    ...miners.map(
      (miner, index): TargetPlan => ({
        ...{ name: `model-stratum-${miner}`, kind: "model", transport: "stratum" },
        lane: `model stratum ${index % STRATUM_LANES}`,
        open: async () => modelStratum({ miner }),
      }),
    ),
  ];
}

function replayPlans({ recordings, pace }: TargetChoice): TargetPlan[] {
  const paced = pace === undefined ? {} : { pace: knownPace(pace) };
  const choice = { ...(recordings === undefined ? {} : { folder: recordings }), ...paced };
  const faster = pace === undefined ? "" : `--pace ${pace}`;
  const options = recordings === undefined ? faster : `--recordings ${shellWord(recordings)} ${faster}`.trimEnd();
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
      ...{ name: "replay-lv06-shares", kind: "replay", transport: "stratum", lane: "replay", options: faster },
      open: async () => replayLv06(paced),
    },
  ];
}

/** @throws UsageError USAGE_OPTION */
function knownPace(text: string): Pace {
  const pace = paceOf(text);
  if (pace !== undefined) return pace;
  throw new UsageError("USAGE_OPTION", `--pace ${text} is not max, recorded, or a rate from 50 to 12000000 baud`);
}

/** One lane: USB and Stratum may be two ways to the same device. */
function realPlans({ port, stratum }: RealChoice, map: MapState, { onWords }: Telling): TargetPlan[] {
  const mapped = async () => {
    const devices = await loadMap(HARDWARE);
    map.knows = devices.some(({ transport, present }) => transport === "usb" && present);
    return devices;
  };
  return [
    {
      ...{ name: "real-usb", kind: "real", transport: "usb", lane: "real" },
      options: port === "" ? "" : `--port ${shellWord(port)}`,
      open: async () => openRealUsb(port === "" ? { map: await mapped() } : { port }),
    },
    {
      ...{ name: REAL_STRATUM, kind: "real", transport: "stratum", lane: "real", openMs: OPEN_MS },
      options: stratum === "" ? "" : `--stratum ${shellWord(stratum)}`,
      open: async () => {
        if (stratum === "") throw new RigError("RIG_NO_REAL", "no address is given for a miner to come to");
        return openRealStratum({ address: stratum, onProgress: onWords });
      },
    },
  ];
}
