/**
 * One scenario under virtual time: the host's driver with its recovery ladder, the C core, the line between them under
 * faults, and what must hold whatever happens:
 *
 * - every call settles, and in its time; in a DeviceError or an answer that is right; no request settles twice
 * - a wrong digest, root or proof is never taken for a right one; a device that gave one is not used again
 * - nothing that an earlier start of the device said is taken for this one's; no device knows what it was told before
 * - memory stays bounded: no timers, connections, bytes, callers or listeners are left behind, counters are sane
 * - once the faults are over, the link comes back by itself and serves
 */
import { createHash } from "node:crypto";
import { errorCode, errorMessage } from "../../host/base/error.ts";
import { DeviceLink } from "../../host/device/device-link.ts";
import { verifyDigests, verifyImage } from "../../host/device/digest.ts";
import { DeviceError } from "../../host/device/errors.ts";
import { Seeded } from "../../host/device/testing/seeded.ts";
import { connectUsb, plugPorts } from "../../host/device/usb/connect.ts";
import { ConnectMemory } from "../../host/device/usb/connect-memory.ts";
import type { FaultKind } from "../faults/kinds.ts";
import { type Ask, askOf, type Driver, hashAsk, type Known } from "./asks.ts";
import { VirtualCable } from "./cable.ts";
import { VirtualClock } from "./clock.ts";
import type { CorePool } from "./cores.ts";
import { Holdings } from "./holdings.ts";
import { Ledger } from "./ledger.ts";
import type { Plant, ScenarioReport } from "./report.ts";
import { drawScenario, READY, type Scenario, type Step, WHOLE, type Without } from "./steps.ts";

const HOST_SEED = 0x5eed_0057;
const START_MS = 600;
/** Longer than the longest rest, and all attempts after it. */
const RECOVERY_MS = 700_000;
/** Longer than any timer that a stopped link leaves to run out. */
const AFTERMATH_MS = 60_000;
const STOP_MS = 15_000;
const TIMERS_MAX = 500;
const WAITING_BYTES_MAX = 2 << 20;
const FINAL = { blocks: 3, blockBytes: 64, deadlineMs: 8000 };
/** Lies that come to wrong contents; the others come to an error. */
const FORGING: ReadonlySet<FaultKind> = new Set(["forge", "swap-answers", "stale-answer"]);
/** What the appliance complains about to the link. */
const FAULTS = new Set(["DEVICE_DEADLINE", "DEVICE_REFUSED", "DEVICE_REPLY"]);

export async function runScenario(
  pool: CorePool,
  seed: number,
  { without = WHOLE, plant = {} }: { readonly without?: Without; readonly plant?: Plant } = {},
): Promise<ScenarioReport> {
  const scene = new Scene(pool, drawScenario(seed, without), plant);
  try {
    return await scene.play();
  } finally {
    pool.takeBack();
  }
}

class Scene {
  readonly #pool: CorePool;
  readonly #scenario: Scenario;
  readonly #plant: Plant;
  readonly #clock = new VirtualClock();
  readonly #cable: VirtualCable;
  readonly #link: DeviceLink;
  readonly #ledger = new Ledger();
  readonly #random: Seeded;
  readonly #findings: string[] = [];
  readonly #trace: string[] = [];
  readonly #known: Known;
  readonly #holdings = new Holdings();
  readonly #caught: Record<string, number> = {};
  #driver: Driver | undefined;
  #distrusted = false;
  #peakWaitingBytes = 0;

  constructor(pool: CorePool, scenario: Scenario, plant: Plant) {
    const { seed, device, plan } = scenario;
    this.#pool = pool;
    this.#scenario = scenario;
    this.#plant = plant;
    this.#random = new Seeded(seed ^ HOST_SEED);
    this.#cable = new VirtualCable(pool, this.#clock, device, plan);
    const lies = plan.faults.some(({ kind, p }) => p !== 0 && FORGING.has(kind));
    const host = plant.host ?? { verifyDigests, verifyImage };
    this.#known = { deviceSeed: device.seed, lies, after: (ms, fn) => void this.#clock.after(ms, fn), host };
    this.#link = this.#makeLink();
  }

  async play(): Promise<ScenarioReport> {
    const { steps, calmAtMs, seed } = this.#scenario;
    const memoryBytes = this.#pool.memoryBytes;
    const cores = this.#pool.size;
    this.#link.start();
    for (const step of steps) this.#clock.after(START_MS + step.atMs, () => this.#take(step));
    await this.#clock.run(START_MS + calmAtMs);
    const recoveryMs = await this.#recover();
    await this.#end();
    if (this.#pool.size === cores && this.#pool.memoryBytes !== memoryBytes) this.#find("the device's memory grew");
    const { calls, answered, failed, findings } = this.#ledger;
    return {
      ...{ seed, simulated: true, calls, answered, failed, recoveryMs },
      findings: [...this.#findings, ...findings, ...this.#holdings.findings, ...this.#cable.leaks],
      caught: this.#caught,
      fired: this.#cable.box.fired,
      actions: countOf(steps.map(({ action }) => action.kind)),
      boots: this.#cable.boots.count,
      opens: this.#cable.opens,
      virtualMs: this.#clock.nowMs(),
      timers: this.#clock.fired,
      peakTimers: this.#clock.peak,
      peakWaitingBytes: this.#peakWaitingBytes,
      ...this.#holdings.peaks,
      trace: createHash("sha256").update(this.#trace.join("\n")).digest("hex"),
    };
  }

  #makeLink(): DeviceLink {
    const memory = new ConnectMemory();
    const options = { path: this.#cable.path, baud: 115_200, parts: this.#cable.parts, memory };
    const tools = { clock: this.#clock, random: this.#random.next };
    return new DeviceLink({
      ...tools,
      plugs: plugPorts(options, memory),
      connect: async (signal, attempt) => {
        const startedMs = this.#clock.nowMs();
        const device: Driver = await connectUsb({ ...options, ...tools, ...attempt, signal });
        const driver = this.#plant.decorate?.(device, this.#clock) ?? device;
        this.#judgeBoot(driver, startedMs, "HELLO");
        this.#watchEnd(driver);
        this.#holdings.add(driver);
        this.#driver = driver;
        return driver;
      },
      onChange: ({ kind }) => {
        this.#note(kind);
        if (kind === "ready") this.#cable.box.mark(READY);
      },
    });
  }

  #watchEnd(driver: Driver): void {
    let ends = 0;
    driver.onGone(() => {
      ends += 1;
      if (ends > 1) this.#find("a connection ended twice");
    });
  }

  #take({ action, seed }: Step): void {
    this.#peakWaitingBytes = Math.max(this.#peakWaitingBytes, this.#cable.box.waitingBytes);
    this.#holdings.look();
    this.#note(action.kind);
    switch (action.kind) {
      case "hang-up":
        void this.#driver?.close();
        break;
      case "stop-start":
        void this.#stopLink().then(() => this.#clock.after(action.pauseMs, () => this.#link.start()));
        break;
      case "unplug":
        this.#cable.unplug();
        this.#clock.after(action.backMs, () => this.#cable.plug());
        break;
      case "hang":
        this.#cable.hang();
        break;
      case "restart":
      case "crash":
      case "brownout":
        this.#cable.restart(({ restart: "power-on", crash: "panic", brownout: "brownout" } as const)[action.kind]);
        break;
      default: {
        const ask = askOf(action, seed, this.#known);
        if (ask !== undefined) void this.#ask(ask);
      }
    }
  }

  /** @returns whether it was answered, and rightly */
  async #ask({ what, mostMs, run }: Ask): Promise<boolean> {
    const driver = this.#driver;
    if (driver === undefined || this.#link.current() !== driver) return false;
    const askedMs = this.#clock.nowMs();
    const id = this.#ledger.begin(what, askedMs, mostMs);
    try {
      const verdict = await run(driver);
      this.#ledger.settle(id, this.#clock.nowMs());
      this.#note(`${what} ${verdict.kind}`);
      // Some calls are answered without the device, such as a rate that the line has already.
      // That a start is over is what RESET is for.
      if (driver.heardAtMs >= askedMs && what !== "RESET") this.#judgeBoot(driver, askedMs, what);
      if (verdict.kind === "wrong") this.#find(`${what}: ${verdict.what}`);
      else if (verdict.kind === "lied") this.#lied(driver, what);
      else this.#link.praise();
      return verdict.kind === "right";
    } catch (error) {
      this.#ledger.settle(id, this.#clock.nowMs(), errorCode(error));
      this.#note(`${what} ${errorCode(error)}`);
      this.#failed(driver, what, error);
      return false;
    }
  }

  /** The host found a wrong digest: without lies on the line, the line's damage was taken for an answer. */
  #lied(driver: Driver, what: string): void {
    this.#caught[what] = (this.#caught[what] ?? 0) + 1;
    if (!this.#known.lies) this.#find(`${what}: a wrong digest came through`);
    this.#distrust(driver, new DeviceError("DEVICE_DISTRUSTED", "a digest differs from the host's"));
  }

  #failed(driver: Driver, what: string, error: unknown): void {
    if (!(error instanceof DeviceError)) this.#find(`${what} threw ${errorMessage(error)}`);
    else if (error.code === "DEVICE_WORK_FALSE") {
      this.#caught[what] = (this.#caught[what] ?? 0) + 1;
      if (!this.#known.lies) this.#find(`${what}: an honest device's proof was refused: ${error.message}`);
      this.#distrust(driver, error);
    } else if (FAULTS.has(error.code) && this.#link.current() === driver) this.#link.complain(error);
  }

  #distrust(driver: Driver, error: Error): void {
    this.#distrusted = true;
    this.#link.distrust(driver.info.id, error);
    if (this.#link.current() === driver) this.#find("a device that lied is still used");
  }

  #judgeBoot(driver: Driver, askedMs: number, what: string): void {
    const { bootId } = driver.info;
    const verdict = this.#cable.boots.judge(bootId, askedMs, this.#clock.nowMs());
    const otherBoots = this.#scenario.plan.faults.some(({ kind }) => kind === "other-boot");
    if (verdict === "of an earlier start" || (verdict === "unknown" && !otherBoots)) {
      this.#find(`${what}: an answer of boot ${bootId}, which is ${verdict}, was taken`);
    }
  }

  async #recover(): Promise<number> {
    this.#cable.box.heal();
    this.#note("calm");
    const calmMs = this.#clock.nowMs();
    const endMs = calmMs + RECOVERY_MS;
    if (this.#distrusted) {
      const device = { ...this.#scenario.device, seed: (this.#scenario.device.seed + 1) % 2 ** 32 };
      this.#cable.replace(device);
    }
    for (;;) {
      const ready = await this.#clock.run(endMs, () => this.#link.state.kind === "ready");
      if (!ready) break;
      // What was under way when it came back may still fail; that must pass.
      let right: boolean | undefined;
      void this.#ask(hashAsk(this.#random, FINAL, this.#known)).then((answered) => {
        right = answered;
      });
      await this.#clock.run(endMs, () => right !== undefined);
      if (right === true) return this.#clock.nowMs() - calmMs;
      await this.#clock.run(Math.min(endMs, this.#clock.nowMs() + 1000));
      if (this.#clock.nowMs() >= endMs) break;
    }
    const { state } = this.#link;
    this.#find(`the link does not come back: ${state.kind} after ${RECOVERY_MS} ms`);
    return this.#clock.nowMs() - calmMs;
  }

  async #stopLink(): Promise<void> {
    const id = this.#ledger.begin("stop", this.#clock.nowMs(), STOP_MS);
    await this.#link.stop();
    this.#ledger.settle(id, this.#clock.nowMs());
  }

  async #end(): Promise<void> {
    await this.#holdings.calm(this.#driver, (done, ms) => this.#clock.run(this.#clock.nowMs() + ms, done));
    let stopped = false;
    void this.#stopLink().then(() => {
      stopped = true;
    });
    await this.#clock.run(this.#clock.nowMs() + AFTERMATH_MS, () => stopped);
    await this.#clock.run(this.#clock.nowMs() + AFTERMATH_MS);
    this.#cable.stop();
    this.#ledger.end();
    this.#holdings.end();
    if (this.#clock.pending > 0) this.#find(`${this.#clock.pending} timers are left behind`);
    if (this.#cable.open > 0) this.#find("a connection is left open");
    if (this.#cable.box.waitingBytes > 0) this.#find("bytes are left on the line");
    if (this.#clock.peak > TIMERS_MAX) this.#find(`${this.#clock.peak} timers at once`);
    if (this.#peakWaitingBytes > WAITING_BYTES_MAX) this.#find(`${this.#peakWaitingBytes} bytes waited`);
  }

  #find(what: string): void {
    this.#findings.push(what);
  }

  #note(what: string): void {
    this.#trace.push(`${this.#clock.nowMs().toFixed(3)} ${what}`);
  }
}

function countOf<Key extends string>(keys: readonly Key[]): Partial<Record<Key, number>> {
  const counts: Partial<Record<Key, number>> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}
