/**
 * serialport's port with a reader that knows the end of a line when it meets it.
 *
 * The stock reader takes a read of zero bytes for "nothing yet" and tries again at once, for ever (bindings-cpp
 * 13.0.0, issue 162): a device unplugged at the wrong moment costs a core and, in time, all memory. A terminal
 * in raw mode returns zero bytes only after it was hung up.
 */
import { read as readWithCallback } from "node:fs";
import { promisify } from "node:util";
import { SerialPort, type SerialPortOpenOptions } from "serialport";
import { errorCode } from "../../base/error.ts";

type Binding = typeof SerialPort.binding;
type PortBinding = Awaited<ReturnType<Binding["open"]>>;
type Open = (options: unknown) => Promise<PortBinding>;
type UnixPort = Extract<PortBinding, { readonly poller: unknown; fd: number | null }>;

const read = promisify(readWithCallback);
const TRY_LATER = new Set(["EAGAIN", "EWOULDBLOCK", "EINTR"]);

export class HangUpPort extends SerialPort {
  constructor(options: SerialPortOpenOptions<Binding>) {
    const stock = SerialPort.binding;
    const open: Open = stock.open.bind(stock) as Open;
    const binding = { ...stock, open: async (wanted: unknown) => noticeHangUp(await open(wanted)) };
    super({ ...options, ...{ binding } });
  }
}

function noticeHangUp(port: PortBinding): PortBinding {
  if (!("poller" in port)) return port;
  return Object.assign(port, {
    read: (buffer: Buffer, offset: number, length: number) => readSome(port, buffer, offset, length),
  });
}

async function readSome(port: UnixPort, buffer: Buffer, offset: number, length: number) {
  for (;;) {
    const bytesRead = await tryRead(openFd(port), buffer, offset, length);
    if (bytesRead === 0) throw new Error("the device hung up");
    if (bytesRead !== undefined) return { buffer, bytesRead };
    // Asked again: the port may have been closed meanwhile, and to poll a closed one crashes the process.
    openFd(port);
    await readable(port);
  }
}

function openFd(port: UnixPort): number {
  if (port.fd === null) throw Object.assign(new Error("the port is not open"), { canceled: true });
  return port.fd;
}

/** @returns undefined if there is nothing to read yet */
async function tryRead(fd: number, buffer: Buffer, offset: number, length: number): Promise<number | undefined> {
  try {
    return (await read(fd, buffer, offset, length, null)).bytesRead;
  } catch (error) {
    if (TRY_LATER.has(errorCode(error))) return undefined;
    throw error;
  }
}

function readable(port: UnixPort): Promise<void> {
  return new Promise((resolve, reject) => {
    port.poller.once("readable", (error) => (error === null ? resolve() : reject(error)));
  });
}
