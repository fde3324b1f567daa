import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConfigSchema } from "../config/schema.ts";
import { makeMessage, makeResultMessage } from "../mqtt/envelope.ts";
import { until } from "../mqtt/testing/client.ts";
import * as samples from "../mqtt/testing/samples.ts";
import { ResultStore } from "../store/results.ts";
import { sampleVault } from "../store/testing/vault.ts";
import { Publishing } from "./publishing.ts";

let folder = "";
let store: ResultStore;
let publishing: Publishing;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "publishing-"));
  store = new ResultStore({ path: join(folder, "results.db"), vault: sampleVault(1), utcMs: () => 1 });
  const identity = samples.IDENTITY;
  publishing = new Publishing({
    ...{ config: { ...ConfigSchema.parse({}).mqtt, embeddedPort: 0 }, identity, version: "1", store },
    handlers: samples.handlers,
    status: (state) => makeMessage(identity, "status", { id: state, utcMs: 1 }, { ...samples.status, state }),
    announce: () => [],
    ...{ onChange: () => {}, parked: () => {}, commandRefused: () => {}, count: () => {} },
  });
});
afterEach(async () => {
  await publishing.stop();
  store.close();
  rmSync(folder, { recursive: true });
});

test("a stop does not wait for what was set aside", async () => {
  await store.enqueue([makeResultMessage(samples.IDENTITY, samples.result)]);
  const db = new DatabaseSync(join(folder, "results.db"));
  db.exec("UPDATE outbox SET payload = X'00'");
  db.close();
  await publishing.start();
  await until(() => publishing.parked === 1 && publishing.state?.state === "online");
  // Longer than this test may take.
  await publishing.drain(600_000);
  expect(store.outbox.rows).toBe(1);
});
