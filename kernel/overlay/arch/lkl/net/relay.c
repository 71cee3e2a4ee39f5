// SPDX-License-Identifier: GPL-2.0-only
/*
 * relay.c - a relay inside the stack: what arrives on one TCP connection leaves on another, and back
 *
 * lkl_kernel_relay_join() ties two established connections together. From then on no task is woken and no system call is
 * made for their data: sk_data_ready() of one marks the pair, and a tasklet, which runs right after the NAPI poll that
 * brought the segments, moves what waits in its receive queue to the send queue of the other. Pages move by reference;
 * bytes that lie in an skb's head (small segments) are copied once.
 *
 *      wire ──▶ NAPI poll ──▶ tcp_rcv_established() ──▶ relay_data_ready()        per segment: mark the pair
 *                                                             │
 *                        tasklet, once per batch of frames    ▼
 *      wire ◀── flush ◀── tcp_write_xmit() ◀── tcp_sendmsg_locked() ◀── tcp_read_sock()
 *
 * Flow control is TCP's own. A receiver that does not read leaves its connection's send queue full; the bytes then stay in
 * the other connection's receive queue, whose window closes. sk_write_space() marks the pair again. Nothing is buffered here.
 *
 * The pair knows data only. Anything else (FIN, reset, error, urgent data) ends it: the sockets' own callbacks are put back
 * and called, so that the program's epoll wakes up and goes on where the pair stopped, with ordinary calls. The program may
 * part the pair at any time.
 *
 * Locks. move_lock serialises the two directions of a pair, so that a move may hold both socket locks at once: nobody else
 * ever holds two. A move runs with bottom halves off and never sleeps. Where a socket is in use by a system call (TCP_INFO,
 * say) the move is tried again by a work item. Order: move_lock, sk_lock.slock, sk_callback_lock.
 *
 * References. The program holds one from join to part, the ready list one while the pair is on it, the work item one while
 * it is queued. The pair holds both files, so that a close() without part does no harm: the connection lives on until part.
 */
#include <linux/bvec.h>
#include <linux/file.h>
#include <linux/interrupt.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/workqueue.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <asm/lkl.h>
#include <asm/vcpu.h>

/* After this, memory may be there again; sooner would be trying in vain. */
#define RETRY_JIFFIES msecs_to_jiffies(10)

enum {
	PAIR_READY,	/* on a ready list */
	PAIR_OVER,	/* callbacks are the sockets' own again; changes under move_lock */
	PAIR_MOVING,	/* a move runs: what it makes the sockets call is no news */
};

struct relay_side {
	struct file *file;
	struct sock *sk;
	bool is_full;		/* took less than it was offered: sk_write_space() will tell. Under move_lock */
	gfp_t allocation;	/* the rest: the socket's own, to be put back */
	void (*data_ready)(struct sock *sk);
	void (*write_space)(struct sock *sk);
	void (*state_change)(struct sock *sk);
	void (*error_report)(struct sock *sk);
};

struct relay_pair {
	struct list_head ready;
	unsigned long flags;
	struct relay_side sides[2];
	struct lkl_relay *relay;	/* the program's; written under move_lock, until PAIR_OVER */
	spinlock_t move_lock;
	refcount_t refs;
	struct delayed_work retry;
	struct rcu_head rcu;
};

/* Pairs with work to do, of one vCPU. Bottom halves off. */
struct relay_ready {
	struct list_head list;
	struct tasklet_struct tasklet;
};

static DEFINE_PER_CPU(struct relay_ready, relay_ready);

static void side_put(struct relay_side *side)
{
	if (side->file)
		fput(side->file);
}

/* [any context] The files go last: a move of another vCPU may still be in the sockets when the program parts the pair. */
static void pair_put(struct relay_pair *pair)
{
	if (!refcount_dec_and_test(&pair->refs))
		return;
	side_put(&pair->sides[0]);
	side_put(&pair->sides[1]);
	kfree_rcu(pair, rcu);
}

/* [bottom halves off] */
static void pair_ready(struct relay_pair *pair)
{
	struct relay_ready *ready = this_cpu_ptr(&relay_ready);

	if (test_and_set_bit(PAIR_READY, &pair->flags))
		return;
	if (unlikely(!refcount_inc_not_zero(&pair->refs)))
		return; /* parted, and about to be freed */
	list_add_tail(&pair->ready, &ready->list);
	tasklet_schedule(&ready->tasklet);
}

static void pair_retry(struct relay_pair *pair, unsigned long delay)
{
	if (!refcount_inc_not_zero(&pair->refs))
		return;
	if (!schedule_delayed_work(&pair->retry, delay))
		pair_put(pair);
}

/* ---- what the sockets call ---- */

/* The pair of a socket, or NULL if it has just ended. [RCU] */
static struct relay_pair *pair_of(struct sock *sk)
{
	return rcu_dereference_sk_user_data(sk);
}

static void relay_data_ready(struct sock *sk)
{
	struct relay_pair *pair;

	local_bh_disable();
	rcu_read_lock();
	pair = pair_of(sk);
	if (likely(pair))
		pair_ready(pair);
	rcu_read_unlock();
	local_bh_enable();
}

static void relay_write_space(struct sock *sk)
{
	struct relay_pair *pair;

	if (!sk_stream_is_writeable(sk))
		return;
	local_bh_disable();
	rcu_read_lock();
	pair = pair_of(sk);
	if (likely(pair)) {
		if (sk->sk_socket)
			clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		/* From within a send: no memory, though the queue is empty. At once would be for ever. */
		if (test_bit(PAIR_MOVING, &pair->flags))
			pair_retry(pair, RETRY_JIFFIES);
		else
			pair_ready(pair);
	}
	rcu_read_unlock();
	local_bh_enable();
}

/* ---- moving ---- */

/*
 * [both socket locks] Send [offset, offset + len) of an skb of the other connection. Returns bytes taken, or -errno.
 * MSG_MORE holds a last small segment back, because more follows.
 */
static int relay_send_iter(struct sock *sk, struct msghdr *msg, size_t len, int *sent)
{
	int n = tcp_sendmsg_locked(sk, msg, len);

	if (n > 0)
		*sent += n;
	return n == len ? 0 : n < 0 ? n : -EAGAIN;
}

static int relay_send_skb(struct sock *sk, struct sk_buff *skb, unsigned int offset, size_t len, int more, int *sent)
{
	struct bio_vec pages[MAX_SKB_FRAGS];
	unsigned int n_pages = 0, i;
	size_t pages_len = 0, part;
	struct sk_buff *child;
	int err;

	if (offset < skb_headlen(skb)) {
		struct kvec head = { .iov_base = skb->data + offset };
		struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };

		part = min_t(size_t, len, skb_headlen(skb) - offset);
		head.iov_len = part;
		msg.msg_flags |= part < len ? MSG_MORE : more;
		iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, &head, 1, part);
		err = relay_send_iter(sk, &msg, part, sent);
		if (err)
			return err;
		offset = 0;
		len -= part;
	} else {
		offset -= skb_headlen(skb);
	}
	for (i = 0; len && i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		if (offset >= skb_frag_size(frag)) {
			offset -= skb_frag_size(frag);
			continue;
		}
		part = min_t(size_t, len, skb_frag_size(frag) - offset);
		bvec_set_page(&pages[n_pages++], skb_frag_page(frag), part, skb_frag_off(frag) + offset);
		offset = 0;
		pages_len += part;
		len -= part;
	}
	if (n_pages) {
		struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_SPLICE_PAGES | (len ? MSG_MORE : more) };

		iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, pages, n_pages, pages_len);
		err = relay_send_iter(sk, &msg, pages_len, sent);
		if (err)
			return err;
	}
	skb_walk_frags(skb, child) {
		if (!len)
			break;
		if (offset >= child->len) {
			offset -= child->len;
			continue;
		}
		part = min_t(size_t, len, child->len - offset);
		err = relay_send_skb(sk, child, offset, part, part < len ? MSG_MORE : more, sent);
		if (err)
			return err;
		offset = 0;
		len -= part;
	}
	return 0;
}

struct relay_move {
	struct sock *src, *dst;
	int err;
	bool is_held;	/* the last send had MSG_MORE */
};

/* For tcp_read_sock(): one skb of the receive queue. */
static int relay_actor(read_descriptor_t *desc, struct sk_buff *skb, unsigned int offset, size_t len)
{
	struct relay_move *move = desc->arg.data;
	struct sk_buff *next = skb_peek_next(skb, &move->src->sk_receive_queue);
	int sent = 0;

	move->is_held = next && next->len;
	move->err = relay_send_skb(move->dst, skb, offset, len, move->is_held ? MSG_MORE : 0, &sent);
	if (move->err)
		desc->count = 0;
	return sent;
}

static bool relay_is_over(const struct sock *sk)
{
	return sk->sk_err || sk->sk_shutdown || sk->sk_state != TCP_ESTABLISHED || tcp_sk(sk)->urg_data;
}

/*
 * [move_lock, bottom halves off] One direction. 0; -EAGAIN: a socket is in use, try again later; -EPIPE: the pair must end.
 */
static int relay_move(struct relay_pair *pair, int from)
{
	struct relay_side *in = &pair->sides[from], *out = &pair->sides[!from];
	struct relay_move move = { .src = in->sk, .dst = out->sk };
	read_descriptor_t desc = { .count = 1, .arg.data = &move };
	int ret = 0, n;

	if (skb_queue_empty_lockless(&in->sk->sk_receive_queue))
		return relay_is_over(in->sk) ? -EPIPE : 0;
	bh_lock_sock(in->sk);
	bh_lock_sock_nested(out->sk);
	if (unlikely(sock_owned_by_user(in->sk) || sock_owned_by_user(out->sk))) {
		ret = -EAGAIN;
		goto out;
	}
	if (unlikely(relay_is_over(out->sk))) {
		ret = -EPIPE;
		goto out;
	}
	n = tcp_read_sock(in->sk, &desc, relay_actor);
	if (likely(n > 0)) {
		pair->relay->bytes_total[from] += n;
		pair->relay->moves_total[from]++;
		pair->relay->last_tsc = lkl_tsc();
	}
	out->is_full = move.err == -EAGAIN;
	if (unlikely(move.is_held))
		tcp_push_pending_frames(out->sk);
	/* An end of the source counts only when all before it has gone on; the program sees to the rest. */
	if (unlikely((move.err && move.err != -EAGAIN) || relay_is_over(in->sk)))
		ret = -EPIPE;
out:
	bh_unlock_sock(out->sk);
	bh_unlock_sock(in->sk);
	return ret;
}

/* ---- begin and end ---- */

static void side_tie(struct relay_side *side, struct relay_pair *pair)
{
	struct sock *sk = side->sk;

	write_lock_bh(&sk->sk_callback_lock);
	side->allocation = sk->sk_allocation;
	side->data_ready = sk->sk_data_ready;
	side->write_space = sk->sk_write_space;
	side->state_change = sk->sk_state_change;
	side->error_report = sk->sk_error_report;
	rcu_assign_sk_user_data(sk, pair);
	sk->sk_allocation = GFP_ATOMIC | __GFP_NOWARN; /* moves never sleep; and then the page fragment is the socket's */
	sk->sk_data_ready = relay_data_ready;
	sk->sk_write_space = relay_write_space;
	sk->sk_state_change = relay_data_ready;
	sk->sk_error_report = relay_data_ready;
	write_unlock_bh(&sk->sk_callback_lock);
}

static void side_untie(struct relay_side *side)
{
	struct sock *sk = side->sk;

	write_lock_bh(&sk->sk_callback_lock);
	rcu_assign_sk_user_data(sk, NULL);
	sk->sk_allocation = side->allocation;
	sk->sk_data_ready = side->data_ready;
	sk->sk_write_space = side->write_space;
	sk->sk_state_change = side->state_change;
	sk->sk_error_report = side->error_report;
	write_unlock_bh(&sk->sk_callback_lock);
}

/* [move_lock, bottom halves off] */
static void pair_end(struct relay_pair *pair)
{
	int i;

	if (__test_and_set_bit(PAIR_OVER, &pair->flags))
		return;
	for (i = 0; i < 2; i++)
		side_untie(&pair->sides[i]);
	smp_store_release(&pair->relay->is_over, 1);
	pair->relay = NULL;
}

/* [bottom halves off] */
static void pair_run(struct relay_pair *pair)
{
	int up, down;
	bool is_ended = false;

	spin_lock(&pair->move_lock);
	if (likely(!test_bit(PAIR_OVER, &pair->flags))) {
		set_bit(PAIR_MOVING, &pair->flags);
		up = relay_move(pair, 0);
		down = relay_move(pair, 1);
		clear_bit(PAIR_MOVING, &pair->flags);
		if (unlikely(up == -EPIPE || down == -EPIPE)) {
			pair_end(pair);
			is_ended = true;
		} else if (unlikely(up == -EAGAIN || down == -EAGAIN)) {
			pair_retry(pair, 0);
		}
	}
	spin_unlock(&pair->move_lock);
	if (unlikely(is_ended)) {
		int i;

		/* Whoever waits for these sockets has slept through all of it. */
		for (i = 0; i < 2; i++) {
			pair->sides[i].data_ready(pair->sides[i].sk);
			pair->sides[i].state_change(pair->sides[i].sk);
			pair->sides[i].write_space(pair->sides[i].sk);
		}
	}
}

static void relay_tasklet(struct tasklet_struct *tasklet)
{
	struct relay_ready *ready = container_of(tasklet, struct relay_ready, tasklet);
	struct relay_pair *pair;
	LIST_HEAD(list);

	/* What becomes ready meanwhile waits for the next run, so that frames get their turn. */
	list_splice_init(&ready->list, &list);
	while ((pair = list_first_entry_or_null(&list, struct relay_pair, ready))) {
		list_del_init(&pair->ready);
		clear_bit(PAIR_READY, &pair->flags);
		smp_mb__after_atomic(); /* whoever sees it set is heard: the queues are read after this */
		pair_run(pair);
		pair_put(pair);
	}
}

static void relay_retry(struct work_struct *work)
{
	struct relay_pair *pair = container_of(to_delayed_work(work), struct relay_pair, retry);

	local_bh_disable();
	pair_run(pair);
	local_bh_enable();
	pair_put(pair);
}

static int side_get(struct relay_side *side, int fd)
{
	struct socket *sock;
	int err;

	side->file = fget(fd);
	if (!side->file)
		return -EBADF;
	sock = sock_from_file(side->file);
	if (!sock)
		return -ENOTSOCK;
	side->sk = sock->sk;
	if (side->sk->sk_prot->recvmsg != tcp_recvmsg || sock->type != SOCK_STREAM)
		return -EOPNOTSUPP;
	err = -EBUSY;
	lock_sock(side->sk);
	if (!side->sk->sk_user_data && !inet_csk(side->sk)->icsk_ulp_ops)
		err = relay_is_over(side->sk) ? -ENOTCONN : 0;
	release_sock(side->sk);
	return err;
}

static int relay_join(struct lkl_relay *relay, int fd0, int fd1)
{
	struct relay_pair *pair;
	int err;

	pair = kzalloc(sizeof(*pair), GFP_KERNEL | __GFP_NOWARN);
	if (!pair)
		return -ENOMEM;
	INIT_LIST_HEAD(&pair->ready);
	spin_lock_init(&pair->move_lock);
	refcount_set(&pair->refs, 1);
	INIT_DELAYED_WORK(&pair->retry, relay_retry);
	pair->relay = relay;
	err = side_get(&pair->sides[0], fd0);
	if (!err)
		err = side_get(&pair->sides[1], fd1);
	if (!err && pair->sides[0].sk == pair->sides[1].sk)
		err = -EINVAL;
	if (err) {
		pair_put(pair);
		return err;
	}
	memset(relay, 0, sizeof(*relay));
	relay->pair = pair;
	relay->last_tsc = lkl_tsc();
	side_tie(&pair->sides[0], pair);
	side_tie(&pair->sides[1], pair);
	/* What came before, or ended just now, was announced to nobody. */
	local_bh_disable();
	pair_ready(pair);
	local_bh_enable();
	return 0;
}

static int relay_part(struct lkl_relay *relay)
{
	struct relay_pair *pair = relay->pair;

	if (!pair)
		return -EINVAL;
	spin_lock_bh(&pair->move_lock);
	pair_end(pair);
	spin_unlock_bh(&pair->move_lock);
	relay->pair = NULL;
	pair_put(pair);
	return 0;
}

/* Before boot there is no shadow to look at. */
__no_sanitize_address int lkl_kernel_relay_join(struct lkl_relay *relay, int fd0, int fd1)
{
	struct lkl_thread *self;
	int ret = lkl_enter(&self);

	return ret ? ret : lkl_exit(self, relay_join(relay, fd0, fd1));
}

__no_sanitize_address int lkl_kernel_relay_part(struct lkl_relay *relay)
{
	struct lkl_thread *self;
	int ret = lkl_enter(&self);

	return ret ? ret : lkl_exit(self, relay_part(relay));
}

static int __init relay_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct relay_ready *ready = per_cpu_ptr(&relay_ready, cpu);

		INIT_LIST_HEAD(&ready->list);
		tasklet_setup(&ready->tasklet, relay_tasklet);
	}
	return 0;
}
core_initcall(relay_init);
