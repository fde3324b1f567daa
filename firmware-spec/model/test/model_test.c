/* Tests of the model's parts. Everything random comes from seeds: they pass always or never. */
#include "check.h"

int main(void) {
  frame_tests();
  chip_tests();
  asic_tests();
  line_tests();
  pump_tests();
  glue_tests();
  puts("model: frames, chip, board, line, pump and glue pass");
  return 0;
}
