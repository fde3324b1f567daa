/* Declarations as documented for ESP-IDF 5.5, for `make glue-check`. Not ESP-IDF, and good for nothing else. */
#pragma once
#include "freertos/FreeRTOS.h"
typedef void (*TaskFunction_t)(void *);
typedef struct tskTaskControlBlock *TaskHandle_t;
BaseType_t xTaskCreate(TaskFunction_t code, const char *name, uint32_t stack_bytes, void *argument, UBaseType_t priority,
                       TaskHandle_t *created);
void vTaskDelay(TickType_t ticks);
