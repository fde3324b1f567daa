#ifndef LV06_CRC32_H
#define LV06_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 as in IEEE 802.3 and zlib: reflected, polynomial EDB88320, start and final XOR FFFFFFFF. */
uint32_t lv06_crc32(const uint8_t *bytes, size_t length);

#endif
