/**
 * Fault plans in one line, to be typed and to be printed:
 * `seed=7; flip@both p=0.01; stall@read verb=BATCH times=1 ms=700`.
 */
import { FaultError } from "./error.ts";
import { DIRECTIONS, FAULT_KINDS } from "./kinds.ts";
import { checkPlan, type Fault, type FaultPlan } from "./plan.ts";

const WORDS = new Set(["verb", "from", "to"]);

/** @param seed where the text names none @throws FaultError FAULT_PLAN */
export function parseFaults(text: string, seed = 1): FaultPlan {
  const parts = text.split(";").map((part) => part.trim());
  const seeds = parts.filter((part) => part.startsWith("seed="));
  if (seeds.length > 1) throw new FaultError("FAULT_PLAN", "more than one seed");
  const [named] = seeds.map((part) => numberOf("seed", part.slice("seed=".length)));
  const faults = parts.filter((part) => part !== "" && !part.startsWith("seed=")).flatMap(parseFault);
  return checkPlan({ seed: named ?? seed, faults });
}

/** What `parseFaults` reads as the same plan. */
export function printFaults({ seed, faults }: FaultPlan): string {
  return [`seed=${seed}`, ...faults.map(printFault)].join("; ");
}

function parseFault(part: string): readonly object[] {
  const [head = "", ...pairs] = part.split(/\s+/);
  const [kind = "", direction = "both"] = head.split("@");
  if (!(FAULT_KINDS as readonly string[]).includes(kind)) {
    throw new FaultError("FAULT_PLAN", `no fault is called ${kind}; there are ${FAULT_KINDS.join(", ")}`);
  }
  const options = Object.fromEntries(pairs.map(parsePair));
  const directions = direction === "both" ? DIRECTIONS : [direction];
  return directions.map((each) => ({ kind, direction: each, ...options }));
}

function parsePair(pair: string): [string, string | number] {
  const [key = "", value = ""] = pair.split("=");
  if (key === "once" && !pair.includes("=")) return ["times", 1];
  return [key, WORDS.has(key) ? value : numberOf(key, value)];
}

function numberOf(key: string, text: string): number {
  const number = Number(text);
  if (text !== "" && Number.isFinite(number)) return number;
  throw new FaultError("FAULT_PLAN", `${key}=${text}`);
}

function printFault({ kind, direction, ...options }: Fault): string {
  const pairs = Object.entries(options).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
  return [`${kind}@${direction}`, ...pairs].join(" ");
}
