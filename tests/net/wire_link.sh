#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The interface goes down, comes back, is deleted, under an open wire: errors are counted, waiting stays quiet, sending works
# again when the link is back.
#
#	far [f0]-----veth-----[w0] near: the wire under test
. "$(dirname "$0")/wire_lib.sh"

ns far near
pair "$far" f0 "$near" w0

mkfifo "$TMP/in"
ip netns exec "$near" "$ECHO" link w0 <"$TMP/in" >"$TMP/link" 2>"$TMP/link.err" &
PIDS="$PIDS $!"; link_pid=$!
exec 3>"$TMP/in"
wait_for 20 grep -q ready "$TMP/link" || fail "wire did not open"

LINES=1
ask() { # COMMAND: one line out, one line in; the answer is in $answer
	echo "$1" >&3
	LINES=$((LINES + 1))
	wait_for 20 sh -c "[ \$(wc -l <'$TMP/link') -ge $LINES ]" || fail "no answer to '$1'"
	answer=$(sed -n "${LINES}p" "$TMP/link")
}
errors() { ask stats; echo "$answer" >&2; errors=$(echo "$answer" | tr ' ' '\n' | sed -n 's/^tx_down=//p'); }
received() { ip -n "$far" -s link show f0 | awk '/RX:/{getline; print $2}'; }

echo "# link up: 11 frames leave"
before=$(received)
ask send; errors
[ "$errors" = 0 ] || fail "errors on a link that is up"
[ $(($(received) - before)) -ge 11 ] || fail "frames did not arrive"

echo "# interface down: frames are counted as errors, poll() sleeps"
ip -n "$near" link set w0 down
ask send; ask send; errors
[ "$errors" = 22 ] || fail "22 errors expected, $errors counted"
ask wait
[ "$answer" = quiet ] || fail "waiting spins on a link that is down"

echo "# interface up again"
ip -n "$near" link set w0 up
wait_for 20 sh -c "ip -n $near link show w0 | grep -q LOWER_UP"
before=$(received)
ask send; errors
[ "$errors" = 22 ] || fail "errors after the link came back"
[ $(($(received) - before)) -ge 11 ] || fail "frames did not arrive after the link came back"

echo "# the far end down: no carrier, frames are lost or kept, never a hang; then back"
ip -n "$far" link set f0 down
ask send; ask send; errors
ip -n "$far" link set f0 up
wait_for 20 sh -c "ip -n $near link show w0 | grep -q LOWER_UP"
ask send; ask send
before=$(received)
ask send
[ $(($(received) - before)) -ge 11 ] || fail "frames did not arrive after the carrier came back"

echo "# interface deleted"
ip -n "$far" link del f0
errors; before=$errors
ask send; errors
[ "$errors" = $((before + 11)) ] || fail "11 more errors expected"
ask wait
[ "$answer" = quiet ] || fail "waiting spins on an interface that is gone"
exec 3>&-
wait "$link_pid" || fail "the wire did not close"
