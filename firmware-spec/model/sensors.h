/* What an LV06 at its stock 485 MHz and 1200 mV would read, drifting: invented, and always reported as simulated. */
#ifndef LV06_MODEL_SENSORS_H
#define LV06_MODEL_SENSORS_H

#include "../core/lv06.h"

typedef struct {
  uint64_t state;
  int64_t drift[LV06_SENSORS]; /* thousandths of the unit, from the nominal value */
} model_sensors;

void model_sensors_start(model_sensors *sensors, uint64_t seed);
/* Takes the next step of the drift. */
void model_sensors_read(model_sensors *sensors, lv06_readings *readings);

#endif
