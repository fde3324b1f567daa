/** What shows that the appliance serves: the check by a known answer, and where figures and verdict are served. */
import { randomBytes } from "node:crypto";
import type { Config } from "../config/schema.ts";
import { MetricsServer, type MetricsSource } from "../health/metrics-server.ts";
import { serviceManager } from "../health/service-manager.ts";
import type { HealthData } from "../mqtt/messages.ts";
import type { ConfiguredDevice } from "./device.ts";
import { parseEndpoint } from "./endpoint.ts";
import type { Happenings } from "./happenings.ts";
import type { Images } from "./images.ts";
import { KnownAnswer } from "./known-answer.ts";
import { knownLogit } from "./known-logits.ts";
import { Selfcheck } from "./selfcheck.ts";
import type { Part } from "./supervisor.ts";

const monotonicMs = () => performance.now();

export function makeKnownAnswer({ model }: Config, images: Images, usb: ConfiguredDevice): KnownAnswer {
  return new KnownAnswer({
    rasterise: (bytes) => images.rasteriser.rasterise(bytes),
    model: () => images.model.get(),
    known: (served) => knownLogit(model.dir, served),
    device: () => usb.hashing(),
    judged: (device, judgement) => usb.judged(device, judgement),
    monotonicMs,
    random: randomBytes,
  });
}

export interface SelfcheckHearers {
  readonly known: KnownAnswer;
  readonly happenings: Happenings;
  /** After each check. */
  readonly checked: () => void;
  /** The last one; undefined before the first. */
  readonly health: () => HealthData | undefined;
}

export function makeSelfcheck({ health }: Config, { known, happenings, ...heard }: SelfcheckHearers): Selfcheck {
  return new Selfcheck({
    check: () => known.check(),
    service: serviceManager(process.env, process.pid),
    intervalMs: health.selfcheckIntervalS * 1000,
    monotonicMs,
    utcMs: Date.now,
    status: () => heard.health()?.modes.join(", ") || "serves",
    checked: (report) => {
      happenings.selfchecked(report);
      heard.checked();
    },
    failed: (error) => happenings.failed("systemd", error),
  });
}

/** Undefined where none are to be served. */
export function metricsPart({ metrics }: Config, source: MetricsSource): Part | undefined {
  const endpoint = parseEndpoint(metrics.listen ?? "", 0);
  if (endpoint === undefined) return undefined;
  let server: MetricsServer | undefined;
  return {
    name: "metrics",
    start: async () => {
      server = await MetricsServer.listen({ ...endpoint, ...source });
    },
    stop: () => server?.stop(),
  };
}
