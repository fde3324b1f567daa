/**
 * A simulated miner: a real TCP client that opens and behaves as one of the known ones, complains of whatever would
 * have broken it, and really hashes, on the CPU and at a fraction of difficulty 1.
 */
import { connect, type Socket } from "node:net";
import { difficultyOf, headerOf, type Notify, readNotify } from "./fake-job.ts";
import type { Opening, Profile } from "./profiles.ts";

export interface FakeMinerOptions {
  readonly profile: Profile;
  readonly port: number;
  readonly worker: string;
  /** Hashes a second; 0 mines nothing. Default 50,000. */
  readonly hashrate?: number;
  /** Whether it connects again, after this many ms, when a connection ends; null: no. Default null. */
  readonly reconnectMs?: number | null;
  /** Uniform in [0, 1): where counters start, which bits are rolled; default `Math.random`. */
  readonly random?: () => number;
}

const STALE = '[21,"Stale share",null]';
/** More than any firmware remembers. */
const IDS_KEPT = 256;
const SLICE_MS = 20;
/** The envelope that all known firmware takes. */
const LINE_BYTES = 700;
const COINBASE_BYTES = 250;

interface Work {
  readonly job: Notify;
  readonly difficulty: number;
  readonly header: Buffer;
  readonly extranonce2: string;
  nonce: number;
}

export class FakeMiner {
  readonly #options: FakeMinerOptions;
  /** What would have broken the real one. */
  readonly violations: string[] = [];
  /** Of shares that a new batch overtook, the number only. */
  stale = 0;
  readonly rejections: string[] = [];
  accepted = 0;
  submitted = 0;
  connections = 0;
  jobs = 0;
  /** The last share, as it was submitted. */
  lastSubmit: string | undefined;
  difficulty: number | undefined;
  versionMask = 0;
  #socket: Socket | undefined;
  #text = "";
  #timer: NodeJS.Timeout | undefined;
  #again: NodeJS.Timeout | undefined;
  #stopped = false;
  #opening: Opening[] = [];
  /** Id → method, of what was not yet answered. */
  readonly #asked = new Map<number, string>();
  #nextId: number;
  #extranonce1 = "";
  #extranonce2Bytes = 0;
  #job: Notify | undefined;
  #jobDifficulty = 0;
  #counter = 0;
  #work: Work | undefined;
  /** Real ones drop ids they remember. */
  readonly #ids = new Set<string>();

  constructor(options: FakeMinerOptions) {
    this.#options = options;
    this.#nextId = options.profile.submitIds[0];
  }

  get worker(): string {
    return this.#options.worker;
  }

  #random(): number {
    return (this.#options.random ?? Math.random)();
  }

  get job(): Notify | undefined {
    return this.#job;
  }

  start(): this {
    this.#stopped = false;
    this.#open();
    const { hashrate = 50_000 } = this.#options;
    if (hashrate > 0) this.#timer = setInterval(() => this.#mine(Math.ceil((hashrate * SLICE_MS) / 1000)), SLICE_MS);
    return this;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    clearTimeout(this.#again);
    this.#socket?.destroy();
  }

  /** Breaks the connection off. */
  breakOff(): void {
    this.#socket?.resetAndDestroy();
  }

  /** Reads nothing from now on. */
  pause(): void {
    this.#socket?.pause();
  }

  /** Sends anything. */
  send(text: string): void {
    if (this.#socket?.writable) this.#socket.write(text);
  }

  #open(): void {
    const { port, profile, worker, reconnectMs = null } = this.#options;
    this.connections += 1;
    this.#text = "";
    this.#job = undefined;
    this.#work = undefined;
    this.difficulty = undefined;
    this.#asked.clear();
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk) => this.#receive(chunk.toString("utf8")));
    socket.on("close", () => {
      this.#job = undefined;
      if (!this.#stopped && reconnectMs !== null) this.#again = setTimeout(() => this.#open(), reconnectMs);
    });
    this.#opening = [...profile.opening(worker)];
    socket.on("connect", () => this.#openUp(profile.patient ? 1 : this.#opening.length));
  }

  #openUp(count: number): void {
    const messages = this.#opening.splice(0, count);
    for (const { id, method } of messages) this.#asked.set(id, method);
    this.send(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
  }

  #receive(text: string): void {
    this.#text += text;
    const lines = this.#text.split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      try {
        this.#line(line);
      } catch (error) {
        this.violations.push(`${error} in ${line}`);
      }
    }
  }

  #line(line: string): void {
    const limit = this.#options.profile.lineBytes ?? Number.POSITIVE_INFINITY;
    if (line.length >= Math.min(limit, LINE_BYTES)) this.violations.push(`a line of ${line.length} bytes`);
    const message = JSON.parse(line);
    switch (message.method) {
      case undefined:
        this.#answered(message);
        break;
      case "mining.set_difficulty":
        this.difficulty = message.params[0];
        break;
      case "mining.notify":
        this.#notified(readNotify(message.params));
        break;
      default:
        this.violations.push(`a message ${message.method}`);
    }
  }

  #answered(message: { id: number; result?: unknown; error?: unknown }): void {
    const method = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if (method === undefined) return;
    if (!("error" in message) && this.#options.profile.needsErrorKey) this.violations.push(`no error key: ${method}`);
    if (method === "mining.submit") {
      if (message.result === true) this.accepted += 1;
      else if (JSON.stringify(message.error) === STALE) this.stale += 1;
      else this.rejections.push(JSON.stringify(message.error));
      return;
    }
    if (message.error !== null) this.violations.push(`${method} was refused: ${JSON.stringify(message.error)}`);
    if (method === "mining.subscribe") this.#subscribed(message.result);
    if (method === "mining.configure") this.#configured(message.result);
    if (this.#options.profile.patient && this.#opening.length > 0) this.#openUp(1);
  }

  #subscribed(result: unknown): void {
    const [, extranonce1, bytes] = result as [unknown, string, number];
    const [least, most] = this.#options.profile.extranonce2Bytes;
    if (!/^[0-9a-f]{8}$/.test(extranonce1) || bytes < least || bytes > most)
      this.violations.push(`extranonce ${bytes}`);
    this.#extranonce1 = extranonce1;
    this.#extranonce2Bytes = bytes;
  }

  #configured(result: unknown): void {
    const mask = (result as Record<string, unknown>)["version-rolling.mask"];
    this.versionMask = Number.parseInt(String(mask), 16);
    if ((this.#options.profile.rolls & ~this.versionMask) !== 0) this.violations.push(`mask ${mask}`);
  }

  #notified(job: Notify): void {
    const { profile } = this.#options;
    const [least, most] = profile.branches;
    const coinbaseBytes = (job.coinb1.length + job.coinb2.length) / 2 + 4 + this.#extranonce2Bytes;
    if (this.difficulty === undefined) this.violations.push("a job before the first difficulty");
    if (this.#extranonce1 === "") this.violations.push("a job before the extranonce");
    if (job.branches.length < least || job.branches.length > most)
      this.violations.push(`${job.branches.length} branches`);
    if (coinbaseBytes > Math.min(profile.coinbaseBytes ?? COINBASE_BYTES, COINBASE_BYTES)) {
      this.violations.push(`a coinbase of ${coinbaseBytes} bytes`);
    }
    if ((job.version & profile.rolls) !== 0) this.violations.push(`version ${job.version.toString(16)}`);
    if (this.#ids.has(job.id)) this.violations.push(`job ${job.id} again`);
    this.#ids.add(job.id);
    const [oldest] = this.#ids;
    if (this.#ids.size > IDS_KEPT && oldest !== undefined) this.#ids.delete(oldest);
    if (this.difficulty !== this.#jobDifficulty && !job.clean) this.violations.push("a new difficulty, not clean");
    this.#jobDifficulty = this.difficulty ?? 0;
    this.#job = job;
    this.jobs += 1;
    this.#counter = profile.startsAtZero ? 0 : Math.floor(this.#random() * 2 ** 32);
    this.#work = undefined;
  }

  /** One slot of work: as the real ones, the next extranonce2 with each. */
  #mine(hashes: number): void {
    const job = this.#job;
    // With less there is no room for the counter: a violation was noted when it was told.
    if (job === undefined || this.#extranonce2Bytes < 4) return;
    const work = this.#nextWork(job);
    const bits = this.#rolledBits();
    work.header.writeUInt32LE((job.version ^ bits) >>> 0, 0);
    for (let i = 0; i < hashes; i++) {
      work.nonce = (work.nonce + 1) >>> 0;
      work.header.writeUInt32LE(work.nonce, 76);
      if (difficultyOf(work.header) >= work.difficulty) this.#submit(work, bits);
    }
  }

  #nextWork(job: Notify): Work {
    const extranonce2 = Buffer.alloc(this.#extranonce2Bytes);
    extranonce2.writeUInt32LE(this.#counter, 0);
    this.#counter = (this.#counter + 1) >>> 0;
    const hex = extranonce2.toString("hex");
    const header = headerOf(job, this.#extranonce1 + hex);
    this.#work = { job, difficulty: this.#jobDifficulty, header, extranonce2: hex, nonce: 0 };
    return this.#work;
  }

  #rolledBits(): number {
    return (Math.floor(this.#random() * 2 ** 32) & this.#options.profile.rolls) >>> 0;
  }

  #submit({ job, nonce, extranonce2 }: Work, bits: number): void {
    const hex32 = (value: number) => value.toString(16).padStart(8, "0");
    const params = [this.#options.worker, job.id, extranonce2, job.ntime, hex32(nonce), hex32(bits)];
    this.submit(params);
  }

  /** Submits anything as a share. */
  submit(params: readonly unknown[]): void {
    const [first, last] = this.#options.profile.submitIds;
    const id = this.#nextId;
    this.#nextId = id >= last ? first : id + 1;
    this.#asked.set(id, "mining.submit");
    this.submitted += 1;
    this.lastSubmit = JSON.stringify({ id, method: "mining.submit", params });
    this.send(`${this.lastSubmit}\n`);
  }
}
