/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * balance.h - the rules that choose one of several servers
 *
 * Pure: no clock, no socket, no server. A member is a weight, a load and an identity; the pool
 * keeps them up to date and asks. One thread at a time.
 */
#ifndef ACCD_BALANCE_H
#define ACCD_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

#define BALANCE_MEMBERS_MAX 256 /* an index fits a byte of the hash table */

/* A configured weight is 0 .. 256; in here it is this many times larger, so that a tenth of 1 is something. */
#define BALANCE_WEIGHT_ONE 100

/*
 * Slots of the hash table: a prime, as Maglev needs. 64 times BALANCE_MEMBERS_MAX, so that even
 * then shares are right within some percent; 16 KiB, and rebuilt in less than a millisecond.
 */
#define BALANCE_TABLE_LEN 16381

struct balance_member {
	uint32_t weight; /* in 1/BALANCE_WEIGHT_ONE; 0: never picked */
	uint32_t load; /* connections it has */
	bool is_out; /* not this time: full, or tried before */
	int64_t turn; /* round robin: what it is owed */
	uint64_t identity; /* hash: stays the same as long as the server does */
};

struct balance;

struct balance_rule {
	const char *name;
	/* Index of the pick, or -1. key: what `hash` hashes. */
	int (*pick)(struct balance *b, uint64_t key);
	/* Weights, identities or number of members have changed; NULL: nothing to do. */
	void (*rebuild)(struct balance *b);
};

struct balance {
	const struct balance_rule *rule;
	unsigned int n;
	unsigned int next; /* where the search for the least load begins */
	uint64_t random; /* state of xorshift; not 0 */
	uint8_t *table; /* of BALANCE_TABLE_LEN, if the rule needs one */
	bool is_table_empty;
	struct balance_member members[BALANCE_MEMBERS_MAX];
};

/* rule: enum conf_balance. 0 or -ENOMEM. */
int balance_init(struct balance *b, int rule, uint64_t seed);
void balance_exit(struct balance *b);

/* After members, weights or identities were changed. */
void balance_rebuild(struct balance *b);

/* Index of a member with a weight that is not out; -1: there is none. */
int balance_pick(struct balance *b, uint64_t key);

/* A good mix of 64 bits, for identities and keys. */
uint64_t balance_hash(const void *data, unsigned int len);

#endif /* ACCD_BALANCE_H */
