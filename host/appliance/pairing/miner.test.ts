import { expect, test } from "vitest";
import { readingOf } from "../../device/axeos/reading.ts";
import { FakeAxeos } from "../../device/axeos/testing/fake-axeos.ts";
import { PAYLOADS } from "../../device/axeos/testing/payloads.ts";
import { ANSWERS } from "../../device/cgminer/testing/answers.ts";
import { FakeCgminer } from "../../device/cgminer/testing/fake-cgminer.ts";
import { infoOf, keyOf, showMiner, workerNameOf } from "./miner.ts";
import { freePort } from "./testing/settings.ts";

const HOST = "127.0.0.1";
const seenBy = () => "192.168.1.20:3333";

test("a miner is named by its MAC address, or by where it is", () => {
  const told = readingOf({ mac: "02:00:00:a1:b2:c3" });
  const silent = readingOf({});
  expect([workerNameOf("lv06", { host: "10.0.0.7" }, told), keyOf({ host: "10.0.0.7" }, told)]).toEqual([
    "lv06.a1b2c3",
    "020000a1b2c3",
  ]);
  expect([workerNameOf("lv06", { host: "10.0.0.7" }, silent), keyOf({ host: "10.0.0.7" }, silent)]).toEqual([
    "lv06.10-0-0-7",
    "at-10.0.0.7",
  ]);
  expect(keyOf({ host: "../../etc", port: 81 }, silent)).toBe("at-..-..-etc-81");
  expect([showMiner({ host: "fd00::7" }), showMiner({ host: "10.0.0.7", port: 80 })]).toEqual([
    "[fd00::7]",
    "10.0.0.7",
  ]);
});

test("an Antminer is named as one, with the pool that it is to be set to by hand", async () => {
  const page = await FakeAxeos.start(PAYLOADS.whitepaper);
  page.handler = (_, response) => {
    response.writeHead(401).end("Unauthorized");
    return true;
  };
  const cgminer = await FakeCgminer.start(ANSWERS);
  const { port } = cgminer;
  const asked = infoOf({ host: HOST, port: page.port }, seenBy, port);
  await expect(asked).rejects.toThrow(/stratum\+tcp:\/\/192\.168\.1\.20:3333.*PAIR_BY_HAND/);
  await cgminer.close();
  const again = infoOf({ host: HOST, port: page.port }, seenBy, port);
  await expect(again).rejects.toMatchObject({ code: "AXEOS_STATUS" });
  await page.close();
});

test("what is not there, and what is not in the local network, is no Antminer", async () => {
  const port = await freePort();
  await expect(infoOf({ host: HOST, port }, seenBy, port)).rejects.toMatchObject({ code: "AXEOS_UNREACHABLE" });
  await expect(infoOf({ host: "192.0.2.1" }, seenBy)).rejects.toMatchObject({ code: "AXEOS_ADDRESS" });
});
