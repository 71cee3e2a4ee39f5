/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peer_link.h - a UNIX stream connection with one peer that may come, go and come again
 *
 * One side listens on a path, the other connects. Both keep an epoll instance, which is the wire's
 * wait descriptor: it holds the listening socket, the connection and a timer, so whatever needs
 * attention ends a wait.
 *
 *	  listen	no peer --accept--> up --EOF or error--> no peer
 *			a second peer while one is there is turned away (refused_total)
 *	  connect	down --timer, connect--> up --EOF or error--> down
 *			tries again every LINK_RETRY_MS
 *
 * The link moves no bytes itself: who uses it reads and writes link->fd, and calls wire_link_drop()
 * when that fails.
 */
#ifndef WIRE_PEER_LINK_H
#define WIRE_PEER_LINK_H

#include <stddef.h>
#include <stdint.h>

#define LINK_PATH_MAX 107
#define LINK_RETRY_MS 200

struct wire_link {
	char path[LINK_PATH_MAX + 1];
	int is_listener;
	int listen_fd, fd, timer_fd, epoll_fd;	/* -1: none */
	uint64_t inode;		/* of the socket that we listen on, for its removal */
	uint64_t ups_total, downs_total, refused_total;
};

#define LINK_UP 1	/* there is a new connection: link->fd */
#define LINK_INPUT 2	/* the connection is readable, or at its end */

/*
 * Listen, or connect. 0, or -errno with a sentence. A listener takes the place of a socket file that
 * nobody listens on. With `may_wait` a side that connects succeeds without a peer and goes on trying.
 */
int wire_link_open(struct wire_link *link, const char *path, int is_listener, int may_wait, char *err,
		   size_t err_len);

/* A few host calls: accept or connect what is due. Returns LINK_*. */
int wire_link_run(struct wire_link *link);

/* The connection is of no use any more: close it, and try again if it is on us to. */
void wire_link_drop(struct wire_link *link);

void wire_link_close(struct wire_link *link);

#endif /* WIRE_PEER_LINK_H */
