/** The bridge under test, with its wires in view: for dialogues, recordings, and defects planted between it and a device. */
import { type BridgeOptions, StratumBridge } from "../../host/device/stratum/bridge.ts";
import type { DropReason } from "../../host/device/stratum/limits.ts";
import type { Peer, Wire } from "../../host/device/stratum/peer.ts";
import type { Between, BetweenEnds } from "../rig/bench.ts";
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
  /** What is put into every new connection, the first one next to the device; more may come. */
  readonly between?: readonly ((ends: BetweenEnds) => Between)[];
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
  readonly #lines = new Map<Peer, Between>();
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
    let peer: Peer | null = null;
    const line = lineOf(this.#tapping.between ?? [], {
      toDevice: (bytes) => wire.send(Buffer.from(bytes).toString("utf8")),
      toHost: (bytes) => peer !== null && this.#hear(peer, bytes),
      // As a socket does: not within the write that it ends.
      unplugged: () => queueMicrotask(() => breakOff(wire, peer)),
    });
    peer = super.connect(this.#tapped(wire, connection, line));
    if (peer === null) tap.closed(connection, "host", "bridge-full", this.#nowMs());
    else {
      this.#watchEnd(peer, connection);
      this.#lines.set(peer, line);
    }
    return peer;
  }

  override receive(peer: Peer, chunk: Uint8Array): void {
    const line = this.#lines.get(peer);
    if (line === undefined) super.receive(peer, chunk);
    else line.hear(chunk);
  }

  #hear(peer: Peer, chunk: Uint8Array): void {
    const connection = this.#connections.get(peer);
    if (connection === undefined) return;
    for (const piece of this.damage(chunk)) {
      this.#happened(() => {
        if (this.#connections.has(peer)) this.#tapping.tap.passed(connection, "device", piece, this.#nowMs());
        super.receive(peer, piece);
      });
    }
  }

  #tapped(wire: Wire, connection: number, line: Between): Wire {
    const { tap, rewrite } = this.#tapping;
    return {
      address: wire.address,
      get unreadBytes() {
        return wire.unreadBytes;
      },
      send: (text) => {
        const sent = rewrite === undefined ? text : rewrite(text);
        tap.passed(connection, "host", Buffer.from(sent), this.#nowMs());
        line.write(Buffer.from(sent));
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
      // What the bridge says in farewell still goes through it.
      end(reason);
      this.#lines.get(peer)?.end();
      this.#lines.delete(peer);
    };
    peer.end = (reason) => {
      if (BY_DEVICE.has(reason)) this.#happened(() => noted("device", reason));
      else noted("host", reason);
    };
  }
}

/** One after the other from the device to the bridge; none of them is the wire itself. */
function lineOf(
  makers: readonly ((ends: BetweenEnds) => Between)[],
  { toDevice, toHost, unplugged }: BetweenEnds,
): Between {
  const [make, ...rest] = makers;
  if (make === undefined) return { write: toDevice, hear: toHost, end: () => {} };
  const own = make({ toDevice, toHost: (bytes) => nearer.hear(bytes), unplugged });
  const nearer = lineOf(rest, { toDevice: (bytes) => own.write(bytes), toHost, unplugged });
  return {
    write: (bytes) => nearer.write(bytes),
    hear: (bytes) => own.hear(bytes),
    end: () => {
      own.end();
      nearer.end();
    },
  };
}

function breakOff(wire: Wire, peer: Peer | null): void {
  wire.close(false);
  peer?.end("closed-by-peer");
}
