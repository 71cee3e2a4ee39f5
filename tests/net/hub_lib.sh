# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# hub_lib.sh - sourced by the tests whose namespaces hang on one bridge: what they share
#
# The test sets STACK and ACCD and calls hub_init. Afterwards HUB (with bridge br0 in it), CLIENT, CLIENT2, PROXY and SERVER are
# names of namespaces, of which only HUB has been made (see attach), DIR is its directory of logs; what it starts in the
# background it adds to PIDS. All of it goes on every exit, but DIR stays after a failure: a later run of the same test removes
# what is older than a day. The test ends by `exit 0`; what expect counted decides.
# shellcheck source=tests/net/netns_lib.sh
. "$(dirname "$0")/netns_lib.sh"

skip() {
	echo "SKIP: $*"
	exit 77
}

hub_init() { # TEST PREFIX TOOL...: PREFIX, four characters at most, and the process id begin the names of interfaces
	TEST=$1 ID=$2$$
	shift 2
	HUB=$ID-hub CLIENT=$ID-cli CLIENT2=$ID-cl2 PROXY=$ID-prx SERVER=$ID-srv
	DIR='' PIDS='' STEP='' passed=0 failed=0
	[ "$(id -u)" = 0 ] || skip "needs root for network namespaces"
	for _tool in ip "$@"; do
		command -v "$_tool" >/dev/null || skip "needs $_tool (tools/setup installs it)"
	done
	case "$("$ACCD" -V)" in
	*stacks:*"$STACK"*) ;;
	*) skip "this build of accd has no stack $STACK" ;;
	esac
	trap hub_finish EXIT
	trap 'exit 1' INT TERM HUP
	ip netns add "$HUB" 2>/dev/null || skip "cannot make a network namespace here"
	# a bridge that forwards from the start, neighbour solicitations too
	ip -n "$HUB" link set lo up &&
		ip -n "$HUB" link add br0 type bridge forward_delay 0 mcast_snooping 0 &&
		ip -n "$HUB" link set br0 up || skip "cannot make a bridge here"
	find /tmp -maxdepth 1 -name "accd-$TEST.*" -mmin +1440 -exec rm -rf {} +
	DIR=$(mktemp -d "/tmp/accd-$TEST.XXXXXX") || exit 1
}

hub_finish() {
	status=$?
	trap - EXIT INT TERM HUP
	[ "$failed" = 0 ] || status=1
	for _pid in $PIDS; do
		kill -KILL "$_pid" 2>/dev/null
	done
	wait 2>/dev/null
	netns_del "$CLIENT" "$CLIENT2" "$PROXY" "$SERVER" "$HUB"
	! kernel_died "$DIR" || status=1
	if [ "$status" = 0 ] || [ "$status" = 77 ]; then
		[ -z "$DIR" ] || rm -rf "$DIR"
	else
		for _log in "$DIR"/*.err "$DIR"/error.log*; do
			[ ! -s "$_log" ] || { echo "---- $_log" && tail -n 100 "$_log"; }
		done
		echo "logs are in $DIR"
	fi
	echo "$TEST.sh $STACK: $passed passed, $failed failed"
	exit "$status"
}

# wait_for SECONDS DESCRIPTION command...: until the command succeeds
wait_for() {
	_left=$(($1 * 20)) _what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		_left=$((_left - 1))
		if [ "$_left" -le 0 ]; then
			echo "  timeout: $_what"
			return 1
		fi
		sleep 0.05 # the step of the wait for a condition, not a wait by itself
	done
}

step() {
	STEP=$*
	echo "== $STEP"
}

expect() { # DESCRIPTION command...
	_desc=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		echo "  ok: $_desc"
	else
		failed=$((failed + 1))
		echo "  FAILED: $STEP: $_desc"
	fi
}

attach() { # namespace address...: a namespace with eth0 at the bridge
	_ns=$1
	shift
	ip netns add "$_ns" &&
		ip -n "$_ns" link set lo up &&
		ip link add eth0 netns "$_ns" type veth peer name "$_ns" netns "$HUB" &&
		ip -n "$HUB" link set "$_ns" master br0 up &&
		ip -n "$_ns" link set eth0 up || return 1
	for _addr; do
		case $_addr in
		*:*) ip -n "$_ns" addr add "$_addr" dev eth0 nodad ;;
		*) ip -n "$_ns" addr add "$_addr" dev eth0 ;;
		esac || return 1
	done
}

# ---- what accd says of itself, on the host of namespace $PROXY

becomes() { # wanted series: what it was told may take a turn of the loop
	wait_for 20 "$2 is $1" sh -c "ip netns exec $PROXY curl -s http://127.0.0.1:9100/metrics | grep -qxF '$2 $1'"
}

says() { # wanted exit status, pattern, command...
	_wanted=$1 _pattern=$2
	shift 2
	_got=$("$@" 2>&1)
	_status=$?
	[ $_status = "$_wanted" ] && printf '%s\n' "$_got" | grep -Eq -- "$_pattern" && return 0
	echo "  got: $_status: $_got"
	echo "  wanted: $_wanted: $_pattern"
	return 1
}

json() { # jq filter that must be true, command...
	_filter=$1
	shift
	_got=$("$@" 2>&1)
	printf '%s\n' "$_got" | jq -e "$_filter" >/dev/null && return 0
	echo "  got: $_got"
	echo "  wanted: $_filter"
	return 1
}
