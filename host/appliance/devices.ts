/** Every device of the appliance: the one on the serial line, and the miners of the pool. */
import { randomBytes } from "node:crypto";
import type { Config } from "../config/schema.ts";
import { systemClock } from "../device/clock.ts";
import type { LinkState } from "../device/device-link.ts";
import type { BridgeEvent } from "../device/stratum/bridge.ts";
import type { PresentDevice } from "../pipeline/ports.ts";
import { Changes } from "./changes.ts";
import { ConfiguredDevice } from "./device.ts";
import { Pool, type PoolOptions } from "./pool.ts";
import { PoolSearcher, type Searcher, UsbSearcher } from "./sealing/searchers.ts";

export interface DeviceEvents {
  readonly onUsb: (state: LinkState) => void;
  readonly onUsbLog: (text: string) => void;
  readonly onMiner: (event: BridgeEvent) => void;
  readonly onPool: NonNullable<PoolOptions["onState"]>;
  /** A search for a work proof that failed. */
  readonly onTrouble: (code: string, message: string) => void;
}

export class Devices {
  readonly usb: ConfiguredDevice;
  readonly pool: Pool;
  /** Told whenever one comes or goes. */
  readonly changes = new Changes();
  /** Those that can search work proofs. */
  readonly searchers: readonly Searcher[];

  constructor({ device, seal }: Pick<Config, "device" | "seal">, events: DeviceEvents) {
    this.usb = new ConfiguredDevice(
      { device },
      {
        onChange: (state) => {
          events.onUsb(state);
          this.changes.tell();
        },
        onLog: events.onUsbLog,
      },
    );
    this.pool = new Pool({
      config: device.stratum,
      changes: this.changes,
      onEvent: events.onMiner,
      onState: events.onPool,
    });
    const { onTrouble } = events;
    const difficulties = { real: seal.difficulty, simulated: seal.simulatedDifficulty };
    this.searchers = [
      new UsbSearcher(this.usb, difficulties, {
        utcMs: Date.now,
        random: randomBytes,
        nowMs: systemClock.nowMs,
        onTrouble,
      }),
      new PoolSearcher(this.pool, difficulties, onTrouble),
    ];
  }

  /** Whether any is configured that could seal results. */
  get canSeal(): boolean {
    return this.usb.configured || this.pool.configured;
  }

  /** What a result names: USB before Stratum, but a model never before a real one. */
  present(): PresentDevice | undefined {
    const here = [this.usb.present(), this.pool.present()].filter((device) => device !== undefined);
    return here.find(({ simulated }) => !simulated) ?? here[0];
  }
}
