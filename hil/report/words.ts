/** How figures are written in reports. */

/** With three digits that count and the unit that fits: `42 µs`, `1.73 ms`, `2.1 s`. */
export function durationText(ms: number): string {
  if (ms < 0.9995) return `${threeDigits(ms * 1000)} µs`;
  if (ms < 999.5) return `${threeDigits(ms)} ms`;
  if (ms < 119_500) return `${threeDigits(ms / 1000)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value.toFixed(value >= 9.995 ? 1 : 2).replace(/\.?0+$/, "");
}

export function utcText(utcMs: number): string {
  return `${new Date(utcMs).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
