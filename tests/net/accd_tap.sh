#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# accd on a tap wire in mode static: a stack that takes nothing of the host's.
#
#	far 10.98.0.1: client, and server on port 9000 [k0] = tap: accd 10.98.0.2
#
# usage: accd_tap.sh ACCD TRAFFIC
. "$(dirname "$0")/wire_lib.sh"

ACCD=$1
TRAFFIC=$2
ns far
cat >"$TMP/conf" <<END
stack = lkl;
log { access = off; }
worker { memory = 128M; }
metrics { bind = "unix:$TMP/metrics"; }
wire {
	type = tap;
	interface = k0;
	options = "up,mac=02:00:00:00:00:07";
	mode = static;
	address = "10.98.0.2/24";
}
listener web { bind = "*:8080"; pool = p; }
pool p { server s1 { address = "10.98.0.1:9000"; } }
END
background accd "$far" sh -c 'exec "$0" -f "$1" 2>&1' "$ACCD" "$TMP/conf"
wait_for 20 ip -n "$far" link show k0 || fail "no k0"
ip -n "$far" addr add 10.98.0.1/24 dev k0
ip netns exec "$far" "$TRAFFIC" server 10.98.0.1 9000 s1 >"$TMP/server" &
PIDS="$PIDS $!"
wait_for 20 grep -q listening "$TMP/server" || fail "no server"
in_ns "$far" timeout 100 "$TRAFFIC" client 10.98.0.2 8080 --up 1M --down 5M --order both || fail "the relay"

# Readers that stop: what eight sessions hold then is more than the sixteenth of the memory that Linux gives TCP, where it
# begins to throw away what comes in. Here it may take half.
metric() { curl -s -m 5 --unix-socket "$TMP/metrics" http://accd/metrics >"$TMP/page" && of_page "$@"; }
of_page() { grep -q "^accd_stack_tcp_$1{[^}]*} $2\$" "$TMP/page"; }
paused=
for id in 1 2 3 4 5 6 7 8; do
	ip netns exec "$far" "$TRAFFIC" client 10.98.0.2 8080 --up 1 --down 200M --pause --id $id >/dev/null 2>&1 &
	paused="$paused $!"
	PIDS="$PIDS $!"
done
for id in 1 2 3 4 5 6 7 8; do
	wait_for 60 grep -q "stalled id=$id" "$TMP/server" || fail "session $id does not stall"
done
in_ns "$far" timeout 100 "$TRAFFIC" client 10.98.0.2 8080 --up 1 --down 1M || fail "another session"
wait_for 20 metric passive_opens_total 10 || fail "no metrics of the sessions"
of_page memory_pressures_total 0 || { grep memory "$TMP/page"; fail "TCP is short of memory"; }
for pid in $paused; do
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || :
done
stop accd
wait_for 20 sh -c "! ip -n $far link show k0" || fail "the tap is still there"
