import { describe, expect, it } from "vitest";
import type { LiveDevice } from "./device.ts";
import { DeviceLink, type DeviceLinkOptions, type LinkState } from "./device-link.ts";
import { DeviceError } from "./errors.ts";
import { FakeClock } from "./testing/fake-clock.ts";
import { SoftwareDevice } from "./testing/software-device.ts";

/** A live device whose end and silence the test decides. */
class Puppet extends SoftwareDevice implements LiveDevice {
  silent = false;
  closed = false;
  pings = 0;
  heardAtMs = Number.NEGATIVE_INFINITY;
  #gone: (reason: Error) => void = () => {};

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
    await clock.advance(30_000);
    expect(puppet.pings).toBeGreaterThan(0);
    there = false;
    puppet.vanish();
    expect(states.at(-1)).toMatchObject({ kind: "failed", retryInMs: 500 });
    await supervisor.stop();
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
});
