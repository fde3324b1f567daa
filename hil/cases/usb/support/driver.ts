/** The host's own driver on a bench. */

import { errorCode } from "../../../../host/base/error.ts";
import { Seeded } from "../../../../host/device/testing/seeded.ts";
import type { Transport } from "../../../../host/device/transport.ts";
import { UsbDevice } from "../../../../host/device/usb/usb-device.ts";
import type { UsbBench } from "../../../rig/bench.ts";
import { CaseFailure } from "../../../rig/case.ts";
import { CONNECT_MS } from "./raw-line.ts";

export interface OpenOptions {
  /** Looks for the line's best rate; default false. */
  readonly climb?: boolean;
  readonly wrap?: (transport: Transport) => Transport;
  /** How long HELLO is repeated. */
  readonly helloMs?: number;
  readonly onLog?: (text: string) => void;
}

const OPEN_MS = 15_000;
/** A bench's line is quiet when it is given out. */
const QUIET_MS = 20;

export async function openDevice(
  bench: UsbBench,
  { climb = false, wrap, ...session }: OpenOptions = {},
): Promise<UsbDevice> {
  const transport = await bench.settle(bench.connect(), CONNECT_MS);
  const { clock, random } = bench;
  const options = { clock, random, quietMs: QUIET_MS, climb, ...session };
  const opening = UsbDevice.open(wrap?.(transport) ?? transport, options);
  return bench.settle(opening, OPEN_MS);
}

/** How a call ended: `answered`, or the error's code. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "answered";
  } catch (error) {
    if (error instanceof CaseFailure) throw error;
    return errorCode(error);
  }
}

/** Numbers of a case's own, from its seed. */
export function seeded(bench: UsbBench): Seeded {
  return new Seeded(Math.floor(bench.random() * 2 ** 32));
}

/** Blocks of `sizes`, of random bytes. */
export function randomBlocks(bench: UsbBench, sizes: readonly number[]): Buffer[] {
  const random = seeded(bench);
  return sizes.map((size) => random.bytes(size));
}

/** 1, 2, 3 … `last`: no two of a size, so that each goes alone. */
export function sizesUpTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

export async function timed<T>(bench: UsbBench, name: string, work: () => Promise<T>): Promise<T> {
  const startMs = bench.clock.nowMs();
  const value = await work();
  bench.measured(name, bench.clock.nowMs() - startMs);
  return value;
}
