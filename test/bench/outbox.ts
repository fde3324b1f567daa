/** How fast a full outbox empties to Mosquitto on this machine: read, published, acknowledged, durably deleted. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeResultMessage } from "../../host/mqtt/envelope.ts";
import { OutboxPublisher } from "../../host/mqtt/publisher.ts";
import { makeClient, until } from "../../host/mqtt/testing/client.ts";
import { Mosquitto, RUN_MOSQUITTO } from "../../host/mqtt/testing/mosquitto.ts";
import * as samples from "../../host/mqtt/testing/samples.ts";
import { ResultStore } from "../../host/store/results.ts";
import { sampleVault } from "../../host/store/testing/vault.ts";
import { type BenchTools, median } from "./tools.ts";

const MESSAGES = 10_000;
/** Enqueued in one transaction. */
const GROUP = 500;
const ROUNDS = 3;
const GOAL_PER_S = 2000;

/** @param folder emptied */
export async function outboxFigures({ share, note, add }: BenchTools, folder: string): Promise<void> {
  if (!RUN_MOSQUITTO) {
    note("outbox → broker: left out, Mosquitto is not installed (apt-get install mosquitto)");
    return;
  }
  const count = Math.max(GROUP, Math.round(MESSAGES * share));
  note(`outbox → Mosquitto, ${count} results …`);
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    rates.push((count / (await drainMs(join(folder, "results.db"), count))) * 1000);
  }
  const rate = median(rates);
  add("outbox emptied to Mosquitto on loopback", rate, "messages/s", "≥ 2,000", rate >= GOAL_PER_S);
}

async function drainMs(path: string, count: number): Promise<number> {
  const store = new ResultStore({ path, vault: sampleVault(1), utcMs: Date.now });
  const broker = await Mosquitto.start();
  const client = makeClient(broker.url);
  const publisher = new OutboxPublisher({ store, client });
  try {
    await fill(store, count);
    client.start();
    await until(() => client.online);
    const startedMs = performance.now();
    publisher.start();
    await until(() => store.outbox.rows === 0);
    return performance.now() - startedMs;
  } finally {
    await publisher.stop();
    await client.stop();
    await broker.stop();
    store.close();
  }
}

async function fill(store: ResultStore, count: number): Promise<void> {
  const results = Array.from({ length: count }, (_, index) => {
    return makeResultMessage(samples.IDENTITY, { ...samples.result, resultId: `bench-${index}`, sequence: index + 1 });
  });
  for (let from = 0; from < count; from += GROUP) await store.enqueue(results.slice(from, from + GROUP));
}
