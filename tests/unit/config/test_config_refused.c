/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is no configuration is refused, and the reason says where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reading.h"

#define EXPORT(to, more) "export:\n  - {to: \"" to "\"" more "}\n"
#define QUERY(match) "queries:\n  - name: q\n    match: " match "\n"

static void a_bad_file_is_refused_with_line_and_column(void **state)
{
	static const struct refusal cases[] = {
		/* What YAML itself refuses. */
		{"inside: [10.0.0.0/8\n", "w.yaml:2:1: did not find expected"},
		{"a: b: c\n", "w.yaml:1:5: mapping values"},
		{"inside: []\n\x80\n", "w.yaml:2:1: "},
		{"flow: *gone\n", "w.yaml:1:7: found undefined alias"},
		{"{}\n---\n{}\n", "w.yaml:3:1: expected one document only"},
		/* Shape. */
		{"- a\n", "w.yaml:1:1: expected keys and values"},
		{"\ninsid: []\n", "w.yaml:2:1: unknown key 'insid'"},
		{"flow:\n  idle: 1s\n", "w.yaml:2:3: unknown key 'idle'"},
		{"{[a]: b}\n", "w.yaml:1:2: unknown key"},
		{"flow: 5\n", "w.yaml:1:7: expected keys and values"},
		{"flow: {size: 2048}\nflow: {}\n", "w.yaml:2:1: the key 'flow' is given twice"},
		{"queries:\n  name: q\n", "w.yaml:2:3: queries: expected a list"},
		{"queries:\n  - q\n", "w.yaml:2:5: expected keys and values"},
		{"inside:\n", "w.yaml:1:8: inside: expected a list"},
		/* Values. */
		{"interfaces: [eth0, eth0]\n", "w.yaml:1:20: interfaces: 'eth0' is given twice"},
		{"interfaces: [interface-name-too-long]\n", "w.yaml:1:14: interfaces: expected"},
		{"interfaces: ['']\n", "w.yaml:1:14: interfaces: expected"},
		{"interfaces: [\"a\\0b\"]\n", "w.yaml:1:14: interfaces: expected"},
		{"inside:\n  - 10.0.0.0/8\n  - 10.0.0.1/8\n",
		 "w.yaml:3:5: inside: '10.0.0.1/8' has bits set beyond its length: 10.0.0.0/8?"},
		{"inside: [10.0.0.0]\n", "w.yaml:1:10: inside: '10.0.0.0' is not of the form"},
		{"inside: [[a]]\n", "w.yaml:1:10: inside: expected a prefix"},
		{"groups: [a]\n", "w.yaml:1:9: groups: expected names"},
		{"groups: {a: 10.0.0.0/8}\n", "w.yaml:1:13: groups: expected a list"},
		{"groups:\n  a: []\n  a: []\n", "w.yaml:3:3: groups: 'a' is given twice"},
		{"groups: {tcp: []}\n", "w.yaml:1:10: groups: expected a name"},
		{"groups: {or: []}\n", "w.yaml:1:10: groups: expected a name"},
		{"groups: {a b: []}\n", "w.yaml:1:10: groups: expected a name"},
		{"groups:\n  a: [10.0.0.0/8,\n      fe80::1/64]\n",
		 "w.yaml:3:7: groups: 'fe80::1/64'"},
		{"flow: {idle_timeout: 15}\n", "w.yaml:1:22: idle_timeout: expected a duration"},
		{"flow: {idle_timeout: 99ms}\n", "w.yaml:1:22: idle_timeout: expected a duration "
						 "(500ms, 15s, 2m, 1h) from 100ms to 1h"},
		{"flow: {active_timeout: 61m}\n", "w.yaml:1:24: active_timeout: expected"},
		{"flow: {active_timeout: -1s}\n", "w.yaml:1:24: active_timeout: expected"},
		{"flow: {closed_timeout: 1 s}\n", "w.yaml:1:24: closed_timeout: expected"},
		{"flow: {closed_timeout: 999999999h}\n", "w.yaml:1:24: closed_timeout: expected"},
		{"flow: {size: 1023}\n", "w.yaml:1:14: size: expected a number, 1024 to 67108864"},
		{"flow: {size: 67108865}\n", "w.yaml:1:14: size: expected"},
		{"flow: {size: 99999999999999999999}\n", "w.yaml:1:14: size: expected"},
		{"flow: {size: 2k}\n", "w.yaml:1:14: size: expected"},
		{"tunnels: both\n", "w.yaml:1:10: tunnels: expected one of: outer inner"},
		{"tunnels: ''\n", "w.yaml:1:10: tunnels: expected one of"},
		{"tunnels: oute\n", "w.yaml:1:10: tunnels: expected one of"},
		{"vxlan_ports: 4789\n", "w.yaml:1:14: vxlan_ports: expected a list"},
		{"vxlan_ports: [0]\n", "w.yaml:1:15: vxlan_ports: expected a number, 1 to 65535"},
		{"vxlan_ports: [65536]\n",
		 "w.yaml:1:15: vxlan_ports: expected a number, 1 to 65535"},
		{"vxlan_ports: [1, 2, 1]\n", "w.yaml:1:21: vxlan_ports: '1' is given twice"},
		{"vxlan_ports: [1, 2, 3, 4, 5, 6, 7, 8, 9]\n",
		 "w.yaml:1:39: vxlan_ports: expected at most 8"},
		{"attach: {ingress: tcx}\n", "w.yaml:1:19: ingress: expected one of: auto native"},
		{"attach: {vlan: yes}\n", "w.yaml:1:16: vlan: expected one of: auto always never"},
		{"count: twice\n", "w.yaml:1:8: count: expected one of: all once lower upper"},
		/* Queries. */
		{"queries:\n  - {match: in}\n", "w.yaml:2:5: query: the key 'name' is missing"},
		{"queries:\n  - {name: q}\n", "w.yaml:2:5: query: the key 'match' is missing"},
		{"queries:\n  - {name: 'a b', match: in}\n",
		 "w.yaml:2:12: name: expected a name of letters"},
		{"queries:\n- {name: q, match: in}\n- {name: q, match: in}\n",
		 "w.yaml:3:10: name: 'q' is given twice"},
		{"queries: [{name: q, match: in, measure: flows}]\n",
		 "w.yaml:1:41: measure: expected packets, bytes or distinct KEY, a KEY of flow, "
		 "src, dst, pair, dport"},
		{ASK("measure: distinct"), "w.yaml:1:41: measure: expected packets, bytes or"},
		{ASK("measure: distinct port"), "w.yaml:1:41: measure: expected packets, bytes"},
		{ASK("measure: {distinct: src}"), "w.yaml:1:41: measure: expected packets"},
		{"queries: [{name: q, match: in, window: 63s}]\n",
		 "w.yaml:1:40: window: expected a duration (500ms, 15s, 2m, 1h) from 1s to 62s"},
		{"queries: [{name: q, match: in, window: 1500ms}]\n",
		 "w.yaml:1:40: window: expected whole seconds"},
		/* Exporters. */
		{"export: {}\n", "w.yaml:1:9: export: expected a list"},
		{"export: [a]\n", "w.yaml:1:10: expected keys and values"},
		{"export:\n  - {domain: 1}\n", "w.yaml:2:5: export: the key 'to' is missing"},
		{EXPORT("udp://h", ""), "w.yaml:2:10: to: 'udp://h' is not an address"},
		{EXPORT("v5+udp://h:0", ""), "w.yaml:2:10: to: '0' is not a port"},
		{"export: [{to: []}]\n", "w.yaml:1:15: to: expected an address"},
		{EXPORT("v5+udp://h", "") "  - {to: \"v5+udp://h\"}\n",
		 "w.yaml:3:10: to: 'v5+udp://h' is given twice"},
		{EXPORT("v5+udp://h", ", biflow: true"),
		 "w.yaml:2:24: biflow: means nothing with v5+udp"},
		{EXPORT("v5+udp://h", ", template_refresh: 1s"), "w.yaml:2:24: template_refresh: "},
		{EXPORT("v9+udp://h", ", ca: /a"), "w.yaml:2:24: ca: means nothing with v9+udp"},
		{EXPORT("v9+udp://h", ", rotate: 1m"), "w.yaml:2:24: rotate: means nothing with"},
		{EXPORT("ipfix+tcp://h", ", template_messages: 1"),
		 "w.yaml:2:27: template_messages: means nothing with ipfix+tcp"},
		{EXPORT("file:/x", ", options_refresh: 1s"), "w.yaml:2:21: options_refresh: "},
		{EXPORT("ipfix+tls://h", ", cert: /a"), "w.yaml:2:5: export: cert and key go"},
		{EXPORT("ipfix+tls://h", ", ca: a"), "w.yaml:2:31: ca: expected an absolute path"},
		{EXPORT("v9+udp://h", ", queue: 1023"),
		 "w.yaml:2:31: queue: expected a number, 1024 to 4194304"},
		{EXPORT("v9+udp://h", ", message: 1023"), "w.yaml:2:33: message: expected"},
		{EXPORT("v9+udp://h", ", message: 65508"),
		 "w.yaml:2:5: message: a datagram has at most 65507 bytes"},
		{EXPORT("file:/x", ", biflow: yes"),
		 "w.yaml:2:29: biflow: expected one of: false true"},
		{EXPORT("file:/x", ", rotate: 0s"), "w.yaml:2:29: rotate: expected a duration"},
		{EXPORT("file:/x", ", size: 1"), "w.yaml:2:21: unknown key 'size'"},
		/* Matches: the column is that of the word in the file, if it can be had. */
		{QUERY("in and prt 5"), "w.yaml:3:19: query 'q': expected a test"},
		{QUERY("\"in and prt 5\""), "w.yaml:3:20: query 'q': expected a test"},
		{QUERY("'in and prt 5'"), "w.yaml:3:20: query 'q': expected a test"},
		{QUERY("\"\\x69n and prt 5\""), "w.yaml:3:12: query 'q': expected a test (in, ip, "
						"tcp, src, host, port, ...), 'not' or '(', got "
						"'prt', at column 8 of the match"},
		{QUERY("|\n      in and\n      prt 5"), "w.yaml:3:12: query 'q': expected a test"},
		{QUERY("in and group x"), "w.yaml:3:25: query 'q': expected the name of a group"},
		{QUERY("tcp and udp"), "w.yaml:3:20: query 'q': can never match"},
		{"inside: []\n", "w.yaml:1:1: the default query 'Q1': can never match"},
	};

	must_refuse_all(cases, COUNT(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_file_is_refused_with_line_and_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
