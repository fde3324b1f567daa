/** What may seal or check: a serial device and who is between, the pool and its address. */

import { spawn } from "node:child_process";
import { constants, existsSync } from "node:fs";
import { access, stat } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import type { Config } from "../../config/schema.ts";
import { findPorts } from "../../device/usb/find.ts";
import {
  groupName,
  holders,
  meddlers,
  portOf,
  TROUBLE_ROOTS,
  type TroubleRoots,
} from "../../device/usb/port-trouble.ts";
import { parseEndpoint } from "../endpoint.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

const STTY_DEADLINE_MS = 1_000;
const MODEM_MANAGER = "ModemManager";

export interface DeviceEdges {
  readonly ports: () => Promise<readonly { readonly path: string }[]>;
  /** Rejects where this user may not read and write it. */
  readonly may: (path: string) => Promise<void>;
  readonly roots: TroubleRoots;
  /** Where our udev rules may lie: they tell ModemManager to leave our devices alone. */
  readonly rules: readonly string[];
}

export const DEVICE_EDGES: DeviceEdges = {
  ports: findPorts,
  may: (path) => access(path, constants.R_OK | constants.W_OK),
  roots: TROUBLE_ROOTS,
  rules: ["/etc/udev/rules.d/60-lv06.rules", "/usr/lib/udev/rules.d/60-lv06.rules"],
};

export async function deviceChecks({ device }: Config, edges: DeviceEdges = DEVICE_EDGES): Promise<readonly Finding[]> {
  const { path, id } = device.usb;
  const ports = (await edges.ports()).map((port) => port.path);
  const found = ports.length === 0 ? "no serial port is there" : `ports: ${ports.join(", ")}`;
  if (path === null && id === null) {
    if (device.stratum.listen !== null) return [ok("device", "none on a serial line; miners of the pool seal")];
    return [note("device", "DOCTOR_NO_DEVICE", `neither a serial port nor a pool is configured; ${found}`)];
  }
  const wanted = path !== null && path !== "auto" ? [path] : ports;
  if (wanted.length === 0) return [wrong("device", "DOCTOR_PORT_ABSENT", found)];
  const each = await Promise.all(wanted.map((port) => portChecks(port, edges)));
  return [...each.flat(), ...(await meddling(edges)), await stty()];
}

async function portChecks(path: string, { may, roots }: DeviceEdges): Promise<readonly Finding[]> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return [wrong("device", "DOCTOR_PORT_ABSENT", `${path} is not there`)];
  if (!info.isCharacterDevice()) return [wrong("device", "DOCTOR_PORT_KIND", `${path} is no serial port`)];
  const usable = await may(path).then(
    () => true,
    () => false,
  );
  const group = await groupName(info.gid);
  if (!usable) return [wrong("device", "DOCTOR_PORT_PERMISSION", `${path} belongs to the group ${group}`)];
  const busy = (await holders(path, roots)).map(({ pid, name }) =>
    note("device", "DOCTOR_PORT_BUSY", `process ${pid} (${name}) has ${path} open`),
  );
  const isPlain = /^\/dev\/tty(?:ACM|USB)/.test(path);
  const itself = isPlain
    ? note("device", "DOCTOR_PORT_NAME", `${path} may be another device after a restart`)
    : ok("device", `${path}${path === (await portOf(path)) ? "" : ` (${await portOf(path)})`} may be used`);
  return [itself, ...busy];
}

async function meddling({ roots, rules }: DeviceEdges): Promise<readonly Finding[]> {
  const rule = rules.find((path) => existsSync(path));
  return (await meddlers(roots)).map(({ name, todo }) =>
    name === MODEM_MANAGER && rule !== undefined
      ? ok("device", `${name} runs, and ${rule} tells it to leave known devices alone`)
      : note("device", "DOCTOR_MEDDLER", `${name} runs and may speak to the port`, todo),
  );
}

/** Without it the port's closing resets boards that are wired for it (host/device/usb/hang-up.ts). */
function stty(): Promise<Finding> {
  return new Promise((resolve) => {
    const child = spawn("stty", ["--version"], { stdio: "ignore", timeout: STTY_DEADLINE_MS });
    child.once("error", () => resolve(note("device", "DOCTOR_STTY", "stty is not installed")));
    child.once("close", () => resolve(ok("device", "stty is there: ending the appliance leaves the device alone")));
  });
}

const EVERYWHERE = new Set(["0.0.0.0", "::", "localhost"]);

/** @param addresses of this machine */
export function poolCheck({ device }: Config, addresses: readonly string[] = ownAddresses()): readonly Finding[] {
  const endpoint = parseEndpoint(device.stratum.listen ?? "", 0);
  if (endpoint === undefined) return [];
  const { host, port } = endpoint;
  if (EVERYWHERE.has(host) || addresses.includes(host))
    return [ok("pool", `miners are let in at ${host}, port ${port}`)];
  if (!/^[\d.]+$|:/.test(host)) return [ok("pool", `miners are let in at ${host}, port ${port}; not looked up`)];
  return [wrong("pool", "DOCTOR_POOL_ADDRESS", `${host} is none of this machine's addresses`)];
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map(({ address }) => address));
}
