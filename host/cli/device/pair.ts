import { isIPv6 } from "node:net";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Command } from "commander";
import { type Endpoint, parseEndpoint, showEndpoint } from "../../appliance/endpoint.ts";
import type { MinerAddress } from "../../appliance/pairing/miner.ts";
import { type PairReport, pairDevice } from "../../appliance/pairing/pairing.ts";
import type { Step, Talk } from "../../appliance/pairing/talk.ts";
import { type UnpairReport, unpairDevice } from "../../appliance/pairing/unpairing.ts";
import type { Config } from "../../config/schema.ts";
import { systemClock } from "../../device/clock.ts";
import { action, type Context } from "../context.ts";
import { UsageError } from "../error.ts";
import { interruptible } from "../interrupt.ts";
import { EXIT, type ExitCode, examples, type Output } from "../output.ts";
import { withBar } from "../progress.ts";
import { fromNumber } from "./parse.ts";

interface Options {
  readonly worker?: string;
  readonly advertise?: string;
  readonly deadline?: string;
  readonly yes?: true;
  readonly undo?: true;
  readonly undoFile?: string;
}

const DEADLINE_S = 180;
const DEADLINE_MAX_S = 3600;

export function registerPair(device: Command): void {
  device
    .command("pair")
    .summary("point a stock LV06 or Bitaxe at this host's pool, or back")
    .description(
      "Sets the pool of a miner with stock firmware (AxeOS) to this host, over its web interface: asks first, reads " +
        "back, restarts it, and waits for a valid share, also of a miner that was set so before. Whatever fails is " +
        "undone. How the miner was set is kept in dataDir, for --undo. An Antminer S9 is set on its own page. Read " +
        "docs/stock-devices.md first.",
    )
    .argument("<host>", "the miner's address in the local network, as its display shows it; HOST:PORT if not port 80")
    .option("--worker <name>", "its name at the pool (default: the first of device.stratum.workers, and its MAC's end)")
    .option("--advertise <host:port>", "where the miner reaches the pool (default: found out)")
    .option(
      "--deadline <seconds>",
      `how long to wait for a valid share, 1 to ${DEADLINE_MAX_S} (default: ${DEADLINE_S})`,
    )
    .option("--yes", "do not ask: needed with --json, and without a terminal")
    .option("--undo", "set the miner back to the pool that it had")
    .option("--undo-file <file>", "set it back by this record")
    .addHelpText(
      "after",
      `${examples(
        "lv06 device pair 192.168.1.57",
        "lv06 device pair 192.168.1.57 --worker lv06.ward3 --yes --json",
        "lv06 device pair 192.168.1.57 --undo",
      )}\n\nExit codes: 0 done · 1 declined or failed · 2 usage or configuration
5 the miner is not reached`,
    )
    .action(
      action((context, host: string, options: Options) => {
        const miner = fromMiner(host);
        const { yes, undo, undoFile } = options;
        const ask = asker(context.output, yes === true);
        if (context.output.json && !yes) throw new UsageError("USAGE_OPTION", "--json asks nothing: give --yes too");
        if (undo || undoFile !== undefined) {
          expectNone(options);
          return unpair(context, miner, undoFile, ask);
        }
        return pair(context, miner, options, ask);
      }),
    );
}

/** Of the options that an undo does not take. @throws UsageError */
function expectNone(options: Options): void {
  const given = (["worker", "advertise", "deadline"] as const).find((name) => options[name] !== undefined);
  if (given !== undefined) throw new UsageError("USAGE_OPTION", `--undo takes no --${given}: it goes by what was kept`);
}

type Ask = (says: readonly string[], signal: AbortSignal) => Promise<boolean>;

async function pair({ output, config }: Context, miner: MinerAddress, options: Options, ask: Ask): Promise<ExitCode> {
  const { worker, advertise } = options;
  const deadlineS = fromNumber("--deadline", options.deadline ?? String(DEADLINE_S), 1, DEADLINE_MAX_S);
  const settings = config();
  const request = {
    miner,
    deadlineMs: deadlineS * 1000,
    ...(worker === undefined ? {} : { worker }),
    ...(advertise === undefined ? {} : { advertise: fromEndpoint("--advertise", advertise) }),
  };
  const report = await interruptible((signal) =>
    pairDevice(settings, request, {
      ...talkOf(output, ask, signal),
      whileProving: (wait) =>
        withBar(deadlineS, "{bar} {value} of {total} s: waiting for a valid share", (bar) =>
          wait((elapsedMs) => bar.update(Math.round(elapsedMs / 1000))),
        ),
    }),
  );
  output.answer(report, () => lines(report, settings));
  return report.outcome === "declined" ? EXIT.failed : EXIT.done;
}

async function unpair({ output, config }: Context, miner: MinerAddress, file: string | undefined, ask: Ask) {
  const request = { miner, ...(file === undefined ? {} : { recordPath: resolve(file) }) };
  const settings = config();
  const report = await interruptible((signal) => unpairDevice(settings, request, talkOf(output, ask, signal)));
  output.answer(report, () => unpairLines(report));
  return report.outcome === "undone" ? EXIT.done : EXIT.failed;
}

function unpairLines({ outcome, listed }: UnpairReport): readonly string[] {
  if (outcome === "declined") return [DECLINED];
  return [
    "undone: the miner has its former pool again",
    ...listed.map((entry) => `take ${entry} out of device.miners: until then the appliance goes on watching it`),
  ];
}

const DECLINED = "nothing was changed";

function talkOf(output: Output, ask: Ask, signal: AbortSignal): Omit<Talk, "whileProving"> {
  return {
    clock: systemClock,
    signal,
    confirm: (says) => ask(says, signal),
    onStep: (step) => output.note(words(step)),
  };
}

function words(step: Step): string {
  switch (step.kind) {
    case "hearing":
      return `the appliance has the pool: waiting for its health, which comes every ${step.everyS} s`;
    case "setting":
      return `setting the pool and restarting the miner; how it was stands in ${step.recordPath}`;
    case "already":
      return "it is set to this pool already: waiting for a valid share";
    case "restarting":
      return "it did not connect to the pool: restarting it";
    case "proving":
      return "it answers again: waiting for a valid share";
    case "seen":
      if (step.sighting === "share") return SEEN.share;
      return `${SEEN[step.sighting]}: ${step.undoes ? "setting it back" : "leaving it as it is"}`;
  }
}

const SEEN = {
  share: "a valid share has come",
  connected: "it connected, but sent no valid share in time",
  nothing: "it never connected to the pool",
} as const;

function lines(report: PairReport, { device }: Config): readonly string[] {
  const { outcome, bridge, entry } = report;
  if (outcome === "declined") return [DECLINED];
  const where = `${showEndpoint(bridge)} as ${bridge.worker}${report.simulated ? " (simulated worker)" : ""}`;
  const miners = device.miners.includes(entry) ? [] : [...device.miners, entry];
  return [
    outcome === "already" ? `it works for ${where}, as it was set before` : `paired: it works for ${where}`,
    ...(report.pool === "own" ? ["start the appliance now (lv06 run): until then the miner finds no pool here"] : []),
    ...(miners.length === 0
      ? []
      : ["to have its health read, put into the configuration:", "device:", `  miners: [${miners.join(", ")}]`]),
  ];
}

/** Asks the person at the terminal; anything but yes is no. */
function asker(output: Output, yes: boolean): Ask {
  return async (says, signal) => {
    for (const line of says) output.note(`- ${line}`);
    if (yes) return true;
    if (process.stdin.isTTY && process.stderr.isTTY) return question("Do this? [y/N] ", signal);
    throw new UsageError("USAGE_OPTION", "there is no terminal to ask at: give --yes if that is what you want");
  };
}

function question(text: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((answer) => {
    // Ctrl-C and Ctrl-D close it.
    terminal.once("close", () => answer(false));
    signal.addEventListener("abort", () => terminal.close(), { once: true });
    terminal.question(text, (line) => {
      answer(/^y(es)?$/i.test(line.trim()));
      terminal.close();
    });
  });
}

/** @throws UsageError */
function fromMiner(text: string): MinerAddress {
  if (isIPv6(text) || (text.length > 0 && !/[:[\]/@\s]/.test(text))) return { host: text };
  return fromEndpoint("HOST", text);
}

/** @throws UsageError */
function fromEndpoint(option: string, text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint !== undefined) return endpoint;
  throw new UsageError("USAGE_OPTION", `${option} ${text.slice(0, 80)} is no address such as 192.168.1.20:3333`);
}
