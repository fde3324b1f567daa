import { hash } from "node:crypto";
import { beforeEach, expect, test, vi } from "vitest";
import type { Device, ImageAnswer, ImageQuestion } from "../device/device.ts";
import { DeviceError } from "../device/errors.ts";
import { SoftwareDevice } from "../device/testing/software-device.ts";
import { type CheckReport, DigestChecker, type Judgement } from "./checker.ts";
import type { CheckTask } from "./ports.ts";

const scales = [
  { block: 16, weight: 0.5 },
  { block: 32, weight: 0.5 },
] as const;
const task = (resultId: string): CheckTask => ({
  resultId,
  reference: null,
  samples: Uint8Array.from({ length: 224 * 224 }, (_, i) => i & 0xff),
  settings: { scales, grids: [7] },
});

/** The software's digests, changed by `hashing`; of single blocks only. */
function device(hashing: (digests: Uint8Array[]) => Promise<Uint8Array[]> | Uint8Array[]): Device {
  const software = new SoftwareDevice();
  return changed(software, {
    info: { ...software.info, simulated: true, capabilities: new Set(["hash"]) },
    hash: async (blocks) => hashing(await software.hash(blocks)),
  });
}

/** One that takes whole images; `answering` changes what it says of them. */
function imageDevice(answering: (answer: ImageAnswer, question: ImageQuestion) => ImageAnswer): Device {
  const software = new SoftwareDevice();
  return changed(software, {
    hash: () => Promise.reject(new Error("single blocks were asked for")),
    image: async (image, question) => answering(await software.image(image, question), question),
  });
}

function changed(software: SoftwareDevice, change: Partial<Device>): Device {
  return {
    kind: "usb",
    info: software.info,
    hash: (blocks, options) => software.hash(blocks, options),
    image: (image, question) => software.image(image, question),
    work: () => software.work(),
    attest: () => software.attest(),
    health: () => software.health(),
    close: () => software.close(),
    ...change,
  };
}

let judgements: Judgement["kind"][] = [];
beforeEach(() => {
  judgements = [];
});

async function reportsOf(on: Device | undefined, work: (checker: DigestChecker) => void, count = 1) {
  const reports: CheckReport[] = [];
  const checker = new DigestChecker({
    device: () => on ?? "DEVICE_ABSENT",
    judged: (_, judgement) => judgements.push(judgement.kind),
    report: (report) => reports.push(report),
    monotonicMs: () => 0,
  });
  work(checker);
  await vi.waitFor(() => expect(reports.length).toBe(count), { timeout: 10_000 });
  return reports;
}

test("an honest device matches in every digest of every scale", async () => {
  const [report] = await reportsOf(
    device((digests) => digests),
    (checker) => checker.add(task("a")),
  );
  expect(report).toMatchObject({ resultId: "a", outcome: "matched", checked: 196 + 49, mismatches: 0, code: null });
  expect(report?.device).toEqual({ kind: "usb", simulated: true });
  expect(judgements).toEqual(["right"]);
});

test("a device that takes whole images is sent one, and asked for roots only", async () => {
  const questions: ImageQuestion[] = [];
  const honest = imageDevice((answer, question) => {
    questions.push(question);
    return answer;
  });
  const [report] = await reportsOf(honest, (checker) => checker.add(task("a")));
  expect(report).toMatchObject({ outcome: "matched", checked: 196 + 49, mismatches: 0 });
  expect(questions).toEqual([{ scales: [16, 32] }]);
});

test("where a root differs, the digests are asked for and the wrong ones counted", async () => {
  const questions: ImageQuestion[] = [];
  const lying = imageDevice(({ roots, digests }, question) => {
    questions.push(question);
    const wrong = Buffer.from(digests.get(16) ?? []);
    if (wrong.length > 0) wrong.writeUInt8(wrong.readUInt8(5 * 32) ^ 1, 5 * 32);
    return { roots: new Map(roots).set(16, new Uint8Array(32)), digests: new Map(digests).set(16, wrong) };
  });
  const [report] = await reportsOf(lying, (checker) => checker.add(task("a")));
  expect(report).toMatchObject({ outcome: "mismatched", checked: 196 + 49, mismatches: 1, code: "DIGEST_MISMATCH" });
  expect(questions).toEqual([{ scales: [16, 32] }, { scales: [16], digestsOf: [16] }]);
  expect(judgements).toEqual(["lied"]);
});

test("a wrong root is a mismatch, even where every digest is right, and one that is missing too", async () => {
  const falseRoot = imageDevice(({ roots, digests }) => ({
    roots: new Map(roots).set(32, new Uint8Array(32)),
    digests,
  }));
  const [first] = await reportsOf(falseRoot, (checker) => checker.add(task("a")));
  expect(first).toMatchObject({ outcome: "mismatched", mismatches: 1 });
  const noRoot = imageDevice(() => ({ roots: new Map(), digests: new Map() }));
  const [second] = await reportsOf(noRoot, (checker) => checker.add(task("a")));
  expect(second).toMatchObject({ outcome: "mismatched", mismatches: 245 });
});

test("a wrong root stays proven when the device goes away before its digests are told", async () => {
  let asked = 0;
  const going = imageDevice(({ digests }) => {
    if (++asked === 2) throw new DeviceError("DEVICE_CLOSED", "unplugged");
    return { roots: new Map(), digests };
  });
  const [report] = await reportsOf(going, (checker) => checker.add(task("a")));
  expect(report).toMatchObject({ outcome: "mismatched", mismatches: 2, code: "DIGEST_MISMATCH" });
});

test("a device without room for the image is asked block by block", async () => {
  const software = new SoftwareDevice();
  const small = changed(software, {
    image: () => Promise.reject(new DeviceError("DEVICE_LIMIT", "50176 pixels; the device takes 4096")),
  });
  const [report] = await reportsOf(small, (checker) => checker.add(task("a")));
  expect(report).toMatchObject({ outcome: "matched", checked: 196 + 49 });
});

test("a wrong root stays the verdict when the device has no room for the image a second time", async () => {
  let asked = 0;
  const cramped = changed(new SoftwareDevice(), {
    image: async () => {
      if (++asked === 2) throw new DeviceError("DEVICE_LIMIT", "50176 pixels; the device takes 4096");
      return { roots: new Map(), digests: new Map() };
    },
  });
  const [report] = await reportsOf(cramped, (checker) => checker.add(task("a")));
  expect(report).toMatchObject({ outcome: "mismatched", checked: 196 + 49, mismatches: 2, code: "DIGEST_MISMATCH" });
});

test("one wrong digest is a mismatch", async () => {
  const lying = device((digests) => digests.with(3, hash("sha256", "something else", "buffer")));
  const [report] = await reportsOf(lying, (checker) => checker.add(task("a")));
  expect(report).toMatchObject({ outcome: "mismatched", mismatches: 2, code: "DIGEST_MISMATCH" });
});

test("a wrong digest stays proven when the device goes away after it", async () => {
  let calls = 0;
  const going = device((digests) => {
    if (++calls === 2) throw new DeviceError("DEVICE_CLOSED", "unplugged");
    return digests.with(0, new Uint8Array(32));
  });
  const [report] = await reportsOf(going, (checker) => checker.add(task("a")));
  expect(report).toMatchObject({ outcome: "mismatched", checked: 196, mismatches: 1, code: "DIGEST_MISMATCH" });
});

test("a device that fails is named, and the next image is checked all the same", async () => {
  let calls = 0;
  const once = device((digests) => {
    if (++calls === 1) throw new DeviceError("DEVICE_DEADLINE", "late");
    return digests;
  });
  const both = (checker: DigestChecker) => {
    checker.add(task("a"));
    checker.add(task("b"));
  };
  const reports = await reportsOf(once, both, 2);
  expect(reports.map(({ outcome, code }) => [outcome, code])).toEqual([
    ["device-failed", "DEVICE_DEADLINE"],
    ["matched", null],
  ]);
  expect(judgements).toEqual(["failed", "right"]);
});

test("without a device, over the limit and at the stop every image is reported as not checked", async () => {
  const [absent] = await reportsOf(undefined, (checker) => checker.add(task("a")));
  expect(absent).toMatchObject({ outcome: "not-checked", code: "DEVICE_ABSENT", device: { kind: "none" } });
  const never = device(() => new Promise(() => {}));
  const flood = (checker: DigestChecker) => {
    for (let i = 0; i < 258; i++) checker.add(task(String(i)));
    checker.stop();
    checker.add(task("late"));
  };
  const reports = await reportsOf(never, flood, 258);
  expect(new Set(reports.map(({ code }) => code))).toEqual(new Set(["CHECK_QUEUE_FULL", "CHECK_STOPPED"]));
});

test("a check that the stop interrupts is no failure of the device", async () => {
  let fail = (_: Error) => {};
  const closing = device(
    () =>
      new Promise((_, reject) => {
        fail = reject;
      }),
  );
  const stop = (checker: DigestChecker) => {
    checker.add(task("a"));
    setTimeout(() => {
      checker.stop();
      fail(new DeviceError("DEVICE_CLOSED", "closed by us"));
    }, 100);
  };
  const [report] = await reportsOf(closing, stop);
  expect(report).toMatchObject({ outcome: "not-checked", code: "CHECK_STOPPED" });
  expect(judgements).toEqual([]);
});
