// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf.c - the tree of accd.conf against the tables of its keys
 *
 * conf_parse.c turns the text into a tree of sections, keys and lines. This file walks the tree
 * against the two tables of conf_keys.c: the sections (which exist, where, with a label or not,
 * how often) and the keys (type, default, bounds). conf_types.c reads the values. A key's default is written as one would write it in the file and
 * goes through the same code as a value does.
 *
 * Nothing is guessed: an unknown section or key, a value of another type or out of bounds, a
 * missing key without default, a name used twice, a reference to nothing is a mistake with file,
 * line and the full name of the key. All of them are reported; then the load fails as a whole.
 *
 * To add a key: a member in conf.h, a row in conf_keys.c, a paragraph in man/accd.conf.5.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "conf_schema.h"
#include "err.h"
#include "wire_conf.h"
#include "service.h"
#include "watch.h"

#define RESOLV_CONF_PATH "/etc/resolv.conf"


static const struct conf_section *find_section(const char *path)
{
	unsigned int i;

	for (i = 0; i < conf_sections_len; i++)
		if (!strcmp(conf_sections[i].path, path))
			return &conf_sections[i];
	return NULL;
}

static const struct conf_key *find_key(const char *section, const char *key)
{
	unsigned int i;

	for (i = 0; i < conf_keys_len; i++)
		if (!strcmp(conf_keys[i].section, section) &&
		    !strcmp(conf_keys[i].key, key))
			return &conf_keys[i];
	return NULL;
}

/* The keys of a section, for "expected ..." in messages. */
static const char *list_keys(const char *section, char *buf, size_t buf_len)
{
	unsigned int i;
	size_t n = 0;

	buf[0] = '\0';
	for (i = 0; i < conf_keys_len && n < buf_len; i++)
		if (!strcmp(conf_keys[i].section, section))
			n += snprintf(buf + n, buf_len - n, "%s%s",
				      n ? ", " : "", conf_keys[i].key);
	for (i = 0; i < conf_sections_len && n < buf_len; i++) {
		const char *path = conf_sections[i].path;
		size_t len = strlen(section);

		if (!len && !strchr(path, '.'))
			n += snprintf(buf + n, buf_len - n, "%s%s",
				      n ? ", " : "", path);
		else if (len && !strncmp(path, section, len) &&
			 path[len] == '.')
			n += snprintf(buf + n, buf_len - n, "%s%s",
				      n ? ", " : "", path + len + 1);
	}
	return buf;
}

/* Name of a node as the messages write it: "pool.origin.server.s1.address". */
static const char *node_path(const struct conf_node *node, char *buf,
			     size_t buf_len)
{
	char head[512] = "";

	if (node->parent && node->parent->parent)
		node_path(node->parent, head, sizeof(head));
	snprintf(buf, buf_len, "%s%s%s%s%s", head, head[0] ? "." : "",
		 node->name, node->label ? "." : "",
		 node->label ? node->label : "");
	return buf;
}

/*
 * Take the keys of `node` into `base`; every key of the table gets its value, its default, or is
 * reported.
 */
void conf_take_keys(struct conf_checker *ck, const struct conf_node *node,
		      const char *section, void *base)
{
	char path[600], why[256], known[512], where[300];
	const struct conf_node *child;
	const struct conf_key *key;
	int seen_line[CONF_KEYS_MAX] = { 0 };
	char sub[64];
	unsigned int i;

	for (child = node ? node->children : NULL; child; child = child->next) {
		if (!child->name[0])
			continue;
		node_path(child, path, sizeof(path));
		if (child->is_section) {
			snprintf(sub, sizeof(sub), "%s%s%.40s", section,
				 section[0] ? "." : "", child->name);
			if (find_section(sub))
				continue; /* the caller takes it */
			if (find_key(section, child->name))
				conf_error(&ck->errs, child->line,
					   "%s: a section; expected a value",
					   path);
			else
				conf_error(&ck->errs, child->line,
					   "%s: unknown section; expected %s",
					   path,
					   list_keys(section, known,
						     sizeof(known)));
			continue;
		}
		key = find_key(section, child->name);
		if (!key) {
			snprintf(sub, sizeof(sub), "%s%s%.40s", section,
				 section[0] ? "." : "", child->name);
			if (find_section(sub))
				conf_error(
					&ck->errs, child->line,
					"%s: \"%s\": a value; expected a section { ... }",
					path, child->value);
			else
				conf_error(&ck->errs, child->line,
					   "%s: unknown key; expected %s", path,
					   list_keys(section, known,
						     sizeof(known)));
			continue;
		}
		i = key - conf_keys;
		if (seen_line[i]) {
			conf_error(&ck->errs, child->line,
				   "%s: \"%s\": set twice; first %s",
				   path, child->value,
				   conf_where(&ck->errs, seen_line[i], child->line, where,
					      sizeof(where)));
			continue;
		}
		seen_line[i] = child->line;
		if (key->type >= CONF_T_LISTS)
			continue;
		if (child->is_list) {
			conf_error(&ck->errs, child->line, "%s: a list; expected one value", path);
			continue;
		}
		if (!conf_value_set(key, child->value, (char *)base + key->offset,
			       why, sizeof(why)))
			conf_error(&ck->errs, child->line, "%s: \"%s\": %s",
				   path, child->value, why);
	}

	for (i = 0; i < conf_keys_len; i++) {
		key = &conf_keys[i];
		if (strcmp(key->section, section) || seen_line[i])
			continue;
		if (key->dflt) {
			if (key->type < CONF_T_LISTS &&
			    !conf_value_set(key, key->dflt,
				       (char *)base + key->offset, why,
				       sizeof(why)))
				conf_error(&ck->errs, 0,
					   "%s.%s: bad default \"%s\": %s",
					   section, key->key, key->dflt, why);
		} else if (node) {
			node_path(node, path, sizeof(path));
			conf_error(&ck->errs, node->line, "%s.%s: missing; %s",
				   path, key->key, key->help);
		}
	}
}

/* Next child that is the section `name`, behind `prev` (NULL: from the start). */
const struct conf_node *conf_next_section(const struct conf_node *node,
					    const char *name,
					    const struct conf_node *prev)
{
	const struct conf_node *child = prev ? prev->next : node->children;

	for (; child; child = child->next)
		if (child->is_section && !strcmp(child->name, name))
			return child;
	return NULL;
}

/* Line of the child `name`, or dflt. */
const struct conf_node *conf_key_node(const struct conf_node *node, const char *name)
{
	const struct conf_node *child;

	for (child = node->children; child; child = child->next)
		if (!child->is_section && !strcmp(child->name, name))
			return child;
	return NULL;
}

static int child_line(const struct conf_node *node, const char *name, int dflt)
{
	const struct conf_node *child;

	for (child = node->children; child; child = child->next)
		if (!strcmp(child->name, name))
			return child->line;
	return dflt;
}

/* A section without a label, at most once. */
const struct conf_node *conf_single_section(struct conf_checker *ck,
					      const struct conf_node *root,
					      const char *name)
{
	const struct conf_node *first = NULL, *node = NULL;
	char where[300];

	while ((node = conf_next_section(root, name, node))) {
		if (node->label)
			conf_error(&ck->errs, node->line,
				   "%s: takes no name, but has \"%s\"", name,
				   node->label);
		if (first)
			conf_error(&ck->errs, node->line,
				   "%s: section stands twice; first %s",
				   name,
				   conf_where(&ck->errs, first->line, node->line, where,
					      sizeof(where)));
		else
			first = node;
	}
	return first;
}

/*
 * A section with a label, any number up to max: check label and count, report duplicates.
 * Returns false if this one is to be left out.
 */
bool conf_check_label(struct conf_checker *ck, const struct conf_node *node,
			unsigned int n, unsigned int max)
{
	const struct conf_node *other = NULL;
	char path[600], where[300];

	node_path(node, path, sizeof(path));
	if (!node->label) {
		conf_error(&ck->errs, node->line,
			   "%s: has no name; expected \"%s NAME { ... }\"",
			   path, node->name);
		return false;
	}
	if (!conf_is_name(node->label)) {
		conf_error(
			&ck->errs, node->line,
			"%s: \"%s\": not a name; expected 1 to %d letters, digits, '-', '_' or '.'",
			path, node->label, CONF_NAME_BYTES - 1);
		return false;
	}
	while ((other = conf_next_section(node->parent, node->name, other)) &&
	       other != node) {
		if (other->label && !strcmp(other->label, node->label)) {
			conf_error(
				&ck->errs, node->line,
				"%s: the name stands twice; first %s",
				path,
				conf_where(&ck->errs, other->line, node->line, where,
					   sizeof(where)));
			return false;
		}
	}
	if (n >= max) {
		conf_error(&ck->errs, node->line, "%s: too many; at most %u",
			   path, max);
		return false;
	}
	return true;
}

static void take_check(struct conf_checker *ck, const struct conf_node *node, struct conf_pool *pool)
{
	const struct conf_node *check = conf_single_section(ck, node, "check");

	pool->check.is_set = check != NULL;
	conf_take_keys(ck, check, "pool.check", &pool->check);
	if (pool->eject_max_ms < pool->eject_ms)
		conf_error(&ck->errs, child_line(node, "eject_time_max", child_line(node, "eject_time", node->line)),
			   "pool.%s.eject_time_max: shorter than eject_time; expected at least as long",
			   pool->name);
}

static bool uses_names(const struct conf *conf)
{
	unsigned int i, j;

	for (i = 0; i < conf->n_pools; i++)
		for (j = 0; j < conf->pools[i].n_servers; j++)
			if (conf->pools[i].servers[j].target.host[0])
				return true;
	return false;
}

/* One name server of a list: "ADDRESS" or "ADDRESS:PORT". */
static bool resolver_add(struct conf_resolver *res, const char *text)
{
	char probe[ADDR_TEXT_BYTES];
	union addr addr;

	if (res->n_servers == CONF_RESOLVERS_MAX)
		return false;
	if (addr_parse(text, false, &addr)) {
		/* an IPv6 address without brackets, as in resolv.conf(5) */
		bool is_bare = strchr(text, ':') != strrchr(text, ':') && text[0] != '[';

		if (snprintf(probe, sizeof(probe), is_bare ? "[%s]:53" : "%s:53", text) >= (int)sizeof(probe) ||
		    addr_parse(probe, false, &addr))
			return false;
	}
	res->servers[res->n_servers++] = addr;
	return true;
}

/*
 * Fill resolver.servers from a file in the format of resolv.conf(5). Returns their number; 0: none
 * in there, or no file.
 */
static unsigned int conf_resolv_conf(struct conf_resolver *res, const char *path)
{
	char line[512], text[ADDR_TEXT_BYTES];
	FILE *file = fopen(path, "re");

	res->n_servers = 0;
	while (file && res->n_servers < CONF_RESOLVERS_MAX && fgets(line, sizeof(line), file))
		if (sscanf(line, " nameserver %55s", text) == 1)
			resolver_add(res, text);
	if (file)
		fclose(file);
	return res->n_servers;
}

static void take_resolver(struct conf_checker *ck, const struct conf_node *root)
{
	const struct conf_node *node = conf_single_section(ck, root, "resolver");
	struct conf_resolver *res = &ck->conf->resolver;
	char text[sizeof(res->servers_text)];
	char *save = NULL, *word;
	int line;

	conf_take_keys(ck, node, "resolver", res);
	line = node ? child_line(node, "servers", node->line) : ck->last_line;
	if (strcmp(res->servers_text, "system")) {
		strcpy(text, res->servers_text);
		for (word = strtok_r(text, " ,\t", &save); word; word = strtok_r(NULL, " ,\t", &save))
			if (!resolver_add(res, word))
				conf_error(&ck->errs, line,
					   "resolver.servers: \"%s\": not an address, or one too many; expected at most %d, e.g. \"192.0.2.53\" or \"192.0.2.53:5353\"",
					   word, CONF_RESOLVERS_MAX);
	} else if (uses_names(ck->conf) && !conf_resolv_conf(res, RESOLV_CONF_PATH)) {
		conf_error(&ck->errs, line,
			   "resolver.servers: \"system\": no name server in " RESOLV_CONF_PATH
			   ", and a server's address is a name; expected addresses of name servers");
	}
	if (res->min_ttl_ms > res->max_ttl_ms)
		conf_error(&ck->errs, node ? child_line(node, "min_ttl", node->line) : 0,
			   "resolver.min_ttl: longer than max_ttl; expected at most as long");
}

/* "auto" becomes a number, worker.cpu a list of one. */
static void take_cpus(struct conf_checker *ck, const struct conf_node *root)
{
	const struct conf_node *worker = conf_next_section(root, "worker", NULL);
	struct conf *conf = ck->conf;
	struct conf_cpus allowed;
	char why[256];
	int line;

	if (conf->worker.cpu >= 0) {
		line = worker ? child_line(worker, "cpu", worker->line) : 0;
		if (conf->cpus.n)
			conf_error(&ck->errs, line, "worker.cpu: \"%d\": cpus is set, too; expected one of them",
				   conf->worker.cpu);
		else if (conf_cpu_mistake(conf->worker.cpu, why, sizeof(why)))
			conf_error(&ck->errs, line, "worker.cpu: \"%d\": %s", conf->worker.cpu, why);
		conf->cpus.n = 1;
		conf->cpus.cpu[0] = conf->worker.cpu;
	}
	line = worker ? child_line(worker, "vcpus", worker->line) : 0;
	if (!conf->worker.vcpus)
		conf->worker.vcpus = 1; /* out of range, and said */
	if (!conf->workers) {
		conf->workers = conf->cpus.n ? conf->cpus.n : conf_cpus_allowed(&allowed);
		if (conf->workers > CONF_WORKERS_MAX)
			conf->workers = CONF_WORKERS_MAX;
		conf->workers /= conf->worker.vcpus;
		if (!conf->workers)
			conf->workers = 1;
	}
	if (!conf->workers_max)
		conf->workers_max = conf->workers;
	if (conf_loops(conf) > CONF_WORKERS_MAX)
		conf_error(&ck->errs, line, "worker.vcpus: \"%u\": %u loops with workers = %u; expected %d at most",
			   conf->worker.vcpus, conf_loops(conf), conf->workers, CONF_WORKERS_MAX);
	else if (conf->workers_max < conf->workers || conf->workers_max * conf->worker.vcpus > CONF_WORKERS_MAX)
		conf_error(&ck->errs, child_line(root, "workers_max", child_line(root, "workers", 0)),
			   "workers_max: \"%u\": expected auto, or from workers = %u to %u (%d, by worker.vcpus)", conf->workers_max,
			   conf->workers, CONF_WORKERS_MAX / conf->worker.vcpus, CONF_WORKERS_MAX);
	if (conf->worker.vcpus > 1 && (conf->worker.calls != CONF_CALLS_TASK || conf->worker.has_wire_thread))
		conf_error(&ck->errs, line,
			   "worker.vcpus: \"%u\": not with worker.calls = thread or worker.wire_thread = on; expected 1 with them",
			   conf->worker.vcpus);
}

static int service_line(const struct conf_node *section, const char *key)
{
	const struct conf_node *child;

	for (child = section ? section->children : NULL; child; child = child->next)
		if (!strcmp(child->name, key))
			return child->line;
	return section ? section->line : 0;
}

static void take_services(struct conf_checker *ck, const struct conf_node *root)
{
	const struct conf_node *metrics = conf_single_section(ck, root, "metrics");
	const struct conf_node *admin = conf_single_section(ck, root, "admin");
	struct conf *conf = ck->conf;
	struct watch_prefixes prefixes;
	struct service service;
	const char *why;
	mode_t mode;
	uid_t uid;
	gid_t gid;

	conf_take_keys(ck, metrics, "metrics", &conf->metrics);
	conf_take_keys(ck, admin, "admin", &conf->admin);
	if (conf->metrics.bind[0] && service_parse(conf->metrics.bind, &service, &why))
		conf_error(&ck->errs, service_line(metrics, "bind"), "metrics.bind: \"%s\": expected %s",
			   conf->metrics.bind, why);
	if (conf->metrics.stack_bind[0] && (service_parse(conf->metrics.stack_bind, &service, &why) ||
					    service.kind == SERVICE_UNIX))
		conf_error(&ck->errs, service_line(metrics, "stack_bind"),
			   "metrics.stack_bind: \"%s\": expected ADDRESS:PORT or off", conf->metrics.stack_bind);
	if (conf->metrics.allow[0] && watch_parse_prefixes(conf->metrics.allow, &prefixes))
		conf_error(&ck->errs, service_line(metrics, "allow"),
			   "metrics.allow: \"%s\": expected none, or up to %d prefixes between blanks, e.g. \"192.0.2.0/24 2001:db8::/32\"",
			   conf->metrics.allow, WATCH_PREFIXES_MAX);
	if (conf->admin.bind[0] && (service_parse(conf->admin.bind, &service, &why) ||
				    service.kind == SERVICE_INET))
		conf_error(&ck->errs, service_line(admin, "bind"),
			   "admin.bind: \"%s\": expected unix:/PATH (at most 107 bytes) or off; it is never a port",
			   conf->admin.bind);
	if (conf->admin.mode[0] && service_parse_mode(conf->admin.mode, &mode))
		conf_error(&ck->errs, service_line(admin, "mode"),
			   "admin.mode: \"%s\": expected an octal number up to 0777, e.g. 0660", conf->admin.mode);
	if (conf->admin.owner[0] && service_parse_owner(conf->admin.owner, &uid, &gid))
		conf_error(&ck->errs, service_line(admin, "owner"),
			   "admin.owner: \"%s\": no such user or group; expected USER, USER:GROUP or :GROUP",
			   conf->admin.owner);
}

static void take_pools(struct conf_checker *ck, const struct conf_node *root)
{
	const struct conf_node *node = NULL, *sub;
	struct conf_server *server;
	struct conf_pool *pool;

	while ((node = conf_next_section(root, "pool", node))) {
		struct conf_pool spare = { 0 };
		bool is_kept = conf_check_label(ck, node, ck->conf->n_pools,
					   CONF_POOLS_MAX);

		/* one that is left out is checked all the same: all mistakes in one run */
		pool = is_kept ? &ck->conf->pools[ck->conf->n_pools++] : &spare;
		snprintf(pool->name, sizeof(pool->name), "%s",
			 node->label ? node->label : "");
		pool->line = node->line;
		pool->index = is_kept ? ck->conf->n_pools - 1 : 0;
		conf_take_keys(ck, node, "pool", pool);
		take_check(ck, node, pool);
		conf_take_cc(ck, node, "pool", pool->name, &pool->cc_rules);
		sub = NULL;
		while ((sub = conf_next_section(node, "server", sub))) {
			struct conf_server spare_server = { 0 };

			is_kept = conf_check_label(ck, sub, pool->n_servers,
					      CONF_SERVERS_MAX);
			server = is_kept ? &pool->servers[pool->n_servers++] :
					   &spare_server;
			snprintf(server->name, sizeof(server->name), "%s",
				 sub->label ? sub->label : "");
			server->line = sub->line;
			conf_take_keys(ck, sub, "pool.server", server);
			if (pool->source.addr.sa.sa_family && server->target.addr.sa.sa_family &&
			    pool->source.addr.sa.sa_family != server->target.addr.sa.sa_family)
				conf_error(&ck->errs, child_line(sub, "address", sub->line),
					   "pool.%s.server.%s.address: not of the family of pool.%s.source; expected both IPv4 or both IPv6",
					   pool->name, server->name, pool->name);
		}
		if (!conf_next_section(node, "server", NULL))
			conf_error(
				&ck->errs, node->line,
				"pool.%s.server: missing; expected at least one \"server NAME { address = ...; }\"",
				pool->name);
	}
}

static int wire_key_line(const struct conf_node *wire, const char *key)
{
	const struct conf_node *child;

	for (child = wire->children; child; child = child->next)
		if (!strcmp(child->name, key))
			return child->line;
	return wire->line;
}

static void check_wire(struct conf_checker *ck, const struct conf_node *root)
{
	const struct conf_node *node = conf_single_section(ck, root, "wire");

	const int mistakes = ck->errs.count;
	const char *key;
	char why[400];

	ck->conf->wire.is_set = node != NULL;
	conf_take_keys(ck, node, "wire", &ck->conf->wire);
	if (node && ck->errs.count == mistakes) {
		key = wire_conf_mistake(&ck->conf->wire, why, sizeof(why));
		if (key)
			conf_error(&ck->errs, wire_key_line(node, key), "wire.%s: %s", key, why);
	}
	if (!node && ck->conf->stack == CONF_STACK_LKL)
		conf_error(
			&ck->errs, ck->last_line,
			"wire: missing; stack = lkl needs \"wire { interface = NAME; }\"");
}

static void check_required(struct conf_checker *ck, const struct conf_node *root)
{
	unsigned int i;

	for (i = 0; i < conf_sections_len; i++) {
		const char *path = conf_sections[i].path;

		if (conf_sections[i].is_required && !strchr(path, '.') &&
		    !conf_next_section(root, path, NULL))
			conf_error(
				&ck->errs, ck->last_line,
				"%s: missing; expected at least one \"%s%s { ... }\"",
				path, path,
				conf_sections[i].has_label ? " NAME" : "");
	}
}

static struct conf *load(const char *text, size_t len, const char *name, bool can_include,
			 int stack_override, void (*report)(void *ctx, const char *line), void *ctx,
			 int *mistakes)
{
	struct conf_checker ck = { .errs = { .file = name,
					.can_include = can_include,
					.report = report,
					.ctx = ctx } };
	struct conf_node *root;

	*mistakes = 0;
	ck.conf = calloc(1, sizeof(*ck.conf));
	root = conf_parse(text, len, &ck.errs, &ck.last_line);
	if (!ck.conf || !root) {
		conf_error(&ck.errs, 0, "out of memory");
		conf_errors_exit(&ck.errs);
		conf_node_free(root);
		free(ck.conf);
		return NULL;
	}

	conf_take_keys(&ck, root, "", ck.conf);
	if (stack_override >= 0)
		ck.conf->stack = stack_override;
	conf_take_keys(&ck, conf_single_section(&ck, root, "log"), "log", &ck.conf->log);
	conf_take_keys(&ck, conf_single_section(&ck, root, "worker"), "worker",
		  &ck.conf->worker);
	take_cpus(&ck, root);
	check_wire(&ck, root);
	if (!conf_inline_servers(&ck, root))
		conf_error(&ck.errs, 0, "out of memory");
	take_pools(&ck, root);
	take_resolver(&ck, root);
	conf_take_listeners(&ck, root);
	take_services(&ck, root);
	check_required(&ck, root);
	conf_node_free(root);

	if (ck.errs.count > CONF_ERRORS_SHOWN) {
		int hidden = ck.errs.count - CONF_ERRORS_SHOWN;

		ck.errs.count = 0; /* so that the next line is shown */
		conf_error(&ck.errs, 0, "and %d more mistakes", hidden);
		ck.errs.count = hidden + CONF_ERRORS_SHOWN;
	}
	conf_errors_exit(&ck.errs);
	*mistakes = ck.errs.count;
	if (ck.errs.count) {
		conf_free(ck.conf);
		return NULL;
	}
	return ck.conf;
}

struct conf *conf_load_text(const char *text, size_t len, const char *name, int stack_override,
			    void (*report)(void *ctx, const char *line), void *ctx, int *mistakes)
{
	return load(text, len, name, false, stack_override, report, ctx, mistakes);
}

struct conf *conf_load(const char *path, int stack_override,
		       void (*report)(void *ctx, const char *line), void *ctx,
		       int *mistakes)
{
	struct conf_errors errs = { .file = path, .report = report, .ctx = ctx };
	struct conf *conf;
	const char *problem;
	size_t len;
	char *text;

	*mistakes = 0;
	text = conf_file_read(path, &len, &problem);
	if (!text) {
		conf_error(&errs, 0, "%s", problem);
		return NULL;
	}
	conf = load(text, len, path, true, stack_override, report, ctx, mistakes);
	free(text);
	return conf;
}

void conf_free(struct conf *conf)
{
	free(conf);
}
