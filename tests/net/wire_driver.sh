#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The netdev of a wire: every offload switched off in turn, with every byte checked and the counters of frame sizes telling that
# it really is off; several queues; the host's link and MTU arrive in the stack.
#
#	far 10.99.2.1 [f0]-----veth-----[w0] near: an instance on 10.99.2.2 (wire-bench, all bytes compared)
. "$(dirname "$0")/wire_lib.sh"

BENCH=${2:?usage: $0 WIRE_ECHO WIRE_BENCH}
ns far near
pair "$far" f0 "$near" w0
ip -n "$far" addr add 10.99.2.1/24 dev f0

load() { in_ns "$far" timeout 100 "$BENCH" load "$1" 10.99.2.2 "$2" 1 check=1 || { cat "$TMP/server" "$TMP/server.err"; fail "load $1"; }; }
count() { sed -n "s/^$1=//p" "$TMP/server"; }
start() { spec=$1; shift; background server "$near" "$BENCH" "$spec" 10.99.2.2/24 check=1 watch=1 "$@"; }
finish() {
	stop server >/dev/null
	! grep -q WRONG "$TMP/server" || fail "the stack received wrong bytes"
}

echo "# all offloads on: frames above 16 KiB both ways"
start packet:if=w0
load from 1; load to 1; load rr 8
finish
[ "$(count tx_over_16384_bytes)" -gt 0 ] || fail "no large frame sent"
[ "$(count rx_over_16384_bytes)" -gt 0 ] || fail "no large frame received"
[ "$(count rx_split_total)" = 0 ] || fail "frames were split without need"

for off in tx-tcp-segmentation tx-checksum-ip-generic tx-scatter-gather; do
	echo "# $off off: no frame above the MTU leaves"
	start packet:if=w0 off=$off
	load from 1
	finish
	[ "$(count tx_129_to_1518_bytes)" -gt 0 ] || fail "nothing was sent"
	[ "$(($(count tx_over_16384_bytes) + $(count tx_1519_to_16384_bytes)))" = 0 ] || fail "large frames left"
done

for off in rx-gro-hw rx-checksum rx-gro; do
	echo "# $off off: large frames are cut up on arrival"
	start packet:if=w0 off=$off
	load to 1
	finish
	[ "$(count rx_split_total)" -gt 0 ] || fail "no frame was split"
	[ "$(count rx_bad_header_total)" = 0 ] || fail "frames were lost in it"
done

echo "# four queues, two vCPUs"
start packet:if=w0,queues=4 vcpus=2
load rr 200; load to 4; load from 4
finish
for q in 0 1 2 3; do
	[ "$(count q${q}_rx_frames_total)" -gt 0 ] || fail "nothing arrived on queue $q"
done
[ "$(count tx_remote_full_total)" = 0 ] || fail "frames were lost between vCPUs"

echo "# the host's link goes down and comes back, and its MTU shrinks"
start packet:if=w0
wait_for 20 grep -q link=1 "$TMP/server" || fail "no link at the beginning"
ip -n "$far" link set f0 down
wait_for 20 grep -q link=0 "$TMP/server" || fail "the stack did not lose its link"
ip -n "$far" link set f0 up
wait_for 20 sh -c "[ \$(grep -c link=1 '$TMP/server') = 2 ]" || fail "the stack did not get its link back"
load to 1
ip -n "$near" link set w0 mtu 1200
ip -n "$far" link set f0 mtu 1200
wait_for 20 grep -q mtu=1200 "$TMP/server" || fail "the stack's MTU did not follow"
load from 1; load to 1
finish
[ "$(count tx_errors_total)" = 0 ] || fail "frames above the MTU were sent"
