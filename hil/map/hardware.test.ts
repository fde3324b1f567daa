import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MapError } from "./error.ts";
import { type HardwareEntry, loadMap, readMap, saveMap, writtenMap } from "./hardware.ts";
import { type Found, mergeMap } from "./merge.ts";
import { foundOf, scanPorts } from "./scan.ts";

const USB = new Set(["usb"] as const);
const BY_ID = "/dev/serial/by-id/usb-Espressif_AA-if00";

function entry(parts: Partial<HardwareEntry> = {}): HardwareEntry {
  const none = { byId: null, usb: null, mac: null, device: null, firmware: null, present: true, notes: "" };
  return { name: "one", transport: "usb", ...none, ...parts };
}

function found(parts: Partial<Found> = {}): Found {
  const none = { byId: null, usb: null, mac: null, firmware: "lv06/1" };
  return { transport: "usb", ...none, device: "lv06-aa", port: "/dev/ttyACM0", ...parts };
}

describe("the hardware map", () => {
  it("is written as it is read", () => {
    const usb = { vid: "303a", pid: "1001", serial: "AA:BB" };
    const devices = [entry({ byId: BY_ID, usb, notes: "the one with\nthe long cable: 2 m" }), entry({ name: "two" })];
    expect(readMap(writtenMap(devices))).toEqual(devices);
  });

  it("needs names and transports only", () => {
    expect(readMap("version: 1\ndevices:\n- {name: one, transport: stratum}\n")).toEqual([
      entry({ transport: "stratum" }),
    ]);
  });

  it.each([
    ["an unknown key", "version: 1\ndevices:\n- {name: a, transport: usb, colour: red}\n"],
    [
      "a USB id that YAML takes for a number",
      "version: 1\ndevices:\n- {name: a, transport: usb, usb: {vid: 1001, pid: '1001'}}\n",
    ],
    ["a future version", "version: 2\ndevices: []\n"],
    ["no map", "- one\n"],
    ["no YAML", "version: [1\n"],
    ["nothing", ""],
    ["aliases", "version: 1\ndevices: &a [*a]\n"],
  ])("is refused by name: %s", (_, source) => {
    expect(() => readMap(source)).toThrow(expect.objectContaining({ code: "RIG_MAP_FORM" }));
  });

  it.each([
    ["names", [entry(), entry()]],
    ["ids", [entry({ device: "x" }), entry({ name: "two", device: "x" })]],
    ["ports", [entry({ byId: BY_ID }), entry({ name: "two", byId: BY_ID })]],
    [
      "serial numbers",
      [
        entry({ usb: { vid: "303a", pid: "1001", serial: "1" } }),
        entry({ name: "two", usb: { vid: "303a", pid: "1001", serial: "1" } }),
      ],
    ],
  ])("has no two devices with equal %s", (_, devices) => {
    expect(() => readMap(writtenMap(devices))).toThrow(expect.objectContaining({ code: "RIG_MAP_EQUAL" }));
  });

  it("may have two adapters without serial numbers, which are all alike", () => {
    const usb = { vid: "1a86", pid: "7523", serial: null };
    expect(readMap(writtenMap([entry({ usb }), entry({ name: "two", usb })]))).toHaveLength(2);
  });

  it("is empty where there is no file, and is replaced in one go", async () => {
    const folder = await mkdtemp(join(tmpdir(), "lv06-map-"));
    const path = join(folder, "hardware.yaml");
    expect(await loadMap(path)).toEqual([]);
    await saveMap(path, [entry({ notes: "mine" })]);
    expect(await loadMap(path)).toEqual([entry({ notes: "mine" })]);
    expect(await readdir(folder)).toEqual(["hardware.yaml"]);
    await rm(folder, { recursive: true });
  });

  it("that cannot be read or written is named with its path, and nothing is left beside it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "lv06-map-"));
    const refused = { code: "RIG_MAP_FILE", detail: expect.stringContaining(folder) };
    await mkdir(join(folder, "hardware.yaml"));
    await expect(loadMap(join(folder, "hardware.yaml"))).rejects.toMatchObject(refused);
    await expect(saveMap(join(folder, "hardware.yaml"), [])).rejects.toMatchObject(refused);
    await expect(saveMap(join(folder, "none/hardware.yaml"), [])).rejects.toMatchObject(refused);
    expect(await readdir(folder)).toEqual(["hardware.yaml"]);
    await writeFile(join(folder, "bad.yaml"), "version: 2");
    await expect(loadMap(join(folder, "bad.yaml"))).rejects.toMatchObject({ ...refused, code: "RIG_MAP_FORM" });
    await rm(folder, { recursive: true });
  });
});

describe("a merge", () => {
  it("adds what is new under a name of its own", () => {
    const { devices, added } = mergeMap([entry({ name: "lv06-aa" })], [found(), found({ device: "LV06 Äpfel" })], USB);
    expect(added).toEqual(["lv06-aa-2", "lv06-pfel"]);
    expect(devices).toHaveLength(3);
  });

  it("keeps name and notes of a device that has another port, adapter and firmware now", () => {
    const known = entry({ device: "lv06-aa", byId: BY_ID, notes: "mine", firmware: "lv06/1" });
    const { devices, changed } = mergeMap(
      [known],
      [found({ byId: "/dev/serial/by-id/other", firmware: "lv06/2" })],
      USB,
    );
    expect(devices).toEqual([{ ...known, byId: "/dev/serial/by-id/other", firmware: "lv06/2" }]);
    expect(changed).toEqual(["one"]);
  });

  it("does not take a stranger at a known port and adapter for the device, which then has neither", () => {
    const usb = { vid: "303a", pid: "1001", serial: "1" };
    const known = entry({ device: "lv06-aa", byId: BY_ID, usb, notes: "mine" });
    const { devices, gone, added } = mergeMap([known], [found({ device: "lv06-bb", byId: BY_ID, usb })], USB);
    expect([gone, added]).toEqual([["one"], ["lv06-bb"]]);
    expect(devices[0]).toEqual({ ...known, byId: null, usb: null, present: false });
    expect(devices[1]).toMatchObject({ device: "lv06-bb", byId: BY_ID, usb });
  });

  it("knows a device that was entered by hand by its port", () => {
    const { devices, added } = mergeMap([entry({ byId: BY_ID })], [found({ byId: BY_ID })], USB);
    expect(added).toEqual([]);
    expect(devices[0]).toMatchObject({ name: "one", device: "lv06-aa" });
  });

  it("marks what is gone, loses nothing, and takes it back when it comes", () => {
    const known = [entry({ device: "lv06-aa", notes: "n" }), entry({ name: "far", transport: "stratum" })];
    const away = mergeMap(known, [], USB);
    expect(away.devices).toEqual([{ ...known[0], present: false }, known[1]]);
    expect(away.gone).toEqual(["one"]);
    expect(mergeMap(away.devices, [found()], USB).devices[0]).toMatchObject({ present: true, notes: "n" });
  });

  it("does not erase what is not known any more", () => {
    const usb = { vid: "303a", pid: "1001", serial: "1" };
    const known = entry({ device: "lv06-aa", byId: BY_ID, usb });
    expect(mergeMap([known], [found()], USB).devices[0]).toMatchObject({ byId: BY_ID, usb });
  });

  it("refuses two devices that call themselves the same, and names both ports", () => {
    const twins = [found(), found({ port: "/dev/ttyACM1" })];
    expect(() => mergeMap([], twins, USB)).toThrow(/ttyACM1 and \/dev\/ttyACM0.*by-path/);
  });
});

describe("a scan", () => {
  const port = { path: BY_ID, stable: true, port: "/dev/ttyACM0" };
  const hello = { device: "A0:B1:C2:D3:E4:F5", firmware: "lv06/1", simulated: false };

  it("asks every port, and keeps what is no LV06 with the reason", async () => {
    const ports = [port, { ...port, path: "/dev/ttyUSB0", stable: false }, { ...port, path: "/dev/ttyUSB1" }];
    const answers = new Map<string, object>([
      [BY_ID, hello],
      ["/dev/ttyUSB1", { ...hello, simulated: true }],
    ]);
    const scanned = await scanPorts({
      ports: async () => ports,
      probe: async ({ path }) => {
        const answer = answers.get(path);
        if (answer === undefined) throw new MapError("RIG_NOT_LV06", `${path} is a GPS receiver`);
        return { hello: answer, baud: 115_200 } as never;
      },
    });
    expect(scanned.found).toMatchObject([{ device: hello.device, mac: "a0:b1:c2:d3:e4:f5", byId: BY_ID }]);
    expect(scanned.others.map(({ path, code }) => [path, code])).toEqual([
      ["/dev/ttyUSB0", "RIG_NOT_LV06"],
      ["/dev/ttyUSB1", "RIG_SIMULATED"],
    ]);
  });

  it("writes no port that changes its name into the map", () => {
    expect(foundOf({ ...port, stable: false }, { device: "x", firmware: "y" })).toMatchObject({
      byId: null,
      mac: null,
    });
  });
});
