/* SPDX-License-Identifier: GPL-2.0-only */
/* Its place before 6.12. */
#include <asm/unaligned.h>
