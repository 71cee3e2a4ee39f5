#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A TCP stream between two kernels through a forwarder with two packet wires: every byte checked, and it went in big frames.
#
#	left 10.99.1.1 [l0]---veth---[w0] middle: wire_echo forward [w1]---veth---[r0] right 10.99.1.2
. "$(dirname "$0")/wire_lib.sh"

MIB=${WIRE_BULK_MIB:-512}
BYTES=$((MIB << 20))

ns left middle right
pair "$left" l0 "$middle" w0
pair "$right" r0 "$middle" w1
ip -n "$left" addr add 10.99.1.1/24 dev l0
ip -n "$right" addr add 10.99.1.2/24 dev r0

echo "# $MIB MiB"
background forward "$middle" "$ECHO" forward w0 packet:if=w1
# Room for a large frame in each of the 1024 slots, by either way to open a wire; the kernel reports twice what was asked for.
wait_for 20 sh -c "ip netns exec $middle ss -0nmH | grep -c 'rb$((1024 * 65536)),' | grep -qx 2" || fail "the queue for large frames is short"
background recv "$right" "$ECHO" recv 5201 "$BYTES"
in_ns "$left" timeout 100 "$ECHO" send 5201 "$BYTES" 10.99.1.2
wait "$recv_pid" || { cat "$TMP/recv.err" >&2; fail "the stream was damaged"; }
cat "$TMP/recv"
stop forward

frames=$(counter forward 1 rx_frames)
fetched=$(counter forward 1 rx_fetched)
bytes=$(counter forward 1 rx_bytes)
echo "# $frames frames in, $fetched of them big, $((bytes / frames)) bytes on average"
[ "$fetched" -gt $((BYTES / 65536 / 2)) ] || fail "few big frames were received"
[ "$(counter forward 2 tx_big)" -gt $((BYTES / 65536 / 2)) ] || fail "few big frames were sent"
[ $((bytes / frames)) -gt 5000 ] || fail "the stream went in MTU-sized frames"
[ "$(counter forward 1 rx_malformed)" = 0 ] && [ "$(counter forward 2 tx_errors)" = 0 ] || fail "frames were refused"

# A queue with room for one big frame or two: the kernel truncates the others. They are counted as lost and TCP sends them
# again; were a slot ever paired with another slot's frame, the stream would be damaged, for no checksum guards it on veth.
echo "# 64 MiB with a short queue for big frames"
BYTES=$((64 << 20))
WIRE_RX_BIG=65536 background forward "$middle" "$ECHO" forward w0 w1
background recv "$right" "$ECHO" recv 5201 "$BYTES"
in_ns "$left" timeout 100 "$ECHO" send 5201 "$BYTES" 10.99.1.2
wait "$recv_pid" || { cat "$TMP/recv.err" >&2; fail "the stream was damaged"; }
cat "$TMP/recv"
stop forward
[ "$(counter forward 1 rx_dropped)" -gt 0 ] || echo "# no frame was lost this time"
[ "$(counter forward 1 rx_malformed)" = 0 ] || fail "frames were refused"
