// SPDX-License-Identifier: GPL-2.0-only
/*
 * take.c - an interface for a stack: taken as `own` or as `share`, and given back, also after a death
 *
 * What is on disk is struct kept: the mode, and the records of own.c and share.c as they are in
 * memory. KEPT_VERSION counts changes of these structs; a record of another version is refused, not
 * guessed at.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "say.h"
#include "take.h"

#define KEPT_VERSION 1

struct kept {
	uint32_t mode;
	uint32_t pad;
	struct own_state own;
	struct share_state share;
};

static int put_back(struct kept *k, char *err, size_t err_len)
{
	const unsigned int ifindex = if_nametoindex(k->own.ifname);
	int rc;

	if (k->mode == TAKE_SHARE)
		return share_release(&k->share, err, err_len);
	if (!ifindex) {
		rc = -errno;
		say(err, err_len, "%s: %s; its addresses are kept for when it is back", k->own.ifname, strerror(-rc));
		return rc;
	}
	if ((int)ifindex != k->own.ifindex) {
		/* It was made anew under its name: what was on the old one went with it. */
		say(err, err_len, "%s: is another interface now (index %u, was %d)", k->own.ifname, ifindex,
		    k->own.ifindex);
		return -ENXIO;
	}
	return own_restore(&k->own, err, err_len);
}

/* What a dead owner left. 1: put back; 0: nothing there; -errno. The lock is held. */
static int recover(const struct record *record, char *err, size_t err_len)
{
	struct kept *k = calloc(1, sizeof(*k));
	char ifname[16];
	uint32_t mode;
	int rc;

	if (!k)
		return -ENOMEM;
	rc = record_read(record, KEPT_VERSION, k, sizeof(*k), err, err_len);
	if (rc != 1) {
		free(k);
		return rc;
	}
	mode = k->mode;
	memcpy(ifname, k->own.ifname, sizeof(ifname));
	rc = put_back(k, err, err_len);
	free(k);
	if (rc && rc != -ENXIO)
		return rc;
	if (!rc)
		say(err, err_len, "%s: put back what a dead process had taken (%s mode)", ifname,
		    mode == TAKE_OWN ? "own" : "share");
	rc = record_remove(record, NULL, 0);
	return rc ? rc : 1;
}

int take_recover(const char *dir, const char *ifname, char *err, size_t err_len)
{
	struct record record;
	int rc;

	say(err, err_len, "%s", "");
	rc = record_open(&record, dir, ifname, err, err_len);
	if (rc)
		return rc;
	rc = recover(&record, err, err_len);
	record_close(&record);
	return rc;
}

static int write_record(const struct take *t, char *err, size_t err_len)
{
	struct kept *k = calloc(1, sizeof(*k));
	int rc;

	if (!k)
		return -ENOMEM;
	k->mode = t->mode;
	k->own = t->own;
	k->share = t->share;
	rc = record_write(&t->record, KEPT_VERSION, k, sizeof(*k), err, err_len);
	free(k);
	return rc;
}

int take_begin(const struct take_params *params, struct take *t, char *err, size_t err_len)
{
	char mute_err[256] = "";
	int rc;

	memset(t, 0, sizeof(*t));
	t->mute_fd = -1;
	say(err, err_len, "%s", "");
	rc = record_open(&t->record, params->dir, params->ifname, err, err_len);
	if (rc)
		return rc;
	rc = recover(&t->record, err, err_len);
	if (rc >= 0)
		rc = own_read(params->ifname, &t->own, err, err_len);
	if (!rc && params->mode == TAKE_SHARE)
		rc = share_plan(&params->share, &t->own, &t->spec, &t->share, err, err_len);
	if (rc)
		goto err_unlock;
	t->mode = params->mode;
	rc = write_record(t, err, err_len);
	if (rc)
		goto err_unlock;

	/* The mute first, so that the host does not answer for an address that is on its way. */
	if (params->mode == TAKE_SHARE) {
		t->mute_fd = share_mute(params->ifname, &t->spec, 0, NULL, err, err_len);
		rc = t->mute_fd < 0 ? t->mute_fd : share_reserve(&t->share, err, err_len);
	} else {
		t->mute_fd = own_mute(params->ifname, 0, NULL, mute_err, sizeof(mute_err));
		rc = own_remove(&t->own, err, err_len);
		if (!rc && t->mute_fd < 0)
			say(err, err_len, "%s the host's stack sees the frames, too", mute_err);
	}
	if (!rc)
		return 0;

	if (t->mute_fd >= 0)
		close(t->mute_fd);
	/* Undone already; if it is not, the record is needed. */
	if (params->mode == TAKE_SHARE || !own_restore(&t->own, NULL, 0))
		record_remove(&t->record, NULL, 0);
err_unlock:
	record_close(&t->record);
	t->mode = 0;
	t->mute_fd = -1;
	return rc;
}

int take_end(struct take *t, char *err, size_t err_len)
{
	int rc;

	if (!t->mode)
		return 0;
	if (t->mute_fd >= 0)
		close(t->mute_fd);
	t->mute_fd = -1;
	rc = t->mode == TAKE_SHARE ? share_release(&t->share, err, err_len) :
				     own_restore(&t->own, err, err_len);
	if (!rc)
		rc = record_remove(&t->record, err, err_len);
	record_close(&t->record);
	t->mode = 0;
	return rc;
}
