#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# check_layers_test - tools/check-layers accepts allowed includes and refuses each kind of forbidden one
#
# On made-up trees. Prints a line per case; the last line counts them.

set -u
cd "$(dirname "$0")/../.." || exit
check=$PWD/tools/check-layers
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0
failed=0

# expect NAME STATUS TEXT FILE INCLUDE...: a small tree of ours, with FILE holding the includes
expect() {
	local name=$1 want=$2 text=$3 file=$4 out status=0
	shift 4
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree"/{include/lkl,policy,wire,host,accd,cc,kernel/overlay/arch/lkl/kernel,tests/unit}
	touch "$tmp/tree"/{include/lkl/lkl.h,include/lkl/host_ops.h,policy/policy.h,wire/wire.h,wire/ring.h} \
		"$tmp/tree"/{host/boot.h,accd/session.h}
	printf '#include %s\n' "$@" >"$tmp/tree/$file"
	out=$("$check" "$tmp/tree" 2>&1) || status=$?
	if [ $status = "$want" ] && [[ $out == *"$text"* ]]; then
		echo "ok: $name"
		passed=$((passed + 1))
	else
		echo "FAILED: $name: status $status, expected $want and \"$text\"; it printed:"
		echo "$out"
		failed=$((failed + 1))
	fi
}

expect "accd may use the public interfaces" 0 " 0 against" accd/relay.c \
	'<lkl/lkl.h>' '"wire.h"' '"policy/policy.h"' '"session.h"' '<linux/tcp.h>' '<net/if.h>' '<sys/socket.h>'
expect "accd and a wire's private header" 1 "accd/relay.c:1: accd must not include wire/ring.h" accd/relay.c '"../wire/ring.h"'
expect "accd and the host world's insides" 1 "must not include host/boot.h" accd/relay.c '"boot.h"'
expect "an internal kernel header" 1 "<linux/skbuff.h> is internal" accd/relay.c '<linux/skbuff.h>'
expect "kernel's net/ is not libc's" 1 "<net/tcp.h> is internal" host/boot.c '<net/tcp.h>'
expect "spaces do not hide an include" 1 "wire/packet.c:2: <netinet/tcp.h>" wire/packet.c '<stdint.h>' '  <netinet/tcp.h>'
expect "a wire and linux/tcp.h" 1 "a wire knows no TCP" wire/packet.c '<linux/tcp.h>'
expect "a wire and the daemon" 1 "wire must not include accd/session.h" wire/packet.c '"../accd/session.h"'
expect "the host world and the daemon" 1 "host must not include accd/session.h" host/boot.c '"accd/session.h"'
expect "policy and the daemon" 1 "policy must not include accd/session.h" policy/bandit.c '"session.h"'
expect "policy and a clock" 1 "policy is pure" policy/bandit.c '<time.h>'
expect "policy may compute" 0 " 0 against" policy/bandit.c '<stdint.h>' '<math.h>' '"policy.h"'
expect "the kernel world uses kernel headers" 0 " 0 against" kernel/overlay/arch/lkl/kernel/setup.c \
	'<linux/skbuff.h>' '<lkl/host_ops.h>' '<asm/setup.h>'
expect "the kernel world and libc" 1 "kernel world: no libc" cc/tcp_new.c '<stdio.h>'
expect "the kernel world and the public library header" 1 "kernel must not include include/lkl/lkl.h" \
	kernel/overlay/arch/lkl/kernel/setup.c '<lkl/lkl.h>'

echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
