# SPDX-License-Identifier: GPL-2.0-only
# wire_lib.sh - sourced by the wire_*.sh tests: namespaces that disappear on every exit, background programs, waiting for
# conditions. A test gets the wire_echo program as its first argument.
set -eu
. "$(dirname "$0")/netns_lib.sh"

ECHO=${1:?usage: $0 WIRE_ECHO}
TMP=$(mktemp -d)
NETNS=
PIDS=

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; has_said=1; exit 1; }

cleanup() {
	rc=$?
	trap - EXIT
	[ $rc = 0 ] || [ $rc = 77 ] || [ -n "${has_said:-}" ] || echo "FAILED: a command after what is printed last ended with $rc (set -e)" >&2
	for pid in $PIDS; do kill "$pid" 2>/dev/null || true; done
	for pid in $PIDS; do wait "$pid" 2>/dev/null || true; done
	netns_del $NETNS
	! kernel_died "$TMP" >&2 || rc=1
	rm -rf "$TMP"
	exit $rc
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP PIPE

[ "$(id -u)" = 0 ] || skip "needs root for network namespaces"
command -v ip >/dev/null || skip "needs iproute2"

# ns NAME...: make namespaces NAME-$$; $NAME holds the full name afterwards.
ns() {
	for name in "$@"; do
		ip netns add "$name-$$" 2>/dev/null || skip "cannot make network namespaces here"
		NETNS="$NETNS $name-$$"
		eval "$name=$name-$$"
		ip -n "$name-$$" link set lo up
	done
}

# pair NS1 IF1 NS2 IF2: a veth pair, both ends up.
pair() {
	ip -n "$1" link add "$2" type veth peer name "$4" netns "$3"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
}

# in_ns NS COMMAND...
in_ns() { n=$1; shift; ip netns exec "$n" "$@"; }

# background NAME NS COMMAND...: its output goes to $TMP/NAME; pid in $NAME_pid. Waits for the line "ready".
background() {
	name=$1; n=$2; shift 2
	: >"$TMP/$name" # what one of that name said before is not its word
	ip netns exec "$n" "$@" >"$TMP/$name" 2>"$TMP/$name.err" &
	eval "${name}_pid=$!"
	PIDS="$PIDS $!"
	wait_for 20 grep -q ready "$TMP/$name" || { cat "$TMP/$name.err" >&2; fail "$name did not start"; }
}

# stop NAME: SIGTERM, wait, show what it said.
stop() {
	eval "pid=\$${1}_pid"
	kill "$pid" 2>/dev/null || true
	wait "$pid" || { cat "$TMP/$1.err" >&2; fail "$1 exited with $?"; }
	[ ! -s "$TMP/$1.err" ] || { cat "$TMP/$1.err" >&2; fail "$1 complained"; }
	cat "$TMP/$1"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	end=$(($(date +%s) + $1)); shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -le "$end" ] || return 1
		sleep 0.02
	done
}

# settle [NS...]: until no IPv6 address there, or in any namespace of the test, waits for duplicate address detection
settle() { wait_for 20 is_settled "${@:-$NETNS}" || fail "addresses stay tentative"; }
is_settled() {
	for _ns in $*; do
		! ip -n "$_ns" -6 addr show | grep -q tentative || return 1
	done
}

# host_counter NS PROTOCOL NAME: of the namespace's /proc/net/snmp, e.g. Tcp OutRsts
host_counter() {
	in_ns "$1" awk -v line="$2:" -v name="$3" '$1 == line {
		if (!n++) { for (i = 2; i <= NF; i++) if ($i == name) at = i } else print $at }' /proc/net/snmp
}

mac_of() { ip netns exec "$1" cat "/sys/class/net/$2/address"; }

# counter FILE LINE NAME: value of NAME in the LINE-th line of counters.
counter() { grep rx_frames "$TMP/$1" | sed -n "${2}p" | tr ' ' '\n' | sed -n "s/^$3=//p"; }
