/** The bridge under test, with its wires in view: for dialogues, recordings, and defects planted between it and a device. */
import { type BridgeOptions, StratumBridge } from "../../host/device/stratum/bridge.ts";
import type { DropReason } from "../../host/device/stratum/limits.ts";
import type { Peer, Wire } from "../../host/device/stratum/peer.ts";
import type { StratumTap } from "../rig/dialogue.ts";

/** The address of raw clients that a case connects itself: what they say is no part of the device's dialogue. */
export const RIG_ADDRESS = "rig";
/** Their worker; simulated, and admitted by every bench. */
export const RAW_WORKER = "rig.raw";

/** Changes a chunk on its way from the device to the host: into none, one or several. */
export type Damage = (chunk: Uint8Array) => readonly Uint8Array[];

export interface Tapping {
  readonly tap: StratumTap;
  /** Has the host deal with what came from outside; by default at once. */
  readonly happened?: ((deal: () => void) => void) | undefined;
  /** Changes what the host says to the device, such as to plant a defect; for tests of the rig. */
  readonly rewrite?: ((text: string) => string) | undefined;
}

const BY_DEVICE: ReadonlySet<DropReason> = new Set(["closed-by-peer", "socket-error"]);

export class TappedBridge extends StratumBridge {
  readonly #tapping: Tapping;
  readonly #nowMs: () => number;
  readonly #happened: (deal: () => void) => void;
  /** What becomes of the bytes that the device sends; a recording has them as they arrived. */
  damage: Damage = (chunk) => [chunk];
  /** Those that are open, by their number. */
  readonly #connections = new Map<Peer, number>();
  #opened = 0;

  constructor(options: BridgeOptions, tapping: Tapping) {
    super(options);
    this.#tapping = tapping;
    this.#nowMs = () => options.clock.nowMs();
    this.#happened = tapping.happened ?? ((deal) => deal());
  }

  override connect(wire: Wire): Peer | null {
    if (wire.address === RIG_ADDRESS) return super.connect(wire);
    this.#opened += 1;
    const connection = this.#opened;
    const { tap } = this.#tapping;
    tap.opened(connection, this.#nowMs());
    const peer = super.connect(this.#tapped(wire, connection));
    if (peer === null) tap.closed(connection, "host", "bridge-full", this.#nowMs());
    else this.#watchEnd(peer, connection);
    return peer;
  }

  override receive(peer: Peer, chunk: Uint8Array): void {
    const connection = this.#connections.get(peer);
    if (connection === undefined) {
      super.receive(peer, chunk);
      return;
    }
    for (const piece of this.damage(chunk)) {
      this.#happened(() => {
        if (this.#connections.has(peer)) this.#tapping.tap.passed(connection, "device", piece, this.#nowMs());
        super.receive(peer, piece);
      });
    }
  }

  #tapped(wire: Wire, connection: number): Wire {
    const { tap, rewrite } = this.#tapping;
    return {
      address: wire.address,
      get unreadBytes() {
        return wire.unreadBytes;
      },
      send: (text) => {
        const sent = rewrite === undefined ? text : rewrite(text);
        tap.passed(connection, "host", Buffer.from(sent), this.#nowMs());
        wire.send(sent);
      },
      close: (politely) => wire.close(politely),
    };
  }

  /** Every end goes through `peer.end`, and only there does it say whose it was. */
  #watchEnd(peer: Peer, connection: number): void {
    this.#connections.set(peer, connection);
    const end = peer.end.bind(peer);
    const noted = (by: "host" | "device", reason: DropReason) => {
      if (this.#connections.delete(peer)) this.#tapping.tap.closed(connection, by, reason, this.#nowMs());
      end(reason);
    };
    peer.end = (reason) => {
      if (BY_DEVICE.has(reason)) this.#happened(() => noted("device", reason));
      else noted("host", reason);
    };
  }
}
