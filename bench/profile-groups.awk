# SPDX-License-Identifier: GPL-2.0-only
#
# profile-groups.awk - a function and its callers to a group of work; the rules of bench/profile
#
# Input: COMM;outermost;...;innermost COUNT. Functions of the host's kernel end in _[k], others in _[OBJECT].
# Variable what: groups ("SHARE TAB GROUP"), functions ("SHARE TAB FUNCTION TAB GROUP"; shares in percent of all samples) or
# stacks ("GROUP;outermost;...;innermost COUNT").

# The host's kernel: the innermost function that says what it is for decides. Where the chain leads through the softirq of
# a veth's receive (process_backlog), it is a peer's receive path.
function host_group(frames, n,   i, f, is_peer, all) {
	for (i = 1; i <= n; i++) {
		f = frames[i]
		if (f ~ /^(process_backlog|veth_poll)_/) is_peer = 1
	}
	for (i = n; i >= 1; i--) {
		f = frames[i]
		if (f !~ /_\[k\]$/) break
		if (f ~ /^(do_idle|cpu_startup_entry|default_idle|pv_native_safe_halt)/) return "idle"
		if (f ~ /^(try_to_wake_up|__wake_up|sock_def_readable|ep_poll_callback|autoremove_wake|wake_up_q|futex_wake|sk_stream_write_space)/)
			return is_peer ? "host: waking client and server" : "host: wake-ups"
		if (f ~ /^(futex_|do_futex|schedule|__schedule|ep_poll_|finish_task_switch|hrtimer_|clockevents_)/ && f !~ /^ep_poll_callback/)
			return "host: sleeping"
		if (f ~ /^(tpacket_|packet_|__packet|prb_)/) return "host: af_packet"
		if (f ~ /^(br_|nf_|ip_sabotage|veth_|__dev_forward|dev_forward|netif_rx|__netif_rx|enqueue_to_backlog|dev_hard_start_xmit|__dev_queue_xmit|__dev_direct_xmit|sch_|validate_xmit)/)
			return "host: bridge and veth"
		if (is_peer) {
			if (f ~ /^(tcp_|ip_|inet_|__inet|sock_|__tcp|skb_|ipv4_|__ip)/) return "host: TCP of client and server"
			if (f ~ /^(process_backlog|net_rx_action|__netif_receive)/) return "host: bridge and veth"
			continue
		}
		if (f ~ /^(tcp_v4_rcv|tcp_rcv|tcp_ack|ip_rcv|tcp_v4_do_rcv|__release_sock|release_sock|tcp_data_queue|tcp_event_data_recv)/) return "host: TCP receive"
		if (f ~ /^(tcp_recvmsg|tcp_recvmsg_locked|tcp_cleanup_rbuf|tcp_splice_read|tcp_read_sock)/) return "host: TCP receive"
		if (f ~ /^(tcp_sendmsg|tcp_write_xmit|__tcp_transmit|ip_queue_xmit|__ip_queue|tcp_push|ip_output|ip_finish|tcp_sendpage|__tcp_push|__ip_local)/) return "host: TCP transmit"
		if (f ~ /^(do_epoll|__x64_sys_epoll|ep_|eventpoll|__x64_sys_(send|recv|read|write|accept|connect|close|socket|setsockopt|getsockopt|shutdown|splice)|__sys_|sock_|inet_|splice|do_splice|pipe_|vfs_)/) return "host: socket calls"
		if (f ~ /^(entry_SYSCALL|do_syscall_64|syscall_|x64_sys_call|__x64_sys)/) return "host: entry of system calls"
	}
	return "host: other"
}

# The library kernel and the program: by the function alone.
function program_group(f, object) {
	if (object !~ /^(accd|lkl)/) {
		if (object ~ /libc/ && f ~ /mem|str/) return "copies"
		return object ~ /vdso|unknown/ ? "program" : "program"
	}
	if (f ~ /^(packet_|slot_|iov_gather|queue_take|queue_of|tx_(flush|settle|slot|left)|rx_(has_frame|choose)|next_copy|unbatched_)/) return "wire"
	if (f ~ /^(wire_start_xmit|queue_(send|poll|kick|has_work)|rx_(frame|big|small|pass|plain)|lkl_net_|virtio_net_hdr|eth_get_headlen|size_class|passthru_)/) return "driver"
	if (f ~ /^(mem(cpy|move|set|cmp)|__mem|csum_|lkl_csum|copy_|_copy|rep_|clear_page|__asm_copy|skb_copy|simple_copy|__skb_datagram_iter)/) return "copies"
	if (f ~ /^(pair_(end|of|put|ready|retry|run)|relay_(actor|data_ready|init|is_over|move|retry|send_iter|send_skb|tasklet|write_space)|side_(get|put|tie|untie)|lkl_relay_)/) return "relay in the stack"
	if (f ~ /^(session_|relay_|worker_|loop_|timer_(run|pop|set|del|wheel)|listener_|pool_|pools_|log_|stack_|clock_us|conn_|server_|balance_|control_|counters_|preface_|limit_|generation_)/) return "relay"
	if (f ~ /^(tcp_(write|push|transmit|xmit|sendmsg|send_|tso|small_queue|schedule_loss|release_cb|tsq|event_new|established_options|options_write|wmem|cwnd|pacing|rate_skb|current_mss|stream_alloc|skb_entail|tx_|nagle|init_tso|mtu|select_window|v4_send|options|trim|skb_collapse_tstamp|update_skb|ecn_send)|__tcp_(transmit|push|select|send|v4_send)|ip_(queue_xmit|output|finish_output|local_out|copy_addrs|send_check|build|send)|__ip_(queue|local|finish)|neigh_|__?dev_(queue|hard)|__?qdisc|sch_|pfifo|netdev_(core|pick)|validate_xmit|skb_(checksum_help|gso|network_protocol)|netif_skb|sk_stream_alloc|ip_local_out|harmonize|eth_header|xfrm|dst_|netif_tx|tcp_stream|skb_clone|__skb_clone|tcp_gso)/) return "TCP transmit"
	if (f ~ /^(tcp_|__tcp|ip_|inet_gro|__inet_lookup|inet_(ehash|lookup|csk_(reset|clear|update))|inet6?_|gro_|napi_|dev_gro|__?netif_receive|netif_|eth_type|process_backlog|net_rx|sock_def_readable|sock_rfree|skb_(try_coalesce|release|gro|defer|record|ext)|__skb_(flow|gro)|ipv4_|fib_|raw_|dev_|sk_filter|bictcp|cubic|reno|bbr|tcpv4|__ip_|rtt|ktime|fq_)/) return "IP and TCP receive"
	if (f ~ /^(skb_|__skb|kfree_skb|consume_skb|__?alloc_skb|__napi_alloc|kmem_cache|slab_|__slab|___slab|kfree|kmalloc|__kmalloc|page_frag|__page_frag|get_page|put_page|free_|__free|rmqueue|alloc_pages|__alloc|folio_|__folio|napi_skb|__build_skb|build_skb|__get_free|get_partial|put_cpu|memcg|page_pool|napi_pp|sk_(wmem|mem|forced)|__sk_mem)/) return "buffers and memory"
	if (f ~ /^(ep_|epoll|__ep|do_epoll|eventpoll|eventfd|sys_|__sys|__do_sys|__se_sys|lkl_sys|lkl_exit|lkl_enter|lkl_switch|sock_|____sys|move_addr|import_|fget|fput|__fget|__fdget|fdget|security_|release_sock|__release_sock|lock_sock|pipe_|splice|do_splice|sockfd|file_|vfs_|select_estimate|poll_|exit_(work|events)|add_to_pipe|iov_iter|_lock_sock|sk_wait|sk_stream|aa_|wake_up|__wake_up|autoremove|default_wake)/) return "socket calls"
	if (f ~ /^(base_loop|idle_has_work|lkl_wait|lkl_idle|arch_cpu_idle|default_idle|do_idle)/) return "idle loop, polling"
	if (f ~ /(idle|lkl_check_events|lkl_irq|tick_|hrtimer|ktime_get|clocksource|lkl_tsc|run_timer|__run_timers|timekeeping|timerqueue|vcpu|lkl__|wait_|rcu|schedule|sched_|pick_next|enqueue|dequeue|update_(curr|load|rq)|__softirq|handle_softirq|do_softirq|irq|try_to_wake|ttwu|mod_timer|timer|context_switch|set_next|check_preempt|put_prev|place_entity|select_task|__update|native_|finish_task|prepare_to|rb_|lkl_clock|raise_)/) return "scheduler, timers and events"
	return "library kernel, other"
}

{
	count = $NF
	line = $0
	sub(/ [0-9]+$/, "", line)
	n = split(line, frames, ";")
	leaf = frames[n]
	if (frames[1] ~ /^swapper/) group = "idle"
	else if (frames[1] == "other") group = "other processes of the machine"
	else if (leaf ~ /_\[k\]$/) group = host_group(frames, n)
	else {
		object = leaf
		sub(/.*_\[/, "", object)
		sub(/\]$/, "", object)
		name = leaf
		sub(/_\[[^\[]*$/, "", name)
		group = program_group(name, object)
	}
	all += count
	groups[group] += count
	sub(/_\[k\]$/, " (host)", leaf)
	sub(/_\[accd\]$/, "", leaf)
	functions[leaf "\t" group] += count
	if (what == "stacks") {
		out = group
		for (i = 2; i <= n; i++) out = out ";" frames[i]
		print out, count
	}
}

END {
	if (what == "groups") for (g in groups) printf "%.2f\t%s\n", 100 * groups[g] / all, g
	if (what == "functions") for (f in functions) printf "%.2f\t%s\n", 100 * functions[f] / all, f
}
