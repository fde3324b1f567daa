/** The appliance as a process of its own, started the way a user starts it. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";

const LV06 = resolve(import.meta.dirname, "../../lv06");
const STOP_DEADLINE_MS = 10_000;

export interface RunningAppliance {
  readonly url: string;
  /** Of all its topics. */
  readonly prefix: string;
  readonly inbox: string;
  readonly pid: number;
  /** With how it ended. */
  readonly ended: Promise<string>;
  /** What it logged. */
  log(): string;
  /** SIGTERM, and waits for the end. Idempotent. */
  stop(): Promise<void>;
  /** What was wrong with how it ended. */
  complaints(): string[];
}

export interface StartOptions {
  /** The whole configuration as YAML, PORT standing for a free port; the demo's own when empty. */
  readonly settings?: string;
  /** With the model device (simulated); true by default. */
  readonly modelDevice?: boolean;
  /** Beside this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

const DEMO_SETTINGS = `site: demo
appliance: lv06-demo
mode: validation
dataDir: data
privacy: { reference: plain }
ingest: { settleMs: 0 }
mqtt: { embeddedPort: PORT, healthIntervalS: 1 }
seal: { maxSize: 8 }
`;

/** Data and configuration lie in `folder`. */
export async function startAppliance(folder: string, options: StartOptions = {}): Promise<RunningAppliance> {
  const inbox = join(folder, "data", "inbox");
  mkdirSync(inbox, { recursive: true });
  const port = await freePort();
  const file = join(folder, "lv06.yaml");
  const { settings = "", modelDevice = true, env = {} } = options;
  writeFileSync(file, (settings === "" ? DEMO_SETTINGS : settings).replaceAll("PORT", String(port)));
  const args = ["run", "--config", file, ...(modelDevice ? ["--model-device"] : [])];
  const child = spawn(LV06, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  // The log, and what is said before there is one.
  let [log, said] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-200_000);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-20_000);
  });
  const ended = new Promise<string>((end) => child.once("exit", (code, signal) => end(signal ?? `status ${code}`)));
  let how: string | undefined;
  void ended.then((words) => {
    how = words;
  });
  return {
    url: `mqtt://127.0.0.1:${port}`,
    prefix: "lv06/v1/demo/lv06-demo",
    inbox,
    pid: child.pid ?? 0,
    ended,
    log: () => log + said,
    stop: async () => {
      if (how !== undefined) return;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
      await ended;
      clearTimeout(timer);
    },
    complaints: () => (how === "status 0" ? [] : [`the appliance ended with ${how}:\n${log.slice(-2000)}${said}`]),
  };
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
