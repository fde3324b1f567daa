#include "boot_text.h"

#define ROM(reset)                                   \
  "ESP-ROM:esp32s3-20210327\r\n"                     \
  "Build:Mar 27 2021\r\n"                            \
  "rst:" reset ",boot:0x8 (SPI_FAST_FLASH_BOOT)\r\n" \
  "SPIWP:0xee\r\n"                                   \
  "mode:DIO, clock div:1\r\n"                        \
  "load:0x3fce3810,len:0x178c\r\n"                   \
  "load:0x403c9700,len:0x4\r\n"                      \
  "load:0x403c9704,len:0xcbc\r\n"                    \
  "load:0x403cc700,len:0x2da0\r\n"                   \
  "entry 0x403c9914\r\n"                             \
  "I (26) boot: chip revision: v0.2\r\n"             \
  "I (31) boot: simulated: this is a model\r\n"

#define PANIC                                                                                     \
  "\r\nGuru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.\r\n"    \
  "\r\n"                                                                                          \
  "Core  0 register dump:\r\n"                                                                    \
  "PC      : 0x42012a3e  PS      : 0x00060630  A0      : 0x8201f0c4  A1      : 0x3fcebf10\r\n"    \
  "EXCVADDR: 0x00000000  LBEG    : 0x400570e8  LEND    : 0x400570f3  LCOUNT  : 0x00000000\r\n"    \
  "\r\n"                                                                                          \
  "Backtrace: 0x42012a3b:0x3fcebf10 0x4201f0c1:0x3fcebf30 0x42009d12:0x3fcebf60\r\n"              \
  "\r\n"                                                                                          \
  "Rebooting...\r\n"

const char *model_boot_text(model_boot_reason reason) {
  switch (reason) {
  case MODEL_BROWNOUT:
    return "\r\nBrownout detector was triggered\r\n\r\n" ROM("0xf (BROWNOUT_RST)");
  case MODEL_PANIC:
    return PANIC ROM("0xc (RTC_SW_CPU_RST)");
  case MODEL_SOFTWARE:
    return ROM("0xc (RTC_SW_CPU_RST)");
  case MODEL_POWER_ON:
  case MODEL_BOOT_REASONS:
    break;
  }
  return ROM("0x1 (POWERON)");
}

size_t model_text_length(const char *text) {
  size_t length = 0;
  while (text[length] != '\0') length++;
  return length;
}

static size_t put_number(uint8_t *to, uint64_t value) {
  uint8_t digits[20];
  size_t count = 0;
  do {
    digits[count++] = (uint8_t)('0' + value % 10u);
    value /= 10u;
  } while (value > 0);
  for (size_t i = 0; i < count; i++) to[i] = digits[count - 1u - i];
  return count;
}

size_t model_log_line(uint8_t line[MODEL_LOG_MAX], unsigned level, uint64_t ms, const char *words) {
  size_t length = 0;
  line[length++] = (uint8_t)" EWIDV"[level];
  line[length++] = ' ';
  line[length++] = '(';
  length += put_number(line + length, ms);
  line[length++] = ')';
  line[length++] = ' ';
  while (*words != '\0' && length < MODEL_LOG_MAX - 2u) line[length++] = (uint8_t)*words++;
  line[length++] = '\r';
  line[length++] = '\n';
  return length;
}
