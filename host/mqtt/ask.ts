/** Asks a running appliance over its broker, as any client may: one command out, its reply in. */
import type { z } from "zod";
import { type COMMANDS, CONDUCT, type CommandName, type ReplyData } from "./commands.ts";
import { type BrokerAccess, type Connection, openConnection } from "./connection.ts";
import { readMessage } from "./envelope.ts";
import { MqttError } from "./errors.ts";
import { commandTopicOf, type Identity, replyTopicOf } from "./topics.ts";

export interface Asking extends BrokerAccess {
  readonly url: string;
  /** Of the appliance that is asked. */
  readonly identity: Identity;
  /** Unique: the command's id, and part of the client's. */
  readonly newId: () => string;
  readonly utcMs: () => number;
  /** For the appliance; default the command's own and 5 s. */
  readonly deadlineMs?: number;
}

/** What a command asks for, without its head. */
export type Asked<Name extends CommandName> = Omit<z.input<(typeof COMMANDS)[Name]>, "id" | "utcMs">;

/** The appliance's own word why it did not do it; `code` is its code. */
export class Refused extends Error {
  readonly code: string;

  constructor({ code, message }: ReplyData) {
    super(message ?? "no reason was given");
    this.name = "Refused";
    this.code = code ?? "INTERNAL";
  }
}

const DEADLINES = { connectDeadlineMs: 10_000, ackDeadlineMs: 10_000 };
const ON_THE_WAY_MS = 5_000;
/** Whoever hears of a command later is not to carry it out. */
const EXPIRY_S = 30;

/**
 * @returns the reply of an appliance that has done it
 * @throws MqttError, MQTT_UNANSWERED among them, MQTT_MESSAGE of an answer that is none; Refused
 */
export async function ask<Name extends CommandName>(
  asking: Asking,
  name: Name,
  asked: Asked<Name>,
): Promise<ReplyData> {
  const { newId, ...access } = asking;
  const connection = await openConnection({ ...access, ...DEADLINES, clientId: `lv06-ask-${newId()}` }, 5);
  try {
    const reply = await answered(connection, asking, name, asked);
    if (!reply.ok) throw new Refused(reply);
    return reply;
  } finally {
    await connection.close();
  }
}

async function answered<Name extends CommandName>(
  connection: Connection,
  { identity, newId, utcMs, deadlineMs, url }: Asking,
  name: Name,
  asked: Asked<Name>,
): Promise<ReplyData> {
  const id = newId();
  let timer: NodeJS.Timeout | undefined;
  let heard: (reply: ReplyData) => void = () => {};
  let failed: (error: unknown) => void = () => {};
  const reply = new Promise<ReplyData>((resolve, reject) => {
    [heard, failed] = [resolve, reject];
    const { site, appliance } = identity;
    const silent = () => new MqttError("MQTT_UNANSWERED", `${site}/${appliance} does not answer at ${url}`);
    timer = setTimeout(() => reject(silent()), deadlineMs ?? CONDUCT[name].deadlineMs + ON_THE_WAY_MS);
    void connection.closed.then(reject);
  });
  reply.catch(() => {});
  try {
    await connection.subscribe(replyTopicOf(identity, id), ({ payload }) => {
      try {
        const message = readMessage(payload);
        if (message.kind === "reply" && message.data.id === id) heard(message.data);
      } catch (error) {
        failed(error);
      }
    });
    await connection.publish({
      ...{ messageId: id, topic: commandTopicOf(identity, name), qos: 1, retain: false },
      ...{ contentType: "application/json", expiryS: EXPIRY_S },
      payload: Buffer.from(JSON.stringify({ id, utcMs: utcMs(), ...asked })),
    });
    return await reply;
  } finally {
    clearTimeout(timer);
  }
}
