#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# listen.sh STACK ACCD - listeners end to end: who is let in, by what, and what is said when not
#
#   client 10.78.0.1, .5, fd78::1 ──┐                            ┌── server 10.78.1.2: nginx, openssl s_server
#                                   ├── bridge (hub) ────────────┘
#   proxy  10.78.0.2, fd78::2 ──────┘   four namespaces
#
# accd runs in the proxy namespace on the host's stack there (STACK host) or on its own (STACK lkl), with the same
# configuration. Peers are programs that others wrote: curl (its PROXY header, too), nginx, openssl.
#
# All namespaces and processes are the test's own, named with its process id and removed on every exit.
# Exit status: 0 all passed, 1 a step failed, 77 cannot run here (the reason is printed).
set -u
# shellcheck source=tests/net/hub_lib.sh
. "$(dirname "$0")/hub_lib.sh"

STACK=${1:?usage: listen.sh STACK ACCD}
ACCD=${2:?usage: listen.sh STACK ACCD}
VIP=10.78.0.2 VIP6=fd78::2
hub_init listen lsn curl nginx openssl

step "topology: four namespaces $ID-*"
attach "$CLIENT" 10.78.0.1/16 10.78.0.5/16 fd78::1/64 || skip "cannot make a veth pair here"
attach "$PROXY" $VIP/16 $VIP6/64 || exit 1
attach "$SERVER" 10.78.1.2/16 || exit 1
ip netns exec "$CLIENT" sysctl -qw net.ipv4.tcp_fastopen=3
ip netns exec "$PROXY" sysctl -qw net.ipv4.tcp_fastopen=3

step "servers: nginx on 8080, openssl on 8443 (one) and 8444 (two)"
cat >"$DIR/nginx.conf" <<EOF
daemon off; master_process off; pid $DIR/nginx.pid; error_log $DIR/nginx.err;
events { worker_connections 512; }
http { access_log off; client_body_temp_path $DIR/b; proxy_temp_path $DIR/p; fastcgi_temp_path $DIR/f; uwsgi_temp_path $DIR/u; scgi_temp_path $DIR/s;
	server { listen 10.78.1.2:8080; location / { return 200 "plain\n"; } }
}
EOF
ip netns exec "$SERVER" nginx -p "$DIR" -c "$DIR/nginx.conf" >"$DIR/nginx.out" 2>&1 &
PIDS="$PIDS $!"
for n in one two; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$n" \
		-keyout "$DIR/$n.key" -out "$DIR/$n.pem" 2>/dev/null || exit 1
	ip netns exec "$SERVER" openssl s_server -accept $([ $n = one ] && echo 8443 || echo 8444) -quiet \
		-key "$DIR/$n.key" -cert "$DIR/$n.pem" </dev/zero >/dev/null 2>&1 &
	PIDS="$PIDS $!"
done
listens() { ip netns exec "$SERVER" ss -Hltn "sport = :$1" | grep -q .; }
for port in 8080 8443 8444; do
	wait_for 20 "port $port of the servers" listens $port || exit 1
done

step "accd on stack $STACK"
cat >"$DIR/accd.conf" <<EOF
stack $STACK;
log { access = "$DIR/accd.log"; }
worker { memory = 256M; drain_timeout = 1s; max_sessions = 500; }
$([ "$STACK" = lkl ] && echo "wire { interface = eth0; }")
listener plain { bind ["$VIP:80", "[$VIP6]:80"]; server "10.78.1.2:8080"; }
listener range { bind "$VIP:8000-8003"; pool plain; }
listener proxy { bind "$VIP:81"; pool plain; proxy_protocol any; proxy_protocol_from 10.78.0.1; header_timeout 1s; }
listener chain { bind "$VIP:91"; pool plain; proxy_protocol v2; proxy_protocol_from 10.78.0.0/16; deny 192.0.2.66; }
listener acl { bind "$VIP:82"; pool plain; allow [10.78.0.0/16, fd78::/64]; deny [10.78.0.4/30, 10.0.0.0/8]; }
listener source { bind "$VIP:83"; pool plain; max_per_source 2; }
listener rate { bind "$VIP:84"; pool plain; accept_rate 10; accept_burst 2; }
listener full { bind "$VIP:85"; pool plain; max_sessions 2; }
listener first { bind "$VIP:86"; pool plain; first_byte_timeout 1s; }
listener fast { bind "$VIP:87"; pool plain; fast_open 16; }
listener tuned {
	bind "$VIP:89"; pool plain; congestion_control reno; keep_alive_idle 30s; keep_alive_interval 5s; keep_alive_count 4;
	user_timeout 20s; notsent_lowat 64k; send_buffer 128k; receive_buffer 128k;
}
listener tls { bind "$VIP:443"; pool one; header_timeout 1s; sni { two.example.org two; *.wild.example.org two; } }
listener strict { bind "$VIP:444"; pool one; sni_unknown refuse; sni { two.example.org two; } }
pool one { server s1 { address "10.78.1.2:8443"; } }
pool two { server s1 { address "10.78.1.2:8444"; } }
EOF
ip netns exec "$PROXY" "$ACCD" -t -f "$DIR/accd.conf" || exit 1
ip netns exec "$PROXY" "$ACCD" -f "$DIR/accd.conf" 2>"$DIR/accd.err" &
PID_ACCD=$!
PIDS="$PIDS $!"
wait_for 30 "accd is ready" grep -q "accd: ready:" "$DIR/accd.err" || exit 1

in_client() { ip netns exec "$CLIENT" "$@"; }
get() { in_client curl -s -m 30 "$@"; }
gets() { # WANTED curl-arguments
	local want=$1
	shift
	[ "$(get "$@")" = "$want" ]
}
refused() { ! get "$@" >/dev/null; }
logged() { wait_for 20 "log line $1" grep -Eq -- "$1" "$DIR/accd.log"; }

# raw PORT TEXT: send what printf makes of TEXT, print what comes
raw() {
	in_client timeout 30 bash -c 'exec 3<>/dev/tcp/'$VIP'/$1 && printf "$2" >&3 && cat <&3' raw "$1" "$2" 2>/dev/null
}
raw_gets() { raw "$2" "$3" | grep -q "$1"; }
raw_nothing() { [ -z "$(raw "$1" "$2")" ]; }
GET='GET / HTTP/1.0\r\n\r\n'

step "IPv4, IPv6, a range of ports"
expect "IPv4" gets plain http://$VIP/
expect "IPv6" wait_for 20 "an answer" gets plain "http://[$VIP6]/"
expect "the client's IPv6 address in the log" logged " \[fd78::1\]:[0-9]+ plain plain/s1 "
for port in 8000 8003; do
	expect "port $port" gets plain http://$VIP:$port/
done
expect "not 8004" refused http://$VIP:8004/

step "PROXY header in"
expect "curl's (v1)" gets plain --haproxy-protocol http://$VIP:81/
expect "v1: its address in the log" raw_gets plain 81 "PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n$GET"
expect "the log has it" logged " 192\.0\.2\.7:4711 proxy plain/s1 .*state=--"
V2='\r\n\r\n\0\r\nQUIT\n'
expect "v2 with a TLV" raw_gets plain 81 "$V2\x21\x11\0\x14\xc0\0\x02\x08\xc6\x33\x64\x01\x12\x67\0\x50\x04\0\x05hello$GET"
expect "the log has it" logged " 192\.0\.2\.8:4711 proxy "
expect "v2 LOCAL" raw_gets plain 81 "$V2\x20\0\0\0$GET"
expect "v2 with IPv6" raw_gets plain 81 "$V2\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x12\x67\0\x50$GET"
expect "the log has it" logged " \[2001:db8::1\]:4711 proxy "
expect "none: reset" raw_nothing 81 "$GET"
expect "the log has it" logged " proxy plain/- .*state=HF"
expect "half of one: timeout" raw_nothing 81 "PROXY TCP4 192.0.2.7"
expect "the log has it" logged " proxy plain/- .*state=TF"
expect "from elsewhere: reset" refused --haproxy-protocol --interface 10.78.0.5 http://$VIP:81/
expect "the log has it" logged " 10\.78\.0\.5:[0-9]+ proxy plain/- .*state=AF"
expect "v2 only, from a prefix" raw_gets plain 91 "$V2\x21\x11\0\x0c\xc0\0\x02\x09\xc6\x33\x64\x01\x12\x67\0\x50$GET"
expect "deny goes by the header's address" raw_nothing 91 "$V2\x21\x11\0\x0c\xc0\0\x02\x42\xc6\x33\x64\x01\x12\x67\0\x50$GET"
expect "the log has it" logged " 192\.0\.2\.66:4711 chain plain/- .*state=AF"

step "server names"
names() { # WANTED PORT s_client-arguments
	local want=$1 port=$2
	shift 2
	in_client timeout 30 openssl s_client -connect $VIP:"$port" "$@" </dev/null 2>/dev/null |
		grep -q "subject=CN *= *$want\$"
}
not_served() { ! in_client timeout 30 openssl s_client -connect "$@" </dev/null 2>/dev/null | grep -q subject=; }
expect "a route" names two 443 -servername two.example.org
expect "without regard to case" names two 443 -servername TWO.Example.org
expect "a pattern, two labels deep" names two 443 -servername a.b.wild.example.org
expect "an unknown name: the listener's pool" names one 443 -servername other.example.org
expect "no name: the listener's pool" names one 443 -noservername
expect "an unknown name, refuse" not_served $VIP:444 -servername other.example.org
expect "no name, refuse" not_served $VIP:444 -noservername
expect "the log has it" logged " strict one/- .*state=HF"
expect "the log has the pool of the route" logged " tls two/s1 "
expect "no TLS: reset" raw_nothing 443 "$GET"
expect "half a hello: timeout" raw_nothing 443 '\x16\x03\x01\x01\x00\x01\x00'
expect "the log has it" logged " tls one/- .*state=TF"

step "allow and deny: the longest prefix"
expect "allowed" gets plain --interface 10.78.0.1 http://$VIP:82/
expect "denied" refused --interface 10.78.0.5 http://$VIP:82/
expect "the log has it" logged " 10\.78\.0\.5:[0-9]+ acl plain/- .*state=AF"

step "limits"
hold() { # PORT: a connection that stays, with a request that is not complete
	ip netns exec "$CLIENT" timeout 100 bash -c 'exec 3<>/dev/tcp/'$VIP'/$1 && printf "GET / HTTP/1.0\r\n" >&3 && echo connected && read -r -u 3' hold "$1" >"$DIR/hold.$2" 2>&1 &
	HELD=$!
	PIDS="$PIDS $HELD"
	wait_for 20 "a connection to port $1" grep -q connected "$DIR/hold.$2"
}
release() {
	local pid
	for pid; do
		kill "$pid" 2>/dev/null # timeout passes it on
		wait "$pid" 2>/dev/null
	done
}
hold 83 1; a=$HELD
hold 83 2; b=$HELD
expect "max_per_source: a third is reset" wait_for 20 "a refusal" refused http://$VIP:83/
expect "the log has it" logged " source plain/- .*state=RF"
expect "another address is served" gets plain --interface 10.78.0.5 http://$VIP:83/
release "$a" "$b"
expect "served again when they are gone" wait_for 20 "an answer" gets plain http://$VIP:83/
hold 85 3; a=$HELD
hold 85 4; b=$HELD
ip netns exec "$CLIENT" curl -s -m 30 http://$VIP:85/ >"$DIR/waits" &
waits=$!
expect "max_sessions: a third waits" wait_for 20 "the third connection" in_client ss -Htn state established "dport = :85" -p
expect "with no answer yet" [ ! -s "$DIR/waits" ]
release "$a" "$b"
wait $waits
expect "and is served when there is room" grep -q plain "$DIR/waits"
for i in 1 2 3 4 5 6; do
	expect "accept_rate: client $i waits its turn and is served" gets plain http://$VIP:84/
done

step "first byte"
expect "a client that says nothing is reset" raw_nothing 86 ''
expect "the log has it" logged " first plain/- .*state=TF"
expect "one that speaks is served" gets plain http://$VIP:86/

step "TCP settings"
expect "TCP Fast Open: the first brings the cookie" gets plain --tcp-fastopen http://$VIP:87/
expect "and the second uses it" gets plain --tcp-fastopen http://$VIP:87/
if [ "$STACK" = host ]; then
	expect "data in the SYN was taken" in_client bash -c 'nstat -asz TcpExtTCPFastOpenActive | grep -Eq "Active +[1-9]"'
fi
expect "congestion control of the listener" gets plain http://$VIP:89/
expect "the log has it" logged " tuned plain/s1 .*tcp_down=\{cc=reno "

step "stop"
kill -TERM $PID_ACCD
wait $PID_ACCD
expect "exit status 0" [ $? = 0 ]
grep "accd: exit:" "$DIR/accd.err" | sed 's/^/  /'

step "settings that the stack refuses end the start, with their name"
start_fails() { # WANTED CONFIGURATION
	printf '%s\n' "stack $STACK;" "$([ "$STACK" = lkl ] && echo 'wire { interface = eth0; }')" "$2" >"$DIR/bad.conf"
	ip netns exec "$PROXY" timeout 30 "$ACCD" -f "$DIR/bad.conf" >"$DIR/bad.err" 2>&1
	[ $? = 1 ] && grep -q -- "$1" "$DIR/bad.err"
}
expect "congestion_control" start_fails "listener.web.*congestion_control" \
	"listener web { bind *:80; server 10.78.1.2:8080; congestion_control nosuch; }"

step "Multipath TCP"
if [ "$STACK" = host ] && ! ip netns exec "$PROXY" sysctl -n net.mptcp.enabled >/dev/null 2>&1; then
	echo "  skipped: this host's kernel has no MPTCP"
else
	cat >"$DIR/mptcp.conf" <<EOF
stack $STACK;
log { access = "$DIR/mptcp.log"; }
$([ "$STACK" = lkl ] && echo "wire { interface = eth0; }")
listener web { bind "$VIP:80"; server "10.78.1.2:8080"; mptcp on; }
EOF
	ip netns exec "$PROXY" "$ACCD" -f "$DIR/mptcp.conf" 2>"$DIR/mptcp.err" &
	PID_ACCD=$!
	PIDS="$PIDS $!"
	expect "it starts" wait_for 30 "accd is ready" grep -q "accd: ready:" "$DIR/mptcp.err"
	expect "a client without it is served" gets plain http://$VIP/
	kill -TERM $PID_ACCD
	wait $PID_ACCD
fi
exit 0
