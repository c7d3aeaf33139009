// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Help and the manual page, both from the list of verbs and the tables of their options. */
#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "base/version.h"
#include "config/coordinate.h"
#include "agent/turns.h"
#include "agent/lock.h"
#include "agent/report.h"
#include "cli/verbs.h"
#include "meter/meter.h"

static const char *const files[][2] = {
	{WEIR_CONFIG_FILE, "configuration, for every verb that reads one"},
	{WEIR_PIN_DIR, "what runs in the kernel, pinned: maps, programs, links"},
	{LOCK_FILE, "lock of the running weir run"},
	{EXPORTS_DIR, "flows that wait for collectors, and which were taken from the kernel; "
		      "outlives the agent"},
	{CONFIG_COORDINATE_SOCKET, "where a coordinator answers weir show answers"},
	{REPORT_FILE, "state of the coordinator session"},
};

static const char *const exits[][2] = {
	{"0", "success"},
	{"1", "failure; one line on standard error says why"},
	{"2", "usage error"},
};

static const char *const keys[][2] = {
	{"interfaces", "list of names; without it that of the default route"},
	{"inside",
	 "list of prefixes on this side; without it RFC 1918, unique local IPv6 addresses "
	 "and the interfaces' own networks"},
	{"groups", "names for lists of prefixes, for group NAME in a match"},
	{"flow.idle_timeout", "a flow without a packet for so long is over (15s)"},
	{"flow.active_timeout", "a flow that lives for so long is over (60s)"},
	{"flow.closed_timeout", "idle timeout after FIN or RST (2s)"},
	{"flow.size", "flows that the cache holds, over all CPUs (262144)"},
	{"tunnels", "outer (default) or inner: which addresses of a tunnelled packet count"},
	{"attach.ingress", "auto (default), native, generic or tc"},
	{"attach.egress", "auto (default), tcx or clsact"},
	{"queries",
	 "list of {name, match, measure: packets, bytes or distinct KEY, window: 1s to 62s, "
	 "distinct: list of KEY}; KEY: flow, src, dst, pair or dport. Or distinct: {keys: "
	 "list of KEY, and size, expect, error as below}. precision: how wide a coordinator's "
	 "answer "
	 "may be, in packets or bytes per second (5) or of the answer (5%, the default)"},
	{"distinct.size", "memory of a distinct count on each CPU, 16KiB to 16MiB; auto (default): "
			  "what the two below need"},
	{"distinct.expect, distinct.error", "so many different keys (100000) are to be told within "
					    "so much, one standard error (1%)"},
	{"export.to", "where flows go, in a list of up to 8: ipfix+udp://HOST[:PORT], v9+udp, "
		      "v5+udp, ipfix+tcp, "
		      "ipfix+tls, or file:PATTERN (strftime(3)); the keys below stand beside it"},
	{"export.domain", "observation domain; source id (v9), engine (v5) (1)"},
	{"export.template_refresh", "UDP: templates again after so long (60s)"},
	{"export.template_messages", "UDP: and after so many messages (4096)"},
	{"export.options_refresh",
	 "interface names, sampling and statistics again after so long (300s); 0s: once a session"},
	{"export.biflow", "IPFIX: true puts both directions in one record (false)"},
	{"export.message",
	 "bytes of a message (UDP: the path's MTU, at most 1500; TCP, TLS: 16384; file: 32768)"},
	{"export.queue", "records that can wait, a power of two (65536)"},
	{"export.ca", "TLS: file of CAs that the collector's certificate is from (the system's)"},
	{"export.cert, export.key", "TLS: files of our certificate and of its key (none)"},
	{"export.rotate", "file: a new one at multiples of so long, local time (300s)"},
	{"export.rotate_size", "file: a new one before it has more bytes (no limit)"},
	{"report.address", "whom weir run, or a coordinator, reports to: tls://HOST[:PORT] or "
			   "tcp://HOST[:PORT] (nobody)"},
	{"report.host, report.name", "its number there, from 1 on, and its name (the machine's)"},
	{"report.ca, report.cert, report.key",
	 "TLS: files of the CAs of the coordinator's certificate, of our certificate and its key"},
	{"report.plain", "true allows tcp:// to leave this machine (false)"},
	{"coordinate.listen",
	 "weir coordinate: list of addresses to listen at (" CONFIG_COORDINATE_LISTEN ")"},
	{"coordinate.ca, coordinate.cert, coordinate.key",
	 "TLS: files of the CAs of hosts' certificates, of our certificate and its key"},
	{"coordinate.plain", "true allows tcp:// on addresses that others reach (false)"},
	{"coordinate.method", "auto (default), adaptive or static: who gets which width"},
	{"coordinate.period, coordinate.shrink",
	 "adaptive: widths shrink every so often (10s) by so much (5%)"},
	{"coordinate.hosts",
	 "numbers of the hosts that may come and that answers wait for (whoever comes)"},
	{"coordinate.forget", "a host that is none of hosts and silent for so long is none (1h)"},
	{"coordinate.connections", "at most so many (20000)"},
	{"coordinate.log", "folder for a file a day of all intervals (none)"},
	{"coordinate.socket", "local socket of weir show answers"},
	{"coordinate.answers", "list of {name, query, hosts: list of numbers, aggregate: sum or "
			       "avg, precision}; without it "
			       "the sum of each query over all hosts"},
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

const struct verb *help_find(const char *name)
{
	for (const struct verb *const *v = verbs; *v; v++)
		if (!strcmp((*v)->name, name))
			return *v;
	return NULL;
}

int help_unknown(const char *name)
{
	log_err("unknown verb '%s' (see 'weir help')", name);
	return CLI_USAGE;
}

void help_overview(FILE *out)
{
	fprintf(out, "usage: weir VERB [OPTION]...\n\n");
	for (const struct verb *const *v = verbs; *v; v++)
		fprintf(out, "  %-10s %s\n", (*v)->name, (*v)->summary);
	fprintf(out, "\n'weir help VERB' shows a verb's options, 'weir --version' the version.\n");
}

static void usage(const struct verb *verb, FILE *out)
{
	fprintf(out, "weir %s%s%s%s", verb->name, verb->options[0].name ? " [OPTION]..." : "",
		*verb->operands ? " " : "", verb->operands);
}

void help_verb(const struct verb *verb, FILE *out)
{
	fprintf(out, "usage: ");
	usage(verb, out);
	fprintf(out, "\n\n%s\n", verb->about);
	if (verb->options[0].name)
		fputc('\n', out);
	options_help(verb->options, out);
}

/* --- troff ----------------------------------------------------------------------------- */

/* A line may not begin with a control character, and - is a hyphen unless escaped. */
static void troff(const char *text, FILE *out)
{
	bool start = true;

	for (const char *c = text; *c; c++) {
		if (c[0] == '\n' && c[1] == '\n') {
			fputs("\n.PP", out);
			continue;
		}
		if (start && (*c == '.' || *c == '\''))
			fputs("\\&", out);
		if (*c == '\\')
			fputs("\\e", out);
		else if (*c == '-')
			fputs("\\-", out);
		else
			fputc(*c, out);
		start = *c == '\n';
	}
}

static void troff_rows(const char *const (*table)[2], size_t rows, const char *font, FILE *out)
{
	for (size_t i = 0; i < rows; i++) {
		fprintf(out, ".TP\n.%s \"", font);
		troff(table[i][0], out);
		fputs("\"\n", out);
		troff(table[i][1], out);
		fputc('\n', out);
	}
}

static void troff_option(const struct cli_option *o, FILE *out)
{
	fputs(".TP\n", out);
	if (o->letter)
		fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
	fputs("\\fB\\-\\-", out);
	troff(o->name, out);
	fputs("\\fR", out);
	if (o->argument)
		fprintf(out, " \\fI%s\\fR", o->argument);
	fputc('\n', out);
	troff(o->help, out);
	fputc('\n', out);
}

static void troff_verb(const struct verb *verb, FILE *out)
{
	bool aligned = strstr(verb->about, "  "); /* a table, not text to be filled */

	fprintf(out, ".SS \"");
	usage(verb, out);
	fputs(aligned ? "\"\n.nf\n" : "\"\n", out);
	troff(verb->about, out);
	fputs(aligned ? "\n.fi\n" : "\n", out);
	for (const struct cli_option *o = verb->options; o->name; o++)
		troff_option(o, out);
}

static void troff_kernel(FILE *out)
{
	fputs(".SH KERNELS\nLinux 5.10 and newer. What one of them lacks is replaced; \\fBweir run "
	      "\\-\\-check\\fR and \\fBweir show status\\fR say what the running one gives.\n",
	      out);
	for (int f = 0; f < METER_FEATURES; f++) {
		const struct meter_feature *feature = &meter_features[f];

		fputs(".TP\n.B \"", out);
		troff(feature->name, out);
		fprintf(out, feature->since ? " (%s)\"\n" : "\"\n", feature->since);
		troff(feature->with, out);
		fputs(". Without it: ", out);
		troff(feature->without, out);
		fputc('\n', out);
	}
}

void help_manual(FILE *out)
{
	fprintf(out,
		".\\\" Made by weir help --man from its own tables.\n"
		".TH WEIR 8 \"\" \"weir %s\" \"System administration\"\n"
		".SH NAME\nweir \\- measure network traffic in the kernel\n"
		".SH SYNOPSIS\n",
		WEIR_VERSION);
	for (const struct verb *const *v = verbs; *v; v++) {
		fprintf(out, "%s.B weir %s\n", v == verbs ? "" : ".br\n", (*v)->name);
		if ((*v)->options[0].name)
			fputs("[\\fIOPTION\\fR]...\\&\n", out);
		if (*(*v)->operands) {
			troff((*v)->operands, out);
			fputc('\n', out);
		}
	}
	fputs(".SH DESCRIPTION\nweir counts the packets of network interfaces in the kernel, by "
	      "XDP "
	      "and TC programs:\nin flows, and by queries over sliding windows. It changes and "
	      "delays no packet.\n.SH VERBS\n",
	      out);
	for (const struct verb *const *v = verbs; *v; v++)
		troff_verb(*v, out);
	fputs(".SH \"EXIT STATUS\"\n", out);
	troff_rows(exits, ROWS(exits), "B", out);
	fputs(".SH FILES\n", out);
	troff_rows(files, ROWS(files), "I", out);
	fputs(".SH CONFIGURATION\nYAML. Keys that weir does not know are refused.\n", out);
	troff_rows(keys, ROWS(keys), "B", out);
	troff_kernel(out);
	fputs(".SH \"SEE ALSO\"\n.BR pcap\\-filter (7),\n.BR tc (8),\n.BR bpftool (8)\n", out);
}

/* --- The verb -------------------------------------------------------------------------- */

struct asked {
	bool manual;
};

static const struct cli_option options[] = {
	{.name = "man",
	 .kind = CLI_FLAG,
	 .at = offsetof(struct asked, manual),
	 .help = "print the manual page weir(8), in troff"},
	{},
};

static int run(int argc, char **argv)
{
	struct asked asked = {};
	int at = options_parse(options, argc, argv, &asked);
	const struct verb *verb = NULL;

	if (at < 0)
		return CLI_USAGE;
	if (argc - at > 1 || (asked.manual && at < argc))
		return options_refuse(argv[0], "one verb at a time");
	if (at < argc) {
		verb = help_find(argv[at]);
		if (!verb)
			return help_unknown(argv[at]);
	}
	if (asked.manual)
		help_manual(stdout);
	else if (verb)
		help_verb(verb, stdout);
	else
		help_overview(stdout);
	return fflush(stdout) ? CLI_FAILED : CLI_OK;
}

const struct verb verb_help = {
	.name = "help",
	.operands = "[VERB]",
	.summary = "show help",
	.about = "The same as weir VERB --help.",
	.options = options,
	.run = run,
};
