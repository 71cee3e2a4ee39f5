#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# relay.sh STACK ACCD TRAFFIC - the relay end to end: every byte, every end, every failure that a peer can cause
#
#   client 10.77.0.1 ──┐                                ┌── server 10.77.1.2 (s1), 10.77.1.3 (s2)
#                      ├── bridge (hub) ────────────────┤
#   proxy  10.77.0.2 ──┘   10.77.0.0/16, four namespaces
#
# accd runs in the proxy namespace, on the host's stack there (STACK host) or on its own (STACK lkl; it takes the address of
# the proxy's interface). traffic.c is client and server, and checks each byte.
#
# All namespaces and processes are the test's own, named with its process id and removed on every exit. Each step is echoed.
# From the environment: RELAY_LARGE, RELAY_WORKER and RELAY_WIRE: further keys of those sections.
# Exit status: 0 all passed, 1 a step failed, 77 cannot run here (the reason is printed).
set -u
. "$(dirname "$0")/hub_lib.sh"

STACK=${1:?usage: relay.sh STACK ACCD TRAFFIC}
ACCD=${2:?usage: relay.sh STACK ACCD TRAFFIC}
TRAFFIC=${3:?usage: relay.sh STACK ACCD TRAFFIC}
STALL=200M # more than the socket buffers of a whole path hold, so that a reader that stops is felt at the sender
TAIL=200k # less than a connection of accd's takes whose reader has stopped
LARGE=${RELAY_LARGE:-100M} # the largest transfer; smaller for slow builds (sanitizers, emulation)

VIP=10.77.0.2
hub_init relay rly

run() { # echo a command and run it
	echo "  \$ $*"
	"$@"
}

# No function stands between "&" and a command in a namespace: $! must be the process itself, to be signalled.

# check command...: the step's verdict
check() {
	if run "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "  FAILED: $STEP"
	fi
}

not() {
	! "$@"
}

client() {
	ip netns exec "$CLIENT" "$TRAFFIC" client $VIP "$@" # gives up by itself
}

# ---- topology ----

step "topology: four namespaces $ID-*"
attach "$CLIENT" 10.77.0.1/16 || skip "cannot make a veth pair here"
attach "$PROXY" $VIP/16 || exit 1
attach "$SERVER" 10.77.1.2/16 10.77.1.3/16 || exit 1
proxy_before=$(ip -n "$PROXY" -4 -o addr show dev eth0)

# ---- actors ----

start_server() { # name address
	: >"$DIR/$1.out" # what the one before said is not its word
	ip netns exec "$SERVER" "$TRAFFIC" server "$2" 8080 "$1" >"$DIR/$1.out" 2>&1 &
	eval "PID_$1=$!"
	PIDS="$PIDS $!"
	wait_for 20 "$1 listens" grep -q listening "$DIR/$1.out"
}

stop_server() { # name
	eval "_pid=\$PID_$1"
	kill -KILL "$_pid" 2>/dev/null
	wait "$_pid" 2>/dev/null
}

# start_accd TAG DRAIN MAX_SESSIONS
start_accd() {
	TAG=$1
	cat >"$DIR/$TAG.conf" <<-EOF
		log { access = "$DIR/$TAG.log"; }
		worker { memory = 256M; drain_timeout = $2; max_sessions = $3; ${RELAY_WORKER:-} }
		wire { type = packet; interface = ${RELAY_INTERFACE:-eth0}; mode = own; ${RELAY_WIRE:-} }
		listener web { bind = "$VIP:80"; pool = both; }
		listener one { bind = "$VIP:81"; pool = s1; }
		listener none { bind = "$VIP:82"; pool = dead; }
		listener far { bind = "$VIP:83"; pool = blackhole; }
		listener idle { bind = "$VIP:84"; pool = s1; idle_timeout = 300ms; }
		pool both { server s1 { address = "10.77.1.2:8080"; } server s2 { address = "10.77.1.3:8080"; } }
		pool s1 { server s1 { address = "10.77.1.2:8080"; } }
		pool dead { server d1 { address = "10.77.1.2:9"; } server d2 { address = "10.77.1.3:9"; } }
		pool blackhole {
			connect_timeout = 1s;
			server lost { address = "10.77.9.9:80"; }
			server s2 { address = "10.77.1.3:8080"; }
		}
	EOF
	ip netns exec "$PROXY" "$ACCD" -f "$DIR/$TAG.conf" --stack "$STACK" 2>"$DIR/$TAG.err" &
	PID_ACCD=$!
	PIDS="$PIDS $!"
	wait_for 20 "accd is ready" grep -q "accd: ready:" "$DIR/$TAG.err" || {
		cat "$DIR/$TAG.err"
		exit 1
	}
	grep "accd: ready:" "$DIR/$TAG.err" | sed 's/^/  /'
}

accd_worker() {
	sed -n 's/.* worker=\([0-9]*\).*/\1/p' "$DIR/$TAG.err"
}

# stop_accd SIGNAL WANTED_STATUS
stop_accd() {
	kill "-$1" "$PID_ACCD"
	wait_accd "$2"
}

wait_accd() {
	wait_for 30 "accd ends" sh -c "! kill -0 $PID_ACCD" || return 1
	wait "$PID_ACCD"
	_status=$?
	tail -n 1 "$DIR/$TAG.err" | sed 's/^/  /'
	[ "$_status" = "$1" ] || {
		echo "  exit status $_status, expected $1"
		return 1
	}
}

log_has() { # pattern
	wait_for 20 "log line $1" grep -Eq -- "$1" "$DIR/$TAG.log"
}

said() { # server pattern
	wait_for 20 "$1 says $2" grep -Eq -- "$2" "$DIR/$1.out"
}

rss_kb() {
	awk '/^VmRSS:/ { print $2 }' "/proc/$(accd_worker)/status"
}

# ---- steps ----

step "start: two servers, accd on stack $STACK"
start_server s1 10.77.1.2 || exit 1
start_server s2 10.77.1.3 || exit 1
start_accd main 30s 2000

step "sizes, request then response"
for size in 1 2 1460 65535 65536 65537 262143 262144 262145 1M 10M; do
	check client 81 --up $size --down $size
done

step "sizes, large, one way and both ways at once"
check client 81 --up "$LARGE" --down 1
check client 81 --up 1 --down "$LARGE"
check client 81 --up "$LARGE" --down "$LARGE" --order both

step "many rounds on one connection"
check client 81 --up 200 --down 300 --rounds 2000
check client 81 --up 70000 --down 1 --rounds 100

step "half-close: the client ends first, the server answers; and the other way round"
check client 81 --up 1M --down 5M --order up-first
check client 81 --up 5M --down 1M --order down-first
check client 81 --up 0 --down 1M --order up-first
check client 81 --up 1M --down 0 --order down-first
check client 81 --up 0 --down 0

step "256 connections at a time"
check client 80 --up 100k --down 300k --parallel 256 --id 1000
check client 80 --up 512 --down 2k --rounds 50 --parallel 256 --id 2000
check client 80 --up 1M --down 1M --order both --parallel 64 --id 3000

step "round robin: both servers had a share"
expect "s1 served" said s1 "id=10[0-9][0-9] how=fin"
expect "s2 served" said s2 "id=10[0-9][0-9] how=fin"

step "log line with the bytes: 40 of header + 12345 up, 16 of banner + 54321 down"
check client 81 --up 12345 --down 54321 --id 4000
expect "the line" log_has " 10\.77\.0\.1:[0-9]+ one s1/s1 connect_ms=[0-9.]+ total_ms=[0-9.]+ queue_ms=0.000 up_bytes=12385 down_bytes=54337 state=-- retries=0 sessions=1 tcp_down=\{cc=[a-z]+ rtt_us=[1-9].*\} tcp_up=\{cc="

step "the client resets: the server sees a reset, not an end"
check client 81 --up 100k --down 100k --reset client --id 5000
expect "ECONNRESET at the server" said s1 "id=5000 how=reset rx=102400"
check client 81 --down "$LARGE" --reset client-mid --id 5001
expect "ECONNRESET at the server" said s1 "id=5001 how=reset"
expect "a log line" log_has "state=CD"

step "the server resets: the client gets every byte, then a reset"
check client 81 --up 10k --down 10k --reset server
check client 81 --up 10k --down 3M --reset server
check client 81 --up "$LARGE" --reset server-mid
expect "a log line" log_has "state=SD"

step "no server accepts: the client is reset"
check client 82 --want-reset
expect "a log line" log_has " none dead/d[12] connect_ms=-1 .* state=SC retries=1 "

step "connect timeout: the next server is taken"
check client 83 --up 1k --down 1k --want-server s2
expect "a log line" log_has " far blackhole/s2 .* state=-- retries=1 "

step "a server is down: its share goes to the other"
stop_server s2
for i in 1 2 3 4; do
	check client 80 --up 10k --down 10k --want-server s1
done
expect "a retry in the log" log_has " web both/s1 .* state=-- retries=1 "
start_server s2 10.77.1.3

step "idle timeout: reset to both"
ip netns exec "$CLIENT" "$TRAFFIC" client $VIP 84 --up 1 --down $STALL --pause --id 6000 >"$DIR/idle.out" 2>&1 &
PIDS="$PIDS $!"
expect "the server is reset" said s1 "id=6000 how=reset"
expect "a log line" log_has " idle s1/s1 .* state=T[DL] "

step "slow reader: the sender stalls, memory stays bounded, every byte arrives"
rss_before=$(rss_kb)
ip netns exec "$CLIENT" "$TRAFFIC" client $VIP 81 --up 1 --down $STALL --pause --id 7000 &
slow=$!
PIDS="$PIDS $slow"
expect "back-pressure at the server" said s1 "stalled id=7000"
grep "stalled id=7000" "$DIR/s1.out" | sed 's/^/  /'
rss_after=$(rss_kb)
echo "  worker's memory: $rss_before KiB before, $rss_after KiB now"
if [ "$STACK" = host ]; then # the other stack's own buffers are part of the process
	expect "less than 2 MiB more" [ $((rss_after - rss_before)) -lt 2048 ]
fi
expect "other sessions are not held up" client 81 --up 1M --down 1M
kill -USR1 $slow
wait $slow
expect "every byte arrived" [ $? = 0 ]

step "TERM drains: no new client, the running session ends in order"
ip netns exec "$CLIENT" "$TRAFFIC" client $VIP 81 --up 1 --down $STALL --pause --id 8000 &
slow=$!
PIDS="$PIDS $slow"
expect "the session runs" said s1 "stalled id=8000"
kill -TERM "$PID_ACCD"
expect "it says so" wait_for 20 "draining" grep -q "draining" "$DIR/main.err"
expect "a new client is refused" wait_for 20 "refused" client 81 --want-refused
expect "accd still runs" kill -0 "$PID_ACCD"
kill -USR1 $slow
wait $slow
expect "every byte arrived" [ $? = 0 ]
expect "exit status 0" wait_accd 0
expect "the final line counts" grep -Eq "accd: exit: sessions=[1-9][0-9]+ bytes_up=[1-9][0-9]+ bytes_down=[1-9][0-9]+ " "$DIR/main.err"
expect "the addresses are back" [ "$proxy_before" = "$(ip -n "$PROXY" -4 -o addr show dev eth0)" ]

step "TERM with a response on its way: its session has ended, and every byte arrives all the same"
start_accd tail 30s 2000
ip netns exec "$CLIENT" "$TRAFFIC" client $VIP 81 --up 1 --down $TAIL --pause --id 8500 &
slow=$!
PIDS="$PIDS $slow"
expect "the session has ended" log_has "down_bytes=[0-9]* state=--"
kill -TERM "$PID_ACCD"
expect "it says so" wait_for 20 "draining" grep -q "draining" "$DIR/tail.err"
expect "a new client is refused" wait_for 20 "refused" client 81 --want-refused
if [ "$STACK" = lkl ]; then # a second in which it must not end; the host's kernel needs nobody for this
	expect "accd waits for the client" not wait_for 1 "still there, as it should be" sh -c "! kill -0 $PID_ACCD"
fi
kill -USR1 $slow
wait $slow
expect "every byte arrived" [ $? = 0 ]
expect "exit status 0" wait_accd 0

step "drain_timeout: what is left is reset"
start_accd drain 500ms 2000
ip netns exec "$CLIENT" "$TRAFFIC" client $VIP 81 --up 1 --down $STALL --pause --id 9000 >/dev/null 2>&1 &
PIDS="$PIDS $!"
expect "the session runs" said s1 "stalled id=9000"
expect "exit status 0" stop_accd TERM 0
expect "the server is reset" said s1 "id=9000 how=reset"
expect "a log line" log_has "state=K[DL]"

step "max_sessions: the rest waits its turn, and everybody is served"
start_accd limit 30s 10
check client 81 --up 50k --down 50k --parallel 100 --id 10000
expect "INT stops at once, status 0" stop_accd INT 0
expect "the limit was reached" grep -Eq "accept_full=[1-9]" "$DIR/limit.err"

step "the worker dies: said with its signal, replaced, the next client is served"
start_accd crash 30s 100
worker=$(accd_worker)
kill -KILL "$worker"
expect "the signal is named" wait_for 20 "the death" grep -q "worker 0 (process $worker) died: signal 9" "$DIR/crash.err"
expect "it is replaced" wait_for 20 "the next worker" grep -q "worker 0 (process [0-9]*) is ready" "$DIR/crash.err"
grep "is ready" "$DIR/crash.err" | sed 's/^/  /'
check client 81 --up 100k --down 100k
expect "exit status 0" stop_accd TERM 0
expect "the addresses are back" [ "$proxy_before" = "$(ip -n "$PROXY" -4 -o addr show dev eth0)" ]

step "the supervisor is killed: the worker stops, addresses back"
start_accd orphan 30s 100
worker=$(accd_worker)
kill -KILL "$PID_ACCD"
expect "the worker ends" wait_for 20 "the worker ends" sh -c "! kill -0 $worker"
expect "the addresses are back" wait_for 20 "the addresses" sh -c "[ '$proxy_before' = \"\$(ip -n $PROXY -4 -o addr show dev eth0)\" ]"

exit 0
