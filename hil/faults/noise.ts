/** Words on the line that nobody asked for. */
import type { Seeded } from "../../host/device/testing/seeded.ts";

/** What ModemManager sends to a new port. */
const PROBES = ["AT\r\n", "ATE0\r\nAT+CGMI\r\n", "AT+GCAP\r", "\r\nAT\r\n\x7e\x00\x78\xf0\x7e", "ATI\r\n"];

/** An ESP32-S3's ROM and second-stage bootloader, shortened. */
const BOOT_TEXT = [
  "ESP-ROM:esp32s3-20210327",
  "Build:Mar 27 2021",
  "rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)",
  "SPIWP:0xee",
  "mode:DIO, clock div:1",
  "load:0x3fce3810,len:0x178c",
  "entry 0x403c98ac",
  "\x1b[0;32mI (24) boot: ESP-IDF v5.5 2nd stage bootloader\x1b[0m",
  "",
].join("\r\n");

export const probe = (random: Seeded): Buffer => Buffer.from(random.pick(PROBES), "latin1");
export const bootText = (): Buffer => Buffer.from(BOOT_TEXT, "latin1");
