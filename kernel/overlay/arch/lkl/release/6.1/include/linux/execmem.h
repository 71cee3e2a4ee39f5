/* SPDX-License-Identifier: GPL-2.0-only */
/* Not there before 6.10: what the port needs of it is in asm/release.h. */
#include <asm/release.h>
