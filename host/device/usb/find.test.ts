import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findPorts, type PortRoots, plugMarks } from "./find.ts";

let dev: string;
let sys: string;
let roots: PortRoots;
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), "lv06-ports-"));
  [dev, sys] = [join(folder, "dev"), join(folder, "sys")];
  roots = { dev, sys };
  await mkdir(join(dev, "serial", "by-id"), { recursive: true });
});
afterEach(() => rm(join(dev, ".."), { recursive: true }));

/** A USB device as sysfs shows it: `/sys/class/tty/NAME/device` leads to its interface, a folder below. */
async function inSys(name: string, words: Readonly<Record<string, string>>): Promise<void> {
  const usb = join(sys, "devices", "usb1", `1-${name}`);
  const port = join(usb, "1-1:1.0", name);
  await mkdir(port, { recursive: true });
  await mkdir(join(sys, "class", "tty", name), { recursive: true });
  await symlink(port, join(sys, "class", "tty", name, "device"));
  for (const [file, text] of Object.entries(words)) await writeFile(join(usb, file), `${text}\n`);
}

describe("findPorts", () => {
  it("prefers stable names, lists each port once and leaves other files out", async () => {
    for (const name of ["ttyACM0", "ttyUSB1", "ttyS0", "null"]) await writeFile(join(dev, name), "");
    await symlink("../../ttyUSB1", join(dev, "serial", "by-id", "usb-Silicon_Labs_CP2104-if00"));
    await symlink("../../ttyUSB9", join(dev, "serial", "by-id", "usb-gone"));
    expect(await findPorts(roots)).toEqual([
      { path: join(dev, "serial", "by-id", "usb-Silicon_Labs_CP2104-if00"), stable: true, port: join(dev, "ttyUSB1") },
      { path: join(dev, "ttyACM0"), stable: false, port: join(dev, "ttyACM0") },
    ]);
  });

  it("reads from sysfs what the port's USB device says of itself, and names the chip", async () => {
    await writeFile(join(dev, "ttyUSB0"), "");
    await inSys("ttyUSB0", {
      idVendor: "10c4",
      idProduct: "ea60",
      product: "CP2104 USB to UART",
      serial: "0216\u001b[31m99",
    });
    const [found] = await findPorts(roots);
    expect(found).toMatchObject({
      usb: { vendorId: "10c4", productId: "ea60", product: "CP2104 USB to UART", serial: "0216[31m99" },
      bridge: "Silicon Labs CP210x",
    });
    expect(found?.usb).not.toHaveProperty("manufacturer");
  });

  it("finds nothing where there is nothing", async () => {
    expect(await findPorts({ dev: join(dev, "none"), sys })).toEqual([]);
  });
});

describe("plugMarks", () => {
  it("change when a port is plugged again under its name, and not otherwise, and leave out what is not there", async () => {
    const port = join(dev, "ttyACM0");
    expect(await plugMarks([port])).toEqual(new Map());
    await writeFile(port, "");
    const before = await plugMarks([port]);
    await writeFile(join(dev, "another"), "");
    expect(await plugMarks([port])).toEqual(before);
    await rm(port);
    await writeFile(port, "");
    expect((await plugMarks([port])).get(port)).not.toBe(before.get(port));
  });
});
