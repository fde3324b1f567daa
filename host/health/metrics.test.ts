import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { errorCode } from "../base/error.ts";
import type { HealthData } from "../mqtt/messages.ts";
import { metricsOf } from "./metrics.ts";
import { MetricsServer } from "./metrics-server.ts";
import { HEALTH as sample } from "./testing/sample.ts";

/** The text format, strictly: a help and a type before the samples of each name, no name twice, no sample twice. */
function parse(text: string): Map<string, number> {
  expect(text.endsWith("\n")).toBe(true);
  const [types, samples] = [new Map<string, string>(), new Map<string, number>()];
  for (const line of text.split("\n").filter((line) => line !== "")) {
    const about = /^# (HELP|TYPE) (lv06_[a-z0-9_]+) (.+)$/.exec(line);
    if (about?.[1] === "TYPE") expect(types.has(about[2] ?? "")).toBe(false);
    if (about?.[1] === "TYPE") types.set(about[2] ?? "", about[3] ?? "");
    if (about !== null) continue;
    const label = '[a-z]+="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
    const found = new RegExp(`^(lv06_[a-z0-9_]+)(\\{${label}(?:,${label})*\\})? (-?[0-9.e+-]+)$`).exec(line);
    expect(found, line).not.toBeNull();
    const [, name = "", labels = "", value = ""] = found ?? [];
    expect(types.get(name), name).toBe(name.endsWith("_total") ? "counter" : "gauge");
    expect(samples.has(name + labels)).toBe(false);
    samples.set(name + labels, Number(value));
  }
  return samples;
}

const scrape = async (data: HealthData) => parse(await metricsOf(data).text());

describe("the figures", () => {
  test("are those of the health message, in base units", async () => {
    const found = await scrape(sample);
    const miner = '{worker="lv06.a",kind="axeos",simulated="false"}';
    expect(Object.fromEntries(found)).toMatchObject({
      lv06_degraded: 1,
      'lv06_alarm{code="DEVICE_ABSENT"}': 1,
      lv06_event_loop_delay_p99_seconds: 0.0112,
      'lv06_errors_total{code="RASTER_TRUNCATED"}': 2,
      'lv06_device_temperature_celsius{simulated="true",id="lv06-model-1"}': 51.2,
      'lv06_device_input_volts{simulated="true",id="lv06-model-1"}': 5.0625,
      [`lv06_miner_temperature_celsius${miner}`]: 61.5,
      [`lv06_miner_fan_rpm${miner}`]: 0,
      [`lv06_miner_on_fallback_pool${miner}`]: 0,
      [`lv06_miner_shares_accepted_total${miner}`]: 12,
      [`lv06_miner_proven_hashes_per_second${miner}`]: 441.2e9,
      'lv06_miner_up{worker="s9",kind="s9",simulated="false"}': 0,
      lv06_last_seal_timestamp_seconds: 1_700_000_000.5,
      'lv06_pool_ended_total{reason="closed-by-peer"}': 2,
      lv06_seals_total: 3,
      lv06_seal_expected_seconds: 2.3,
      'lv06_seal_energy_joules{simulated="false"}': 31.2,
    });
  });

  test("of a miner that nobody reads do not say whether it is up", async () => {
    expect([...(await scrape(sample)).keys()].filter((name) => name.includes('worker="x"'))).toEqual([]);
  });

  test("of what is not known are absent, never 0", async () => {
    const { pool: _, ...rest } = sample;
    const { state, waiting, working, seals, sealedResults, head } = sample.sealing;
    const sealing = { state, waiting, working, seals, sealedResults, head };
    const clock = { synced: null, stepped: false };
    const found = await scrape({ ...rest, sealing, clock, cache: null, machine: { cores: 4 }, miners: [] });
    const unknown = /pool|miner|cache|cpu|disk|load|expected|energy|clock_synced|last_seal/;
    expect([...found.keys()].filter((name) => unknown.test(name))).toEqual([]);
  });

  test("keep apart what has quotes, backslashes and line ends in its name", async () => {
    const [first] = sample.miners;
    if (first === undefined) throw new Error("no sample");
    const found = await scrape({ ...sample, miners: ['a"b', "a\\b", "a\nb"].map((worker) => ({ ...first, worker })) });
    expect([...found.keys()].filter((name) => name.startsWith("lv06_miner_connected"))).toHaveLength(3);
  });
});

describe("the server", () => {
  let server: MetricsServer | undefined;
  let health: HealthData | undefined = sample;
  let proven = true;

  const at = async (path: string, options: RequestInit = {}) => {
    server ??= await MetricsServer.listen({ host: "127.0.0.1", port: 0, health: () => health, proven: () => proven });
    return fetch(`http://127.0.0.1:${server.port}${path}`, options);
  };

  afterEach(async () => {
    [health, proven] = [sample, true];
    await server?.stop();
    server = undefined;
  });

  test("answers a scrape with what the health message says at that moment", async () => {
    const first = await at("/metrics");
    expect(first.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(parse(await first.text()).get("lv06_sealing_waiting_results")).toBe(12);
    health = { ...sample, sealing: { ...sample.sealing, waiting: 5 }, alarms: [], state: "ok" };
    const second = parse(await (await at("/metrics")).text());
    expect(second.get("lv06_sealing_waiting_results")).toBe(5);
    expect([...second.keys()].some((name) => name.startsWith("lv06_alarm"))).toBe(false);
  });

  test("says before the first health message that there is nothing yet", async () => {
    health = undefined;
    expect((await at("/metrics")).status).toBe(503);
  });

  test("is ready only while images are proven to be served right", async () => {
    expect((await at("/ready")).status).toBe(200);
    health = { ...sample, state: "failing", modes: ["refusing-work"] };
    expect((await at("/ready")).status).toBe(200);
    proven = false;
    expect((await at("/ready")).status).toBe(503);
  });

  test("is well only while it also takes new images, and says what it does without", async () => {
    const well = await at("/health");
    expect(well.status).toBe(200);
    expect(await well.json()).toEqual({ proven: true, state: "degraded", modes: ["software-only"] });
    health = { ...sample, state: "failing", modes: ["refusing-work"] };
    expect((await at("/health")).status).toBe(503);
    health = sample;
    proven = false;
    expect((await at("/health")).status).toBe(503);
    [health, proven] = [undefined, true];
    expect((await at("/health")).status).toBe(503);
  });

  test.each([
    ["GET", "/"],
    ["POST", "/health"],
    ["GET", "/metrics/"],
    ["GET", "/metrics?x"],
    ["HEAD", "/metrics"],
    ["POST", "/metrics"],
    ["DELETE", "/metrics"],
  ])("refuses %s %s", async (method, path) => {
    expect((await at(path, { method })).status).toBe(404);
  });

  test("takes no longer headers than a scraper's", async () => {
    expect((await at("/metrics", { headers: { "X-Long": "x".repeat(9000) } })).status).toBe(431);
  });

  test("refuses more connections than it has room for, and serves again once there is room", async () => {
    await at("/metrics");
    const port = server?.port ?? 0;
    const sockets = Array.from({ length: 40 }, () => connect(port, "127.0.0.1"));
    const refused = await new Promise<number>((resolve) => {
      let ended = 0;
      for (const socket of sockets) {
        socket.on("error", () => {});
        socket.on("close", () => {
          ended += 1;
          if (ended === 24) resolve(ended);
        });
      }
    });
    expect(refused).toBe(24);
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await at("/metrics").catch(() => undefined))?.status).toBe(200);
  });

  test("names an address that it cannot have", async () => {
    await at("/metrics");
    const taken = { host: "127.0.0.1", port: server?.port ?? 0 };
    const again = MetricsServer.listen({ ...taken, health: () => sample, proven: () => true });
    expect(errorCode(await again.catch((error: unknown) => error))).toBe("METRICS_LISTEN");
  });

  test("stops amid a request", async () => {
    await at("/metrics");
    const socket = connect(server?.port ?? 0, "127.0.0.1");
    const closed = new Promise((resolve) => socket.on("close", resolve));
    await new Promise((resolve) => socket.on("connect", resolve));
    await new Promise((resolve) => socket.write("GET /metrics HTTP/1.1\r\n", resolve));
    await at("/metrics");
    await server?.stop();
    await closed;
  });
});
