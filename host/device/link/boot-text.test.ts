import { expect, it } from "vitest";
import { bootText } from "./boot-text.ts";

it.each([
  ["ESP-ROM:esp32s3-20210327", "restarting"],
  ["rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)", "restarting"],
  ["Guru Meditation Error: Core  0 panic'ed (LoadProhibited).", "crashed"],
  ["abort() was called at PC 0x4037c3f5 on core 0", "crashed"],
  ["assert failed: xQueueSemaphoreTake queue.c:1549 (pxQueue)", "crashed"],
  ["Brownout detector was triggered", "brownout"],
  ["waiting for download", "bootloader"],
  ["I (312) cpu_start: Starting scheduler on PRO CPU.", undefined],
  ["see ESP-ROM:", undefined],
])("%s means %s", (line, meaning) => {
  expect(bootText(line)).toBe(meaning);
});
