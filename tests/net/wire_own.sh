#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# own_take() removes an interface's addresses, routes and neighbours, of IPv4 and IPv6, and own_restore() puts back exactly
# those; what it refuses leaves no trace.
#
#	host: [a0]-----veth-----[b0]	and a second pair [c0]---[d0] that must not change
. "$(dirname "$0")/wire_lib.sh"

ns host peer
pair "$host" a0 "$peer" b0
pair "$host" c0 "$peer" d0
IP="ip -n $host"
conf6() { in_ns "$host" sh -c "cat /proc/sys/net/ipv6/conf/a0/$1"; }
show() {
	$IP addr
	for t in main local 100 1000; do echo "table $t"; $IP -d route show table $t 2>/dev/null || true; done
	for t in main local 200; do echo "table $t of IPv6"; $IP -d -6 route show table $t 2>/dev/null | sort || true; done
	echo neighbours; $IP neigh show dev a0 nud all | sort; $IP neigh show proxy dev a0 | sort
	for f in disable_ipv6 accept_ra addr_gen_mode; do echo "$f $(conf6 $f)"; done
}
# A lifetime runs on while the address is away: seconds are compared apart. What is learned comes back as stale; the
# kernel's own entries for multicast (NOARP) and the failed come and go.
snapshot() {
	show | sed 's/\(valid_lft\|preferred_lft\|expires\) [0-9]*sec/\1 SECONDS/g; s/ \(REACHABLE\|DELAY\|PROBE\)/ STALE/; / NOARP/d; / FAILED/d; / INCOMPLETE/d' >"$TMP/$1"
}

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
$IP -6 addr add 2001:db8:1::5/64 dev a0
$IP -6 addr add 2001:db8:1::6/64 dev a0 nodad
$IP -6 addr add 2001:db8:2::1/48 dev a0 noprefixroute metric 77
$IP -6 addr add 2001:db8:3::1 peer 2001:db8:3::2/128 dev a0
$IP -6 addr add 2001:db8:4::1/64 dev a0 valid_lft 1000 preferred_lft 500
$IP -6 addr add 2001:db8:5::1/64 dev a0 valid_lft 1000 preferred_lft 0
$IP -6 addr add 2001:db8:ff::1/64 dev c0 nodad
settle "$host"
$IP -6 route add default via fe80::99 dev a0 metric 100 proto ra mtu 1400 pref high expires 1000
$IP -6 route add default via 2001:db8:ff::9 dev c0 metric 200
$IP -6 route add 2001:db8:10::/48 via 2001:db8:1::9 dev a0 src 2001:db8:1::6
$IP -6 route add 2001:db8:11::/48 dev a0 proto static
$IP -6 route add 2001:db8:12::/48 via 2001:db8:77::1 dev a0 onlink
$IP -6 route add 2001:db8:13::/48 via fe80::98 dev a0 table 200
$IP -6 route del 2001:db8:5::/64 dev a0
$IP neigh add 10.1.0.77 lladdr 02:00:00:00:00:77 dev a0 nud permanent
$IP neigh add 10.1.0.78 lladdr 02:00:00:00:00:78 dev a0 nud stale
$IP neigh add proxy 10.1.0.79 dev a0
$IP neigh add 2001:db8:1::77 lladdr 02:00:00:00:00:77 dev a0 nud permanent router proto static
$IP neigh add fe80::99 lladdr 02:00:00:00:00:99 dev a0 nud stale router
$IP neigh add proxy 2001:db8:1::79 dev a0
in_ns "$host" sh -c 'echo 2 >/proc/sys/net/ipv6/conf/a0/accept_ra'
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
wait_for 20 grep -q taken "$TMP/own" || { cat "$TMP/own.err" >&2; fail "own_take"; }
cat "$TMP/own"
[ -z "$($IP -4 addr show dev a0)$($IP -6 addr show dev a0)" ] || fail "addresses are left"
[ -z "$($IP route show table all | grep -w a0)$($IP -6 route show table all | grep -w a0)" ] || fail "routes are left"
[ "$(conf6 disable_ipv6)" = 1 ] || fail "the host would make itself a link-local address"
$IP route | grep -q '^default via 172.16.0.2' && $IP -6 route | grep -q '^default via 2001:db8:ff::9' || fail "a route of another interface went away"
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

echo "# a failure in the middle undoes what was done: each request in turn fails"
if [ -n "${2:-}" ]; then
	n=1 rc=0
	while :; do
		[ $n -gt 1 ] || snapshot before
		ip netns exec "$host" "$2" a0 $n || rc=$?
		snapshot after
		diff -u "$TMP/before" "$TMP/after" || fail "a take that failed at request $n changed something"
		[ $rc = 0 ] || break
		n=$((n + 1))
	done
	[ $rc = 2 ] || fail "own_take with a fault at request $n: $rc"
	[ $n -gt 30 ] || fail "too few requests"
fi

echo "# refused: a multipath route by the interface"
$IP route add 10.90.0.0/16 nexthop via 10.1.0.1 dev a0 nexthop via 172.16.0.2 dev c0
refused "a multipath route"
$IP route del 10.90.0.0/16

echo "# refused: a multipath route of IPv6"
$IP -6 route add 2001:db8:90::/48 nexthop via 2001:db8:1::9 dev a0 nexthop via 2001:db8:ff::8 dev c0
refused "a multipath route of IPv6"
$IP -6 route del 2001:db8:90::/48

echo "# refused: more routes than fit"
for i in $(seq 1 128); do echo "route add 10.91.$i.0/24 via 10.1.0.1 dev a0"; done | $IP -batch -
refused "128 more routes"
for i in $(seq 1 128); do echo "route del 10.91.$i.0/24"; done | $IP -batch -

echo "# refused: more addresses than fit"
for i in $(seq 1 32); do echo "addr add 10.92.$i.1/24 dev a0"; done | $IP -batch -
refused "32 more addresses"
for i in $(seq 1 32); do echo "addr del 10.92.$i.1/24 dev a0"; done | $IP -batch -

echo "# refused: more permanent neighbours than fit"
for i in $(seq 101 227); do echo "neigh add 10.1.0.$i lladdr 02:00:00:00:01:01 dev a0 nud permanent"; done | $IP -batch -
refused "127 more permanent neighbours"
for i in $(seq 101 227); do echo "neigh del 10.1.0.$i dev a0"; done | $IP -batch -

echo "# no privilege: an error, nothing changed"
if command -v setpriv >/dev/null; then
	snapshot before
	if ip netns exec "$host" setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$ECHO" own a0 \
		</dev/null >"$TMP/own" 2>"$TMP/own.err"; then fail "took without CAP_NET_ADMIN"; fi
	cat "$TMP/own.err"
	snapshot after
	diff -u "$TMP/before" "$TMP/after" || fail "changed something without CAP_NET_ADMIN"
fi
