/** A fleet under a virtual clock, at a pool that the test plays; its miners answer over real TCP. */
import { setImmediate as turn } from "node:timers/promises";
import { FakeAxeos } from "../../../device/axeos/testing/fake-axeos.ts";
import { PAYLOADS, type PayloadName } from "../../../device/axeos/testing/payloads.ts";
import type { MinerView } from "../../../device/stratum/miners.ts";
import { FakeClock } from "../../../device/testing/fake-clock.ts";
import { type FleetOptions, MinerFleet } from "../miner-fleet.ts";
import { parseMiners } from "../miner-url.ts";
import type { MinerAction, MinerAlarmChange } from "../watched-miner.ts";

export const INTERVAL_MS = 10_000;
const WORKER = "lv06";
const STEP_MS = 5_000;
const QUIET_TURNS = 30;

/** A worker as the pool sees it: connected, and with nothing known of its speed; unless `quietMs` is given, its shares come all the time. */
export function atPool(name: string, known: Partial<MinerView> = {}): MinerView {
  return {
    ...{ name, simulated: false, client: "bitaxe", address: "127.0.0.1", connected: 1, connections: 1 },
    ...{ difficulty: 256, versionMask: 0, accepted: 0, rejected: {}, bestDifficulty: null, lastShareUtcMs: null },
    ...{ quietMs: 0, meanShareMs: null, hashrate: null, mining: null },
    ...known,
  };
}

export class FleetRig {
  readonly clock = new FakeClock();
  readonly alarms: MinerAlarmChange[] = [];
  readonly actions: MinerAction[] = [];
  readonly counted: string[] = [];
  /** Undefined: it does not listen. */
  pool: MinerView[] | undefined = [];
  busy = false;
  readonly fleet: MinerFleet;
  readonly fakes: FakeAxeos[];

  private constructor(fakes: FakeAxeos[], entries: readonly string[], options: Partial<FleetOptions>) {
    this.fakes = fakes;
    this.fleet = new MinerFleet({
      clock: this.clock,
      utcMs: () => 1_000_000 + this.clock.nowMs(),
      intervalMs: INTERVAL_MS,
      miners: parseMiners(entries),
      idle: "keep",
      folder: null,
      simulated: (worker) => worker.startsWith("model"),
      pool: () => this.pool && { miners: this.pool.map((miner) => this.#seen(miner)) },
      busy: () => this.busy,
      onAlarm: (change) => this.alarms.push(change),
      onAction: (action) => this.actions.push(action),
      count: (code) => this.counted.push(code),
      ...options,
    });
  }

  /** One AxeOS miner `lv06` that plays this version and is set to our pool, and whatever other entries are given. */
  static async start(
    version: PayloadName,
    options: Partial<FleetOptions> = {},
    others: readonly string[] = [],
  ): Promise<FleetRig> {
    const payload: Readonly<Record<string, unknown>> = PAYLOADS[version];
    const fake = await FakeAxeos.start("stratumUser" in payload ? { ...payload, stratumUser: WORKER } : payload);
    const rig = new FleetRig([fake], [`axeos://${WORKER}@127.0.0.1:${fake.port}`, ...others], options);
    rig.fleet.start();
    await rig.settle();
    return rig;
  }

  get axeos(): FakeAxeos {
    const [fake] = this.fakes;
    if (fake === undefined) throw new Error("no miner");
    return fake;
  }

  get lv06() {
    const view = this.fleet.views().find(({ worker }) => worker === WORKER);
    if (view === undefined) throw new Error("it is not shown");
    return view;
  }

  #seen(miner: MinerView): MinerView {
    return miner.quietMs === 0 ? { ...miner, accepted: miner.accepted + this.clock.nowMs() } : miner;
  }

  /** What was asked of the miner besides its readings. */
  get orders(): string[] {
    return this.axeos.requests
      .filter(({ method }) => method === "POST")
      .map(({ path }) => path.split("/").at(-1) ?? "");
  }

  /** Goes on in steps, each as long as the miners take to answer. */
  async pass(ms: number): Promise<void> {
    for (const endMs = this.clock.nowMs() + ms; this.clock.nowMs() < endMs; ) {
      await this.clock.advance(STEP_MS);
      await this.settle();
    }
  }

  /** Both ends are in this process: what is not said within some turns of its loop is not said. */
  async settle(): Promise<void> {
    for (let quiet = 0, before = 0; quiet < QUIET_TURNS; quiet++) {
      await turn();
      if (this.axeos.requests.length !== before) quiet = 0;
      before = this.axeos.requests.length;
    }
  }

  async close(): Promise<void> {
    await this.clock.until(this.fleet.stop());
    for (const fake of this.fakes) await fake.close();
  }
}
