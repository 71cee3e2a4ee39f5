#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# worker_death.sh - SIGKILL for one worker of four, under load, again and again: the others' sessions lose nothing
#
#   client (worker_death watch) --- bridge --- proxy (accd, 4 workers) --- bridge --- server (worker_death serve)
#
# usage: worker_death.sh STACK ACCD WORKER_DEATH [KILLS]     KILLS: 5; VCPUS=2: so many for each worker
#
# After each kill exactly the sessions of that worker must end, by RST, and every connection that is begun from that instant on
# must be answered. How long that took is printed, as median and maximum, and judged by nobody: a loaded machine is slow.

set -uo pipefail
[ $# -ge 3 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
STACK=$1
ACCD=$2
DEATH=$(realpath "$3")
KILLS=${4:-5}
STANDING=${STANDING:-64}
VCPUS=${VCPUS:-1}
WORKERS=4
TOOLS=curl
# shellcheck source=tests/net/testbed_lib.sh
. "$(dirname "$0")/testbed_lib.sh"

finish() {
	status=$?
	if [ $status != 0 ]; then
		echo "---- what accd said"
		tail -n 60 "$tb_dir/proxy.log"
		echo "---- what the client said"
		tail -n 20 "$tb_dir/watch"
		echo "worker_death.sh $STACK: FAILED"
	fi
	test_finish $status
}
trap finish EXIT

metric() { # metric NAME: its value for each worker, in order
	curl -sf -m 5 --unix-socket "$tb_dir/metrics.sock" http://accd/metrics |
		sed -n "s/^$1{worker=\"\([0-9]*\)\"} /\1 /p" | sort -n | cut -d' ' -f2
}

# All workers serve, and the sessions are those that stand
is_calm() {
	[ "$(grep -Ec 'worker [0-9]+ \(process [0-9]+\) died' "$tb_dir/proxy.log")" = \
		"$(grep -Ec 'is ready, [0-9]+ ms after' "$tb_dir/proxy.log")" ] &&
		[ "$(metric accd_worker_sessions | awk '{ sum += $1 } END { print sum + 0 }')" = "$STANDING" ]
}

worker_pid() { # worker_pid INDEX: as accd said last
	sed -n -e "s/.*accd: worker $1 (process \([0-9]*\)) is ready.*/\1/p" "$tb_dir/proxy.log" | tail -n 1 | grep . ||
		sed -n 's/.*accd: ready: .* worker=\([0-9,]*\) .*/\1/p' "$tb_dir/proxy.log" | cut -d, -f$(($1 + 1))
}

has_lines() { # has_lines N PATTERN
	[ "$(grep -c "$2" "$tb_dir/watch")" -ge "$1" ]
}

tb_init
chmod 755 "$tb_dir"
tb_up || tb_fail "cannot start"
cat >"$tb_dir/accd.conf" <<-EOT
	stack = $STACK;
	workers = $WORKERS;
	log { access = "off"; }
	worker { memory = 128M; max_sessions = 4000; vcpus = $VCPUS; }
	wire { type = packet; interface = eth0; mode = own; }
	metrics { bind = "unix:$tb_dir/metrics.sock"; rate = 0; }
	listener echo { bind = "$tb_proxy_ip:8080"; pool = echo; }
	pool echo { server s { address = "$tb_server_ip:80"; } }
EOT
cores=$(tb_cores | tr ' ' ,)
tb_start serve server "$cores" "$DEATH" serve $tb_server_ip 80
tb_start proxy proxy "$cores" "$ACCD" -f "$tb_dir/accd.conf"
tb_wait_for proxy 30 grep -q "accd: ready:" "$tb_dir/proxy.log" || exit 1

mkfifo "$tb_dir/kills"
tb_exec client "$DEATH" watch $tb_proxy_ip 8080 "$STANDING" <"$tb_dir/kills" >"$tb_dir/watch" &
watch=$!
exec 3>"$tb_dir/kills"
for ((k = 0; k < KILLS; k++)); do
	wait_for 60 has_lines $((k + 1)) standing || exit 1
	wait_for 60 is_calm || { echo "sessions by worker:" "$(metric accd_worker_sessions)" && exit 1; }
	mapfile -t sessions < <(metric accd_worker_sessions)
	victim=$((k % WORKERS))
	lost=0
	for ((v = victim * VCPUS; v < (victim + 1) * VCPUS; v++)); do lost=$((lost + sessions[v])); done
	echo "$(worker_pid $victim) $lost" >&3
	wait_for 60 has_lines $((k + 1)) '^kill' || exit 1
done
wait_for 60 has_lines $((KILLS + 1)) standing || exit 1
exec 3>&-
wait $watch || exit 1
[ "$(grep -Ec 'died: signal 9' "$tb_dir/proxy.log")" = "$KILLS" ] || exit 1

grep '^kill' "$tb_dir/watch"
stats() { # stats NAME: of numbers on standard input
	sort -n | awk -v name="$1" '{ v[NR] = $1 } END { printf "%s: median %s ms, maximum %s ms\n", name, v[int((NR + 1) / 2)], v[NR] }'
}
sed -n 's/.* max_ms=\([0-9.]*\) .*/\1/p' "$tb_dir/watch" | stats "the slowest new connection after a kill"
sed -n 's/.*is ready, \([0-9]*\) ms after.*/\1/p' "$tb_dir/proxy.log" | stats "the next worker is ready"
echo "worker_death.sh $STACK: $KILLS kills, the others' sessions lost nothing"
exit 0
