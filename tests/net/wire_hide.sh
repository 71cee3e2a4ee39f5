#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# share mode's two ways to hide the stack's ports from the host, each by itself: tcx, and nftables where that is missing. The
# host answers nothing at a hidden port of a hidden address, and everything else; when the holder dies, even by SIGKILL, all.
#
#	far 10.99.2.1 [f0]-----veth-----[w0] near 10.99.2.2, 10.99.2.3, fd00:99::2: no port is open, the host answers with RST
#
# usage: wire_hide.sh WIRE_ECHO WIRE_HIDE
. "$(dirname "$0")/wire_lib.sh"
HIDE=${2:?usage: $0 WIRE_ECHO WIRE_HIDE}
command -v bash >/dev/null || skip "needs bash for its /dev/tcp"

ns far near
pair "$far" f0 "$near" w0
for n in "$far f0 1" "$near w0 2" "$near w0 3"; do
	set -- $n
	ip -n "$1" addr add "10.99.2.$3/24" dev "$2"
	ip -n "$1" addr add "fd00:99::$3/64" dev "$2" nodad
done
settle

try() { in_ns "$far" timeout "$1" bash -c ': <>/dev/tcp/$0/$1' "$2" "$3" 2>&1; } # SECONDS ADDRESS PORT
answered() { try 20 "$1" "$2" | grep -q refused || fail "$how: the host does not answer at $1 port $2"; }
answers() { try 2 "$1" "$2" | grep -q refused; }
resets() { host_counter "$near" Tcp OutRsts; }
received() { ip -n "$near" -s link show w0 | awk '/RX:/ { getline; print $2 }'; }
# What comes later than its client waits would be missed: it must have come, and the host's count tells.
silent() { # ADDRESS PORT
	resets_before=$(resets) received_before=$(received)
	if try 1 "$1" "$2" | grep -q refused; then fail "$how: the host answered at $1 port $2"; fi
	[ "$(received)" -gt "$received_before" ] || fail "$how: nothing came for $1 port $2"
	[ "$(resets)" = "$resets_before" ] || fail "$how: the host sent a reset for $1 port $2"
}

how="nothing hidden"
for to in 10.99.2.2 10.99.2.3 fd00:99::2 fd00:99::3; do answered $to 8080; done
done_any=
for how in tcx nftables; do
	mkfifo "$TMP/in.$how"
	: >"$TMP/hide" # what the one before said is not its word
	ip netns exec "$near" "$HIDE" w0 $how 8080 8089 10.99.2.2 fd00:99::2 <"$TMP/in.$how" >"$TMP/hide" 2>"$TMP/hide.err" &
	hide_pid=$!
	PIDS="$PIDS $hide_pid"
	exec 3>"$TMP/in.$how"
	said() { grep -q ready "$TMP/hide" || ! kill -0 $hide_pid 2>/dev/null; }
	wait_for 20 said || fail "$how: neither ready nor an end"
	if ! grep -q ready "$TMP/hide"; then
		wait $hide_pid && rc=0 || rc=$?
		[ $rc = 77 ] || { cat "$TMP/hide.err"; fail "$how: exit status $rc"; }
		echo "# $how: not tested: $(cat "$TMP/hide.err")"
		exec 3>&-
		continue
	fi
	echo "# $how: hidden ports are silent, all else is the host's"
	done_any=1
	for to in 10.99.2.2 fd00:99::2; do
		silent $to 8080
		silent $to 8089
		answered $to 8079
		answered $to 8090
	done
	for to in 10.99.2.3 fd00:99::3; do answered $to 8080; done
	if [ $how = nftables ] && command -v nft >/dev/null; then in_ns "$near" nft list ruleset | grep -q 'flags owner' || fail "no table of an owner"; fi
	echo "# $how: the holder is killed"
	kill -9 $hide_pid
	wait $hide_pid 2>/dev/null || true
	exec 3>&-
	for to in 10.99.2.2 fd00:99::2; do wait_for 20 answers $to 8080 || fail "$how: the host is still deaf at $to"; done
done
[ -n "$done_any" ] || skip "$(cat "$TMP/hide.err")"
