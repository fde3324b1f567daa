/** Listening as an outside client does: what the demonstration and the tests use. */
import {
  type Arrived,
  type BrokerAccess,
  type Connection,
  type ConnectionOptions,
  openConnection,
} from "./connection.ts";

export interface SubscriberOptions extends BrokerAccess {
  readonly url: string;
  readonly clientId: string;
  /** Topic filter. */
  readonly filter: string;
  readonly onMessage: (message: Arrived) => void;
}

const DEADLINES: Pick<ConnectionOptions, "connectDeadlineMs" | "ackDeadlineMs"> = {
  connectDeadlineMs: 10_000,
  ackDeadlineMs: 10_000,
};

/** Resolves once the subscription stands: messages published from now on arrive. @throws MqttError */
export async function subscribe({ filter, onMessage, ...options }: SubscriberOptions): Promise<Connection> {
  const connection = await openConnection({ ...DEADLINES, ...options }, 5);
  await connection.subscribe(filter, onMessage);
  return connection;
}
