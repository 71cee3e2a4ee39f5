#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# cc.sh STACK ACCD ACCDCTL TRAFFIC MODULE - congestion controls: listed, loaded, chosen
#
#   clients 10.78.0.1, 10.78.9.1 ──┐                      ┌── servers 10.78.1.2 (s1), 10.78.9.2 (s2)
#                                  ├── bridge (hub) ──────┤
#   proxy   10.78.0.2 ─────────────┘   10.78.0.0/16       └   five namespaces
#
# MODULE is tests/kernel/cc_test built for the kernel of the library. A module comes into workers whose sessions go on; what is
# no module, or another kernel's, is refused with the reason. A listener and a pool choose by the peer's address.
#
# All namespaces and processes are the test's own, named with its process id and removed on every exit.
# Exit status: 0 all passed, 1 a step failed, 77 cannot run here (the reason is printed).
set -u
. "$(dirname "$0")/hub_lib.sh"

usage="usage: cc.sh STACK ACCD ACCDCTL TRAFFIC MODULE"
STACK=${1:?$usage} ACCD=${2:?$usage} ACCDCTL=${3:?$usage} TRAFFIC=${4:?$usage} MODULE=${5:-}

VIP=10.78.0.2
hub_init cc acc jq curl
chmod 755 "$DIR" # accd reads its file again and removes its socket as an ordinary user
chown nobody "$DIR"
SOCK=$DIR/admin.sock

ctl() {
	"$ACCDCTL" -s "$SOCK" "$@"
}

metric() { # series: its value
	ip netns exec "$PROXY" curl -sS -m 10 http://127.0.0.1:9100/metrics | awk -v name="$1" '$1 == name { print $2 }'
}

write_conf() { # keys of listener web, keys of pool one
	cat >"$DIR/accd.conf" <<-EOT
		workers = $WORKERS;
		log { access = "$DIR/access.log"; error = "$DIR/error.log"; format = json; }
		metrics { bind = "9100"; rate = 0; }
		admin { bind = "unix:$SOCK"; mode = "0600"; }
		worker { memory = 128M; }
		wire { type = packet; interface = eth0; mode = own; }
		listener web { bind = "$VIP:80"; pool = one; $1 }
		listener two { bind = "$VIP:81"; pool = two; }
		pool one { server s1 { address = "10.78.1.2:8080"; } $2 }
		pool two { server s2 { address = "10.78.9.2:8080"; } $2 }
	EOT
}

hold() { # namespace port id: a session that stays open, its process in HELD
	ip netns exec "$1" "$TRAFFIC" client $VIP "$2" --up 1 --down 40M --pause --id "$3" >"$DIR/hold-$3.out" 2>&1 &
	HELD=$!
	PIDS="$PIDS $HELD"
	wait_for 20 "session $3 stalls" grep -q "stalled id=$3 " "$DIR/s1.out" "$DIR/s2.out" || exit 1
}

let_go() { # process...: they take the rest, every byte of it
	kill -USR1 "$@"
	for _pid; do
		wait "$_pid" || return 1
	done
}

step "topology and actors"
attach "$CLIENT" 10.78.0.1/16 || skip "cannot make a veth pair here"
attach "$CLIENT2" 10.78.9.1/16 || exit 1
attach "$PROXY" $VIP/16 || exit 1
attach "$SERVER" 10.78.1.2/16 10.78.9.2/16 || exit 1
ip netns exec "$SERVER" "$TRAFFIC" server 10.78.1.2 8080 s1 >"$DIR/s1.out" 2>&1 &
PIDS="$PIDS $!"
ip netns exec "$SERVER" "$TRAFFIC" server 10.78.9.2 8080 s2 >"$DIR/s2.out" 2>&1 &
PIDS="$PIDS $!"
for s in s1 s2; do
	wait_for 20 "$s listens" grep -q listening "$DIR/$s.out" || exit 1
done
WORKERS=2
write_conf "" ""
: >"$DIR/error.log"
ip netns exec "$PROXY" "$ACCD" -f "$DIR/accd.conf" --stack "$STACK" 2>"$DIR/accd.err" &
PID_ACCD=$!
PIDS="$PIDS $!"
wait_for 30 "accd is ready" grep -q "accd\[.*: ready:" "$DIR/error.log" || exit 1

step "cc list"
expect "one is the default" json 'map(select(.state == "default")) | length == 1' ctl -j cc list
expect "as text" says 0 "^reno +(usable|default)" ctl cc list
expect "nothing behind it" says 2 "takes nothing more" ctl cc list x
if [ "$STACK" = lkl ]; then
	expect "ours, with what can be set" json 'map(select(.name == "acc_bbr"))[0] | .state == "usable" and (.parameters | test("loss_permille=1-500"))' ctl -j cc list
	expect "not what can only be read" json 'all(.parameters | test("min_rtt_us") | not)' ctl -j cc list
	expect "the kernel's have none" json 'map(select(.name == "cubic"))[0].parameters == ""' ctl -j cc list
fi

if [ "$STACK" = host ]; then
	step "cc load: not on the host's stack"
	expect "refused, with what to do" says 1 "host's kernel.*modprobe" ctl cc load /etc/passwd
elif [ ! -f "$MODULE" ]; then
	step "cc load"
	expect "a module to load" [ -f "$MODULE" ]
else
	step "cc load: what is no module for this kernel"
	cp "$MODULE" "$DIR/testcc.ko"
	name=$DIR/bad.ko
	expect "no file" says 2 "expected one file" ctl cc load
	expect "two files" says 2 "expected one file" ctl cc load /a /b
	expect "not there" says 1 "/nonexistent.ko: No such file" ctl cc load /nonexistent.ko
	expect "not there, by accdctl" says 1 "nonexistent.ko: No such file" ctl cc load nonexistent.ko
	expect "a folder" says 1 "not a file" ctl cc load "$DIR"
	mkfifo "$DIR/fifo"
	expect "a FIFO, which nobody waits for" says 1 "not a file" ctl cc load "$DIR/fifo"
	: >"$name"
	expect "empty" says 1 "empty" ctl cc load "$name"
	expect "text" says 1 "not a kernel module; expected a .ko" ctl cc load "$DIR/accd.conf"
	expect "a program" says 1 "not a kernel module" ctl cc load "$ACCDCTL"
	truncate -s 9M "$name"
	expect "too large" says 1 "expected at most" ctl cc load "$name"
	for bytes in 1 64 1000 4096; do
		head -c $bytes "$DIR/testcc.ko" >"$name"
		expect "cut to $bytes bytes" says 1 "not a kernel module" ctl cc load "$name"
	done
	(umask 077 && cp "$DIR/testcc.ko" "$name.0")
	expect "not for accd to read" says 1 "Permission denied; accd reads it as" ctl cc load "$name.0"
	LC_ALL=C sed 's/vermagic=[0-9]/vermagic=9/' "$DIR/testcc.ko" >"$name"
	expect "another kernel's" says 1 "built for kernel 9[^ ]*; expected one for [0-9]" ctl cc load "$name"
	LC_ALL=C sed 's/ lkl-/ lkl_/' "$DIR/testcc.ko" >"$name"
	expect "another configuration's" says 1 "worker [01]: .*version magic" ctl cc load "$name"
	# Everywhere: with debugging information the name stands there, too, before the table of symbols.
	LC_ALL=C sed 's/tcp_register_congestion_control/tcp_register_congestion_contrlo/g' "$DIR/testcc.ko" >"$name"
	expect "a symbol that is not there" says 1 "worker [01]: .*tcp_register_congestion_contrlo" ctl cc load "$name"
	expect "nothing has come of it" json 'all(.name != "testcc")' ctl -j cc list

	step "cc load: into workers whose sessions go on"
	held=
	for i in 1 2 3 4; do
		hold "$CLIENT" 80 $i
		held="$held $HELD"
	done
	ctl -j show sessions | jq -r '.[].id' | sort >"$DIR/before"
	expect "loaded" json '.module == "testcc" and .congestion_control == "testcc"' ctl -j cc load "$DIR/testcc.ko"
	expect "listed" json 'map(select(.name == "testcc"))[0].state == "usable"' ctl -j cc list
	expect "again: it is there" says 1 "is there already" ctl cc load "$DIR/testcc.ko"
	cp "$DIR/testcc.ko" "$DIR/other.ko"
	expect "by another name, too" says 1 "is there already" ctl cc load "$DIR/other.ko"
	ctl -j show sessions | jq -r '.[].id' | sort >"$DIR/after"
	expect "the same sessions" cmp "$DIR/before" "$DIR/after"
	while read -r id; do
		expect "session $id takes it" json '.workers == 1' ctl -j set session "$id" congestion-control testcc
	done <"$DIR/before"
	expect "all have it" json 'length == 4 and all(.tcp_down.cc == "testcc" and .tcp_up.cc == "testcc")' ctl -j show sessions
	# shellcheck disable=SC2086
	expect "and deliver every byte" let_go $held

	step "a worker that dies: the next one has the module"
	for w in 0 1; do
		pid=$(ctl -j show info | jq -r ".workers[] | select(.worker == $w) | .pid")
		kill -KILL "$pid"
		expect "worker $w is replaced" wait_for 30 "another process" sh -c "\"$ACCDCTL\" -j -s $SOCK show info |
			jq -e '.workers[] | select(.worker == $w) | .pid != $pid and .state == \"running\"'"
	done
	expect "listed" json 'any(.name == "testcc")' ctl -j cc list
fi

step "by the peer's prefix: a reload gives it to connections that begin afterwards"
standard=$(ctl -j cc list | jq -r '.[] | select(.state == "default") | .name')
other=$(ctl -j cc list | jq -r 'map(select(.state == "usable"))[0].name') # the host's stack may allow few
special=$standard
[ "$STACK" = host ] || special=testcc # which was loaded
connections() { # cc side: how many are open
	echo "accd_cc_connections{cc=\"$1\",side=\"$2\"}"
}
write_conf "congestion_control_for { 10.78.0.0/16 = $other; 10.78.9.0/24 = $special; 10.78.9.9 = $other; }" \
	"congestion_control_for { 10.78.9.0/24 = $other; }"
expect "reload" says 0 "" ctl reload
hold "$CLIENT" 80 11
held=$HELD
hold "$CLIENT2" 80 12
held="$held $HELD"
hold "$CLIENT2" 81 13
held="$held $HELD"
session() { # listener client: what is open
	ctl -j show sessions "listener=$1" "client=$2"
}
expect "in 10.78.0.0/16" json '.[0].tcp_down.cc == "'"$other"'" and .[0].tcp_up.cc == "'"$standard"'"' session web 10.78.0.1
expect "the longer prefix" json '.[0].tcp_down.cc == "'"$special"'"' session web 10.78.9.1
expect "a listener without; a server in 10.78.9.0/24" json '.[0].tcp_down.cc == "'"$standard"'" and .[0].tcp_up.cc == "'"$other"'"' session two 10.78.9.1
expect "counted" becomes 1 "$(connections "$other" client)"
expect "the server's" becomes 1 "$(connections "$other" server)"
expect "by name" [ "$(metric "$(connections "$special" client)")" -ge 1 ]
expect "show stat" json 'map(select(.kind == "cc" and .name == "'"$other"'/server"))[0].connections == 1' ctl -j show stat
id=$(session web 10.78.0.1 | jq -r '.[0].id')
expect "changed for one session" json '.workers == 1' ctl -j set session "$id" congestion-control "$standard"
expect "it counts there now" becomes 0 "$(connections "$other" client)"
if [ "$STACK" = lkl ]; then
	expect "with a parameter" says 0 "workers: 1" ctl set session "$id" congestion-control acc_bbr loss_permille=50
	expect "out of range" says 1 "parameter loss_permille: out of range" ctl set session "$id" congestion-control acc_bbr loss_permille=0
	expect "no such one" says 1 "parameter nothing: it has no such one" ctl set session "$id" congestion-control acc_bbr nothing=1
fi
expect "one without parameters" says 1 "parameter x: it has none" ctl set session "$id" congestion-control "$other" x=1
expect "and back" says 0 "workers: 1" ctl set session "$id" congestion-control "$standard"
lines=$(wc -l <"$DIR/access.log")
# shellcheck disable=SC2086
expect "every byte arrives" let_go $held
expect "none is open" becomes 0 "$(connections "$other" server)"
expect "their round trips were measured" [ "$(metric "accd_cc_srtt_seconds_count{cc=\"$other\",side=\"server\"}")" = 1 ]
expect "the log has them" wait_for 20 "3 lines" sh -c "[ \$(wc -l <$DIR/access.log) -ge $((lines + 3)) ]"
expect "by name, too" json 'map(.tcp_down.cc) | index("'"$special"'") != null' jq -s . "$DIR/access.log"

if [ "$STACK" = lkl ]; then
	step "acc_probe: the window of one connection for the next one to its prefix"
	write_conf "congestion_control_for { 10.78.0.0/16 = acc_probe; }" ""
	expect "reload" says 0 "" ctl reload
	sum() { # metric of all workers
		ip netns exec "$PROXY" curl -s http://127.0.0.1:9100/metrics | awk -v name="accd_worker_$1{" 'index($1, name) == 1 { n += $2 } END { print n + 0 }'
	}
	for i in 1 2 3 4 5 6 7 8; do # until both workers have had one; which worker is by the client's port
		ip netns exec "$CLIENT" "$TRAFFIC" client $VIP 80 --up 1 --down 20M --id 2$i >/dev/null || exit 1
	done
	expect "saved" wait_for 20 "a window" [ "$(sum resume_saved_total)" -gt 0 ]
	expect "given to the next one" [ "$(sum resume_used_total)" -gt 0 ]
	expect "one prefix a worker" [ "$(sum resume_paths)" -le 2 ]
fi

step "names that the stack does not have: a reload is refused"
write_conf "congestion_control_for { 10.0.0.0/8 = nosuch; }" ""
expect "of a listener" says 1 'listener.web.congestion_control_for: "nosuch": refused by the stack .*: No such file' ctl reload
write_conf "" "congestion_control_for { 10.0.0.0/8 = nosuch; }"
expect "of a pool" says 1 'pool.one.congestion_control_for: "nosuch": refused by the stack' ctl reload
write_conf "" "congestion_control = nosuch;"
expect "of all connections of a pool" says 1 'pool.one.congestion_control: "nosuch": refused by the stack' ctl reload
write_conf "" ""
expect "and a good one is taken again" says 0 "" ctl reload

step "the end"
kill -TERM "$PID_ACCD"
expect "exit status 0" wait "$PID_ACCD"

if [ "$STACK" = lkl ] && [ -f "$MODULE" ]; then
	step "a module at the start, which a listener and a pool name"
	WORKERS=1
	write_conf "congestion_control = testcc;" "congestion_control = testcc;"
	sed -i "s|^worker {|worker { modules = \"$DIR/testcc.ko\";|" "$DIR/accd.conf"
	: >"$DIR/error.log"
	ip netns exec "$PROXY" "$ACCD" -f "$DIR/accd.conf" --stack "$STACK" 2>>"$DIR/accd.err" &
	PID_ACCD=$!
	PIDS="$PIDS $!"
	expect "it starts" wait_for 30 "ready" grep -q "accd\[.*: ready:" "$DIR/error.log"
	hold "$CLIENT" 80 31
	expect "both connections have it" json '.[0].tcp_down.cc == "testcc" and .[0].tcp_up.cc == "testcc"' ctl -j show sessions
	kill -INT "$PID_ACCD"
	expect "exit status 0" wait "$PID_ACCD"
	sed -i "s|testcc.ko|accd.conf|" "$DIR/accd.conf"
	: >"$DIR/error.log"
	ip netns exec "$PROXY" "$ACCD" -f "$DIR/accd.conf" --stack "$STACK" >>"$DIR/accd.err" 2>&1
	expect "no module: no start" [ $? != 0 ]
	expect "and why" grep -q "worker.modules: .*accd.conf: not a kernel module" "$DIR/accd.err" "$DIR/error.log"
fi
exit 0
