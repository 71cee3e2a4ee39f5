#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# wan.sh LKL_WAN LKL_NET WIRE_STACK - the emulator between two namespaces: every byte checked both ways, IPv4 and IPv6; delay,
# loss and rate roughly as asked (bounds are wide: the machine may be busy); its own calibration; counters; wrong command lines
#
#	left 10.97.0.1 [c0]---[w0] lkl-wan [w1]---[s0] right 10.97.0.2
set -u

LKL_WAN=${1:?usage: wan.sh LKL_WAN LKL_NET WIRE_STACK}
LKL_NET=$2 WIRE_STACK=$3
. "$(dirname "$0")/wire_lib.sh"

echo "# wrong command lines: exit 2"
wrong() { # PATTERN ARGUMENT...
	pattern=$1 rc=0
	shift
	timeout 10 "$LKL_WAN" "$@" >/dev/null 2>"$TMP/err" || rc=$?
	[ $rc = 2 ] && grep -q -- "$pattern" "$TMP/err" || { cat "$TMP/err"; fail "exit $rc for: $*"; }
}
printf '[both]\nrate = fast\n' >"$TMP/bad.wan"
wrong 'expected two wires' packet:if=w0
wrong 'wire B: ' packet:if=w0 packet:ifs=w1
wrong 'bad.wan:2: rate: "fast": expected a rate' -c "$TMP/bad.wan" --check
wrong 'expected no wire' --calibrate packet:if=w0
wrong 'expected a number' --seed x --calibrate

ns left mid right
pair "$left" c0 "$mid" w0
pair "$right" s0 "$mid" w1
for n in "$left c0 1" "$right s0 2"; do
	set -- $n
	ip -n "$1" addr add "10.97.0.$3/24" dev "$2"
	ip -n "$1" addr add "2001:db8:97::$3/64" dev "$2" nodad
done
scenario() { cat >"$TMP/test.wan"; }
wan() { background wan "$mid" "$LKL_WAN" "$@" packet:if=w0 packet:if=w1; }
value() { tr ' ' '\n' <"$TMP/out" | sed -n "s/^$1=//p" | tail -n 1; }
counted() { grep "^$1:" "$TMP/wan" | tail -n 1 | tr ' ' '\n' | sed -n "s/^$2=//p"; }
ends() { kill "$wan_pid"; wait "$wan_pid" || fail "lkl-wan exited with $?"; cat "$TMP/wan"; }
between() { awk -v v="$2" -v a="$3" -v b="$4" 'BEGIN { exit !(v != "" && v + 0 >= a && v + 0 <= b) }' || fail "$1 is $2, not in $3 .. $4"; }

background server "$right" "$LKL_NET" --host stream -s

echo "# no scenario: an instance behind the path; contents of every byte checked in both directions, with GSO frames"
wan
ip -n "$right" addr flush dev s0
background stack "$right" "$WIRE_STACK" serve packet:if=s0 10.97.0.2 2001:db8:97::2
for to in 10.97.0.2 2001:db8:97::2; do
	in_ns "$left" timeout 60 "$WIRE_STACK" ask $to both 20000000 || fail "bytes through the path to $to"
done
in_ns "$left" timeout 60 "$WIRE_STACK" ping 10.97.0.2 5 1400 || fail "ping"
kill "$stack_pid"; wait "$stack_pid" || fail "the instance"
ip -n "$right" addr add 10.97.0.2/24 dev s0
ip -n "$right" addr add 2001:db8:97::2/64 dev s0 nodad
ends
between "lost frames" "$(counted up lost)" 0 0
between "oversize frames" "$(counted up oversize)" 0 0
between "frames, cut to the MTU" "$(counted up frames)" 27000 100000

echo "# delay and rate"
scenario <<-END
	name = test
	[both]
	rate = 20 Mbit
	delay = 30 ms
	buffer = 2 BDP
END
wan -c "$TMP/test.wan"
in_ns "$left" timeout 60 "$LKL_NET" --host ping -c 10 -i 50 10.97.0.2 >"$TMP/out" || fail "ping"
tail -n 1 "$TMP/out"
between "shortest round trip in us" "$(value min_us)" 60000 200000
in_ns "$left" timeout 60 "$LKL_NET" --host stream -t 3 -R 10.97.0.2 >"$TMP/out" || fail "stream"
cat "$TMP/out"
between "bytes in 3 s at 20 Mbit/s" "$(value down_bytes)" 1000000 11000000
ends

echo "# loss: only down"
scenario <<-END
	seed = 11
	[down]
	loss = 20 %
END
wan -c "$TMP/test.wan"
in_ns "$left" timeout 60 "$LKL_NET" --host stream -t 2 -R 10.97.0.2 >"$TMP/out" || fail "stream"
cat "$TMP/out"
ends
frames=$(counted down frames)
between "frames" "$frames" 100 100000000
between "per mille lost" $((1000 * $(counted down lost) / (frames + $(counted down lost)))) 100 350
between "lost of what went up" "$(counted up lost)" 0 0

echo "# policer, trace and jitter: it runs, it changes, and what is over the rate is dropped"
printf '0 20Mbit\n0.2 10Mbit\nrepeat 0.4\n' >"$TMP/t.trace"
scenario <<-END
	[down]
	rate = 10 Mbit
	queue = police
	burst = 15 kB
	delay = 5 ms
	jitter = 5 ms
	[up]
	rate = 20 Mbit
	queue = fq_codel
	trace = t.trace
END
wan -c "$TMP/test.wan"
# How long TCP takes to end a stream through a policer is chance; what the wires counted is not.
rc=0
in_ns "$left" timeout 10 "$LKL_NET" --host stream -t 2 --both 10.97.0.2 >"$TMP/out" || rc=$?
[ $rc = 0 ] || [ $rc = 124 ] || fail "stream: exit status $rc"
cat "$TMP/out"
kill -USR1 "$wan_pid"
wait_for 20 grep -q '^down:' "$TMP/wan" || fail "no counters on SIGUSR1"
ends
between "policed frames" "$(counted down overflow)" 1 100000
between "changes of the trace" "$(counted up changes)" 4 100
between "changes of the jitter" "$(counted down changes)" 20 1000

echo "# its own calibration: the form of the answer (what it measures is the machine's, too); and a policer's bucket passes at once"
scenario <<-END
	name = quick
	[both]
	rate = 10 Mbit
	delay = 10 ms
	[down]
	queue = police
	burst = 15 kB
END
rc=0
timeout 60 "$LKL_WAN" -j -c "$TMP/test.wan" --calibrate >"$TMP/out" 2>/dev/null || rc=$?
cat "$TMP/out"
[ $rc -le 1 ] && [ "$(grep -c '"scenario": "quick"' "$TMP/out")" = 2 ] || fail "calibration: exit $rc"
between "frames of a bucket of 9" "$(sed -n 's/.*"down".*"bucket_frames": \([0-9]*\),.*/\1/p' "$TMP/out")" 9 27
between "frames lost where no loss is asked for" "$(sed -n 's/.*"up".*"loss": \([0-9.]*\),.*/\1/p' "$TMP/out")" 0 0
