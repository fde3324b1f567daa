import type { SerialPort } from "serialport";
import { expect, it } from "vitest";
import { FakeClock } from "../testing/fake-clock.ts";
import { type Port, SerialTransport } from "./serial-transport.ts";

/** A port whose modem lines are on record. */
function recorded() {
  const log: string[] = [];
  const port = {
    path: "/dev/ttyACM0",
    isOpen: true,
    on: () => port,
    write: () => true,
    update: () => {},
    set: ({ rts }: { readonly rts: boolean }, done: (error: Error | null) => void) => {
      log.push(rts ? "in reset" : "released");
      setImmediate(() => done(null));
    },
    close: (done: (error: Error | null) => void) => {
      log.push("closed");
      port.isOpen = false;
      setImmediate(() => done(null));
    },
  };
  return { log, port: port as unknown as SerialPort as Port };
}

it("a board whose reset is given up halfway is let go before its port is closed", async () => {
  const clock = new FakeClock();
  const { log, port } = recorded();
  const transport = new SerialTransport(port, clock, true);
  const pulse = transport.resetBoard();
  await clock.advance(50);
  const closing = transport.close();
  await clock.until(Promise.all([pulse, closing]));
  expect(log).toEqual(["in reset", "released", "closed"]);
});
