/**
 * The bridge and its miners as one device.
 *
 * It cannot take a ready header, as `Device.work` gives one: each miner builds its own from a coinbase with its own
 * extranonce. What it offers instead is `seek`: a commitment goes in, a work proof comes out.
 */
import type {
  Attestation,
  Device,
  DeviceHealth,
  DeviceInfo,
  ImageAnswer,
  RequestOptions,
  WorkOutcome,
} from "../device.ts";
import { DeviceError } from "../errors.ts";
import type { Sealing } from "./batch.ts";
import { type BridgeOptions, type BridgeView, type FoundProof, StratumBridge } from "./bridge.ts";
import { type ServerOptions, StratumServer } from "./server.ts";

export interface Search extends Sealing {
  /** 1…3,600,000. */
  readonly deadlineMs: number;
}

export type SearchOutcome =
  | ({ readonly kind: "found" } & FoundProof)
  /** The miners keep the job; a share of it no longer counts. */
  | { readonly kind: "expired" | "stopped" };

export type StratumDeviceOptions = Omit<BridgeOptions, "onProof"> & Omit<ServerOptions, "bridge">;

export class StratumDevice implements Device {
  readonly kind = "stratum";
  readonly #bridge: StratumBridge;
  readonly #clock: BridgeOptions["clock"];
  #server: StratumServer | undefined;
  #finish: ((outcome: SearchOutcome) => void) | undefined;

  private constructor(options: StratumDeviceOptions) {
    this.#clock = options.clock;
    this.#bridge = new StratumBridge({ ...options, onProof: (found) => this.#finish?.({ kind: "found", ...found }) });
  }

  /** Listens for miners. @throws StratumError STRATUM_LISTEN, STRATUM_OPTION */
  static async listen(options: StratumDeviceOptions): Promise<StratumDevice> {
    const device = new StratumDevice(options);
    try {
      device.#server = await StratumServer.listen({ ...options, bridge: device.#bridge });
      return device;
    } catch (error) {
      device.#bridge.close();
      throw error;
    }
  }

  /** Of the miners that are connected now; simulated only while no real one is. */
  get info(): DeviceInfo {
    const miners = this.#bridge.view().miners.filter(({ connected }) => connected > 0);
    const real = miners.filter(({ simulated }) => !simulated);
    return {
      id: "stratum",
      firmware: (real[0] ?? miners[0])?.client ?? "",
      simulated: real.length === 0,
      capabilities: new Set(),
      bootId: "",
      maxBlockBytes: 0,
    };
  }

  /** Whether any miner is there. */
  get present(): boolean {
    return this.#bridge.view().joined > 0;
  }

  /** Where miners reach it. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    return this.#server?.address;
  }

  view(): BridgeView {
    return this.#bridge.view();
  }

  /**
   * All miners work on the commitment until a share proves its difficulty. One search at a time. That no miner is
   * there is no error: one may come.
   *
   * @throws DeviceError DEVICE_BUSY; WorkError WORK_LENGTH, WORK_DIFFICULTY; StratumError STRATUM_CLOSED
   */
  async seek(search: Search, { signal }: Pick<RequestOptions, "signal"> = {}): Promise<SearchOutcome> {
    if (this.#finish !== undefined) throw new DeviceError("DEVICE_BUSY", "the miners already work on a batch");
    if (signal?.aborted) return { kind: "stopped" };
    this.#bridge.seek(search);
    const { promise, resolve } = Promise.withResolvers<SearchOutcome>();
    this.#finish = resolve;
    const stop = () => resolve({ kind: "stopped" });
    const cancel = this.#clock.after(search.deadlineMs, () => resolve({ kind: "expired" }));
    signal?.addEventListener("abort", stop, { once: true });
    const outcome = await promise;
    signal?.removeEventListener("abort", stop);
    cancel();
    this.#finish = undefined;
    this.#bridge.giveUp();
    return outcome;
  }

  async hash(): Promise<Uint8Array[]> {
    throw unsupported("hashes no blocks");
  }

  async image(): Promise<ImageAnswer> {
    throw unsupported("hashes no images");
  }

  async work(): Promise<WorkOutcome> {
    throw unsupported("takes no ready header: seek a work proof of a commitment instead");
  }

  async attest(): Promise<Attestation> {
    throw unsupported("has no device key");
  }

  async health(): Promise<DeviceHealth> {
    throw unsupported("tells nothing of its health over Stratum: ask its web interface");
  }

  async close(): Promise<void> {
    this.#finish?.({ kind: "stopped" });
    await this.#server?.close();
    this.#bridge.close();
  }
}

function unsupported(what: string): DeviceError {
  return new DeviceError("DEVICE_UNSUPPORTED", `a Stratum miner ${what}`);
}
