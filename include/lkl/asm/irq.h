/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * asm/irq.h - interrupt lines for device models of a program's own
 *
 * There are none here: a wire (lkl/host_ops.h) or a netdev (lkl/netdev.h) tells the instance that packets have come.
 * Part of <lkl.h>.
 */
#ifndef LKL_ASM_IRQ_H
#define LKL_ASM_IRQ_H

#ifdef __cplusplus
extern "C" {
#endif

/* [any] -ENOSYS. */
int lkl_trigger_irq(int irq);
int lkl_get_free_irq(const char *user);
/* [any] Nothing. */
void lkl_put_irq(int irq, const char *user);

#ifdef __cplusplus
}
#endif

#endif /* LKL_ASM_IRQ_H */
