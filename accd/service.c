// SPDX-License-Identifier: GPL-2.0-only
/*
 * service.c - sockets of the host on which the supervisor answers operators
 *
 * A UNIX socket's path may be left from a process that was killed: if connecting to it is refused,
 * nobody listens and it is replaced; if somebody listens, or it is no socket, it is left alone and
 * that is an error. The socket is bound under a mask that lets nobody in and gets its owner and
 * mode before it listens.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "service.h"

#define SERVICE_BACKLOG 16

int service_parse(const char *text, struct service *service, const char **why)
{
	char full[64];
	size_t len = strlen(text);

	memset(service, 0, sizeof(*service));
	*why = "off, unix:/PATH (at most 107 bytes), ADDRESS:PORT, or PORT on 127.0.0.1";
	if (!strcmp(text, "off"))
		return 0;
	if (!strncmp(text, "unix:", 5)) {
		if (text[5] != '/' || len - 5 >= SERVICE_PATH_BYTES)
			return -EINVAL;
		service->kind = SERVICE_UNIX;
		strcpy(service->path, text + 5);
		return 0;
	}
	if (len < sizeof(full) - 16 && len == strspn(text, "0123456789")) {
		snprintf(full, sizeof(full), "127.0.0.1:%s", text);
		text = full;
	}
	if (addr_parse(text, true, &service->addr))
		return -EINVAL;
	service->kind = SERVICE_INET;
	return 0;
}

int service_parse_mode(const char *text, mode_t *mode)
{
	char *end;
	unsigned long n = strtoul(text, &end, 8);

	if (text[0] < '0' || text[0] > '7' || *end || n > 0777)
		return -EINVAL;
	*mode = n;
	return 0;
}

int service_parse_owner(const char *text, uid_t *uid, gid_t *gid)
{
	const char *colon = strchr(text, ':');
	char user[64];
	struct passwd *pw;
	struct group *gr;

	*uid = -1;
	*gid = -1;
	if (!*text)
		return 0;
	if ((colon ? (size_t)(colon - text) : strlen(text)) >= sizeof(user) || (colon && !colon[1]))
		return -EINVAL;
	snprintf(user, sizeof(user), "%.*s", (int)(colon ? colon - text : 63), text);
	if (user[0]) {
		pw = getpwnam(user);
		if (!pw)
			return -ENOENT;
		*uid = pw->pw_uid;
	}
	if (colon) {
		gr = getgrnam(colon + 1);
		if (!gr)
			return -ENOENT;
		*gid = gr->gr_gid;
	}
	return 0;
}

/* -EADDRINUSE: somebody listens there, or it is no socket. */
static int unix_make_way(const struct sockaddr_un *sun)
{
	struct stat st;
	int fd, r;

	if (lstat(sun->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) ? errno : 0;
	close(fd);
	if (r != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(sun->sun_path) ? -errno : 0;
}

static int unix_listen(const struct service *service, mode_t mode, const char *owner, const char **call)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	uid_t uid;
	gid_t gid;
	mode_t old_mask;
	int fd, r;

	*call = "owner";
	r = service_parse_owner(owner, &uid, &gid);
	if (r)
		return r;
	strcpy(sun.sun_path, service->path);
	*call = "bind";
	r = unix_make_way(&sun);
	if (r)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	old_mask = umask(0777);
	r = bind(fd, (struct sockaddr *)&sun, sizeof(sun)) ? -errno : 0;
	umask(old_mask);
	if (r)
		goto err_close;
	*call = "chown";
	if (uid == geteuid())
		uid = -1; /* it is already; chown() could ask for a privilege */
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) && chown(sun.sun_path, uid, gid))
		goto err_unlink;
	*call = "chmod";
	if (chmod(sun.sun_path, mode))
		goto err_unlink;
	*call = "listen";
	if (listen(fd, SERVICE_BACKLOG))
		goto err_unlink;
	return fd;

err_unlink:
	r = -errno;
	unlink(sun.sun_path);
err_close:
	close(fd);
	return r;
}

static int inet_listen(const struct service *service, const char **call)
{
	const int one = 1;
	int fd, r;

	*call = "socket";
	fd = socket(service->addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	*call = "bind";
	if (bind(fd, &service->addr.sa, addr_len(&service->addr)))
		goto err;
	*call = "listen";
	if (listen(fd, SERVICE_BACKLOG))
		goto err;
	return fd;
err:
	r = -errno;
	close(fd);
	return r;
}

int service_listen(const struct service *service, mode_t mode, const char *owner, char *err,
		   size_t err_len)
{
	char text[SERVICE_PATH_BYTES];
	const char *call = "socket";
	int r;

	r = service->kind == SERVICE_UNIX ? unix_listen(service, mode, owner, &call) :
					    inet_listen(service, &call);
	if (r < 0)
		snprintf(err, err_len, "%s %s: %s", call,
			 service->kind == SERVICE_UNIX ?
				 service->path :
				 addr_format(&service->addr, text, sizeof(text)),
			 strerror(-r));
	return r;
}

void service_unlink(const struct service *service)
{
	if (service->kind == SERVICE_UNIX)
		unlink(service->path);
}
