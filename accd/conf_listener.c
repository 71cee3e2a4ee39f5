// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf_listener.c - what a listener has besides plain values: addresses, prefixes, server names
 *
 * These values are lists of any length. They go to arrays of struct conf that all listeners share
 * (rules, routes), of which a listener has a range; addresses and ranges of ports become one
 * struct conf_listener each.
 *
 * "server = ADDRESS;" in a listener is short for a pool of the listener's name with these servers:
 * the tree is rewritten before the pools are read, so that everything else is the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "conf_schema.h"
#include "tls_hello.h"

/* ---- lists ---- */

/* The values of a key: itself, or the elements of its list. */
static const struct conf_node *first_value(const struct conf_node *node)
{
	return node && node->is_list ? node->children : node;
}

static const struct conf_node *next_value(const struct conf_node *key, const struct conf_node *value)
{
	return key->is_list ? value->next : NULL;
}

static bool is_reported(const struct conf_node *key, const struct conf_node *value)
{
	return key->is_list && value->is_list; /* conf_parse.c */
}

static void check_not_empty(struct conf_checker *ck, const struct conf_node *key, const char *name)
{
	if (key && key->is_list && !key->children)
		conf_error(&ck->errs, key->line, "listener.%s.%s: empty list; expected a value", name,
			   key->name);
}

/* ---- server: a pool in short ---- */

static bool add_server(struct conf_node *pool, const struct conf_node *value, unsigned int n)
{
	struct conf_node *server = conf_node_new(pool, "server", value->line), *address;
	char label[16];

	if (!server)
		return false;
	server->is_section = true;
	snprintf(label, sizeof(label), "s%u", n);
	server->label = strdup(label);
	address = conf_node_new(server, "address", value->line);
	if (!server->label || !address)
		return false;
	address->value = strdup(value->value);
	return address->value;
}

bool conf_inline_servers(struct conf_checker *ck, struct conf_node *root)
{
	struct conf_node *listener, *key, *end = root->last, *pool;
	const struct conf_node *value, *other;
	unsigned int n;

	for (listener = root->children; listener; listener = listener == end ? NULL : listener->next) {
		if (!listener->is_section || strcmp(listener->name, "listener") || !listener->label)
			continue;
		key = (struct conf_node *)conf_key_node(listener, "server");
		if (!key)
			continue;
		check_not_empty(ck, key, listener->label);
		if (conf_key_node(listener, "pool")) {
			conf_error(&ck->errs, key->line,
				   "listener.%s.server: stands beside pool; expected one of the two",
				   listener->label);
			continue;
		}
		for (other = NULL; (other = conf_next_section(root, "pool", other));)
			if (other->label && !strcmp(other->label, listener->label))
				break;
		if (other)
			conf_error(&ck->errs, key->line,
				   "listener.%s.server: there is a pool of the name \"%s\"; expected another name, or pool = %s",
				   listener->label, listener->label, listener->label);
		pool = conf_node_new(root, "pool", key->line);
		if (!pool)
			return false;
		pool->is_section = true;
		pool->label = strdup(listener->label);
		if (!pool->label)
			return false;
		n = 0;
		for (value = first_value(key); value; value = next_value(key, value))
			if (!is_reported(key, value) && !add_server(pool, value, ++n))
				return false;
		/* from here on the key is "pool = NAME" */
		free(key->name);
		free(key->value);
		key->name = strdup("pool");
		key->value = strdup(listener->label);
		key->is_list = false;
		if (!key->name || !key->value)
			return false;
	}
	return true;
}

/* ---- prefixes ---- */

static void add_rules(struct conf_checker *ck, const struct conf_node *key, const char *name,
		      bool is_deny, struct conf_range *range)
{
	const struct conf_node *value;
	struct conf *conf = ck->conf;
	char text[ADDR_PREFIX_TEXT_BYTES];
	struct acl_rule rule;
	int r;

	check_not_empty(ck, key, name);
	for (value = first_value(key); value; value = next_value(key, value)) {
		if (is_reported(key, value))
			continue;
		memset(&rule, 0, sizeof(rule));
		rule.is_deny = is_deny;
		rule.line = value->line;
		r = addr_prefix_parse(value->value, &rule.prefix);
		if (r == -EDOM)
			conf_error(&ck->errs, value->line,
				   "listener.%s.%s: \"%s\": bits behind the prefix are set; expected \"%s\"",
				   name, key->name, value->value,
				   addr_prefix_format(&rule.prefix, text, sizeof(text)));
		else if (r)
			conf_error(&ck->errs, value->line,
				   "listener.%s.%s: \"%s\": not a prefix; expected e.g. \"192.0.2.0/24\", \"2001:db8::/32\" or an address",
				   name, key->name, value->value);
		else if (conf->n_rules == CONF_RULES_MAX) {
			conf_error(&ck->errs, value->line, "listener.%s.%s: too many prefixes; at most %d in all",
				   name, key->name, CONF_RULES_MAX);
			return;
		} else {
			conf->rules[conf->n_rules++] = rule;
			range->n++;
		}
	}
}

static void build_rules(struct conf_checker *ck, const char *name, const char *what,
			struct conf_range *range)
{
	struct acl_rule *rules = &ck->conf->rules[range->first];
	char text[ADDR_PREFIX_TEXT_BYTES], where[300];
	int i = acl_build(rules, range->n);

	if (i >= 0)
		conf_error(&ck->errs, rules[i].line, "listener.%s.%s: \"%s\": stands twice; first %s", name,
			   what, addr_prefix_format(&rules[i].prefix, text, sizeof(text)),
			   conf_where(&ck->errs, rules[i - 1].line, rules[i].line, where, sizeof(where)));
}

static void take_rules(struct conf_checker *ck, const struct conf_node *node, struct conf_listener *l)
{
	const struct conf_node *allow = conf_key_node(node, "allow");
	const struct conf_node *deny = conf_key_node(node, "deny");
	const struct conf_node *from = conf_key_node(node, "proxy_protocol_from");

	l->rules.first = ck->conf->n_rules;
	add_rules(ck, allow, l->name, false, &l->rules);
	add_rules(ck, deny, l->name, true, &l->rules);
	build_rules(ck, l->name, "allow/deny", &l->rules);
	l->is_allow_list = allow != NULL;
	if (allow || deny)
		l->gates |= CONF_GATE_ACL;

	l->proxy_from.first = ck->conf->n_rules;
	add_rules(ck, from, l->name, false, &l->proxy_from);
	build_rules(ck, l->name, "proxy_protocol_from", &l->proxy_from);
	if (l->proxy_protocol && !from)
		conf_error(&ck->errs, conf_key_node(node, "proxy_protocol")->line,
			   "listener.%s.proxy_protocol_from: missing; expected the prefixes of the proxies that are believed",
			   l->name);
	if (from && !l->proxy_protocol)
		conf_error(&ck->errs, from->line,
			   "listener.%s.proxy_protocol_from: has no effect; expected proxy_protocol = v1, v2 or any beside it",
			   l->name);
	if (l->proxy_protocol)
		l->gates |= CONF_GATE_PROXY;
}

/* ---- server names ---- */

static int compare_routes(const void *a, const void *b)
{
	const struct conf_route *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : x->line < y->line ? -1 : x->line > y->line;
}

static unsigned int pool_index(const struct conf *conf, const char *name)
{
	unsigned int i;

	for (i = 0; i < conf->n_pools; i++)
		if (!strcmp(conf->pools[i].name, name))
			break;
	return i;
}

static void add_route(struct conf_checker *ck, const struct conf_node *key, struct conf_listener *l)
{
	struct conf *conf = ck->conf;
	char name[TLS_NAME_BYTES];
	bool is_wild = !strncmp(key->name, "*.", 2);
	const char *rest = key->name + (is_wild ? 2 : 0);
	struct conf_route *route;
	unsigned int pool;

	if (!tls_name_normalise(rest, strlen(rest), name) || strlen(name) + 3 > sizeof(route->name)) {
		conf_error(&ck->errs, key->line,
			   "listener.%s.sni.%s: not a server name; expected e.g. \"www.example.org\" or \"*.example.org\"",
			   l->name, key->name);
		return;
	}
	pool = key->is_list ? conf->n_pools : pool_index(conf, key->value);
	if (pool == conf->n_pools) {
		conf_error(&ck->errs, key->line,
			   "listener.%s.sni.%s: \"%s\": no such pool; expected the name of a \"pool NAME { ... }\"",
			   l->name, key->name, key->value);
		return;
	}
	if (conf->n_routes == CONF_ROUTES_MAX) {
		conf_error(&ck->errs, key->line, "listener.%s.sni.%s: too many server names; at most %d in all",
			   l->name, key->name, CONF_ROUTES_MAX);
		return;
	}
	route = &conf->routes[conf->n_routes++];
	l->routes.n++;
	snprintf(route->name, sizeof(route->name), "%s%.251s", is_wild ? "*." : "", name);
	route->pool = pool;
	route->line = key->line;
}

static void take_routes(struct conf_checker *ck, const struct conf_node *node, struct conf_listener *l)
{
	const struct conf_node *sni = conf_single_section(ck, node, "sni"), *key;
	struct conf_route *routes;
	char where[300];
	unsigned int i;

	l->routes.first = ck->conf->n_routes;
	if (!sni) {
		key = conf_key_node(node, "sni_unknown");
		if (key)
			conf_error(&ck->errs, key->line,
				   "listener.%s.sni_unknown: has no effect; expected a section sni { ... } beside it",
				   l->name);
		return;
	}
	for (key = sni->children; key; key = key->next) {
		if (!key->name[0])
			continue;
		if (key->is_section)
			conf_error(&ck->errs, key->line,
				   "listener.%s.sni.%s: a section; expected a server name with its pool",
				   l->name, key->name);
		else
			add_route(ck, key, l);
	}
	if (!sni->children)
		conf_error(&ck->errs, sni->line,
			   "listener.%s.sni: empty; expected server names with their pools", l->name);
	routes = &ck->conf->routes[l->routes.first];
	qsort(routes, l->routes.n, sizeof(*routes), compare_routes);
	for (i = 1; i < l->routes.n; i++)
		if (!strcmp(routes[i].name, routes[i - 1].name))
			conf_error(&ck->errs, routes[i].line,
				   "listener.%s.sni.%s: stands twice; first %s", l->name, routes[i].name,
				   conf_where(&ck->errs, routes[i - 1].line, routes[i].line, where,
					      sizeof(where)));
	l->gates |= CONF_GATE_HELLO;
	/* a hello is looked at where it waits: it must have room there */
	if (l->tcp.receive_buffer_bytes && l->tcp.receive_buffer_bytes < 2 * TLS_HELLO_BYTES_MAX)
		conf_error(&ck->errs, conf_key_node(node, "receive_buffer")->line,
			   "listener.%s.receive_buffer: too small for sni; expected %dk or more, or 0",
			   l->name, 2 * TLS_HELLO_BYTES_MAX / 1024);
}

/* ---- addresses ---- */

static bool overlap(const struct conf_listener *a, const struct conf_listener *b)
{
	if (addr_overlap(&a->bind, &b->bind))
		return true;
	/* a dual-stack [::] takes IPv4, too */
	return a->bind.sa.sa_family != b->bind.sa.sa_family &&
	       addr_port(&a->bind) == addr_port(&b->bind) &&
	       ((a->bind.sa.sa_family == AF_INET6 && !a->is_v6only && addr_is_wildcard(&a->bind)) ||
		(b->bind.sa.sa_family == AF_INET6 && !b->is_v6only && addr_is_wildcard(&b->bind)));
}

/* One socket more. False: the rest of the range needs not be tried. */
static bool add_socket(struct conf_checker *ck, const struct conf_listener *base, const char *text,
		       int line, bool is_kept)
{
	struct conf *conf = ck->conf;
	char where[300];
	unsigned int i;

	for (i = 0; i < conf->n_listeners; i++) {
		const struct conf_listener *other = &conf->listeners[i];

		if (!overlap(base, other))
			continue;
		conf_error(&ck->errs, line, "listener.%s.bind: \"%s\": overlaps listener.%s.bind %s",
			   base->name, text, other->name,
			   conf_where(&ck->errs, other->line, line, where, sizeof(where)));
		return false;
	}
	if (!is_kept)
		return false;
	if (conf->n_listeners == CONF_LISTENERS_MAX) {
		conf_error(&ck->errs, line, "listener.%s.bind: \"%s\": too many ports; at most %d in all",
			   base->name, text, CONF_LISTENERS_MAX);
		return false;
	}
	i = conf->n_listeners++;
	conf->listeners[i] = *base;
	conf->listeners[i].line = line;
	conf->listeners[i].index = i;
	return true;
}

static void take_binds(struct conf_checker *ck, const struct conf_node *node, struct conf_listener *l,
		       bool is_kept)
{
	const struct conf_node *key = conf_key_node(node, "bind"), *value;
	unsigned int port;
	uint16_t last;

	check_not_empty(ck, key, l->name);
	l->first = ck->conf->n_listeners;
	for (value = first_value(key); value; value = next_value(key, value)) {
		if (is_reported(key, value))
			continue;
		if (addr_parse_range(value->value, true, &l->bind, &last)) {
			conf_error(&ck->errs, value->line,
				   "listener.%s.bind: \"%s\": not an address:port; expected e.g. \"192.0.2.1:80\", \"[2001:db8::1]:80\", \"*:80\" or \"*:8000-8010\"",
				   l->name, value->value);
			continue;
		}
		for (port = addr_port(&l->bind); port <= last; port++) {
			addr_set_port(&l->bind, port);
			if (!add_socket(ck, l, value->value, value->line, is_kept))
				break;
		}
	}
}

void conf_take_listeners(struct conf_checker *ck, const struct conf_node *root)
{
	const struct conf_node *node = NULL, *key;
	struct conf *conf = ck->conf;

	while ((node = conf_next_section(root, "listener", node))) {
		struct conf_listener l = { 0 };
		bool is_kept = conf_check_label(ck, node, conf->n_listeners, CONF_LISTENERS_MAX);

		/* one that is left out is checked all the same: all mistakes in one run */
		snprintf(l.name, sizeof(l.name), "%s", node->label ? node->label : "");
		conf_take_keys(ck, node, "listener", &l);
		l.pool = pool_index(conf, l.pool_name);
		key = conf_key_node(node, "pool");
		if (key && l.pool_name[0] && l.pool == conf->n_pools)
			conf_error(&ck->errs, key->line,
				   "listener.%s.pool: \"%s\": no such pool; expected the name of a \"pool NAME { ... }\"",
				   l.name, l.pool_name);
		if (l.max_per_source)
			l.gates |= CONF_GATE_SOURCE;
		if (l.first_byte_timeout_ms)
			l.gates |= CONF_GATE_BYTE;
		if (!l.accept_burst)
			l.accept_burst = l.accept_rate;
		key = conf_key_node(node, "accept_burst");
		if (key && !l.accept_rate)
			conf_error(&ck->errs, key->line,
				   "listener.%s.accept_burst: has no effect; expected accept_rate beside it",
				   l.name);
		take_rules(ck, node, &l);
		take_routes(ck, node, &l);
		conf_take_cc(ck, node, "listener", l.name, &l.cc_rules);
		take_binds(ck, node, &l, is_kept);
	}
}
