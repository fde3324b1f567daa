/*
 * The ASIC, borrowed from miner tasks. Not compiled against ESP-IDF, and not run on hardware, yet.
 * Functions: freertos/queue.h, esp_timer.h, esp_heap_caps.h (ESP-IDF 5.5).
 */
#include "esp_heap_caps.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "lv06_lease.h"

enum { WAITING_NEWS = 16 };

typedef struct {
  lv06_work_news what;
  lv06_nonce nonce;
} news;

struct lv06_lease {
  const lv06_miner *miner;
  QueueHandle_t queue; /* from the miner's tasks to ours */
  int64_t since_us;
};

static bool start(void *context, const lv06_job *job) {
  lv06_lease *lease = context;
  if (!lease->miner->borrow(lease->miner->context, job)) return false; /* a search that runs goes on */
  (void)xQueueReset(lease->queue); /* nonces of the search before; one of the new that is lost is followed by others */
  lease->since_us = esp_timer_get_time();
  return true;
}

static void stop(void *context) {
  const lv06_lease *lease = context;
  lease->miner->give_back(lease->miner->context);
}

static lv06_work_news poll(void *context, lv06_nonce *found) {
  const lv06_lease *lease = context;
  news next;
  if (xQueueReceive(lease->queue, &next, 0) != pdTRUE) return LV06_WORK_NOTHING;
  *found = next.nonce;
  return next.what;
}

static uint64_t hashes(void *context) {
  const lv06_lease *lease = context;
  double elapsed_us = (double)(esp_timer_get_time() - lease->since_us);
  double made = elapsed_us * 1e3 * (double)lease->miner->hashrate_ghs(lease->miner->context);
  return made > 0 ? (uint64_t)made : 0;
}

lv06_lease *lv06_lease_create(const lv06_miner *miner, lv06_board *board) {
  lv06_lease *lease = heap_caps_calloc(1, sizeof *lease, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
  if (lease == NULL) return NULL;
  lease->miner = miner;
  lease->queue = xQueueCreate(WAITING_NEWS, sizeof(news));
  if (lease->queue == NULL) {
    heap_caps_free(lease);
    return NULL;
  }
  board->work_start = start;
  board->work_stop = stop;
  board->work_poll = poll;
  board->work_hashes = hashes;
  board->work_context = lease;
  return lease;
}

void lv06_lease_nonce(lv06_lease *lease, uint32_t nonce, uint32_t version) {
  const news next = {LV06_WORK_NONCE, {nonce, version}};
  (void)xQueueSend(lease->queue, &next, 0);
}

void lv06_lease_failed(lv06_lease *lease) {
  const news next = {LV06_WORK_FAILED, {0, 0}};
  (void)xQueueSendToFront(lease->queue, &next, 0);
}
