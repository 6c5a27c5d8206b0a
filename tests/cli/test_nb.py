# SPDX-License-Identifier: Apache-2.0
"""heddle nb against the real ovn-nbctl: the same words on two databases leave the same rows, and give the same
exit status and output."""
import os
import random
import re
import signal
import subprocess
import time

import pytest

import random_lines
from tools import HEDDLE, ROOT

# Each is a list of command lines, run one after the other; every one is compared.  "|" separates words.
SCENARIOS = {
    "a fresh database": ["init", "show", "sync", "ls-list", "list|nb_global"],
    "switches": [
        "ls-add|ls0", "ls-add|ls0", "--may-exist|ls-add|ls0", "--add-duplicate|ls-add|ls0", "ls-list",
        "ls-del|ls0", "ls-del|<Logical_Switch ls0>", "ls-del|ls0", "ls-del|ls0", "--if-exists|ls-del|ls0",
        "ls-add", "ls-add", "--may-exist|ls-add", "--add-duplicate|ls-add", "ls-add|",
        "--add-duplicate|--may-exist|ls-add|x", "ls-list", "show", "show|nosuch",
    ],
    "ports": [
        "ls-add|ls0|--|ls-add|ls1", "lsp-add|ls0|p1", "lsp-add|ls0|p1", "--may-exist|lsp-add|ls0|p1",
        "--may-exist|lsp-add|ls1|p1", "lsp-add|nosuch|p2", "lsp-add|ls0|c1|p1|5", "lsp-add|ls0|c2|p1",
        "lsp-add|ls0|c2|p1|4096", "lsp-add|ls0|c2|p1|-1", "lsp-add|ls0|c2|p1|x", "lsp-add|ls0|c3|p1|0",
        "lsp-add|ls0|c4|p1|0x10", "lsp-add|ls0|c5|p1| 7abc", "--may-exist|lsp-add|ls0|c1|p1|5",
        "--may-exist|lsp-add|ls0|c1|p1|6", "--may-exist|lsp-add|ls0|c1|p2|5",
        "--may-exist|lsp-add|ls0|c1", "--may-exist|lsp-add|ls0|p1|c1|5", "lsp-get-parent|c1",
        "lsp-get-parent|p1", "lsp-get-tag|c1", "set|logical_switch_port|c1|tag=5", "lsp-get-tag|c1",
        "lsp-get-ls|p1", "lsp-list|ls0", "lsp-list|ls1", "lsp-list|nosuch", "show", "show|ls0",
        "lsp-del|c1", "lsp-del|c1", "--if-exists|lsp-del|c1", "lsp-del|<Logical_Switch_Port c3>",
        "lsp-add|<Logical_Switch ls1>|q1", "lsp-list|ls1", "ls-del|ls1", "lsp-get-up|q1",
    ],
    "addresses": [
        "ls-add|ls0", "lsp-add|ls0|p1|--|lsp-add|ls0|p2", "ls-add|ls1|--|lsp-add|ls1|q1",
        "lsp-set-addresses|p1|00:00:00:00:00:01 10.0.0.1 fe80::1|unknown", "lsp-get-addresses|p1",
        "lsp-set-addresses|p2|00:00:00:00:00:02 10.0.0.1", "lsp-set-addresses|p2|00:00:00:00:00:02 10.0.0.1/24",
        "lsp-set-addresses|p2|00:00:00:00:00:02 10.0.0.2 fe80:0::1",
        "lsp-set-addresses|p2|00:00:00:00:00:02 x 10.0.0.1", "lsp-set-addresses|q1|00:00:00:00:00:02 10.0.0.1",
        "lsp-set-addresses|p1|00:00:00:00:00:01 10.0.0.1|00:00:00:00:00:03 10.0.0.1", "lsp-get-addresses|p1",
        "lsp-set-addresses|p2|foo", "lsp-set-addresses|p2|10.0.0.3", "lsp-set-addresses|p2|00:00:00:00:00",
        "lsp-set-addresses|p2|00:00:00:00:00:gg", "lsp-set-addresses|p2|1:2:3:4:5:6",
        "lsp-set-addresses|p2|00:00:00:00:00:01x", "lsp-set-addresses|p2| 00:00:00:00:00:01",
        "lsp-set-addresses|p2|", "lsp-set-addresses|p2|dynamic", "lsp-set-addresses|p2|dynamic 10.0.0.9",
        "lsp-set-addresses|p2|dynamic fe80::2", "lsp-set-addresses|p2|dynamicabc", "lsp-set-addresses|p2|dynamic x",
        "lsp-set-addresses|p2|router", "lsp-get-addresses|p2", "lsp-set-addresses|p2|unknown|unknown",
        "lsp-set-addresses|p2", "lsp-get-addresses|p2", "lsp-set-addresses|nosuch|unknown",
        "set|logical_switch_port|p1|addresses=dynamic|dynamic_addresses=\"00:00:00:00:00:07 10.0.0.7\"",
        "lsp-set-addresses|p2|00:00:00:00:00:02 10.0.0.7",
        "lsp-set-port-security|p1|b|a|b", "lsp-get-port-security|p1", "lsp-set-port-security|p1",
        "lsp-get-port-security|p1", "lsp-get-port-security|nosuch",
    ],
    "addresses by the scanner": [
        "ls-add|ls0|--|lsp-add|ls0|p1|--|lsp-add|ls0|p2", "lsp-set-addresses|p1|00:00:00:00:00:01 10.0.0.1 10.0.0.44 fe80::1",
        *(f"lsp-set-addresses|p2|00:00:00:00:00:02{rest}" for rest in (
            "10.0.0.1", "\t10.0.0.1", " 10.0.0.9\n10.0.0.1", " 10.0.0.1,10.0.0.2", " 10.0.0.1x", " 10.0.0.300 10.0.0.9",
            " 10.0.0.1/24x", " 10.0.0.1/40", " 10.0.0.1/", " 010.0.0.1", " 10.0.0.1fe80::9", " fe80::1,10.0.0.2", " fe80::1x",
            " fe80::1/129", " fe80::1/", " fe80::1/ffff::", " fe80::1/ffff::1", " 10.0.0.1/255.255.255.0", " 10.0.0.1/255.0.255.0",
            " x 10.0.0.1", " 10. 0.0.1", " 10 .0.0.1", " +10.0.0.1", " 10.0.0.1/ 24", " 10.0.0.2/24,10.0.0.1", ",10.0.0.1")),
        *(f"lsp-set-addresses|p2|{address}" for address in (
            "00: 00:00:00:00:03", "0x00:0:0:0:0:3", "-1:+1:0:0:0:0", "00 :0:0:0:0:0", "dynamic\n10.0.0.1", "dynamic -1.0.0.1",
            "dynamic g", "dynamic ", "dynamic10.0.0.3", "dynamic abc x")),
        *(f"set|logical_switch_port|p1|addresses=[\"{address}\"]|dynamic_addresses=\"0:0:0:0:0:9 10.0.0.1\"|--|sync{then}"
          for address in ("00:00:00:00:00:01 dynamic", "00:00:00:00:00:01 dynamic ", "dynamic ", "dynamic 10.0.0.3", "dynamic 10.0.0.3/24",
                          "dynamic fe80::3 10.0.0.3", "dynamic 10.0.0.3 fe80::3", "dynamic 10.0.0.3 x", " dynamic")
          for then in ("", "|--|lsp-set-addresses|p2|00:00:00:00:00:02 10.0.0.1")),
    ],
    "a router's addresses": [
        "ls-add|ls0|--|lsp-add|ls0|p1", "lsp-set-type|p1|router", "lsp-set-addresses|p1|router",
        "lsp-set-options|p1|router-port=r1", "lsp-get-addresses|p1",
        "--|--id=@r|create|logical_router_port|name=r1|mac=\"00:00:00:00:00:05\"|networks=10.0.0.1/24|"
        "--|create|logical_router|name=lr0|ports=@r",
        "lsp-get-addresses|p1", "show", "show|lr0",
    ],
    "single columns": [
        "ls-add|ls0", "lsp-add|ls0|p1", "lsp-get-up|p1", "set|logical_switch_port|p1|up=true", "lsp-get-up|p1",
        "lsp-get-enabled|p1", "lsp-set-enabled|p1|disabled", "lsp-get-enabled|p1", "lsp-set-enabled|p1|Enabled",
        "lsp-set-enabled|p1|maybe", "lsp-get-type|p1", "lsp-set-type|p1|localport", "lsp-get-type|p1",
        "lsp-set-type|p1|nosuch", "lsp-set-type|p1|", "lsp-set-type|p1|l2gateway", "lsp-set-type|p1|localnet",
        "lsp-set-type|p1|vtep", "lsp-set-type|p1|external", "lsp-set-type|p1|virtual", "lsp-set-type|p1|remote",
        "lsp-set-type|p1|switch", "lsp-set-options|p1|a=b|c|d=|e=f=g", "lsp-get-options|p1",
        "lsp-set-options|p1|a=1|a=2", "lsp-get-options|p1", "lsp-set-options|p1|=x", "lsp-get-options|p1",
        "lsp-set-options|p1", "lsp-get-options|p1", "lsp-get-ls|nosuch", "lsp-get-type|nosuch",
    ],
    "set and get": [
        "ls-add|ls0|--|lsp-add|ls0|p1", "set|logical_switch_port|p1|options:a=b|external-ids:x=true",
        "set|Logical_Switch_Port|p1|options:a=c", "get|logical_switch_port|p1|options|options:a|name|_uuid|up",
        "get|logical_switch_port|p1|options:z", "--if-exists|get|logical_switch_port|p1|options:z",
        "get|logical_switch_port|nosuch|name", "--if-exists|get|logical_switch_port|nosuch|name",
        "get|logical_switch_port|p1|name:x", "get|logical_switch_port|p1|nosuch", "get|logical_switch_port|p1",
        "set|logical_switch_port|p1|tag=5000", "set|logical_switch_port|p1|tag=x",
        "set|logical_switch_port|p1|tag=1-3", "set|logical_switch_port|p1|tag=7", "set|logical_switch_port|p1|tag=[]",
        "set|logical_switch_port|p1|enabled=no", "set|logical_switch_port|p1|enabled=maybe",
        "set|logical_switch_port|p1|nam=p2", "set|logical_switch_port|p2|name=p1",
        "set|logical_switch_port|p1|addresses=", "set|logical_switch_port|p1|addresses",
        "set|logical_switch_port|p1|addresses=a b", "set|logical_switch_port|p1|addresses=[a,\"b c\"]",
        "set|logical_switch_port|p1|addresses=[a", "set|logical_switch_port|p1|addresses=[a] b",
        "set|logical_switch_port|p1|addresses=[,a]", "set|logical_switch_port|p1|addresses=a,a",
        "set|logical_switch_port|p1|addresses=\"a\\tb\",f\\,g", "get|logical_switch_port|p1|addresses",
        "set|logical_switch_port|p1|addresses=\"a", "set|logical_switch_port|p1|addresses=a\\",
        "set|logical_switch_port|p1|options={a=b, \"c d\"=\"e\"}", "get|logical_switch_port|p1|options",
        "set|logical_switch_port|p1|options=a", "set|logical_switch_port|p1|options={a=b,a=c}",
        "set|logical_switch_port|p1|options:x=\"\"", "set|logical_switch_port|p1|options:\"a:b\"=\"x=y\"",
        "get|logical_switch_port|p1|options", "set|logical_switch_port|p1|name:x=y",
        "set|nosuch|p1|name=x", "set|logical|p1|name=x", "set|nb-g|.|options:c=d",
        "--if-exists|set|logical_switch_port|nosuch|name=x", "--if-exists|set|logical_switch_port|nosuch|nosuch=x",
        "set|nb_global|.|options:a=b", "get|nb-global|.|options", "set|NB_Global|.|ipsec=true",
        "set|logical_switch|ls0|external_ids:neutron\\:network_name=net", "get|logical_switch|net|name", "show",
        "get|logical_switch|<Logical_Switch ls0>|name",
        "get|logical_switch|11111111-1111-1111-1111-111111111111|name",
    ],
    "abbreviations": [
        "list|dh", "list|dhcp-", "list|DHCP_O", "list|mi", "list|mirror", "list|logical_switch_p", "list|Logical-Switch-Por",
        "list|s", "list|n", "list|logical_switch", "list|logical_s", "list|l", "list|", "list|ls", "list|acls",
        "--columns=s|list|acl", "--columns=n|list|acl", "--columns=m|list|acl", "--columns=o|list|logical_router_policy",
        "--columns=h|list|logical_switch_port", "--columns=p|list|logical_switch_port", "--columns=tag|list|logical_switch_port",
        "--columns=ssl_c|list|ssl", "--columns=ssl_ciphe|list|ssl", "--columns=EXTERNAL-IDS,Na|list|logical_switch",
    ],
    "the only row of a table": [
        "get|nb_global|.|ipsec", "list|ssl|.", "list|dhcp_options|.", "--if-exists|get|dhcp_options|.|cidr",
        "create|dhcp_options|cidr=10.0.0.0/24", "--columns=cidr|list|dhcp_options|.", "set|dhcp_options|.|cidr=10.1.0.0/16",
        "add|dhcp_options|.|options|a=b", "remove|dhcp_options|.|options|a", "clear|dhcp_options|.|external_ids",
        "wait-until|dhcp_options|.|cidr=10.1.0.0/16", "destroy|dhcp_options|.", "create|logical_switch|name=s1",
        "get|logical_switch|.|name", "--if-exists|set|logical_switch|.|other_config =5", "ls-add|.", "get|logical_switch|.|name",
        "ls-del|s1", "set|logical_switch|.|name=x", "ls-add|s2", "get|logical_switch|.|name", "--if-exists|destroy|logical_switch|.",
        "ls-list", "ls-del|s2|--|get|logical_switch|.|name",
    ],
    "add, remove, clear": [
        "ls-add|ls0|--|lsp-add|ls0|p1", "add|logical_switch_port|p1|options|a=b|c=d", "add|logical_switch_port|p1|options|a=x",
        "get|logical_switch_port|p1|options", "add|logical_switch_port|p1|addresses|x|y|x",
        "get|logical_switch_port|p1|addresses", "remove|logical_switch_port|p1|addresses|x|nosuch",
        "get|logical_switch_port|p1|addresses", "remove|logical_switch_port|p1|options|a=x",
        "remove|logical_switch_port|p1|options|c=d", "get|logical_switch_port|p1|options",
        "remove|logical_switch_port|p1|options|a", "get|logical_switch_port|p1|options",
        "add|logical_switch_port|p1|tag|5", "add|logical_switch_port|p1|tag|5", "remove|logical_switch_port|p1|tag|6",
        "remove|logical_switch_port|p1|tag|5", "add|logical_switch_port|p1|tag|5000",
        "add|logical_switch_port|p1|options|k=1|k=2|l=3", "get|logical_switch_port|p1|options",
        "add|logical_switch_port|p1|options|k=3|k=4", "get|logical_switch_port|p1|options",
        "add|logical_switch_port|p1|options|k=5|m=1|m=2|--|sync", "get|logical_switch_port|p1|options",
        "add|logical_switch_port|p1|options|k=6|--|add|logical_switch_port|p1|options|m=6", "get|logical_switch_port|p1|options",
        "add|logical_switch_port|p1|options|k=7,k=8", "add|logical_switch_port|p1|options|k", "set|logical_switch_port|p1|options={}",
        "add|nb_global|.|ipsec|0", "add|nb_global|.|ipsec|1", "add|nb_global|.|ipsec|0|--|sync", "add|nb_global|.|ipsec|1|--|sync",
        "add|logical_switch_port|p1|name|p1", "add|logical_switch_port|p1|name|p1|--", "--dry-run|add|nb_global|.|ipsec|0",
        "add|logical_switch_port|p1|name|p1|--|add|logical_switch_port|p1|tag|7", "add|logical_switch_port|p1|tag|7|7",
        "add|logical_switch_port|p1|tag|7|8", "add|logical_switch_port|p1|tag|7|8|--|sync", "clear|logical_switch_port|p1|tag",
        "create|logical_switch|name=new|other_config:a=1|--|add|logical_switch|new|other_config|a=2|b=3",
        "get|logical_switch|new|other_config", "create|logical_switch|name=old|--|add|logical_switch|old|name|old",
        "--if-exists|add|nb_global|nosuch|ipsec|0", "--if-exists|add|nb_global|nosuch|ipsec|x",
        "remove|logical_switch_port|p1|name|p1", "add|logical_switch_port|nosuch|tag|5",
        "--if-exists|add|logical_switch_port|nosuch|tag|5", "--if-exists|remove|logical_switch_port|nosuch|tag|5",
        "add|logical_switch_port|p1|nosuch|5", "add|logical_switch_port|p1|addresses", "clear|logical_switch_port|p1|name",
        "clear|logical_switch_port|p1|tag|addresses", "get|logical_switch_port|p1|tag|addresses",
        "clear|logical_switch_port|p1", "clear|logical_switch_port|p1|nosuch", "clear|logical_switch_port|nosuch|tag",
        "--if-exists|clear|logical_switch_port|nosuch|tag",
    ],
    "list and find": [
        "ls-add|ls0|--|lsp-add|ls0|p1|--|lsp-add|ls0|p2", "set|logical_switch_port|p1|options:x=y|tag=3|type=router",
        "--columns=name,options,tag|list|logical_switch_port", "--columns=name|list|logical_switch_port|p1",
        "--columns=name|list|logical_switch_port|p1|nosuch",
        "--if-exists|--columns=name|list|logical_switch_port|p1|nosuch", "list|logical_router", "list|nosuch",
        "--columns=nosuch|list|logical_switch_port", "--columns=|list|logical_switch_port",
        "--columns=_uuid,name ty|list|logical_switch", "--columns=-uuid|list|logical_switch", "--columns=_UUID|list|logical_switch",
        "get|logical_switch|ls0|-uuid|-UUID|_Uuid", "set|logical_switch|ls0|_uuid=x", "set|logical_switch|ls0|-uuid=x",
        "find|logical_switch|_uuid=x", "find|logical_switch|_uuid", "set|logical_switch|ls0|_uuid", "create|logical_switch|_uuid",
        "--if-exists|set|logical_switch|nosuch|_uuid", "find|logical_router|_uuid", "find|logical_router|-uuid", "--columns=name|find|logical_switch_port|name=p1",
        "--columns=name|find|logical_switch_port|name!=p1", "--columns=name|find|logical_switch_port|name>p1",
        "--columns=name|find|logical_switch_port|name<=p1", "--columns=name|find|logical_switch_port|tag=[]",
        "--columns=name|find|logical_switch_port|tag!=[]", "--columns=name|find|logical_switch_port|tag>2|type=router",
        "--columns=name|find|logical_switch_port|options:x=y", "--columns=name|find|logical_switch_port|options:x!=y",
        "--columns=name|find|logical_switch_port|options:x!=z", "--columns=name|find|logical_switch_port|options:x{!=}z",
        "--columns=name|find|logical_switch_port|options:x{=}y", "--columns=name|find|logical_switch_port|options{>=}{x=y}",
        "--columns=name|find|logical_switch_port|options{<}{x=y,z=w}", "--columns=name|find|logical_switch_port|options{<=}{}",
        "--columns=name|find|logical_switch_port|options{>}{}", "--columns=name|find|logical_switch_port|options={}",
        "--columns=name|find|logical_switch_port|options:x{in}y,z",
        "--columns=name|find|logical_switch_port|options:x{not-in}y,z",
        "--columns=name|find|logical_switch_port|name{in}p1", "--columns=name|find|logical_switch_port|tag{<=}[3]",
        "--columns=name|find|logical_switch_port|tag=1,2", "--columns=name|find|logical_switch_port|name",
        "--columns=name|find|logical_switch_port|name=", "--columns=name|find|logical_switch_port|nosuch=3",
        "--columns=name|find|logical_switch_port|tag=x", "find|logical_router|name=", "find|logical_router|nosuch=",
        "find|logical_switch|ports:a=b|name=nosuch", "find|logical_switch_port|tag=x|name=nosuch",
        "find|logical_switch_port|enabled=maybe|name=nosuch", "find|logical_switch_port|name=nosuch|tag=x",
        "find|logical_switch_port|name=p1|tag=x|type=nosuch", "find|logical_switch_port|name!=p1|name!=p2|tag=x",
        "find|logical_switch_port|options:x=|name=nosuch", "find|logical_switch_port|options:x=y,z|name=nosuch",
        "find|logical_switch_port|type|name=nosuch", "find|logical_switch_port|ha_chassis_group=@x|name=nosuch",
        "find|logical_router|tag=x|name=nosuch", "find|logical_router|enabled=x|name=nosuch",
        "--columns=name|find|logical_switch|ports{>=}<Logical_Switch_Port p1>",
        "--columns=name|find|logical_switch_port|_uuid=<Logical_Switch_Port p1>",
    ],
    "formats": [
        "ls-add|ls0|--|lsp-add|ls0|p1|--|set|logical_switch_port|p1|options:a=\"b, c\"|external_ids:u=0123",
        *(f"{style}|--columns=name,options,external_ids,tag,up,type|list|logical_switch_port"
          for style in ("-f|table", "-f|list", "-f|csv", "-f|html", "-f|json", "--bare", "-d|bare", "-d|json",
                        "-d|bare|-f|table", "-d|json|-f|csv", "--no-headings", "--no-heading|-f|table",
                        "--no-headings|-f|csv", "--format=table|--data=string", "-f|nosuch", "-d|nosuch")),
        "-f|table|--columns=name|list|logical_switch|--|--columns=name|list|logical_switch_port|--|ls-list",
        "-f|json|--columns=name|list|logical_switch|--|--columns=name|list|logical_switch_port",
        "-f|csv|--columns=name|list|logical_router", "-f|table|--columns=name|list|logical_router",
        "--oneline|show", "--oneline|get|logical_switch_port|p1|name|options", "--oneline|ls-list|--|lsp-list|ls0",
    ],
    "odd characters": [
        "create|logical_switch|name=\"odd \\u0002\\u007f\\u0001é\\n\\u00ad/\\b\\\"\"|external_ids:a=b",
        *(f"{style}|--columns=name,external_ids,name|list|logical_switch" for style in ("-f|table", "-f|csv", "-f|json", "-d|json",
          "-d|bare|-f|table", "-f|list", "-f|html", "--bare")), "ls-list", "show",
    ],
    "create and destroy": [
        "create|logical_switch|name=ls0|other_config:subnet=10.0.0.0/24", "create|logical_switch|nosuch=x",
        "create|logical_switch", "create|logical_switch_port|name=lost", "create|acl|direction=x",
        "create|acl|direction=to-lport|priority=70000", "create|acl|action=drop|direction=to-lport|match=\"1\"",
        "--|--id=@p|create|logical_switch_port|name=p1|--|add|logical_switch|ls0|ports|@p",
        "add|logical_switch|ls0|ports|@p|--|--id=@p|create|logical_switch_port|name=p2",
        "--|--id=@p|create|logical_switch_port|name=lost|--|show",
        "--|--id=p|create|logical_switch_port|name=lost", "add|logical_switch|ls0|ports|@nosuch",
        "--|--id=@a|create|logical_switch|name=x|--|--id=@a|create|logical_switch|name=y",
        "--|--id=@s|create|logical_switch|name=s1|ports=@p|--|--id=@p|create|logical_switch_port|name=p3",
        "--|--id=@l|get|logical_switch_port|p1|--|--id=@g|create|port_group|name=pg|ports=@l",
        "--|--id=@a|create|acl|action=allow|direction=from-lport|match=\"ip4\"|priority=5|--|add|port_group|pg|acls|@a",
        "--if-exists|--id=@l|get|logical_switch_port|p1", "create|address_set|name=as|addresses=10.0.0.1,10.0.0.2",
        "create|address_set|name=as", "lsp-list|ls0", "show", "--columns=name,ports|list|port_group",
        "destroy|logical_switch_port|p1", "lsp-list|ls0", "destroy|logical_switch|s1", "destroy|logical_switch|s1",
        "--if-exists|destroy|logical_switch|s1", "--all|destroy|logical_switch|ls0", "--all|--if-exists|destroy|logical_switch",
        "destroy|logical_switch", "destroy|address_set|as|nosuch", "destroy|address_set|as", "--all|destroy|logical_switch",
        "destroy|nb_global|.", "destroy|nosuch|x",
    ],
    "chains": [
        "ls-add|ls0|--|lsp-add|ls0|p1|--|lsp-set-addresses|p1|00:00:00:00:00:01 10.0.0.1|--|lsp-get-addresses|p1", "show",
        "lsp-add|ls0|p2|--|lsp-set-addresses|p2|00:00:00:00:00:02 10.0.0.1", "lsp-list|ls0",
        "lsp-add|ls0|p2|--|lsp-del|p2", "lsp-add|ls0|p2|--|lsp-del|p2|--|lsp-add|ls0|p2", "lsp-del|p2|--|lsp-add|ls0|p2",
        "lsp-del|p2|--|lsp-get-up|p2",
        "lsp-set-type|p2|localport|--|lsp-set-options|p2|a=b|--|destroy|logical_switch_port|p2", "lsp-get-type|p2",
        "set|logical_switch_port|p2|options:a=b|--|destroy|logical_switch_port|p2|--|lsp-set-type|p1|localport",
        "lsp-set-addresses|p2|00:00:00:00:00:02 10.0.0.2",
        "lsp-add|ls0|d1|--|lsp-add|ls0|d2|--|lsp-set-addresses|d1|00:00:00:00:00:04 10.0.0.4|--|"
        "lsp-set-addresses|d2|00:00:00:00:00:05 10.0.0.4", "lsp-set-addresses|d2|00:00:00:00:00:05 10.0.0.4",
        "lsp-set-addresses|d2|00:00:00:00:00:05 10.0.0.5|--|lsp-set-addresses|d1|00:00:00:00:00:06 10.0.0.5", "lsp-del|p1|--|lsp-list|ls0|--|nosuch",
        "set|logical_switch|ls0|name=ls9|--|lsp-add|ls9|p9|", "lsp-get-ls|p9", "lsp-list|ls9",
        "ls-add|x|--|ls-del|x|--|ls-list", "ls-add|x|--|lsp-add|x|xp|--|ls-del|x|--|show", "--|--|--|ls-list", "--|ls-list|--",
        "lsp-add|ls9|c1|p9|3|--|--may-exist|lsp-add|ls9|c1|p9|3|--|--may-exist|lsp-add|ls9|c1|p9|4",
        "set|logical_switch_port|p9|options:a=b|--|set|logical_switch_port|p9|options:a=c|--|get|logical_switch_port|p9|options",
        "add|logical_switch_port|p9|addresses|x|--|remove|logical_switch_port|p9|addresses|x|--|get|logical_switch_port|p9|addresses",
        "--dry-run|ls-add|dry|--|ls-list", "ls-list", "comment|some|words", "comment",
    ],
    "wrong usage": [
        "", "--", "nosuch", "--nosuch", "--nosuch=3|show", "lsp-add", "lsp-add|ls0", "ls-add|a|b", "ls-add|a|-b", "list",
        "get|logical_switch", "--may-exist|show", "--may-ex|ls-add|ls0", "--|--may-exist=3|ls-add|x", "--|--columns|list|nb_global",
        "--|--nosuch|list|nb_global", "--may-exist|--may-exist|ls-add|x", "--timeout=x|show", "--timeout=0|show",
        "--timeout=-1|show", "--wait=nosuch|show", "--no-wait|show", "--wait=none|show", "-t|5|show", "--timeout|5|show",
        "--wait=sb|show", "--wait=sb|--no-wait|ls-add|w1", "wait-until|logical_switch|w1", "wait-until|logical_switch|w1|name=w1",
        "wait-until|logical_switch|w1|nosuch=3", "wait-until|nosuch|w1", "wait-until|logical_switch|w1|name:x=3",
        "--leader-only|ls-list", "--no-leader-only|ls-list", "--no-shuffle-remotes|--shuffle-remotes|ls-list", "--no-syslog|ls-list",
        "set|logical_switch|a\nb|name=x", "create|logical_switch|a\nb", "lsp-set-addresses|\tp1\n|x",
        "--no|show", "--columns=name|show", "--|--help", "--print-wait-time|ls-list",
    ],
}

# Columns that OVN 23.03's ovn-nbctl does not know, and so does not print.
NEW_COLUMNS = ("health_checks", "peer", "mirror_rules")


def without_new_columns(lines):
    return [line for line in lines if not line.startswith(NEW_COLUMNS)]


def is_chain(words):
    """Several commands: those of ovn-nbctl that read do not see all that the same line wrote before; ours do."""
    commands = " ".join(word or "-" for word in words).split(" -- ")
    return len([command for command in commands if command.strip("- ")]) > 1


def compare(twins, words, environment={}):
    theirs, ours = twins.run(words, environment)
    said = f"{words}\nseed: {twins.seed}\nthey said: {theirs[2]}\nwe said:   {ours[2]}"
    if theirs[0] in (-signal.SIGSEGV, -signal.SIGABRT):  # it crashed
        assert ours[0] == 1, said
    else:
        assert ours[0] == theirs[0], said
    if not twins.seed or not is_chain(words):
        assert without_new_columns(ours[1]) == without_new_columns(theirs[1]), said
    assert twins.ours.content() == twins.theirs.content(), said
    if ours[0]:
        assert ours[2].startswith("heddle nb: ") and ours[2].count("\n") == 1, said


@pytest.mark.parametrize("twins,name", [
    *(("our schema", name) for name in SCENARIOS),
    *(("their schema", name) for name in ("a fresh database", "ports", "list and find", "create and destroy")),
], indirect=["twins"])
def test_same_as_ovn_nbctl(twins, name):
    for line in SCENARIOS[name]:
        compare(twins, line.split("|") if line else [])


@pytest.mark.parametrize("options", [
    "", "  ", "-f json --columns=name", "--dry-run", "--timeout=5 --oneline", "''", "--columns='name' -f\\ta\"b\"le",
    "--columns 'name' --no-leader-only", '--columns="name,ports"', "-f csv\t--columns=\\n\\ame\n", "-fcsv --columns=name\\",
    "--columns='name", '--columns="na\\me"', "--columns='na\\me'", "--may-exist", "--nosuch", "ls-add x --", "\\",
])
def test_options_from_the_environment(twins, options):
    compare(twins, ["ls-add", "ls0"], {"OVN_NBCTL_OPTIONS": options})
    compare(twins, ["list", "logical_switch", "ls0"], {"OVN_NBCTL_OPTIONS": options})


@pytest.mark.parametrize("twins,seed", [
    ("our schema", 1), ("our schema", 2), ("their schema", 3), ("our schema", 4 if "CI" in os.environ else random.SystemRandom().randrange(1000, 10**6)),
], indirect=["twins"], ids=["1", "2", "3, their schema", "any"])
def test_random_lines_do_the_same(twins, seed):
    """A failure names its seed: put it in the place of another to see it again.  $HEDDLE_RANDOM_LINES makes it
    longer."""
    lines = random_lines.Lines(seed)
    twins.seed = seed
    for line in random_lines.SETUP:
        compare(twins, line.split("|"))
    for _ in range(int(os.environ.get("HEDDLE_RANDOM_LINES", 120))):
        compare(twins, lines.line())


@pytest.mark.parametrize("command,word,why", [
    ("lsp-set-addresses", "00:00:00:00:00:01 999.1.1.1 10.0.0.1", '"999.1.1.1" is not an IP address'),
    ("lsp-set-addresses", "00:00:00:00:00:0g 10.0.0.1", '"00:00:00:00:00:0g" is not a MAC address'),
    ("lsp-set-addresses", "00:00:00:00:00:1234", '"00:00:00:00:00:1234" is not a MAC address'),
    ("lsp-set-addresses", "ff:ff:ff:ff:ff:ff 10.0.0.1", "ff:ff:ff:ff:ff:ff is a multicast MAC address"),
    ("lsp-set-addresses", "dynamic 300.1", '"300.1" is not an IP address'),
    ("lsp-set-port-security", "garbage x", '"garbage" is not a MAC address'),
    ("lsp-set-port-security", "00:00:00:00:00:01 x", '"x" is not an IP address'),
    ("lsp-set-port-security", "unknown", "does not begin with a MAC address"),
])
def test_words_without_effect_are_taken_with_a_warning(twins, command, word, why):
    compare(twins, ["ls-add", "ls0", "--", "lsp-add", "ls0", "p1"])
    compare(twins, [command, "p1", word])
    done = twins.ours.run([HEDDLE, "nb"], command, "p1", "00:00:00:00:00:01 10.0.0.1/24 fd00::1", word)
    assert done.returncode == 0 and done.stdout == ""
    assert done.stderr.startswith("heddle nb: warning: port p1: ") and done.stderr.count("\n") == 1
    assert f'"{word}"' in done.stderr and why in done.stderr


def test_good_words_cause_no_warning(nb):
    nb("ls-add", "ls0", "--", "lsp-add", "ls0", "p1")
    for words in (["unknown"], ["router"], ["dynamic"], ["dynamic 10.0.0.1 fd00::1"], ["00:00:00:00:00:01 dynamic"],
                  ["00:00:00:00:00:01", "02:00:00:00:00:01 10.0.0.1 fd00::1"], []):
        assert nb("lsp-set-addresses", "p1", *words).stderr == ""
    assert nb("lsp-set-port-security", "p1", "00:00:00:00:00:01 10.0.0.0/24 fd00::/64").stderr == ""


# ---- what ovn-nbctl cannot be compared in ----


def test_timeout_ends_by_the_alarm_signal(nb):
    done = nb("--timeout=1", "wait-until", "logical_switch", "nosuch")
    assert done.returncode == -signal.SIGALRM
    assert "timed out" in done.stderr


def test_server_that_is_not_there(tmp_path):
    for remote in (f"unix:{tmp_path}/nosuch", "tcp:127.0.0.1:1", f"unix:{tmp_path}/a,unix:{tmp_path}/b"):
        done = subprocess.run([HEDDLE, "nb", f"--db={remote}", "show"], capture_output=True, text=True,
                              timeout=20)
        assert done.returncode == 1
        assert "cannot connect" in done.stderr and done.stderr.count("\n") == 1


def test_remote_that_is_none(nb):
    done = subprocess.run([HEDDLE, "nb", "--db=nosuch", "show"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "nosuch" in done.stderr


def test_default_database(server, tmp_path):
    (tmp_path / "ovnnb_db.sock").symlink_to(server.socket)
    for environment in ({"OVN_NB_DB": f"unix:{server.socket}"}, {"OVN_RUNDIR": str(tmp_path)}):
        done = subprocess.run([HEDDLE, "nb", "--may-exist", "ls-add", "ls0"], env={**os.environ, **environment},
                              timeout=20)
        assert done.returncode == 0


def start_waiter(server, *words):
    """heddle nb --timeout=20 wait-until ..., once it watches the database."""
    waiter = subprocess.Popen([HEDDLE, "nb", f"--db=unix:{server.socket}", "--timeout=20", "wait-until", *words])
    deadline = time.monotonic() + 10
    while "monitors:" not in server.control("memory/show"):
        assert time.monotonic() < deadline, server.control("memory/show")
    return waiter


def test_wait_until_sees_a_change(nb, server):
    nb("ls-add", "ls0", "--", "lsp-add", "ls0", "p1")
    waiter = start_waiter(server, "Logical_Switch_Port", "p1", "up=true")
    nb("set", "logical_switch_port", "p1", "up=true")
    assert waiter.wait(timeout=20) == 0


def test_wait_until_sees_a_new_row(nb, server):
    waiter = start_waiter(server, "Logical_Switch", "ls0")
    nb("ls-add", "ls0")
    assert waiter.wait(timeout=20) == 0


def test_wait_until_sees_a_renamed_row(nb, server):
    nb("ls-add", "other")
    waiter = start_waiter(server, "Logical_Switch", "ls0")
    nb("set", "logical_switch", "other", "name=ls0")
    assert waiter.wait(timeout=20) == 0


def test_wait_until_by_uuid(nb, server):
    nb("ls-add", "ls0")
    uuid = nb("get", "logical_switch", "ls0", "_uuid").stdout.strip()
    waiter = start_waiter(server, "Logical_Switch", uuid, "other_config:subnet=10.0.0.0/8")
    nb("set", "logical_switch", "ls0", "other_config:subnet=10.0.0.0/8")
    assert waiter.wait(timeout=20) == 0


def nb_global(server):
    return server.transact({"op": "select", "table": "NB_Global", "where": []})[0]["rows"][0]


def reach(server, **columns):
    server.transact({"op": "update", "table": "NB_Global", "where": [], "row": columns})


@pytest.mark.parametrize("wait,before,after", [
    ("sb", {"sb_cfg": 4}, {"sb_cfg": 5}),
    ("hv", {"sb_cfg": 5}, {"hv_cfg": 5}),
    ("hv", {"hv_cfg": 5}, {"sb_cfg": 6}),
])
def test_wait_for_configuration(nb, server, wait, before, after):
    nb("init")
    reach(server, nb_cfg=4, **before)
    waiter = subprocess.Popen([HEDDLE, "nb", f"--db=unix:{server.socket}", f"--wait={wait}", "--timeout=20",
                               "--print-wait-time", "ls-add", "ls0"], stdout=subprocess.PIPE, text=True)
    assert nb("--timeout=20", "wait-until", "NB_Global", ".", "nb_cfg=5").returncode == 0
    assert waiter.poll() is None
    reach(server, **after)
    out, _ = waiter.communicate(timeout=20)
    assert waiter.returncode == 0 and "nb_cfg 5" in out


def test_nothing_changed_is_not_waited_for(nb, server):
    nb("ls-add", "ls0")
    assert nb("--wait=hv", "--timeout=5", "--may-exist", "ls-add", "ls0").returncode == 0
    assert nb_global(server)["nb_cfg"] == 0
    assert nb("--wait=hv", "--timeout=1", "sync").returncode == -signal.SIGALRM
    assert nb_global(server)["nb_cfg"] == 1


def test_many_at_once_lose_nothing(nb, server):
    nb("ls-add", "ls0", "--", "lsp-add", "ls0", "all")
    processes = [subprocess.Popen([HEDDLE, "nb", f"--db=unix:{server.socket}", "lsp-add", "ls0", f"p{i}", "--",
                                   "set", "logical_switch_port", "all", f"options:k{i}=v"]) for i in range(30)]
    assert [process.wait(timeout=30) for process in processes] == [0] * 30
    assert len(nb("lsp-list", "ls0").stdout.splitlines()) == 31
    assert len(nb("lsp-get-options", "all").stdout.splitlines()) == 30


def test_many_commands_in_one_transaction(nb):
    words = ["ls-add", "ls0"]
    for i in range(1000):
        words += ["--", "lsp-add", "ls0", f"p{i}", "--", "lsp-set-addresses", f"p{i}", f"00:00:00:00:{i // 256:02x}:{i % 256:02x}"]
    assert nb(*words).returncode == 0
    assert len(nb("lsp-list", "ls0").stdout.splitlines()) == 1000
    assert len(nb("show").stdout.splitlines()) == 2001
    done = nb("lsp-set-addresses", "p5", "00:00:00:00:00:05 10.0.0.5", "--", "lsp-set-addresses", "p6",
              "00:00:00:00:00:06 10.0.0.5")
    assert done.returncode == 1 and "10.0.0.5" in done.stderr and "p5" in done.stderr


def test_one_command_reads_little(nb, server):
    """lsp-add on a switch with many ports sends and receives a few hundred bytes, not the database."""
    words = ["ls-add", "ls0"]
    for i in range(500):
        words += ["--", "lsp-add", "ls0", f"port{i}"]
    assert nb(*words).returncode == 0
    server.control("vlog/set", "jsonrpc:file:dbg")
    assert nb("lsp-add", "ls0", "another").returncode == 0
    messages = [line for line in (server.dir / "ours.log").read_text().splitlines() if "|jsonrpc|DBG|" in line]
    assert messages and not any("port499" in line for line in messages)


def test_help_and_man_page_name_every_command(nb):
    text = subprocess.run([HEDDLE, "nb", "--help"], capture_output=True, text=True, check=True).stdout
    page = (ROOT / "man" / "heddle-nb.8").read_text().replace("\\-", "-")
    commands = re.findall(r"^  (?:\[--[^]]*\] )*([a-z-]+)(?= |$)", text, re.M)
    assert len(commands) > 30
    assert [name for name in commands if name not in page] == []
