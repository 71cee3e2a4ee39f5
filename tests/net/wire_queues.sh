#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# One interface, four workers, each on a queue of its own: every flow is served and none is seen by two workers; ARP and IPv6's
# neighbour solicitation reach all; a worker killed in the middle of traffic is followed by another on its queue, and all flows
# are served again, 40 times.
#
#	far 10.99.2.1 [f0]-----veth-----[w0] near: the wire under test, no address on the host
. "$(dirname "$0")/wire_lib.sh"

ns far near
pair "$far" f0 "$near" w0
ip -n "$far" addr add 10.99.2.1/24 dev f0
ip -n "$far" addr add fd00:99::1/64 dev f0 nodad

mkfifo "$TMP/in"
ip netns exec "$near" "$ECHO" queues w0 4 <"$TMP/in" >"$TMP/sup" 2>"$TMP/sup.err" &
sup_pid=$!
PIDS="$PIDS $sup_pid"
exec 3>"$TMP/in"
if ! wait_for 30 grep -q ready "$TMP/sup"; then
	wait "$sup_pid" && rc=0 || rc=$?
	[ $rc != 77 ] || skip "$(cat "$TMP/sup.err")"
	cat "$TMP/sup.err" >&2
	fail "the wire did not open"
fi

LINES=1
ask() { # COMMAND: one line out, one line in; the answer is in $answer
	echo "$1" >&3
	LINES=$((LINES + 1))
	wait_for 30 sh -c "[ \$(wc -l <'$TMP/sup') -ge $LINES ]" || fail "no answer to '$1'"
	answer=$(sed -n "${LINES}p" "$TMP/sup")
}
value_of() { echo "$answer" | tr ' ' '\n' | sed -n "s/^$1=//p"; }

echo "# 400 flows, four workers"
in_ns "$far" "$ECHO" client 10.99.2.2 7 400 2 || fail "not all flows were served"
ask stats
echo "$answer"
for i in 0 1 2 3; do
	[ "$(value_of arp$i)" -gt 0 ] || fail "worker $i saw no ARP"
	[ "$(value_of echoes$i)" -gt 0 ] || fail "worker $i echoed nothing"
done
[ "$(value_of split)" = 0 ] || fail "flows were seen by two workers"

echo "# IPv6: every worker is asked who fd00:99::2 is"
ip netns exec "$far" "$ECHO" client fd00:99::2 7 1 20 >/dev/null 2>&1 &
asker_pid=$!
PIDS="$PIDS $asker_pid"
for i in 0 1 2 3; do
	until ask stats && [ "$(value_of solicitations$i)" -gt 0 ]; do
		kill -0 "$asker_pid" 2>/dev/null || fail "worker $i saw no neighbour solicitation"
	done
done
kill "$asker_pid" && wait "$asker_pid" || true

echo "# 40 workers killed under load"
in_ns "$far" "$ECHO" client 10.99.2.2 7 400 8 >"$TMP/load" 2>&1 &
load_pid=$!
PIDS="$PIDS $load_pid"
n=0
while [ $n -lt 40 ]; do
	i=$((n % 4))
	ask stats
	before=$(value_of echoes$i)
	ask "kill $i"
	[ "$answer" = "killed $i" ] || fail "$answer"
	# the successor echoes, if the load still runs
	until ask stats && [ "$(value_of echoes$i)" -gt "$before" ]; do
		kill -0 $load_pid 2>/dev/null || break
	done
	n=$((n + 1))
done
wait "$load_pid" || { cat "$TMP/load"; fail "not all flows were served under load"; }
cat "$TMP/load"
in_ns "$far" "$ECHO" client 10.99.2.2 7 400 2 || fail "not all flows are served after the kills"
ask stats
echo "$answer"
[ "$(value_of split)" = 0 ] || fail "flows were seen by two workers"
[ "$(value_of refused)" = 0 ] || fail "frames were refused"

echo "# the last queue cannot be away"
for i in 0 1 2; do ask "away $i"; [ "$answer" = ok ] || fail "away $i: $answer"; done
ask "away 3"
[ "$answer" = refused ] || fail "all queues away"
exec 3>&-
wait "$sup_pid" || { cat "$TMP/sup.err" >&2; fail "the supervisor complained"; }
