import { beforeEach, expect, test } from "vitest";
import { Admission, diskLowBytes } from "./admission.ts";

const MAX = 400;
/** A small store's journal may take a quarter. */
const BUDGET = 300;
let [nowMs, free, used]: [number, number | undefined, number] = [0, 1000, 0];
let admission: Admission;

beforeEach(() => {
  [nowMs, free, used] = [0, 1000, 0];
  admission = new Admission({
    ...{ diskFreeMinBytes: 1000, storeMaxBytes: MAX, monotonicMs: () => nowMs },
    diskFreeBytes: () => free,
    storeUsedBytes: () => used,
  });
});

function after(ms: number): string | null {
  nowMs += ms;
  return admission.refusal();
}

test("work comes in while there is room, also where nobody can tell how much the disk has", () => {
  expect(after(0)).toBeNull();
  expect(() => admission.expect()).not.toThrow();
  free = undefined;
  used = BUDGET;
  expect(after(1000)).toBeNull();
});

test("too little room on the disk keeps work out until there is a tenth more than asked for", () => {
  free = 999;
  expect(after(0)).toBe("DISK_WATERMARK");
  expect(() => admission.expect()).toThrow(expect.objectContaining({ code: "DISK_WATERMARK" }));
  free = 1099;
  expect(after(1000)).toBe("DISK_WATERMARK");
  free = 1100;
  expect(after(1000)).toBeNull();
  free = 1000;
  expect(after(1000)).toBeNull();
});

test("a full store keeps work out until a tenth of it is free", () => {
  used = BUDGET + 1;
  expect(after(0)).toBe("STORE_FULL");
  used = BUDGET * 0.9 + 1;
  expect(after(1000)).toBe("STORE_FULL");
  used = BUDGET * 0.9;
  expect(after(1000)).toBeNull();
});

test("the disk is looked at once a second, however many images come", () => {
  let looks = 0;
  const parts = { diskFreeMinBytes: 1, storeMaxBytes: MAX, storeUsedBytes: () => 0, monotonicMs: () => nowMs };
  const counted = new Admission({ ...parts, diskFreeBytes: () => ++looks });
  for (let i = 0; i < 100; i++) counted.refusal();
  nowMs += 1000;
  counted.refusal();
  expect(looks).toBe(2);
});

test("somebody is told of a disk that fills up before work is refused, however much is to stay free", () => {
  const mib = 2 ** 20;
  expect([1, 512, 8192].map((least) => diskLowBytes(least * mib) / mib)).toEqual([512, 1024, 16384]);
});
