// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view/kernel.h"

#include <stdbool.h>
#include <string.h>

static bool is_used(const struct meter_kernel *k, enum meter_feature_id f)
{
	return k->given[f] == METER_GIVES && !k->unused[f];
}

/* What weir makes of it: with it, or without. */
static const char *means(const struct meter_kernel *k, enum meter_feature_id f)
{
	return is_used(k, f) ? meter_features[f].with : meter_features[f].without;
}

/* Why it is missing if the kernel's age is not the reason; NULL. A kernel function is called by the
 * kernel's BTF, and from machine code. */
static const char *other_reason(const struct meter_kernel *k, enum meter_feature_id f)
{
	if (f != FEATURE_VLAN || k->given[f] != METER_LACKS)
		return NULL;
	return k->no_btf ? "no BTF" : k->given[FEATURE_JIT] == METER_LACKS ? "no JIT" : NULL;
}

static void add_lack(const struct meter_kernel *k, enum meter_feature_id f, bool first,
		     char out[KERNEL_LACKS_BYTES])
{
	const struct meter_feature *feature = &meter_features[f];
	const char *why = other_reason(k, f);
	const size_t used = strlen(out);
	char since[24] = "";

	if (why)
		snprintf(since, sizeof(since), " (%s)", why);
	else if (feature->since)
		snprintf(since, sizeof(since), " (Linux %s)", feature->since);
	snprintf(out + used, KERNEL_LACKS_BYTES - used, "%s %s%s: %s",
		 first ? "this kernel has no" : "; no", feature->name, since, feature->without);
}

unsigned int kernel_lacks(const struct meter_kernel *k, char out[KERNEL_LACKS_BYTES])
{
	unsigned int count = 0;

	out[0] = '\0';
	for (int f = 0; f < METER_FEATURES; f++)
		if (meter_features[f].said && k->given[f] == METER_LACKS)
			add_lack(k, f, !count++, out);
	return count;
}

static const char *answer(const struct meter_kernel *k, enum meter_feature_id f)
{
	return k->given[f] == METER_UNTOLD  ? "?"
	       : k->given[f] == METER_LACKS ? "no"
	       : k->unused[f]               ? "off"
					    : "yes";
}

static void print_feature(const struct meter_kernel *k, enum meter_feature_id f, FILE *out)
{
	const char *since = meter_features[f].since, *why = other_reason(k, f);

	fprintf(out, "  %-17s %4s%s  %-3s  %s", meter_features[f].name, since ? since : "",
		since ? "+" : " ", answer(k, f),
		k->given[f] == METER_UNTOLD ? "we may not ask" : means(k, f));
	if (why)
		fprintf(out, " (%s)", why);
	fputc('\n', out);
}

/* Of adopted programs kernels before 5.16 do not tell. */
static void print_verified(const struct meter_kernel *k, FILE *out)
{
	const char *title = "verifier";

	for (int i = 0; i < PROG_MAX; i++) {
		if (!k->verified[i])
			continue;
		fprintf(out, "%-11s %-11s %6u of %d instructions\n", title, meter_prog_names[i],
			k->verified[i], METER_INSNS_MAX);
		title = "";
	}
}

void kernel_text(const struct meter_kernel *k, FILE *out)
{
	fprintf(out, "kernel      Linux %s\n", k->release);
	for (int f = 0; f < METER_FEATURES; f++)
		print_feature(k, f, out);
	print_verified(k, out);
}

static json_t *feature_json(const struct meter_kernel *k, enum meter_feature_id f)
{
	const struct meter_feature *feature = &meter_features[f];
	const bool told = k->given[f] != METER_UNTOLD;

	return json_pack("{s:s, s:s?, s:o, s:o, s:s?}", "name", feature->name, "linux",
			 feature->since, "given",
			 told ? json_boolean(k->given[f] == METER_GIVES) : json_null(), "used",
			 told ? json_boolean(is_used(k, f)) : json_null(), "means",
			 told ? means(k, f) : NULL);
}

json_t *kernel_json(const struct meter_kernel *k)
{
	json_t *features = json_object(), *programs = json_object();

	for (int f = 0; f < METER_FEATURES; f++)
		json_object_set_new(features, meter_features[f].key, feature_json(k, f));
	for (int i = 0; i < PROG_MAX; i++)
		json_object_set_new(programs, meter_prog_names[i],
				    k->verified[i] ? json_integer(k->verified[i]) : json_null());
	return json_pack("{s:s, s:b, s:o, s:{s:i, s:o}}", "release", k->release, "btf",
			 (int)!k->no_btf, "features", features, "verifier", "limit",
			 METER_INSNS_MAX, "programs", programs);
}
