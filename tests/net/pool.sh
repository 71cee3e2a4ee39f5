#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# pool.sh STACK ACCD PEER - pools end to end: rules, weights, backups, limits and queues, retries, checks, ejection, slow start,
# names, source addresses, PROXY to nginx, lifetimes
#
#   client 10.78.0.1, 10.78.2.1-50 ──┐                    ┌── servers 10.78.1.1 - 10.78.1.5 (s1 - s5), name server 10.78.1.53
#                                    ├── bridge (hub) ────┤
#   proxy  10.78.0.2, 10.78.0.3 ─────┘                    10.78.0.0/16, four namespaces
#
# pool_peer.c is client, server and name server. Namespaces and processes are the test's own, named with its process id and
# removed on every exit. What takes time is waited for, never slept for: accd says when a server's state changes.
# Exit status: 0 all passed, 1 a step failed, 77 cannot run here (the reason is printed).
set -u
. "$(dirname "$0")/hub_lib.sh"

STACK=${1:?usage: pool.sh STACK ACCD PEER}
ACCD=${2:?usage: pool.sh STACK ACCD PEER}
PEER=${3:?usage: pool.sh STACK ACCD PEER}

VIP=10.78.0.2
hub_init pool pool

expect_one() { # what holds exactly for one loop only: several have turns and limits of their own
	[ "${VCPUS:-1}" != 1 ] || expect "$@"
}

ask() { # PORT N [options]: prints who answered how often
	ip netns exec "$CLIENT" "$PEER" ask $VIP "$@"
}

# answers WANTED PORT N [options]: the tally is exactly WANTED, in any order
answers() {
	_want=$1
	shift
	_got=$(ask "$@" | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/ $//')
	[ "$_got" = "$_want" ] && return
	echo "  answered: $_got; wanted: $_want"
	return 1
}

# tally NAME PORT N [options]: how many of N connections NAME answered, in $TALLY
tally() {
	_name=$1
	shift
	_got=$(ask "$@")
	echo "  answered: $_got"
	TALLY=$(echo "$_got" | tr ' ' '\n' | sed -n "s/^$_name=//p")
	TALLY=${TALLY:-0}
}

log_has() {
	wait_for 20 "log line $1" grep -Eq -- "$1" "$DIR/accd.log"
}

# said COUNT PATTERN: accd has said so COUNT times at least
said() {
	wait_for 20 "accd says $2" sh -c "[ \$(grep -Ec -- '$2' '$DIR/accd.err') -ge $1 ]"
}

# ---- topology ----

attach "$CLIENT" 10.78.0.1/16 || skip "cannot make a veth pair here"
for i in $(seq 1 50); do
	ip -n "$CLIENT" addr add 10.78.2.$i/16 dev eth0 || exit 1
done
attach "$PROXY" $VIP/16 10.78.0.3/16 || exit 1
attach "$SERVER" 10.78.1.1/16 10.78.1.2/16 10.78.1.3/16 10.78.1.4/16 10.78.1.5/16 10.78.1.53/16 || exit 1

# ---- actors ----

start_server() { # name
	: >"$DIR/$1.out"
	ip netns exec "$SERVER" "$PEER" serve "$1" "10.78.1.${1#s}" 8080 >"$DIR/$1.out" 2>&1 &
	eval "PID_$1=$!"
	PIDS="$PIDS $!"
	wait_for 20 "$1 listens" grep -q listening "$DIR/$1.out"
}

stop_server() { # name
	eval "_pid=\$PID_$1"
	kill -KILL "$_pid" 2>/dev/null
	wait "$_pid" 2>/dev/null
}

hold() { # PORT N: connections that stay, PID in $HELD, what they say in held.out
	: >"$DIR/held.out"
	ip netns exec "$CLIENT" "$PEER" ask $VIP "$@" --hold >"$DIR/held.out" 2>&1 &
	HELD=$!
	PIDS="$PIDS $HELD"
}

held() { # COUNT: so many of them got a first line
	wait_for 20 "$1 connections" sh -c "[ \$(grep -c '^+' '$DIR/held.out') -ge $1 ]"
}

let_go() { # prints the tally
	kill -USR1 "$HELD"
	wait_for 30 "the end of those that stay" grep -q "dead=" "$DIR/held.out"
	tail -n 1 "$DIR/held.out"
}

for s in s1 s2 s3 s4 s5; do
	start_server $s || exit 1
done
echo "many.test 1 10.78.1.1 10.78.1.2
one.test 1 10.78.1.3" >"$DIR/zone"
ip netns exec "$SERVER" "$PEER" dns 10.78.1.53 "$DIR/zone" >"$DIR/dns.out" 2>&1 &
PIDS="$PIDS $!"
wait_for 20 "the name server listens" grep -q listening "$DIR/dns.out"

servers() { # weights: "server sN { address; weight }" for each
	_n=0
	for _w; do
		_n=$((_n + 1))
		printf 'server s%d { address = "10.78.1.%d:8080"; weight = %d; } ' $_n $_n "$_w"
	done
}

cat >"$DIR/accd.conf" <<-EOF2
	log { access = "$DIR/accd.log"; }
	worker { memory = 256M; vcpus = ${VCPUS:-1}; }
	wire { interface = eth0; }
	resolver { servers = "10.78.1.53"; min_ttl = 100ms; timeout = 500ms; start_wait = 20s; }
	listener robin { bind = "$VIP:1001"; pool = robin; }
	pool robin { $(servers 1 1 1) }
	listener weights { bind = "$VIP:1002"; pool = weights; }
	pool weights { $(servers 4 1 0 1) }
	listener least { bind = "$VIP:1003"; pool = least; }
	pool least { balance = least_conn; $(servers 1 2 1) }
	listener random { bind = "$VIP:1004"; pool = random; }
	pool random { balance = random; $(servers 1 1 1) }
	listener hash { bind = "$VIP:1005"; pool = hash; }
	pool hash { balance = hash; eject_failures = 1; eject_time = 1h; eject_time_max = 1h; $(servers 1 1 1 1) }
	listener backup { bind = "$VIP:1006"; pool = backup; }
	pool backup { check { interval = 100ms; timeout = 20s; rise = 1; fall = 1; }
		server s4 { address = "10.78.1.4:8080"; } server s1 { address = "10.78.1.1:8080"; backup = yes; } }
	listener limit { bind = "$VIP:1007"; pool = limit; }
	pool limit { queue = 2; queue_timeout = 30s;
		server s1 { address = "10.78.1.1:8080"; max_connections = 2; }
		server s2 { address = "10.78.1.2:8080"; max_connections = 1; } }
	listener wait { bind = "$VIP:1008"; pool = wait; }
	pool wait { queue_timeout = 300ms; server s1 { address = "10.78.1.1:8080"; max_connections = 1; } }
	listener retry { bind = "$VIP:1009"; pool = retry; }
	pool retry { retries = 2; eject_failures = 0;
		server d1 { address = "10.78.1.1:9"; } server d2 { address = "10.78.1.2:9"; } server s3 { address = "10.78.1.3:8080"; } }
	listener noretry { bind = "$VIP:1010"; pool = noretry; }
	pool noretry { retries = 0; eject_failures = 0;
		server d1 { address = "10.78.1.1:9"; } server s3 { address = "10.78.1.3:8080"; } }
	listener flap { bind = "$VIP:1011"; pool = flap; }
	pool flap { check { interval = 100ms; timeout = 20s; rise = 2; fall = 2; expect = "s4\n"; }
		server s4 { address = "10.78.1.4:8080"; } }
	listener wrong { bind = "$VIP:1012"; pool = wrong; }
	pool wrong { check { interval = 100ms; timeout = 200ms; expect = "nobody says this"; }
		server s2 { address = "10.78.1.2:8080"; } }
	listener echo { bind = "$VIP:1013"; pool = echo; }
	pool echo { check { interval = 100ms; timeout = 20s; fall = 1; send = "PING\r\n"; expect = "s2\nPING\r\n"; }
		server s2 { address = "10.78.1.2:8080"; } }
	listener eject { bind = "$VIP:1014"; pool = eject; }
	pool eject { eject_failures = 2; eject_time = 200ms; eject_time_max = 400ms; slow_start = 1h;
		server s1 { address = "10.78.1.1:8080"; weight = 10; } server s5 { address = "10.78.1.5:8080"; weight = 10; } }
	listener many { bind = "$VIP:1015"; pool = many; }
	pool many { server w { address = "many.test:8080"; } }
	listener one { bind = "$VIP:1016"; pool = one; }
	pool one { server w { address = "one.test:8080"; addresses = 2; } }
	listener nowhere { bind = "$VIP:1017"; pool = nowhere; }
	pool nowhere { server w { address = "nowhere.test:8080"; } }
	listener source { bind = "$VIP:1018"; pool = source; }
	pool source { source = "10.78.0.3"; server s1 { address = "10.78.1.1:8080"; } }
	listener range { bind = "$VIP:1019"; pool = range; }
	pool range { source = "10.78.0.3:20000-20003"; server s2 { address = "10.78.1.2:8080"; } }
	listener life { bind = "$VIP:1020"; pool = life; session_timeout = 1s; }
	pool life { server s1 { address = "10.78.1.1:8080"; } }
	listener proxy1 { bind = "$VIP:1021"; pool = proxy1; }
	pool proxy1 { proxy_protocol = v1; check { interval = 100ms; timeout = 20s; fall = 1; } server n { address = "10.78.1.1:8081"; } }
	listener proxy2 { bind = "$VIP:1022"; pool = proxy2; }
	pool proxy2 { proxy_protocol = v2; check { interval = 100ms; timeout = 20s; fall = 1; } server n { address = "10.78.1.1:8081"; } }
EOF2

step "start: accd on stack $STACK"
ip netns exec "$PROXY" "$ACCD" -f "$DIR/accd.conf" --stack "$STACK" 2>"$DIR/accd.err" &
PID_ACCD=$!
PIDS="$PIDS $!"
wait_for 60 "accd is ready" grep -q "accd: ready:" "$DIR/accd.err" || {
	cat "$DIR/accd.err"
	exit 1
}

step "round robin: equal shares, exact"
expect_one "10 each of 30" answers "s1=10 s2=10 s3=10" 1001 30
step "weights 4, 1, 0, 1: shares in proportion, none for 0"
expect_one "40, 10, 0, 10 of 60" answers "s1=40 s2=10 s4=10" 1002 60
step "least connections, weights 1, 2, 1"
hold 1003 20
expect "20 connections stand" held 20
_t=$(let_go)
expect "5, 10, 5 of 20, all alive: $_t" [ "$(echo "$_t" | tr ' ' '\n' | sort | tr '\n' ' ')" = "dead=0 s1=5 s2=10 s3=5 " ]
step "random of two: loads stay together"
hold 1004 60
expect "60 connections stand" held 60
_t=$(let_go)
echo "  $_t"
for s in s1 s2 s3; do
	_n=$(echo "$_t" | tr ' ' '\n' | sed -n "s/^$s=//p")
	expect "$s has about 20: $_n" [ "${_n:-0}" -ge 16 -a "${_n:-0}" -le 24 ]
done

step "hash of the source: a client stays with its server"
for src in 1 2 3 4 5; do
	_t=$(ask 1005 5 --from 10.78.2.$src)
	expect "10.78.2.$src: $_t" [ "$(echo "$_t" | wc -w)" = 1 ]
done
before=$(for src in $(seq 1 50); do echo "$src $(ask 1005 1 --from 10.78.2.$src)"; done)
expect "all four servers have clients" [ "$(echo "$before" | awk '{ print $2 }' | sort -u | wc -l)" = 4 ]
stop_server s3
ask 1005 60 --from 10.78.2.1 --sources 50 >/dev/null
expect "s3 is ejected" said 1 "server hash/s3 .* is EJECTED"
after=$(for src in $(seq 1 50); do echo "$src $(ask 1005 1 --from 10.78.2.$src)"; done)
moved=$({
	echo "$before"
	echo "$after"
} | sort | uniq -u | awk '{ print $1 }' | sort -u | wc -l)
lost=$(echo "$before" | grep -c "s3=1")
echo "  $lost of 50 clients had s3, $moved moved"
expect "nearly only its clients moved" [ "$moved" -ge "$lost" -a "$moved" -le $((lost + 5)) ]
start_server s3

step "backup: only while the primary is down; both down: reset at once"
expect "the primary" answers "s4=5" 1006 5
stop_server s4
expect "s4 goes down" said 1 "server backup/s4 .* is DOWN"
expect "the backup" answers "s1=5" 1006 5
expect "flap/s4 goes down" said 1 "server flap/s4 .* is DOWN"
expect "no server: reset" answers "reset=3" 1011 3
expect "a log line" log_has " flap flap/- .*state=D[CQ] "
start_server s4
expect "s4 comes up" said 1 "server backup/s4 .* is UP"
expect "the primary again" answers "s4=5" 1006 5

step "max_connections 2 and 1, queue 2: of eight three run, two wait, three are reset"
hold 1007 3
expect "three stand" held 3
for i in 1 2 3 4 5; do
	ip netns exec "$CLIENT" "$PEER" ask $VIP 1007 1 >"$DIR/wait$i.out" 2>&1 &
	PIDS="$PIDS $!"
done
count() { [ "$(cat "$DIR"/wait?.out | grep -Ec "$1")" = "$2" ]; }
expect_one "three more are reset" wait_for 20 "three resets" count 'reset=1' 3
expect "a log line" log_has " limit limit/- .*state=PQ "
expect_one "two wait" count . 3
_t=$(let_go)
expect "those who had stood are alive: $_t" [ "${_t%dead=0}" != "$_t" ]
expect_one "the two were served" wait_for 20 "two answers" count '^s[12]=1' 2

step "queue_timeout: reset"
hold 1008 1
expect "one stands" held 1
expect_one "the next is reset" answers "reset=1" 1008 1
expect "a log line" log_has " wait wait/- .*state=TQ "
_t=$(let_go)
expect "the first one lives: $_t" [ "$_t" = "s1=1 dead=0" ]

step "retries on other servers"
expect "all served with two dead servers" answers "s3=9" 1009 9
expect "two retries in the log" log_has " retry retry/s3 .*retries=2 "
expect_one "without retries half are reset" answers "reset=5 s3=5" 1010 10
expect "a log line" log_has " noretry noretry/d1 .*state=SC retries=0 "

step "checks: flapping server, wrong answer, send and expect"
expect "s4 is up again" said 1 "server flap/s4 .* is UP"
expect "served" answers "s4=3" 1011 3
stop_server s4
expect "down again" said 2 "server flap/s4 .* is DOWN"
start_server s4
expect "up again" said 2 "server flap/s4 .* is UP"
expect "served again" answers "s4=3" 1011 3
expect "a wrong answer takes it down" said 1 "server wrong/s2 .* is DOWN"
expect "reset" answers "reset=1" 1012 1
expect "the right answer to what is sent" answers "s2=3" 1013 3
expect "it was never down" sh -c "! grep -q 'server echo/s2 .* is DOWN' '$DIR/accd.err'"

step "ejection after failed connections, again for longer, then slow start"
expect_one "shares before" answers "s1=5 s5=5" 1014 10
stop_server s5
expect "nobody notices" answers "s1=10" 1014 10
expect "s5 is ejected" said 1 "server eject/s5 .* is EJECTED"
expect "it is tried again, slowly" said 1 "server eject/s5 .* is SLOW_START"
for i in 1 2 3; do
	ask 1014 22 >/dev/null
done
expect "and ejected again" said 2 "server eject/s5 .* is EJECTED"
start_server s5
came_back() { grep "server eject/s5 .* is " "$DIR/accd.err" | tail -n 1 | grep -q "is SLOW_START"; } # not ejected a third time
expect "it comes back with a tenth of its weight" wait_for 20 "s5 in SLOW_START" came_back
tally s5 1014 110
expect_one "a tenth of the others' share" [ "$TALLY" -ge 8 -a "$TALLY" -le 12 ]

step "the last server is never ejected"
stop_server s4
expect "down by checks" said 3 "server flap/s4 .* is DOWN"
start_server s4

step "names: all addresses, TTL, failure"
expect_one "both addresses of a name" answers "s1=5 s2=5" 1015 10
expect "one address" answers "s3=4" 1016 4
echo "many.test 1 10.78.1.2 10.78.1.4
one.test 1 10.78.1.5 10.78.1.1 10.78.1.2" >"$DIR/zone"
moved_to() { answers "$@" >/dev/null; }
expect "after the TTL traffic moves" wait_for 20 "new addresses" moved_to "s2=5 s4=5" 1015 10
expect "two of three addresses, as addresses = 2 says" wait_for 20 "new addresses" moved_to "s1=2 s5=2" 1016 4
echo "many.test fail" >"$DIR/zone"
expect "a failure is said" said 1 "server many/w: cannot look up many.test: .*stays"
expect "no such name is said" said 1 "server one/w: cannot look up one.test: .*stays"
expect_one "the old addresses stay" answers "s2=5 s4=5" 1015 10
expect "the old addresses stay" answers "s1=2 s5=2" 1016 4
expect "never resolved: down" answers "reset=2" 1017 2
echo "nowhere.test 1 10.78.1.3" >"$DIR/zone"
expect "resolved later: up" wait_for 20 "nowhere.test" moved_to "s3=2" 1017 2

step "source address, and a range of ports"
ask 1018 3 >/dev/null
expect "s1 saw 10.78.0.3" grep -q "^conn 10.78.0.3 " "$DIR/s1.out"
hold 1019 4
expect "four connections" held 4
_t=$(let_go)
expect "all of the range, each once: $_t" [ "$(sed -n 's/^conn 10.78.0.3 //p' "$DIR/s2.out" | sort -u | tr '\n' ' ')" = "20000 20001 20002 20003 " ]

step "session_timeout"
hold 1020 1
expect "it stands" held 1
expect "and is ended" log_has " life life/s1 .*state=L[DL] "
_t=$(let_go)
expect "reset: $_t" [ "$_t" = "s1=1 dead=1" ]

step "PROXY v1 and v2: nginx knows the client; so do the checks speak"
if command -v nginx >/dev/null && command -v curl >/dev/null; then
	mkdir "$DIR/nginx"
	cat >"$DIR/nginx/conf" <<-EOF2
		daemon off;
		pid $DIR/nginx/pid;
		error_log $DIR/nginx/error.log;
		events { }
		http {
			access_log off;
			client_body_temp_path $DIR/nginx/body; proxy_temp_path $DIR/nginx/proxy; fastcgi_temp_path $DIR/nginx/fcgi;
			uwsgi_temp_path $DIR/nginx/uwsgi; scgi_temp_path $DIR/nginx/scgi;
			server {
				listen 10.78.1.1:8081 proxy_protocol;
				location / { return 200 "\$proxy_protocol_addr \$proxy_protocol_server_addr:\$proxy_protocol_server_port\n"; }
			}
		}
	EOF2
	ip netns exec "$SERVER" nginx -c "$DIR/nginx/conf" 2>"$DIR/nginx/err" &
	PIDS="$PIDS $!"
	NGINX=$!
	for v in 1 2; do
		expect "proxy$v/n comes up" said 1 "server proxy$v/n .* is UP"
		_t=$(ip netns exec "$CLIENT" curl -s --max-time 20 --interface 10.78.2.7 http://$VIP:102$v/)
		expect "nginx says $_t" [ "$_t" = "10.78.2.7 $VIP:102$v" ]
	done
	kill -TERM "$NGINX"
	wait "$NGINX"
else
	echo "  left out: needs nginx and curl (apt-get install nginx-light curl)"
fi

step "stop"
kill -TERM "$PID_ACCD"
wait "$PID_ACCD"
_status=$?
expect "exit status 0: $_status" [ $_status = 0 ]
expect "no complaint but those wanted" sh -c "! grep -Ei 'sanitizer|runtime error|assert' '$DIR/accd.err'"
exit 0
