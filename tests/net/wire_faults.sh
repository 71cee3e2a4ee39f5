#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What happens to wires: loss and reordering, the peer's resets, link down and up, the wire closed and its process killed under
# load, the interface deleted, the peer of a pair or socket gone and back. Counted, never a crash, and traffic goes on.
#
#	far 10.98.0.1 [k0]---the wire as in wire_tcp.sh---instance 10.98.0.2
#
# usage: wire_faults.sh WIRE_ECHO WIRE_STACK
. "$(dirname "$0")/wire_lib.sh"

STACK=$2
ME4=10.98.0.2
ME6=fd98::2

ns far near
in_ns "$far" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
address_k0() {
	ip -n "$far" link set k0 up
	ip -n "$far" addr add 10.98.0.1/24 dev k0
	ip -n "$far" addr add fd98::1/64 dev k0 nodad
}
ask() { in_ns "$far" timeout 100 "$STACK" ask "$@"; }
value() { tr ' ' '\n' <"$TMP/counters" | sed -n "s/^$1=//p"; }
# load: a stream that does not end by itself; its pid in $load_pid. Waits until it flows.
load() {
	before=$(received)
	ip netns exec "$far" timeout 60 "$STACK" ask $ME4 both 100000000000 >"$TMP/load" 2>&1 &
	load_pid=$!
	PIDS="$PIDS $load_pid"
	wait_for 20 sh -c "[ \$(ip -n $far -s link show k0 | awk '/RX:/{getline; print \$1}') -gt $((before + 2000000)) ]" ||
		fail "no load"
}
received() { ip -n "$far" -s link show k0 | awk '/RX:/{getline; print $1}'; }
unload() { kill "$load_pid" 2>/dev/null || true; wait "$load_pid" 2>/dev/null || true; }

for wire in pair socket; do
	echo "# $wire: one frame in 40 lost, one in 15 overtaken"
	background stack "$near" "$STACK" serve "$wire:path=$TMP/lossy-$wire,listen" $ME4 $ME6
	WIRE_LOSE=40 WIRE_SWAP=15 background forward "$far" "$ECHO" forward "$wire:path=$TMP/lossy-$wire" \
		"tap:if=k0,up,off=rx+tso"
	address_k0
	ask $ME4 both 300000 || fail "a lossy stream was damaged"
	ask $ME6 both 300000 || fail "a lossy stream was damaged"

	echo "# $wire: the peer dies, another comes; resets; stop under load"
	kill -9 "$forward_pid"
	wait "$forward_pid" 2>/dev/null || true
	wait_for 20 sh -c "! ip -n $far link show k0" || fail "k0 is still there"
	background forward "$far" "$ECHO" forward "$wire:path=$TMP/lossy-$wire" "tap:if=k0,up,off=rx+tso"
	address_k0
	ask $ME4 both 300000 || fail "no traffic after the peer came back"
	in_ns "$far" "$STACK" reset $ME4 5
	ask $ME4 both 1000 || fail "no traffic after resets"
	load
	kill "$stack_pid"
	wait "$stack_pid" || { cat "$TMP/stack.err" >&2; fail "stop under load: $?"; }
	unload
	cat "$TMP/stack"
	stop forward >/dev/null
	wait_for 20 sh -c "! ip -n $far link show k0" || fail "k0 is still there"
done

# wire SPEC NS: an instance on an interface of its own kind; `gone` deletes the interface.
for wire in tap packet xdp; do
	case $wire in
	tap) spec=tap:if=k0,up where=$far ;;
	packet) spec=packet:if=w0 where=$near ;;
	xdp) spec=xdp:if=w0,mode=native where=$near ;;
	esac
	begin() { # serve|serve-close
		if [ $wire != tap ]; then
			ip -n "$far" link add k0 type veth peer name w0 netns "$near"
			ip -n "$near" link set w0 up
			address_k0
			wait_for 20 sh -c "ip -n $near link show w0 | grep -q LOWER_UP"
		fi
		background stack "$where" "$STACK" "$1" $spec $ME4 $ME6
		[ $wire != tap ] || address_k0
	}

	echo "# $wire: link down and up under load"
	begin serve
	load
	ip -n "$far" link set k0 down
	unload
	sleep 1.2 # the wire looks at its link about once a second
	ip -n "$far" link set k0 up
	ask $ME4 both 300000 || fail "no traffic after the link came back"

	echo "# $wire: the interface is deleted under load"
	load
	if [ $wire = tap ]; then ip -n "$far" link del k0; else ip -n "$near" link del w0; fi
	unload
	kill "$stack_pid"
	wait "$stack_pid" || { cat "$TMP/stack.err" >&2; fail "after its interface had gone: $?"; }
	cat "$TMP/stack"
	[ ! -s "$TMP/stack.err" ] || { cat "$TMP/stack.err" >&2; fail "$wire complained"; }

	echo "# $wire: closed under load, the instance goes on"
	begin serve-close
	load
	kill -USR1 "$stack_pid"
	wait_for 20 grep -q closed "$TMP/stack" || { cat "$TMP/stack.err" >&2; fail "the wire did not close"; }
	unload
	stop stack
	ip -n "$far" link del k0 2>/dev/null || true

	echo "# $wire: its process killed under load; the next one takes over"
	begin serve
	load
	kill -9 "$stack_pid"
	wait "$stack_pid" 2>/dev/null || true
	unload
	if [ $wire = tap ]; then wait_for 20 sh -c "! ip -n $far link show k0"; else ip -n "$far" link del k0; fi
	begin serve
	ask $ME4 both 300000 || fail "no traffic after a killed process"
	stop stack >"$TMP/counters"
	[ "$(value rx_malformed)" = 0 ] || fail "malformed frames"
	ip -n "$far" link del k0 2>/dev/null || true
done
