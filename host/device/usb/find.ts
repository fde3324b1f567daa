/** Which serial ports there are, read from /dev and /sys: `SerialPort.list` needs udevadm, which slim systems lack. */
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { PlugMarks } from "../plug-watch.ts";

/** What a USB device says of itself; absent where it does not. */
export interface UsbIdentity {
  /** 4 hex digits each. */
  readonly vendorId: string;
  readonly productId: string;
  readonly manufacturer?: string;
  readonly product?: string;
  readonly serial?: string;
}

export interface PortCandidate {
  readonly path: string;
  /** True for a name that follows the device from socket to socket. */
  readonly stable: boolean;
  /** What the path stands for at the moment, such as `/dev/ttyACM0`. */
  readonly port: string;
  readonly usb?: UsbIdentity;
  /** The chip between USB and UART, where it is a known one. */
  readonly bridge?: string;
}

/** Where devices and their descriptions live; another root in tests. */
export interface PortRoots {
  readonly dev: string;
  readonly sys: string;
}

const ROOTS: PortRoots = { dev: "/dev", sys: "/sys" };
/** From the port's own folder up to the USB device: port, interface, device, with one to spare for each. */
const LEVELS_MAX = 6;
const TEXT_MAX = 64;

/** USB vendor and product to chip: those that ESP32 boards and 3.3 V adapters carry. */
const BRIDGES: Readonly<Record<string, string>> = {
  "303a:1001": "ESP32-S3 USB-Serial-JTAG",
  "303a:4001": "ESP32-S3 USB CDC",
  "10c4:ea60": "Silicon Labs CP210x",
  "10c4:ea70": "Silicon Labs CP2105",
  "1a86:7523": "WCH CH340",
  "1a86:55d3": "WCH CH343",
  "1a86:55d4": "WCH CH9102",
  "0403:6001": "FTDI FT232R",
  "0403:6010": "FTDI FT2232",
  "0403:6015": "FTDI FT231X",
  "067b:2303": "Prolific PL2303",
};

/** Serial ports that may have a device behind them: stable names first, each port once, sorted. */
export async function findPorts(roots: PortRoots = ROOTS): Promise<readonly PortCandidate[]> {
  const named = await namesIn(join(roots.dev, "serial", "by-id"));
  const plain = (await namesIn(roots.dev)).filter((path) => /\/tty(ACM|USB)[0-9]+$/.test(path));
  const stable = await resolveAll(named, true, roots);
  const known = new Set(stable.map((candidate) => candidate.port));
  const others = (await resolveAll(plain, false, roots)).filter((candidate) => !known.has(candidate.port));
  return [...stable, ...others];
}

/** What changes whenever one of the ports is plugged anew, also under the same name: a fresh port is a fresh file. */
export async function plugMarks(ports: readonly string[]): Promise<PlugMarks> {
  const marks = await Promise.all(
    ports.map(async (port) => {
      const file = await stat(port).catch(() => undefined);
      return file === undefined ? [] : [[port, `${file.ino} ${file.rdev} ${file.ctimeMs}`] as const];
    }),
  );
  return new Map(marks.flat());
}

async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.sort().map((name) => join(folder, name));
}

/** A link whose port has just gone is left out. */
async function resolveAll(paths: readonly string[], stable: boolean, { sys }: PortRoots): Promise<PortCandidate[]> {
  const found = await Promise.all(
    paths.map(async (path): Promise<PortCandidate | undefined> => {
      const port = await realpath(path).catch(() => undefined);
      if (port === undefined) return undefined;
      const usb = await usbIdentity(join(sys, "class", "tty", basename(port), "device"));
      if (usb === undefined) return { path, stable, port };
      const bridge = BRIDGES[`${usb.vendorId}:${usb.productId}`];
      return { path, stable, port, usb, ...(bridge === undefined ? {} : { bridge }) };
    }),
  );
  return found.filter((candidate) => candidate !== undefined);
}

/** The description lies with the USB device, some folders above the port's own. */
async function usbIdentity(device: string): Promise<UsbIdentity | undefined> {
  let folder = await realpath(device).catch(() => undefined);
  for (let level = 0; folder !== undefined && level < LEVELS_MAX; level++) {
    const vendorId = await word(folder, "idVendor");
    const productId = await word(folder, "idProduct");
    if (vendorId !== undefined && productId !== undefined) {
      const [manufacturer, product, serial] = await Promise.all(
        ["manufacturer", "product", "serial"].map((name) => word(folder ?? "", name)),
      );
      return {
        vendorId,
        productId,
        ...(manufacturer === undefined ? {} : { manufacturer }),
        ...(product === undefined ? {} : { product }),
        ...(serial === undefined ? {} : { serial }),
      };
    }
    folder = dirname(folder);
  }
  return undefined;
}

/** What the device says of itself comes from the device: bounded, and printable only. */
async function word(folder: string, name: string): Promise<string | undefined> {
  const text = await readFile(join(folder, name), "utf8").catch(() => "");
  const clean = text
    .replace(/[^\x20-\x7e]/g, "")
    .trim()
    .slice(0, TEXT_MAX);
  return clean === "" ? undefined : clean;
}
