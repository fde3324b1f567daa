/**
 * serialport's port, mended in two places (bindings-cpp 13.0.0).
 *
 * The stock reader takes a read of zero bytes for "nothing yet" and tries again at once, for ever (issue 162): a device
 * unplugged at the wrong moment costs a core and, in time, all memory. A terminal in raw mode returns zero bytes only
 * after it was hung up.
 *
 * The stock poller waits for the last thing it was asked for, not for all that is waited for (`uv_poll_start` with the
 * new events alone): while a write waits for room nothing is read, so that replies pile up in a device that, for want
 * of room for more of them, reads nothing either.
 */
import { readSync, writeSync } from "node:fs";
import { SerialPort, type SerialPortOpenOptions } from "serialport";
import { errorCode } from "../../base/error.ts";

type Binding = typeof SerialPort.binding;
type PortBinding = Awaited<ReturnType<Binding["open"]>>;
type Open = (options: unknown) => Promise<PortBinding>;
type UnixPort = Extract<PortBinding, { readonly poller: unknown; fd: number | null }>;

const HUNG_UP = "the device hung up";
const TRY_LATER = new Set(["EAGAIN", "EWOULDBLOCK", "EINTR"]);

export class HangUpPort extends SerialPort {
  constructor(options: SerialPortOpenOptions<Binding>) {
    const stock = SerialPort.binding;
    const open: Open = stock.open.bind(stock) as Open;
    const binding = { ...stock, open: async (wanted: unknown) => mended(await open(wanted)) };
    super({ ...options, ...{ binding } });
  }

  /** The open file; undefined while the port is closed. */
  get fd(): number | undefined {
    const { port } = this;
    return port !== undefined && "fd" in port ? (port.fd ?? undefined) : undefined;
  }
}

/** libuv's UV_READABLE, UV_WRITABLE and UV_DISCONNECT. */
const POLL_FLAGS = { readable: 1, writable: 2, disconnect: 4 } as const;

function mended(port: PortBinding): PortBinding {
  if (!("poller" in port)) return port;
  waitForAll(port.poller);
  return Object.assign(port, {
    read: (buffer: Buffer, offset: number, length: number) => readSome(port, buffer, offset, length),
    write: (buffer: Buffer) => {
      // What the stock `drain` waits for before it asks the system.
      const writeOperation = writeAll(port, buffer);
      Object.assign(port, { writeOperation });
      return writeOperation;
    },
  });
}

function waitForAll(poller: UnixPort["poller"]): void {
  const poll = poller.poll.bind(poller);
  poller.poll = (flag = 0) => {
    const waited = Object.entries(POLL_FLAGS).filter(([event]) => poller.listenerCount(event) > 0);
    poll(waited.reduce((flags, [, bit]) => flags | bit, flag));
  };
}

/**
 * Without the thread pool: the file does not block, and on a fast line a detour for every few hundred bytes is what
 * the host's time would go into. The poll comes first, as most reads would else fail, and a failure costs more.
 */
async function readSome(port: UnixPort, buffer: Buffer, offset: number, length: number) {
  for (;;) {
    // Asked every time: the port may have been closed meanwhile, and to poll a closed one crashes the process.
    openFd(port);
    await ready(port, "readable");
    const bytesRead = attempt(() => readSync(openFd(port), buffer, offset, length, null));
    if (bytesRead === 0) throw new Error(HUNG_UP);
    if (bytesRead !== undefined) return { buffer, bytesRead };
  }
}

async function writeAll(port: UnixPort, buffer: Buffer): Promise<void> {
  for (let at = 0; at < buffer.length; ) {
    const written = attempt(() => writeSync(openFd(port), buffer, at));
    if (written !== undefined) at += written;
    else await ready(port, "writable");
  }
}

function openFd(port: UnixPort): number {
  if (port.fd === null) throw Object.assign(new Error("the port is not open"), { canceled: true });
  return port.fd;
}

/** @returns undefined if it cannot be done yet */
function attempt(work: () => number): number | undefined {
  try {
    return work();
  } catch (error) {
    if (TRY_LATER.has(errorCode(error))) return undefined;
    throw error;
  }
}

/** libuv calls every end of a polled file UV_EBADF; this one is open, or it would not be polled. */
function plain(error: Error): Error {
  return error.message === "bad file descriptor" ? new Error(HUNG_UP, { cause: error }) : error;
}

function ready(port: UnixPort, event: "readable" | "writable"): Promise<void> {
  return new Promise((resolve, reject) => {
    port.poller.once(event, (error) => (error === null ? resolve() : reject(plain(error))));
  });
}
