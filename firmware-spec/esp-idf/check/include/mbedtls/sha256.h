/* Declarations as documented for ESP-IDF 5.5, for `make glue-check`. Not ESP-IDF, and good for nothing else. */
#pragma once
#include <stddef.h>
int mbedtls_sha256(const unsigned char *input, size_t ilen, unsigned char *output, int is224);
