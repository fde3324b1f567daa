/** A bad line between the appliance and its broker: it is slow, breaks, and loses acknowledgements; and it can be watched. */
import { EventEmitter, once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Seeded } from "../../host/device/testing/seeded.ts";
import { coupled, type Gate, openGate } from "../../host/mqtt/testing/gate.ts";
import { eachPacket } from "../../host/mqtt/testing/puback-gate.ts";

/** May be changed while it runs. */
export interface Weather {
  /** Every packet takes this long, each way, one after the other. */
  packetMs: number;
  /** Of the broker's acknowledgements, this part is lost. */
  lossOfPubacks: number;
}

/** What passes and can be waited for: a message to the broker, its acknowledgement, a new connection. */
export type Passing = "connect" | "publish" | "puback";

/** Of MQTT's packets; a message of QoS 0 is acknowledged by nobody. */
const [CONNECT, PUBLISH, PUBACK] = [1, 3, 4];
const QOS = 0b110;

export class MqttLine {
  readonly weather: Weather = { packetMs: 0, lossOfPubacks: 0 };
  /** How many passed, and how many were lost on purpose. */
  readonly passed = { connect: 0, publish: 0, puback: 0 };
  lostPubacks = 0;
  readonly #seeded: Seeded;
  readonly #seen = new EventEmitter();
  readonly #clients = new Set<Socket>();
  #gate: Gate | undefined;

  private constructor(seeded: Seeded) {
    this.#seeded = seeded;
    this.#seen.setMaxListeners(0);
  }

  static async open(brokerPort: number, seeded: Seeded): Promise<MqttLine> {
    const line = new MqttLine(seeded);
    line.#gate = await openGate((client, keep) => {
      const broker = connect(brokerPort, "127.0.0.1");
      keep(broker);
      line.#clients.add(client);
      client.once("close", () => line.#clients.delete(client));
      line.#carry(client, broker, false);
      line.#carry(broker, client, true);
      coupled(client, broker);
    });
    return line;
  }

  /** Where the appliance connects. */
  get url(): string {
    return this.#gate?.url ?? "";
  }

  /** Resolves when the next one has passed. */
  async next(what: Passing, signal: AbortSignal): Promise<void> {
    await once(this.#seen, what, { signal });
  }

  /** Every connection breaks off. */
  cut(): void {
    for (const client of this.#clients) client.destroy();
  }

  async stop(): Promise<void> {
    await this.#gate?.stop();
  }

  #carry(from: Socket, to: Socket, fromBroker: boolean): void {
    let order = Promise.resolve();
    let queued = 0;
    eachPacket(from, (packet) => {
      const { packetMs } = this.weather;
      if (packetMs === 0 && queued === 0) {
        this.#pass(packet, to, fromBroker);
        return;
      }
      queued += 1;
      order = order
        .then(() => sleep(packetMs))
        .then(() => {
          queued -= 1;
          this.#pass(packet, to, fromBroker);
        });
    });
  }

  #pass(packet: Buffer, to: Socket, fromBroker: boolean): void {
    const what = passing(packet, fromBroker);
    if (what === "puback" && this.#seeded.next() < this.weather.lossOfPubacks) {
      this.lostPubacks += 1;
      return;
    }
    if (to.writable) to.write(packet);
    if (what === undefined) return;
    this.passed[what] += 1;
    this.#seen.emit(what);
  }
}

function passing(packet: Buffer, fromBroker: boolean): Passing | undefined {
  const first = packet.readUInt8(0);
  if (fromBroker) return first >> 4 === PUBACK ? "puback" : undefined;
  if (first >> 4 === CONNECT) return "connect";
  return first >> 4 === PUBLISH && (first & QOS) !== 0 ? "publish" : undefined;
}
