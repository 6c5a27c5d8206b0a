# SPDX-License-Identifier: Apache-2.0
"""Random command lines for heddle nb and ovn-nbctl, over few names, so that they meet: every table and notation,
right and wrong."""
import random

# Table: names of its rows, columns, what a row cannot do without.
TABLES = {
    "Logical_Switch": (["s1", "s2", "s3"], "name ports external_ids other_config acls dns_records qos_rules load_balancer", []),
    "Logical_Switch_Port": (["p1", "p2", "p3", "p4"], "name type options addresses tag tag_request up enabled parent_name "
                            "external_ids port_security dhcpv4_options dynamic_addresses ha_chassis_group", []),
    "Port_Group": (["g1", "g2"], "name ports acls external_ids", []),
    "Address_Set": (["as1", "as2"], "name addresses external_ids", []),
    "NB_Global": (["."], "options external_ids nb_cfg ipsec name connections ssl", []),
    "DHCP_Options": (["."], "cidr options external_ids", []),
    "ACL": (["acl1"], "priority direction match action log name severity label options",
            ["direction=to-lport", "action=drop", "priority=1"]),
    "QoS": (["."], "priority direction match action bandwidth", ["direction=to-lport"]),
    "Meter": (["m1"], "name unit bands fair", ["unit=kbps"]),
    "Meter_Band": (["."], "action rate burst_size", ["action=drop", "rate=1"]),
    "Load_Balancer": (["lb1"], "name vips protocol options selection_fields ip_port_mappings", []),
    "Logical_Router": (["r1"], "name ports options enabled nat", []),
    "Logical_Router_Port": (["rp1"], "name mac networks options enabled peer", []),
    "NAT": (["1.1.1.1"], "type external_ip logical_ip options external_port_range", ["type=snat", "external_ip=1.1.1.1"]),
    "DNS": (["."], "records external_ids", []),
    "Connection": (["ptcp:1"], "target max_backoff inactivity_probe other_config is_connected status", ['target="ptcp:1"']),
    "HA_Chassis_Group": (["h1"], "name ha_chassis", []),
    "BFD": (["."], "logical_port dst_ip min_tx options status", ["logical_port=x", "dst_ip=10.0.0.1"]),
    "Gateway_Chassis": (["."], "name chassis_name priority", []),
    "Static_MAC_Binding": (["."], "logical_port ip mac override_dynamic_mac", []),
    "Chassis_Template_Var": (["c1"], "chassis variables", ["chassis=c1"]),
    "Copp": (["."], "name meters", []),
}
COMMON = ["Logical_Switch", "Logical_Switch_Port", "Port_Group"]
# Some rows of most tables, to begin with.
SETUP = [
    "ls-add|s1|--|ls-add|s2|--|lsp-add|s1|p1|--|lsp-add|s1|p2|--|lsp-add|s2|p3",
    "--|--id=@a|create|acl|name=acl1|direction=to-lport|action=drop|priority=1|match=1|--|create|port_group|name=g1|acls=@a",
    "create|address_set|name=as1|addresses=1,2", "create|load_balancer|name=lb1", "create|dns|records=a=b",
    "create|dhcp_options|cidr=10.0.0.0/24", "create|copp|name=c",
    "--|--id=@p|create|logical_router_port|name=rp1|mac=\"00:00:00:00:00:09\"|networks=10.0.0.1/24|--|"
    "create|logical_router|name=r1|ports=@p",
    "--|--id=@b|create|meter_band|action=drop|rate=5|--|create|meter|name=m1|unit=pktps|bands=@b",
]
WORDS = [
    "a", "b", "c", "x y", '"x y"', '"a\\"b"', '"\\u00e9"', "é", "€", "true", "false", "TRUE", "yes", "on", "off", "1", "0", "7", "-1",
    "+5", " 5", "5 ", "0x10", "1e3", "1.5", "010", "4095", "4096", "5000", "32767", "32768", "70000", "99999999999999999999",
    "1-3", "3-1", "1-1", "-1-2", "[]", "{}", "", '""', "a=b", "a:b", "a.b", "a-b", "_a", "@x", "@y", "10.0.0.1",
    "00:00:00:00:00:01", "tcp", "udp", "drop", "allow", "to-lport", "from-lport", "pktps", "kbps", "a\\,b", "a\\", "\\a", '"a',
    'a"b"c', '"a"b', "a\tb", "a\nb", "00000000-0000-0000-0000-000000000000", "!", "a!", "<", ">b", "a{b", "]", "}", "a,", "=", "'a'",
    "s1", "p1", "localport", "router", "geneve", "\x7f", '"\\n"', '"\\t"', '"\\u0002"', "$x", "%d", "[a]", "{a=b}",
]
WHOLE = ["[", "{", "]", "{a=}", "{=b}", "[a b]", "[a  b]", "{a=b c=d}", '["a"]', "[[a]]", "{a={b}}", "[1-3]", "[1-3,5]", "[3-1]",
         "1-3,2", "  a", "a  ", "\ta", "[a]]"]
MAPS = ["a=b", "{a=b}", "a=b,c=d", "{a=1, b=2}", "{}", 'a=""', '"x y"=z', "a=b c=d", '{"a,b"="c=d"}', "neutron:port_name=p1",
        "neutron\\:port_name=p9", '"neutron:port_name"=p1', '"neutron:network_name"=s1', '"neutron:router_name"=r1']
# Values that a column may well have.
GOOD = {
    "tag": ["1", "7", "[]", "4095"], "tag_request": ["0", "1", "[]"], "up": ["true", "false", "[]"],
    "enabled": ["true", "no", "[]", "1"], "ipsec": ["true", "0"], "priority": ["5", "32767"], "nb_cfg": ["5", "-1", "0"],
    "Logical_Switch ports": ["[]"],  # which of two switches a port is on depends on their UUIDs
    "ports": ["<Logical_Switch_Port p1>", "[]", "<Logical_Switch_Port p1>,<Logical_Switch_Port p2>", "<Logical_Switch_Port p3>"],
    "acls": ["<ACL acl1>", "[]"], "dns_records": ["<DNS >", "[]"], "load_balancer": ["<Load_Balancer lb1>"],
    "dhcpv4_options": ["<DHCP_Options >", "[]"], "bandwidth": ["rate=5", "rate=5,burst=6", "burst=1,rate=2"],
    "action": ["dscp=3", "drop", "allow"], "selection_fields": ["ip_src", "ip_src,ip_dst", "eth_src"], "protocol": ["tcp", "[]"],
    "name": ["a", "s1", "p1", "p2", "s2", '""'], "options": MAPS, "external_ids": MAPS, "other_config": MAPS, "vips": MAPS,
    "variables": MAPS, "records": MAPS, "ip_port_mappings": MAPS, "status": MAPS,
}
KEYS = [":a", ":b", ":c", ":a", ":nosuch", ':"a"', ':"x y"', ":", ":a:b", ":a\\:b", ":1", ":rate", ":x y", ':"', ":[]"]
OPERATORS = ["=", "!=", "<", ">", "<=", ">=", "{=}", "{!=}", "{<}", "{>}", "{<=}", "{>=}", "{in}", "{not-in}", "==", "=>", "{}", "",
             "~=", " ="]
GLOBAL = ["--oneline", "-f table", "-f csv", "-f json", "-f html", "-d bare", "-d json", "--bare", "--no-headings", "--dry-run",
          "--wait=none", "-t 5", "--timeout=5", "--no-head", "--form=csv", "-fcsv", "-vwarn", "--verbose=warn", "--no-wait",
          "--data=string --format=list", "--if-exists", "--bare -f table", "-f xml", "--nosuch", "--dry", "--oneline --bare",
          "--no-syslog", "-d string -f csv"]
MACS = ["00:00:00:00:00:01", "00:00:00:00:00:02", "0:0:0:0:0:1", "00-00-00-00-00-01", "00:00:00:00:00:0g", "FF:FF:FF:FF:FF:FF",
        "00:00:00:00:00:01:02"]
IPS = ["10.0.0.1", "10.0.0.2", "10.0.0.1/24", "fe80::1", "FE80::1", "x", "10.0.0.300", "10.0.0.1 10.0.0.2", "10.0.0.1,10.0.0.2",
       "fd00::1/64 10.0.0.2"]
ADDRESSES = ["unknown", "dynamic", "router", "", " ", "dynamic 10.0.0.1", "dynamic  10.0.0.1", "Unknown", "x"]
TYPES = ["", "localport", "router", "localnet", "x", "vif", "virtual", "external", "LOCALPORT", "remote", "vtep", "l2gateway", "switch"]
OPTIONS = ["a=b", "a", "=", "a=", "=b", "a=b=c", "a b=c d", "a=1", "router-port=rp1", "", "a==b", '"a"=b']
GETTERS = ["addresses", "type", "up", "ls", "enabled", "tag", "parent", "options", "port-security"]
# Where a created row may go.
HOMES = ["add logical_switch s1 ports", "add port_group g1 acls", "add logical_router r1 ports", "add logical_switch s2 qos_rules",
         "add nb_global . connections", "add meter m1 bands"]


class Lines:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def chance(self, probability):
        return self.random.random() < probability

    def some(self, count, make):
        return [make() for _ in range(self.pick(count))]

    def options(self, *names):
        return [name for name in names if self.chance(0.3)]

    # ---- names ----

    def table(self):
        return self.pick(list(TABLES)) if self.chance(0.5) else self.pick(COMMON)

    def table_word(self, table):
        low = table.lower()
        if self.chance(0.75):
            return low
        return self.pick([low.replace("_", "-"), table, table.upper(), low[:-self.pick([1, 2, 3])], low + "x", low.replace("_", ""),
                          low[:3]])

    def column(self, table):
        return self.pick(TABLES[table][1].split())

    def column_word(self, column):
        if self.chance(0.85):
            return column
        return self.pick([column.replace("_", "-"), column.upper(), column[:max(1, len(column) - self.pick([1, 2, 3]))], "_uuid",
                          "_version", "nosuch", "", column + " ", "-uuid", "_UUID", "_u"])

    def record(self, table):
        names = TABLES[table][0]
        if self.chance(0.8):
            return self.pick(names)
        label = f"{table} {'' if names == ['.'] else self.pick(names)}"
        return self.pick(["nosuch", "", ".", f"<{label}>", f"{{{label}}}", "@x", "00000000-0000-0000-0000-000000000000", "s1", "p1",
                          "s 1", "abcd"])

    # ---- values ----

    def word(self):
        return self.pick(WORDS if self.chance(0.6) else ["a", "b", "c", "7", "1", "true", "x"])

    def pair(self):
        return f"{self.pick(['a', 'b', 'c', self.word()])}{self.pick(['=', '=', ' = ', '==', ' ='])}{self.word()}"

    def elements(self, make):
        return self.pick([",", " ", ", ", " , ", ",,", "  "]).join(self.some([0, 1, 2, 3], make))

    def odd_value(self):
        return self.pick([
            self.word, self.word, lambda: self.elements(self.word), lambda: self.elements(self.pair), lambda: self.pick(WHOLE),
            lambda: f"[{self.pick(['', ' '])}{self.elements(self.word)}{self.pick(['', ' ', ',', ', '])}{self.pick([']', ']', '', '] ', ']x'])}",
            lambda: f"{{{self.pick(['', ' '])}{self.elements(self.pair)}{self.pick(['', ' ', ','])}{self.pick(['}', '}', '', '} ', '}x'])}",
        ])()

    def value(self, table, column):
        good = GOOD.get(f"{table} {column}") or GOOD.get(column)
        return self.pick(good) if good and self.chance(0.7) else self.odd_value()

    def assignment(self, table, keyed=None):
        column = self.column(table)
        is_map = GOOD.get(column) is MAPS or column == "bandwidth"
        if self.chance(0.4 if is_map else 0.08) if keyed is None else keyed:
            return self.column_word(column) + self.pick(KEYS) + self.pick(["=", "=", "=", "!=", "", " ="]) + self.word()
        return self.column_word(column) + self.pick(["=", "=", "=", "=", "+=", ":=", " ="]) + self.value(table, column)

    def assignments(self, table, count):
        """All with keys or all without: a mixture of both for one column has its own rules in ovn-nbctl."""
        if self.chance(0.5):
            return self.some([1], lambda: self.assignment(table))
        keyed = self.chance(0.3)
        return self.some(count, lambda: self.assignment(table, keyed))

    def condition(self, table):
        column = self.column(table)
        key = self.pick(KEYS) if self.chance(0.3) else ""
        return self.column_word(column) + key + self.pick(OPERATORS) + self.value(table, column)

    def columns(self, table):
        names = self.some([1, 1, 2, 3], lambda: self.column_word(self.column(table)))
        return "--columns=" + self.pick([",", " ", ", "]).join(names)

    # ---- commands on any table ----

    def set(self, table):
        return [*self.options("--if-exists"), "set", self.table_word(table), self.record(table),
                *self.assignments(table, [1, 1, 2, 3])]

    def add_or_remove(self, table):
        column = self.column(table)
        return [*self.options("--if-exists"), self.pick(["add", "add", "remove"]), self.table_word(table), self.record(table),
                self.column_word(column), *self.some([1, 1, 2, 3], lambda: self.value(table, column))]

    def clear(self, table):
        return [*self.options("--if-exists"), "clear", self.table_word(table), self.record(table),
                *self.some([1, 1, 2], lambda: self.column_word(self.column(table)))]

    def get(self, table):
        return [*self.options("--if-exists"), "get", self.table_word(table), self.record(table),
                *self.some([0, 1, 1, 2, 3], lambda: self.column_word(self.column(table)) + self.pick(["", "", *KEYS[:6]]))]

    def list(self, table):
        return [self.columns(table), *self.options("--if-exists"), "list", self.table_word(table),
                *self.some([0, 0, 1, 2], lambda: self.record(table))]

    def find(self, table):
        return [f"--columns={self.column(table)}", "find", self.table_word(table),
                *self.some([0, 1, 1, 1, 2], lambda: self.condition(table))]

    def create(self, table):
        names, columns, needed = TABLES[table]
        words = ["name=" + self.pick(names)] if "name" in columns.split() and names != ["."] else []
        words += needed if self.chance(0.9) else []
        words += self.assignments(table, [0, 0, 1, 2]) if self.chance(0.7) or not words else []
        symbol = self.pick(["@x", "@y", "@z"])
        if self.chance(0.5):
            return ["create", self.table_word(table), *words]
        home = ["--", *self.pick(HOMES).split(), symbol] if self.chance(0.8) else []
        return ["--", f"--id={symbol if self.chance(0.97) else 'x'}", "create", self.table_word(table), *words, *home]

    def destroy(self, table):
        every = ["--all"] if self.chance(0.05) else []
        return [*self.options("--if-exists"), *every, "destroy", self.table_word(table),
                *self.some([0, 1, 1, 2], lambda: self.record(table))]

    def generic(self):
        return self.pick([self.set, self.set, self.set, self.add_or_remove, self.add_or_remove, self.add_or_remove, self.clear,
                          self.get, self.get, self.list, self.find, self.find, self.create, self.create, self.destroy])(self.table())

    # ---- switches and ports ----

    def switch(self):
        return self.pick(["s1", "s2", "s3"] if self.chance(0.7) else ["<Logical_Switch s1>", "", "nosuch"])

    def port(self):
        return self.pick(["p1", "p2", "p3", "p4"] if self.chance(0.7) else
                         ["<Logical_Switch_Port p1>", "", "nosuch", "00000000-0000-0000-0000-000000000000", "p 1", "é"])

    def address(self):
        mac = self.pick(MACS)
        return self.pick([*ADDRESSES, mac, mac, f"{mac}  10.0.0.1", f"{mac}\t10.0.0.1", f" {mac}", f"{mac} ",
                          *[f"{mac} {self.pick(IPS)}"] * 6])

    def lsp_add(self):
        parent = [self.port(), self.pick(["0", "1", "4095", "4096", "-1", "x", " 3", "3x", "", "0x3", "+3"])]
        return [*self.options("--may-exist"), "lsp-add", self.switch(), self.port(), *(parent if self.chance(0.3) else [])]

    def specific(self):
        return self.pick([
            lambda: [*self.options("--may-exist", "--add-duplicate"), "ls-add", *self.some([0, 1, 1, 1], self.switch)],
            lambda: [*self.options("--if-exists"), "ls-del", self.switch()],
            lambda: ["ls-list"], lambda: ["lsp-list", self.switch()],
            lambda: ["show", *self.some([0, 1], lambda: self.pick([self.switch(), "r1"]))],
            self.lsp_add, self.lsp_add, self.lsp_add,
            lambda: [*self.options("--if-exists"), "lsp-del", self.port()],
            lambda: ["lsp-set-addresses", self.port(), *self.some([0, 1, 1, 2, 3], self.address)],
            lambda: ["lsp-set-addresses", self.port(), *self.some([0, 1, 1, 2, 3], self.address)],
            lambda: ["lsp-set-port-security", self.port(), *self.some([0, 1, 2], self.address)],
            lambda: ["lsp-set-type", self.port(), self.pick(TYPES)],
            lambda: ["lsp-set-options", self.port(), *self.some([0, 1, 2, 3], lambda: self.pick(OPTIONS))],
            lambda: ["lsp-set-enabled", self.port(), self.pick(["enabled", "disabled", "Enabled", "DISABLED", "", "x", "true"])],
            lambda: ["lsp-get-" + self.pick(GETTERS), self.port()],
            lambda: ["sync"], lambda: ["init"], lambda: ["comment", self.word()],
        ])()

    # ---- lines ----

    def command(self):
        return self.generic() if self.chance(0.65) else self.specific()

    def line(self):
        words = self.pick(GLOBAL).split() if self.chance(0.25) else []
        commands = self.some([1, 1, 1, 1, 2, 3], self.command)
        if is_different_on_purpose(commands):
            commands = commands[:1]
        for i, command in enumerate(commands):
            words += ["--", *command] if i and command[0] != "--" else command
        return words


def is_different_on_purpose(commands):
    """ovn-nbctl looks for an address twice in what was there before the line, and adds ports to a switch after it has
    replaced its ports, whatever the order (docs/ovn-compat.md)."""
    words = {word for command in commands for word in command}
    changes = words & {"set", "add", "remove", "clear"}
    return ("lsp-set-addresses" in words and (changes or words & {"lsp-del", "ls-del", "destroy", "ls-add", "lsp-add"}) or
            words & {"lsp-add", "lsp-del"} and changes and any(word.lower().startswith("po") for word in words))
