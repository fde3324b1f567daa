/**
 * The model devices: the C core behind a pseudo-terminal in real time, a fresh process a case; as a whole, and as its
 * minimal profile (SPEC 10). Simulated.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { errorCode } from "../../host/base/error.ts";
import { sleep, systemClock } from "../../host/device/clock.ts";
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

export const MODEL_PROGRAM: string = new URL("../../build/firmware/lv06-model", import.meta.url).pathname;
export const MINIMAL_PROGRAM: string = new URL("../../build/firmware/lv06-model-minimal", import.meta.url).pathname;

/** A share of difficulty 2^-20 takes 10 ms. */
const WORK_SCALE = 1_058_593.75;
/** 114,432 nonces of one version: 0.28 s. */
const ASIC_STEPS = 128;
const START_BAUD = 115_200;
const LOCKED_MS = 2000;
const LOOK_MS = 20;
const MINIMAL: readonly Ability[] = ["restart", "crash", "replug", "faults"];
const NATIVE: readonly Ability[] = [...MINIMAL, "work-scale", "exhausts"];
const UART: readonly Ability[] = [...NATIVE, "rate"];

export interface ModelUsbOptions {
  /** Default `build/firmware/lv06-model`. */
  readonly program?: string;
}

/** @throws DeviceError DEVICE_MODEL where the model is not built, or does not start */
export function openModelUsb({ program = MODEL_PROGRAM }: ModelUsbOptions = {}): Promise<Target<"usb">> {
  return openModel("model-usb", program, (one) => (isForUart(one) ? UART : NATIVE));
}

/** A device that knows HELLO and HASH, and nothing else. @throws as `openModelUsb` */
export function openMinimalUsb({ program = MINIMAL_PROGRAM }: ModelUsbOptions = {}): Promise<Target<"usb">> {
  return openModel("model-usb-minimal", program, () => MINIMAL);
}

/** @param canFor what it can do for a case */
async function openModel(
  name: string,
  program: string,
  canFor: (one: Pick<Case<"usb">, "needs" | "can">) => readonly Ability[],
): Promise<Target<"usb">> {
  if (!existsSync(program)) throw new DeviceError("DEVICE_MODEL", `${program} is not there`);
  const folder = await mkdtemp(join(tmpdir(), "lv06-hil-"));
  try {
    const all = canFor({ needs: [], can: ["rate"] });
    const identity = await askIdentity(program, all.includes("rate"));
    return {
      name,
      kind: "model",
      transport: "usb",
      identity,
      port: { baud: START_BAUD },
      covers: (one) => {
        const reason = lacking(one, identity.capabilities, new Set(all));
        return reason === undefined ? { runs: true } : { runs: false, verdict: "not-applicable", reason };
      },
      open: async (one, seed) => {
        const can = canFor(one);
        const asic = { workScale: WORK_SCALE, asicSteps: ASIC_STEPS };
        const device = new ModelDevice({ program, seed, uart: can.includes("rate"), ...asic }, folder);
        await device.plug();
        return liveBench({ target: "model", can: new Set(can), seed, device });
      },
      close: () => rm(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function isForUart({ needs, can = [] }: Pick<Case<"usb">, "needs" | "can">): boolean {
  return needs.includes("baud") || can.includes("rate");
}

/** All that it can do, that of a UART included. */
async function askIdentity(program: string, uart: boolean): Promise<Identity> {
  const model = await startModel({ program, uart });
  try {
    const line = await openSerial({ path: model.path, baud: START_BAUD, clock: systemClock });
    // Who it is hangs on no number drawn here.
    const options = { clock: systemClock, random: () => 0.5, quietMs: 20, climb: false };
    const device = await UsbDevice.open(line, options);
    const { firmware, simulated, capabilities } = device.info;
    await device.close();
    return { id: basename(program), firmware, simulated, capabilities };
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

  /**
   * A program that is just being started holds every file of this process for a moment, also a port that was closed
   * meanwhile, which then is locked still.
   */
  async connect(): Promise<Transport> {
    const endMs = systemClock.nowMs() + LOCKED_MS;
    for (;;) {
      try {
        return await openSerial({ path: this.#link, baud: START_BAUD, clock: systemClock });
      } catch (error) {
        if (errorCode(error) !== "DEVICE_OPEN" || systemClock.nowMs() > endMs) throw error;
        await sleep(systemClock, LOOK_MS);
      }
    }
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
