/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * netlink.h - requests and dumps by netlink(7), for the tests of the stack
 *
 * A request is built in place: nl_init(), nl_attr() and nl_nest() ..., then nl_ask() for an acknowledgement or nl_dump()
 * for a list. Each uses a socket of its own.
 */
#ifndef TESTS_KERNEL_NETLINK_H
#define TESTS_KERNEL_NETLINK_H

#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "harness.h"

struct nl_request {
	struct nlmsghdr head;
	char bytes[1024];
};

/* The family's own header follows netlink's. */
static inline void *nl_init(struct nl_request *req, int type, int flags, size_t header_bytes)
{
	memset(req, 0, sizeof(*req));
	req->head.nlmsg_len = NLMSG_LENGTH(header_bytes);
	req->head.nlmsg_type = type;
	req->head.nlmsg_flags = NLM_F_REQUEST | flags;
	return NLMSG_DATA(&req->head);
}

static inline struct nlattr *nl_attr(struct nl_request *req, int type, const void *data, size_t len)
{
	struct nlattr *attr = (void *)((char *)req + NLMSG_ALIGN(req->head.nlmsg_len));

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy((char *)attr + NLA_HDRLEN, data, len);
	req->head.nlmsg_len = NLMSG_ALIGN(req->head.nlmsg_len) + NLA_ALIGN(attr->nla_len);
	return attr;
}

static inline void nl_string(struct nl_request *req, int type, const char *text)
{
	nl_attr(req, type, text, strlen(text) + 1);
}

static inline void nl_u32(struct nl_request *req, int type, uint32_t value)
{
	nl_attr(req, type, &value, sizeof(value));
}

/* Attributes added between these two are inside the nest. */
static inline struct nlattr *nl_nest(struct nl_request *req, int type)
{
	return nl_attr(req, type, NULL, 0);
}

static inline void nl_nest_end(struct nl_request *req, struct nlattr *nest)
{
	nest->nla_len = (char *)req + req->head.nlmsg_len - (char *)nest;
}

/* Send and wait for the acknowledgement: 0 or -errno, the kernel's answer. */
static inline int nl_ask(int protocol, struct nl_request *req)
{
	int fd = lkl_sys_socket(AF_NETLINK, SOCK_RAW, protocol);
	struct {
		struct nlmsghdr head;
		char bytes[4096];
	} answer;
	struct nlmsgerr *err = NLMSG_DATA(&answer.head);
	long n;

	if (fd < 0)
		return fd;
	req->head.nlmsg_flags |= NLM_F_ACK;
	n = lkl_sys_write(fd, req, req->head.nlmsg_len);
	if (n > 0)
		n = lkl_sys_read(fd, &answer, sizeof(answer));
	lkl_sys_close(fd);
	if (n < 0)
		return n;
	return answer.head.nlmsg_type == NLMSG_ERROR ? err->error : -EPROTO;
}

/* Called for each message of a dump; returns 1 to count it. */
typedef int (*nl_match_fn)(const struct nlmsghdr *head, const void *what);

/* Dump, and count what matches; or -errno. */
static inline int nl_dump(int protocol, struct nl_request *req, nl_match_fn match, const void *what)
{
	int fd = lkl_sys_socket(AF_NETLINK, SOCK_RAW, protocol), found = 0;
	static char buf[32768];
	struct nlmsghdr *head;
	long n;
	size_t left;

	if (fd < 0)
		return fd;
	req->head.nlmsg_flags |= NLM_F_DUMP;
	n = lkl_sys_write(fd, req, req->head.nlmsg_len);
	while (n > 0 && (n = lkl_sys_read(fd, buf, sizeof(buf))) > 0) {
		left = n;
		for (head = (void *)buf; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
			if (head->nlmsg_type == NLMSG_ERROR)
				found = ((struct nlmsgerr *)NLMSG_DATA(head))->error;
			else if (head->nlmsg_type != NLMSG_DONE) {
				found += match(head, what);
				continue;
			}
			lkl_sys_close(fd);
			return found;
		}
	}
	lkl_sys_close(fd);
	return n < 0 ? n : -EPROTO;
}

/* The attribute of this type among those after a header of header_bytes; NULL if there is none. */
static inline const void *nl_find(const struct nlmsghdr *head, size_t header_bytes, int type)
{
	const char *p = (const char *)NLMSG_DATA(head) + NLMSG_ALIGN(header_bytes);
	const char *end = (const char *)head + head->nlmsg_len;

	while (p + NLA_HDRLEN <= end) {
		const struct nlattr *attr = (const void *)p;

		if (attr->nla_len < NLA_HDRLEN)
			break;
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return p + NLA_HDRLEN;
		p += NLA_ALIGN(attr->nla_len);
	}
	return NULL;
}

/* ---- queueing disciplines of an interface's root ---- */

static inline struct tcmsg *nl_qdisc(struct nl_request *req, int type, int flags, int ifindex, const char *kind)
{
	struct tcmsg *tc = nl_init(req, type, flags, sizeof(*tc));

	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = TC_H_ROOT;
	if (kind)
		nl_string(req, TCA_KIND, kind);
	return tc;
}

/* Replace the root; kind only, with the defaults of its options. */
static inline int qdisc_replace(int ifindex, const char *kind)
{
	struct nl_request req;

	nl_qdisc(&req, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, ifindex, kind);
	return nl_ask(NETLINK_ROUTE, &req);
}

static inline int qdisc_delete(int ifindex)
{
	struct nl_request req;

	nl_qdisc(&req, RTM_DELQDISC, 0, ifindex, NULL);
	return nl_ask(NETLINK_ROUTE, &req);
}

#endif /* TESTS_KERNEL_NETLINK_H */
