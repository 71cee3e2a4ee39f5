// SPDX-License-Identifier: GPL-2.0-only
/*
 * notify_recv.c - systemd's end of sd_notify(3)
 *
 * usage: notify_recv PATH
 *
 * Makes the socket PATH, prints "ready", then each datagram as a line, its own line ends as "|", until it is killed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[4096], *p;
	ssize_t n;

	if (argc != 2 || strlen(argv[1]) >= sizeof(addr.sun_path))
		return fprintf(stderr, "usage: notify_recv PATH\n"), 2;
	strcpy(addr.sun_path, argv[1]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fprintf(stderr, "notify_recv: %s: %s\n", argv[1], strerror(errno)), 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	while ((n = recv(fd, text, sizeof(text) - 1, 0)) >= 0) {
		text[n] = '\0';
		while ((p = strchr(text, '\n')))
			*p = '|';
		printf("%s\n", text);
	}
	return 1;
}
