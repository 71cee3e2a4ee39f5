// SPDX-License-Identifier: GPL-2.0-only
/*
 * registry.c - the wires there are, and opening one from a line of text
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "common.h"
#include "spec.h"

/* ---- packet, whose own file is part of liblkl and knows nothing of specifications ---- */

struct packet_conf {
	char ifname[IFNAMSIZ];
	uint32_t rx_frames, tx_frames, big_bytes, queues, slot_bytes, off;
};

static const struct wire_opt packet_opts[] = {
	{ "if", WIRE_O_STRING, offsetof(struct packet_conf, ifname), 1, IFNAMSIZ - 1, NULL, WIRE_O_REQUIRED, NULL,
	  "host interface, which is up" },
	{ "rx", WIRE_O_UINT, offsetof(struct packet_conf, rx_frames), 32, 65536, NULL, WIRE_O_POWER_OF_2, "1024",
	  "slots of the receive ring" },
	{ "tx", WIRE_O_UINT, offsetof(struct packet_conf, tx_frames), 32, 65536, NULL, WIRE_O_POWER_OF_2, "512",
	  "slots of the transmit ring" },
	{ "big", WIRE_O_BYTES, offsetof(struct packet_conf, big_bytes), 64 << 10, 256 << 20, NULL, 0, NULL,
	  "socket buffer for received frames larger than a slot (default 32k for each slot of rx)" },
	{ "queues", WIRE_O_UINT, offsetof(struct packet_conf, queues), 1, LKL_WIRE_QUEUES_MAX, NULL, 0, "1",
	  "queues, steered by destination port range or by source (needs CAP_BPF)" },
	{ "slots", WIRE_O_BYTES, offsetof(struct packet_conf, slot_bytes), 2048, 69632, NULL, 0, "2k",
	  "bytes of a ring slot, 2k or 68k: small frames, or whole GSO frames in the rings" },
	{ "off", WIRE_O_FEATURES, offsetof(struct packet_conf, off), 0, 0x3f, NULL, 0, NULL,
	  "offloads to leave out" },
};

static int packet_open(const void *conf, struct lkl_wire **out, char *err, size_t err_len)
{
	const struct packet_conf *c = conf;
	const struct lkl_wire_params params = {
		.ifname = c->ifname,
		.queues = c->queues,
		.slot_bytes = c->slot_bytes,
		.rx_ring_frames = c->rx_frames,
		.tx_ring_frames = c->tx_frames,
		.rx_big_bytes = c->big_bytes,
		.disable_features = c->off,
	};

	return wire_packet_open(&params, out, err, err_len);
}

const struct wire_type wire_packet_type = {
	.name = "packet",
	.help = "AF_PACKET rings on a host interface",
	.privileges = "CAP_NET_RAW; CAP_NET_ADMIN for buffers above the sysctl limits",
	.opts = packet_opts,
	.opts_len = sizeof(packet_opts) / sizeof(packet_opts[0]),
	.conf_bytes = sizeof(struct packet_conf),
	.open = packet_open,
};

static const struct wire_type *const types[] = {
	&wire_packet_type, &wire_tap_type,    &wire_pair_type,
	&wire_pcap_type,   &wire_socket_type, &wire_xdp_type,
};

#define TYPES_LEN (sizeof(types) / sizeof(types[0]))

const struct wire_type *wire_type_at(unsigned int i)
{
	return i < TYPES_LEN ? types[i] : NULL;
}

/* The type that `spec` names, and its options. */
static const struct wire_type *find(const char *spec, const char **opts, char *err, size_t err_len)
{
	const size_t len = strcspn(spec, ":");
	char names[128];
	size_t n = 0;
	unsigned int i;

	*opts = spec[len] ? spec + len + 1 : NULL;
	names[0] = '\0';
	for (i = 0; i < TYPES_LEN; i++) {
		if (strlen(types[i]->name) == len && !memcmp(types[i]->name, spec, len))
			return types[i];
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", i ? ", " : "", types[i]->name);
	}
	wire_say(err, err_len, "'%.*s': no such wire; expected TYPE:KEY=VALUE,... with TYPE one of %s",
		 (int)(len < 40 ? len : 40), spec, names);
	return NULL;
}

int wire_spec_check(const char *spec, char *err, size_t err_len)
{
	uint64_t conf[WIRE_CONF_MAX / 8];
	const struct wire_type *type;
	const char *opts;

	type = find(spec, &opts, err, err_len);
	if (!type)
		return -EINVAL;
	return wire_spec_parse(type, opts, conf, err, err_len);
}

int wire_open(const char *spec, struct lkl_wire **out, char *err, size_t err_len)
{
	uint64_t conf[WIRE_CONF_MAX / 8];
	const struct wire_type *type;
	const char *opts;
	int ret;

	type = find(spec, &opts, err, err_len);
	if (!type)
		return -EINVAL;
	ret = wire_spec_parse(type, opts, conf, err, err_len);
	return ret ? ret : type->open(conf, out, err, err_len);
}

int wire_help(char *buf, size_t buf_len)
{
	static const char *const kinds[] = { "TEXT", "SPECIFICATION", "NUMBER", "BYTES", "MAC", "yes|no", NULL,
					     "FEATURES" };
	unsigned int i, k;
	size_t n = 0;

#define ADD(...) n += (size_t)snprintf(buf + (n < buf_len ? n : buf_len), n < buf_len ? buf_len - n : 0, __VA_ARGS__)
	for (i = 0; i < TYPES_LEN; i++) {
		ADD("%s: %s\n    privileges: %s\n", types[i]->name, types[i]->help, types[i]->privileges);
		for (k = 0; k < types[i]->opts_len; k++) {
			const struct wire_opt *o = &types[i]->opts[k];

			ADD("    %s=%s  %s", o->name, o->kind == WIRE_O_CHOICE ? o->choices : kinds[o->kind], o->help);
			if (o->flags & WIRE_O_REQUIRED)
				ADD(" (required)");
			else if (o->dflt)
				ADD(" (default %s)", o->dflt);
			ADD("\n");
		}
	}
#undef ADD
	return (int)n;
}
