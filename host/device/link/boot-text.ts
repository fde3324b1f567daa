/** What the log of an ESP32 tells of its fate (SPEC.md §6). It explains; the boot id decides. */

export type BootText = "restarting" | "crashed" | "brownout" | "bootloader";

const CRASHES = ["Guru Meditation Error", "abort() was called", "assert failed"];

/** What a log line means; undefined for one that says nothing of the kind. */
export function bootText(line: string): BootText | undefined {
  if (line.includes("waiting for download")) return "bootloader";
  if (line.includes("Brownout detector was triggered")) return "brownout";
  if (CRASHES.some((words) => line.includes(words))) return "crashed";
  if (line.startsWith("ESP-ROM:") || line.includes("rst:0x")) return "restarting";
  return undefined;
}
