// SPDX-License-Identifier: GPL-2.0-only
/*
 * log_format.c - one session as a line of text or as a JSON object
 *
 * A record comes from a worker, which talks to the network: every string and index in it is
 * checked and escaped here as if it were hostile. Text, in fields without blanks but in braces:
 *
 *   TIME CLIENT LISTENER POOL/SERVER connect_ms= total_ms= queue_ms= up_bytes= down_bytes= state=XY retries= sessions=
 *   tcp_down={cc= rtt_us= ...} tcp_up={...} counts=LISTENER/POOL/SERVER id=
 */
#include <inttypes.h>
#include <time.h>

#include "log.h"
#include "text.h"

static const char cause_letters[LOG_CAUSE__COUNT] = {
	[LOG_CAUSE_DONE] = '-',	   [LOG_CAUSE_CLIENT] = 'C', [LOG_CAUSE_SERVER] = 'S',
	[LOG_CAUSE_TIMEOUT] = 'T', [LOG_CAUSE_PROXY] = 'P',  [LOG_CAUSE_KILLED] = 'K',
	[LOG_CAUSE_LIFETIME] = 'L', [LOG_CAUSE_DOWN] = 'D',
	[LOG_CAUSE_DENIED] = 'A',  [LOG_CAUSE_LIMIT] = 'R',  [LOG_CAUSE_HEADER] = 'H',
};
static const char phase_letters[LOG_PHASE__COUNT] = {
	[LOG_PHASE_QUEUE] = 'Q',
	[LOG_PHASE_CONNECT] = 'C',
	[LOG_PHASE_DATA] = 'D',
	[LOG_PHASE_LAST] = 'L',
	[LOG_PHASE_DONE] = '-',
	[LOG_PHASE_FIRST] = 'F',
};

char log_cause_letter(unsigned int cause)
{
	return cause < LOG_CAUSE__COUNT && cause_letters[cause] ? cause_letters[cause] : '?';
}

static char phase_letter(unsigned int phase)
{
	return phase < LOG_PHASE__COUNT && phase_letters[phase] ? phase_letters[phase] : '?';
}

void log_format_time(struct text *t, int64_t at_us)
{
	time_t at_sec = at_us / 1000000;
	struct tm tm;

	gmtime_r(&at_sec, &tm);
	text_add(t, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		 tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned int)(at_us % 1000000 / 1000));
}

static void add_ms(struct text *t, const char *name, uint64_t us)
{
	if (us == UINT64_MAX)
		text_add(t, " %s=-1", name);
	else
		text_add(t, " %s=%" PRIu64 ".%03u", name, us / 1000, (unsigned int)(us % 1000));
}

static void log_format_id(struct text *t, const struct log_record *rec)
{
	text_add(t, "%u-%" PRIu32 "-%" PRIu32, rec->worker, rec->slot, rec->slot_gen);
}

static void text_tcp(struct text *t, const char *name, const struct log_tcp *tcp)
{
	text_add(t, " %s={", name);
	if (tcp->is_set) {
		text_add(t, "cc=");
		text_add_plain(t, tcp->cc, sizeof(tcp->cc), true);
		text_add(t,
			 " rtt_us=%" PRIu32 " rttvar_us=%" PRIu32 " min_rtt_us=%" PRIu32 " retrans=%" PRIu32
			 " cwnd_pkts=%" PRIu32 " delivery_bps=%" PRIu64 " busy_us=%" PRIu64
			 " rwnd_limited_us=%" PRIu64 " sndbuf_limited_us=%" PRIu64,
			 tcp->rtt_us, tcp->rttvar_us, tcp->min_rtt_us, tcp->retrans_total, tcp->snd_cwnd_pkts,
			 tcp->delivery_rate_bps, tcp->busy_us, tcp->rwnd_limited_us, tcp->sndbuf_limited_us);
	}
	text_add(t, "}");
}

void log_format_text(struct text *t, const struct log_record *rec, int64_t offset_us)
{
	char client[ADDR_TEXT_BYTES];

	log_format_time(t, (int64_t)rec->accept_us + offset_us);
	text_add(t, " %s ", addr_format(&rec->client, client, sizeof(client)));
	text_add_plain(t, rec->listener, sizeof(rec->listener), true);
	text_add(t, " ");
	text_add_plain(t, rec->pool, sizeof(rec->pool), true);
	text_add(t, "/");
	if (rec->server[0])
		text_add_plain(t, rec->server, sizeof(rec->server), true);
	else
		text_add(t, "-");
	add_ms(t, "connect_ms", rec->connect_us);
	add_ms(t, "total_ms", rec->total_us);
	add_ms(t, "queue_ms", rec->queue_us);
	text_add(t, " up_bytes=%" PRIu64 " down_bytes=%" PRIu64 " state=%c%c retries=%u sessions=%" PRIu32,
		 rec->bytes_up, rec->bytes_down, log_cause_letter(rec->cause), phase_letter(rec->phase),
		 rec->retries, rec->sessions);
	text_tcp(t, "tcp_down", &rec->tcp_down);
	text_tcp(t, "tcp_up", &rec->tcp_up);
	text_add(t, " counts=%" PRIu32 "/%" PRIu32 "/%" PRIu32 " id=", rec->listener_sessions,
		 rec->pool_sessions, rec->server_sessions);
	log_format_id(t, rec);
}

static void json_ms(struct text *t, const char *name, uint64_t us)
{
	if (us == UINT64_MAX)
		text_add(t, ",\"%s\":null", name);
	else
		text_add(t, ",\"%s\":%" PRIu64 ".%03u", name, us / 1000, (unsigned int)(us % 1000));
}

static void json_tcp(struct text *t, const char *name, const struct log_tcp *tcp)
{
	text_add(t, ",\"%s\":", name);
	if (!tcp->is_set) {
		text_add(t, "null");
		return;
	}
	text_add(t, "{\"cc\":");
	text_add_json(t, tcp->cc, sizeof(tcp->cc));
	text_add(t,
		 ",\"rtt_us\":%" PRIu32 ",\"rttvar_us\":%" PRIu32 ",\"min_rtt_us\":%" PRIu32
		 ",\"retrans\":%" PRIu32 ",\"cwnd_pkts\":%" PRIu32 ",\"delivery_bps\":%" PRIu64
		 ",\"busy_us\":%" PRIu64 ",\"rwnd_limited_us\":%" PRIu64 ",\"sndbuf_limited_us\":%" PRIu64 "}",
		 tcp->rtt_us, tcp->rttvar_us, tcp->min_rtt_us, tcp->retrans_total, tcp->snd_cwnd_pkts,
		 tcp->delivery_rate_bps, tcp->busy_us, tcp->rwnd_limited_us, tcp->sndbuf_limited_us);
}

static const char *const state_names[] = { "connecting", "relaying", "queued" };

void log_format_json(struct text *t, const struct log_record *rec, int64_t offset_us)
{
	char client[ADDR_TEXT_BYTES];

	text_add(t, "{\"time\":\"");
	log_format_time(t, (int64_t)rec->accept_us + offset_us);
	text_add(t, "\",\"id\":\"");
	log_format_id(t, rec);
	text_add(t, "\",\"client\":\"%s\",\"listener\":", addr_format(&rec->client, client, sizeof(client)));
	text_add_json(t, rec->listener, sizeof(rec->listener));
	text_add(t, ",\"pool\":");
	text_add_json(t, rec->pool, sizeof(rec->pool));
	text_add(t, ",\"server\":");
	if (rec->server[0])
		text_add_json(t, rec->server, sizeof(rec->server));
	else
		text_add(t, "null");
	json_ms(t, "queue_ms", rec->queue_us);
	json_ms(t, "connect_ms", rec->connect_us);
	json_ms(t, rec->is_open ? "age_ms" : "total_ms", rec->total_us);
	if (rec->is_open) {
		json_ms(t, "idle_ms", rec->idle_us);
		text_add(t, ",\"state\":\"%s\"", state_names[rec->phase == LOG_PHASE_QUEUE ? 2 : rec->phase != LOG_PHASE_CONNECT]);
	} else {
		text_add(t, ",\"state\":\"%c%c\"", log_cause_letter(rec->cause), phase_letter(rec->phase));
	}
	text_add(t, ",\"up_bytes\":%" PRIu64 ",\"down_bytes\":%" PRIu64 ",\"retries\":%u", rec->bytes_up,
		 rec->bytes_down, rec->retries);
	if (!rec->is_open)
		text_add(t,
			 ",\"sessions\":%" PRIu32 ",\"listener_sessions\":%" PRIu32
			 ",\"pool_sessions\":%" PRIu32 ",\"server_sessions\":%" PRIu32,
			 rec->sessions, rec->listener_sessions, rec->pool_sessions, rec->server_sessions);
	json_tcp(t, "tcp_down", &rec->tcp_down);
	json_tcp(t, "tcp_up", &rec->tcp_up);
	text_add(t, "}");
}
