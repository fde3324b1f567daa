/** A bridge on a free port of the loopback interface, with what the tests look at. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../clock.ts";
import { admitListed } from "../admission.ts";
import { type BridgeEvent, type BridgeOptions, type FoundProof, StratumBridge } from "../bridge.ts";
import { StratumServer } from "../server.ts";

/** 4,096 hashes a share: some milliseconds of a CPU. */
export const EASY = 2 ** -20;

export interface TestBridge {
  readonly bridge: StratumBridge;
  readonly server: StratumServer;
  readonly port: number;
  readonly proofs: FoundProof[];
  readonly events: BridgeEvent[];
}

/** `model…` workers are simulated, `lv06` is not; nobody else is admitted. */
export async function testBridge(change: Partial<BridgeOptions> = {}): Promise<TestBridge> {
  const proofs: FoundProof[] = [];
  const events: BridgeEvent[] = [];
  const bridge = new StratumBridge({
    admit: admitListed({ workers: ["lv06"], simulated: ["model"] }),
    clock: systemClock,
    utcMs: Date.now,
    random: randomBytes,
    simulatedVardiff: { least: EASY, most: EASY },
    onProof: (found) => void proofs.push(found),
    onEvent: (event) => void events.push(event),
    ...change,
  });
  const server = await StratumServer.listen({ bridge, port: 0 });
  return { bridge, server, port: server.address.port, proofs, events };
}

/** Waits until `what` holds. @throws Error after `deadlineMs` */
export async function until(what: () => boolean, deadlineMs = 20_000): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!what()) {
    if (performance.now() > endMs) throw new Error(`never came true: ${what}`);
    await sleep(5);
  }
}
