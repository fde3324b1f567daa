/** A client as the appliance makes it, with waits short enough for a test. */
import { MqttClient, type MqttClientOptions } from "../client.ts";
import { makeMessage } from "../envelope.ts";
import { clientIdOf } from "../topics.ts";
import * as samples from "./samples.ts";

export function makeClient(url: string, changes: Partial<MqttClientOptions> = {}): MqttClient {
  return new MqttClient({
    url,
    clientId: clientIdOf(samples.IDENTITY),
    connectDeadlineMs: 5000,
    ackDeadlineMs: 5000,
    status: (state) =>
      makeMessage(samples.IDENTITY, "status", { id: `status-${state}`, utcMs: 1 }, { ...samples.status, state }),
    announce: () => [
      makeMessage(samples.IDENTITY, "info", { id: "info-1", utcMs: 1 }, samples.info),
      makeMessage(samples.IDENTITY, "health", { id: "health-1", utcMs: 1 }, samples.health),
    ],
    random: () => 0.5,
    utcMs: () => 1,
    backoff: { firstMs: 50, capMs: 200 },
    ...changes,
  });
}

/** Resolves when `condition` holds; the test's own deadline bounds it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
