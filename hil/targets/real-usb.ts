/**
 * An LV06 with direct-hash firmware at a serial port, found by who it says it is. Never run on hardware so far: what a
 * pseudo-terminal can show, its tests show.
 */
import { realpath } from "node:fs/promises";
import { errorCode } from "../../host/base/error.ts";
import { DeviceError } from "../../host/device/errors.ts";
import type { Hello } from "../../host/device/session/hello.ts";
import { findPorts } from "../../host/device/usb/find.ts";
import { MapError } from "../map/error.ts";
import type { HardwareEntry } from "../map/hardware.ts";
import { type LockOptions, lockDevice } from "../map/lock.ts";
import { type Probed, type ProbeOptions, probePort } from "../map/probe.ts";
import type { Ability } from "../rig/bench.ts";
import { RigError } from "../rig/error.ts";
import type { PortFacts, Target } from "../rig/target.ts";
import { lacking, liveBench } from "./live-bench.ts";
import { RealDevice } from "./real-device.ts";
import { START_BAUD } from "./watched-line.ts";

export interface RealUsbOptions {
  /** HIL_PORT: this port and no other; a model behind it is used, and says so. */
  readonly port?: string;
  /** The hardware map's; its USB devices are looked for before all other ports. */
  readonly map?: readonly HardwareEntry[];
  /** Only the map's device of this name. */
  readonly device?: string;
  readonly probe?: Partial<ProbeOptions>;
  readonly lock?: LockOptions;
  /** Ports besides the map's; default all that there are. */
  readonly ports?: () => Promise<readonly { readonly path: string }[]>;
}

/**
 * @throws MapError, RigError RIG_LOCKED, RIG_WRONG_DEVICE; DeviceError DEVICE_ABSENT, DEVICE_NO_HELLO and what else keeps
 *   a device from being used
 */
export async function openRealUsb(options: RealUsbOptions = {}): Promise<Target<"usb">> {
  const { path, probed } = await findDevice(options);
  const { hello } = probed;
  const lock = await lockDevice(hello.device, { purpose: "hil real-usb", ...options.lock });
  const { capabilities, simulated, device: id, firmware } = hello;
  const can = abilities(hello);
  return {
    name: "real-usb",
    kind: "real",
    transport: "usb",
    identity: { id, firmware, simulated, capabilities },
    port: { ...(await usbOf(path)), baud: START_BAUD },
    covers: (one) => {
      const reason = lacking(one, capabilities, can);
      return reason === undefined ? { runs: true } : { runs: false, verdict: "not-applicable", reason };
    },
    present: () => new RealDevice(path, id).present(),
    open: async (one, seed) => {
      const device = new RealDevice(path, id);
      if (one.needs.includes("work")) await device.forgetSearch();
      return liveBench({ target: "real", can, seed, device });
    },
    close: () => lock.release(),
  };
}

/** Empty for a port that is not of USB, such as a pseudo-terminal. */
async function usbOf(path: string): Promise<PortFacts> {
  const port = await realpath(path).catch(() => path);
  const { usb, bridge } = (await findPorts()).find((found) => found.port === port) ?? {};
  if (usb === undefined) return {};
  const { vendorId, productId } = usb;
  return { vendorId, productId, ...(bridge === undefined ? {} : { bridge }) };
}

function abilities({ capabilities, simulated }: Hello): ReadonlySet<Ability> {
  // Whatever is on its line, this side of it can be spoilt.
  const can: Ability[] = ["faults"];
  if (capabilities.has("reset")) can.push("restart");
  if (capabilities.has("baud")) can.push("rate");
  if (simulated) can.push("work-scale");
  else if (capabilities.has("work")) can.push("hash-power", "exhausts");
  return new Set(can);
}

interface FoundDevice {
  readonly path: string;
  readonly probed: Probed;
}

async function findDevice({
  port,
  map = [],
  device,
  probe = {},
  ports = findPorts,
}: RealUsbOptions): Promise<FoundDevice> {
  const look = async (path: string) => ({ path, probed: await probePort({ ...probe, path }) });
  if (port !== undefined) return look(port);
  const wanted = map.filter((entry) => entry.transport === "usb" && (device === undefined || entry.name === device));
  if (device !== undefined && wanted.length === 0) {
    throw new DeviceError("DEVICE_ABSENT", `the hardware map has no USB device ${device}`);
  }
  const ids = new Set(wanted.flatMap((entry) => (entry.device === null ? [] : [entry.device])));
  const known = wanted.flatMap(({ byId }) => (byId === null ? [] : [byId]));
  const others = (await ports()).map(({ path }) => path);
  const failures: Failure[] = [];
  for (const paths of [known, others.filter((path) => !known.includes(path))]) {
    // Side by side: a silent port takes many seconds, and some have many adapters.
    const looked = await Promise.all([...new Set(paths)].map((path) => judged(path, look, ids)));
    const found = looked.find((one) => "probed" in one);
    if (found !== undefined) return found;
    failures.push(...looked.filter((one) => "error" in one));
  }
  throw verdictOf(failures, new Set(known));
}

interface Failure {
  readonly path: string;
  readonly error: Error;
}

async function judged(
  path: string,
  look: (path: string) => Promise<FoundDevice>,
  ids: ReadonlySet<string>,
): Promise<FoundDevice | Failure> {
  try {
    const found = await look(path);
    expectHardware(found);
    expectWanted(found, ids);
    return found;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { path, error };
  }
}

function expectHardware({ path, probed: { hello } }: FoundDevice): void {
  if (hello.simulated) throw new MapError("RIG_SIMULATED", `${path}: ${hello.device} is simulated`);
}

/** Where the map knows devices, a stranger is not run on by accident. */
function expectWanted({ path, probed: { hello } }: FoundDevice, ids: ReadonlySet<string>): void {
  if (ids.size === 0 || ids.has(hello.device)) return;
  throw new RigError("RIG_WRONG_DEVICE", `${hello.device} answers at ${path}; the map has ${[...ids].join(", ")}`);
}

/** One error for all ports: that of the port where a device is known to be, or the only one. */
function verdictOf(failures: readonly Failure[], known: ReadonlySet<string>): Error {
  const there = failures.filter(({ error }) => errorCode(error) !== "DEVICE_ABSENT");
  const decisive = there.find(({ path }) => known.has(path)) ?? (there.length === 1 ? there[0] : undefined);
  if (decisive !== undefined) return decisive.error;
  if (failures.length === 0) return new DeviceError("DEVICE_ABSENT", "no serial port was found");
  const words = failures.map(({ path, error }) => `${path}: ${errorCode(error)}`).join(", ");
  return new DeviceError("DEVICE_ABSENT", `no LV06 at ${failures.length} ports (${words})`);
}
