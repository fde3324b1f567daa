import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../device/clock.ts";
import { FakeMiner } from "../../device/stratum/testing/fake-miner.ts";
import { STOCK } from "../../device/stratum/testing/profiles.ts";
import { type Connection, openConnection } from "../../mqtt/connection.ts";
import { EmbeddedBroker } from "../../mqtt/embedded-broker.ts";
import { openProver } from "./prover.ts";
import type { Prover } from "./sighting.ts";
import { freePort, settingsOf } from "./testing/settings.ts";

const WORKER = "simulated.a";
const WAIT_MS = 20_000;

let port: number;
let signal: AbortController;
let prover: Prover | undefined;
let miner: FakeMiner | undefined;

beforeEach(async () => {
  port = await freePort();
  signal = new AbortController();
});

afterEach(async () => {
  miner?.stop();
  await prover?.close();
  [miner, prover] = [undefined, undefined];
});

async function open(more: Readonly<Record<string, string>> = {}, isSet = false): Promise<Prover> {
  prover = await openProver({
    config: settingsOf({ DEVICE_STRATUM_SIMULATED_WORKERS: "simulated", MQTT_HEALTH_INTERVAL_S: "1", ...more }),
    listen: { host: "127.0.0.1", port },
    worker: WORKER,
    isSet,
    onHearing: () => {},
    clock: systemClock,
    signal: signal.signal,
  });
  return prover;
}

const wait = (deadlineMs = WAIT_MS) => prover?.wait({ deadlineMs, signal: signal.signal, onWait: () => {} });
const mine = (worker: string, hashrate = 50_000) =>
  new FakeMiner({ profile: STOCK, port, worker, hashrate, reconnectMs: 50 }).start();

describe("a pool of its own", () => {
  test("sees a share of the worker, and is gone when it is closed", async () => {
    expect((await open()).pool).toBe("own");
    miner = mine(WORKER);
    expect(await wait()).toBe("share");
    await prover?.close();
    expect((await open()).pool).toBe("own");
  });

  test("tells a miner that sends no share from one that never came, and from another one", async () => {
    await open();
    expect(await wait(300)).toBe("nothing");
    miner = mine("simulated.b");
    expect(await wait(1_000)).toBe("nothing");
    miner.stop();
    miner = mine(WORKER, 0);
    expect(await wait(1_000)).toBe("connected");
  });

  test("of a miner that was set before, counts only what comes while it waits", async () => {
    await open({}, true);
    miner = mine(WORKER);
    expect(await wait()).toBe("share");
    miner.stop();
    // A share that was on its way when the miner stopped still counts.
    await vi.waitFor(async () => expect(await wait(300)).toBe("connected"), 5_000);
    miner = mine(WORKER);
    expect(await wait()).toBe("share");
  });

  test("is given up at once when it is told to", async () => {
    await open();
    const waiting = wait();
    signal.abort(new Error("told to stop"));
    await expect(waiting).rejects.toThrow("told to stop");
  });

  test("says that an address is not this computer's", async () => {
    const listening = openProver({
      config: settingsOf({}),
      listen: { host: "192.0.2.1", port },
      worker: WORKER,
      isSet: false,
      onHearing: () => {},
      clock: systemClock,
      signal: signal.signal,
    });
    await expect(listening).rejects.toThrow(/STRATUM_LISTEN/);
  });
});

describe("the appliance's pool", () => {
  let taken: Server;
  let broker: EmbeddedBroker;
  let speaker: Connection;
  let telling: NodeJS.Timeout | undefined;
  let health: object;

  beforeEach(async () => {
    taken = createServer();
    await new Promise<void>((done) => taken.listen(port, "127.0.0.1", done));
    broker = await EmbeddedBroker.start({ port: 0 });
    const deadlines = { connectDeadlineMs: 5_000, ackDeadlineMs: 5_000 };
    speaker = await openConnection({ url: broker.url, clientId: "appliance", ...deadlines }, 4);
  });

  afterEach(async () => {
    clearInterval(telling);
    await speaker.close();
    await broker.stop();
    await new Promise((done) => taken.close(done));
  });

  const worker = (accepted: number, connected: boolean, name = WORKER) => ({
    worker: name,
    proven: { connected, accepted },
  });
  const says = (miners: readonly object[], state = "listening") => {
    health = { data: { pool: { state, connections: 0 }, miners } };
  };
  /** As often as an impatient appliance would. */
  const speak = () => {
    telling = setInterval(() => {
      const payload = Buffer.from(JSON.stringify(health));
      const message = { messageId: "1", topic: "lv06/v1/local/appliance/health", payload, contentType: "text/plain" };
      speaker.publish({ ...message, qos: 0, retain: false, expiryS: null }).catch(() => {});
    }, 20);
  };
  const openHere = (isSet = false) => open({ MQTT_EMBEDDED_PORT: String(broker.port) }, isSet);

  test("shows in its health that the worker has more shares than before", async () => {
    says([worker(7, false), worker(0, true, "simulated.b")]);
    speak();
    expect((await openHere()).pool).toBe("appliance");
    says([worker(7, true), worker(9, true, "simulated.b")]);
    expect(await wait(100)).toBe("connected");
    says([worker(8, true)]);
    expect(await wait()).toBe("share");
  });

  test("counts anew when the appliance has restarted, and from nothing for a new worker", async () => {
    says([worker(7, false)]);
    speak();
    await openHere();
    says([worker(0, true)]);
    expect(await wait(100)).toBe("connected");
    says([worker(1, true)]);
    expect(await wait()).toBe("share");
    await prover?.close();
    says([{ worker: WORKER, proven: null }]);
    await openHere();
    says([worker(1, true)]);
    expect(await wait()).toBe("share");
  });

  test("is not taken for proof while another miner works under that name", async () => {
    says([worker(7, true)]);
    speak();
    await expect(openHere()).rejects.toThrow(/PAIR_NAME_TAKEN/);
  });

  test("of a miner that was set before, and may be connected, shows what comes while it waits", async () => {
    says([worker(7, true)]);
    speak();
    await openHere(true);
    says([worker(9, true)]);
    await new Promise((later) => setTimeout(later, 200));
    expect(await wait(100)).toBe("connected");
    const waiting = wait();
    await new Promise((later) => setTimeout(later, 200));
    says([worker(10, true)]);
    expect(await waiting).toBe("share");
  });

  test("has to be the appliance's, and to be heard", async () => {
    says([], "failed");
    speak();
    await expect(openHere()).rejects.toThrow(/PAIR_SILENT/);
    clearInterval(telling);
    await expect(openHere()).rejects.toThrow(/no appliance was heard/);
    await expect(open({ MQTT_EMBEDDED_PORT: "0" })).rejects.toThrow(/PAIR_SILENT/);
    await expect(open({ MQTT_EMBEDDED_PORT: String(await freePort()) })).rejects.toThrow(/no broker/);
  });

  test("is lost with the broker", async () => {
    says([]);
    speak();
    await openHere();
    const waiting = wait();
    clearInterval(telling);
    await broker.stop();
    await expect(waiting).rejects.toThrow(/connection to the broker was lost/);
  });
});
