import { expect, test } from "vitest";
import { Gate } from "./gate.ts";
import { Lanes } from "./lanes.ts";

test("a short job that arrives while a long one runs goes before the next long one", async () => {
  const lanes = new Lanes();
  const order: string[] = [];
  const job = (name: string) => async () => void order.push(name);
  const first = lanes.run("long", async () => {
    order.push("long 1");
    void lanes.run("short", job("short"));
  });
  await Promise.all([first, lanes.run("long", job("long 2"))]);
  expect(order).toEqual(["long 1", "short", "long 2"]);
});

test("two jobs never run at once", async () => {
  const lanes = new Lanes();
  let running = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
  };
  await Promise.all([lanes.run("long", work), lanes.run("short", work), lanes.run("long", work)]);
  expect(most).toBe(1);
});

test("a job that fails does not hold up the next", async () => {
  const lanes = new Lanes();
  const failed = lanes.run("long", () => Promise.reject(new Error("no")));
  await expect(Promise.all([failed])).rejects.toThrow("no");
  await expect(lanes.run("long", async () => 7)).resolves.toBe(7);
});

test("the gate lets callers through in order and refuses more than the queue holds", async () => {
  const gate = new Gate(1, 1);
  await gate.enter();
  let through = false;
  const second = gate.enter()?.then(() => {
    through = true;
  });
  expect(gate.enter()).toBeUndefined();
  expect(through).toBe(false);
  gate.leave();
  await second;
  expect(through).toBe(true);
});
