/* Declarations as documented for ESP-IDF 5.5, for `make glue-check`. Not ESP-IDF, and good for nothing else. */
#pragma once
#ifdef CHECK_IDF6
#define ESP_IDF_VERSION_MAJOR 6
#else
#define ESP_IDF_VERSION_MAJOR 5
#endif
