/**
 * A campaign of damaged lines, seeded: the host's exchange and decoder against a device, over a line that damages
 * what it carries, in either direction and in every way of damage.ts, under a clock that jumps.
 *
 * What must hold in every case: each request settles once; what is accepted as an answer is the answer; the first
 * whole line after the damage is read; nothing grows.
 */
import { merkleRoot } from "../../work/merkle.ts";
import { sha256 } from "../digest.ts";
import { LineDecoder } from "../link/decoder.ts";
import { encodeFrame, type Frame } from "../link/frame.ts";
import { Exchange } from "../session/exchange.ts";
import { FIRST_CREDITS, MAX_LINE_BYTES, parseHello } from "../session/hello.ts";
import { type Output, requestOf } from "../session/request.ts";
import { DAMAGE_KINDS, type DamageKind, damage } from "./damage.ts";
import { Seeded } from "./seeded.ts";

/** A device, as bytes in → bytes out. */
export interface Peer {
  take(bytes: Uint8Array): Uint8Array;
}

export interface CampaignOptions {
  readonly seed: number;
  readonly cases: number;
  readonly peer: Peer;
  /** Called now and then with the cases done. */
  readonly onProgress?: (cases: number) => void;
}

export interface CampaignReport {
  readonly cases: number;
  readonly requests: number;
  readonly byKind: Readonly<Record<DamageKind, number>>;
  readonly answered: number;
  /** Requests given up, with an error. */
  readonly failed: number;
  readonly retries: number;
  readonly discarded: number;
  /** Answers accepted that are not the answer: must be 0. */
  readonly wrong: number;
  /** Requests that did not settle, or settled twice: must be 0. */
  readonly unsettled: number;
  /** Cases in which the first whole line after the damage was not read: must be 0. */
  readonly deaf: number;
  /** Requests unanswered at once, at most: within the credits. */
  readonly mostUnanswered: number;
}

/** A request and the words and payload that answer it. */
export interface Question extends Omit<Frame, "seq"> {
  readonly answer: string;
}

const EARLIER_LINES = 32;
/** The first sendings of a request meet damage; the exchange has four. */
const DAMAGED_FLIGHTS = 2;
const DEADLINE_MS = 60_000;
const MOST_AT_ONCE = 6;
const PROGRESS_CASES = 10_000;
/** Numbers must not come around while a replayed line still bears them. */
const SESSION_CASES = 10_000;
const IMAGE_SIDE = 16;
const SCALE = 8;

export function runCampaign(options: CampaignOptions): CampaignReport {
  const random = new Seeded(options.seed);
  const totals = new Totals();
  for (let done = 0; done < options.cases; ) {
    const session = new Run(options.peer, random, totals);
    for (let i = 0; i < SESSION_CASES && done < options.cases; i++, done++) {
      session.play();
      if (done % PROGRESS_CASES === 0) options.onProgress?.(done);
    }
    session.end();
  }
  return totals.report();
}

class Totals {
  cases = 0;
  answered = 0;
  failed = 0;
  retries = 0;
  discarded = 0;
  wrong = 0;
  unsettled = 0;
  deaf = 0;
  requests = 0;
  mostUnanswered = 0;
  readonly byKind = Object.fromEntries(DAMAGE_KINDS.map((kind) => [kind, 0])) as Record<DamageKind, number>;

  report(): CampaignReport {
    return { ...this, byKind: { ...this.byKind } };
  }
}

/** One session's worth of cases. */
class Run {
  readonly #peer: Peer;
  readonly #random: Seeded;
  readonly #totals: Totals;
  readonly #decoder = new LineDecoder(MAX_LINE_BYTES);
  readonly #exchange: Exchange;
  readonly #questions: readonly Question[];
  readonly #open = new Map<number, Question>();
  readonly #earlier: { readonly out: Buffer[]; readonly back: Buffer[] } = { out: [], back: [] };
  readonly #boot: string;
  #nowMs = 0;
  #nextId = 1;

  constructor(peer: Peer, random: Seeded, totals: Totals) {
    this.#peer = peer;
    this.#random = random;
    this.#totals = totals;
    this.#exchange = new Exchange({ firstSeq: random.below(0x10000), queueMax: 64, baud: 12_000_000 }, FIRST_CREDITS);
    const hello = this.#greet();
    this.#boot = hello.boot;
    this.#exchange.adopt(hello.boot, hello.credits);
    this.#questions = makeQuestions(random);
    // Asked once without damage, so that the device holds the image.
    for (const question of this.#questions) this.#settle([question], "none", "none");
  }

  play(): void {
    const asked = Array.from({ length: 1 + this.#random.below(MOST_AT_ONCE) }, () =>
      this.#random.pick(this.#questions),
    );
    const kind = this.#random.pick(DAMAGE_KINDS);
    const outward = this.#random.next() < 0.5;
    this.#totals.cases += 1;
    this.#totals.byKind[kind] += 1;
    this.#settle(asked, outward ? kind : "none", outward ? "none" : kind);
    this.#listen();
  }

  end(): void {
    const { discarded } = this.#decoder.counters;
    this.#totals.retries += this.#exchange.counters.retries;
    this.#totals.discarded += discarded.long + discarded.bytes + discarded.form + discarded.crc;
  }

  #greet() {
    const args = ["1", "0a0b0c0d", "maxLine=65536"];
    const bytes = this.#peer.take(Buffer.concat([Buffer.from("\n\n"), encodeFrame({ seq: 1, verb: "HELLO", args })]));
    const frames = this.#decoder.push(bytes).flatMap((event) => (event.kind === "frame" ? [event.frame] : []));
    const reply = frames.find(({ verb, seq }) => verb === "OK" && seq === 1);
    if (reply === undefined) throw new Error("the device does not answer HELLO");
    return parseHello(reply.args.slice(1), reply.args[0] ?? "");
  }

  #settle(questions: readonly Question[], out: DamageKind, back: DamageKind): void {
    this.#totals.requests += questions.length;
    const outputs: Output[] = [];
    for (const question of questions) {
      const id = this.#nextId++;
      this.#open.set(id, question);
      const { answer: _, ...call } = question;
      this.#exchange.submit(requestOf({ ...call, deadlineMs: DEADLINE_MS }, id, this.#nowMs), this.#nowMs, outputs);
    }
    for (let flight = 0, idle = 0; this.#open.size > 0 && idle < 100; idle++) {
      const harmed = flight < DAMAGED_FLIGHTS;
      if (this.#carry(outputs, harmed ? out : "none", harmed ? back : "none")) flight += 1;
      this.#wait(outputs);
    }
    this.#totals.unsettled += this.#open.size;
    this.#open.clear();
  }

  /** @returns whether anything was sent */
  #carry(outputs: Output[], out: DamageKind, back: DamageKind): boolean {
    const sent: Buffer[] = [];
    for (const output of outputs.splice(0)) {
      if (output.kind === "send") sent.push(Buffer.from(output.bytes));
      else this.#heed(output);
    }
    this.#totals.mostUnanswered = Math.max(this.#totals.mostUnanswered, this.#exchange.unanswered);
    if (sent.length === 0) return false;
    const arrived = this.#through(Buffer.concat(sent), out, this.#earlier.out);
    const said = Buffer.from(this.#peer.take(arrived));
    const heard = said.length === 0 ? said : this.#through(said, back, this.#earlier.back);
    for (const event of this.#decoder.push(heard)) this.#exchange.receive(event, this.#nowMs, outputs);
    return true;
  }

  #through(bytes: Buffer, kind: DamageKind, earlier: Buffer[]): Buffer {
    const arrived = damage(kind, bytes, this.#random, earlier);
    earlier.push(bytes);
    if (earlier.length > EARLIER_LINES) earlier.shift();
    return arrived;
  }

  /** The clock jumps to whatever is next. */
  #wait(outputs: Output[]): void {
    if (outputs.length > 0) return;
    this.#nowMs = Math.max(this.#nowMs, this.#exchange.nextWakeAtMs() ?? this.#nowMs);
    this.#exchange.tick(this.#nowMs, outputs);
  }

  #heed(output: Exclude<Output, { kind: "send" }>): void {
    if (output.kind === "notice") return;
    // A restart that never was: a line with another boot id was believed.
    if (output.kind === "rebooted") {
      this.#totals.wrong += 1;
      return;
    }
    const question = this.#open.get(output.id);
    if (!this.#open.delete(output.id) || question === undefined) this.#totals.unsettled += 1;
    else if (output.kind === "failed") this.#totals.failed += 1;
    else if (answerOf(output.reply) === question.answer) this.#totals.answered += 1;
    else this.#totals.wrong += 1;
  }

  /** Whatever the damage left behind ends with its line. */
  #listen(): void {
    const probe = encodeFrame({ seq: 0, verb: "NAK", args: [this.#boot, "CRC"] });
    const events = this.#decoder.push(Buffer.concat([Buffer.from("\n"), probe]));
    const last = events.at(-1);
    if (last?.kind !== "frame" || last.frame.verb !== "NAK") this.#totals.deaf += 1;
    this.#peer.take(Buffer.from("\n"));
  }
}

function answerOf({ args, payload }: { readonly args: readonly string[]; readonly payload?: Uint8Array }): string {
  return `${args.join(" ")}:${payload === undefined ? "" : Buffer.from(payload).toString("latin1")}`;
}

/** Commands whose answers the host knows, whatever was asked before; together they fill an image. */
function makeQuestions(random: Seeded): readonly Question[] {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const ask = (args: string[], payload: Buffer | undefined, words: string[], data?: Buffer): Question => {
    const [verb = "", ...rest] = args;
    const answer = answerOf({ args: words, ...(data === undefined ? {} : { payload: data }) });
    return { verb, args: rest, ...(payload === undefined ? {} : { payload }), answer };
  };
  const hashes = [1, 55, 64, 200].map((size) => random.bytes(size));
  const blocks = Array.from({ length: 9 }, () => random.bytes(31));
  const digests = Buffer.concat(blocks.map(sha256));
  const pixels = random.bytes(IMAGE_SIDE * IMAGE_SIDE);
  const tiles = tileDigests(pixels);
  const id = hex(random.bytes(4));
  const half = pixels.length / 2;
  return [
    ask(["IMAGE", "NEW", id, String(IMAGE_SIDE), String(IMAGE_SIDE)], undefined, []),
    ask(["IMAGE", "ROWS", id, "0", "raw"], pixels.subarray(0, half), []),
    ask(["IMAGE", "ROWS", id, String(IMAGE_SIDE / 2), "raw"], pixels.subarray(half), []),
    ask(["IMAGE", "ROOTS", id, String(SCALE)], undefined, [`${SCALE}=${hex(merkleRoot(tiles))}`]),
    ask(["IMAGE", "DIGESTS", id, String(SCALE), "1", "3"], undefined, [], tiles.subarray(32)),
    ask(["BATCH", "31", "digests"], Buffer.concat(blocks), [], digests),
    ask(["BATCH", "31", "root"], Buffer.concat(blocks), [hex(merkleRoot(digests))]),
    ...hashes.map((block) => ask(["HASH", hex(block)], undefined, [hex(sha256(block))])),
    ask(["PING"], undefined, []),
  ];
}

function tileDigests(pixels: Buffer): Buffer {
  const across = IMAGE_SIDE / SCALE;
  const tiles = Array.from({ length: across * across }, (_, index) => {
    const top = Math.floor(index / across) * SCALE;
    const left = (index % across) * SCALE;
    const row = (y: number) => pixels.subarray((top + y) * IMAGE_SIDE + left, (top + y) * IMAGE_SIDE + left + SCALE);
    return sha256(Buffer.concat(Array.from({ length: SCALE }, (_, y) => row(y))));
  });
  return Buffer.concat(tiles);
}
