import { afterEach, describe, expect, it } from "vitest";
import type { DeviceError } from "../errors.ts";
import { encodeFrame } from "../link/frame.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { RatedDevice } from "../testing/rated-device.ts";
import { UsbDevice, type UsbDeviceOptions } from "../usb/usb-device.ts";
import { RateLadder } from "./rate-ladder.ts";

const opened: { readonly clock: FakeClock; readonly device: UsbDevice }[] = [];
afterEach(async () => {
  for (const { clock, device } of opened.splice(0)) await clock.until(device.close());
});

async function connect(prepare: (line: RatedDevice) => void = () => {}, options: Partial<UsbDeviceOptions> = {}) {
  const clock = new FakeClock();
  const line = new RatedDevice(clock);
  prepare(line);
  const opening = UsbDevice.open(line, { clock, random: () => 0.5, ...options });
  await clock.advance(8000);
  const device = await opening;
  opened.push({ clock, device });
  return { clock, line, device };
}

describe("the rate of the line", () => {
  it("is the highest that both sides know", async () => {
    const { line, device } = await connect();
    expect([device.baud, line.hostBaud, line.deviceBaud]).toEqual([921_600, 921_600, 921_600]);
  });

  it("is the next lower where the cable does not carry the highest", async () => {
    const { line, device } = await connect((each) => each.uncarried.add(921_600));
    expect([device.baud, line.deviceBaud]).toEqual([460_800, 460_800]);
    // Three tries within the time that the device waits, and none at the old rate before it is back there.
    const pings = line.unheard.filter(({ bytes }) => bytes.includes(" PING "));
    expect(pings.map(({ baud }) => baud)).toEqual([921_600, 921_600, 921_600]);
    expect((pings[2]?.atMs ?? 0) - (pings[0]?.atMs ?? 0)).toBeLessThan(240);
  });

  it("is the first one where the cable carries no other, and the device still serves", async () => {
    const { clock, line, device } = await connect((each) => each.uncarried.add(921_600).add(460_800));
    expect([device.baud, line.deviceBaud]).toEqual([115_200, 115_200]);
    const digest = device.hash([Buffer.from("abc")]);
    await clock.advance(100);
    expect(await digest).toHaveLength(1);
  });

  it("stays where it is when told to", async () => {
    const { device } = await connect(() => {}, { climb: false });
    expect(device.baud).toBe(115_200);
  });

  it("falls when more than one line in a hundred is damaged", async () => {
    const { clock, line, device } = await connect();
    const good = line.behaviour;
    line.behaviour = (request, honest) => {
      if (line.deviceBaud === 921_600) line.say("~damaged\n");
      return good(request, honest);
    };
    const pings: Promise<void>[] = [];
    for (let i = 0; i < 110; i++) {
      pings.push(device.ping());
      await clock.advance(5);
    }
    await clock.advance(1000);
    await Promise.all(pings);
    expect([device.baud, line.deviceBaud]).toEqual([460_800, 460_800]);
  });

  it.each([
    ["says of each that it could not read it", true],
    ["says nothing of them", false],
  ])("falls when it carries short lines and no long ones, and the device %s", async (_, naks) => {
    const { clock, line, device } = await connect((each) => {
      each.hello = { ...each.hello, caps: "hash,batch,image,baud" };
      each.longestCarried = 300;
      each.naks = naks;
    });
    const image = { width: 64, height: 64, samples: Uint8Array.from({ length: 4096 }, (__, i) => (i * i * 7) >> 3) };
    const ask = () => device.image(image, { scales: [8] }).catch((error: DeviceError) => error.code);
    expect(await clock.until(ask())).toBe("DEVICE_DEADLINE");
    await clock.advance(1000);
    expect([device.baud, line.deviceBaud]).toEqual([460_800, 460_800]);
    line.longestCarried = Number.POSITIVE_INFINITY;
    expect(await clock.until(ask())).toHaveProperty("roots");
    // A device that answers, and is not done in time, is no bad cable.
    const good = line.behaviour;
    line.behaviour = (request, honest) => (request.verb === "BATCH" ? [] : good(request, honest));
    const late = device.hash([Buffer.from("a")], { deadlineMs: 200 }).catch((error: DeviceError) => error.code);
    await clock.advance(50);
    await clock.until(device.ping());
    expect(await clock.until(late)).toBe("DEVICE_DEADLINE");
    await clock.advance(1000);
    expect(device.baud).toBe(460_800);
  });

  it("is back where everybody looks for the device when it is closed", async () => {
    const { clock, line, device } = await connect();
    await clock.until(device.ping());
    expect(line.deviceBaud).toBe(921_600);
    await clock.until(device.close());
    expect([line.deviceBaud, line.closed]).toEqual([115_200, true]);
  });

  it("keeps no closing waiting for more than a second, nor asks a device that is silent anyway", async () => {
    const { clock, line, device } = await connect();
    await clock.until(device.ping());
    line.behaviour = () => [];
    const startMs = clock.nowMs();
    const before = line.received.length;
    await clock.until(device.close());
    expect(line.closed).toBe(true);
    expect(clock.nowMs() - startMs).toBeLessThan(1200);
    expect(line.received.length - before).toBeLessThan(4);
    const silent = await connect();
    await silent.clock.advance(6000);
    const asked = silent.line.received.length;
    await silent.device.close();
    expect(silent.line.received).toHaveLength(asked);
  });

  it("is changed only when nothing is unanswered, and other requests wait meanwhile", async () => {
    const { clock, line, device } = await connect(() => {}, { climb: false });
    const good = line.behaviour;
    line.behaviour = (request, honest) => (request.verb === "HASH" ? [] : good(request, honest));
    const slow = device.hash([Buffer.from("a")]).catch(() => {});
    const change = device.setRate(460_800);
    const ping = device.ping();
    await clock.advance(100);
    const verbs = () => line.received.slice(1).map(({ verb }) => verb);
    expect(verbs()).toEqual(["HASH"]);
    line.behaviour = good;
    await clock.advance(2000);
    await Promise.all([slow, change, ping]);
    expect(verbs()).toEqual(["HASH", "HASH", "BAUD", "PING", "PING"]);
    expect(device.baud).toBe(460_800);
  });

  it("is where the device is, though all its answers to the confirmation were lost", async () => {
    const { clock, line, device } = await connect(() => {}, { climb: false });
    const good = line.behaviour;
    let lost = 3;
    line.behaviour = (request, honest) => {
      const reply = good(request, honest);
      return request.verb === "PING" && lost-- > 0 ? [] : reply;
    };
    const change = device.setRate(921_600);
    await clock.advance(6000);
    await change;
    expect([device.baud, line.hostBaud, line.deviceBaud]).toEqual([921_600, 921_600, 921_600]);
  });

  it("ends the connection when both ends have lost each other", async () => {
    const { clock, line, device } = await connect(() => {}, { climb: false });
    line.uncarried.add(921_600);
    const change = device.setRate(921_600).catch((error: unknown) => String(error));
    line.behaviour = (request, honest) => (request.verb === "BAUD" ? [honest(request)] : []);
    await clock.advance(20_000);
    expect(await change).toMatch("DEVICE_DEADLINE");
    expect(line.closed).toBe(true);
  });

  it("is not what the device says it is now, if that was not asked for", async () => {
    const { clock, line, device } = await connect(() => {}, { climb: false });
    line.behaviour = (request, honest) => {
      const reply = honest(request);
      return [request.verb === "BAUD" ? { ...reply, args: [line.boot, "12345"] } : reply];
    };
    const change = device.setRate(921_600).catch((error: DeviceError) => error.code);
    expect(await clock.until(change)).toBe("DEVICE_REPLY");
    expect(line.closed).toBe(true);
  });

  it("refuses a rate that the device does not take", async () => {
    const { device } = await connect();
    await expect(device.setRate(9600)).rejects.toMatchObject({ code: "DEVICE_LIMIT" });
  });
});

describe("RateLadder", () => {
  const ladder = () => new RateLadder([921_600, 460_800, 115_200, 57_600], 115_200);

  it("climbs from the top, by rates that both sides know", () => {
    expect(ladder().climb()).toEqual([921_600, 460_800]);
    expect(new RateLadder([57_600], 115_200).climb()).toEqual([]);
  });

  it("steps down one rung at a time, by what was damaged since", () => {
    const steps = ladder();
    steps.moved(921_600, { lines: 5000, damaged: 4000 });
    expect(steps.judge({ lines: 5100, damaged: 4100 })).toBeUndefined();
    expect(steps.judge({ lines: 5400, damaged: 4002 })).toBeUndefined();
    expect(steps.judge({ lines: 5600, damaged: 4005 })).toBe(460_800);
    steps.moved(460_800, { lines: 5600, damaged: 4005 });
    expect(steps.judge({ lines: 5800, damaged: 4205 })).toBe(115_200);
    steps.moved(115_200, { lines: 5800, damaged: 4205 });
    expect(steps.judge({ lines: 6000, damaged: 4405 })).toBeUndefined();
  });
});

it("boot text in another boot id's stead is asked about, and nothing else happens", async () => {
  const { clock, line, device } = await connect(() => {}, { climb: false });
  const before = line.received.length;
  line.say("rst:0x1 (POWERON),boot:0x8\nESP-ROM:esp32s3\n");
  line.say(encodeFrame({ seq: 0, verb: "BOOT", args: [line.boot, "power-on"] }));
  await clock.advance(10);
  expect(line.received.slice(before).map(({ verb }) => verb)).toEqual(["PING"]);
  await clock.advance(10_000);
  const ping = device.ping();
  await clock.advance(10);
  await ping;
});
