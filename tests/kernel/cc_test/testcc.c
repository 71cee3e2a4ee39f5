// SPDX-License-Identifier: GPL-2.0-only
/*
 * testcc.c - a congestion control of one idea: the window is `window_pkts`, whatever happens
 *
 * For tests of module loading: it touches parameters (writable, and read-only counters), the registration table, a
 * per-CPU variable of its own and inline functions of the kernel's headers.
 */
#include <linux/module.h>
#include <linux/percpu.h>
#include <net/tcp.h>

static unsigned int window_pkts = 20;
module_param(window_pkts, uint, 0644);
MODULE_PARM_DESC(window_pkts, "congestion window in packets");

static DEFINE_PER_CPU(unsigned long, acks);

static int acks_get(char *buf, const struct kernel_param *param)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu(acks, cpu);
	return sysfs_emit(buf, "%lu\n", sum);
}

static const struct kernel_param_ops acks_ops = { .get = acks_get };
module_param_cb(acks, &acks_ops, NULL, 0444);
MODULE_PARM_DESC(acks, "times that congestion avoidance was asked");

static void testcc_init_sock(struct sock *sk)
{
	tcp_snd_cwnd_set(tcp_sk(sk), window_pkts);
}

static void testcc_cong_avoid(struct sock *sk, u32 ack, u32 acked)
{
	this_cpu_inc(acks);
	tcp_snd_cwnd_set(tcp_sk(sk), window_pkts);
}

static u32 testcc_ssthresh(struct sock *sk)
{
	return max(window_pkts, 2U);
}

static u32 testcc_undo_cwnd(struct sock *sk)
{
	return window_pkts;
}

static struct tcp_congestion_ops testcc = {
	.name = "testcc",
	.owner = THIS_MODULE,
	.flags = TCP_CONG_NON_RESTRICTED,
	.init = testcc_init_sock,
	.ssthresh = testcc_ssthresh,
	.cong_avoid = testcc_cong_avoid,
	.undo_cwnd = testcc_undo_cwnd,
};

static int __init testcc_module_init(void)
{
	return window_pkts ? tcp_register_congestion_control(&testcc) : -ERANGE;
}

static void __exit testcc_module_exit(void)
{
	tcp_unregister_congestion_control(&testcc);
}

module_init(testcc_module_init);
module_exit(testcc_module_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Congestion control with a fixed window, for tests");
