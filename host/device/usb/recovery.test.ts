/** What happens to a connection, from the port's disappearance to a device that lies, under the test's clock. */
import { describe, expect, it } from "vitest";
import { DeviceLink, type LinkState } from "../device-link.ts";
import { sha256, verifyDigests } from "../digest.ts";
import { DeviceError } from "../errors.ts";
import { encodeFrame } from "../link/frame.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { connectUsb, plugPorts, type UsbOptions } from "./connect.ts";
import { ConnectMemory } from "./connect-memory.ts";
import { Bench, Board } from "./testing/bench.ts";

const PORT = "/dev/ttyACM0";
const OTHER = "/dev/ttyACM7";

function rig(options: Partial<UsbOptions> = {}) {
  const clock = new FakeClock();
  const bench = new Bench();
  const memory = new ConnectMemory();
  const states: LinkState[] = [];
  const random = () => 0.5;
  const link = new DeviceLink({
    clock,
    random,
    connect: (signal, { reset, admit }) =>
      connectUsb({
        path: PORT,
        baud: 115_200,
        clock,
        random,
        memory,
        parts: bench.parts,
        ...options,
        signal,
        reset,
        admit,
      }),
    plugs: plugPorts({ path: PORT, parts: bench.parts, ...options }, memory),
    onChange: (state) => states.push(state),
  });
  /** Turns the clock until the link is in a state, and tells how long that took. */
  const until = async (kind: LinkState["kind"], limitMs = 60_000): Promise<number> => {
    const startMs = clock.nowMs();
    while (link.state.kind !== kind && clock.nowMs() - startMs < limitMs) await clock.advance(50);
    expect(link.state.kind).toBe(kind);
    return clock.nowMs() - startMs;
  };
  return { clock, bench, memory, states, link, until };
}

/** A rig whose device serves. */
async function serving(options: Partial<UsbOptions> = {}, board = new Board("lv06-a")) {
  const made = rig(options);
  made.bench.plug(PORT, board);
  made.link.start();
  await made.until("ready");
  return { ...made, board };
}

const code = (state: LinkState | undefined) =>
  state !== undefined && "error" in state && state.error instanceof DeviceError ? state.error.code : undefined;

describe("a device that", () => {
  it("is unplugged is missed at once, and taken back soon after it was plugged in", async () => {
    const { bench, board, link, until, states, clock } = await serving();
    bench.unplug(PORT);
    expect(link.current()).toBeUndefined();
    expect(code(states.at(-1))).toBe("DEVICE_CLOSED");
    await until("absent");
    await clock.advance(600_000);
    bench.plug(PORT, board);
    expect(await until("ready")).toBeLessThan(4_000);
    await clock.until(link.stop());
  });

  it("comes back under another name is found by its id", async () => {
    const { clock, bench, board, link, until } = await serving({ id: "lv06-a" });
    bench.unplug(PORT);
    bench.plug(PORT, new Board("lv06-b"));
    bench.plug(OTHER, board);
    await until("ready");
    expect(link.current()?.info.id).toBe("lv06-a");
    expect([...bench.open]).toEqual([OTHER]);
    await clock.until(link.stop());
  });

  it("bears another id is not taken for the one that is wanted", async () => {
    const { clock, bench, link, until, states } = rig({ id: "lv06-a" });
    bench.plug(PORT, new Board("lv06-b"));
    link.start();
    await until("absent");
    expect(code(states.at(-1))).toBe("DEVICE_OTHER");
    expect(bench.open.size).toBe(0);
    await clock.until(link.stop());
  });

  it("bears another id, or is distrusted, is asked nothing but who it is", async () => {
    for (const id of ["lv06-a", undefined]) {
      const { bench, clock, link, until } = rig(id === undefined ? {} : { id });
      const other = new Board("lv06-b", true);
      bench.plug(PORT, other);
      link.distrust("lv06-b", new DeviceError("DEVICE_DISTRUSTED", "a digest differs"));
      link.start();
      await until(id === undefined ? "distrusted" : "absent");
      expect([...new Set(other.heard)]).toEqual(["HELLO"]);
      await clock.until(link.stop());
    }
  });

  it("was at a port that is plugged anew is not taken for the one that is there now", async () => {
    const { bench, clock, link, until, memory } = await serving({ path: "auto" });
    expect(memory.port).toBe(PORT);
    bench.unplug(PORT);
    const stranger = new Board("somebody's");
    stranger.answer = () => undefined;
    bench.plug(PORT, stranger);
    await until("failed");
    await clock.advance(120_000);
    expect(memory.port).toBeUndefined();
    expect(stranger.pulses).toBe(0);
    await clock.until(link.stop());
  });

  it("is the only one of several that answers is found without being named", async () => {
    const { clock, bench, link, until } = rig({ path: "auto" });
    const [deaf, board] = [new Board("deaf"), new Board("lv06-a")];
    bench.plug(PORT, deaf);
    bench.plug(OTHER, board);
    deaf.hung = true;
    link.start();
    await until("ready");
    expect(link.current()?.info.id).toBe("lv06-a");
    expect(deaf.pulses).toBe(0);
    await clock.until(link.stop());
  });

  it("suffers a brown-out is greeted anew", async () => {
    const { board, link, until, states, clock } = await serving();
    const before = link.current()?.info.bootId;
    board.hung = true;
    const reply = link
      .current()
      ?.hash([Buffer.from("abc")])
      .catch((error: DeviceError) => error.code);
    await clock.advance(10);
    board.say("Brownout detector was triggered\r\n");
    board.restart("brownout");
    await until("failed");
    expect(await reply).toBe("DEVICE_BROWNOUT");
    expect(code(states.at(-1))).toBe("DEVICE_BROWNOUT");
    await until("ready");
    expect(link.current()?.info.bootId).not.toBe(before);
    await clock.until(link.stop());
  });

  it("suffers a brown-out at a high rate, where its notice cannot be read, is missed by its heartbeat", async () => {
    const { clock, board, link, until } = await serving({}, new Board("lv06-a", true));
    const before = link.current()?.info.bootId;
    board.restart("brownout");
    await until("failed");
    await until("ready");
    expect(link.current()?.info.bootId).not.toBe(before);
    expect(board.baud).toBe(921_600);
    await clock.until(link.stop());
  });

  it("browns out again and again is left alone for a while", async () => {
    const { board, link, clock, until } = await serving();
    const restless = setIntervalOn(clock, 1500, () => board.restart("brownout"));
    await until("resting", 120_000);
    restless();
    await clock.until(link.stop());
  });

  it("hangs is reset through its reset line, and serves again", async () => {
    const { clock, board, link, until } = await serving();
    board.hung = true;
    await until("failed");
    expect(link.recovery).toMatchObject({ rung: "reset", reason: "DEVICE_DEADLINE", resets: 1 });
    await until("ready");
    expect(board.heard).toContain("RESET");
    expect(board.pulses).toBe(1);
    await clock.until(link.stop());
  });

  it("hangs from the start is reset where its port was named, and only there", async () => {
    for (const [path, id, most] of [
      [PORT, undefined, 3],
      ["auto", undefined, 0],
      [PORT, "lv06-a", 0],
    ] as const) {
      const { clock, bench, link, until } = rig({ path, ...(id === undefined ? {} : { id }) });
      const deaf = new Board("somebody's");
      deaf.answer = () => undefined;
      bench.plug(PORT, deaf);
      link.start();
      await until("resting", 120_000);
      expect(deaf.pulses).toBe(most);
      await clock.until(link.stop());
    }
  });

  it("was left at a higher rate is found at the rates used before", async () => {
    const { clock, bench, board, link, until } = await serving({}, new Board("lv06-a", true));
    expect(board.baud).toBe(921_600);
    bench.loseHost(PORT);
    await until("failed");
    await until("ready");
    expect(bench.openedAt).toEqual([`${PORT}@115200`, `${PORT}@115200`, `${PORT}@921600`]);
    await clock.until(link.stop());
  });

  it("only logs, without end, is not taken for alive", async () => {
    const { board, link, clock, until } = await serving();
    board.hung = true;
    const storm = setIntervalOn(clock, 100, () => board.say("I (4711) wifi: beacon timeout\n".repeat(20)));
    expect(await until("failed")).toBeLessThan(10_000);
    expect(link.current()).toBeUndefined();
    storm();
    await until("ready");
    await clock.until(link.stop());
  });

  it("sends a line that never ends is read again at the next one", async () => {
    const { board, link, clock } = await serving();
    for (let i = 0; i < 64; i++) {
      board.say("x".repeat(65_536));
      await clock.advance(1);
    }
    board.say("\n");
    const digests = link.current()?.hash([Buffer.from("abc")]);
    await clock.advance(100);
    expect(await digests).toEqual([Buffer.from(sha256(Buffer.from("abc")))]);
    await clock.until(link.stop());
  });

  it("was probed by a modem manager before is understood all the same", async () => {
    const { bench, link, until, clock } = rig();
    const board = new Board("lv06-a");
    bench.plug(PORT, board);
    link.start();
    await clock.advance(100);
    board.say("AT\r\nATE1 E0\r\nAT+GCAP\r\nERROR\r\n~0001 OK 0000");
    await until("ready");
    await clock.until(link.stop());
  });
});

describe("a device that lies", () => {
  const blocks = Array.from({ length: 8 }, (_, i) => Buffer.alloc(64, i));
  const check = async (clock: FakeClock, link: DeviceLink) => {
    const device = link.current();
    if (device === undefined) throw new Error("no device");
    const done = verifyDigests(device, blocks, blocks.map(sha256)).catch((error: DeviceError) => error.code);
    await clock.advance(1000);
    return done;
  };

  it("about a digest is found out, behind a right checksum", async () => {
    const { board, clock, link } = await serving();
    board.answer = (request, honest) =>
      request.verb === "HASH" && request.args[0]?.startsWith("03")
        ? { ...honest, args: [board.boot, "00".repeat(32)] }
        : honest;
    expect(await check(clock, link)).toMatchObject({ checked: 8, mismatches: [3] });
    await clock.until(link.stop());
  });

  it("by repeating an old reply is found out", async () => {
    const { board, clock, link } = await serving();
    let old: readonly string[] | undefined;
    board.answer = (request, honest) => {
      if (request.verb !== "HASH") return honest;
      old ??= honest.args;
      return { ...honest, args: old };
    };
    expect(await check(clock, link)).toMatchObject({ mismatches: [1, 2, 3, 4, 5, 6, 7] });
    await clock.until(link.stop());
  });

  it("with an earlier boot id gets no answer accepted", async () => {
    const { board, clock, link, states } = await serving();
    board.answer = (request, honest) =>
      request.verb === "HASH" ? { ...honest, args: ["0badb007", ...honest.args.slice(1)] } : honest;
    expect(await check(clock, link)).toBe("DEVICE_REBOOTED");
    expect(states.some((state) => code(state) === "DEVICE_REBOOTED")).toBe(true);
    await clock.until(link.stop());
  });

  it("is refused at every port once it is distrusted, and a sound one beside it is taken", async () => {
    const { bench, board, clock, link, until } = await serving({ path: "auto" });
    link.distrust("lv06-a", new DeviceError("DEVICE_DISTRUSTED", "a digest differs"));
    expect(link.state.kind).toBe("distrusted");
    bench.unplug(PORT);
    bench.plug("/dev/ttyACM3", board);
    await clock.advance(20_000);
    expect(link.state.kind).toBe("distrusted");
    expect(bench.open.size).toBe(0);
    bench.plug(OTHER, new Board("lv06-b"));
    await until("ready", 30_000);
    expect(link.current()?.info.id).toBe("lv06-b");
    await clock.until(link.stop());
  });

  it("is shown to the operator by nothing but the id: what it says is not believed", async () => {
    const { board, clock, link } = await serving();
    board.say(encodeFrame({ seq: 0, verb: "OK", args: [board.boot, "device=lv06-z"] }));
    await clock.advance(10);
    expect(link.current()?.info.id).toBe("lv06-a");
    await clock.until(link.stop());
  });
});

/** @returns a function that ends it */
function setIntervalOn(clock: FakeClock, everyMs: number, work: () => void): () => void {
  let on = true;
  const again = () => {
    if (!on) return;
    work();
    clock.after(everyMs, again);
  };
  clock.after(everyMs, again);
  return () => {
    on = false;
  };
}
