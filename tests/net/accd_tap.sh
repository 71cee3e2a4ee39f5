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
stop accd
wait_for 20 sh -c "! ip -n $far link show k0" || fail "the tap is still there"
