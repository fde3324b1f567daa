import { expect, test } from "vitest";
import { DeviceError } from "../errors.ts";
import { Waiters } from "./waiters.ts";

const REPLY = { args: [], boot: "1a2b3c4d" };
const over = () => new DeviceError("DEVICE_CLOSED", "over");

test("who waits is counted until the answer, and a second outcome is told as the defect that it is", async () => {
  const waiters = new Waiters();
  const first = waiters.wait(
    undefined,
    () => {},
    () => {},
  );
  const second = waiters.wait(
    undefined,
    () => {},
    () => {},
  );
  expect(waiters.held).toEqual({ waiters: 2, settledTwice: 0 });
  waiters.resolve(1, REPLY);
  await expect(first).resolves.toBe(REPLY);
  expect(waiters.held).toEqual({ waiters: 1, settledTwice: 0 });
  waiters.reject(1, over());
  expect(waiters.held.settledTwice).toBe(1);
  waiters.reject(2, over());
  await expect(second).rejects.toThrow("over");
  expect(waiters.held.waiters).toBe(0);
});

test("what comes after the end is no second outcome", async () => {
  const waiters = new Waiters();
  const waiting = waiters.wait(
    undefined,
    () => {},
    () => {},
  );
  waiters.rejectAll(over());
  waiters.resolve(1, REPLY);
  await expect(waiting).rejects.toThrow("over");
  expect(waiters.held).toEqual({ waiters: 0, settledTwice: 0 });
});
