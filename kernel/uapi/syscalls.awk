# SPDX-License-Identifier: GPL-2.0-only
# syscalls.awk - a C prototype for each system call of the instance
#
#   awk -f syscalls.awk EXPORTED unistd_64.h syscall_table_64.h syscalls.h [syscalls.h...]
#
# EXPORTED lists the functions lkl_sys_* that the kernel object has (one name a line); the others are the generated numbers,
# the generated table (which function serves a number) and the kernel's prototypes. A call that the object exports becomes
# a prototype, any other an inline function over lkl_syscall(); a program does not see the difference. Each call has the
# name of its function, and also that of its number where the two differ (newfstat, fstat).
#
# Types are the kernel's, written with its names: tools/uapi_prefix.c gives them the prefix afterwards. Those that no UAPI
# header has are replaced by what they are (map_type). `char *buf` and `char *optval` become void *: they point to anything.
#
# Left out: calls that this kernel was built without, clone, clone3 and rt_sigreturn (there is no process to clone or return
# to), and mmap, which lkl.h defines because it returns a pointer.

function map_type(type,   words, n, i, out) {
	n = split(type, words, " ")
	for (i = 1; i <= n; i++) {
		if (words[i] == "enum") {
			words[i] = "int"
			words[i + 1] = ""
		} else if (words[i] in map) {
			words[i] = map[words[i]]
		}
		if (words[i] != "")
			out = out (out == "" ? "" : " ") words[i]
	}
	return out
}

BEGIN {
	map["__user"] = ""
	map["umode_t"] = "mode_t"
	map["u32"] = "__u32"
	map["u64"] = "__u64"
	map["qid_t"] = "__kernel_uid32_t"
	map["mqd_t"] = "__kernel_mqd_t"
	map["timer_t"] = "__kernel_timer_t"
	map["key_t"] = "__kernel_key_t"
	map["key_serial_t"] = "__s32"
	map["aio_context_t"] = "__kernel_ulong_t"
	map["rwf_t"] = "int"
	map["siginfo_t"] = "struct siginfo"
	map["cap_user_header_t"] = "struct __user_cap_header_struct *"
	map["cap_user_data_t"] = "struct __user_cap_data_struct *"
}

# "const char __user *name" -> ptype, pname; a parameter without a name gets one
function parameter(text, number,   words, n, last) {
	gsub(/\*/, " * ", text)
	gsub(/__user/, " ", text)
	n = split(text, words, " ")
	last = words[n]
	if (n > 1 && last != "*" && last !~ /^(int|long|char|unsigned|void|short|[a-z_]+_t|u32|u64)$/ &&
	    !(words[n - 1] ~ /^(struct|union|enum)$/)) {
		pname = last
		sub(/[A-Za-z_0-9]+[ \t]*$/, "", text)
	} else {
		pname = "arg" number
	}
	if (pname ~ /^(new|class|this|private|public|delete|template)$/)
		pname = pname "_"
	ptype = map_type(text)
	if (pname ~ /^(buf|optval)$/)
		sub(/char /, "void ", ptype)
	gsub(/\* \*/, "**", ptype)
}

function emit(name, func_name, nr,   list, n, i, decl, args, plain, sep) {
	if (name in done)
		return
	done[name] = 1
	n = params[func_name] == "void" || params[func_name] == "" ? 0 : split(params[func_name], list, ",")
	for (i = 1; i <= n; i++) {
		parameter(list[i], i)
		decl = decl sep ptype (ptype ~ /\*$/ ? "" : " ") pname
		args = args sep "(long)" pname
		plain = plain sep pname
		sep = ", "
	}
	if (!n)
		decl = "void"
	if (("lkl_sys_" name) in exported)
		print "long lkl_sys_" name "(" decl ");"
	else if (("lkl_" func_name) in exported)
		print "static inline long lkl_sys_" name "(" decl ")\n{\n\treturn lkl_" func_name "(" plain ");\n}"
	else
		print "static inline long lkl_sys_" name "(" decl ")\n{\n\tlong params[6] = { " (n ? args : "0") \
			" };\n\n\treturn lkl_syscall(__NR_" nr ", params);\n}"
	count++
}

FNR == 1 { file++ }

file == 1 { exported[$1] = 1; next }

file == 2 && /^#define __NR_/ {
	sub(/^__NR_/, "", $2)
	number[$3] = $2
	if ($3 > last)
		last = $3
	next
}

file == 3 && /^__SYSCALL/ {
	split($0, part, /[(), ]+/)
	target[part[2]] = part[3]
	next
}

# Prototypes run over several lines; comments are cut out.
file > 3 {
	line = $0
	sub(/\/\*.*\*\//, "", line)
	if (line ~ /^asmlinkage long sys_/) {
		proto = ""
		in_proto = 1
	}
	if (!in_proto)
		next
	proto = proto " " line
	if (line !~ /;/)
		next
	in_proto = 0
	func_name = proto
	sub(/^ *asmlinkage long /, "", func_name)
	sub(/\(.*/, "", func_name)
	sub(/^[^(]*\(/, "", proto)
	sub(/\)[ \t]*;.*/, "", proto)
	gsub(/\/\*[^*]*\*\//, "", proto)
	if (!(func_name in params))
		params[func_name] = proto
	tags = proto
	while (match(tags, /(struct|union) [a-z_0-9A-Z]+/)) {
		tag[substr(tags, RSTART, RLENGTH)] = 1
		tags = substr(tags, RSTART + RLENGTH)
	}
}

END {
	print "/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */"
	print "/* Made by kernel/uapi/syscalls.awk from the kernel's prototypes and its system call table. */"
	print "#ifndef _ASM_SYSCALLS_H\n#define _ASM_SYSCALLS_H\n"
	n = split("sys_types.h socket_types.h asm/unistd.h asm/errno.h asm/fcntl.h asm/poll.h asm/signal.h asm/stat.h " \
		  "asm/statfs.h asm/ioctls.h linux/eventpoll.h linux/fcntl.h linux/fs.h linux/if.h linux/if_ether.h linux/in.h " \
		  "linux/in6.h linux/ip.h linux/ipv6.h linux/kdev_t.h linux/mman.h linux/mount.h linux/neighbour.h linux/net.h " \
		  "linux/netlink.h linux/resource.h linux/rtnetlink.h linux/sched.h linux/sockios.h linux/stat.h linux/tcp.h " \
		  "linux/time.h linux/uio.h linux/un.h linux/utsname.h linux/ipc.h linux/msg.h linux/sem.h linux/shm.h " \
		  "linux/capability.h linux/if_link.h linux/if_addr.h linux/pkt_sched.h linux/fib_rules.h", include, " ")
	for (i = 1; i <= n; i++)
		print "#include <" include[i] ">"
	print "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
	print "#define __NR_syscalls " last + 1 "\n"
	print "long lkl_syscall(long no, long *params);\n"
	tag["struct __user_cap_header_struct"] = tag["struct __user_cap_data_struct"] = tag["struct siginfo"] = 1
	for (i in tag)
		ordered[++tags_len] = i
	for (i = 2; i <= tags_len; i++) {	# few: insertion sort, for the same output with every awk
		t = ordered[i]
		for (j = i - 1; j > 0 && ordered[j] > t; j--)
			ordered[j + 1] = ordered[j]
		ordered[j + 1] = t
	}
	for (i = 1; i <= tags_len; i++)
		print ordered[i] ";"
	print ""
	for (nr = 0; nr <= last; nr++) {
		f = target[nr]
		if (!(nr in number) || f == "" || f == "sys_ni_syscall" || f ~ /^sys_(clone|clone3|rt_sigreturn|mmap)$/)
			continue
		if (!(f in params)) {
			print "syscalls.awk: no prototype of " f >"/dev/stderr"
			bad = 1
			continue
		}
		emit(substr(f, 5), f, number[nr])
		emit(number[nr], f, number[nr])
	}
	print "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* _ASM_SYSCALLS_H */"
	if (bad || count < 250) {
		print "syscalls.awk: " count " system calls" >"/dev/stderr"
		exit 1
	}
}
