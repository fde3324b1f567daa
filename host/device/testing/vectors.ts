/** The vectors of firmware-spec/vectors: how their files are read, their replies matched, the C core asked. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { LineDecoder } from "../link/decoder.ts";
import type { Frame, LinkEvent } from "../link/frame.ts";
import { vectorsFolder, vectorsProgram } from "./firmware.ts";

export interface Case {
  readonly id: string;
  readonly spec: string;
  readonly verdict: "valid" | "invalid" | "acceptable";
  readonly flags: readonly string[];
}
type Value =
  | string
  | { readonly set: readonly string[] }
  | { readonly min: number; readonly max: number; readonly same?: string }
  | { readonly pattern: string };
type Values = Readonly<Record<string, Value>>;
interface Expected {
  readonly seq: string;
  readonly verb: string;
  readonly boot: string;
  readonly words: readonly (string | readonly string[])[];
  readonly keys?: Values;
  readonly optionalKeys?: Values;
  readonly absentKeys?: readonly string[];
  readonly payload?: string;
  readonly optional?: true;
}
export type Reply = Expected | { readonly text: "*" } | { readonly anyOf: readonly Reply[] };
export interface Step {
  readonly send?: readonly string[];
  readonly bytes?: string;
  readonly advanceMs?: number;
  readonly restart?: true;
  readonly expect: readonly Reply[];
  readonly rate?: number;
  readonly log?: number;
  readonly restarts?: number;
}
export interface Script {
  readonly without?: readonly string[];
  readonly faults?: readonly string[];
  readonly milli?: Readonly<Record<string, number>>;
  readonly asicStarts?: number;
  readonly asic?: readonly {
    readonly atMs: number;
    readonly say: string;
    readonly hashes: string;
    readonly nonce?: string;
    readonly version?: string;
  }[];
}

export const SUITES = ["crc", "sha256", "cobs", "roots", "lines", "rows", "dialogues", "replies", "examples"] as const;
export type SuiteName = (typeof SUITES)[number];

/** A suite's file as it is. */
export function loadFile(name: SuiteName): { readonly count: number; readonly cases: readonly Case[] } {
  return JSON.parse(readFileSync(`${vectorsFolder}${name}.json`, "utf8"));
}

export function loadCases<T extends Case>(name: SuiteName): readonly T[] {
  return loadFile(name).cases as readonly T[];
}

/** Which cases have run, on which side; a case that no test runs is a defect of the tests. */
export class Tally {
  readonly #ran = new Set<string>();

  ran(side: "host" | "device", suite: SuiteName, id: string): void {
    this.#ran.add(`${side}: ${suite}: ${id}`);
  }

  /** Those of `cases` that have not run. */
  missing(side: "host" | "device", suite: SuiteName, cases: readonly Case[]): string[] {
    return cases.map(({ id }) => `${side}: ${suite}: ${id}`).filter((name) => !this.#ran.has(name));
  }
}

/** The driver with the core of the minimal profile (SPEC 10). */
export const minimalProgram = `${vectorsProgram}-minimal`;

/** The C core's answers to the driver's commands (firmware-spec/test/vectors.c), one line each. */
export function askCore(commands: readonly string[], program = vectorsProgram): string[] {
  const input = `${commands.join("\n")}\n`;
  const answers = execFileSync(program, { input, maxBuffer: 1 << 26 });
  return answers.toString("latin1").trimEnd().split("\n");
}

export function hexOf(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("hex") || "-";
}

export interface Played {
  readonly id: string;
  readonly device?: Script;
  readonly steps: readonly Step[];
}

/**
 * Plays dialogues to the C core, all in one process; one by one only if that dies.
 *
 * @param feed whether bytes come together or one by one
 * @param last a command to end each with
 * @param program the driver
 * @returns id → the answers that `judge` takes, and that to `last`
 */
export function play<T extends Played>(
  cases: readonly T[],
  feed: "feed" | "drip",
  last: (one: T) => string = () => "state",
  program = vectorsProgram,
): Map<string, string[]> {
  const scripts = cases.map((one) => [...playing(one.steps, one.device, feed), last(one)]);
  const all = answersOr(scripts.flat(), program);
  let at = 0;
  const answers = scripts.map((script) => {
    const own = all?.slice(at, at + script.length) ?? answersOr(script, program) ?? ["the program died"];
    at += script.length;
    return own;
  });
  return new Map(cases.map(({ id }, index) => [id, answers[index] ?? []]));
}

function answersOr(commands: readonly string[], program: string): string[] | undefined {
  try {
    return askCore(commands, program);
  } catch {
    return undefined;
  }
}

/** The driver's commands that play a dialogue: each step's answers come in one line, its state in the next. */
function playing(steps: readonly Step[], script: Script = {}, feed: "feed" | "drip" = "feed"): string[] {
  const options = [
    ...(script.without ?? []).map((part) => `without=${part}`),
    ...(script.faults ?? []).map((fault) => `fault=${fault}`),
    ...Object.entries(script.milli ?? {}).map(([sensor, milli]) => `milli=${sensor}:${milli}`),
    ...(script.asicStarts === undefined ? [] : [`starts=${script.asicStarts}`]),
    ...(script.asic ?? []).map(({ atMs, say, hashes, nonce = "0", version = "0" }) =>
      ["asic=", atMs, ":", say, ":", hashes, ":", nonce, ":", version].join(""),
    ),
  ];
  const played = steps.flatMap(({ send = [], bytes, advanceMs, restart }) => [
    `${feed} ${hexOf(send.map((line) => `${line}\n`).join("") + (bytes ?? ""))}`,
    restart ? "restart" : `advance ${advanceMs ?? 0}`,
    "state",
  ]);
  return [["boot", ...options].join(" "), ...played];
}

/** What a dialogue's answers do not fulfil, in words; nothing if all is well. */
export function judge(steps: readonly Step[], answers: readonly string[]): string[] {
  const places = new Map<string, string>();
  if (answers.length < 1 + 3 * steps.length) return [answers.join() || "no answers"];
  return steps.flatMap((step, index) => {
    const [said = "", passed = "", state = ""] = answers.slice(1 + 3 * index, 4 + 3 * index);
    const bytes = Buffer.from(`${said}${passed}`.replaceAll("-", ""), "hex");
    const [rate, log, restarts] = state.split(" ").map(Number);
    const differs = (name: "rate" | "log" | "restarts", value: number | undefined) =>
      step[name] === undefined || step[name] === value ? [] : [`${name} ${value} instead of ${step[name]}`];
    const problems = [
      ...unmatched(step.expect, read(bytes), places),
      ...differs("rate", rate),
      ...differs("log", log),
      ...differs("restarts", restarts),
    ];
    return problems.map((problem) => `step ${index + 1}: ${problem}`);
  });
}

/** What the host's own decoder makes of a device's bytes: it has to understand every one of them. */
function read(bytes: Uint8Array): LinkEvent[] {
  const decoder = new LineDecoder(65_536);
  const events = decoder.push(bytes);
  return bytes.length > 0 && bytes.at(-1) !== 10 ? [...events, { kind: "discarded", reason: "form" }] : events;
}

/** Replies come in any order. */
function unmatched(expected: readonly Reply[], events: readonly LinkEvent[], places: Map<string, string>): string[] {
  const open = [...expected].sort((a, b) => Number(isOptional(a)) - Number(isOptional(b)));
  const strange = events.flatMap((event) => {
    const at = open.findIndex((reply) => fits(reply, event, places));
    if (at < 0) return [`said ${shown(event)}`];
    open.splice(at, 1);
    return [];
  });
  const lacking = open.filter((reply) => !isOptional(reply)).map((reply) => `did not say ${JSON.stringify(reply)}`);
  return [...strange, ...lacking];
}

function isOptional(reply: Reply): boolean {
  return "optional" in reply;
}

function shown(event: LinkEvent): string {
  if (event.kind !== "frame") return JSON.stringify(event);
  const { seq, verb, args, payload } = event.frame;
  const data = payload === undefined ? "" : ` :${Buffer.from(payload).toString("hex")}`;
  return `${seq.toString(16).padStart(4, "0")} ${verb} ${args.join(" ")}${data}`;
}

function fits(reply: Reply, event: LinkEvent, places: Map<string, string>): boolean {
  if ("anyOf" in reply) return reply.anyOf.some((each) => fits(each, event, places));
  if ("text" in reply) return event.kind === "log" && event.text.length > 0;
  return event.kind === "frame" && fitsFrame(reply, event.frame, places);
}

function fitsFrame(reply: Expected, { seq, verb, args, payload }: Frame, places: Map<string, string>): boolean {
  const [boot, ...words] = args;
  if (seq !== Number.parseInt(reply.seq, 16) || verb !== reply.verb || boot !== reply.boot) return false;
  if ((payload && Buffer.from(payload).toString("hex")) !== reply.payload) return false;
  const free = reply.words.at(-1) === "*";
  const fixed = free ? reply.words.slice(0, -1) : reply.words;
  if (!fixed.every((word, index) => [word].flat().includes(words[index] ?? "\n"))) return false;
  const rest = words.slice(fixed.length);
  if (reply.keys === undefined) return free || rest.length === 0;
  const pairs = new Map(rest.map((word) => [word.split("=", 1)[0] ?? "", word.slice(word.indexOf("=") + 1)]));
  if (pairs.size !== rest.length || rest.some((word) => !word.includes("="))) return false;
  const right = (values: Values, needed: boolean) =>
    Object.entries(values).every(([key, value]) => {
      const word = pairs.get(key);
      return word === undefined ? !needed : fitsValue(value, word, places);
    });
  const none = (reply.absentKeys ?? []).every((key) => !pairs.has(key));
  return none && right(reply.keys, true) && right(reply.optionalKeys ?? {}, false);
}

function fitsValue(value: Value, word: string, places: Map<string, string>): boolean {
  if (typeof value === "string") return value === "*" || value === word;
  if ("set" in value) return [...value.set].sort().join() === word.split(",").sort().join();
  if ("pattern" in value) return new RegExp(value.pattern).test(word);
  const number = Number(word);
  if (!/^-?[0-9.]+$/.test(word) || number < value.min || number > value.max) return false;
  if (value.same === undefined) return true;
  const before = places.get(value.same) ?? word;
  places.set(value.same, before);
  return before === word;
}
