import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdir, statfs } from "node:fs/promises";
import { connect } from "node:net";
import type { Command } from "commander";
import { loadConfigured } from "../appliance/model-slot.ts";
import { errorMessage } from "../base/error.ts";
import type { Config } from "../config/schema.ts";
import { findPorts } from "../device/usb/find.ts";
import { action, packageVersion } from "./context.ts";
import { EXIT, examples, table } from "./output.ts";

const BROKER_DEADLINE_MS = 3_000;
const STTY_DEADLINE_MS = 1_000;
const DISK_FREE_MIN_BYTES = 512 * 1024 * 1024;

interface Finding {
  readonly check: string;
  readonly verdict: "ok" | "note" | "wrong";
  readonly detail: string;
}

export function registerDoctor(program: Command): void {
  program
    .command("doctor")
    .description("Checks this machine and its configuration before going live: folders, model, broker, device.")
    .summary("check this machine and its configuration before going live")
    .addHelpText("after", examples("lv06 doctor --config /etc/lv06/lv06.yaml"))
    .action(
      action(async ({ output, config }) => {
        const settings = config();
        const findings = await Promise.all([
          finding("version", async () => ["ok", `lv06 ${packageVersion()}, Node ${process.version}, ${process.arch}`]),
          finding("data folder", () => dataFolder(settings.dataDir)),
          finding("model", () => model(settings)),
          finding("broker", () => broker(settings)),
          finding("device", () => device(settings)),
          finding("serial line", stty),
        ]);
        output.answer({ findings }, () =>
          table(
            ["check", "verdict", "detail"],
            findings.map(({ check, verdict, detail }) => [check, verdict, detail]),
          ),
        );
        return findings.some(({ verdict }) => verdict === "wrong") ? EXIT.failed : EXIT.done;
      }),
    );
}

type Verdict = readonly [Finding["verdict"], string];

async function finding(check: string, look: () => Promise<Verdict>): Promise<Finding> {
  try {
    const [verdict, detail] = await look();
    return { check, verdict, detail };
  } catch (error) {
    return { check, verdict: "wrong", detail: errorMessage(error) };
  }
}

async function dataFolder(path: string): Promise<Verdict> {
  await mkdir(path, { recursive: true });
  await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  const { bavail, bsize } = await statfs(path);
  const freeBytes = bavail * bsize;
  const detail = `${path}, ${(freeBytes / 2 ** 30).toFixed(1)} GiB free`;
  return [freeBytes < DISK_FREE_MIN_BYTES ? "wrong" : "ok", detail];
}

async function model(settings: Config): Promise<Verdict> {
  const { manifest, precision } = await loadConfigured(settings);
  return ["ok", `${manifest.name} ${manifest.version}, ${precision}, files match the manifest`];
}

async function broker({ mqtt }: Config): Promise<Verdict> {
  if (mqtt.url === null) {
    return ["note", "none configured: the embedded one is for trying out and keeps nothing for late subscribers"];
  }
  const { hostname, port, protocol } = new URL(mqtt.url);
  await reach(hostname, port === "" ? (protocol === "mqtts:" ? 8883 : 1883) : Number(port));
  return ["ok", `${mqtt.url} accepts connections`];
}

/** Without it the port's closing resets boards that are wired for it (host/device/usb/hang-up.ts). */
function stty(): Promise<Verdict> {
  return new Promise((resolve) => {
    const child = spawn("stty", ["--version"], { stdio: "ignore", timeout: STTY_DEADLINE_MS });
    child.once("error", () => resolve(["note", "stty is not installed: ending the appliance may reset the device"]));
    child.once("close", () => resolve(["ok", "stty is there: ending the appliance leaves the device alone"]));
  });
}

function reach(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: BROKER_DEADLINE_MS });
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("timeout", () => {
      socket.destroy();
      reject(new Error(`${host}:${port} did not answer within ${BROKER_DEADLINE_MS} ms`));
    });
    socket.once("error", reject);
  });
}

async function device({ device: { usb } }: Config): Promise<Verdict> {
  const ports = await findPorts();
  const found = ports.length === 0 ? "no serial port is there" : `ports: ${ports.map(({ path }) => path).join(", ")}`;
  if (usb.id !== null) return [ports.length === 0 ? "wrong" : "ok", `${usb.id} is looked for at every port; ${found}`];
  if (usb.path === null) return ["note", `device.usb.path is not set, digests are not compared; ${found}`];
  if (usb.path === "auto") return [ports.length === 0 ? "wrong" : "ok", `any device is taken; ${found}`];
  await access(usb.path, constants.R_OK | constants.W_OK);
  const stable = usb.path.startsWith("/dev/serial/by-id/");
  return stable ? ["ok", usb.path] : ["note", `${usb.path}: a name under /dev/serial/by-id follows the device`];
}
