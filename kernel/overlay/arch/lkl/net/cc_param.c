// SPDX-License-Identifier: GPL-2.0-only
/*
 * cc_param.c - parameters of a congestion control per connection
 *
 * TCP_CONGESTION selects an algorithm and hands it nothing else; module parameters are the same for all connections. So the
 * port has one call more, lkl_cc_param(fd, key, value): the algorithms of cc/ register a table of keys (asm/cc_param.h), and
 * the call reaches the state of one connection, under its lock. The kernel's own algorithms have no table: -EOPNOTSUPP.
 *
 * A connection's state begins when it is established: before, there is -ENOTCONN. It ends with the connection, or when
 * another algorithm is selected.
 *
 * /proc/lkl_cc_params lists all keys.
 *
 * The list is short (one entry an algorithm) and is read with a mutex held: these calls are made once or twice a connection.
 * An entry stays while a connection uses its ops, since the connection holds the module.
 */
#include <linux/file.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <net/inet_connection_sock.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <asm/cc_param.h>
#include <asm/lkl.h>
#include <asm/vcpu.h>

static DEFINE_MUTEX(params_mutex);
static LIST_HEAD(params_list);

int lkl_cc_register(struct tcp_congestion_ops *ops, struct lkl_cc_params *params)
{
	int err;

	params->ops = ops;
	mutex_lock(&params_mutex);
	err = tcp_register_congestion_control(ops);
	if (!err)
		list_add_tail(&params->list, &params_list);
	mutex_unlock(&params_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(lkl_cc_register);

void lkl_cc_unregister(struct tcp_congestion_ops *ops, struct lkl_cc_params *params)
{
	mutex_lock(&params_mutex);
	tcp_unregister_congestion_control(ops);
	list_del(&params->list);
	mutex_unlock(&params_mutex);
}
EXPORT_SYMBOL_GPL(lkl_cc_unregister);

/* /proc/lkl_cc_params: a line a key, "ALGORITHM KEY MIN MAX MODE"; MODE: w can be set, r can be read. */
static int params_show(struct seq_file *seq, void *v)
{
	const struct lkl_cc_params *params;
	const struct lkl_cc_row *row;
	unsigned int i;

	mutex_lock(&params_mutex);
	list_for_each_entry(params, &params_list, list)
		for (i = 0; i < params->n_rows; i++) {
			row = &params->rows[i];
			seq_printf(seq, "%s %s %llu %llu %s%s\n", params->ops->name, row->key, row->min, row->max,
				   row->set ? "w" : "", row->get ? "r" : "");
		}
	mutex_unlock(&params_mutex);
	return 0;
}

static int __init params_file_make(void)
{
	return proc_create_single("lkl_cc_params", 0444, NULL, params_show) ? 0 : -ENOMEM;
}
late_initcall(params_file_make);

/* The socket is locked. */
static const struct lkl_cc_row *row_find(const struct sock *sk, const char *key, int *err)
{
	const struct lkl_cc_params *params;
	const struct lkl_cc_row *row = NULL;
	unsigned int i;

	*err = -EOPNOTSUPP;
	mutex_lock(&params_mutex);
	list_for_each_entry(params, &params_list, list) {
		if (params->ops != inet_csk(sk)->icsk_ca_ops)
			continue;
		*err = -ENOENT;
		for (i = 0; i < params->n_rows && !row; i++)
			if (!strcmp(params->rows[i].key, key))
				row = &params->rows[i];
		break;
	}
	mutex_unlock(&params_mutex);
	return row;
}

static int row_use(struct sock *sk, const char *key, u64 *value, bool is_set)
{
	const struct lkl_cc_row *row;
	int err;

	row = row_find(sk, key, &err);
	if (!row)
		return err;
	if (!inet_csk(sk)->icsk_ca_initialized)
		return -ENOTCONN;
	if (!is_set) {
		if (!row->get)
			return -EACCES;
		*value = row->get(sk);
		return 0;
	}
	if (!row->set)
		return -EACCES;
	if (*value < row->min || *value > row->max)
		return -ERANGE;
	return row->set(sk, *value);
}

static int cc_param(int fd, const char *key, u64 *value, bool is_set)
{
	struct file *file = fget(fd);
	struct socket *sock;
	int err;

	if (!file)
		return -EBADF;
	sock = sock_from_file(file);
	if (!sock) {
		err = -ENOTSOCK;
	} else if (sock->sk->sk_prot->recvmsg != tcp_recvmsg || sock->type != SOCK_STREAM) {
		err = -EOPNOTSUPP;
	} else {
		lock_sock(sock->sk);
		err = row_use(sock->sk, key, value, is_set);
		release_sock(sock->sk);
	}
	fput(file);
	return err;
}

/* Before boot there is no shadow to look at. */
__no_sanitize_address int lkl_kernel_cc_param(int fd, const char *key, uint64_t *value, int is_set)
{
	struct lkl_thread *self;
	int ret = lkl_enter(&self);

	return ret ? ret : lkl_exit(self, cc_param(fd, key, value, is_set));
}
