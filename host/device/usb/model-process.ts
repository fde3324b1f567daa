/** The model device as a child process: the C device core behind a pseudo-terminal. It always says `simulated`. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { errorMessage } from "../../base/error.ts";
import { DeviceError } from "../errors.ts";

export interface ModelOptions {
  /** The built program, `build/firmware/lv06-model`. */
  readonly program: string;
  /** A symbolic link that the model keeps pointing at its port. */
  readonly link?: string;
  /** Decides how the sensors drift; 0…2^32-1. */
  readonly seed?: number;
  /** Moves bytes no faster than a line of this rate. */
  readonly baud?: number;
  /** A UART: starts at 115,200 baud, has BAUD, and a host at another rate sends and reads garbage. Default native USB. */
  readonly uart?: boolean;
  /** What the searches' times are drawn from; default 433.6. */
  readonly hashrateGhs?: number;
  /** A share of difficulty d takes the time of one of d × this; 0: as fast as the CPU finds it. */
  readonly workScale?: number;
  /** Nonces of each of its 894 cores; few let a search run out of them. */
  readonly asicSteps?: number;
  /** 32 bytes as hex digits; null: no key is provisioned; default one derived from the seed. */
  readonly key?: string | null;
  /** Prints what an ESP32 prints when it boots. */
  readonly banner?: boolean;
}

export interface ModelProcess {
  /** The pseudo-terminal, such as `/dev/pts/3`. */
  readonly path: string;
  readonly pid: number;
  /** Its supply breaks down for a moment: it restarts and has forgotten image and search. */
  brownOut(): void;
  /** Its firmware crashes and restarts. */
  crash(): void;
  /** SIGTERM, as a person unplugging it with care; SIGKILL pulls the plug. Resolves when the process has ended. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

const START_DEADLINE_MS = 5000;
const STOP_DEADLINE_MS = 2000;

/** @throws DeviceError DEVICE_MODEL */
export async function startModel(options: ModelOptions): Promise<ModelProcess> {
  const child = spawn(options.program, modelArgs(options), { stdio: ["ignore", "pipe", "pipe"] });
  const path = await firstLine(child);
  const { pid } = child;
  if (pid === undefined) throw new DeviceError("DEVICE_MODEL", "the model has no process id");
  return {
    path,
    pid,
    brownOut: () => void child.kill("SIGUSR1"),
    crash: () => void child.kill("SIGUSR2"),
    stop: (signal = "SIGTERM") => stop(child, signal),
  };
}

function modelArgs(options: ModelOptions): string[] {
  const { link, seed, baud, uart, hashrateGhs, workScale, asicSteps, key, banner } = options;
  const asic = { "hashrate-ghs": hashrateGhs, "work-scale": workScale, "asic-steps": asicSteps };
  const valued = { link, seed, "baud-pace": baud, ...asic, key };
  const args = Object.entries(valued).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [`--${name}`, String(value)],
  );
  if (key === null) args.push("--no-key");
  if (uart) args.push("--uart");
  if (banner) args.push("--banner");
  return args;
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let words = "";
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      reject(new DeviceError("DEVICE_MODEL", `${why} ${words}`.trim()));
    };
    const timer = setTimeout(() => fail(`no port within ${START_DEADLINE_MS} ms`), START_DEADLINE_MS);
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      words = (words + text).slice(-500);
    });
    child.once("error", (error) => fail(errorMessage(error)));
    child.once("close", (code) => fail(`ended with status ${code}`));
    if (child.stdout === null) return fail("no output");
    createInterface(child.stdout).once("line", (line) => {
      clearTimeout(timer);
      child.removeAllListeners("close");
      resolve(line);
    });
  });
}

function stop(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill(signal);
  });
}
