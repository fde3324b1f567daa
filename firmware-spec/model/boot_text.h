/* What an ESP32-S3 writes to its port when it starts or dies, and how its log lines look. */
#ifndef LV06_MODEL_BOOT_TEXT_H
#define LV06_MODEL_BOOT_TEXT_H

#include "board.h"

enum { MODEL_LOG_MAX = 128 };

/* Last words, if any, and the ROM's and bootloader's lines. */
const char *model_boot_text(model_boot_reason reason);
size_t model_text_length(const char *text);
/* `I (1234) words` and a line end. Returns its length, at most MODEL_LOG_MAX; cuts words that are too long. */
size_t model_log_line(uint8_t line[MODEL_LOG_MAX], unsigned level, uint64_t ms, const char *words);

#endif
