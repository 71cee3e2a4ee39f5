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
#	- every byte arrives, on every connection, and no stack says RST
#	- a flow is seen by one worker: no worker ever gets a TCP segment that no socket of its own waits for (it would
#	  answer with RST: Tcp.OutRsts), and the connections that the workers took, and made, add up to what was asked
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
command -v jq >/dev/null || skip "needs jq"

workers=4
ns far near
pair "$far" f0 "$near" w0
ip -n "$far" addr add 10.97.0.1/24 dev f0
ip -n "$far" addr add 2001:db8:97::1/64 dev f0 nodad
ip -n "$near" addr add 10.97.0.2/24 dev w0
ip -n "$near" addr add 2001:db8:97::2/64 dev w0 nodad
ip -n "$far" route add local 10.98.0.0/16 dev lo
ip -n "$far" -6 route add local 2001:db8:98::/64 dev lo
ip -n "$near" route add 10.98.0.0/16 via 10.97.0.1
ip -n "$near" -6 route add 2001:db8:98::/64 via 2001:db8:97::1
in_ns "$far" sysctl -qw net.ipv4.tcp_max_tw_buckets=262144 net.ipv4.tcp_max_syn_backlog=4096 net.core.somaxconn=4096
settled() { ! ip -n "$near" -6 addr show | grep -q tentative && ! ip -n "$far" -6 addr show | grep -q tentative; }
wait_for 20 settled || fail "addresses stay tentative"

ip netns exec "$far" "$FLOWS" server 8080 16384 65535 $workers >"$TMP/server" 2>&1 &
server_pid=$!
PIDS="$PIDS $server_pid"
wait_for 20 grep -q listening "$TMP/server" || { cat "$TMP/server"; fail "server"; }

cat >"$TMP/accd.conf" <<-CONF
	workers = $workers;
	log { access = off; }
	admin { bind = "unix:$TMP/admin"; }
	worker { memory = 256M; drain_timeout = 1s; max_sessions = 8000; }
	wire { interface = w0; mode = own; }
	listener v4 { bind = "10.97.0.2:80"; pool = s4; }
	listener v6 { bind = "[2001:db8:97::2]:80"; pool = s6; }
	pool s4 { connect_timeout = 1m; server s4 { address = "10.97.0.1:8080"; } }
	pool s6 { connect_timeout = 1m; server s6 { address = "[2001:db8:97::1]:8080"; } }
CONF
ip netns exec "$near" "$ACCD" -f "$TMP/accd.conf" 2>"$TMP/accd.err" &
accd_pid=$!
PIDS="$PIDS $accd_pid"
wait_for 30 grep -q 'accd: ready:' "$TMP/accd.err" || { cat "$TMP/accd.err"; fail "accd does not start"; }

ctl() { in_ns "$near" "$ACCDCTL" -j -s "$TMP/admin" -t 60 "$@"; }
sum() { # FIELD: over the workers' stacks
	jq --arg f "$1" '[.[][$f] // error("no counter " + $f)] | add' "$TMP/stack"
}
host_tcp() { # NAMESPACE FIELD
	in_ns "$1" awk -v name="$2" '/^Tcp:/ { if (!n++) { for (i = 2; i <= NF; i++) if ($i == name) at = i } else print $at }' /proc/net/snmp
}
is() { # WHAT VALUE WANTED
	[ "$2" = "$3" ] || { failures=$((failures + 1)); echo "FAILED: $1: $2, not $3" >&2; return; }
	echo "$1: $2"
}
failures=0

echo "# $total connections, $at_once at once, from 1000 IPv4 and 1000 IPv6 addresses, $workers workers"
ip netns exec "$far" "$FLOWS" client 80 10.97.0.2,10.98.1.1,1000 2001:db8:97::2,2001:db8:98::1:1,1000 \
	--total $total --at-once $at_once --up 3000 --down 12000 --rounds 2 --hold >"$TMP/client" 2>&1 &
client_pid=$!
PIDS="$PIDS $client_pid"
opened() { grep -q '^open\|^done' "$TMP/client" || ! kill -0 $client_pid; }
wait_for 120 opened || { cat "$TMP/client"; fail "not all are open"; }
grep -q "^open $at_once\$" "$TMP/client" || { cat "$TMP/client" "$TMP/accd.err"; fail "not all are open"; }

ctl show sessions limit=0 >"$TMP/sessions" || fail "show sessions"
is "sessions open" "$(jq length "$TMP/sessions")" $at_once
is "clients that are in one worker" "$(jq '[group_by(.client)[] | select(length == 1)] | length' "$TMP/sessions")" $at_once
kill -USR1 $client_pid
wait $client_pid && rc=0 || rc=$?
cat "$TMP/client"
[ $rc = 0 ] || { tail -n 20 "$TMP/accd.err"; failures=$((failures + 1)); }

quiet() { [ "$(ctl show info | jq '[.workers[].sessions] | add')" = 0 ]; }
wait_for 60 quiet || fail "sessions stay open"
ctl show info >"$TMP/info" && ctl show stack >"$TMP/stack" && ctl show wires >"$TMP/wires" || fail "accdctl"
kill -TERM $server_pid
wait $server_pid || failures=$((failures + 1))
tail -n 1 "$TMP/server"

is "connections that workers took" "$(sum Tcp.PassiveOpens)" "$total"
is "connections that workers made" "$(sum Tcp.ActiveOpens)" "$total"
is "segments that no socket of the worker waited for, and resets" "$(sum Tcp.OutRsts)" 0
is "attempts that failed" "$(sum Tcp.AttemptFails)" 0
is "connections reset by peers" "$(sum Tcp.EstabResets)" 0
is "damaged segments" "$(sum Tcp.InErrs)" 0
is "resets by client and server" "$(host_tcp "$far" OutRsts)" 0
is "segments that the host's stack got" "$(host_tcp "$near" InSegs)" 0
echo "frames dropped: $(jq '[.[].rx_dropped_total] | add' "$TMP/wires"); segments sent again by workers: $(sum Tcp.RetransSegs), by client and server: $(host_tcp "$far" RetransSegs)"

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

kill -TERM $accd_pid
wait $accd_pid || { cat "$TMP/accd.err"; fail "accd's exit"; }
[ $failures = 0 ] || { cat "$TMP/accd.err"; fail "$failures checks"; }
