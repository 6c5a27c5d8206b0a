# SPDX-License-Identifier: Apache-2.0
# Functions to connect network namespaces to logical ports with the tools of Open vSwitch:
#
#     . examples/helper.sh
#     add_veth_port ns1 00:00:00:aa:bb:10 10.0.1.10/24 ls0-ns1
#     del_veth_port ns1

# add_veth_port NS MAC IP PORT: a namespace with one interface, eth0, plugged into a logical port.
# IP without a prefix length is taken as /24.
add_veth_port() {
	ns=$1 mac=$2 ip=$3 port=$4
	case $ip in */*) ;; *) ip=$ip/24 ;; esac
	ip netns add "$ns" &&
		ip link add "veth-$ns" type veth peer name eth0 netns "$ns" address "$mac" &&
		ip -n "$ns" addr add "$ip" dev eth0 &&
		ip -n "$ns" link set eth0 mtu 1442 up && # Geneve needs 58 bytes of 1500
		ip -n "$ns" link set lo up &&
		ip link set "veth-$ns" up &&
		ovs-vsctl add-port br-int "veth-$ns" -- \
			set Interface "veth-$ns" "external_ids:iface-id=$port"
}

# del_veth_port NS: what add_veth_port made.
del_veth_port() {
	ovs-vsctl --if-exists del-port br-int "veth-$1"
	ip netns delete "$1" # takes the veth pair along
}
