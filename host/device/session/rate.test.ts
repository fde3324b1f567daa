import { afterEach, describe, expect, it } from "vitest";
import { encodeFrame } from "../link/frame.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { RatedDevice } from "../testing/rated-device.ts";
import { UsbDevice, type UsbDeviceOptions } from "../usb/usb-device.ts";
import { RateLadder } from "./rate-ladder.ts";

const opened: UsbDevice[] = [];
afterEach(async () => {
  for (const device of opened.splice(0)) await device.close();
});

async function connect(prepare: (line: RatedDevice) => void = () => {}, options: Partial<UsbDeviceOptions> = {}) {
  const clock = new FakeClock();
  const line = new RatedDevice(clock);
  prepare(line);
  const opening = UsbDevice.open(line, { clock, random: () => 0.5, ...options });
  await clock.advance(8000);
  const device = await opening;
  opened.push(device);
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
