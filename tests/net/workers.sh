#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# workers - the process model end to end: several workers, reload, restart, change of their number, drain
#
#   client (wrk, curl) --- bridge --- proxy (accd) --- bridge --- server (nginx)
#
# usage: workers.sh STACK ACCD     RELOADS=100: so many reloads under load (default 10)
#
# Every step holds for both stacks. A request that fails where none may is an error that wrk counts.

set -uo pipefail
[ $# = 2 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
STACK=$1
ACCD=$2
RELOADS=${RELOADS:-10}
KILLS=${KILLS:-5}
many=4
VCPUS=${VCPUS:-1}
TOOLS="nginx curl wrk"
# shellcheck source=tests/net/testbed_lib.sh
. "$(dirname "$0")/testbed_lib.sh"

finish() {
	status=$?
	[ "$failed" = 0 ] || status=1
	if [ "$status" != 0 ]; then
		echo "---- what accd said"
		tail -n 60 "$tb_dir/proxy.log"
	fi
	echo "workers.sh $STACK: $passed passed, $failed failed"
	test_finish $status
}
trap finish EXIT

log=
said() { # said SECONDS PATTERN: in accd's messages
	wait_for "$1" grep -Eq -- "$2" "$log"
}

said_times() { # said_times SECONDS N PATTERN
	wait_for "$1" bash -c "[ \$(grep -Ec -- '$3' '$log') -ge $2 ]"
}

config() { # config WORKERS [LINE...]
	local workers=$1
	shift
	{
		cat <<-EOT
			stack = $STACK;
			workers = $workers;
			workers_max = $((many + 1));
			cpus = all;
			log { access = "$tb_dir/access.log"; }
			worker { memory = 128M; drain_timeout = 10s; max_sessions = 4000; vcpus = $VCPUS; }
			wire { type = packet; interface = eth0; mode = own; }
			listener web { bind = "$tb_proxy_ip:8080"; pool = web; }
			pool web { server nginx { address = "$tb_server_ip:80"; } }
		EOT
		printf '%s\n' "$@"
	} >"$tb_dir/accd.conf.new"
	chmod 644 "$tb_dir/accd.conf.new"
	mv "$tb_dir/accd.conf.new" "$tb_dir/accd.conf"
}

accd_pid() {
	sed -n 's/.*accd: ready: .* pid=\([0-9]*\) .*/\1/p' "$log" | tail -n 1
}

worker_pids() {
	pgrep -P "$(accd_pid)" -x accd || true
}

n_workers() {
	worker_pids | wc -l
}

reload() { # reload: and wait for its end
	local before
	before=$(grep -Ec 'accd: reload: (done|refused)' "$log")
	kill -HUP "$(accd_pid)"
	wait_for 30 bash -c "[ \$(grep -Ec 'accd: reload: (done|refused)' '$log') -gt $before ]"
}

fetch() { # fetch [PORT]
	tb_exec client curl -sf -m 20 -o /dev/null "http://$tb_proxy_ip:${1:-8080}/small"
}

load() { # load SECONDS CONNECTIONS: wrk in the background
	tb_start wrk client "$tb_client_core" wrk -t 1 -c "$2" -d "$1" --timeout 30 --latency "$tb_url/small"
	wait_for 20 tb_exec client ss -Htn state established dst $tb_proxy_ip
}

load_end() {
	wait "${tb_pids[wrk]}"
	unset 'tb_pids[wrk]'
	grep -E 'requests in|Socket errors|Non-2xx' "$tb_dir/wrk.log"
}

load_is_clean() {
	! grep -Eq 'Socket errors|Non-2xx' "$tb_dir/wrk.log" && grep -Eq '[1-9][0-9]* requests in' "$tb_dir/wrk.log"
}

start() {
	tb_start proxy proxy "$tb_core_list" "$ACCD" -f "$tb_dir/accd.conf"
	log=$tb_dir/proxy.log
	tb_wait_for proxy 30 grep -q "accd: ready:" "$log" || exit 1
	grep "accd: ready:" "$log"
}

tb_init
chmod 755 "$tb_dir"
tb_core_list=0-$(($(nproc) - 1))
tb_up && tb_server_up || tb_fail "cannot start"

echo "== start with $many workers"
config $many
start
expect "$many processes" [ "$(n_workers)" = $many ]
pinned() { # of each worker, in order: the CPUs that threads of its loops are pinned to
	local pid
	for pid in $(sed -n 's/.*accd: ready: .* worker=\([0-9,]*\) .*/\1/p' "$log" | tr , ' '); do
		awk '$1 == "Name:" { name = $2 }
			$1 == "Cpus_allowed_list:" && name ~ /^(lkl-|accd-loop)/ && $2 ~ /^[0-9]+$/ { print $2 }' \
			/proc/"$pid"/task/*/status | sort -nu | paste -sd+
	done | paste -sd,
}
to_be_pinned() {
	local i k
	for ((i = 0; i < many; i++)); do
		for ((k = i * VCPUS; k < (i + 1) * VCPUS; k++)); do
			echo "${allowed[k % ${#allowed[@]}]}"
		done | sort -nu | paste -sd+
	done | paste -sd,
}
mapfile -t allowed < <(tb_cores | tr ' ' '\n')
expect "each is pinned to the next CPUs" [ "$(pinned)" = "$(to_be_pinned)" ]
expect "a request passes" fetch

echo "== $RELOADS reloads under load, 256 connections"
config $many
load $((3 + RELOADS / 20)) 256
for ((i = 0; i < RELOADS; i++)); do
	reload
done
load_end
expect "no request failed" load_is_clean
expect "$RELOADS reloads were done" said_times 20 "$RELOADS" 'reload: done'

echo "== new connections all the time during reloads"
for ((i = 0; i < 40; i++)); do
	fetch || echo "request $i failed"
	((i % 4)) || kill -HUP "$(accd_pid)"
done >"$tb_dir/fetches"
expect "none failed" [ ! -s "$tb_dir/fetches" ]

echo "== a bad file is refused, the old one stays"
echo 'listener web { bind = "nonsense"; }' >"$tb_dir/accd.conf"
reload
expect "its mistakes are said" said 20 'accd.conf:1: listener.web.bind'
expect "refused" said 20 'reload: refused'
expect "a request passes" fetch
config $many 'listener taken { bind = "127.0.0.1:99999"; pool = web; }'
reload
expect "a port out of range is said" said 20 'listener.taken.bind'
config $many
sed -i 's/128M/256M/' "$tb_dir/accd.conf"
reload
expect "a key that cannot change is named" said 20 'worker.memory: cannot change'
expect "a request passes" fetch

echo "== an address that cannot be bound refuses the reload everywhere"
config $many 'listener more { bind = "192.0.2.77:8082"; pool = web; }' "listener fine { bind = \"$tb_proxy_ip:8083\"; pool = web; }"
reload
expect "the address is named" said 20 'listener.more.bind: bind 192.0.2.77:8082'
expect "the other new one is not there" bash -c "! tb_proxy_port=8083; ! $(declare -f fetch tb_exec); tb_id=$tb_id; tb_proxy_ip=$tb_proxy_ip; ! fetch 8083"
expect "a request passes" fetch

echo "== a listener comes and goes; sessions of the old one go on"
config $many "listener more { bind = \"$tb_proxy_ip:8082\"; pool = web; }"
reload
expect "the new one serves" fetch 8082
tb_start slow client "$tb_client_core" curl -sf -m 60 --limit-rate 2M -o "$tb_dir/slow.out" "http://$tb_proxy_ip:8082/big"
wait_for 20 test -s "$tb_dir/slow.out"
config $many
reload
expect "it is gone" bash -c "$(declare -f fetch tb_exec); tb_id=$tb_id; tb_proxy_ip=$tb_proxy_ip; ! fetch 8082"
expect "the other one serves" fetch
wait "${tb_pids[slow]}"
unset 'tb_pids[slow]'
expect "its session got every byte" [ "$(stat -c %s "$tb_dir/slow.out")" = "$tb_big_bytes" ]

echo "== more addresses than requests can be under way"
config $many "listener range { bind = \"$tb_proxy_ip:9000-9199\"; pool = web; }"
reload
expect "the reload was done" bash -c "grep -E 'accd: reload: (done|refused)' '$log' | tail -n 1 | grep -q done"
expect "the last one serves" fetch 9199
config $many
reload

echo "== kill -9 of a worker, $KILLS times: the next one is there"
for ((i = 1; i <= KILLS; i++)); do
	victim=$(worker_pids | sed -n "$((i % many + 1))p")
	kill -KILL "$victim"
	expect "worker $victim is replaced" said 20 "process $victim\) died: signal 9"
	said_times 20 "$i" 'is ready, [0-9]+ ms after' || expect "the next one is ready" false
	fetch || expect "a request passes" false
done
grep -Eo 'is ready, [0-9]+ ms after' "$log" | tr '\n' ';'
echo
expect "$many processes" [ "$(n_workers)" = $many ]

echo "== more and fewer workers under load"
load 5 64
for n in 2 $((many + 1)) 1 4; do
	config $n
	# a place is taken again only when the one that retires has gone
	for ((try = 0; try < 100; try++)); do
		reload
		grep -E 'accd: reload: (done|refused)' "$log" | tail -n 1 | grep -q done && break
		sleep 0.1
	done
	echo "workers = $n: $(n_workers) processes"
done
load_end
expect "no request failed" load_is_clean
wait_for 60 bash -c "[ \$(pgrep -c -x -P $(accd_pid) accd) = 4 ]"
expect "4 processes in the end" [ "$(n_workers)" = 4 ]

echo "== a worker that hits a bug is replaced, and says where"
victim=$(worker_pids | head -n 1)
kill -ABRT "$victim" # by hand; a fault of its own takes the same way
expect "it is named" said 20 "process $victim\) died: signal 6"
expect "its back trace is said" said 20 "crash:"
expect "a request passes" wait_for 20 fetch

echo "== TERM drains"
tb_start slow client "$tb_client_core" curl -sf -m 60 --limit-rate 4M -o "$tb_dir/slow.out" "$tb_url/big"
wait_for 20 test -s "$tb_dir/slow.out"
kill -TERM "$(accd_pid)"
expect "it says so" said 20 "draining"
wait "${tb_pids[slow]}"
unset 'tb_pids[slow]'
expect "the session got every byte" [ "$(stat -c %s "$tb_dir/slow.out")" = "$tb_big_bytes" ]
wait "${tb_pids[proxy]}"
status=$?
unset 'tb_pids[proxy]'
expect "exit status 0" [ $status = 0 ]
grep 'accd: exit:' "$log" | tail -n $many | cut -c1-100
exit 0
