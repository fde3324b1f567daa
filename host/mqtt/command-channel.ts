/**
 * Commands in, replies out: each is carried out once, whoever sends it how often, and what a reply costs is bounded.
 *
 * A reply is for whoever waits now: it is published at once or not at all, and it is not in the outbox. Who missed it
 * sends the command again, with the same id, and has the same reply from memory.
 */
import { CodedError, errorCode, errorMessage } from "../base/error.ts";
import type { OutboxMessage } from "../store/schema.ts";
import { type Asker, expectFresh, fingerprintOf, type Intake, readCommand } from "./command-intake.ts";
import {
  type Answer,
  CONDUCT,
  type Command,
  type CommandHandlers,
  type CommandName,
  ERROR_CODE,
  NO_ANSWER,
  type ReplyData,
} from "./commands.ts";
import type { Arrived, Outgoing } from "./connection.ts";
import { makeMessage } from "./envelope.ts";
import { ChannelError } from "./errors.ts";
import { type Rate, TokenBucket } from "./rate.ts";
import { commandsOf, type Identity, isReplyTopic, replyTopicOf } from "./topics.ts";

export interface CommandChannelOptions {
  readonly identity: Identity;
  readonly handlers: CommandHandlers;
  /** Sends now or rejects: `MqttClient.answer`. */
  readonly publish: (message: Outgoing) => Promise<void>;
  /** Called for every command that failed or was refused. */
  readonly count: (code: string) => void;
  /** What was refused, at most once a minute a code. @param times since it was said last */
  readonly refused: (code: string, message: string, times: number) => void;
  readonly utcMs: () => number;
  readonly monotonicMs: () => number;
  /** Unique: the reply's id as a CloudEvent. */
  readonly newId: () => string;
  /** For a handler; default each command's own. */
  readonly deadlineMs?: number;
  /** Bytes of a command's payload; one that is larger is not read. Default 65,536. */
  readonly maxBytes?: (name: string) => number;
}

/** Carried out; what comes beyond is refused by name at the second rate, and beyond that only counted. */
const CARRIED_OUT: Rate = { perS: 10, burst: 20 };
const REFUSED: Rate = { perS: 5, burst: 10 };
/** Of all commands together. */
const RUNNING_MAX = 32;
/** Replies that are remembered. */
const REMEMBERED = 256;
/** A longer one is made anew for who asks again. */
const REMEMBERED_MAX_BYTES = 16_384;
const SAID_EVERY_MS = 60_000;
const CORRELATION_MAX_BYTES = 1024;
const MESSAGE_MAX = 1000;

interface Remembered {
  readonly fingerprint: string;
  readonly reply: Promise<OutboxMessage>;
}

type Served = Exclude<Intake, { readonly kind: "nameless" }>;
type Carried = Extract<Intake, { readonly kind: "command" }>;

export class CommandChannel {
  readonly #options: CommandChannelOptions;
  readonly #admitted: TokenBucket;
  readonly #refusals: TokenBucket;
  /** By the command's id, oldest first. */
  readonly #remembered = new Map<string, Remembered>();
  /** Of each code: when it was said last, and how often it came since. */
  readonly #said = new Map<string, { readonly atMs: number; times: number }>();
  readonly #running = new Map<CommandName, number>();

  constructor(options: CommandChannelOptions) {
    this.#options = options;
    this.#admitted = new TokenBucket(CARRIED_OUT, options.monotonicMs());
    this.#refusals = new TokenBucket(REFUSED, options.monotonicMs());
  }

  /** What to subscribe to. */
  get filter(): string {
    return commandsOf(this.#options.identity);
  }

  /** Takes what arrived and sees to its reply. Never throws. */
  take(arrived: Arrived): void {
    const nowMs = this.#options.monotonicMs();
    const admitted = this.#admitted.take(nowMs);
    // Beyond both rates it is not even read.
    if (!admitted && !this.#refusals.take(nowMs)) {
      this.#refuse(new ChannelError("COMMAND_RATE", "too many commands"));
      return;
    }
    const intake = readCommand(this.#options.identity, arrived, this.#options.maxBytes);
    if (intake.kind === "nameless") this.#refuse(intake.error);
    else void this.#serve(admitted ? intake : tooMany(intake.asker), arrived);
  }

  async #serve(intake: Served, arrived: Arrived): Promise<void> {
    try {
      const { asker } = intake;
      const reply = intake.kind === "command" ? await this.#replyTo(intake) : this.#failure(asker, intake.error);
      await this.#options.publish({ ...reply, ...this.#wayBack(asker, arrived) });
    } catch (error) {
      this.#options.count(errorCode(error));
    }
  }

  /** From memory, or by carrying it out. Never rejects. */
  async #replyTo(intake: Carried): Promise<OutboxMessage> {
    const { asker, name, command } = intake;
    const fingerprint = fingerprintOf(name, command);
    const known = this.#remembered.get(asker.id);
    try {
      if (known?.fingerprint === fingerprint) return await known.reply;
      if (known !== undefined) throw new ChannelError("COMMAND_ID_REUSED", "another command had its id");
      expectFresh(command, this.#options.utcMs());
      this.#expectRoom(name);
    } catch (error) {
      return this.#failure(asker, error);
    }
    const reply = this.#carryOut(asker, name, command);
    this.#remember(asker.id, { fingerprint, reply });
    return reply;
  }

  #expectRoom(name: CommandName): void {
    const ofAll = [...this.#running.values()].reduce((sum, running) => sum + running, 0);
    if (ofAll >= RUNNING_MAX) throw new ChannelError("COMMAND_BUSY", `${ofAll} commands are under way`);
    const same = this.#running.get(name) ?? 0;
    if (same >= CONDUCT[name].runningMax) {
      throw new ChannelError("COMMAND_BUSY", `${same} commands ${name} are under way`);
    }
  }

  async #carryOut<Name extends CommandName>(asker: Asker, name: Name, command: Command<Name>): Promise<OutboxMessage> {
    try {
      const answer = await this.#withinDeadline(name, async () => this.#options.handlers[name](command));
      return this.#message({ ...asker, ...NO_ANSWER, ...SUCCESS, ...answer });
    } catch (error) {
      // It may be done by now: who asks again is to hear that, and not the old word.
      if (errorCode(error) === "COMMAND_DEADLINE") this.#remembered.delete(asker.id);
      return this.#failure(asker, error);
    }
  }

  /** A handler that is late keeps its place until it ends: handlers that never do cannot pile up. */
  async #withinDeadline(name: CommandName, work: () => Promise<Answer>): Promise<Answer> {
    const { deadlineMs = CONDUCT[name].deadlineMs } = this.#options;
    this.#begun(name, 1);
    const done = work().finally(() => this.#begun(name, -1));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = () => reject(new ChannelError("COMMAND_DEADLINE", `not done within ${deadlineMs} ms`));
      timer = setTimeout(error, deadlineMs).unref();
    });
    try {
      return await Promise.race([done, late]);
    } finally {
      clearTimeout(timer);
      done.catch(() => {});
    }
  }

  #begun(name: CommandName, more: 1 | -1): void {
    this.#running.set(name, (this.#running.get(name) ?? 0) + more);
  }

  #remember(id: string, what: Remembered): void {
    this.#remembered.set(id, what);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
    void what.reply.then(({ payload }) => {
      if (payload.length > REMEMBERED_MAX_BYTES && this.#remembered.get(id) === what) this.#remembered.delete(id);
    });
  }

  #failure(asker: Asker, error: unknown): OutboxMessage {
    const given = errorCode(error);
    const code = ERROR_CODE.test(given) ? given : "INTERNAL";
    if (error instanceof ChannelError) this.#refuse(error);
    else this.#options.count(code);
    const message = error instanceof CodedError ? `${error.detail}. ${error.action}` : errorMessage(error);
    return this.#message({ ...asker, ...NO_ANSWER, ok: false, code, message: message.slice(0, MESSAGE_MAX) });
  }

  #message(data: Omit<ReplyData, "intendedUse">): OutboxMessage {
    const { identity, newId, utcMs } = this.#options;
    return makeMessage(
      identity,
      "reply",
      { id: newId(), utcMs: utcMs(), topic: replyTopicOf(identity, data.id) },
      { ...data, intendedUse: "research-only" },
    );
  }

  /** An asker may name the topic of the reply, but only among this appliance's own. */
  #wayBack({ id }: Asker, { responseTopic, correlationData }: Arrived): Pick<Outgoing, "topic" | "correlationData"> {
    const { identity } = this.#options;
    const asked = responseTopic !== undefined && isReplyTopic(identity, responseTopic);
    const correlated = correlationData !== undefined && correlationData.length <= CORRELATION_MAX_BYTES;
    return {
      topic: asked ? responseTopic : replyTopicOf(identity, id),
      ...(correlated ? { correlationData } : {}),
    };
  }

  #refuse({ code, detail }: ChannelError): void {
    this.#options.count(code);
    const nowMs = this.#options.monotonicMs();
    const said = this.#said.get(code);
    if (said !== undefined) said.times += 1;
    if (said !== undefined && nowMs - said.atMs < SAID_EVERY_MS) return;
    this.#said.set(code, { atMs: nowMs, times: 0 });
    this.#options.refused(code, detail, said?.times ?? 1);
  }
}

const SUCCESS = { ok: true, code: null, message: null } as const;

function tooMany(asker: Asker): Served {
  return { kind: "refused", asker, error: new ChannelError("COMMAND_RATE", "too many commands at once") };
}
