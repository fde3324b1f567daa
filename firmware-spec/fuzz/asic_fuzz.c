/* Bytes from a BM1366: no nonce without a checksum, and every whole frame behind noise is read. */
#include <string.h>

#include "../esp-idf/include/lv06_asic_frame.h"
#include "oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lv06_asic_reader reader = {0};
  lv06_asic_nonce found = {0};
  uint8_t window[LV06_ASIC_RESULT_FRAME] = {0};
  for (size_t i = 0; i < size; i++) {
    memmove(window, window + 1, sizeof window - 1);
    window[sizeof window - 1] = data[i];
    bool told = lv06_asic_read(&reader, data[i], &found);
    DEMAND(reader.length < LV06_ASIC_RESULT_FRAME, "the reader holds less than a frame between two bytes");
    if (!told) continue;
    DEMAND(window[0] == 0xaa && window[1] == 0x55 && lv06_asic_crc5(window + 2, 9) == 0 && (window[10] & 0x80) != 0,
           "a nonce comes from a frame with its checksum");
    DEMAND(found.slot < LV06_ASIC_JOB_IDS, "the slot is one of sixteen");
  }
  if (size >= LV06_ASIC_JOB_FRAME) {
    uint8_t frame[LV06_ASIC_JOB_FRAME];
    lv06_asic_job_frame(frame, data[80], data, 0x1fffe000u);
    DEMAND(lv06_asic_crc16(frame + 2, LV06_ASIC_JOB_FRAME - 2) == 0, "a job has its checksum");
  }
  return 0;
}
