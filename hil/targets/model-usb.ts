/** The model device: the C core behind a pseudo-terminal in real time, a fresh process a case. Simulated. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../host/device/clock.ts";
import { DeviceError } from "../../host/device/errors.ts";
import type { Transport } from "../../host/device/transport.ts";
import { type ModelOptions, type ModelProcess, startModel } from "../../host/device/usb/model-process.ts";
import { openSerial } from "../../host/device/usb/serial-transport.ts";
import { UsbDevice } from "../../host/device/usb/usb-device.ts";
import type { Ability, Identity } from "../rig/bench.ts";
import type { Case } from "../rig/case.ts";
import { RigError } from "../rig/error.ts";
import type { Target } from "../rig/target.ts";
import { type Act, type LiveDevice, lacking, liveBench } from "./live-bench.ts";

export const MODEL_PROGRAM = new URL("../../build/firmware/lv06-model", import.meta.url).pathname;

/** A share of difficulty 2^-20 takes 10 ms. */
const WORK_SCALE = 1_058_593.75;
const START_BAUD = 115_200;
const NATIVE: readonly Ability[] = ["restart", "crash", "replug", "work-scale", "faults"];
const UART: readonly Ability[] = [...NATIVE, "rate"];

export interface ModelUsbOptions {
  /** Default `build/firmware/lv06-model`. */
  readonly program?: string;
}

/** @throws DeviceError DEVICE_MODEL where the model is not built, or does not start */
export async function openModelUsb({ program = MODEL_PROGRAM }: ModelUsbOptions = {}): Promise<Target<"usb">> {
  if (!existsSync(program)) throw new DeviceError("DEVICE_MODEL", `${program} is not there`);
  const folder = await mkdtemp(join(tmpdir(), "lv06-hil-"));
  try {
    const identity = await askIdentity(program);
    return {
      name: "model-usb",
      kind: "model",
      transport: "usb",
      identity,
      covers: (one) => {
        const reason = lacking(one, identity.capabilities, new Set(UART));
        return reason === undefined ? { runs: true } : { runs: false, verdict: "not-applicable", reason };
      },
      open: async (one, seed) => {
        const uart = isForUart(one);
        const device = new ModelDevice({ program, seed, uart, workScale: WORK_SCALE }, folder);
        await device.plug();
        return liveBench({ target: "model", can: new Set(uart ? UART : NATIVE), seed, device });
      },
      close: () => rm(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function isForUart({ needs, can = [] }: Case<"usb">): boolean {
  return needs.includes("baud") || can.includes("rate");
}

/** All that it can do, UART included. */
async function askIdentity(program: string): Promise<Identity> {
  const model = await startModel({ program, uart: true });
  try {
    const line = await openSerial({ path: model.path, baud: START_BAUD, clock: systemClock });
    // Who it is hangs on no number drawn here.
    const options = { clock: systemClock, random: () => 0.5, quietMs: 20, climb: false };
    const device = await UsbDevice.open(line, options);
    const { firmware, simulated, capabilities } = device.info;
    await device.close();
    return { id: "lv06-model", firmware, simulated, capabilities };
  } finally {
    await model.stop("SIGKILL");
  }
}

class ModelDevice implements LiveDevice {
  readonly #options: ModelOptions;
  readonly #folder: string;
  #plugs = 0;
  #model: ModelProcess | undefined;

  constructor(options: ModelOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  /** Under another name every time, as the system names a port that was plugged anew. */
  async plug(): Promise<void> {
    this.#plugs += 1;
    this.#model = await startModel({ ...this.#options, link: this.#link });
  }

  get #link(): string {
    return join(this.#folder, `ttyLV06-${this.#plugs}`);
  }

  connect(): Promise<Transport> {
    return openSerial({ path: this.#link, baud: START_BAUD, clock: systemClock });
  }

  async act(ability: Act): Promise<void> {
    switch (ability) {
      case "restart":
        this.#model?.brownOut();
        break;
      case "crash":
        this.#model?.crash();
        break;
      case "replug":
        await this.#model?.stop("SIGKILL");
        await rm(this.#link, { force: true });
        await this.plug();
        break;
    }
  }

  async close(): Promise<void> {
    const model = this.#model;
    if (model === undefined) return;
    const died = !isAlive(model.pid);
    await model.stop("SIGKILL");
    await rm(this.#link, { force: true });
    if (died) throw new RigError("RIG_MODEL_DIED", `process ${model.pid}`);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
