/**
 * One port, and a fresh bridge a case behind it: a real miner that finds the port closed goes to its fallback pool, or
 * cuts its chip's power. Between cases an idle bridge keeps it at work.
 */
import { type BridgeOptions, StratumBridge } from "../../host/device/stratum/bridge.ts";
import type { Peer, Wire } from "../../host/device/stratum/peer.ts";

export class Switchboard extends StratumBridge {
  readonly #idleOptions: BridgeOptions;
  readonly #bridges = new WeakMap<Peer, StratumBridge>();
  #current: StratumBridge;

  constructor(idleOptions: BridgeOptions) {
    super(idleOptions);
    this.#idleOptions = idleOptions;
    this.#current = new StratumBridge(idleOptions);
  }

  /** From now on newcomers go there; who is connected is let go, politely, and comes again. */
  turnTo(bridge: StratumBridge): void {
    const before = this.#current;
    this.#current = bridge;
    before.close();
  }

  /** Back to the idle bridge. */
  release(): void {
    this.turnTo(new StratumBridge(this.#idleOptions));
  }

  override connect(wire: Wire): Peer | null {
    const bridge = this.#current;
    const peer = bridge.connect(wire);
    if (peer !== null) this.#bridges.set(peer, bridge);
    return peer;
  }

  override receive(peer: Peer, chunk: Uint8Array): void {
    this.#bridges.get(peer)?.receive(peer, chunk);
  }

  override close(): void {
    super.close();
    this.#current.close();
  }
}
