#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# privilege - what accd's processes may do while they serve, as the host's kernel tells it
#
# usage: privilege.sh STACK ACCD
#
# Looks at every thread of supervisor, keeper and workers in /proc; then a worker dies of SIGSYS, as it does of a forbidden
# system call (tests/unit/test_privilege.c makes some), and only that one is replaced.

set -uo pipefail
[ $# = 2 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
STACK=$1
ACCD=$2
TOOLS="nginx curl"
# shellcheck source=tests/net/testbed_lib.sh
. "$(dirname "$0")/testbed_lib.sh"
trap test_finish EXIT
tb_init
tb_up && tb_server_up || tb_fail "cannot start"
cat >"$tb_dir/accd.conf" <<-EOT
	stack = $STACK;
	user = nobody;
	log { access = "$tb_dir/access.log"; }
	worker { memory = 128M; }
	wire { type = packet; interface = eth0; mode = own; }
	listener web { bind = "$tb_proxy_ip:8080"; pool = web; }
	pool web { server nginx { address = "$tb_server_ip:80"; } }
EOT
chmod 755 "$tb_dir"
chmod 644 "$tb_dir/accd.conf"
tb_start proxy proxy "0-$(($(nproc) - 1))" "$ACCD" -f "$tb_dir/accd.conf"
log=$tb_dir/proxy.log
tb_wait_for proxy 30 grep -q "accd: ready:" "$log" || exit 1
pid=$(sed -n 's/.*accd: ready: .* pid=\([0-9]*\) .*/\1/p' "$log")
worker=$(sed -n 's/.*accd: ready: .* worker=\([0-9]*\).*/\1/p' "$log")
nobody=$(id -u nobody)

field() { # field PID NAME: its values in all threads, each once
	sed -n "s/^$2:[[:space:]]*//p" /proc/"$1"/task/*/status | sort -u
}

check() { # check WHO PID UID CAPS SECCOMP
	expect "$1: uid $3 in all threads" [ "$(field "$2" Uid | tr -s '\t ' ' ')" = "$3 $3 $3 $3" ]
	expect "$1: no_new_privs" [ "$(field "$2" NoNewPrivs)" = 1 ]
	expect "$1: seccomp $5" [ "$(field "$2" Seccomp)" = "$5" ]
	expect "$1: capabilities $4" [ "$(sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$2/status")" = "$4" ]
	expect "$1: bounded by no more" [ "$(sed -n 's/^CapPrm:[[:space:]]*//p' "/proc/$2/status")" = "$4" ]
}

none=0000000000000000
check supervisor "$pid" "$nobody" 0000000000040400 2 # NET_BIND_SERVICE, SYS_CHROOT
check worker "$worker" "$nobody" $none 2
expect "worker: no capability in any thread" [ "$(field "$worker" CapEff)" = $none ]
root=$(readlink "/proc/$worker/root")
expect "worker: its root is a directory that is gone ($root)" [ "${root%" (deleted)"}" != "$root" ]
expect "worker: no core file" grep -q '^Max core file size *0 *0 ' "/proc/$worker/limits"
if [ "$STACK" = lkl ]; then
	keeper=$(pgrep -P "$pid" -x accd-keeper)
	check keeper "$keeper" 0 0000008000003002 0 # NET_ADMIN, NET_RAW, BPF, DAC_OVERRIDE
fi

fetch() {
	tb_exec client curl -sf -m 20 -o /dev/null "$tb_url/small"
}
expect "a request passes" fetch
kill -SYS "$worker"
tb_wait_for proxy 20 grep -q "worker 0 (process $worker) died: signal 31" "$log"
expect "SIGSYS is said, with its number" grep -q 'crash: process .*forbidden system call' "$log"
tb_wait_for proxy 20 fetch
expect "a request passes again" fetch
worker=$(pgrep -P "$pid" -x accd)
check "the next worker" "$worker" "$nobody" $none 2
[ $failed = 0 ] || cat "$log"
exit $((failed > 0))
