# SPDX-License-Identifier: GPL-2.0-only
# flows_lib.sh - sourced by flows.sh and flows_path.sh after wire_lib.sh: accd with four workers in own mode on interface w0 of
# namespace $near (10.97.0.2, 2001:db8:97::2), its counters, and the server of flows.c
command -v jq >/dev/null || skip "needs jq"
workers=4
failures=0

# What both topologies have: the service's addresses in near, those of the clients in far.
addresses_up() {
	ip -n "$near" addr add 10.97.0.2/24 dev w0
	ip -n "$near" addr add 2001:db8:97::2/64 dev w0 nodad
	ip -n "$far" route add local 10.98.0.0/16 dev lo
	ip -n "$far" -6 route add local 2001:db8:98::/64 dev lo
}

server_up() { # NAMESPACE
	ip netns exec "$1" "$FLOWS" server 8080 16384 65535 $workers >"$TMP/server" 2>&1 &
	server_pid=$!
	PIDS="$PIDS $server_pid"
	wait_for 20 grep -q listening "$TMP/server" || { cat "$TMP/server"; fail "server"; }
}

accd_up() { # SERVER4 SERVER6
	cat >"$TMP/accd.conf" <<-CONF
		workers = $workers;
		log { access = off; }
		admin { bind = "unix:$TMP/admin"; }
		worker { memory = 256M; drain_timeout = 1s; max_sessions = 8000; }
		wire { interface = w0; mode = own; }
		listener v4 { bind = "10.97.0.2:80"; pool = s4; }
		listener v6 { bind = "[2001:db8:97::2]:80"; pool = s6; }
		pool s4 { connect_timeout = 1m; server s4 { address = "$1:8080"; } }
		pool s6 { connect_timeout = 1m; server s6 { address = "[$2]:8080"; } }
	CONF
	ip netns exec "$near" "$ACCD" -f "$TMP/accd.conf" 2>"$TMP/accd.err" &
	accd_pid=$!
	PIDS="$PIDS $accd_pid"
	wait_for 30 grep -q 'accd: ready:' "$TMP/accd.err" || { cat "$TMP/accd.err"; fail "accd does not start"; }
}

actors_up() { # SERVER4 SERVER6: when all addresses can be used, the server in far and accd in near
	settle
	server_up "$far"
	accd_up "$@"
}

client_up() { # NAMESPACE OPTION...: in the background; client_pid
	n=$1
	shift
	ip netns exec "$n" "$FLOWS" client 80 "$@" >"$TMP/client" 2>&1 &
	client_pid=$!
	PIDS="$PIDS $client_pid"
}

opened() { grep -q '^open\|^done' "$TMP/client" || ! kill -0 $client_pid; }
client_opened() { # N: all are open and held
	wait_for 120 opened || { cat "$TMP/client"; fail "not all are open"; }
	grep -q "^open $1\$" "$TMP/client" || { cat "$TMP/client" "$TMP/accd.err"; fail "not all are open"; }
}
client_end() {
	wait $client_pid && rc=0 || rc=$?
	cat "$TMP/client"
	[ $rc = 0 ] || { tail -n 20 "$TMP/accd.err"; failures=$((failures + 1)); }
}

ctl() { in_ns "$near" "$ACCDCTL" -j -s "$TMP/admin" -t 60 "$@"; }
quiet() { [ "$(ctl show info | jq '[.workers[].sessions] | add')" = 0 ]; }
counters() { # when all sessions have ended
	wait_for 60 quiet || fail "sessions stay open"
	ctl show info >"$TMP/info" && ctl show stack >"$TMP/stack" && ctl show wires >"$TMP/wires" || fail "accdctl"
}
sum() { # FIELD: over the workers' stacks
	jq --arg f "$1" '[.[][$f] // error("no counter " + $f)] | add' "$TMP/stack"
}
least() { # FIELD: of the worker that has the least
	jq --arg f "$1" '[.[][$f] // error("no counter " + $f)] | min' "$TMP/stack"
}
is() { # WHAT VALUE WANTED
	[ "$2" = "$3" ] || { failures=$((failures + 1)); echo "FAILED: $1: $2, not $3" >&2; return; }
	echo "$1: $2"
}
is_some() { # WHAT VALUE
	[ "$2" -gt 0 ] || { failures=$((failures + 1)); echo "FAILED: $1: $2" >&2; return; }
	echo "$1: $2"
}

# No connection that lives is reset, and each was taken and made once: so no worker answered for another one's. A RST may still be
# said to a segment that another one overtook on its way from CPU to CPU, or that was sent twice, and that finds its connection
# closed: a loaded machine makes some.
no_resets() { # NAMESPACE CONNECTIONS LATE: so many since accd's start; at most LATE segments without a socket
	is "connections that workers took" "$(sum Tcp.PassiveOpens)" "$2"
	is "connections that workers made" "$(sum Tcp.ActiveOpens)" "$2"
	is "connections of workers that were reset" "$(sum Tcp.EstabResets)" 0
	is "connections of client and server that were reset" "$(host_counter "$1" Tcp EstabResets)" 0
	is "attempts that failed" "$(sum Tcp.AttemptFails)" 0
	is "damaged segments" "$(sum Tcp.InCsumErrors)" 0
	is "segments that the host's stack got" "$(host_counter "$near" Tcp InSegs)" 0
	late=$(sum Tcp.OutRsts)
	echo "segments that no socket of the worker waited for: $late; of client and server: $(host_counter "$1" Tcp OutRsts);" \
		"sent again by workers: $(sum Tcp.RetransSegs), by client and server: $(host_counter "$1" Tcp RetransSegs);" \
		"frames dropped: $(jq '[.[].rx_dropped_total] | add' "$TMP/wires")"
	[ "$late" -le "$3" ] || { failures=$((failures + 1)); echo "FAILED: $late segments came to workers without a socket for them" >&2; }
}

accd_end() {
	kill -TERM $accd_pid
	wait $accd_pid || { cat "$TMP/accd.err"; fail "accd's exit"; }
	[ $failures = 0 ] || { cat "$TMP/accd.err"; fail "$failures checks"; }
}
