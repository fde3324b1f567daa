/** The model device's answers with false digests in them, under right checksums: a man in the middle of its line. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";

const SCRIPT = join(import.meta.dirname, "liar.py");

export class Liar {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #last = "";

  private constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    this.#ended = once(child, "close");
    lines.on("line", (line) => {
      this.#last = line;
    });
  }

  /** @param behind the device's port @param link where the appliance looks for it */
  static async start(behind: string, link: string): Promise<Liar> {
    const child = spawn("python3", [SCRIPT, behind, link], { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface(child.stdout);
    await Promise.race([once(lines, "line"), once(child, "exit").then(() => Promise.reject(new Error("no liar")))]);
    return new Liar(child, lines);
  }

  /** Idempotent. @returns how often it lied */
  async stop(): Promise<number> {
    this.#child.kill("SIGTERM");
    await this.#ended;
    return Number(this.#last) || 0;
  }
}
