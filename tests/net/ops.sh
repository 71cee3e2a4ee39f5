#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ops.sh STACK ACCD ACCDCTL TRAFFIC NOTIFY_RECV - what accd tells its operator, and what it does when told to
#
#   client 10.78.0.1 ──┐                      ┌── server 10.78.1.2 (s1)
#                      ├── bridge (hub) ──────┤
#   proxy  10.78.0.2 ──┘   10.78.0.0/16       └   four namespaces
#
# Traffic is made first, then every account of it is held against what was done: metrics, accdctl, the access log. Then the
# log's own trouble (rate, a reader that does not read), kill, reload, a dead worker, drain and health. Last, what systemd
# would hear of a start, a reload, its watchdog and a drain.
#
# All namespaces and processes are the test's own, named with its process id and removed on every exit.
# Exit status: 0 all passed, 1 a step failed, 77 cannot run here (the reason is printed).
set -u
. "$(dirname "$0")/hub_lib.sh"

STACK=${1:?usage: ops.sh STACK ACCD ACCDCTL TRAFFIC}
ACCD=${2:?usage: ops.sh STACK ACCD ACCDCTL TRAFFIC}
ACCDCTL=${3:?usage: ops.sh STACK ACCD ACCDCTL TRAFFIC}
TRAFFIC=${4:?usage: ops.sh STACK ACCD ACCDCTL TRAFFIC NOTIFY_RECV}
NOTIFY_RECV=${5:?usage: ops.sh STACK ACCD ACCDCTL TRAFFIC NOTIFY_RECV}

VCPUS=${VCPUS:-1} # loops, each of which is a worker to accdctl

VIP=10.78.0.2
hub_init ops ops jq curl
chmod 755 "$DIR" # accd reads its file again, opens its logs again and removes its socket as an ordinary user
chown nobody "$DIR"
SOCK=$DIR/admin.sock

client() {
	ip netns exec "$CLIENT" "$TRAFFIC" client $VIP "$@"
}

ctl() {
	"$ACCDCTL" -s "$SOCK" "$@"
}

web() { # path [curl options]: of the metrics' listener
	_path=$1
	shift
	ip netns exec "$PROXY" curl -sS -m 30 "$@" "http://127.0.0.1:9100$_path"
}

metric() { # series: its value
	web /metrics | awk -v name="$1" '$1 == name { print $2 }'
}

status_of() { # path
	web "$1" -o /dev/null -w '%{http_code}'
}

is() { # wanted command...: what it prints
	_wanted=$1
	shift
	_got=$("$@" 2>&1)
	[ "$_got" = "$_wanted" ] && return 0
	echo "  got: $_got"
	echo "  wanted: $_wanted"
	return 1
}

said() { # server pattern
	wait_for 20 "$1 says $2" grep -Eq -- "$2" "$DIR/$1.out"
}

write_conf() { # further keys of the log section
	cat >"$DIR/accd.conf" <<-EOT
		log { access = "$DIR/access.log"; error = "$DIR/error.log"; format = json; $1 }
		metrics { bind = "9100"; rate = 0; stack_bind = "$VIP:9101"; allow = "10.78.0.0/24"; }
		admin { bind = "unix:$SOCK"; mode = "0600"; }
		worker { memory = 256M; drain_timeout = 30s; max_sessions = 500; vcpus = $VCPUS; }
		wire { type = packet; interface = eth0; mode = own; }
		listener web { bind = "$VIP:80"; pool = one; }
		listener none { bind = "$VIP:82"; pool = dead; }
		pool one { server s1 { address = "10.78.1.2:8080"; } }
		pool dead { server d1 { address = "10.78.1.2:9"; } }
	EOT
}

start_accd() {
	[ ! -e "$DIR/error.log" ] || mv "$DIR/error.log" "$DIR/error.log.$PID_ACCD"
	: >"$DIR/error.log"
	ip netns exec "$PROXY" "$ACCD" -f "$DIR/accd.conf" --stack "$STACK" 2>>"$DIR/accd.err" &
	PID_ACCD=$!
	PIDS="$PIDS $!"
	wait_for 20 "accd is ready" grep -q "accd\[.*: ready:" "$DIR/error.log" || exit 1
}

ended() {
	wait_for 30 "accd ends" sh -c "! kill -0 $PID_ACCD" || return 1
	wait "$PID_ACCD"
}

hold() { # id: a session that stays open, its process in HELD
	ip netns exec "$CLIENT" "$TRAFFIC" client $VIP 80 --up 1 --down 200M --pause --id "$1" >"$DIR/hold-$1.out" 2>&1 &
	HELD=$!
	PIDS="$PIDS $HELD"
	said s1 "stalled id=$1"
}

step "topology and actors"
attach "$CLIENT" 10.78.0.1/16 || skip "cannot make a veth pair here"
attach "$PROXY" $VIP/16 || exit 1
attach "$SERVER" 10.78.1.2/16 || exit 1
ip netns exec "$SERVER" "$TRAFFIC" server 10.78.1.2 8080 s1 >"$DIR/s1.out" 2>&1 &
PIDS="$PIDS $!"
wait_for 20 "s1 listens" grep -q listening "$DIR/s1.out" || exit 1
write_conf ""
start_accd

step "health"
expect "healthz is 200" is 200 status_of /healthz
expect "readyz is 200" is 200 status_of /readyz
expect "another path is 404" is 404 status_of /other
expect "POST is 405" is 405 web /metrics -o /dev/null -w '%{http_code}' -d x

step "the accounts of 20 sessions of 10000 bytes up and 30000 down, and of 3 that no server takes"
expect "20 sessions" client 80 --up 10000 --down 30000 --parallel 20 --id 100
for i in 1 2 3; do
	expect "reset" client 82 --want-reset
done
# 40 bytes of header up, 16 of banner down for each session
expect "they have ended" wait_for 20 "23 ends" sh -c "[ \$(wc -l <$DIR/access.log) = 23 ]"
expect "accd_sessions_total" is 20 metric 'accd_sessions_total{listener="web"}'
expect "bytes up" is 200800 metric 'accd_bytes_up_total{listener="web"}'
expect "bytes down" is 600320 metric 'accd_bytes_down_total{listener="web"}'
expect "ends in order" is 20 metric 'accd_session_ends_total{listener="web",cause="-"}'
expect "ends for the server" is 3 metric 'accd_session_ends_total{listener="none",cause="S"}'
expect "none is open" is 0 metric 'accd_sessions{listener="web"}'
expect "durations counted" is 20 metric 'accd_session_duration_seconds_count{listener="web"}'
expect "sum of the bytes' histogram" is 200800 metric 'accd_session_up_bytes_sum{listener="web"}'
expect "srtt of both sides" is 20 metric 'accd_pool_srtt_seconds_count{pool="one"}'
expect "connects of the server" is 20 metric 'accd_server_connects_total{pool="one",server="s1"}'
expect "the server is up" is 1 metric 'accd_server_up{pool="one",server="s1"}'
expect "build info" [ "$(web /metrics | grep -c "accd_build_info{version=\".*\",stack=\"$STACK\",kernel_release=\"[0-9]")" = 1 ]
expect "lines written" wait_for 20 "23 lines" is 23 metric accd_log_lines_total
expect "the log: JSON, lines, bytes, TCP_INFO of both sides" json '
	length == 23 and (map(select(.listener == "web")) | length == 20 and (map(.up_bytes) | add) == 200800
		and all(.state == "--" and .tcp_down.min_rtt_us > 0 and (.tcp_up.cc | length) > 0))
	and (map(select(.listener == "none")) | all(.state == "SC" and .connect_ms == null and .tcp_up == null))' \
	jq -s . "$DIR/access.log"

step "the same inside the stack, for those who are allowed"
inside() { # namespace path [curl options]
	_ns=$1 _path=$2
	shift 2
	ip netns exec "$_ns" curl -sS -m 30 "$@" "http://$VIP:9101$_path" 2>&1
}
expect "health" is ok inside "$CLIENT" /healthz
expect "ready" is ready inside "$CLIENT" /readyz
expect "metrics" says 0 '^accd_sessions_total\{listener="web"\} 20$' inside "$CLIENT" /metrics
expect "HEAD" says 0 "^Content-Length: [1-9]" inside "$CLIENT" /metrics -I
expect "another path" is 404 inside "$CLIENT" /x -o /dev/null -w '%{http_code}'
expect "POST" is 405 inside "$CLIENT" /metrics -o /dev/null -w '%{http_code}' -d x
if inside "$SERVER" /metrics >/dev/null; then denied=no; else denied=yes; fi
expect "from another prefix: reset" [ $denied = yes ]
expect "counted" is 1 metric 'accd_worker_watch_refused_total{worker="0"}'

step "accdctl: every command that shows, as text and as JSON"
expect "show info" says 0 "^state: serving" ctl show info
expect "show info -j" json ".stack == \"$STACK\" and .state == \"serving\" and (.workers | map(.sessions_total) | add) == 23" ctl -j show info
expect "show stat" says 0 "^listener +web +0 +20 " ctl show stat
expect "show stat -j" json '.[] | select(.kind == "server" and .name == "one/s1") | .sessions_total == 20' ctl -j show stat
expect "show servers" says 0 " s1 +10.78.1.2:8080 +UP" ctl show servers
expect "show servers POOL -j" json "length == $VCPUS and .[0].server == \"s1\" and (map(.sessions_total) | add) == 20" ctl -j show servers one
expect "show version" says 0 "^stack: $STACK" ctl show version
expect "show version -j" json ".stack == \"$STACK\"" ctl show version -j
expect "show stack" says 0 "^Tcp.PassiveOpens: [0-9]" ctl show stack
expect "show stack -j" json '.[0]["Tcp.PassiveOpens"] >= 20 and .[0]["TcpExt.TCPTimeouts"] >= 0' ctl -j show stack
# shellcheck disable=SC2016 # the dollars are awk's
rises() { # series: above 0, once the worker has copied it
	wait_for 20 "$1" sh -c "ip netns exec $PROXY curl -s http://127.0.0.1:9100/metrics | awk -v s='$1' '\$1 == s && \$2 > 0 { n++ } END { exit !n }'"
}
if [ "$STACK" = lkl ]; then
	for series in wire_rx_frames_total wire_tx_bytes_total stack_tcp_received_segments_total stack_tcp_sent_segments_total \
		stack_tcp_passive_opens_total stack_tcp_active_opens_total stack_tcp_sent_resets_total; do
		expect "accd_$series of the worker" rises "accd_$series{worker=\"0\"}"
	done
	expect "drops by reason" is 0 metric 'accd_wire_dropped_total{worker="0",direction="tx",reason="refused"}'
	expect "the stack's count and accdctl's" json ".[0][\"Tcp.PassiveOpens\"] >= $(metric 'accd_stack_tcp_passive_opens_total{worker="0"}')" ctl -j show stack
else
	expect "no wire, no stack of its own" is "" metric 'accd_wire_rx_frames_total{worker="0"}'
fi
if [ "$STACK" = lkl ]; then
	expect "show wires" says 0 "rx_frames_total" ctl show wires
	expect "show wires -j" json '.[0].rx_frames_total > 100 and .[0].type == "packet"' ctl -j show wires
else
	expect "show wires -j" json 'length == 0' ctl -j show wires
fi
expect "show errors -j" json 'type == "array"' ctl -j show errors
expect "show errors" says 0 "" ctl show errors
expect "show sessions" says 0 "^$" ctl show sessions
expect "help" says 0 "kill session ID" ctl help
expect "help -j" json 'length > 10' ctl -j help
expect "a wrong command" says 2 'accdctl: "shw": unknown; expected show info' ctl shw
expect "a wrong filter" says 2 'client "x": expected an IPv4' ctl show sessions client=x
expect "no such socket" says 3 "is accd running" "$ACCDCTL" -s "$DIR/none.sock" show info
expect "the socket's mode" is 600 stat -c %a "$SOCK"

step "servers: disable, enable, drain, weight"
expect "disable" json ".workers == $VCPUS" ctl -j disable server one/s1
expect "it is out" json '.[0].state == "MAINT"' ctl -j show servers one
expect "accd_server_up" becomes 0 'accd_server_up{pool="one",server="s1"}'
expect "clients are reset" client 80 --want-reset
expect "enable" says 0 "workers: $VCPUS" ctl enable server one/s1
expect "it is up" becomes 1 'accd_server_up{pool="one",server="s1"}'
expect "and serves" client 80 --up 10 --down 10
expect "weight" json ".workers == $VCPUS" ctl -j set weight one/s1 7
expect "it has it" json '.[0].weight == 7' ctl -j show servers one
expect "drain" says 0 "workers: $VCPUS" ctl drain server one/s1
expect "it drains" json '.[0].state == "DRAIN"' ctl -j show servers one
expect "enable again" says 0 "workers: $VCPUS" ctl enable server one/s1
expect "no such server" says 1 "no such server; show servers" ctl drain server one/s9
expect "no such pool" says 1 "no such pool; show servers" ctl drain server nine/s1

step "show sessions and kill session"
hold 1001 || exit 1
held1=$HELD
hold 1002 || exit 1
held2=$HELD
expect "two sessions" json 'length == 2 and all(.state == "relaying" and .up_bytes > 0 and .tcp_down.cwnd_pkts > 0)' ctl -j show sessions
expect "limit" json 'length == 1' ctl -j show sessions limit=1
expect "filters that hold" json 'length == 2' ctl -j show sessions listener=web pool=one server=s1 client=10.78.0.1 state=relaying
expect "filters that do not" json 'length == 0' ctl -j show sessions client=10.78.0.9
expect "idle for an hour: none" json 'length == 0' ctl -j show sessions idle=1h
expect "the gauge" is 2 metric 'accd_sessions{listener="web"}'
id=$(ctl -j show sessions limit=1 | jq -r '.[0].id')
expect "another congestion control" json '.workers == 1' ctl -j set session "$id" congestion-control reno
expect "both have it" json 'map(select(.id == "'"$id"'"))[0] | .tcp_down.cc == "reno" and .tcp_up.cc == "reno"' ctl -j show sessions
expect "none of that name" says 1 "has none of this name" ctl set session "$id" congestion-control nothing
expect "kill" json '.workers == 1' ctl -j kill session "$id"
expect "one is left" json 'length == 1' ctl -j show sessions
expect "again: gone" says 1 "no such session" ctl kill session "$id"
expect "its line" wait_for 20 "state K" sh -c "jq -e 'select(.id == \"$id\" and (.state == \"KD\" or .state == \"KL\"))' $DIR/access.log"
expect "and its client saw a reset" wait_for 20 "a client ends" sh -c "! kill -0 $held1 2>/dev/null || ! kill -0 $held2 2>/dev/null"

step "reload by accdctl: a good file, a bad one"
expect "good" says 0 "" ctl reload
echo 'nonsense = 1;' >>"$DIR/accd.conf"
expect "bad: refused, with line and key" says 1 "nonsense.*unknown" ctl reload
expect "counted" is 1 metric accd_reloads_refused_total
expect "the session went on" json 'length == 1' ctl -j show sessions

step "a lasting session, which the stack may relay by itself: counters and log say the same"
up=$(metric 'accd_bytes_up_total{listener="web"}') down=$(metric 'accd_bytes_down_total{listener="web"}')
lines=$(wc -l <"$DIR/access.log")
expect "1000 rounds" client 80 --up 2000 --down 3000 --rounds 1000 --id 1500
expect "its line" wait_for 20 "a line" sh -c "[ \$(wc -l <$DIR/access.log) -gt $lines ]"
expect "bytes up, and more than 2 MB of them" json "(.up_bytes | . > 2000000) and .up_bytes == $(($(metric 'accd_bytes_up_total{listener="web"}') - up))" tail -n 1 "$DIR/access.log"
expect "bytes down" json ".down_bytes == $(($(metric 'accd_bytes_down_total{listener="web"}') - down))" tail -n 1 "$DIR/access.log"
expect "the server's, too" is "$(metric 'accd_bytes_down_total{listener="web"}')" metric 'accd_server_bytes_down_total{pool="one",server="s1"}'

step "log.rate"
write_conf "rate = 5;"
expect "reload" says 0 "" ctl reload
lines=$(wc -l <"$DIR/access.log")
expect "100 sessions" client 80 --up 10 --down 10 --parallel 100 --id 2000
expect "lines are left out" wait_for 20 "limited" sh -c "[ \$(ip netns exec $PROXY curl -s http://127.0.0.1:9100/metrics | awk '/^accd_log_limited_total/ { print \$2 }') -gt 0 ]"
expect "and that is said" wait_for 20 "said" grep -q "^# accd: [0-9]* lines left out: more than log.rate = 5 a second" "$DIR/access.log"
expect "not all were written" [ $(($(wc -l <"$DIR/access.log") - lines)) -lt 100 ]

step "a log reader that does not read never stalls traffic"
mkfifo "$DIR/fifo"
exec 7<>"$DIR/fifo" # a reader that is there and does not read
sed -i "s|access = \"[^\"]*\"|access = \"$DIR/fifo\"|; s/rate = 5;//" "$DIR/accd.conf"
expect "reload" says 0 "" ctl reload
for i in 1 2 3 4; do
	expect "500 sessions" client 80 --up 10 --down 10 --parallel 250 --id ${i}0000
done
expect "messages are written all the same" says 1 "no such session" ctl kill session 0-400-1
exec 7<&-
write_conf ""
expect "back to the file" says 0 "" ctl reload

step "reopen: the log files were moved away"
mv "$DIR/access.log" "$DIR/access.log.1"
expect "reopen" says 0 "" ctl reopen
expect "a new file" wait_for 20 "the file" test -e "$DIR/access.log"

step "too many, too long, too slow at the admin socket"
expect "a line of 600 bytes" says 2 "longer than 511 bytes" ctl "$(head -c 600 /dev/zero | tr '\0' a)"
mkfifo "$DIR/nothing"
exec 7<>"$DIR/nothing"
mute=
for i in 1 2 3 4 5 6 7 8 9 10; do # connections that ask nothing, two more than there is room for
	curl -s -m 60 --unix-socket "$SOCK" telnet://localhost <"$DIR/nothing" >/dev/null 2>&1 &
	mute="$mute $!"
done
PIDS="$PIDS $mute"
# before anybody asks: accdctl would have one of the eight places
expect "eight, not ten" becomes 2 accd_admin_refused_total
expect "the next is refused" wait_for 20 "refused" sh -c "\"$ACCDCTL\" -s $SOCK show version 2>&1 | grep -q 'too many admin connections'"
expect "the data path does not notice" client 80 --up 1M --down 1M
for pid in $mute; do
	kill "$pid" 2>/dev/null
done
exec 7<&-
expect "when they have gone, all is well" wait_for 20 "an answer" ctl show version

step "TERM: health is false from the start of the drain, the session goes on"
kill -TERM "$PID_ACCD"
expect "healthz is 503" wait_for 20 "503" sh -c "[ \$(ip netns exec $PROXY curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9100/healthz) = 503 ]"
expect "while the session runs" json 'length == 1' ctl -j show sessions
expect "readyz is 503" is 503 status_of /readyz
expect "inside the stack too" is draining inside "$CLIENT" /healthz
expect "accd_draining" is 1 metric accd_draining
expect "drain again: said" says 1 "draining already" ctl drain
for pid in $held1 $held2; do
	kill -USR1 "$pid" 2>/dev/null
done
expect "exit status 0" ended
expect "the socket is gone" [ ! -e "$SOCK" ]

step "drain by accdctl, and what systemd hears (sd_notify)"
"$NOTIFY_RECV" "$DIR/notify" >"$DIR/notify.out" &
PIDS="$PIDS $!"
wait_for 20 "the receiver" grep -q ready "$DIR/notify.out" || exit 1
told() { # N PATTERN: so often, in whole datagrams
	wait_for 20 "told $2" sh -c "[ \$(grep -Ecx -- '$2' '$DIR/notify.out') -ge $1 ]"
}
export NOTIFY_SOCKET="$DIR/notify" WATCHDOG_USEC=200000
start_accd
unset NOTIFY_SOCKET WATCHDOG_USEC
expect "ready" told 1 "READY=1[|]STATUS=serving"
expect "the watchdog is fed again and again" told 5 "WATCHDOG=1"
expect "reload" says 0 "" ctl reload
expect "it reloads, since when" told 1 "RELOADING=1[|]MONOTONIC_USEC=[0-9]+"
expect "it has reloaded" told 1 "READY=1[|]STATUS=reloaded"
echo 'nonsense = 1;' >>"$DIR/accd.conf"
expect "a reload that is refused" says 1 "nonsense.*unknown" ctl reload
expect "it was reloading" told 2 "RELOADING=1[|]MONOTONIC_USEC=[0-9]+"
expect "it is ready again" told 3 "READY=1[|]STATUS=.*"
if [ "$STACK" = lkl ]; then
	step "a worker that is replaced: totals go on, nothing counts twice"
	expect "20 sessions" client 80 --up 1000 --down 1000 --parallel 20 --id 3000
	expect "they are counted" wait_for 20 "20 opens" sh -c "ip netns exec $PROXY curl -s http://127.0.0.1:9100/metrics | grep -qx 'accd_stack_tcp_passive_opens_total{worker=\"0\"} 2[0-9]'"
	[ "$VCPUS" = 1 ] || expect "once, by the instance's first loop" is "" metric 'accd_stack_tcp_passive_opens_total{worker="1"}'
	worker=$(ctl -j show info | jq '.workers[0].pid')
	kill -KILL "$worker"
	expect "the next one serves" wait_for 30 "a session" client 80 --up 1000 --down 1000 --parallel 3 --id 4000
	expect "23 opens of both" wait_for 20 "23 opens" sh -c "ip netns exec $PROXY curl -s http://127.0.0.1:9100/metrics | grep -qx 'accd_stack_tcp_passive_opens_total{worker=\"0\"} \(2[3-9]\|3[0-9]\)'"
	frames=$(metric 'accd_wire_rx_frames_total{worker="0"}')
	expect "frames, $frames, are those of the wire" json ".[0].rx_frames_total >= $frames and $frames > 100" ctl -j show wires
fi
expect "drain" says 0 "draining" ctl drain
expect "it stops" told 1 "STOPPING=1"
expect "exit status 0" ended
expect "told nothing else" [ "$(grep -Evc '^(ready|READY=1|RELOADING=1|WATCHDOG=1|STOPPING=1)' "$DIR/notify.out")" = 0 ]
expect "stopping once" [ "$(grep -c STOPPING "$DIR/notify.out")" = 1 ]

exit 0
