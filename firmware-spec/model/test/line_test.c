/* Rates: what they do to bytes, and how exactly they are kept. */
#include "../garble.h"
#include "../lane.h"
#include "check.h"

static void rates_that_agree_read_right(void) {
  static const uint32_t rates[][2] = {{115200, 115200}, {921600, 921600}, {115200, 117500}, {117500, 115200}};
  uint8_t out[8];
  for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
    for (unsigned byte = 0; byte < 256; byte++) {
      CHECK(model_garble((uint8_t)byte, rates[i][0], rates[i][1], out, sizeof out) == 1 && out[0] == byte);
    }
  }
}

static void rates_that_differ_read_wrong(void) {
  static const uint32_t rates[][2] = {
      {115200, 921600}, {921600, 115200}, {460800, 921600}, {115200, 460800}, {9600, 115200}};
  uint8_t out[256];
  for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
    unsigned right = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
      size_t length = model_garble((uint8_t)byte, rates[i][0], rates[i][1], out, sizeof out);
      right += length == 1 && out[0] == byte;
    }
    CHECK(right <= 4);
  }
}

static void noise_keeps_within_its_buffer(void) {
  uint8_t out[4] = {0, 0, 0, 0xaa};
  CHECK(model_garble(0x55, 300, 921600, out, 3) == 3 && out[3] == 0xaa);
  CHECK(model_garble(0x55, 300, 921600, out, 0) == 0);
}

static void a_line_keeps_its_rate_however_late_it_is_served(void) {
  static const uint32_t rates[] = {115200, 921600, 12160000};
  for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
    lane line = {0, 0};
    uint64_t bytes = 0;
    const int64_t start_ns = 5000;
    while (bytes < 40u * rates[i] / 10u) {
      lane_move(&line, rates[i], start_ns, lane_packet(rates[i]));
      bytes += lane_packet(rates[i]);
    }
    double ideal_ns = (double)bytes * 1e10 / rates[i];
    double error_ns = (double)(lane_due_ns(&line, rates[i]) - start_ns) - ideal_ns;
    CHECK(error_ns < 1000 && error_ns > -1000);
  }
}

static void an_idle_line_begins_when_there_is_something_to_move(void) {
  lane line = {0, 0};
  lane_move(&line, 115200, 1000000, 1);
  CHECK(lane_due_ns(&line, 115200) == 1000000 + 86805);
  lane_move(&line, 115200, 1000000000, 1);
  CHECK(lane_due_ns(&line, 115200) == 1000000000 + 86805);
}

void line_tests(void) {
  rates_that_agree_read_right();
  rates_that_differ_read_wrong();
  noise_keeps_within_its_buffer();
  a_line_keeps_its_rate_however_late_it_is_served();
  an_idle_line_begins_when_there_is_something_to_move();
}
