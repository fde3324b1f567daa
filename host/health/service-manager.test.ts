import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { serviceManager } from "./service-manager.ts";
import { NotifySocket, RUN_NOTIFY } from "./testing/notify-socket.ts";

const PID = 4321;
const before = process.env.NOTIFY_SOCKET;

afterEach(() => {
  if (before === undefined) delete process.env.NOTIFY_SOCKET;
  else process.env.NOTIFY_SOCKET = before;
});

test("where no service manager listens nothing is told, and nothing watches", async () => {
  const service = serviceManager({}, PID);
  expect(service.watchdogMs).toBeNull();
  await service.tell("READY=1");
});

test("the watchdog's time is read in microseconds, and only where it is this process's", () => {
  const env = { NOTIFY_SOCKET: "/run/systemd/notify", WATCHDOG_USEC: "180000000" };
  expect(serviceManager(env, PID).watchdogMs).toBe(180_000);
  expect(serviceManager({ ...env, WATCHDOG_PID: String(PID) }, PID).watchdogMs).toBe(180_000);
  expect(serviceManager({ ...env, WATCHDOG_PID: "1" }, PID).watchdogMs).toBeNull();
  expect(serviceManager({ ...env, WATCHDOG_USEC: "0" }, PID).watchdogMs).toBeNull();
  expect(serviceManager({ NOTIFY_SOCKET: "/run/systemd/notify" }, PID).watchdogMs).toBeNull();
});

describe.skipIf(!RUN_NOTIFY)("with a socket of systemd's kind", () => {
  let socket: NotifySocket;

  beforeEach(async () => {
    socket = await NotifySocket.open();
    process.env.NOTIFY_SOCKET = socket.path;
  });

  afterEach(() => socket.close());

  test("what is told arrives, several notices as one message", async () => {
    const service = serviceManager(process.env, process.pid);
    await service.tell("READY=1", "STATUS=offline, unsealed");
    await service.tell("WATCHDOG=1");
    await vi.waitFor(() => expect(socket.notices).toEqual(["READY=1", "STATUS=offline, unsealed", "WATCHDOG=1"]));
  });

  test("a socket that nobody listens on is a named error", async () => {
    process.env.NOTIFY_SOCKET = `${socket.path}-gone`;
    await expect(serviceManager(process.env, process.pid).tell("READY=1")).rejects.toThrow("SERVICE_NOTIFY");
  });
});
