/**
 * A supervised child process: the parent's side.
 *
 * Untrusted bytes and native code run in children, so that a crash, a hang or a memory explosion costs one
 * request and never the appliance. A child is started on demand, every request has a deadline, a late or dead
 * child is killed and replaced, the queue and the address space are bounded.
 *
 * The child's side is `serve` in `child-serve.ts`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type BudgetLimits, RestartBudget } from "./budget.ts";
import { codedErrors, errorMessage } from "./error.ts";

export const CHILD_ERRORS = {
  CHILD_BUSY: "More work is queued than the limit allows: send it again later.",
  CHILD_CRASHED: "The child process was replaced; the input that killed it is to blame if it happens again.",
  CHILD_DEADLINE: "The child process was killed because it took longer than its deadline.",
  CHILD_RESTING: "The child process ended too often and is left alone for a while: send it again later.",
  CHILD_START: "The child process did not start: its last words are in the message.",
  CHILD_STOPPED: "The appliance is stopping.",
} as const;

export class ChildError extends codedErrors(CHILD_ERRORS) {}

/** The child understood the request and refused it; `code` is from the table of the room that owns the child. */
export class ChildRefusal extends Error {
  readonly code: string;
  constructor(code: string, detail: string) {
    super(detail);
    this.code = code;
  }
}

export interface ChildOptions {
  /** Names the child in errors. */
  readonly name: string;
  /** The module that calls `serve`. */
  readonly module: URL;
  /** Passed to the module in `process.argv`. */
  readonly args?: readonly string[];
  /** Private writable memory the child may map, V8's code range apart, in MiB (RLIMIT_DATA); bare Node takes 60. */
  readonly memoryMiB: number;
  /** From sending a request to its reply, in ms. */
  readonly deadlineMs: number;
  /** From the fork to the child's `ready`, in ms; default 20,000. */
  readonly startDeadlineMs?: number;
  /** Requests handed to the child at once; with 1, the request that a crash fails is the one to blame. */
  readonly window: number;
  /** Requests that may wait besides. */
  readonly queueMax: number;
  /** How often it may end without having been told to; 20 times in a row and 4 times a minute by default. */
  readonly budget?: BudgetLimits;
  /** By which the budget is kept; the machine's own by default. */
  readonly monotonicMs?: () => number;
}

const BUDGET: BudgetLimits = { most: 20, everyMs: 15_000 };

/**
 * V8 maps its whole code range writable at the start, and RLIMIT_DATA counts what is mapped, used or not
 * (`kMaximalCodeRangeSize` in V8: 128 MiB on arm64, 512 MiB on x86-64).
 */
const CODE_RANGE_MIB = process.arch === "arm64" ? 128 : 512;

interface Pending {
  readonly id: number;
  readonly body: unknown;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface InFlight extends Pending {
  readonly timer: NodeJS.Timeout;
}

type Message =
  | { readonly ready: true }
  | { readonly id: number; readonly reply: unknown }
  | { readonly id: number; readonly refusal: { readonly code: string; readonly detail: string } };

export interface ChildState {
  readonly pid: number | undefined;
  readonly starts: number;
  readonly queued: number;
  readonly resting: boolean;
  /** Why it ended last without having been told to; null before. */
  readonly lastErrorCode: string | null;
}

export class Child<Request, Reply> {
  readonly #options: ChildOptions;
  readonly #waiting: Pending[] = [];
  readonly #inFlight = new Map<number, InFlight>();
  readonly #budget: RestartBudget;
  /** Not started before. */
  #restUntilMs = 0;
  #process: ChildProcess | undefined;
  #ready = false;
  /** Set once a child was told to die: nothing more is sent to it, since its end would be blamed on that. */
  #doomed = false;
  #lastWords = "";
  #startTimer: NodeJS.Timeout | undefined;
  #nextId = 1;
  #stopped = false;
  #starts = 0;
  #lastErrorCode: keyof typeof CHILD_ERRORS | null = null;

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#budget = new RestartBudget(options.budget ?? BUDGET);
  }

  /** Process id while one runs; how often one was started; whether it ended too often and is not started now; why it ended. */
  get state(): ChildState {
    return {
      pid: this.#process?.pid,
      starts: this.#starts,
      queued: this.#waiting.length + this.#inFlight.size,
      resting: this.#rests,
      lastErrorCode: this.#lastErrorCode,
    };
  }

  /**
   * @returns the child's reply
   * @throws ChildRefusal when the child refuses the request; ChildError otherwise
   */
  request(body: Request): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      if (this.#stopped) return reject(new ChildError("CHILD_STOPPED", `${this.#options.name} is stopped`));
      if (this.#waiting.length >= this.#options.queueMax) {
        return reject(
          new ChildError("CHILD_BUSY", `${this.#options.name} has ${this.#waiting.length} requests waiting`),
        );
      }
      this.#waiting.push({ id: this.#nextId++, body, resolve: (reply) => resolve(reply as Reply), reject });
      this.#pump();
    });
  }

  /** Starts the child now, so that the first request does not wait for it. */
  warm(): void {
    if (!this.#stopped && !this.#rests && this.#process === undefined) this.#start();
  }

  /** Ends the child and rejects what waits. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const child = this.#process;
    this.#failAll(() => new ChildError("CHILD_STOPPED", `${this.#options.name} is stopped`));
    if (child === undefined) return;
    const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
    child.kill("SIGKILL");
    await gone;
  }

  get #nowMs(): number {
    return this.#options.monotonicMs?.() ?? performance.now();
  }

  get #rests(): boolean {
    return this.#nowMs < this.#restUntilMs;
  }

  #pump(): void {
    if (this.#process === undefined && this.#rests) {
      this.#failAll(() => new ChildError("CHILD_RESTING", `${this.#options.name} ended too often`));
      return;
    }
    if (this.#process === undefined && this.#waiting.length > 0) this.#start();
    while (this.#ready && !this.#doomed && this.#inFlight.size < this.#options.window) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const timer = setTimeout(() => this.#expire(next.id), this.#options.deadlineMs);
      this.#inFlight.set(next.id, { ...next, timer });
      // A failed send is followed by the child's exit, which settles the request.
      this.#process?.send({ id: next.id, body: next.body }, () => {});
    }
  }

  #start(): void {
    const { name, module, args = [], memoryMiB, startDeadlineMs = 20_000 } = this.#options;
    this.#lastWords = "";
    this.#starts += 1;
    const limitKiB = (memoryMiB + CODE_RANGE_MIB) * 1024;
    // RLIMIT_DATA rather than RLIMIT_AS: V8 reserves far more address space than it ever writes to.
    const child = spawn(
      "/bin/sh",
      ["-c", 'ulimit -d "$0" && exec "$@"', String(limitKiB), process.execPath, fileURLToPath(module), ...args],
      { stdio: ["ignore", "ignore", "pipe", "ipc"], serialization: "advanced" },
    );
    this.#process = child;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-2000);
    });
    child.on("message", (message) => {
      if (this.#process === child) this.#receive(message as Message);
    });
    child.on("error", (error) => this.#gone(child, errorMessage(error)));
    // "close" rather than "exit": by then its last words have been read.
    child.on("close", (code, signal) => this.#gone(child, signal ?? `exit status ${code}`));
    this.#startTimer = setTimeout(() => {
      this.#lastWords += `\nnot ready after ${startDeadlineMs} ms`;
      child.kill("SIGKILL");
    }, startDeadlineMs);
    this.#startTimer.unref();
    if (child.pid === undefined) this.#lastWords = `${name} could not be forked`;
  }

  #receive(message: Message): void {
    if ("ready" in message) {
      clearTimeout(this.#startTimer);
      this.#ready = true;
    } else {
      const request = this.#inFlight.get(message.id);
      if (request === undefined) return;
      clearTimeout(request.timer);
      this.#inFlight.delete(message.id);
      if ("reply" in message) request.resolve(message.reply);
      else request.reject(new ChildRefusal(message.refusal.code, message.refusal.detail));
    }
    this.#pump();
  }

  /** The late request fails, the child with it; requests that shared the child are innocent and go back to the queue. */
  #expire(id: number): void {
    const late = this.#inFlight.get(id);
    if (late === undefined) return;
    this.#inFlight.delete(id);
    late.reject(
      new ChildError("CHILD_DEADLINE", `${this.#options.name} did not answer within ${this.#options.deadlineMs} ms`),
    );
    const innocent = [...this.#inFlight.values()];
    for (const request of innocent) clearTimeout(request.timer);
    this.#inFlight.clear();
    this.#waiting.unshift(...innocent);
    this.#doomed = true;
    this.#process?.kill("SIGKILL");
  }

  #gone(child: ChildProcess, how: string): void {
    if (this.#process !== child) return;
    clearTimeout(this.#startTimer);
    const started = this.#ready;
    if (!this.#stopped)
      this.#lastErrorCode = this.#doomed ? "CHILD_DEADLINE" : started ? "CHILD_CRASHED" : "CHILD_START";
    this.#process = undefined;
    this.#ready = false;
    this.#doomed = false;
    if (!this.#stopped) this.#restUntilMs = this.#nowMs + this.#budget.take(this.#nowMs);
    const words = this.#lastWords.trim();
    const detail = `${this.#options.name} ended with ${how}${words === "" ? "" : `: ${words}`}`;
    if (!started) {
      this.#failAll(() => new ChildError("CHILD_START", detail));
      return;
    }
    const victims = [...this.#inFlight.values()];
    this.#inFlight.clear();
    for (const request of victims) {
      clearTimeout(request.timer);
      request.reject(new ChildError("CHILD_CRASHED", detail));
    }
    this.#pump();
  }

  #failAll(error: () => ChildError): void {
    const all = [...this.#inFlight.values(), ...this.#waiting.splice(0)];
    for (const request of this.#inFlight.values()) clearTimeout(request.timer);
    this.#inFlight.clear();
    for (const request of all) request.reject(error());
  }
}
