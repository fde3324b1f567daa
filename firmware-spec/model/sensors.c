#include "sensors.h"

#include <string.h>

typedef struct {
  int64_t nominal_milli;
  int64_t step_milli; /* largest change between two readings */
  int64_t range_milli;
} drift;

/* 485 MHz x 894 small cores = 433.6 GH/s; 5 V at 12.6 W draws 2.5 A. */
static const drift drifts[LV06_SENSORS] = {
    [LV06_TEMP_C] = {58000, 300, 4000},
    [LV06_VR_TEMP_C] = {62000, 300, 4000},
    [LV06_POWER_W] = {12500, 60, 450},
    [LV06_CORE_MV] = {1200000, 1000, 6000},
    [LV06_INPUT_MV] = {5040000, 5000, 40000},
    [LV06_CURRENT_MA] = {0, 0, 0},
    [LV06_FREQUENCY_MHZ] = {485000, 0, 0},
    [LV06_HASHRATE_GHS] = {433600, 1500, 9000},
    [LV06_FAN_RPM] = {4200000, 30000, 300000},
    [LV06_FREE_HEAP_B] = {182000000, 512000, 9000000},
};

/* SplitMix64. */
static uint64_t next(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static int64_t within(int64_t value, int64_t range) {
  if (value > range) return range;
  return value < -range ? -range : value;
}

void model_sensors_start(model_sensors *sensors, uint64_t seed) {
  memset(sensors, 0, sizeof *sensors);
  sensors->state = seed;
}

void model_sensors_read(model_sensors *sensors, lv06_readings *readings) {
  for (size_t i = 0; i < LV06_SENSORS; i++) {
    int64_t span = 2 * drifts[i].step_milli + 1;
    int64_t step = (int64_t)(next(&sensors->state) % (uint64_t)span) - drifts[i].step_milli;
    sensors->drift[i] = within(sensors->drift[i] + step, drifts[i].range_milli);
    readings->milli[i] = drifts[i].nominal_milli + sensors->drift[i];
    readings->known[i] = true;
  }
  /* Whole rpm, mV and bytes, as the parts report them. */
  readings->milli[LV06_CORE_MV] -= readings->milli[LV06_CORE_MV] % 1000;
  readings->milli[LV06_INPUT_MV] -= readings->milli[LV06_INPUT_MV] % 1000;
  readings->milli[LV06_FAN_RPM] -= readings->milli[LV06_FAN_RPM] % 1000;
  readings->milli[LV06_FREE_HEAP_B] -= readings->milli[LV06_FREE_HEAP_B] % 1000;
  readings->milli[LV06_CURRENT_MA] =
      readings->milli[LV06_POWER_W] * 1000 / (readings->milli[LV06_INPUT_MV] / 1000) * 1000;
  readings->reset_reason = "power-on";
}
