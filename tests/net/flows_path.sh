#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# flows_path.sh ACCD ACCDCTL FLOWS FRAGMENT LKL_NET - four workers behind one address, and paths that need more than ports to be
# steered: one whose MTU changes, one that delivers fragments
#
#	far 10.97.1.1 [f0]-----veth-----[r0] router [r1]-----veth-----[w0] near 10.97.0.2: accd, own mode, 4 workers
#	2001:db8:971::1                   10.97.1.254, 10.97.0.1            2001:db8:97::2
#
# Clients, with 50 IPv4 and 50 IPv6 addresses, and the server are in far.
#
#	1. The link to far goes from 1500 to 1280 bytes while all transfers are at work, both ways: the router's "fragmentation
#	   needed" and "packet too big" must reach the worker whose packet they quote, or its transfer stands still. One that came
#	   to another worker would be counted there (Icmp.InErrors).
#	2. All segments to accd come as fragments of 512 bytes. The second and later ones have no ports.
#	3. The same, the last fragment first, which the wire can put right for IPv4 only (docs/wires.md).
#	4. Echo requests of 4000 bytes.
set -u

usage="usage: flows_path.sh ACCD ACCDCTL FLOWS FRAGMENT LKL_NET"
ACCD=${1:?$usage}
ACCDCTL=${2:?$usage}
FLOWS=${3:?$usage}
FRAGMENT=${4:?$usage}
LKL_NET=${5:?$usage}
set -- "$FLOWS"
. "$(dirname "$0")/wire_lib.sh"
. "$(dirname "$0")/flows_lib.sh"
[ -c /dev/net/tun ] || skip "needs /dev/net/tun"

ns far router near
pair "$far" f0 "$router" r0
pair "$near" w0 "$router" r1
in_ns "$router" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
ip -n "$far" addr add 10.97.1.1/24 dev f0
ip -n "$far" addr add 2001:db8:971::1/64 dev f0 nodad
ip -n "$router" addr add 10.97.1.254/24 dev r0
ip -n "$router" addr add 2001:db8:971::fe/64 dev r0 nodad
ip -n "$router" addr add 10.97.0.1/24 dev r1
ip -n "$router" addr add 2001:db8:97::1/64 dev r1 nodad
addresses_up
ip -n "$far" route add 10.97.0.0/24 via 10.97.1.254
ip -n "$far" -6 route add 2001:db8:97::/64 via 2001:db8:971::fe
ip -n "$router" route add 10.98.0.0/16 via 10.97.1.1
ip -n "$router" -6 route add 2001:db8:98::/64 via 2001:db8:971::1
ip -n "$near" route add default via 10.97.0.1
ip -n "$near" -6 route add default via 2001:db8:97::1
actors_up 10.97.1.1 2001:db8:971::1

v4=10.97.0.2,10.98.1.1,50
v6=2001:db8:97::2,2001:db8:98::1:1,50
snmp6() { in_ns "$router" awk -v name="$1" '$1 == name { print $2 }' /proc/net/snmp6; }
echo "# the path's MTU goes from 1500 to 1280 in the middle of 100 transfers"
client_up "$far" $v4 $v6 --total 100 --at-once 100 --up 150000 --down 150000 --rounds 2 --hold
client_opened 100
ip -n "$router" link set r0 mtu 1280
ip -n "$far" link set f0 mtu 1280
kill -USR1 $client_pid
client_end
counters
is_some "ICMP errors that the worker with the fewest got" "$(least Icmp.InDestUnreachs)"
is "ICMP errors about packets that were not the worker's" "$(sum Icmp.InErrors)" 0
is_some "ICMPv6 packets too big" "$(snmp6 Icmp6OutPktTooBigs)"
no_resets "$far" 100 100
ip -n "$far" link set f0 mtu 1500
ip -n "$router" link set r0 mtu 1500

cutter_up() { # ORDER: what goes to accd takes the way through it
	background cutter "$router" "$FRAGMENT" tun0 512 "$1"
	ip -n "$router" link set tun0 up
	ip -n "$router" route add default dev tun0 table 100
	ip -n "$router" -6 route add default dev tun0 table 100
	ip -n "$router" rule add iif r0 to 10.97.0.2 lookup 100
	ip -n "$router" -6 rule add iif r0 to 2001:db8:97::2 lookup 100
}
cutter_down() {
	ip -n "$router" rule del iif r0 to 10.97.0.2 lookup 100
	ip -n "$router" -6 rule del iif r0 to 2001:db8:97::2 lookup 100
	stop cutter
}

echo "# all segments to accd are cut into fragments of 512 bytes"
cutter_up in-order
client_up "$far" $v4 $v6 --total 100 --at-once 100 --up 60000 --down 60000 --rounds 2
client_end
counters
is_some "IPv4 datagrams that the wire put together" "$(host_counter "$near" Ip ReasmOKs)"
no_resets "$far" 200 100

echo "# echo requests of 4000 bytes"
for to in 10.97.0.2 2001:db8:97::2; do
	in_ns "$far" "$LKL_NET" --host ping -c 3 -s 4000 $to | tail -n 1 || fail "ping $to"
done
cutter_down

echo "# IPv4, the last fragment first"
cutter_up reversed
client_up "$far" $v4 --total 100 --at-once 100 --up 20000 --down 20000 --rounds 2
client_end
counters
no_resets "$far" 300 100
cutter_down
accd_end
