/*
 * What an LV06 at 1200 mV would read, idle and at work, drifting: invented, and always reported as simulated. Heat and
 * power follow the work with a delay, as they do on a board with a heat sink.
 */
#ifndef LV06_MODEL_SENSORS_H
#define LV06_MODEL_SENSORS_H

#include "../core/lv06.h"

typedef struct {
  uint64_t random;
  uint64_t at_us;      /* of the last step */
  double load;         /* 0 to 1: share of the clock that works, now */
  double heat, rate;   /* the same, as temperature and as rate over the last minutes follow it */
  double hashrate_ghs; /* at full work */
  int64_t drift[LV06_SENSORS]; /* thousandths of the unit */
} model_sensors;

void model_sensors_start(model_sensors *sensors, uint64_t seed, double hashrate_ghs);
/* A restart: the board stays as warm as it was, and forgets its hash rate. */
void model_sensors_restart(model_sensors *sensors);
/* Lets time pass under the load that there was, and sets the load from now on. */
void model_sensors_load(model_sensors *sensors, uint64_t now_us, double load);
/* Takes the next step of the drift. Leaves errors and reset reason to the caller. */
void model_sensors_read(model_sensors *sensors, uint64_t now_us, lv06_readings *readings);

#endif
