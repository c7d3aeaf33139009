/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/version.h"
#include "base/clock.h"
#include "config/config_internal.h"
#include "config/schema.h"
#include "weir/query.h"

#define FILE_BYTES_MAX (4u << 20)

#define LOGIN_PORTS "22 or 23 or 21 or 513 or 514 or 512 or 3389 or 5900"

/* The questions of the Stanford monitor. */
#define QUERIES                                                                                    \
	"- {name: Q1, match: (src inside and dst outside) or (src outside and dst inside)}\n"      \
	"- {name: Q2, match: in}\n"                                                                \
	"- {name: Q3, match: in and tcp flags syn and not tcp flags ack}\n"                        \
	"- {name: Q4, match: out and dns query}\n"                                                 \
	"- {name: Q5, match: in and src outside and tcp flags syn and not tcp flags ack and "      \
	"dst port " LOGIN_PORTS "}\n"

/* --- The tables ------------------------------------------------------------------------ */

#define AT(member) offsetof(struct config, member)

static const struct key flow_keys[] = {
	{"idle_timeout", KEY_DURATION, AT(timeouts.idle_ns), .min = WEIR_NS_PER_SEC / 10,
	 .max = HOUR_NS, .standard = "15s",
	 .help = "a flow without a packet for this long is over"},
	{"active_timeout", KEY_DURATION, AT(timeouts.active_ns), .min = WEIR_NS_PER_SEC,
	 .max = HOUR_NS, .standard = "60s",
	 .help = "a flow that has lasted this long is over, and another one begins"},
	{"closed_timeout", KEY_DURATION, AT(timeouts.closed_ns), .max = HOUR_NS, .standard = "2s",
	 .help = "the idle timeout after FIN or RST"},
	{"size", KEY_NUMBER, AT(flow_size), .min = 1024, .max = 1 << 26, .standard = "262144",
	 .unit = "flows", .help = "flows that the cache holds, over all CPUs"},
	{.name = NULL},
};

/* Its keys are in struct config itself. */
static const struct section flow_section = {"flow", 0, flow_keys};

static const struct key_choice tunnels[] = {{"outer", 0}, {"inner", 1}, {}};

static const struct key vxlan_port = {NULL, KEY_NUMBER, .min = 1, .max = 65535};

static bool same_port(const void *a, const void *b)
{
	return *(const __u32 *)a == *(const __u32 *)b;
}

static const struct key query = {NULL, KEY_SECTION, .section = &config_query_section};
static const struct key export = {NULL, KEY_SECTION, .section = &export_section};

static const struct key keys[] = {
	{"interfaces", KEY_LIST, AT(interfaces), .list = &config_interfaces,
	 .without = "that of the default route", .help = "interfaces to measure"},
	{"count", KEY_CHOICE, AT(count), .choices = count_choices, .standard = "all",
	 .help = "which interfaces of a stack (bridge and port, VLAN and parent, bond and member) to "
		 "measure: all (their packets are counted twice), lower or once (only those with "
		 "none of the others below them), upper (only those with none above them)"},
	{"inside", KEY_LIST, AT(scope.inside), .list = &config_inside,
	 .standard = "[10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, \"fc00::/7\"]",
	 .help = "networks on this side; without it the interfaces' own networks, too"},
	{"groups", KEY_NAMED, AT(scope.groups), .list = &config_groups,
	 .kind = "names with lists of prefixes",
	 .help = "names for networks, for group NAME in a match"},
	{"flow", KEY_SECTION, .section = &flow_section, .help = "the flow cache"},
	{"tunnels", KEY_CHOICE, AT(inner), .choices = tunnels, .standard = "outer",
	 .help = "which addresses and ports of a packet in a tunnel make the flow"},
	{"vxlan_ports", KEY_LIST, AT(vxlan_ports), .max = WEIR_VXLAN_PORTS,
	 .standard = "[4789, 8472]",
	 .list = &(const struct key_list){&vxlan_port, sizeof(__u32), AT(vxlan_port_count),
					  .same = same_port},
	 .help = "UDP ports of VXLAN, for tunnels: inner"},
	{"count_own", KEY_BOOLEAN, AT(count_own), .standard = "true",
	 .help = "whether flows and queries count weir's own traffic to collectors and a coordinator; "
		 "false: it is in the counter `own` instead"},
	{"attach", KEY_SECTION, AT(attach), .section = &attach_section, .help = "where to hook in"},
	{"queries", KEY_LIST, AT(queries), .max = WEIR_QUERIES, .standard = QUERIES,
	 .list = &(const struct key_list){&query, sizeof(struct config_query), AT(query_count),
					  .grows = true},
	 .help = "what to count, over windows that slide by the second"},
	{"distinct", KEY_SECTION, AT(distinct), .section = &config_distinct_section,
	 .help = "memory of distinct counts, for the queries that do not say"},
	{"export", KEY_LIST, AT(exports), .max = EXPORTS_MAX, .without = "nowhere",
	 .list = &(const struct key_list){&export, sizeof(struct export_options), AT(export_count)},
	 .help = "where flows go when they are over"},
	{"report", KEY_SECTION, AT(report), .section = &peer_section, .without = "nobody",
	 .help = "the coordinator that weir run reports its queries to"},
	{"coordinate", KEY_SECTION, AT(coordinate), .section = &config_coordinate_section,
	 .help = "what weir coordinate is"},
	{.name = NULL},
};

/* --- What no section shows ------------------------------------------------------------- */

/* Do the queries compile? */
static int try_queries(struct section_reader *r, const struct config *config)
{
	struct weir_tables *tables = calloc(1, sizeof(*tables));
	struct query_error err;
	int code = tables ? config_compile(config, tables, &err) : -ENOMEM;

	free(tables);
	if (code != -EINVAL)
		return code;
	if (err.query < 0)
		return section_refuse(r, (struct section_place){1, 1}, "inside: %s", err.why.text);
	return config_refuse_match(r, &config->queries[err.query], &err);
}

/* Sections come in any order, so what one leaves to another is known only now. */
static int finish(struct section_reader *r, const struct section_seen *seen, void *to)
{
	struct config *config = to;
	int code = config_size_vectors(r, config);

	config->inside_given = section_saw(seen, "inside");
	code = code ? code : config_finish_answers(r, config);
	return code ? code : try_queries(r, config);
}

const struct section config_section = {"", sizeof(struct config), keys, .finish = finish};

void config_free(struct config *config)
{
	section_free(&config_section, config);
}

int config_compile(const struct config *config, struct weir_tables *out, struct query_error *err)
{
	struct query queries[WEIR_QUERIES];

	for (unsigned int i = 0; i < config->query_count; i++)
		queries[i] = (struct query){.expr = config->queries[i].expr, .window = i};
	return query_compile(queries, config->query_count, &config->scope, out, err);
}

void config_set_traffic(const struct config *config, struct weir_tables *out)
{
	out->timeouts = config->timeouts;
	out->inner = config->inner;
	out->leaves_own = !config->count_own;
	for (unsigned int i = 0; i < WEIR_VXLAN_PORTS; i++)
		out->vxlan_port[i] = i < config->vxlan_port_count ? config->vxlan_ports[i]
								  : WEIR_NO_VXLAN_PORT;
}

/* --- Files ----------------------------------------------------------------------------- */

static int fail(struct why *why, const char *name, int code)
{
	return why_set(why, code, "%.512s: %s", name, strerror(-code));
}

int config_read(const char *name, const char *text, size_t size, struct config *out,
		struct why *why)
{
	struct config config = {0};
	int code = schema_read(name, text, size, &config_section, &config, why);

	if (!code) {
		*out = config;
		return 0;
	}
	config_free(&config);
	return code == -EINVAL ? code : fail(why, name, code);
}

int config_default(struct config *out, struct why *why)
{
	return config_read("defaults", "", 0, out, why);
}

/* All of the file, in `text` of FILE_BYTES_MAX. */
static int read_file(FILE *file, char *text, size_t *size)
{
	errno = 0;
	*size = fread(text, 1, FILE_BYTES_MAX, file);
	if (ferror(file))
		return errno ? -errno : -EIO;
	return *size < FILE_BYTES_MAX ? 0 : -EFBIG;
}

const char *config_path(const char *asked)
{
	if (asked)
		return asked;
	return access(WEIR_CONFIG_FILE, F_OK) ? NULL : WEIR_CONFIG_FILE;
}

int config_load(const char *path, struct config *out, struct why *why)
{
	FILE *file;
	char *text;
	size_t size;
	int code;

	if (!path)
		return config_default(out, why);
	file = fopen(path, "re");
	if (!file)
		return fail(why, path, -errno);
	text = malloc(FILE_BYTES_MAX);
	code = text ? read_file(file, text, &size) : -ENOMEM;
	code = code ? fail(why, path, code) : config_read(path, text, size, out, why);
	free(text);
	fclose(file);
	return code;
}
