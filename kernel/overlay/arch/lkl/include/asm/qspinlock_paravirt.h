/* SPDX-License-Identifier: GPL-2.0-only */
/* The generic unlock of kernel/locking/qspinlock_paravirt.h will do. */
