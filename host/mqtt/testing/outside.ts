/** A subscriber that shares no code with ours: MQTT.js by itself, with a session that the broker keeps. */
import mqtt from "mqtt";

export interface Outside {
  /** Payloads in the order of arrival, redeliveries included. */
  readonly payloads: Buffer[];
  readonly topics: string[];
  readonly packets: mqtt.IPublishPacket[];
  end(): Promise<void>;
}

export async function listenOutside(url: string, filter: string, protocolVersion: 4 | 5): Promise<Outside> {
  const client = await mqtt.connectAsync(url, {
    protocolVersion,
    clientId: `outside-${Math.random().toString(16).slice(2)}`,
    clean: false,
    reconnectPeriod: 50,
    ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {}),
  });
  const outside: Outside = { payloads: [], topics: [], packets: [], end: () => client.endAsync(true) };
  client.on("error", () => {});
  client.on("message", (topic, payload, packet) => {
    outside.payloads.push(payload);
    outside.topics.push(topic);
    outside.packets.push(packet);
  });
  await client.subscribeAsync(filter, { qos: 1 });
  return outside;
}
