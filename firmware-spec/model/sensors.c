#include "sensors.h"

#include "../core/mem.h"
#include "random.h"

static const double heat_us = 45e6, rate_us = 60e6; /* time constants */

/* 5 V: 13 W draw 2.6 A. */
static const struct {
  int64_t idle_milli, work_milli;
  int64_t step_milli, range_milli; /* of the drift: largest change between two readings, and from the nominal value */
} nominal[LV06_SENSORS] = {
    [LV06_TEMP_C] = {37000, 58000, 300, 3000},
    [LV06_VR_TEMP_C] = {39000, 62000, 300, 3000},
    [LV06_POWER_W] = {4200, 12600, 60, 400},
    [LV06_CORE_MV] = {1204000, 1198000, 1000, 5000},
    [LV06_INPUT_MV] = {5090000, 5030000, 5000, 30000},
    [LV06_FAN_RPM] = {2600000, 4200000, 30000, 250000},
    [LV06_FREE_HEAP_B] = {182000000, 181000000, 512000, 9000000},
};

static const double small_cores = 894;

void model_sensors_start(model_sensors *sensors, uint64_t seed, double hashrate_ghs) {
  memset(sensors, 0, sizeof *sensors);
  sensors->random = seed;
  sensors->hashrate_ghs = hashrate_ghs;
}

void model_sensors_restart(model_sensors *sensors) {
  sensors->load = 0;
  sensors->rate = 0;
}

/* First-order lag; the step of an implicit Euler, which is stable however much time has passed. */
static double follow(double value, double to, double passed_us, double constant_us) {
  return value + (to - value) * passed_us / (passed_us + constant_us);
}

void model_sensors_load(model_sensors *sensors, uint64_t now_us, double load) {
  double passed_us = now_us > sensors->at_us ? (double)(now_us - sensors->at_us) : 0;
  sensors->heat = follow(sensors->heat, sensors->load, passed_us, heat_us);
  sensors->rate = follow(sensors->rate, sensors->load, passed_us, rate_us);
  sensors->at_us = now_us;
  sensors->load = load;
}

static int64_t within(int64_t value, int64_t range) {
  if (value > range) return range;
  return value < -range ? -range : value;
}

static double share(const model_sensors *sensors, size_t sensor) {
  bool at_once = sensor == LV06_POWER_W || sensor == LV06_CORE_MV || sensor == LV06_INPUT_MV;
  return at_once ? sensors->load : sensors->heat;
}

void model_sensors_read(model_sensors *sensors, uint64_t now_us, lv06_readings *readings) {
  model_sensors_load(sensors, now_us, sensors->load);
  for (size_t i = 0; i < LV06_SENSORS; i++) {
    if (nominal[i].idle_milli == 0) continue;
    int64_t step = (int64_t)model_random_below(&sensors->random, (uint32_t)(2 * nominal[i].step_milli + 1));
    sensors->drift[i] = within(sensors->drift[i] + step - nominal[i].step_milli, nominal[i].range_milli);
    double range = (double)(nominal[i].work_milli - nominal[i].idle_milli);
    readings->milli[i] = nominal[i].idle_milli + (int64_t)(range * share(sensors, i)) + sensors->drift[i];
    readings->known[i] = true;
  }
  /* Whole rpm, mV, mA and bytes, as the parts report them. */
  static const size_t whole[] = {LV06_CORE_MV, LV06_INPUT_MV, LV06_FAN_RPM, LV06_FREE_HEAP_B};
  for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
    readings->milli[whole[i]] -= readings->milli[whole[i]] % 1000;
  }
  readings->milli[LV06_CURRENT_MA] =
      readings->milli[LV06_POWER_W] * 1000 / (readings->milli[LV06_INPUT_MV] / 1000) * 1000;
  readings->milli[LV06_FREQUENCY_MHZ] = (int64_t)(sensors->hashrate_ghs * 1e3 / small_cores + 0.5) * 1000;
  readings->milli[LV06_HASHRATE_GHS] = (int64_t)(sensors->hashrate_ghs * 1e3 * sensors->rate);
  readings->known[LV06_CURRENT_MA] = readings->known[LV06_FREQUENCY_MHZ] = readings->known[LV06_HASHRATE_GHS] = true;
}
