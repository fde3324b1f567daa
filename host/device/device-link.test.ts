import { describe, expect, it } from "vitest";
import type { Capability, DeviceInfo, LiveDevice } from "./device.ts";
import { type ConnectAttempt, DeviceLink, type DeviceLinkOptions, type LinkState } from "./device-link.ts";
import { DeviceError } from "./errors.ts";
import { FakeClock } from "./testing/fake-clock.ts";
import { SoftwareDevice } from "./testing/software-device.ts";

/** A live device whose end and silence the test decides. */
class Puppet extends SoftwareDevice implements LiveDevice {
  /** What its HELLO said. */
  override readonly info: DeviceInfo;
  silent = false;
  closed = false;
  resets = 0;
  pings = 0;
  heardAtMs = Number.NEGATIVE_INFINITY;
  #gone: (reason: Error) => void = () => {};

  constructor(id = "lv06-a", capabilities: readonly Capability[] = ["hash"]) {
    super();
    this.info = { ...new SoftwareDevice().info, id, capabilities: new Set(capabilities) };
  }

  async reset(): Promise<void> {
    this.resets += 1;
    if (this.silent) throw new DeviceError("DEVICE_DEADLINE", "no answer");
  }
  async ping(): Promise<void> {
    this.pings += 1;
    if (this.silent) throw new DeviceError("DEVICE_DEADLINE", "no answer");
  }
  onGone(listener: (reason: Error) => void): void {
    this.#gone = listener;
  }
  override async close(): Promise<void> {
    this.closed = true;
  }
  vanish(): void {
    this.#gone(new DeviceError("DEVICE_CLOSED", "unplugged"));
  }
}

const absent = () => Promise.reject(new DeviceError("DEVICE_ABSENT", "no such port"));

function link(connect: DeviceLinkOptions["connect"], extra: Partial<DeviceLinkOptions> = {}) {
  const clock = new FakeClock();
  const states: LinkState[] = [];
  const supervisor = new DeviceLink({
    connect,
    clock,
    random: () => 1 - Number.EPSILON,
    onChange: (state) => void states.push(state),
    ...extra,
  });
  return { clock, states, supervisor, kinds: () => states.map((state) => state.kind) };
}

describe("DeviceLink", () => {
  it("doubles the wait between attempts up to thirty seconds", async () => {
    const { clock, states, supervisor } = link(absent);
    supervisor.start();
    await clock.advance(300_000);
    const waits = states.flatMap((state) => (state.kind === "absent" ? [state.retryInMs] : []));
    expect(waits.slice(0, 8)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    await supervisor.stop();
  });

  it("spreads the waits over their upper half", async () => {
    const { clock, states, supervisor } = link(absent, { random: () => 0 });
    supervisor.start();
    await clock.advance(0);
    expect(states.at(-1)).toMatchObject({ kind: "absent", retryInMs: 250 });
    await supervisor.stop();
  });

  it("tells a device that fails from one that is absent", async () => {
    const { clock, kinds, supervisor } = link(() => Promise.reject(new DeviceError("DEVICE_OPEN", "busy")));
    supervisor.start();
    await clock.advance(0);
    expect(kinds()).toEqual(["connecting", "failed"]);
    await supervisor.stop();
  });

  it("has the device while it is there and reconnects when it goes", async () => {
    const puppets: Puppet[] = [];
    const { clock, kinds, supervisor } = link(async () => {
      puppets.push(new Puppet());
      return puppets.at(-1) as Puppet;
    });
    supervisor.start();
    await clock.advance(0);
    expect(supervisor.current()).toBe(puppets[0]);
    puppets[0]?.vanish();
    expect(supervisor.current()).toBeUndefined();
    await clock.advance(500);
    expect(supervisor.current()).toBe(puppets[1]);
    expect(kinds()).toEqual(["connecting", "ready", "failed", "connecting", "ready"]);
    await supervisor.stop();
  });

  it("does not connect anew before the port of a device that went is free", async () => {
    const freeing = Promise.withResolvers<void>();
    const first = new Puppet();
    first.close = () => freeing.promise;
    const made: Puppet[] = [];
    const { clock, supervisor } = link(async () => {
      made.push(made.length === 0 ? first : new Puppet());
      return made.at(-1) as Puppet;
    });
    supervisor.start();
    await clock.advance(0);
    first.vanish();
    await clock.advance(5000);
    expect(made).toHaveLength(1);
    freeing.resolve();
    await clock.advance(500);
    expect(supervisor.current()).toBe(made[1]);
    await supervisor.stop();
  });

  it("drops a device that stops answering its heartbeat", async () => {
    const puppet = new Puppet();
    const { clock, kinds, supervisor } = link(async () => puppet);
    supervisor.start();
    await clock.advance(6500);
    expect(puppet.pings).toBe(2);
    puppet.silent = true;
    await clock.advance(3000);
    expect(puppet.closed).toBe(true);
    expect(kinds().slice(0, 3)).toEqual(["connecting", "ready", "failed"]);
    await supervisor.stop();
  });

  it("leaves a device in peace that answers other requests", async () => {
    const puppet = new Puppet();
    const { clock, supervisor } = link(async () => puppet);
    supervisor.start();
    puppet.silent = true;
    for (let i = 0; i < 10; i++) {
      await clock.advance(1000);
      puppet.heardAtMs = clock.nowMs();
    }
    expect(puppet.pings).toBe(0);
    expect(puppet.closed).toBe(false);
    await clock.advance(7000);
    expect(puppet.closed).toBe(true);
    await supervisor.stop();
  });

  it("backs off from a device that connects and goes at once", async () => {
    const { clock, states, supervisor } = link(async () => {
      const puppet = new Puppet();
      puppet.onGone = (listener) => listener(new DeviceError("DEVICE_REBOOTED", "again"));
      return puppet;
    });
    supervisor.start();
    await clock.advance(4000);
    const waits = states.flatMap((state) => (state.kind === "failed" ? [state.retryInMs] : []));
    expect(waits.slice(0, 3)).toEqual([500, 1000, 2000]);
    await supervisor.stop();
  });

  it("forgets earlier failures once a device has shown that it stays", async () => {
    const puppet = new Puppet();
    let there = false;
    const { clock, states, supervisor } = link(() => (there ? Promise.resolve(puppet) : absent()));
    supervisor.start();
    await clock.advance(20_000);
    there = true;
    await clock.advance(60_000);
    expect(puppet.pings).toBeGreaterThan(0);
    expect(supervisor.recovery.failures).toBeGreaterThan(0);
    await clock.advance(20_000);
    there = false;
    puppet.vanish();
    expect(states.at(-1)).toMatchObject({ kind: "failed", retryInMs: 500 });
    await supervisor.stop();
  });

  it("leaves a device in peace that answers what was asked before its PING", async () => {
    const puppet = new Puppet();
    const { clock, supervisor } = link(async () => puppet);
    supervisor.start();
    await clock.advance(0);
    puppet.silent = true;
    puppet.ping = async () => {
      puppet.heardAtMs = clock.nowMs() + 1;
      throw new DeviceError("DEVICE_DEADLINE", "PING reached its deadline unsent");
    };
    await clock.advance(60_000);
    expect(puppet.closed).toBe(false);
    await supervisor.stop();
  });

  it("closes its device when it is stopped, though the device is dropped in the same turn", async () => {
    const puppet = new Puppet();
    const { clock, supervisor } = link(async () => puppet);
    supervisor.start();
    await clock.advance(0);
    const stopping = supervisor.stop();
    supervisor.distrust("lv06-a", new DeviceError("DEVICE_DISTRUSTED", "a digest differs"));
    await stopping;
    expect(puppet.closed).toBe(true);
    expect(supervisor.state.kind).toBe("stopped");
  });

  it("closes a device that arrives after it was stopped", async () => {
    const puppet = new Puppet();
    let arrive = (_: LiveDevice) => {};
    const { clock, kinds, supervisor } = link(
      () =>
        new Promise((resolve) => {
          arrive = resolve;
        }),
    );
    supervisor.start();
    await clock.advance(0);
    const stopping = supervisor.stop();
    arrive(puppet);
    await stopping;
    expect(puppet.closed).toBe(true);
    expect(kinds()).toEqual(["connecting", "stopped"]);
  });

  it("tells the attempt under way that nobody waits for it", async () => {
    let signal: AbortSignal | undefined;
    const { clock, supervisor } = link((given) => {
      signal = given;
      return new Promise((_, reject) => {
        given.addEventListener("abort", () => reject(new DeviceError("DEVICE_CLOSED", "given up")));
      });
    });
    supervisor.start();
    await clock.advance(0);
    await supervisor.stop();
    expect(signal?.aborted).toBe(true);
  });

  it("survives a listener that throws", async () => {
    const { clock, supervisor } = link(async () => new Puppet(), {
      onChange: () => {
        throw new Error("listener");
      },
    });
    supervisor.start();
    await clock.advance(0);
    expect(supervisor.current()).toBeDefined();
    await supervisor.stop();
  });

  it("closes a device's port before it opens it again", async () => {
    const order: string[] = [];
    const first = new Puppet();
    first.close = async () => {
      await new Promise<void>((resolve) => clock.after(800, resolve));
      order.push("closed");
    };
    const { clock, supervisor } = link(async () => {
      order.push("opened");
      return order.length === 1 ? first : new Puppet();
    });
    supervisor.start();
    await clock.advance(0);
    first.silent = true;
    await clock.advance(3000);
    await clock.advance(5000);
    expect(order).toEqual(["opened", "closed", "opened"]);
    await supervisor.stop();
  });
});

describe("recovery", () => {
  const attempts: ConnectAttempt[] = [];
  const hung = () => {
    attempts.length = 0;
    return link((_, attempt) => {
      attempts.push(attempt);
      return Promise.reject(new DeviceError("DEVICE_NO_HELLO", "nothing readable was heard"));
    });
  };

  it("resets a hung device, opens it anew, by turns, then leaves it alone, and says so", async () => {
    const { clock, states, supervisor } = hung();
    supervisor.start();
    await clock.advance(60_000);
    expect(attempts.map(({ reset }) => reset)).toEqual([false, true, false, true, false, true]);
    expect(states.at(-1)).toMatchObject({
      kind: "resting",
      retryInMs: 300_000,
      recovery: { rung: "rest", reason: "DEVICE_NO_HELLO", failures: 6, resets: 3 },
    });
    expect(supervisor.recovery).toEqual({ rung: "rest", reason: "DEVICE_NO_HELLO", failures: 6, resets: 3 });
    await supervisor.stop();
  });

  it("resets a device that stays hung no more than four times an hour", async () => {
    const { clock, supervisor } = hung();
    supervisor.start();
    await clock.advance(3_600_000);
    const resets = attempts.filter(({ reset }) => reset).length;
    expect(resets).toBe(4);
    await clock.advance(3_600_000);
    expect(attempts.filter(({ reset }) => reset).length).toBeLessThanOrEqual(8);
    await supervisor.stop();
  });

  it("ends the rest as soon as something is plugged", async () => {
    let plugged = "a";
    const { clock, states, supervisor } = link(
      () =>
        plugged === "b"
          ? Promise.resolve(new Puppet())
          : Promise.reject(new DeviceError("DEVICE_NO_HELLO", "nothing readable was heard")),
      { plugs: { marks: async () => new Map([["port", plugged]]), ours: () => true } },
    );
    supervisor.start();
    await clock.advance(60_000);
    expect(states.at(-1)?.kind).toBe("resting");
    plugged = "b";
    await clock.advance(2_001);
    expect(states.at(-1)?.kind).toBe("ready");
    await supervisor.stop();
  });

  it("ends no rest for somebody else's port, and none at all for a loose contact", async () => {
    const marks = new Map([["ours", "0"]]);
    const { clock, supervisor, states } = link(
      () => Promise.reject(new DeviceError("DEVICE_NO_HELLO", "nothing readable was heard")),
      { plugs: { marks: async () => new Map(marks), ours: (port) => port === "ours" } },
    );
    const rested = () => states.filter(({ kind }) => kind === "resting").length;
    supervisor.start();
    await clock.advance(60_000);
    expect(rested()).toBe(1);
    for (let i = 0; i < 40; i++) {
      marks.set("theirs", String(i));
      await clock.advance(5000);
    }
    // The first time it may be the device at another port.
    expect(rested()).toBe(2);
    marks.delete("theirs");
    const before = states.length;
    for (let i = 0; i < 360; i++) {
      marks.set("ours", String(i + 1));
      await clock.advance(5000);
    }
    const attempts = states.slice(before).filter(({ kind }) => kind === "connecting").length;
    expect(attempts).toBeLessThan(100);
    await supervisor.stop();
  });

  it.each([
    ["restarts every six seconds", 6000, (_: DeviceLink, puppet: Puppet) => puppet.vanish()],
    [
      "fails every request",
      10_000,
      (supervisor: DeviceLink) => supervisor.complain(new DeviceError("DEVICE_REPLY", "x")),
    ],
  ])("leaves a device alone for a while that stays but %s", async (_, everyMs, fail) => {
    let puppet = new Puppet();
    const { clock, supervisor, states } = link(async () => {
      puppet = new Puppet();
      return puppet;
    });
    supervisor.start();
    for (let ms = 0; ms < 1_800_000; ms += everyMs) {
      await clock.advance(everyMs);
      if (supervisor.current() !== undefined) fail(supervisor, puppet);
    }
    expect(puppet.heardAtMs).toBeLessThan(0);
    expect(states.filter(({ kind }) => kind === "resting").length).toBeGreaterThanOrEqual(3);
    await supervisor.stop();
  });

  it("resets by command a device that answers its heartbeat but fails what it is asked", async () => {
    const puppets: Puppet[] = [];
    const { clock, states, supervisor } = link(async (_, { reset }) => {
      expect(reset).toBe(false);
      puppets.push(new Puppet("lv06-a", ["hash", "reset"]));
      return puppets.at(-1) as Puppet;
    });
    supervisor.start();
    await clock.advance(0);
    const late = new DeviceError("DEVICE_DEADLINE", "late");
    supervisor.complain(late);
    supervisor.complain(late);
    supervisor.praise();
    supervisor.complain(late);
    supervisor.complain(late);
    expect(puppets[0]?.resets).toBe(0);
    supervisor.complain(late);
    await clock.advance(0);
    expect(puppets[0]?.resets).toBe(1);
    expect(puppets[0]?.closed).toBe(true);
    expect(states.at(-1)).toMatchObject({ kind: "failed", recovery: { rung: "reset", reason: "DEVICE_DEADLINE" } });
    await clock.advance(1000);
    expect(supervisor.current()).toBe(puppets[1]);
    await supervisor.stop();
  });

  it("pulses the reset line where the command goes unheard", async () => {
    const resets: boolean[] = [];
    const puppet = new Puppet("lv06-a", ["hash", "reset"]);
    const { clock, supervisor } = link(async (_, { reset }) => {
      resets.push(reset);
      return resets.length === 1 ? puppet : new Puppet();
    });
    supervisor.start();
    await clock.advance(0);
    puppet.silent = true;
    await clock.advance(5000);
    expect(puppet.resets).toBe(1);
    expect(resets).toEqual([false, true]);
    await supervisor.stop();
  });
});

describe("a device that lied", () => {
  const lie = new DeviceError("DEVICE_DISTRUSTED", "a digest differs from the host's");
  const DAY_MS = 86_400_000;

  /** A link to whatever is plugged; connecting asks `admit`, as connectUsb does. */
  function plugged(first: string, plugs?: DeviceLinkOptions["plugs"]) {
    const world = { id: first };
    const made = link(
      async (_, { admit }) => {
        admit(world.id);
        return new Puppet(world.id);
      },
      plugs === undefined ? {} : { plugs },
    );
    return { ...made, world };
  }

  it("is dropped at once and not used again, whatever its port says, until a day has passed", async () => {
    const { clock, states, supervisor } = plugged("lv06-a");
    supervisor.start();
    await clock.advance(0);
    const device = supervisor.current() as Puppet;
    supervisor.distrust("lv06-a", lie);
    expect(supervisor.current()).toBeUndefined();
    expect(states.at(-1)).toMatchObject({ kind: "distrusted", recovery: { reason: "DEVICE_DISTRUSTED" } });
    await clock.advance(DAY_MS / 2);
    expect(device.closed).toBe(true);
    expect(supervisor.current()).toBeUndefined();
    expect(states.filter(({ kind }) => kind === "ready")).toHaveLength(1);
    await clock.advance(DAY_MS / 2 + 600_000);
    expect(supervisor.current()?.info.id).toBe("lv06-a");
    await supervisor.stop();
  });

  it("is replaced by another in its place", async () => {
    const { clock, supervisor, world } = plugged("lv06-a");
    supervisor.start();
    await clock.advance(0);
    supervisor.distrust("lv06-a", lie);
    world.id = "lv06-b";
    await clock.advance(300_001);
    expect(supervisor.current()?.info.id).toBe("lv06-b");
    await supervisor.stop();
  });

  it("is replaced soon by another that was plugged in its place before anybody looked", async () => {
    let mark = "a";
    const { clock, supervisor, world } = plugged("lv06-a", {
      marks: async () => new Map([["port", mark]]),
      ours: () => true,
    });
    supervisor.start();
    await clock.advance(0);
    supervisor.distrust("lv06-a", lie);
    [world.id, mark] = ["lv06-b", "b"];
    await clock.advance(2001);
    expect(supervisor.current()?.info.id).toBe("lv06-b");
    expect(supervisor.recovery).toMatchObject({ rung: "none", failures: 0 });
    await supervisor.stop();
  });

  it("stays the settled state while it is looked for again", async () => {
    const { clock, supervisor, states } = plugged("lv06-a");
    const settled: string[] = [];
    supervisor.start();
    await clock.advance(0);
    supervisor.distrust("lv06-a", lie);
    for (let i = 0; i < 4; i++) {
      await clock.advance(100_000);
      settled.push(supervisor.settled.kind);
    }
    expect(states.filter(({ kind }) => kind === "connecting").length).toBeGreaterThan(1);
    expect(new Set(settled)).toEqual(new Set(["distrusted"]));
    await supervisor.stop();
  });

  it("is refused also by a connection that was not asked to", async () => {
    const puppets: Puppet[] = [];
    const { clock, states, supervisor } = link(async () => {
      puppets.push(new Puppet());
      return puppets.at(-1) as Puppet;
    });
    supervisor.start();
    await clock.advance(0);
    supervisor.distrust("lv06-a", lie);
    await clock.advance(300_001);
    expect(puppets).toHaveLength(2);
    expect(puppets[1]?.closed).toBe(true);
    expect(states.at(-1)?.kind).toBe("distrusted");
    await supervisor.stop();
  });

  it("leaves another device alone that is in use meanwhile", async () => {
    const { clock, supervisor } = plugged("lv06-b");
    supervisor.start();
    await clock.advance(0);
    supervisor.distrust("lv06-a", lie);
    expect(supervisor.current()?.info.id).toBe("lv06-b");
    await supervisor.stop();
  });
});
