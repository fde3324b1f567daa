/** How a port is closed, on a port whose every step is seen: on a real one these moments cannot be held. */
import { EventEmitter } from "node:events";
import type { SerialPort } from "serialport";
import { expect, it } from "vitest";
import { FakeClock } from "../testing/fake-clock.ts";
import { type Port, SerialTransport } from "./serial-transport.ts";

/** As serialport's: no longer open as soon as it closes, and closed when that has been done. */
class SlowPort extends EventEmitter {
  readonly path = "/dev/ttyACM0";
  readonly log: string[] = [];
  isOpen = true;
  closed: () => void = () => {};

  set({ rts }: { readonly rts: boolean }, done: (error: Error | null) => void): void {
    this.log.push(rts ? "in reset" : "released");
    setImmediate(() => done(null));
  }

  close(done: (error: Error | null) => void): void {
    this.log.push("closes");
    this.isOpen = false;
    this.closed = () => {
      this.emit("close", null);
      done(null);
    };
  }
}

const LINES = { staysUpOnClose: true, hasLines: true, startBaud: 115_200 };

function opened() {
  const clock = new FakeClock();
  const port = new SlowPort();
  return { clock, port, transport: new SerialTransport(port as unknown as SerialPort as Port, clock, LINES) };
}

it("a board whose reset is given up halfway is let go before its port is closed", async () => {
  const { clock, port, transport } = opened();
  const pulse = transport.resetBoard();
  await clock.advance(50);
  const closing = transport.close();
  await clock.until(Promise.all([pulse, closing]));
  expect(port.log).toEqual(["in reset", "released", "closes"]);
});

it("closing ends when the port is free again, whoever closed it first", async () => {
  const { port, transport } = opened();
  let ended = 0;
  const both = [transport.close(), transport.close()].map((closing) => closing.then(() => (ended += 1)));
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toBe(0);
  port.closed();
  await Promise.all(both);
  expect(port.log).toEqual(["closes"]);
});

it("a port that never finishes closing holds nobody up", async () => {
  const { clock, transport } = opened();
  await clock.until(transport.close());
});
