"""Rules of nf_tables, a line each, for every expression and option that nft 1.0.6 can write.

Each corpus is (family, type, hook, rules); SETUP is loaded into the table in front of them. What a
kernel or an nft does not know is left out and counted.
"""

SETUP = """
add counter {t} packets_seen
add quota {t} ten_megabytes {{ over 10 mbytes used 1 mbytes ; }}
add limit {t} slowly {{ rate 5/second burst 7 packets ; }}
add set {t} hosts {{ type ipv4_addr ; }}
add element {t} hosts {{ 10.0.0.1, 10.0.0.2 }}
add set {t} hosts6 {{ type ipv6_addr ; flags interval ; }}
add element {t} hosts6 {{ fd00::/64, fd01::5-fd01::9 }}
add set {t} pairs {{ type ipv4_addr . inet_service ; flags interval ; }}
add element {t} pairs {{ 10.0.0.0/8 . 80-90, 192.0.2.1-192.0.2.9 . 22 }}
add set {t} seen {{ type ipv4_addr ; size 128 ; flags dynamic,timeout ; }}
add set {t} seen_pairs {{ type ipv4_addr . inet_service ; size 128 ; flags dynamic,timeout ; timeout 1h ; }}
add set {t} counted {{ type ipv4_addr ; size 128 ; flags dynamic ; counter ; }}
add map {t} marks {{ type ipv4_addr : mark ; }}
add element {t} marks {{ 10.0.0.1 : 0x17 }}
add map {t} port_marks {{ type ipv4_addr : mark ; size 128 ; flags dynamic,timeout ; }}
add map {t} seen_targets {{ type ipv4_addr . inet_service : ipv4_addr . inet_service ; size 128 ; flags dynamic,timeout ; }}
add map {t} verdicts {{ type inet_service : verdict ; flags interval ; }}
add element {t} verdicts {{ 22 : accept, 80-90 : drop }}
add map {t} counters {{ type inet_service : counter ; }}
add chain {t} other
"""

#: Objects that some kernels or families lack.
SETUP_PERHAPS = """
add ct helper {t} files {{ type "ftp" protocol tcp ; }}
add ct timeout {t} patient {{ protocol tcp ; l3proto ip ; policy = {{ established: 120, close: 20 }} ; }}
add ct expectation {t} second {{ protocol udp ; dport 9876 ; timeout 2m ; size 12 ; l3proto ip ; }}
add secmark {t} labelled {{ "system_u:object_r:ssh_server_packet_t:s0" ; }}
add synproxy {t} shield {{ mss 1460 ; wscale 7 ; timestamp sack-perm ; }}
add flowtable {t} fast {{ hook ingress priority 0 ; devices = {{ lo }} ; }}
"""

PORTS = """
tcp dport 22
tcp dport != 22
tcp dport 22-25
tcp dport != 22-25
tcp dport < 1024
tcp dport <= 1024
tcp dport > 1024
tcp dport >= 1024
tcp dport {{ 22, 80, 443 }}
tcp dport != {{ 22, 80, 443 }}
tcp dport {{ 22, 80-90, 1000-65535 }}
tcp sport 1024-65535 tcp dport 22
tcp sport 1024 tcp dport 22
tcp sport . tcp dport {{ 1024 . 22, 1025 . 80 }}
tcp dport & 0xf == 3
udp sport 53 udp dport 53 udp length 20 udp checksum 5
udp length > 8
udplite dport 5 udplite csumcov 9
sctp dport 5 sctp vtag 1
dccp dport 5
th dport 53
meta l4proto {{ tcp, udp }} th dport 53
meta l4proto {{ tcp, udp }} th dport {{ 53, 54-60 }}
@th,16,16 22
@th,0,32 0x12345678
@th,16,16 & 0xff00 == 0x1600
@nh,0,8 & 0xf0 == 0x40
@nh,64,64 0x123456789abcdef0
@nh,96,128 0x1
@ih,0,32 0x47455420
@ll,0,48 0x020000000001
tcp dport vmap {{ 22 : accept, 80 : jump other, 443 : goto other, 90-95 : return, 5 : continue, 7 : drop }}
tcp dport vmap @verdicts
tcp sequence 5 tcp ackseq 7 tcp window 5 tcp urgptr 1 tcp checksum 0 tcp doff 8
"""

TCP = """
tcp flags syn
tcp flags != syn
tcp flags == syn
tcp flags ! syn
tcp flags & syn == syn
tcp flags & (syn | ack) == syn
tcp flags & (fin | syn | rst | ack) == syn
tcp flags & (fin | syn | rst | ack) != syn
tcp flags & (syn | ack) == syn | ack
tcp flags & (syn | ack) == 0
tcp flags & (syn | ack) != 0
tcp flags syn,ack / syn,ack,rst
tcp flags {{ syn, ack }}
tcp option maxseg exists
tcp option maxseg missing
tcp option maxseg size 1460
tcp option maxseg size != 1400-1460
tcp option window exists
tcp option window count 7
tcp option sack-perm exists
tcp option sack exists
tcp option sack0 left 5
tcp option timestamp exists
tcp option timestamp tsval 5
tcp option timestamp tsecr > 1
tcp option md5sig exists
tcp option mptcp exists
tcp option mptcp subtype 1
tcp option fastopen exists
tcp option 200 exists
tcp option @3,16,8 7
tcp option maxseg size set 1400
tcp option maxseg size set rt mtu
reset tcp option sack-perm
sctp chunk init exists
sctp chunk init-ack num-inbound-streams 5
sctp chunk data flags 2
"""

META = """
meta length 60
meta length > 1000
meta length 60-70
meta length {{ 60, 70-80 }}
meta protocol ip
meta protocol {{ ip, ip6 }}
meta priority 1:2
meta priority none
meta priority set 1:5
meta mark 5
meta mark != 5
meta mark 0x10-0x20
meta mark {{ 1, 2, 3 }}
meta mark {{ 1-5, 9 }}
meta mark & 0xff == 0x10
meta mark & 0xff != 0
meta mark | 0x3 == 0x7
meta mark ^ 0x3 == 0x7
meta mark & 0xff {{ 1, 2 }}
meta mark set 5
meta mark set meta mark | 0x10
meta mark set meta mark & 0xff
meta mark set meta mark & 0xff00 | 0x3
meta mark set meta mark ^ 0xf0
meta mark set ct mark
meta mark set ct mark & 0xff
meta mark set meta mark << 4
meta mark set meta mark >> 4
meta mark set tcp dport map {{ 22 : 1, 80-90 : 2 }}
meta mark set numgen inc mod 3 offset 100
meta mark set numgen random mod 7
meta mark set symhash mod 3
meta mark set symhash mod 3 offset 5
meta mark set jhash meta mark mod 4 seed 0x12
meta nftrace set 1
meta pkttype broadcast
meta pkttype set host
meta pkttype {{ host, multicast }}
meta cpu 1
meta skuid 1000
meta skuid {{ 0, 1000 }}
meta skuid 0-999
meta skgid != 0
meta cgroup 5
meta random < 2147483648
meta secpath exists
meta ipsec missing
meta nfproto ipv4
meta l4proto tcp
meta l4proto != tcp
meta l4proto 89-91
meta l4proto {{ tcp, udp, icmp, ipv6-icmp, 200 }}
meta day Monday
meta day {{ Monday, Friday }}
meta day Monday-Friday
meta hour "10:00"
meta hour "10:00"-"17:30"
meta time "2030-01-01 00:00:00"
meta time < "2030-01-01 00:00:00"
meta time "2030-01-01"-"2030-02-01"
meta rtclassid 5
notrack
log
log level debug
log level emerg prefix "x y: "
log group 5
log prefix "abc" group 5 snaplen 100 queue-threshold 20
log flags all
log flags tcp sequence,options flags ip options flags skuid flags ether
log flags skuid
counter
counter packets 5 bytes 500
limit rate 5/second
limit rate over 5/minute burst 3 packets
limit rate 100/hour burst 1 packets
limit rate 10/day
limit rate 1/week
limit rate 10 mbytes/second
limit rate over 10 kbytes/minute burst 5 kbytes
limit rate 1500 bytes/second
quota 10 mbytes
quota over 1000 bytes
quota over 5 kbytes used 2 kbytes
quota until 12 mbytes
ct count 5
ct count over 20
last
counter name packets_seen
quota name ten_megabytes
limit name slowly
counter name tcp dport map {{ 22 : "packets_seen", 80 : "packets_seen" }}
counter name tcp dport map @counters
ct helper set "files"
ct timeout set "patient"
ct expectation set "second"
meta secmark set "labelled"
synproxy name "shield"
flow add @fast
jump other
goto other
accept
drop
return
continue
queue
queue num 5
queue num 5-9 bypass,fanout
queue flags bypass to 7
queue to numgen inc mod 4
accept comment "with a comment"
tcp dport 22 counter accept comment "and \\"quotes\\""
synproxy mss 1460 wscale 7 timestamp sack-perm
osf name "Linux"
osf version "Linux:4.20"
osf ttl skip name {{ "Linux", "Windows" }}
"""

ARRIVING = """
iif lo
iif != lo
iif {{ lo }}
iifname "eth0"
iifname "eth*"
iifname != "lo"
iifname {{ "eth0", "eth1", "lo" }}
iifname {{ "eth*", "lo" }}
iifname . tcp dport {{ "eth0" . 22, "lo" . 80 }}
iifname vmap {{ "eth0" : accept, "lo" : drop }}
meta iiftype ether
meta iiftype loopback
meta iifkind "veth"
iifgroup default
iifgroup 5
meta sdif 0
meta sdifname "vrf0"
fib saddr type local
fib saddr type {{ local, unicast }}
fib saddr oif 0
fib saddr . iif oif missing
fib saddr . mark . iif oif exists
fib saddr . iif oifname "eth0"
fib saddr oif lo
"""

ROUTED = """
fib daddr type local
fib daddr . iif type != local
fib daddr . iif type vmap {{ local : accept, broadcast : drop, multicast : drop }}
fib daddr oif exists
fib daddr oifname "lo"
socket transparent 1
socket mark 5
socket wildcard 0
socket cgroupv2 level 1 "init.scope"
rt classid 0
rt mtu 1500
"""

CONNECTION = """
ct state new
ct state established,related
ct state != invalid
ct state {{ new, established }}
ct state ! new
ct state == new
ct state & (new | related) == new
ct state vmap {{ established : accept, related : accept, invalid : drop }}
ct direction original
ct status dnat
ct status snat,dnat
ct status ! dying
ct status & (snat | dnat) == 0
ct mark 5
ct mark != 0
ct mark & 0xff == 3
ct mark {{ 1-5, 9 }}
ct mark set 5
ct mark set meta mark
ct mark set ct mark | 0x10
ct mark set meta mark & 0xff
ct zone 5
ct zone set 7
ct original zone 3
ct expiration 30s
ct expiration 1h-2h
ct expiration > 5m30s
ct helper "ftp"
ct helper {{ "ftp", "sip" }}
ct l3proto ipv4
ct protocol tcp
ct original protocol tcp
ct reply protocol udp
ct label 3
ct label set 5
ct event set new,destroy
ct packets > 10
ct original packets 5
ct bytes 1000-5000
ct reply bytes > 100
ct avgpkt > 200
ct original avgpkt < 200
ct original proto-src 1024-65535
ct original protocol tcp ct original proto-dst 22
ct reply proto-src 80
ct id 12345
ct state . ct mark {{ new . 5, established . 7 }}
"""

IP4 = """
ip saddr 10.0.0.1
ip saddr != 10.0.0.1
ip saddr 10.0.0.0/8
ip saddr 10.0.0.0/25
ip saddr != 10.128.0.0/9
ip saddr 10.0.0.1-10.0.0.9
ip saddr {{ 10.0.0.1, 10.0.0.2 }}
ip saddr {{ 10.0.0.0/8, 192.168.0.0/16, 172.16.0.1-172.16.0.5 }}
ip saddr != {{ 10.0.0.0/8, 192.168.0.0/16 }}
ip saddr @hosts
ip saddr != @hosts
ip saddr . tcp dport @pairs
ip saddr . tcp dport {{ 10.0.0.1 . 22, 10.0.0.2 . 80 }}
ip saddr . tcp dport {{ 10.0.0.0/8 . 22, 10.0.0.2-10.0.0.9 . 80-90 }}
ip saddr . ip daddr {{ 10.0.0.1 . 10.0.0.2 }}
ip saddr . ip daddr . meta l4proto {{ 10.0.0.1 . 10.0.0.2 . tcp }}
ip saddr . ip daddr vmap {{ 10.0.0.1 . 10.0.0.2 : accept }}
ip saddr 10.0.0.1 ip daddr 10.0.0.2
ip saddr & 0.0.0.255 == 0.0.0.1
ip saddr & 255.255.0.255 == 10.0.0.1
ip saddr & 0.0.0.3 {{ 0.0.0.1, 0.0.0.2 }}
ip saddr | 0.0.0.1 == 10.0.0.1
ip saddr vmap {{ 10.0.0.1 : accept, 10.1.0.0/16 : drop }}
ip saddr vmap {{ 10.0.0.1 : accept, * : drop }}
meta mark set ip saddr map {{ 10.0.0.1 : 1, 10.0.0.2 : 2 }}
meta mark set ip saddr map @marks
ip version 4
ip hdrlength 5
ip hdrlength > 5
ip dscp cs1
ip dscp 0x3f
ip dscp != af11
ip dscp {{ cs1, af21, 0x3f }}
ip ecn ce
ip ecn != not-ect
ip length 60
ip length < 100
ip id 5
ip frag-off & 0x1fff != 0
ip frag-off & 0x4000 == 0x4000
ip frag-off 0
ip ttl 64
ip ttl < 5
ip ttl {{ 1-5, 64 }}
ip protocol tcp
ip protocol != udp
ip protocol {{ tcp, udp }}
ip protocol tcp tcp dport 22
ip checksum 5
ip ttl set 5
ip dscp set cs1
ip ecn set ce
ip daddr set 10.0.0.5
tcp dport set 8080
udp checksum set 0
ip option rr exists
ip option rr ptr 5
ip option lsrr type 1
ip option ra value 0
ip option ssrr missing
icmp type echo-request
icmp type {{ echo-request, echo-reply }}
icmp type destination-unreachable icmp code port-unreachable
icmp code 3
icmp type echo-request icmp id 5
icmp type echo-request icmp sequence 7
icmp mtu 1400
icmp gateway 5
igmp type membership-query
igmp group 224.0.0.1
ah spi 5
ah nexthdr tcp
esp spi 100-200
esp sequence 5
comp cpi 5
comp nexthdr tcp
ether saddr 02:00:00:00:00:01
ether daddr 02:00:00:00:00:01 ether saddr 02:00:00:00:00:02
ether saddr {{ 02:00:00:00:00:01, 02:00:00:00:00:02 }}
ether saddr & ff:ff:ff:00:00:00 == 02:00:00:00:00:00
ct original ip saddr 10.0.0.1
ct original ip saddr 10.0.0.0/24
ct reply ip daddr {{ 10.0.0.1, 10.0.0.2 }}
ct original saddr 10.0.0.1
rt ip nexthop 10.0.0.1
ipsec in reqid 5
ipsec in spi 0x100
ipsec out ip saddr 10.0.0.1
log group 0 snaplen 0
add @seen {{ ip saddr }}
add @seen {{ ip saddr timeout 30s }}
update @seen {{ ip saddr timeout 5m limit rate 5/second burst 3 packets }}
update @seen {{ ip saddr limit rate over 10/minute }}
update @seen {{ ip saddr ct count over 5 }}
update @seen {{ ip saddr quota over 10 mbytes }}
add @seen_pairs {{ ip saddr . tcp dport timeout 10s }}
add @seen_pairs {{ ip saddr . 22 timeout 1m }}
update @seen_pairs {{ ip saddr . tcp dport }}
delete @seen {{ ip saddr }}
add @counted {{ ip saddr }}
update @counted {{ ip saddr counter }}
update @port_marks {{ ip saddr : meta mark }}
update @seen_targets {{ ip saddr . ct original proto-dst timeout 90s : ip daddr . tcp dport }}
update @seen_targets {{ ip saddr . tcp sport : 10.0.0.1 . 80 }}
meter perhost size 1024 {{ ip saddr limit rate 10/second }}
meta mark set jhash ip saddr . ip daddr mod 4
meta mark set jhash ip saddr . tcp dport mod 4 seed 5 offset 2
meta l4proto tcp ip saddr 10.0.0.1 tcp dport 22 ct state new counter accept
"""

IP6 = """
ip6 saddr fd00::1
ip6 saddr fd00::/8
ip6 saddr fd00::/33
ip6 saddr != ::1
ip6 saddr fd00::1-fd00::9
ip6 saddr {{ fd00::1, fd00::2 }}
ip6 saddr {{ fd00::/64, fe80::/10, ::1 }}
ip6 saddr @hosts6
ip6 saddr . tcp dport {{ fd00::1 . 22, fd00::2 . 80 }}
ip6 saddr . ip6 daddr {{ fd00::1 . fd00::2 }}
ip6 saddr & ::ffff == ::5
ip6 version 6
ip6 dscp cs1
ip6 dscp {{ cs1, af21 }}
ip6 ecn ce
ip6 flowlabel 5
ip6 flowlabel != 0
ip6 length 40
ip6 nexthdr tcp
ip6 nexthdr {{ tcp, udp }}
ip6 nexthdr tcp tcp dport 22
ip6 hoplimit 64
ip6 hoplimit < 5
ip6 hoplimit set 5
ip6 dscp set cs1
ip6 flowlabel set 5
icmpv6 type echo-request
icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert }}
icmpv6 type destination-unreachable icmpv6 code port-unreachable
icmpv6 type echo-request icmpv6 id 5
icmpv6 mtu 1280
icmpv6 max-delay 5
exthdr hbh exists
exthdr frag missing
exthdr rt exists
exthdr dst exists
exthdr mh exists
hbh nexthdr tcp
hbh hdrlength 5
frag nexthdr tcp
frag frag-off 5
frag more-fragments 1
frag id 5
rt type 0
rt seg-left 5
dst nexthdr udp
mh type binding-update
srh flags 5
srh tag 7
ct original ip6 saddr fd00::1
ct reply ip6 daddr fd00::/64
rt ip6 nexthop fd00::1
ah spi 5
esp spi 100
"""

BOTH = """
meta nfproto ipv4 tcp dport 22
meta nfproto ipv6 tcp dport 22
meta nfproto ipv4 ip saddr 10.0.0.1
ip saddr 10.0.0.1 tcp dport 22
ip6 saddr fd00::1 tcp dport 22
ip protocol icmp
ip protocol icmp icmp type echo-request
icmp type echo-request ip saddr 10.0.0.1
icmpv6 type echo-request ip6 saddr fd00::1
meta l4proto icmp icmp type echo-request
tcp dport 22 ip saddr 10.0.0.1 counter
counter ip saddr 10.0.0.1 tcp dport 22
meta nfproto ipv4 counter ip saddr 10.0.0.1
meta l4proto {{ icmp, ipv6-icmp }} accept
"""

REJECT4 = """
reject
reject with icmp net-unreachable
reject with icmp host-unreachable
reject with icmp prot-unreachable
reject with icmp port-unreachable
reject with icmp net-prohibited
reject with icmp host-prohibited
reject with icmp admin-prohibited
reject with tcp reset
tcp dport 22 reject with tcp reset
"""
REJECT6 = """
reject
reject with icmpv6 no-route
reject with icmpv6 admin-prohibited
reject with icmpv6 addr-unreachable
reject with icmpv6 port-unreachable
reject with icmpv6 policy-fail
reject with icmpv6 reject-route
reject with tcp reset
"""
REJECT = """
reject with icmpx no-route
reject with icmpx port-unreachable
reject with icmpx host-unreachable
reject with icmpx admin-prohibited
meta nfproto ipv4 reject with icmp host-unreachable
meta nfproto ipv6 reject with icmpv6 no-route
reject with icmp port-unreachable
reject with icmpv6 port-unreachable
reject
"""

DNAT4 = """
dnat to 10.0.0.1
dnat to 10.0.0.1-10.0.0.9
dnat to 10.0.0.0/24
tcp dport 80 dnat to 10.0.0.1:8080
tcp dport 80 dnat to 10.0.0.1:8080-8090
tcp dport 80 dnat to 10.0.0.1-10.0.0.9:80-90 random
tcp dport 80 dnat to :8080
dnat to 10.0.0.1 random,persistent
tcp dport 80 dnat to 10.0.0.1:80 fully-random
dnat to ip saddr map {{ 192.0.2.1 : 10.0.0.1, 192.0.2.2 : 10.0.0.2 }}
meta l4proto tcp dnat to tcp dport map {{ 80 : 10.0.0.1, 81 : 10.0.0.2 }}
meta l4proto tcp dnat ip to tcp dport map {{ 80 : 10.0.0.1 . 8080, 81 : 10.0.0.2 . 8081 }}
ip protocol tcp dnat ip to ip saddr . tcp dport map {{ 192.0.2.1 . 80 : 10.0.0.1 . 8080 }}
dnat ip prefix to ip daddr map {{ 10.1.0.0/24 : 10.2.0.0/24 }}
dnat to numgen inc mod 2 map {{ 0 : 10.0.0.1, 1 : 10.0.0.2 }}
dnat to jhash ip saddr mod 2 map {{ 0 : 10.0.0.1, 1 : 10.0.0.2 }}
redirect
tcp dport 80 redirect to :8080
tcp dport 80 redirect to :8080-8090 random
tcp dport 80 redirect to :8080 fully-random,persistent
meta l4proto tcp redirect to :tcp dport map {{ 80 : 8080, 81 : 8081 }}
"""
SNAT4 = """
snat to 10.0.0.1
snat to 10.0.0.1-10.0.0.9 persistent
snat to 10.0.0.0/28
meta l4proto tcp snat to 10.0.0.1:1024-2048
meta l4proto tcp snat to 10.0.0.1:1024-2048 random
snat to ip saddr map {{ 192.0.2.1 : 10.0.0.1 }}
snat ip prefix to ip saddr map {{ 10.1.0.0/24 : 10.2.0.0/24 }}
masquerade
masquerade random
masquerade fully-random,persistent
meta l4proto tcp masquerade to :1024-2048
meta l4proto tcp masquerade to :5000 random
oifname "eth0" masquerade
"""
DNAT6 = """
dnat to fd00::1
tcp dport 80 dnat to [fd00::1]:8080
tcp dport 80 dnat to [fd00::1]-[fd00::9]:80-90
dnat to fd00::/64
redirect
tcp dport 80 redirect to :8080
"""
SNAT6 = """
snat to fd00::1
snat to fd00::1-fd00::9
meta l4proto tcp snat to [fd00::1]:1024-2048
masquerade
"""
DNAT = """
dnat ip to 10.0.0.1
dnat ip6 to fd00::1
tcp dport 80 dnat ip to 10.0.0.1:8080
tcp dport 80 dnat ip6 to [fd00::1]:8080
tcp dport 80 dnat to :8080
meta nfproto ipv4 dnat to 10.0.0.1
ip daddr 192.0.2.1 tcp dport 80 dnat to 10.0.0.1:8080
tcp dport 80 redirect to :8080
dnat ip to ip daddr map {{ 192.0.2.1 : 10.0.0.1 }}
"""
SNAT = """
snat ip to 10.0.0.1
snat ip6 to fd00::1
meta nfproto ipv4 masquerade
masquerade
"""

TPROXY4 = """
meta l4proto tcp tproxy to :3128
meta l4proto tcp tproxy to 127.0.0.1:3128
tcp dport 80 tproxy to 127.0.0.1:3128 meta mark set 1 accept
udp dport 53 tproxy to 127.0.0.1
"""
TPROXY = """
meta l4proto tcp tproxy ip to 127.0.0.1:3128
meta l4proto tcp tproxy ip6 to [::1]:3128
meta l4proto tcp tproxy to :3128
"""

DUP4 = """
dup to 10.0.0.1
dup to 10.0.0.1 device lo
"""
DUP6 = """
dup to fd00::1
dup to fd00::1 device lo
"""

DEVICE = """
iifname "lo" tcp dport 22
meta protocol ip tcp dport 22
meta protocol ip ip saddr 10.0.0.1
ip saddr 10.0.0.1 tcp dport 22
ip6 saddr fd00::1 tcp dport 22
ether saddr 02:00:00:00:00:01
ether type ip
ether type ip6 ip6 saddr fd00::1
ether type arp
vlan id 5
vlan id 5 vlan pcp 3
vlan id 5 ip saddr 10.0.0.1
vlan id {{ 5, 6 }}
arp operation request
arp saddr ip 10.0.0.1
dup to lo
fwd to lo
fwd ip to 10.0.0.1 device lo
fwd ip6 to fd00::1 device lo
icmp type echo-request
reject with icmp port-unreachable
reject with icmpx admin-prohibited
meta mark set 5
tcp dport {{ 22, 80 }} drop
"""

BRIDGE = """
meta ibrname "br0"
meta obrname "br0"
meta ibrpvid 5
meta ibrvproto 8021q
ether type ip ip saddr 10.0.0.1
ip saddr 10.0.0.1 tcp dport 22
ip6 saddr fd00::1
ether type ip tcp dport 22
ether type 8021q vlan id 5
vlan id 5 vlan type ip
meta pkttype host
arp operation {{ request, reply }}
iifname "eth0" ether daddr 01:80:c2:00:00:00 drop
reject with icmp port-unreachable
"""

ARP = """
arp operation request
arp operation {{ request, reply }}
arp htype 1
arp ptype ip
arp hlen 6 arp plen 4
arp saddr ip 10.0.0.1
arp saddr ether 02:00:00:00:00:01
arp daddr ip 10.0.0.0/8
iifname "eth0"
meta mark set 5
"""

#: (family, type of chain, hook, texts)
CORPORA = [
    ("ip", "filter", "prerouting", [PORTS, TCP, META, ARRIVING, ROUTED, CONNECTION, IP4, TPROXY4, DUP4]),
    ("ip6", "filter", "prerouting", [PORTS, TCP, META, ARRIVING, ROUTED, CONNECTION, IP6, DUP6]),
    ("inet", "filter", "prerouting", [PORTS, TCP, META, ARRIVING, ROUTED, CONNECTION, IP4, IP6, BOTH,
                                      TPROXY]),
    ("inet", "filter", "input", [ROUTED, ARRIVING, META, BOTH]),
    ("inet", "filter", "output", [META.replace("iif", "oif"), ARRIVING.replace("iif", "oif"),
                                  "fib daddr type local\nrt classid 1\nmeta skuid 1000\n"]),
    ("ip", "filter", "input", [REJECT4]),
    ("ip6", "filter", "input", [REJECT6]),
    ("inet", "filter", "forward", [REJECT, REJECT4, REJECT6]),
    ("ip", "nat", "prerouting", [DNAT4]),
    ("ip", "nat", "postrouting", [SNAT4]),
    ("ip6", "nat", "prerouting", [DNAT6]),
    ("ip6", "nat", "postrouting", [SNAT6]),
    ("inet", "nat", "prerouting", [DNAT]),
    ("inet", "nat", "postrouting", [SNAT]),
    ("netdev", "filter", "ingress", [DEVICE, PORTS, IP4, IP6]),
    ("netdev", "filter", "egress", [DEVICE]),
    ("bridge", "filter", "prerouting", [BRIDGE, PORTS, IP4, IP6]),
    ("arp", "filter", "input", [ARP]),
]


def lines_of(text):
    return [line for line in text.format().strip().splitlines() if line]
