#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# own_take() removes an interface's IPv4 addresses and routes and own_restore() puts back exactly those; what it refuses
# leaves no trace.
#
#	host: [a0]-----veth-----[b0]	and a second pair [c0]---[d0] that must not change
. "$(dirname "$0")/wire_lib.sh"

ns host peer
pair "$host" a0 "$peer" b0
pair "$host" c0 "$peer" d0
IP="ip -n $host"
show() { $IP addr; for t in main 100 1000; do echo "table $t"; $IP -d route show table $t 2>/dev/null || true; done; }
# A lifetime runs on while the address is away: seconds are compared apart.
snapshot() { show | sed 's/\(valid_lft\|preferred_lft\) [0-9]*sec/\1 SECONDS/g' >"$TMP/$1"; }

$IP addr add 10.1.0.5/24 broadcast 10.1.0.255 dev a0 label a0:web
$IP addr add 10.1.0.6/24 dev a0
$IP addr add 10.2.0.1/16 broadcast 10.2.1.1 scope link dev a0 metric 77
$IP addr add 10.3.0.1 peer 10.3.0.2/32 dev a0
$IP addr add 10.4.0.1/24 dev a0 noprefixroute
$IP addr add 10.5.0.1/24 dev a0 valid_lft 1000 preferred_lft 500
$IP addr add 172.16.0.1/24 dev c0
$IP route add default via 10.1.0.1 dev a0 metric 100 proto dhcp src 10.1.0.6 mtu 1400 initcwnd 20
$IP route add default via 172.16.0.2 dev c0 metric 200
$IP route add 192.0.2.0/24 via 10.2.0.9 dev a0 tos 0x10
$IP route add 198.51.100.0/24 dev a0 scope link proto static
$IP route add 203.0.113.0/24 via 192.168.77.1 dev a0 onlink
$IP route add 192.0.2.128/25 via 172.16.0.2 dev c0 src 10.1.0.5
$IP route add 10.77.0.0/16 via 10.1.0.9 dev a0 table 100
$IP route add 10.78.0.0/16 via 10.1.0.9 dev a0 table 1000 metric 5
$IP route add 10.79.0.0/16 via 10.77.0.1 dev a0 onlink realm 3
$IP route del 10.2.0.0/16 dev a0	# the kernel's own prefix route, removed by the administrator

take() { # leaves own running with $own_pid
	mkfifo "$TMP/in" 2>/dev/null || true
	ip netns exec "$host" "$ECHO" own a0 <"$TMP/in" >"$TMP/own" 2>"$TMP/own.err" &
	own_pid=$!
	PIDS="$PIDS $own_pid"
	exec 3>"$TMP/in"
}

echo "# take and restore"
snapshot before
take
wait_for 5 grep -q taken "$TMP/own" || { cat "$TMP/own.err" >&2; fail "own_take"; }
cat "$TMP/own"
[ -z "$($IP -4 addr show dev a0)" ] || fail "addresses are left"
[ -z "$($IP route show table all | grep -w a0 | grep -v -e 'table local' -e '^fe80' -e '^multicast' -e '^ff00')" ] || fail "routes are left"
$IP route | grep -q '^default via 172.16.0.2' || fail "a route of another interface went away"
exec 3>&-
wait "$own_pid" || { cat "$TMP/own.err" >&2; fail "own_restore"; }
snapshot after
diff -u "$TMP/before" "$TMP/after" || fail "not what it was before"

refused() { # WHY
	snapshot before
	if ip netns exec "$host" "$ECHO" own a0 </dev/null >"$TMP/own" 2>"$TMP/own.err"; then fail "took $1"; fi
	cat "$TMP/own.err"
	snapshot after
	diff -u "$TMP/before" "$TMP/after" || fail "a refused take changed something"
}

echo "# refused: a multipath route by the interface"
$IP route add 10.90.0.0/16 nexthop via 10.1.0.1 dev a0 nexthop via 172.16.0.2 dev c0
refused "a multipath route"
$IP route del 10.90.0.0/16

echo "# refused: more routes than fit"
for i in $(seq 1 20); do $IP route add 10.91.$i.0/24 via 10.1.0.1 dev a0; done
refused "20 more routes"
for i in $(seq 1 20); do $IP route del 10.91.$i.0/24; done

echo "# refused: more addresses than fit"
for i in $(seq 1 9); do $IP addr add 10.92.$i.1/24 dev a0; done
refused "9 more addresses"
for i in $(seq 1 9); do $IP addr del 10.92.$i.1/24 dev a0; done

echo "# no privilege: an error, nothing changed"
if command -v setpriv >/dev/null; then
	snapshot before
	if ip netns exec "$host" setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$ECHO" own a0 \
		</dev/null >"$TMP/own" 2>"$TMP/own.err"; then fail "took without CAP_NET_ADMIN"; fi
	cat "$TMP/own.err"
	snapshot after
	diff -u "$TMP/before" "$TMP/after" || fail "changed something without CAP_NET_ADMIN"
fi
