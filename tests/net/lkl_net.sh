#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lkl_net.sh LKL_NET - the tool: every command in own and in share mode, IPv4 and IPv6, against a kernel peer
#
#	peer 10.98.1.1 [p0]---[q0] router [q1]---[n0] near 10.98.2.2: the interface that is taken
#	     2001:db8:1::1     MTU 1300 towards the peer      2001:db8:2::2
#
# Segments of 1500 bytes do not pass the router: streams to the peer end only if its ICMP errors reach the instance.
set -u

LKL_NET=${1:?usage: lkl_net.sh LKL_NET}
set -- "$LKL_NET"
. "$(dirname "$0")/wire_lib.sh"
command -v jq >/dev/null || skip "needs jq"

ns peer router near
pair "$peer" p0 "$router" q0
pair "$near" n0 "$router" q1
for n in "$peer" "$router" "$near"; do in_ns "$n" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'; done
in_ns "$router" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
addresses() { # NS IF IPV4 IPV6
	ip -n "$1" addr add "$3/24" dev "$2"
	ip -n "$1" addr add "$4/64" dev "$2" nodad
}
addresses "$peer" p0 10.98.1.1 2001:db8:1::1
addresses "$router" q0 10.98.1.9 2001:db8:1::9
addresses "$router" q1 10.98.2.9 2001:db8:2::9
addresses "$near" n0 10.98.2.2 2001:db8:2::2
ip -n "$router" link set q0 mtu 1300
for n in "$peer 1" "$near 2"; do
	set -- $n
	ip -n "$1" route add default via "10.98.$2.9"
	ip -n "$1" -6 route add default via "2001:db8:$2::9"
done
settle "$near"

snapshot() {
	{
		ip -n "$near" -j -d addr show
		ip -n "$near" -j -d route show table all
		ip -n "$near" -j -d -6 route show table all | jq -c '[.[] | del(.expires)] | sort_by(.dst, .dev)'
		in_ns "$near" cat /proc/sys/net/ipv4/ip_local_reserved_ports
	} >"$TMP/$1"
}
same() { snapshot after; diff "$TMP/before" "$TMP/after" || fail "not what it was before: $1"; }
inside() { in_ns "$near" timeout 60 "$LKL_NET" -i n0 "$@"; }
value() { tr ' ' '\n' <"$TMP/out" | sed -n "s/^$1=//p" | tail -n 1; }
snapshot before

echo "# wrong command lines: exit 2, what would be right, nothing taken"
wrong() { # PATTERN ARGUMENT...
	pattern=$1 rc=0
	shift
	in_ns "$near" timeout 10 "$LKL_NET" "$@" >/dev/null 2>"$TMP/err" || rc=$?
	[ $rc = 2 ] && grep -q -- "$pattern" "$TMP/err" || { cat "$TMP/err"; fail "exit $rc for: $*"; }
}
wrong 'expected ping, stream' -i n0 --own frobnicate
wrong 'expected one of -i' ping 10.98.1.1
wrong 'expected an IPv4 or IPv6' -i n0 --own ping 10.98.1
wrong 'expected a number from 1 to 1000000' -i n0 --own ping -c 0 10.98.1.1
wrong 'expected --own, --share or --addr' -i n0 rr 10.98.1.1
wrong 'expected LOW-HIGH' -i n0 --share=9-1 rr 10.98.1.1
wrong 'expected one of them' -i n0 --share --own rr 10.98.1.1
wrong 'expected an address with its prefix' -i n0 --addr 10.98.2.2 rr 10.98.1.1
wrong 'expected a number from 0 to 32' -i n0 --addr 10.98.2.2/33 rr 10.98.1.1
wrong 'expected no -i' --host -i n0 rr 10.98.1.1
wrong 'expected KEY=VALUE' -i n0 --own --sysctl net.ipv4.tcp_sack ping 10.98.1.1
wrong 'in share mode the host has' -i n0 --share ping 10.98.1.1
wrong 'expected addr, route' -i n0 show everything
wrong '-w: ' -w nothing:if=n0 show
wrong 'expected a number from 1 to 65535' -i n0 --own -p 0 rr 10.98.1.1
same "wrong command lines"

background host "$peer" "$LKL_NET" --host stream -s

for mode in --own --share; do
	for to in 10.98.1.1 2001:db8:1::1; do
		echo "# $mode: $to"
		if [ $mode = --own ]; then
			# 500 and 1232: lengths whose sum with the protocol number in a pseudo header has a carry
			for bytes in 56 500 1232; do
				inside $mode ping -c 3 -s $bytes "$to" >"$TMP/out" || { cat "$TMP/out"; fail "ping"; }
				tail -n 1 "$TMP/out"
				[ "$(value received)" = 3 ] || { cat "$TMP/out"; fail "an echo is lost"; }
			done
		fi
		inside $mode stream -n 5M "$to" | tee "$TMP/out"
		[ "$(value up_bytes)" = 5242880 ] || fail "stream to the peer"
		inside $mode stream -n 5M -R "$to" | tee "$TMP/out"
		[ "$(value down_bytes)" = 5242880 ] || fail "stream from the peer"
		inside $mode stream -n 1M --both -P 3 "$to" | tee "$TMP/out"
		[ "$(value up_bytes)+$(value down_bytes)" = 3145728+3145728 ] || fail "three streams both ways"
		inside $mode -j rr -n 500 -q 100 -r 5000 -P 2 "$to" | jq -e '.requests == 1000 and .p50_us > 0' || fail "rr"
	done
	same "$mode"
done
stop host >/dev/null

echo "# the instance as server, in share mode: the peer reaches it, the host answers no segment of its port"
background inner "$near" "$LKL_NET" -i n0 --share -p 8080 stream -s
resets() { host_counter "$near" Tcp OutRsts; }
before=$(resets)
for to in 10.98.2.2 2001:db8:2::2; do
	in_ns "$peer" timeout 60 "$LKL_NET" --host -p 8080 stream -n 5M --both "$to" | tee "$TMP/out"
	[ "$(value up_bytes)+$(value down_bytes)" = 5242880+5242880 ] || fail "stream from the host's peer"
	in_ns "$peer" timeout 60 "$LKL_NET" --host -p 8080 rr -n 200 "$to" || fail "rr from the host's peer"
	in_ns "$peer" timeout 60 "$LKL_NET" --host ping -c 2 "$to" | tail -n 1 | tee "$TMP/out"
	[ "$(value received)" = 2 ] || fail "the host's echo replies"
done
[ "$before" = "$(resets)" ] || fail "the host sent resets: $before, now $(resets)"
stop inner >/dev/null
same "the server, ended by SIGTERM"

echo "# dump: text and pcap; show"
inside --own dump -t 2 >"$TMP/dump" 2>"$TMP/dump.err" &
dump_pid=$!
wait_for 20 grep -q 'dump: ready' "$TMP/dump.err" || fail "dump"
in_ns "$peer" "$LKL_NET" --host ping -c 2 10.98.2.2 >/dev/null || fail "the instance answers echo"
wait $dump_pid || { cat "$TMP/dump.err"; fail "dump ended with an error"; }
grep -q 'in  10.98.1.1 > 10.98.2.2 icmp type=8' "$TMP/dump" && grep -q 'out 10.98.2.2 > 10.98.1.1 icmp type=0' "$TMP/dump" ||
	{ cat "$TMP/dump"; fail "no echo in the dump"; }
: >"$TMP/dump.err" # what the one before said is not its word
inside --own dump -t 5 -c 2 -w "$TMP/dump.pcap" 2>"$TMP/dump.err" &
dump_pid=$!
wait_for 20 grep -q 'dump: ready' "$TMP/dump.err" || fail "dump"
in_ns "$peer" "$LKL_NET" --host ping -c 3 10.98.2.2 >/dev/null || fail "no echo, of the instance or, after two frames, the host"
wait $dump_pid || fail "dump -w"
[ "$(od -An -tx4 -N4 "$TMP/dump.pcap" | tr -d ' ')" = a1b23c4d ] || fail "no pcap file"
inside --own -j show >"$TMP/show" || fail "show"
jq -e '(.addr | map(.address) | index("10.98.2.2/24") and index("2001:db8:2::2/64")) and (.route | map(.via) | index("10.98.2.9"))
	and (.counters[0].wire == "packet") and (.neigh | length >= 1) and (.ethtool | type == "array")' "$TMP/show" || { cat "$TMP/show"; fail "show"; }
same "dump and show"

echo "# killed, parent and child: restore puts everything back"
for mode in --own --share; do
	background inner "$near" "$LKL_NET" -i n0 $mode rr -s
	in_ns "$near" "$LKL_NET" restore n0 2>"$TMP/err" && fail "restored under a living owner" || true
	grep -q "process $inner_pid has the interface" "$TMP/err" || { cat "$TMP/err"; fail "the owner is not named"; }
	kill -9 "$inner_pid" $(cat "/proc/$inner_pid/task/$inner_pid/children")
	wait "$inner_pid" 2>/dev/null || true
	snapshot after
	! cmp -s "$TMP/before" "$TMP/after" || fail "nothing was taken"
	# the lock falls when both are gone
	wait_for 20 in_ns "$near" "$LKL_NET" restore --all || fail "restore --all"
	same "$mode, restored"
done
