/* SPDX-License-Identifier: GPL-2.0-only */
/* Its place before 6.5. */
#include <linux/netdevice.h>
#include <linux/skbuff.h>
