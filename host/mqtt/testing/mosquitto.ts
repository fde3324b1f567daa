/** The real broker, as Debian packages it, in a folder and on a port of its own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { delimiter, join } from "node:path";

const ENV = { ...process.env, PATH: [process.env.PATH, "/usr/sbin", "/usr/local/sbin"].join(delimiter) };
const INSTALLED = spawnSync("mosquitto", ["-h"], { env: ENV }).error === undefined;
const REQUIRED = process.env.CI !== undefined || process.env.LV06_TEST_REQUIRE_ALL === "1";

/** False where the tests are to be skipped; where everything is required they run, and fail. */
export const RUN_MOSQUITTO = INSTALLED || REQUIRED;
export const MOSQUITTO = INSTALLED ? "Mosquitto" : "Mosquitto (not installed: apt-get install mosquitto)";

export class Mosquitto {
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
  }

  /** For everybody on this machine. @param extra lines of mosquitto.conf; `FOLDER` in them is the broker's folder */
  static start(extra: readonly string[] = [], files: Readonly<Record<string, string>> = {}): Promise<Mosquitto> {
    const config = ["listener PORT 127.0.0.1", "allow_anonymous true", "persistence true"];
    return Mosquitto.configured([...config, "persistence_location FOLDER/", "log_type none", ...extra], files);
  }

  /** @param lines all of mosquitto.conf but the user; `FOLDER` and `PORT` in them are the broker's */
  static async configured(
    lines: readonly string[],
    files: Readonly<Record<string, string>> = {},
    folder = mkdtempSync(join(tmpdir(), "mosquitto-")),
  ): Promise<Mosquitto> {
    const port = await freePort();
    const config = [...lines, `user ${userInfo().username}`].join("\n");
    const written = config.replaceAll("FOLDER", folder).replaceAll("PORT", String(port));
    writeFileSync(join(folder, "mosquitto.conf"), `${written}\n`);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
    const broker = new Mosquitto(port, folder);
    await broker.resume();
    return broker;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** Of a broker that is configured for it. */
  get tlsUrl(): string {
    return `mqtts://127.0.0.1:${this.port}`;
  }

  get folder(): string {
    return this.#folder;
  }

  /** Starts it again on the same port, with what it kept. */
  async resume(): Promise<void> {
    const child = spawn("mosquitto", ["-c", join(this.#folder, "mosquitto.conf")], { env: ENV, stdio: "ignore" });
    await once(child, "spawn");
    this.#process = child;
    while (!(await listens(this.port))) {
      if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Replaces the access list while it runs. */
  allow(acl: string): void {
    writeFileSync(join(this.#folder, "acl"), acl);
    this.#process?.kill("SIGHUP");
  }

  /** SIGTERM lets it write what it keeps. */
  async halt(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    child.kill(signal);
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    this.#process = undefined;
  }

  async stop(): Promise<void> {
    await this.halt("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
