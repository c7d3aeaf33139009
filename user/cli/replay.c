// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The text of weir replay. What it does is in an executable of its own, user/replay.c. */
#include "cli/replay.h"

#include "cli/libexec.h"
#include "cli/verbs.h"

static const struct cli_option options[] = {
	{.letter = 'c',
	 .name = "config",
	 .argument = "FILE",
	 .kind = CLI_TEXT,
	 .at = offsetof(struct replay_asked, config),
	 .help = "queries, inside, timeouts from FILE (default: the built-in ones)"},
	{.name = "flows",
	 .kind = CLI_FLAG,
	 .at = offsetof(struct replay_asked, flows),
	 .help = "print the flows as JSON Lines instead of the totals"},
	{.name = "export",
	 .argument = "URL",
	 .kind = CLI_LIST,
	 .at = offsetof(struct replay_asked, to),
	 .help = "send the flows to a collector (ipfix+udp://HOST:PORT, v9+udp, v5+udp, ipfix+tcp, "
		 "ipfix+tls) or write them (file:PATTERN); repeatable"},
	OPTION_JSON(struct replay_asked, "print the totals as one JSON object"),
	{},
};

const struct verb verb_replay = {
	.name = "replay",
	.operands = "CAPTURE...",
	.summary = "run captures through the kernel programs, on their own clock",
	.about =
		"Feeds pcap and pcapng files to the programs that weir run attaches, and prints totals\n"
		"and queries, or the flows. Needs no interface. Files may be compressed with gzip or zstd;\n"
		"- is standard input. The same captures give the same output each time.\n\n"
		"Link types: Ethernet, Linux cooked, raw IP, BSD loopback, PPP, PPPoE, Cisco HDLC, frame\n"
		"relay, 802.11 (data frames; also with radiotap, Prism, AVS, PPI), NFLOG, PFLOG, PKTAP,\n"
		"switch tags of Linux DSA, MPLS, FDDI, LLC on ATM, and some more. A link header other than\n"
		"Ethernet's counts as 14 bytes.\n\n"
		"A capture that is cut off, damaged or not of these link types gets one line and exit\n"
		"status 1; the packets before the damage, and the other captures, are still counted.\n\n"
		"For a time that the capture does not tell, --export has 0.",
	.options = options,
	.run = libexec_run,
};
