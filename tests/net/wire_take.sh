#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# take_begin() leaves a record that gives everything back after the taker was killed: by take_recover(), or by the next
# taker. The lock tells a living owner from a dead one. A damaged record is refused, not guessed at.
#
#	far [f0]-----veth-----[w0] near: the interface that is taken
. "$(dirname "$0")/wire_lib.sh"
command -v jq >/dev/null || skip "needs jq"

ns far near
pair "$far" f0 "$near" w0
IP="ip -n $near"
export WIRE_DIR="$TMP/run"
$IP addr add 10.99.3.2/24 dev w0
$IP addr add 10.99.3.3/24 dev w0 label w0:x
$IP addr add 2001:db8:99::2/64 dev w0
$IP addr add 2001:db8:99::3/64 dev w0
settle "$near"
$IP route add default via 10.99.3.1 metric 50 mtu 1400
$IP -6 route add default via 2001:db8:99::1 metric 50
$IP -6 route add 2001:db8:98::/48 via fe80::1 dev w0
$IP neigh add 10.99.3.1 lladdr 02:00:00:00:00:01 dev w0 nud permanent
$IP neigh add 2001:db8:99::1 lladdr 02:00:00:00:00:01 dev w0 nud permanent
RESERVED=/proc/sys/net/ipv4/ip_local_reserved_ports
in_ns "$near" sh -c "echo 7000-7010,8088 >$RESERVED"

# Everything, as JSON; only neighbours, which the kernel lists by a random hash, are sorted.
snapshot() {
	{
		$IP -j -d addr show
		$IP -j -d route show table all
		$IP -j -d -6 route show table all
		$IP -j neigh show nud permanent | jq -c 'sort_by(.dst)'
		in_ns "$near" cat $RESERVED /proc/sys/net/ipv6/conf/w0/disable_ipv6
	} >"$TMP/$1"
}
same() { snapshot after; cmp "$TMP/before" "$TMP/after" || { diff "$TMP/before" "$TMP/after"; fail "not what it was before: $1"; }; }
records() { find "$WIRE_DIR" -type f ! -name '*.lock' | wc -l; }

# take NAME MODE...: leaves a taker running, in $take_pid, its input at descriptor 3
take() {
	rm -f "$TMP/in"
	mkfifo "$TMP/in"
	: >"$TMP/take" # what the one before said is not its word
	ip netns exec "$near" "$ECHO" take w0 "$@" <"$TMP/in" >"$TMP/take" 2>"$TMP/take.err" &
	take_pid=$!
	PIDS="$PIDS $take_pid"
	exec 3>"$TMP/in"
	wait_for 20 grep -q ^taken "$TMP/take" || { cat "$TMP/take.err" >&2; fail "take $*"; }
	cat "$TMP/take"
	[ "$(records)" = 1 ] || fail "no record while taken"
	snapshot now
	! cmp -s "$TMP/before" "$TMP/now" || fail "nothing was taken"
}
killed() { kill -9 "$take_pid"; wait "$take_pid" 2>/dev/null || true; exec 3>&-; }
recover() { in_ns "$near" "$ECHO" recover w0; }

snapshot before
for mode in "own" "share 61000 61999 8080 8088"; do
	echo "# $mode: taken and given back"
	take $mode
	echo "# ... a second owner is refused while the first lives"
	if recover 2>"$TMP/busy"; then fail "recovered from under a living owner"; fi
	grep -q "process $take_pid has the interface" "$TMP/busy" || { cat "$TMP/busy"; fail "the owner is not named"; }
	if in_ns "$near" "$ECHO" take w0 own </dev/null 2>/dev/null; then fail "two owners"; fi
	exec 3>&-
	wait "$take_pid" || { cat "$TMP/take.err" >&2; fail "take_end"; }
	same "$mode, given back"
	[ "$(find "$WIRE_DIR" -type f | wc -l)" = 0 ] || fail "files are left"

	echo "# $mode: killed, then recovered"
	take $mode
	killed
	recover
	same "$mode, recovered"
	[ "$(records)" = 0 ] || fail "the record is left"
	recover | grep -q '^0' || fail "recovered twice"

	echo "# $mode: killed, then taken again and given back"
	take $mode
	killed
	take $mode
	grep -q 'put back' "$TMP/take" || fail "no word of what the dead one left"
	exec 3>&-
	wait "$take_pid" || fail "take_end"
	same "$mode, taken twice"
done

echo "# share: what is reserved"
take share 61000 61999 8080 8088
[ "$(in_ns "$near" cat $RESERVED)" = "7000-7010,8080,8088,61000-61999" ] || fail "reserved: $(in_ns "$near" cat $RESERVED)"
grep -q 'reserved=8080,61000-61999$' "$TMP/take" || fail "8088 was reserved before and is not ours"
echo "# ... somebody reserves more meanwhile: it stays"
in_ns "$near" sh -c "echo 7000-7010,8080,8088,9000,61000-61999 >$RESERVED"
exec 3>&-
wait "$take_pid" || fail "take_end"
[ "$(in_ns "$near" cat $RESERVED)" = "7000-7010,8088,9000" ] || fail "left: $(in_ns "$near" cat $RESERVED)"
in_ns "$near" sh -c "echo 7000-7010,8088 >$RESERVED"

echo "# share: a port that the host uses is refused, and nothing changes"
ip netns exec "$near" "$ECHO" recv 8080 1 2>/dev/null &
recv_pid=$!
PIDS="$PIDS $recv_pid"
listens() { in_ns "$near" grep -q ':1F90 .* 0A ' /proc/net/tcp; }
wait_for 20 listens || fail "no listener"
if in_ns "$near" "$ECHO" take w0 share 61000 61999 8080 </dev/null 2>"$TMP/err"; then fail "took a port in use"; fi
grep -q 'TCP port 8080 is used by a socket of the host' "$TMP/err" || { cat "$TMP/err"; fail "the port is not named"; }
kill "$recv_pid"
wait "$recv_pid" 2>/dev/null || true
same "a port in use"

echo "# a damaged record, one of another version, one that is none: refused, nothing changed"
take own
killed
record=$(find "$WIRE_DIR" -type f ! -name '*.lock')
cp "$record" "$TMP/record"
snapshot taken
for damage in "count=1 seek=100" "count=1 seek=8" "count=1 seek=0"; do
	cp "$TMP/record" "$record"
	printf X | dd of="$record" bs=1 conv=notrunc $damage 2>/dev/null
	if recover 2>"$TMP/err"; then fail "took a damaged record"; fi
	cat "$TMP/err"
	if in_ns "$near" "$ECHO" take w0 own </dev/null 2>/dev/null; then fail "taken over a damaged record"; fi
done
head -c 1000 "$TMP/record" >"$record"
if recover 2>"$TMP/err"; then fail "took half a record"; fi
cat "$TMP/err"
snapshot after
cmp "$TMP/taken" "$TMP/after" || fail "a refused record changed something"
cp "$TMP/record" "$record"
recover
same "the record put right"

echo "# a directory that others may write to is refused"
chmod 777 "$WIRE_DIR"
if in_ns "$near" "$ECHO" take w0 own </dev/null 2>"$TMP/err"; then fail "trusted it"; fi
cat "$TMP/err"
same "the open directory"
