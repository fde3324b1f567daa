/** Ports with something behind them that is no LV06, for tests. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const PROGRAM = new URL("./odd_port.py", import.meta.url).pathname;

export type OddKind = "arduino" | "esp-idf" | "gps" | "modem" | "echo" | "resets" | "noise" | "flood" | "silent";

export interface OddPort {
  readonly path: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export async function startOddPort(kind: OddKind): Promise<OddPort> {
  const child = spawn("python3", [PROGRAM, kind], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const path = await new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${PROGRAM} ended with status ${code}`)));
    createInterface(child.stdout).once("line", resolve);
  });
  return {
    path,
    pid: child.pid ?? 0,
    stop: () => {
      child.stdin.end();
      return ended;
    },
  };
}
