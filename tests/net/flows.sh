#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# flows.sh ACCD ACCDCTL FLOWS [full] - many flows over four workers behind one address, each stack an instance of its own
#
#	far 10.97.0.1 [f0]-----veth-----[w0] near 10.97.0.2: accd, own mode, 4 workers, packet wire
#	2001:db8:97::1                       2001:db8:97::2
#
# Clients have 1,000 IPv4 and 1,000 IPv6 addresses, 10.98.0.0/16 and 2001:db8:98::/64, which accd reaches over far's address; the
# server is in far, too. 4,000 connections, 1,000 at once; with "full" 20,000 and 5,000. What must hold:
#
#	- every byte arrives, on every connection, and none is reset
#	- a flow is seen by one worker: a TCP segment that comes to another one finds no socket there, is counted (Tcp.OutRsts) and
#	  answered by a reset that ends the flow; and the connections that workers took, and made, add up to what was asked
#	- at the moment when all first ones are open, each is a session of one worker
#	- the answers of servers come back by port: a worker's connections to the server have its own range of local ports
#	- sessions are spread over the workers within 15 % of even
set -u

ACCD=${1:?usage: flows.sh ACCD ACCDCTL FLOWS [full]}
ACCDCTL=${2:?usage: flows.sh ACCD ACCDCTL FLOWS [full]}
FLOWS=${3:?usage: flows.sh ACCD ACCDCTL FLOWS [full]}
total=4000 at_once=1000
[ "${4:-}" != full ] || { total=20000 at_once=5000; }
set -- "$FLOWS"
. "$(dirname "$0")/wire_lib.sh"
. "$(dirname "$0")/flows_lib.sh"

ns far near
pair "$far" f0 "$near" w0
ip -n "$far" addr add 10.97.0.1/24 dev f0
ip -n "$far" addr add 2001:db8:97::1/64 dev f0 nodad
addresses_up
ip -n "$near" route add 10.98.0.0/16 via 10.97.0.1
ip -n "$near" -6 route add 2001:db8:98::/64 via 2001:db8:97::1
in_ns "$far" sysctl -qw net.ipv4.tcp_max_tw_buckets=262144 net.ipv4.tcp_max_syn_backlog=4096 net.core.somaxconn=4096
actors_up 10.97.0.1 2001:db8:97::1

echo "# $total connections, $at_once at once, from 1000 IPv4 and 1000 IPv6 addresses, $workers workers"
client_up "$far" 10.97.0.2,10.98.1.1,1000 2001:db8:97::2,2001:db8:98::1:1,1000 \
	--total $total --at-once $at_once --up 3000 --down 12000 --rounds 2 --hold
client_opened $at_once

ctl show sessions limit=0 >"$TMP/sessions" || fail "show sessions"
is "sessions open" "$(jq length "$TMP/sessions")" $at_once
is "clients that are in one worker" "$(jq '[group_by(.client)[] | select(length == 1)] | length' "$TMP/sessions")" $at_once
kill -USR1 $client_pid
client_end
counters
kill -TERM $server_pid
wait $server_pid || failures=$((failures + 1))
tail -n 1 "$TMP/server"

no_resets "$far" "$total" $((total / 100))

i=0
while [ $i -lt $workers ]; do
	taken=$(jq --argjson i $i '.workers[] | select(.worker == $i).sessions_total' "$TMP/info")
	made=$(tail -n 1 "$TMP/server" | tr ' ' '\n' | sed -n "s/^part$i=//p")
	is "worker $i: sessions whose server saw a port of the worker's" "$made" "$taken"
	even=$((total / workers))
	if [ $((taken * 100)) -lt $((even * 85)) ] || [ $((taken * 100)) -gt $((even * 115)) ]; then
		failures=$((failures + 1))
		echo "FAILED: worker $i has $taken sessions; even would be $even" >&2
	fi
	i=$((i + 1))
done

accd_end
