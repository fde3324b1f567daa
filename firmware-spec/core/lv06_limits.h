/* Sizes of the core. Each may be set on the compiler's command line. */
#ifndef LV06_LIMITS_H
#define LV06_LIMITS_H

#define LV06_PROTOCOL 1
#define LV06_DIGEST_SIZE 32
#define LV06_HEADER_SIZE 80   /* of a Bitcoin block */
#define LV06_IMAGE_SIDE 1024  /* most pixels of an image's width and height */
#define LV06_SCALE_MAX 64     /* largest side of a block of pixels */
#define LV06_SCALES_MAX 4     /* scales in one IMAGE ROOTS */
#define LV06_RATES_MAX 8
#define LV06_NAKS_A_SECOND 10 /* SPEC 4.3 */
#define LV06_START_RATE 115200u
#define LV06_FIRST_LINE 512u  /* longest line before HELLO was answered */

/* 1: the minimal profile, HELLO and HASH (SPEC 10). Then only the files that ../Makefile calls MINIMAL are needed. */
#ifndef LV06_MINIMAL
#define LV06_MINIMAL 0
#endif

#if LV06_MINIMAL
#define LV06_LIMIT(full, minimal) (minimal)
#else
#define LV06_LIMIT(full, minimal) (full)
#endif

#ifndef LV06_LINE_MAX /* longest line read, with its line feed: 512 to 65536 */
#define LV06_LINE_MAX LV06_LIMIT(2304, 512)
#endif
#ifndef LV06_REPLY_MAX /* longest line written, with its line feed: 512 to 65536 */
#define LV06_REPLY_MAX LV06_LIMIT(2304, 512)
#endif
#ifndef LV06_BLOCK_MAX /* longest block: 1 to 32768, and its digits fit a line */
#define LV06_BLOCK_MAX LV06_LIMIT(1024, 245)
#endif
#ifndef LV06_INFLATE_MAX /* most bytes one deflated payload may inflate to, up to 65536; 0: none is taken */
#define LV06_INFLATE_MAX LV06_LIMIT(8192, 0)
#endif
/* Credits of SPEC 4.1. The core works a line off as it is fed: it is the board that takes in this much meanwhile. */
#ifndef LV06_CREDIT_LINES
#define LV06_CREDIT_LINES LV06_LIMIT(64, 1)
#endif
#ifndef LV06_CREDIT_BYTES
#define LV06_CREDIT_BYTES LV06_LIMIT(16384, 512)
#endif
#ifndef LV06_AHEAD_BLOCKS /* most blocks hashed before IMAGE ROWS is answered: within 100 ms (SPEC 4.2), at 0.1 ms a block */
#define LV06_AHEAD_BLOCKS 512u
#endif
#ifndef LV06_WORK_POLL_MS /* how often a running search is looked at */
#define LV06_WORK_POLL_MS 10u
#endif

_Static_assert(LV06_LINE_MAX >= 512 && LV06_LINE_MAX <= 65536, "SPEC 9: a line");
_Static_assert(LV06_REPLY_MAX >= 512 && LV06_REPLY_MAX <= 65536, "SPEC 9: a line");
_Static_assert(LV06_BLOCK_MAX >= 1 && LV06_BLOCK_MAX <= 32768, "SPEC 9: a block");
_Static_assert(2 * LV06_BLOCK_MAX + 21 <= LV06_LINE_MAX, "a HASH of the longest block fits a line");
_Static_assert(LV06_INFLATE_MAX <= 65536, "SPEC 5.1: inflate");
_Static_assert(LV06_CREDIT_LINES >= 1 && LV06_CREDIT_LINES <= 1024, "SPEC 9: lines");
_Static_assert(LV06_CREDIT_BYTES >= LV06_LINE_MAX && LV06_CREDIT_BYTES <= 1048576, "SPEC 5.1: bytes");

#endif
