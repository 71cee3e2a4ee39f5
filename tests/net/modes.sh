#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# modes.sh ACCD TRAFFIC LKL_NET - accd in own and in share mode, and after the death of all its processes
#
#	peer 10.97.0.1 [p0]---[n0] near 10.97.0.2: accd's interface; client and server are both at the peer
#	     2001:db8:97::1        2001:db8:97::2
set -u

ACCD=${1:?usage: modes.sh ACCD TRAFFIC LKL_NET}
TRAFFIC=${2:?usage: modes.sh ACCD TRAFFIC LKL_NET}
LKL_NET=${3:?usage: modes.sh ACCD TRAFFIC LKL_NET}
set -- "$LKL_NET"
. "$(dirname "$0")/wire_lib.sh"
command -v jq >/dev/null || skip "needs jq"

ns peer near
pair "$peer" p0 "$near" n0
ip -n "$peer" addr add 10.97.0.1/24 dev p0
ip -n "$near" addr add 10.97.0.2/24 dev n0
ip -n "$peer" addr add 2001:db8:97::1/64 dev p0 nodad
ip -n "$near" addr add 2001:db8:97::2/64 dev n0 nodad
ip -n "$near" neigh add 10.97.0.9 lladdr 02:00:00:00:00:09 dev n0 nud permanent
settle "$near"

snapshot() {
	{
		ip -n "$near" -j -d addr show
		ip -n "$near" -j -d route show table all
		ip -n "$near" -j -d -6 route show table all
		ip -n "$near" -j neigh show nud permanent
		in_ns "$near" cat /proc/sys/net/ipv4/ip_local_reserved_ports
	} >"$TMP/$1"
}
same() { snapshot after; cmp "$TMP/before" "$TMP/after" || { diff "$TMP/before" "$TMP/after"; fail "not what it was before: $1"; }; }
snapshot before

ip netns exec "$peer" "$TRAFFIC" server 10.97.0.1 8080 s1 >"$TMP/server" 2>&1 &
PIDS="$PIDS $!"
wait_for 20 grep -q listening "$TMP/server" || fail "server"
background server6 "$peer" "$LKL_NET" --host -p 8086 rr -s

start() { # MODE
	cat >"$TMP/accd.conf" <<-CONF
		log { access = off; }
		worker { memory = 128M; drain_timeout = 1s; }
		wire { interface = n0; mode = $1; }
		listener web { bind = "10.97.0.2:80"; pool = s1; }
		listener web6 { bind = "[2001:db8:97::2]:86"; pool = s6; }
		pool s1 { server s1 { address = "10.97.0.1:8080"; } }
		pool s6 { server s6 { address = "[2001:db8:97::1]:8086"; } }
	CONF
	! kernel_died "$TMP" >&2 || fail "an instance died"
	: >"$TMP/accd.err" # what the one before said is not its word
	ip netns exec "$near" "$ACCD" -f "$TMP/accd.conf" 2>"$TMP/accd.err" &
	accd_pid=$!
	PIDS="$PIDS $accd_pid"
	wait_for 20 grep -q 'accd: ready:' "$TMP/accd.err" || { cat "$TMP/accd.err"; fail "accd in mode $1"; }
}
relayed() { # every byte, both ways
	in_ns "$peer" timeout 60 "$TRAFFIC" client 10.97.0.2 80 --up 3M --down 5M --order both || fail "$1: IPv4"
	in_ns "$peer" timeout 60 "$TRAFFIC" client 10.97.0.2 80 --up 100 --down 300 --rounds 200 || fail "$1: rounds"
	in_ns "$peer" timeout 60 "$LKL_NET" --host -p 86 rr -n 200 -q 3000 -r 70000 2001:db8:97::2 || fail "$1: IPv6"
}
end_accd() {
	kill -TERM "$accd_pid"
	wait "$accd_pid" || { cat "$TMP/accd.err"; fail "accd's exit"; }
	same "$1"
}
resets() { host_counter "$near" Tcp OutRsts; }

echo "# own: relays"
start own
relayed own
[ -z "$(ip -n "$near" -4 -o addr show dev n0)$(ip -n "$near" -6 -o addr show dev n0)" ] || fail "the host kept addresses"
end_accd own

echo "# share: relays, while a service of the host answers on the same addresses"
background sshd "$near" "$LKL_NET" --host -p 22 rr -s
start share
segments=$(resets)
relayed share
for to in 10.97.0.2 2001:db8:97::2; do
	in_ns "$peer" timeout 60 "$LKL_NET" --host -p 22 rr -n 50 "$to" || fail "the host's service at $to"
done
[ "$segments" = "$(resets)" ] || fail "the host sent resets: $segments, now $(resets)"
if in_ns "$peer" timeout 60 "$LKL_NET" --host -p 81 rr -n 1 10.97.0.2 2>"$TMP/err"; then fail "port 81 is nobody's"; fi
grep -q 'Connection refused' "$TMP/err" || { cat "$TMP/err"; fail "the host refuses its other ports"; }

echo "# share: echo and ARP are answered once"
ip netns exec "$peer" "$LKL_NET" -i p0 dump -t 4 >"$TMP/dump" 2>"$TMP/dump.err" &
dump_pid=$!
wait_for 20 grep -q 'dump: ready' "$TMP/dump.err" || fail "dump"
ip -n "$peer" neigh flush dev p0
in_ns "$peer" "$LKL_NET" --host ping -c 3 10.97.0.2 | tail -n 1
wait "$dump_pid" || fail "dump ended with an error"
[ "$(grep -c '^[0-9.]* in  10.97.0.2 > 10.97.0.1 icmp type=0' "$TMP/dump")" = 3 ] || { cat "$TMP/dump"; fail "not three echo replies"; }
[ "$(grep -c '^[0-9.]* in  arp answer: 10.97.0.1 is asked by 10.97.0.2' "$TMP/dump")" = 1 ] || { cat "$TMP/dump"; fail "not one ARP answer"; }
end_accd share
stop sshd >/dev/null

# The supervisor first stopped, so that it restarts nobody; then the others, so that the keeper does not put back anything
# between two of the deaths; then all of them killed.
kill_all() {
	kill -STOP "$accd_pid"
	children=$(cat "/proc/$accd_pid/task/$accd_pid/children")
	kill -STOP $children
	kill -9 $children "$accd_pid"
	wait "$accd_pid" 2>/dev/null || true
	for pid in $children; do wait_for 20 test ! -e "/proc/$pid/status" || wait_for 20 grep -q Z "/proc/$pid/status"; done
	snapshot after
	! cmp -s "$TMP/before" "$TMP/after" || fail "nothing was taken"
}
for mode in own share; do
	echo "# $mode: all processes killed; lkl-net restore"
	start $mode
	kill_all
	in_ns "$near" "$LKL_NET" restore n0 || fail "restore"
	same "$mode, restored"
	echo "# $mode: all processes killed; the next start"
	start $mode
	kill_all
	start $mode
	grep -q 'put back what a dead process had taken' "$TMP/accd.err" || fail "no word of it"
	relayed "$mode again"
	end_accd "$mode, started again"
done
