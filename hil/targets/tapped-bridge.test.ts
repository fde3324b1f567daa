import { describe, expect, it } from "vitest";
import { admitListed } from "../../host/device/stratum/admission.ts";
import type { Wire } from "../../host/device/stratum/peer.ts";
import { FakeClock } from "../../host/device/testing/fake-clock.ts";
import { Seeded } from "../../host/device/testing/seeded.ts";
import { FaultBox } from "../faults/faulty.ts";
import { FaultyPipe } from "../faults/pipe.ts";
import { parseFaults } from "../faults/text.ts";
import type { Between, BetweenEnds } from "../rig/bench.ts";
import { DialogueLog } from "./dialogue-log.ts";
import { TappedBridge } from "./tapped-bridge.ts";

type Make = (ends: BetweenEnds) => Between;

function connect(...between: readonly Make[]) {
  const clock = new FakeClock();
  const numbers = new Seeded(1);
  const log = new DialogueLog();
  const bridge = new TappedBridge(
    {
      ...{ clock, utcMs: () => 0, random: (count) => numbers.bytes(count), onProof: () => {} },
      admit: admitListed({ workers: ["lv06"], simulated: [] }),
    },
    { tap: log, between },
  );
  const sent: string[] = [];
  const closes: boolean[] = [];
  const wire: Wire = {
    ...{ address: "10.0.0.1", unreadBytes: 0, send: (text) => void sent.push(text) },
    close: (politely) => void closes.push(politely),
  };
  const peer = bridge.connect(wire);
  if (peer === null) throw new Error("the bridge is full");
  return { bridge, clock, log, sent, closes, hear: (text: string) => bridge.receive(peer, Buffer.from(text)) };
}

const PING = '{"id":7,"method":"mining.ping","params":[]}\n';

/** Tells what passes, under a name. */
const telling =
  (name: string, told: string[]): Make =>
  ({ toDevice, toHost }) => ({
    write: (bytes) => {
      told.push(`${name} write`);
      toDevice(bytes);
    },
    hear: (bytes) => {
      told.push(`${name} hear`);
      toHost(bytes);
    },
    end: () => void told.push(`${name} end`),
  });

describe("what stands between bridge and device", () => {
  it("has both ways go through it, the last one nearest to the bridge", () => {
    const told: string[] = [];
    const { bridge, sent, hear } = connect(telling("first", told), telling("second", told));
    hear(PING);
    expect(told).toEqual(["first hear", "second hear", "second write", "first write"]);
    expect(JSON.parse(sent.join(""))).toMatchObject({ id: 7, result: "pong" });
    bridge.close();
    expect(told.slice(4)).toEqual(["first end", "second end"]);
  });

  it("may spoil the line: what is tapped is what the bridge said and heard", async () => {
    const clock = new FakeClock();
    const box = new FaultBox(parseFaults("lose@write times=1"), { clock });
    const { sent, log, hear } = connect((ends) => new FaultyPipe(box, ends));
    hear(PING);
    expect(sent).toEqual([]);
    expect(log.lines.map(({ from }) => from)).toEqual(["device", "host"]);
    hear(PING);
    expect(sent).toHaveLength(1);
  });

  it("may break it off: the wire is closed, and the bridge takes the device for gone", async () => {
    const box = new FaultBox(parseFaults("unplug@read times=1"), { clock: new FakeClock() });
    const { bridge, closes, hear } = connect((ends) => new FaultyPipe(box, ends));
    hear(PING);
    await Promise.resolve();
    expect(closes[0]).toBe(false);
    expect(bridge.view().connections).toBe(0);
  });
});
