#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# With own_mute() the packet wire sees all frames and the host stack none: it counts nothing and answers nothing. When the
# holder dies, even by SIGKILL, the host hears again.
#
#	far 10.99.2.1 [f0]-----veth-----[w0] near: the wire under test; the host keeps 10.99.2.2, the hardest case
. "$(dirname "$0")/wire_lib.sh"

ns far near
# What the host sends by itself (IPv6 router solicitation, MLD) is not an answer; keep it out of the counts.
for n in "$far" "$near"; do
	in_ns "$n" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
done
pair "$far" f0 "$near" w0
ip -n "$far" addr add 10.99.2.1/24 dev f0
ip -n "$near" addr add 10.99.2.2/24 dev w0

# Host counters of the near namespace: received by IP, TCP segments in and out, ICMP out.
snmp() { in_ns "$near" awk '
	/^(Ip|Icmp|Tcp|Udp):/ { if (!($1 in head)) { head[$1] = $0; split($0, names); for (i in names) n[$1, i] = names[i] }
		else for (i = 2; i <= NF; i++) v[$1 n[$1, i]] = $i }
	END { print v["Ip:InReceives"], v["Tcp:InSegs"], v["Tcp:OutSegs"], v["Icmp:OutMsgs"], v["Udp:InDatagrams"] + v["Udp:NoPorts"] }' \
	/proc/net/snmp; }
# Everything the near side can be asked for: ARP, ping, a TCP connection to a closed port, UDP to a closed port.
ask_all() {
	ip -n "$far" neigh flush dev f0
	in_ns "$far" timeout 1 "$ECHO" send 9 1 10.99.2.2 2>/dev/null || true
	ip -n "$far" neigh replace 10.99.2.2 lladdr "$(mac_of "$near" w0)" dev f0
	in_ns "$far" timeout 1 "$ECHO" send 9 1 10.99.2.2 2>/dev/null || true
	in_ns "$far" timeout 1 "$ECHO" ping 10.99.2.2 9 0.2 >/dev/null 2>&1 || true
	ip -n "$far" neigh flush dev f0
}
host_hears() { in_ns "$far" timeout 2 "$ECHO" send 9 1 10.99.2.2 2>&1 | grep -q '(111)'; }

host_hears || fail "the host should answer before it is muted"
for how in tcx nft; do
	echo "# $how"
	mkfifo "$TMP/in.$how"
	: >"$TMP/mute" # what the one before said is not its word
	ip netns exec "$near" "$ECHO" mute w0 "$how" <"$TMP/in.$how" >"$TMP/mute" 2>"$TMP/mute.err" &
	mute_pid=$!
	PIDS="$PIDS $mute_pid"
	exec 3>"$TMP/in.$how"
	if ! wait_for 20 grep -q muted "$TMP/mute"; then
		cat "$TMP/mute.err"
		exec 3>&-
		continue
	fi
	# What the host would send of itself, five seconds after it last answered: a probe for its neighbour.
	ip -n "$near" neigh flush dev w0 nud all
	background echo "$near" "$ECHO" echo w0
	tx_before=$(ip -n "$far" -s link show f0 | awk '/RX:/{getline; print $2}')
	before=$(snmp)
	ask_all
	[ "$before" = "$(snmp)" ] || fail "the host stack counted: $before -> $(snmp)"
	in_ns "$far" timeout 60 "$ECHO" lengths f0 "$(mac_of "$near" w0)" 200
	stop echo
	sent=$(counter echo 1 tx_frames)
	got=$(($(ip -n "$far" -s link show f0 | awk '/RX:/{getline; print $2}') - tx_before))
	[ "$got" -eq "$sent" ] || fail "the far side got $got frames, the wire sent $sent: the host answered"
	kill -9 "$mute_pid"
	wait "$mute_pid" 2>/dev/null || true
	exec 3>&-
	wait_for 20 host_hears || fail "the host is still deaf after the holder died"
	echo "quiet while held, back after SIGKILL"
done
