// SPDX-License-Identifier: GPL-2.0-only
/*
 * install_program.c - the smallest program of the kind that LKL has: boot, one TCP exchange over lo, halt; C and C++
 *
 * Compiled and run by install_test.sh against the installed library.
 */
#ifdef LIBC_FIRST
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#endif
#include <lkl.h>
#include <lkl_host.h>
#ifndef LIBC_FIRST
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#endif
#include <stdio.h>
#include <string.h>

static int exchange(void)
{
	struct lkl_sockaddr_in addr;
	int len = sizeof(addr);
	char text[6] = { 0 };
	long listener, client, server;

	memset(&addr, 0, sizeof(addr));
	addr.sin_family = LKL_AF_INET;
	addr.sin_addr.s_addr = htonl(LKL_INADDR_LOOPBACK);
	if (lkl_if_up(1))
		return 1;
	listener = lkl_sys_socket(LKL_AF_INET, LKL_SOCK_STREAM, 0);
	if (listener < 0 || lkl_sys_bind((int)listener, (struct lkl_sockaddr *)&addr, sizeof(addr)) ||
	    lkl_sys_listen((int)listener, 1) || lkl_sys_getsockname((int)listener, (struct lkl_sockaddr *)&addr, &len))
		return 2;
	client = lkl_sys_socket(LKL_AF_INET, LKL_SOCK_STREAM, 0);
	if (client < 0 || lkl_sys_connect((int)client, (struct lkl_sockaddr *)&addr, sizeof(addr)))
		return 3;
	server = lkl_sys_accept((int)listener, NULL, NULL);
	if (server < 0 || lkl_sys_write((unsigned int)client, "hello", 5) != 5 ||
	    lkl_sys_read((unsigned int)server, text, sizeof(text)) != 5 || strcmp(text, "hello"))
		return 4;
	return 0;
}

int main(void)
{
	int ret;

	lkl_host_ops.print = NULL;
	ret = lkl_init(&lkl_host_ops);
	if (!ret)
		ret = lkl_start_kernel("mem=32M loglevel=4");
	if (ret) {
		fprintf(stderr, "boot: %s\n", lkl_strerror(ret));
		return 1;
	}
	ret = exchange();
	if (ret)
		fprintf(stderr, "exchange: step %d\n", ret);
	lkl_sys_halt();
	lkl_cleanup();
	return ret != 0;
}
