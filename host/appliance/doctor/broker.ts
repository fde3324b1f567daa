/** The broker: its certificate, whether it lets this appliance in, and whether it may say something at one of its topics. */
import { randomUUID, X509Certificate } from "node:crypto";
import { type PeerCertificate, connect as tlsConnect } from "node:tls";
import type { Config } from "../../config/schema.ts";
import { NO_ANSWER } from "../../mqtt/commands.ts";
import { type BrokerAccess, type Connection, openConnection } from "../../mqtt/connection.ts";
import { translate } from "../../mqtt/connection-errors.ts";
import { makeMessage } from "../../mqtt/envelope.ts";
import { MqttError } from "../../mqtt/errors.ts";
import { clientIdOf, type Identity, makeIdentity, replyTopicOf } from "../../mqtt/topics.ts";
import { brokerAccess } from "../broker-access.ts";
import { type Finding, failed, note, ok, skipped, wrong } from "./finding.ts";

const DEADLINE_MS = 5_000;
const ECHO_DEADLINE_MS = 2_000;
const PROBE_EXPIRY_S = 10;
const DAY_MS = 86_400_000;
const EXPIRES_SOON_DAYS = 30;

export interface BrokerEdges {
  readonly nowMs: number;
  /** Nothing that leaves this machine. */
  readonly offline: boolean;
}

export async function brokerChecks(
  { mqtt, site, appliance }: Config,
  { nowMs, offline }: BrokerEdges,
): Promise<readonly Finding[]> {
  const { url } = mqtt;
  if (url === null) return [note("broker", "DOCTOR_BROKER_EMBEDDED", "none is configured: the embedded one is used")];
  const access = brokerAccess(mqtt);
  const own =
    access.cert === undefined ? [] : [certificate("own certificate", new X509Certificate(access.cert), nowMs)];
  if (offline) return [...own, skipped("broker", `${url} was not asked (--offline)`)];
  const tls = await tlsCheck(new URL(url), access, nowMs);
  if (tls.verdict === "wrong") return [...own, tls, skipped("broker", "not asked: the connection is not safe")];
  return [...own, tls, await loginCheck(url, access, makeIdentity(site, appliance), nowMs)];
}

async function tlsCheck(
  { protocol, hostname, port, host }: URL,
  access: BrokerAccess,
  nowMs: number,
): Promise<Finding> {
  if (protocol !== "mqtts:") {
    return note("TLS", "DOCTOR_BROKER_PLAIN", `${host} is reached without TLS`);
  }
  const { presented, refusal } = await handshake(hostname, Number(port || 8883), access).catch((error: unknown) => {
    return { presented: undefined, refusal: error instanceof MqttError ? error : translate(error as Error) };
  });
  const words = presented === undefined ? host : described(presented);
  if (refusal !== undefined) return { ...failed("TLS", refusal), detail: `${refusal.detail}; ${words}` };
  return presented === undefined ? ok("TLS", words) : expiry("TLS", words, Date.parse(presented.valid_to), nowMs);
}

interface Handshake {
  readonly presented: PeerCertificate | undefined;
  /** Why the appliance will not connect. */
  readonly refusal: MqttError | undefined;
}

/** Accepts any certificate, to tell what is wrong with it; nothing is sent. @throws of the connection, MqttError MQTT_DEADLINE */
function handshake(hostname: string, port: number, access: BrokerAccess): Promise<Handshake> {
  const { ca, cert, key, serverName } = access;
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({
      ...{ host: hostname.replace(/^\[|\]$/g, ""), port, minVersion: "TLSv1.2", rejectUnauthorized: false },
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
    const timer = setTimeout(() => {
      socket.destroy(new MqttError("MQTT_DEADLINE", `no TLS handshake within ${DEADLINE_MS} ms`));
    }, DEADLINE_MS);
    socket.once("close", () => clearTimeout(timer)).once("error", reject);
    socket.once("secureConnect", () => {
      const presented = socket.getPeerCertificate();
      const why: unknown = socket.authorized ? undefined : socket.authorizationError;
      socket.destroy();
      const code = String(why);
      resolve({
        presented,
        refusal: why === undefined ? undefined : translate(Object.assign(new Error(code), { code })),
      });
    });
  });
}

function described({ subject, subjectaltname, issuer, valid_to }: PeerCertificate): string {
  const names = subjectaltname ?? subject?.CN ?? "no name";
  return `the certificate is for ${names}, by ${issuer?.CN ?? issuer?.O ?? "an unnamed authority"}, until ${valid_to}`;
}

function certificate(check: string, own: X509Certificate, nowMs: number): Finding {
  return expiry(
    check,
    `for ${own.subject.replaceAll("\n", ", ")}, until ${own.validTo}`,
    Date.parse(own.validTo),
    nowMs,
  );
}

/** Pure. */
export function expiry(check: string, words: string, untilMs: number, nowMs: number): Finding {
  const days = Math.floor((untilMs - nowMs) / DAY_MS);
  if (days < 0) return wrong(check, "DOCTOR_TLS_EXPIRES", `${words}: expired`);
  return days < EXPIRES_SOON_DAYS ? note(check, "DOCTOR_TLS_EXPIRES", `${words}: ${days} days`) : ok(check, words);
}

/** Under a name of its own: under the appliance's it would take the running one's place. */
async function loginCheck(url: string, access: BrokerAccess, identity: Identity, nowMs: number): Promise<Finding> {
  const clientId = `${clientIdOf(identity)}-doctor`;
  const deadlines = { connectDeadlineMs: DEADLINE_MS, ackDeadlineMs: DEADLINE_MS };
  let connection: Connection | undefined;
  try {
    connection = await openConnection({ url, clientId, ...access, ...deadlines }, 5);
    const echoed = await echo(connection, identity, nowMs);
    const version = connection.protocolVersion === 5 ? "MQTT 5" : "MQTT 3.1.1";
    const who = access.username === undefined ? "without a user name" : "with its user name";
    const words = `${url} lets the appliance in ${who}, over ${version}`;
    const tried = `${replyTopicOf(identity, "doctor")} (no other topic was tried)`;
    if (echoed) return ok("broker", `${words}; what it says at ${tried} arrives`);
    if (connection.protocolVersion === 5) return ok("broker", `${words}; it may speak at ${tried}`);
    return note(
      "broker",
      "DOCTOR_BROKER_ECHO",
      `${words}; what it said at ${tried} was acknowledged, but did not arrive`,
    );
  } catch (error) {
    return failed("broker", error);
  } finally {
    await connection?.close();
  }
}

/** Whether a message at one of this appliance's own topics comes back. @throws MqttError where the broker forbids it */
async function echo(connection: Connection, identity: Identity, nowMs: number): Promise<boolean> {
  const id = `doctor-${randomUUID()}`;
  const topic = replyTopicOf(identity, "doctor");
  const head = { id, utcMs: nowMs, topic, expiryS: PROBE_EXPIRY_S };
  const probe = makeMessage(identity, "reply", head, {
    ...{ id, command: "doctor", ok: true, code: null, message: "lv06 doctor asks whether this arrives" },
    ...NO_ANSWER,
    intendedUse: "research-only",
  });
  let heard = () => {};
  const arrived = new Promise<true>((resolve) => {
    heard = () => resolve(true);
  });
  // Who may write there need not be allowed to read.
  const listens = await connection
    .subscribe(topic, ({ payload }) => {
      if (Buffer.from(payload).includes(id)) heard();
    })
    .then(
      () => true,
      () => false,
    );
  await connection.publish(probe);
  return listens && (await Promise.race([arrived, after(ECHO_DEADLINE_MS)]));
}

function after(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms).unref());
}
