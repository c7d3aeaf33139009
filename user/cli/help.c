// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Help and the manual page, both from the list of verbs and the tables of their options. */
#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "base/version.h"
#include "config/config.h"
#include "agent/turns.h"
#include "agent/lock.h"
#include "view/snapshot.h"
#include "cli/verbs.h"
#include "flow/fields.h"
#include "meter/meter.h"

static const char *const files[][2] = {
	{WEIR_CONFIG_FILE, "configuration, for every verb that reads one"},
	{WEIR_PIN_DIR, "what runs in the kernel, pinned: maps, programs, links"},
	{LOCK_FILE, "lock of the running weir run"},
	{EXPORTS_DIR, "flows that wait for collectors, and which were taken from the kernel; "
		      "outlives the agent"},
	{CONFIG_COORDINATE_SOCKET, "where a coordinator answers weir show answers"},
	{SNAPSHOT_SOCKET, "where weir run answers weir show: exporters, coordinator session"},
};

static const char *const exits[][2] = {
	{"0", "success"},
	{"1", "failure; one line on standard error says why"},
	{"2", "usage error"},
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

/* The path of a key, its default, what it does, what it takes. */
static void troff_key(void *context, const char *path, const struct key *key)
{
	const char *standard = key->standard ? key->standard : key->without;
	const char *block = standard ? strchr(standard, '\n') : NULL;
	char kind[SECTION_KIND_BYTES];
	FILE *out = context;

	fprintf(out, ".TP\n\\fB%s\\fR", path);
	if (key->required || (standard && !block)) {
		fputs(" (", out);
		troff(key->required ? "required" : standard, out);
		fputc(')', out);
	}
	fputc('\n', out);
	troff(key->help, out);
	if (key->type == KEY_LIST && key->list->item->section) {
		fputs(". Takes a list; each has the keys below", out);
	} else if (key->type != KEY_SECTION) {
		fputs(". Takes ", out);
		fputs(key->type == KEY_LIST || key->type == KEY_SET ? "a list, each " : "", out);
		troff(section_kind(key, kind), out);
	}
	fputs(block ? ". The default:\n.nf\n" : "\n", out);
	if (block) {
		troff(standard, out);
		fputs(".fi\n", out);
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

static void troff_fields(FILE *out)
{
	fputs(".SH FLOWS\nA flow in JSON has these keys; those that are unknown are 0, null or "
	      "left out. A time has beside it the same key with _ns, in nanoseconds of Unix time. A "
	      "flow whose record holds both directions has \\fBreverse\\fR, an object of the keys "
	      "from \\fBpackets\\fR to \\fBend_reason\\fR.\n",
	      out);
	for (unsigned int i = 0; i < FIELD_MAX; i++) {
		if (flow_field_is_reverse(i))
			continue;
		fprintf(out, ".TP\n.B %s\n", flow_fields[i].name);
		troff(flow_fields[i].text, out);
		fputc('\n', out);
	}
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
	fputs(".SH CONFIGURATION\nYAML; a key that weir does not know is refused. In parentheses "
	      "is what holds where a key is left out.\n",
	      out);
	section_walk(&config_section, "", troff_key, out);
	troff_fields(out);
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
	return CLI_OK;
}

const struct verb verb_help = {
	.name = "help",
	.operands = "[VERB]",
	.summary = "show help",
	.about = "The same as weir VERB --help.",
	.options = options,
	.run = run,
};
