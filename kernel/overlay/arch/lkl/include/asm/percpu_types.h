/* SPDX-License-Identifier: GPL-2.0-only */
/* Asked for by releases from 6.15 on; older ones have no such file, and don't ask. */
#include "../../../x86/include/asm/percpu_types.h"
