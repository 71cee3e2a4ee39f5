#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Frames of every length, small and big, pass the packet wire intact and in order, and a full ring recovers.
#
#	far 10.99.0.1 [f0]-----veth-----[w0] near: the wire under test
. "$(dirname "$0")/wire_lib.sh"

ns far near
pair "$far" f0 "$near" w0

echo "# every length 14..1514, both directions, over an echo"
background echo "$near" "$ECHO" echo w0
in_ns "$far" timeout 60 "$ECHO" lengths f0 "$(mac_of "$near" w0)" 1514
stop echo
[ "$(counter echo 1 rx_malformed)" = 0 ] && [ "$(counter echo 1 tx_errors)" = 0 ] || fail "frames were refused"
[ "$(counter echo 1 rx_frames)" -ge 1501 ] || fail "too few frames"

echo "# MTU 9000: lengths across the slot size (1966 received, 2006 sent)"
ip -n "$far" link set f0 mtu 9000
ip -n "$near" link set w0 mtu 9000
background echo "$near" "$ECHO" echo w0
in_ns "$far" timeout 60 "$ECHO" lengths f0 "$(mac_of "$near" w0)" 9014
stop echo
[ "$(counter echo 1 rx_fetched)" -ge 7048 ] || fail "big frames were not fetched"
[ "$(counter echo 1 tx_big)" -ge 7008 ] || fail "big frames were not sent whole"
[ "$(counter echo 1 tx_errors)" = 0 ] || fail "frames were refused"

echo "# order of small and big frames"
ip -n "$far" link set f0 mtu 1500
ip -n "$near" link set w0 mtu 1500
background watch "$far" "$ECHO" watch f0 4000
in_ns "$near" timeout 60 "$ECHO" order w0 4000 >"$TMP/order"
wait "$watch_pid" || { cat "$TMP/watch.err" >&2; fail "order"; }
cat "$TMP/watch" "$TMP/order"
[ "$(counter order 1 tx_errors)" = 80 ] || fail "80 refused frames expected"

# A slow interface. With a long queue the slots stay busy until their frame has left; with a short one the kernel refuses
# frames for want of room. Either way tx() says -EAGAIN, and nothing is lost.
for limit in 100mb 300kb; do
	echo "# the same at 400 Mbit/s with a queue of $limit"
	if ! in_ns "$near" tc qdisc add dev w0 root tbf rate 400mbit burst 128kb limit $limit 2>"$TMP/tc"; then
		echo "# not run: $(cat "$TMP/tc")"
		continue
	fi
	background watch "$far" "$ECHO" watch f0 4000
	in_ns "$near" timeout 60 "$ECHO" order w0 4000 >"$TMP/order"
	wait "$watch_pid" || { cat "$TMP/watch.err" "$TMP/order" >&2; in_ns "$near" tc -s qdisc show dev w0 >&2; fail "order on a slow interface"; }
	cat "$TMP/watch" "$TMP/order"
	[ "$(counter order 1 tx_errors)" = 80 ] || fail "80 refused frames expected"
	[ "$(counter order 1 tx_full)" -gt 0 ] || fail "never full"
	in_ns "$near" tc qdisc del dev w0 root
done

echo "# a full ring recovers"
in_ns "$near" timeout 60 "$ECHO" full w0
