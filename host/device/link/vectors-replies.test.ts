/** replies.json of firmware-spec/vectors: what the host makes of a device's lines, good and bad. */
import { crc32 } from "node:zlib";
import { afterEach, expect, it } from "vitest";
import { DeviceError } from "../errors.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { MemoryDevice } from "../testing/memory-device.ts";
import { type Case, loadCases, loadFile, Tally } from "../testing/vectors.ts";
import { UsbDevice } from "../usb/usb-device.ts";
import { encodeCobs } from "./cobs.ts";
import { encodeFrame, type Frame } from "./frame.ts";

interface Said {
  readonly frame?: readonly string[];
  readonly payload?: string;
  readonly checksum?: string;
  readonly before?: string;
  readonly after?: string;
  readonly line?: string;
  readonly then?: Said;
  readonly times?: number;
  readonly echo?: true;
}
type Outcome = "accept" | "ignore" | "refuse" | "restart";
interface Call {
  readonly verb: "HELLO" | "PING" | "HASH" | "ATTEST" | "KEY" | "HEALTH" | "WORK" | "RESET";
  readonly block?: string;
  readonly commitment?: string;
  readonly challenge?: string;
  readonly context?: string;
  readonly header?: string;
  readonly target?: string;
  readonly mask?: string;
  readonly deadline?: number;
}
interface ReplyCase extends Case {
  readonly call: Call;
  readonly lines: readonly Said[];
  readonly outcome: readonly Outcome[];
  readonly good?: Said;
  readonly value?: unknown;
  readonly code?: string;
  readonly over?: true;
}
interface Found {
  readonly outcome: Outcome;
  readonly value?: unknown;
  readonly code?: string;
}

const cases = loadCases<ReplyCase>("replies");
const hello = (loadFile("replies") as unknown as { readonly hello: readonly string[] }).hello;
const greeting: Said = { frame: ["{seq}", "OK", "1a2b3c4d", ...hello] };
const tally = new Tally();
const bytesOf = (hex = "") => Buffer.from(hex, "hex");
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const hex4 = (seq: number) => seq.toString(16).padStart(4, "0");
const opened: UsbDevice[] = [];
afterEach(async () => {
  for (const device of opened.splice(0)) await device.close();
});

it.each(cases)("$id", async (each) => {
  tally.ran("host", "replies", each.id);
  const found = each.call.verb === "HELLO" ? await greet(each) : await ask(each);
  expect(each.outcome).toContain(found.outcome);
  if (found.outcome === "accept" && each.value !== undefined) expect(found.value).toEqual(each.value);
  if (found.outcome === "refuse" && each.code !== undefined) expect(found.code).toBe(each.code);
});

it("leaves no case out", () => expect(tally.missing("host", "replies", cases)).toEqual([]));

/** What the host wrote last under each of the names that stand in the vectors' lines. */
class Line {
  readonly transport = new MemoryDevice();
  readonly clock = new FakeClock();
  #request: Frame = { seq: 1, verb: "", args: [] };
  #helloSeq = 0;
  #seen = new Set<string>();

  /** @param answer to the first request of each number; later sends of it are lost */
  constructor(answer: (request: Frame) => readonly Said[]) {
    this.transport.behaviour = (request) => {
      this.#request = request;
      if (request.verb === "HELLO") this.#helloSeq = request.seq;
      const name = `${request.seq} ${request.verb}`;
      if (request.verb === "HELLO" || !this.#seen.has(name)) for (const said of answer(request)) this.say(said);
      this.#seen.add(name);
      return [];
    };
  }

  open(): Promise<UsbDevice> {
    const options = { clock: this.clock, random: () => 0.25, climb: false, quietMs: 300 };
    return UsbDevice.open(this.transport, options).then((device) => {
      opened.push(device);
      return device;
    });
  }

  say(said: Said): void {
    this.transport.say(Buffer.concat([this.#bytes(said), Buffer.from("\n")]));
  }

  #bytes(said: Said): Buffer {
    if (said.echo) return encodeFrame(this.#request).subarray(0, -1);
    if (said.frame !== undefined) return this.#frame(said, said.frame);
    const line = Buffer.from((said.line ?? "").repeat(said.times ?? 1), "latin1");
    return said.then === undefined ? line : Buffer.concat([line, this.#bytes(said.then)]);
  }

  #frame({ payload, checksum, before = "", after = "", times = 1 }: Said, words: readonly string[]): Buffer {
    const { seq, verb, args } = this.#request;
    const names: Readonly<Record<string, string>> = {
      "{seq}": hex4(seq),
      "{other}": hex4(((seq + 1000) % 0xffff) + 1),
      "{hello}": hex4(this.#helloSeq),
      "{nonce}": args[1] ?? "",
      "{id}": verb === "WORK" ? (args[1] ?? "") : "",
    };
    const filled = words.map((word) => word.replace(/\{[a-z]+\}/g, (name) => names[name] ?? name));
    const head = `~${filled.join(" ")}${(filled.at(-1) ?? "").repeat(times - 1)} `;
    const data = payload === undefined ? [] : [Buffer.from(":"), encodeCobs(bytesOf(payload)), Buffer.from(" ")];
    const body = Buffer.concat([Buffer.from(head, "latin1"), ...data]);
    const crc = checksum ?? crc32(body).toString(16).padStart(8, "0");
    return Buffer.concat([Buffer.from(before, "latin1"), body, Buffer.from(`${crc}${after}`, "latin1")]);
  }
}

/** HELLO's reply makes the device one that is used, or not. */
async function greet({ lines, good }: ReplyCase): Promise<Found> {
  let asked = 0;
  const line = new Line(({ verb }) => {
    if (verb !== "HELLO") return [{ frame: ["{seq}", "OK", "1a2b3c4d"] }];
    asked += 1;
    return asked === 1 ? lines : asked === 2 && good !== undefined ? [good] : [];
  });
  const state = watched(line.open());
  await line.clock.advance(400);
  const first = state.now;
  await line.clock.advance(10_000);
  if (first !== undefined) return first;
  if (good === undefined) return { outcome: state.now?.outcome === "accept" ? "accept" : "refuse" };
  return { outcome: state.now?.outcome === "accept" ? "ignore" : "refuse" };
}

async function ask({ call, lines, good, over }: ReplyCase): Promise<Found> {
  let asking = false;
  let asked = false;
  const line = new Line(({ verb }) => {
    if (verb === "HELLO") return [greeting];
    if (asking && !asked && verb === call.verb) {
      asked = true;
      return lines;
    }
    return verb === "PING" && !asking ? [{ frame: ["{seq}", "OK", "1a2b3c4d"] }] : [];
  });
  const opening = line.open();
  await line.clock.advance(400);
  const device = await opening;
  let gone = false;
  device.onGone(() => {
    gone = true;
  });
  asking = true;
  const state = watched(made(device, call));
  await line.clock.advance(200);
  const pending = state.now === undefined;
  if (pending && good !== undefined) line.say(good);
  await line.clock.advance(pending && good === undefined ? 90_000 : 50);
  const now = state.now;
  if (now === undefined) throw new Error("the call never settles");
  if (gone && over === undefined) return { outcome: "restart" };
  asking = false;
  if (!gone) {
    const alive = watched(device.ping());
    await line.clock.advance(50);
    expect(alive.now?.outcome).toBe("accept");
  }
  return pending && now.outcome === "accept" && good !== undefined ? { outcome: "ignore" } : now;
}

/** The call of a case, and of what it gives, what the vectors tell. */
async function made(device: UsbDevice, call: Call): Promise<unknown> {
  switch (call.verb) {
    case "PING":
      return device.ping();
    case "HASH":
      return (await device.hash([bytesOf(call.block)])).map(hexOf).join();
    case "ATTEST":
      return hexOf((await device.attest(bytesOf(call.commitment), bytesOf(call.challenge))).mac);
    case "KEY":
      return hexOf(await device.key(bytesOf(call.context)));
    case "HEALTH":
      return device.health();
    case "RESET":
      return device.reset();
    case "WORK": {
      const versionMask = Number.parseInt(String(call.mask), 16);
      const job = { header: bytesOf(call.header), target: bytesOf(call.target), versionMask };
      const outcome = await device.work({ ...job, deadlineMs: Number(call.deadline) });
      return outcome.kind === "found" ? outcome.nonce.toString(16).padStart(8, "0") : outcome.kind;
    }
    case "HELLO":
      throw new Error("HELLO is no call of a device");
  }
}

function watched(promise: Promise<unknown>): { now: Found | undefined } {
  const state: { now: Found | undefined } = { now: undefined };
  promise.then(
    (value) => {
      state.now = { outcome: "accept", value };
    },
    (error: unknown) => {
      const code = error instanceof DeviceError ? error.refusal?.code : undefined;
      state.now = { outcome: "refuse", ...(code === undefined ? {} : { code }) };
    },
  );
  return state;
}
