/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * service.h - sockets of the host on which the supervisor answers operators
 */
#ifndef ACCD_SERVICE_H
#define ACCD_SERVICE_H

#include <stdbool.h>
#include <sys/types.h>

#include "addr.h"

#define SERVICE_PATH_BYTES 108 /* sockaddr_un.sun_path */

enum service_kind { SERVICE_OFF, SERVICE_INET, SERVICE_UNIX };

struct service {
	enum service_kind kind;
	union addr addr; /* SERVICE_INET */
	char path[SERVICE_PATH_BYTES]; /* SERVICE_UNIX */
};

/*
 * "off", "unix:/PATH", "A.B.C.D:PORT", or "PORT" for 127.0.0.1:PORT. 0 or -EINVAL, then *why says what
 * would be right.
 */
int service_parse(const char *text, struct service *service, const char **why);

/* "0600"; at most 0777. */
int service_parse_mode(const char *text, mode_t *mode);

/* "USER", "USER:GROUP" or ":GROUP" of the host's data base; -1: not named. 0, -ENOENT, -EINVAL. */
int service_parse_owner(const char *text, uid_t *uid, gid_t *gid);

/*
 * Bind and listen; non-blocking, close-on-exec. A UNIX socket that nobody listens on any more is
 * replaced; owner: "" or as above. Returns the descriptor, or -errno with a sentence in err.
 */
int service_listen(const struct service *service, mode_t mode, const char *owner, char *err,
		   size_t err_len);

/* Remove the path of a UNIX socket. */
void service_unlink(const struct service *service);

#endif /* ACCD_SERVICE_H */
