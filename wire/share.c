// SPDX-License-Identifier: GPL-2.0-only
/*
 * share.c - the host's side of `share` mode: which ports are free, and reserving them
 *
 * Ports are kept as a bitmap of 65536 bits while they are merged, and as text in the kernel's own
 * notation outside ("80,61000-65535"): what /proc/sys/net/ipv4/ip_local_reserved_ports holds. Only
 * ports that were not reserved before are recorded, and release removes only these from what is
 * there then. So several owners, and an administrator, can change the sysctl in any order.
 *
 * A port is in use if a TCP socket of the host has it as local port (/proc/net/tcp, tcp6), but for
 * TIME_WAIT and for loopback addresses, whose frames never pass the interface; for the ephemeral
 * range UDP sockets count, too. A socket that is bound and does not listen yet is not seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "say.h"
#include "share.h"

#define RESERVED_PATH "/proc/sys/net/ipv4/ip_local_reserved_ports"
#define PORTS 65536
#define STATE_TIME_WAIT 6

struct bitmap {
	uint8_t bits[PORTS / 8];
};

static int has(const struct bitmap *b, unsigned int port)
{
	return b->bits[port / 8] >> port % 8 & 1;
}

static void set(struct bitmap *b, unsigned int low, unsigned int high)
{
	for (; low <= high; low++)
		b->bits[low / 8] |= (uint8_t)(1 << low % 8);
}

/* "1-3,7" into the map; -EINVAL. */
static int parse_ports(const char *text, struct bitmap *b)
{
	unsigned long low, high;
	char *end;

	while (*text && *text != '\n') {
		low = high = strtoul(text, &end, 10);
		if (end == text)
			return -EINVAL;
		if (*end == '-') {
			text = end + 1;
			high = strtoul(text, &end, 10);
			if (end == text)
				return -EINVAL;
		}
		if (low > high || high >= PORTS)
			return -EINVAL;
		set(b, (unsigned int)low, (unsigned int)high);
		text = *end == ',' ? end + 1 : end;
		if (*end && *end != ',' && *end != '\n')
			return -EINVAL;
	}
	return 0;
}

/* The map as text. -E2BIG. */
static int print_ports(const struct bitmap *b, char *text, size_t text_len)
{
	unsigned int low, high;
	size_t n = 0;

	text[0] = '\0';
	for (low = 0; low < PORTS; low = high + 1) {
		high = low;
		if (!has(b, low))
			continue;
		while (high + 1 < PORTS && has(b, high + 1))
			high++;
		n += (size_t)snprintf(text + n, text_len - n, low == high ? "%s%u" : "%s%u-%u", n ? "," : "", low,
				      high);
		if (n >= text_len)
			return -E2BIG;
	}
	return 0;
}

/* ---- ip_local_reserved_ports ---- */

/* The kernel's list can be as long as the map has holes; it is read whole. */
#define SYSCTL_BYTES (6 * PORTS)

static int read_reserved(struct bitmap *b)
{
	char *text = malloc(SYSCTL_BYTES);
	size_t len = 0;
	ssize_t n;
	int fd, rc;

	memset(b, 0, sizeof(*b));
	if (!text)
		return -ENOMEM;
	fd = open(RESERVED_PATH, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		rc = -errno;
		free(text);
		return rc;
	}
	while (len < SYSCTL_BYTES - 1 && (n = read(fd, text + len, SYSCTL_BYTES - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	rc = parse_ports(text, b);
	close(fd);
	free(text);
	return rc;
}

static int write_reserved(const struct bitmap *b)
{
	char *text = malloc(SYSCTL_BYTES);
	size_t len;
	int fd, rc;

	if (!text)
		return -ENOMEM;
	rc = print_ports(b, text, SYSCTL_BYTES - 1);
	if (!rc) {
		len = strlen(text);
		text[len++] = '\n'; /* an empty list is a line, too */
		fd = open(RESERVED_PATH, O_WRONLY | O_CLOEXEC);
		if (fd < 0) {
			rc = -errno;
		} else {
			if (write(fd, text, len) != (ssize_t)len)
				rc = -errno;
			close(fd);
		}
	}
	free(text);
	return rc;
}

static int change_reserved(const struct share_state *sh, int is_added, char *err, size_t err_len)
{
	struct bitmap now, ours = { 0 };
	unsigned int i;
	int rc = read_reserved(&now);

	if (!rc)
		rc = parse_ports(sh->reserved, &ours);
	if (!rc) {
		for (i = 0; i < sizeof(now.bits); i++)
			now.bits[i] = (uint8_t)(is_added ? now.bits[i] | ours.bits[i] : now.bits[i] & ~ours.bits[i]);
		rc = write_reserved(&now);
	}
	if (rc)
		say(err, err_len, "%s: %s %s in net.ipv4.ip_local_reserved_ports: %s", sh->ifname,
		    is_added ? "reserving" : "releasing", sh->reserved, strerror(-rc));
	return rc;
}

int share_reserve(const struct share_state *sh, char *err, size_t err_len)
{
	return change_reserved(sh, 1, err, err_len);
}

int share_release(const struct share_state *sh, char *err, size_t err_len)
{
	return change_reserved(sh, 0, err, err_len);
}

/* ---- what the host uses ---- */

static int is_loopback(const char *hex)
{
	/* As the kernel prints them: words in host order. ::1, 127/8 and 127/8 mapped. */
	if (strlen(hex) == 8)
		return !strcmp(hex + 6, "7F");
	return !strcmp(hex, "00000000000000000000000001000000") ||
	       (!strncmp(hex, "0000000000000000FFFF0000", 24) && !strcmp(hex + 30, "7F"));
}

/* The first local port of the table at `path` that is in the map, or 0. */
static unsigned int port_in_use(const char *path, const struct bitmap *wanted)
{
	char line[512], addr[40];
	unsigned int port, state, found = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return 0;
	while (!found && fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %*u: %39[0-9A-F]:%x %*[0-9A-F]:%*x %x", addr, &port, &state) == 3 &&
		    port < PORTS && state != STATE_TIME_WAIT && !is_loopback(addr) && has(wanted, port))
			found = port;
	}
	fclose(file);
	return found;
}

static int check_in_use(const char *ifname, const struct bitmap *tcp, const struct bitmap *udp, char *err,
			size_t err_len)
{
	const struct {
		const char *path, *name;
		const struct bitmap *ports;
	} tables[] = {
		{ "/proc/net/tcp", "TCP", tcp },
		{ "/proc/net/tcp6", "TCP", tcp },
		{ "/proc/net/udp", "UDP", udp },
		{ "/proc/net/udp6", "UDP", udp },
	};
	unsigned int i, port;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		port = port_in_use(tables[i].path, tables[i].ports);
		if (!port)
			continue;
		say(err, err_len, "%s: %s port %u is used by a socket of the host; share mode wants ports that no socket has",
		    ifname, tables[i].name, port);
		return -EADDRINUSE;
	}
	return 0;
}

/* ---- plan ---- */

static int range_ok(const struct filter_range *r)
{
	return r->low && r->low <= r->high;
}

int share_plan(const struct share_params *params, const struct own_state *st, struct filter_spec *spec,
	       struct share_state *sh, char *err, size_t err_len)
{
	const struct filter_range ephemeral = { params->ephemeral_low, params->ephemeral_high };
	struct bitmap tcp = { 0 }, udp = { 0 }, reserved;
	uint32_t i;
	int rc;

	memset(spec, 0, sizeof(*spec));
	memset(sh, 0, sizeof(*sh));
	snprintf(sh->ifname, sizeof(sh->ifname), "%s", st->ifname);
	if (!range_ok(&ephemeral) || params->ports_len > SHARE_PORTS_MAX) {
		say(err, err_len, "%s: share mode needs an ephemeral range LOW-HIGH from 1 to 65535, and %d ports at most",
		    st->ifname, SHARE_PORTS_MAX);
		return -EINVAL;
	}
	spec->tcp[spec->tcp_len++] = spec->udp[spec->udp_len++] = ephemeral;
	set(&udp, ephemeral.low, ephemeral.high);
	set(&tcp, ephemeral.low, ephemeral.high);
	for (i = 0; i < params->ports_len; i++) {
		if (!range_ok(&params->ports[i])) {
			say(err, err_len, "%s: ports %u-%u: expected 1 to 65535, the lower one first", st->ifname,
			    params->ports[i].low, params->ports[i].high);
			return -EINVAL;
		}
		spec->tcp[spec->tcp_len++] = params->ports[i];
		set(&tcp, params->ports[i].low, params->ports[i].high);
	}
	for (i = 0; i < st->addrs_len && i < FILTER_ADDRS_MAX; i++) {
		struct filter_addr *a = &spec->addrs[spec->addrs_len++];

		a->family = st->addrs[i].family;
		memcpy(a->addr, st->addrs[i].addr, sizeof(a->addr));
	}
	if (!spec->addrs_len) {
		say(err, err_len, "%s: the interface has no address to share", st->ifname);
		return -EADDRNOTAVAIL;
	}
	rc = check_in_use(st->ifname, &tcp, &udp, err, err_len);
	if (rc)
		return rc;
	rc = read_reserved(&reserved);
	for (i = 0; i < sizeof(tcp.bits); i++)
		tcp.bits[i] &= (uint8_t)~reserved.bits[i];
	if (!rc)
		rc = print_ports(&tcp, sh->reserved, sizeof(sh->reserved));
	if (rc)
		say(err, err_len, "%s: reading net.ipv4.ip_local_reserved_ports: %s", st->ifname, strerror(-rc));
	return rc;
}
