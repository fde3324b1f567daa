/** Figures of one moment, in the text format that Prometheus reads. */
import { Counter, Gauge, Registry } from "prom-client";

export type Labels = Readonly<Record<string, string>>;
/** Absent is not known, and then there is no such figure. */
export type Figure = number | boolean | undefined;

/** Made anew for each answer, so that nothing is left over of what is no longer true. */
export class MetricSet {
  readonly #registry = new Registry();
  readonly #gauges = new Map<string, Gauge>();
  readonly #counters = new Map<string, Counter>();

  gauge(name: string, help: string, value: Figure, labels: Labels = {}): void {
    if (value === undefined) return;
    const known = this.#gauges.get(name);
    const gauge = known ?? new Gauge({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] });
    this.#gauges.set(name, gauge);
    gauge.set({ ...labels }, Number(value));
  }

  /** Only ever goes up, until the appliance restarts. */
  counter(name: string, help: string, value: number | undefined, labels: Labels = {}): void {
    if (value === undefined) return;
    const known = this.#counters.get(name);
    const counter = known ?? new Counter({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] });
    this.#counters.set(name, counter);
    counter.inc({ ...labels }, value);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
