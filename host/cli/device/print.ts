/** Names and values in two columns. What is absent is left out. */
export function fields(document: object): string[] {
  const entries = Object.entries(document).filter(([, value]) => value !== undefined && value !== null);
  const width = Math.max(0, ...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${Array.isArray(value) ? value.join(", ") : value}`);
}

/** What a simulated device did is never passed off as hardware's. */
export function simulatedMark(simulated: boolean): string {
  return simulated ? " (simulated device)" : "";
}
