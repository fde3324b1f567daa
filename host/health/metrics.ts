/** The health message as Prometheus metrics: made of the message, so that the two cannot disagree. */
import type { HealthData } from "../mqtt/messages.ts";
import { MetricSet } from "./metric-set.ts";
import { addReadings } from "./readings-metrics.ts";

/** Nothing in them names a patient or an image. */
export function metricsOf(health: HealthData): MetricSet {
  const set = new MetricSet();
  set.gauge("lv06_degraded", "Whether any alarm is raised", health.state !== "ok");
  set.gauge("lv06_failing", "Whether what comes in gets no answer", health.state === "failing");
  for (const mode of health.modes) set.gauge("lv06_mode", "What the appliance does without", 1, { mode });
  addSelfcheck(set, health);
  for (const code of health.alarms) set.gauge("lv06_alarm", "Alarms that are raised", 1, { code });
  addMachine(set, health);
  addParts(set, health);
  addDevice(set, health);
  for (const miner of health.miners) addMiner(set, miner);
  addSealing(set, health);
  addQueues(set, health);
  for (const [code, count] of Object.entries(health.errors)) {
    set.counter("lv06_errors_total", "Errors by code, since the appliance started", count, { code });
  }
  return set;
}

function addSelfcheck(set: MetricSet, { selfcheck }: HealthData): void {
  if (selfcheck === null) return;
  set.gauge("lv06_selfcheck_proven", "Whether the known answer was given lately", selfcheck.proven);
  set.gauge("lv06_selfcheck_timestamp_seconds", "Of the last check", inSeconds(selfcheck.utcMs));
  set.gauge("lv06_selfcheck_seconds", "How long it took", inSeconds(selfcheck.durationMs));
}

function addMachine(set: MetricSet, { process, machine, clock }: HealthData): void {
  set.gauge("lv06_process_uptime_seconds", "Since the appliance started", process.uptimeS);
  set.gauge("lv06_process_resident_bytes", "Memory of the main process", process.rssBytes);
  set.gauge("lv06_process_open_files", "Of the main process", process.openFiles);
  set.gauge("lv06_event_loop_delay_p99_seconds", "Since the last look", inSeconds(process.loopDelayP99Ms));
  set.gauge("lv06_machine_load1", "Load average over a minute", machine.load1);
  set.gauge("lv06_machine_cores", "Processor cores", machine.cores);
  set.gauge("lv06_machine_free_memory_bytes", "Free memory", machine.freeMemoryBytes);
  set.gauge("lv06_machine_disk_free_bytes", "Free space for results", machine.diskFreeBytes);
  set.gauge("lv06_machine_disk_bytes", "Size of the disk with the results", machine.diskTotalBytes);
  set.gauge("lv06_machine_cpu_temperature_celsius", "Of the processor", machine.cpuTempC);
  for (const flag of machine.throttled ?? []) set.gauge("lv06_machine_throttled", "Raspberry Pi flags", 1, { flag });
  set.gauge("lv06_clock_synced", "Whether the clock is synchronised", clock.synced ?? undefined);
}

function addParts(set: MetricSet, { parts, mqtt, pool }: HealthData): void {
  for (const [part, { state, restarts }] of Object.entries(parts)) {
    set.gauge("lv06_part_state", "The state that each part is in", 1, { part, state });
    set.counter("lv06_part_restarts_total", "Restarts of each part", restarts, { part });
  }
  set.gauge("lv06_broker_online", "Whether the broker is connected", mqtt.state === "online");
  set.counter("lv06_broker_connects_total", "Connections to the broker", mqtt.connects);
  if (pool === undefined) return;
  set.gauge("lv06_pool_listening", "Whether miners can connect", pool.state === "listening");
  set.gauge("lv06_pool_connections", "Connections to the pool", pool.connections);
  set.gauge("lv06_pool_joined", "Connections that have authorised themselves", pool.joined);
  for (const [reason, count] of Object.entries(pool.ends)) {
    set.counter("lv06_pool_ended_total", "Connections that ended, by reason", count, { reason });
  }
}

function addDevice(set: MetricSet, { device }: HealthData): void {
  const labels = { simulated: String(device.simulated), id: device.id ?? "" };
  set.gauge("lv06_device_present", "Whether a device serves", device.kind !== "none", { ...labels, kind: device.kind });
  set.gauge("lv06_device_resets", "Resets within the last hour", device.recovery?.resets, labels);
  addReadings(set, "lv06_device", device.readings, labels);
}

function addMiner(set: MetricSet, miner: HealthData["miners"][number]): void {
  const { worker, kind, simulated, state, alarms, readings, proven } = miner;
  const labels = { worker, kind, simulated: String(simulated) };
  set.gauge("lv06_miner_up", "Whether it answers", state === "unread" ? undefined : state !== "offline", labels);
  for (const code of alarms) set.gauge("lv06_miner_alarm", "Alarms that are raised", 1, { ...labels, code });
  addReadings(set, "lv06_miner", readings, labels);
  if (proven === null) return;
  const { connected, accepted, rejected, hashrateGhs, meanShareMs, lastShareUtcMs, bestDifficulty } = proven;
  set.gauge("lv06_miner_connected", "Whether it works for our pool", connected, labels);
  set.counter("lv06_miner_shares_accepted_total", "Shares that were verified", accepted, labels);
  set.counter("lv06_miner_shares_rejected_total", "Shares that were refused", rejected, labels);
  const hashes = hashrateGhs === undefined ? undefined : hashrateGhs * 1e9;
  set.gauge("lv06_miner_proven_hashes_per_second", "By its verified shares", hashes, labels);
  set.gauge("lv06_miner_share_seconds", "Mean wait for a share", inSeconds(meanShareMs), labels);
  set.gauge("lv06_miner_last_share_timestamp_seconds", "Of its last verified share", inSeconds(lastShareUtcMs), labels);
  set.gauge("lv06_miner_best_difficulty", "Of its verified shares", bestDifficulty, labels);
}

function addSealing(set: MetricSet, { sealing }: HealthData): void {
  set.gauge("lv06_sealing_state", "The state that sealing is in", 1, { state: sealing.state });
  set.gauge("lv06_sealing_waiting_results", "Results that wait for a seal", sealing.waiting);
  set.gauge("lv06_sealing_working_results", "Results that are being worked on", sealing.working);
  set.counter("lv06_seals_total", "Seals since the appliance was set up", sealing.seals);
  set.counter("lv06_sealed_results_total", "Results in them", sealing.sealedResults);
  const { lastSealUtcMs, expectedMs, energyPerSealJ, energySimulated } = sealing;
  set.gauge("lv06_last_seal_timestamp_seconds", "When the newest seal was made", inSeconds(lastSealUtcMs));
  set.gauge("lv06_seal_expected_seconds", "Mean wait for a seal", inSeconds(expectedMs));
  const simulated = String(energySimulated ?? false);
  set.gauge("lv06_seal_energy_joules", "Mean of the last seals, by the power that is reported", energyPerSealJ, {
    simulated,
  });
}

function addQueues(set: MetricSet, { store, encryption, outbox, queues, cache, inference }: HealthData): void {
  set.gauge("lv06_store_bytes", "Bytes of the database of results", store.bytes);
  set.gauge("lv06_store_bytes_max", "Bytes that it may take", store.maxBytes);
  set.gauge("lv06_store_last_sequence", "Number of the newest result", store.lastSequence);
  set.gauge("lv06_store_pruned_through", "Number of the newest result that was removed", store.prunedThrough);
  set.gauge("lv06_encryption_remaining_rows", "Rows that an older key encrypts", encryption.remaining);
  set.gauge("lv06_outbox_rows", "Messages that wait for the broker", outbox.rows);
  set.gauge("lv06_outbox_bytes", "Bytes of them", outbox.bytes);
  set.gauge("lv06_outbox_rows_max", "Messages that may wait", outbox.maxRows);
  set.gauge("lv06_outbox_bytes_max", "Bytes that may wait", outbox.maxBytes);
  for (const [queue, length] of Object.entries(queues)) set.gauge("lv06_queue_length", "What waits", length, { queue });
  set.counter("lv06_inference_restarts_total", "Restarts of the inference process", inference?.restarts);
  set.counter("lv06_cache_hits_total", "Found in the cache", cache?.hits);
  set.counter("lv06_cache_misses_total", "Not found in the cache", cache?.misses);
  set.counter("lv06_cache_damaged_total", "Found damaged", cache?.damaged);
  set.counter("lv06_cache_evicted_total", "Made room", cache?.evicted);
  set.counter("lv06_cache_failed_total", "Reads and writes that failed", cache?.failed);
  set.gauge("lv06_cache_entries", "Entries in the cache", cache?.entries);
  set.gauge("lv06_cache_bytes", "Bytes in the cache", cache?.bytes);
}

function inSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
