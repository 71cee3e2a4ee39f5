#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# An instance on a wire, a host kernel as its peer: ping, TCP both ways with every byte checked, IPv4 and IPv6, MTUs, offloads
# off. WIRE_TCP=full runs all sizes (1 byte to 100 MB) at all MTUs.
#
#	packet, xdp, pcap	far 10.98.0.1 [k0]---veth---[w0] near: instance 10.98.0.2 (pcap: recording packet)
#	tap			far 10.98.0.1 [k0] = the wire: instance 10.98.0.2
#	pair, socket		far 10.98.0.1 [k0] = tap: forward <--wire--> instance 10.98.0.2
#
# usage: wire_tcp.sh WIRE_ECHO WIRE_STACK packet|tap|pair|socket|pcap|xdp-native|xdp-generic
. "$(dirname "$0")/wire_lib.sh"

STACK=$2
WIRE=$3
ME4=10.98.0.2
ME6=fd98::2
SERIAL=0

ns far near
in_ns "$far" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'

# Addresses of the far side, once k0 exists.
address_k0() { # MTU
	ip -n "$far" link set k0 mtu "$1" up
	ip -n "$far" addr add 10.98.0.1/24 dev k0
	[ "$1" -lt 1280 ] || ip -n "$far" addr add fd98::1/64 dev k0 nodad
}

veth() { # MTU
	ip -n "$near" link del w0 2>/dev/null || true
	ip -n "$far" link add k0 type veth peer name w0 netns "$near"
	ip -n "$near" link set w0 mtu "$1" up
	address_k0 "$1"
	wait_for 20 sh -c "ip -n $near link show w0 | grep -q LOWER_UP"
}

# up MTU OPTIONS: the instance is up behind k0. OPTIONS go into the wire's specification.
up() {
	mtu=$1; more=$2
	SERIAL=$((SERIAL + 1))
	sock=$TMP/$SERIAL.sock
	case $WIRE in
	packet) veth "$mtu"; background stack "$near" "$STACK" serve "packet:if=w0$more" $ME4 $ME6 ;;
	xdp-*) veth "$mtu"; background stack "$near" "$STACK" serve "xdp:if=w0,mode=${WIRE#xdp-}$more" $ME4 $ME6
		# Frames of 64 KiB do not reach a generic XDP program: the far side must not make them.
		[ $WIRE = xdp-native ] || in_ns "$far" ethtool -K k0 tso off gso off tx off >/dev/null ;;
	pcap) veth "$mtu"
		background stack "$near" "$STACK" serve "pcap:file=$TMP/$SERIAL.pcap,on=packet:if=w0$more" $ME4 $ME6 ;;
	tap) background stack "$far" "$STACK" serve "tap:if=k0,up,mtu=$mtu$more" $ME4 $ME6
		address_k0 "$mtu" ;;
	pair | socket)
		background stack "$near" "$STACK" serve "$WIRE:path=$sock,listen,mtu=$mtu$more" $ME4 $ME6
		background forward "$far" "$ECHO" forward "$WIRE:path=$sock$([ $WIRE = pair ] || echo ",mtu=$mtu")" \
			"tap:if=k0,up,mtu=$mtu$([ $WIRE = pair ] || echo ,off=rx)"
		address_k0 "$mtu" ;;
	esac
}

down() {
	stop stack >"$TMP/counters"
	cat "$TMP/counters"
	case $WIRE in
	pair | socket) stop forward >"$TMP/forward.out" ;;
	tap) ;;
	*) ip -n "$far" link del k0 ;;
	esac
	wait_for 20 sh -c "! ip -n $far link show k0" || fail "k0 is still there"
	for name in rx_malformed tx_errors; do
		[ "$(tr ' ' '\n' <"$TMP/counters" | sed -n "s/^$name=//p")" = 0 ] || fail "$name"
	done
}

value() { tr ' ' '\n' <"$TMP/counters" | sed -n "s/^$1=//p"; }

ask() { in_ns "$far" timeout 200 "$STACK" ask "$@" || fail "ask $*"; }

# round ADDRESS MTU SIZE...
round() {
	addr=$1; mtu=$2; shift 2
	in_ns "$far" timeout 60 "$STACK" ping "$addr" 3 56 || fail "ping $addr"
	in_ns "$far" timeout 60 "$STACK" ping "$addr" 2 $((mtu - 48)) || fail "large ping $addr"
	for size in "$@"; do
		ask "$addr" up "$size"
		ask "$addr" down "$size"
		ask "$addr" both "$size"
	done
}

# 220 bytes: with IPv6 a segment whose length and protocol carry over in the pseudo-header's sum.
sizes="1 220 1000 70000 8000000"
mtus="1500 576"
# Where the instance computes checksums: segments of 3446 bytes end anywhere in its pages, those of 1448 on multiples of 8.
case $WIRE in
socket | xdp-*) mtus="$mtus 3498" ;;
esac
case $WIRE in
xdp-*) all_mtus="576 1280 1500 3498" ;;
*) all_mtus="576 1280 1500 4000 9000" ;;
esac
if [ "${WIRE_TCP:-}" = full ]; then
	sizes="1 2 220 1447 1448 1449 65535 65536 1000000 100000000"
	mtus=$all_mtus
fi

for mtu in $mtus; do
	echo "# $WIRE, MTU $mtu"
	up "$mtu" ""
	# shellcheck disable=SC2086
	round $ME4 "$mtu" $sizes
	# shellcheck disable=SC2086
	[ "$mtu" -lt 1280 ] || round $ME6 "$mtu" $sizes
	in_ns "$far" timeout 60 "$STACK" reset $ME4 5 || fail "reset"
	ask $ME4 both 1000
	down
	[ "$(value resets)" -ge 1 ] || fail "no reset arrived"
	if [ "$WIRE" = pcap ]; then
		[ "$(value recorded)" = $(($(value rx_frames) + $(value tx_frames))) ] || fail "not every frame was recorded"
		# The capture plays back: every frame that was whole.
		in_ns "$near" timeout 60 "$ECHO" drain "pcap:file=$TMP/$SERIAL.pcap,speed=full" "$(value recorded)"
	fi
done

# What a wire can leave out. With segmentation left out no frame is larger than the MTU.
case $WIRE in
tap | packet | pair)
	for off in tso+uso tx; do
		echo "# $WIRE without $off"
		up 1500 ",off=$off"
		round $ME4 1500 220 4000000
		round $ME6 1500 220 4000000
		down
		# packet's tx_big also counts what is larger than a slot, which 1500 bytes are not.
		[ "$(value tx_big)" = 0 ] || fail "big frames although segmentation is off"
	done ;;
esac
if [ $WIRE = tap ]; then
	for more in ",off=rx" ",vnet=no"; do
		echo "# tap with $more"
		up 1500 "$more"
		round $ME4 1500 220 4000000
		round $ME6 1500 220 4000000
		down
		[ "$(value rx_fetched)" = 0 ] || fail "big frames were received although they were refused"
	done
fi
