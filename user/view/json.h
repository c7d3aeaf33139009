/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The JSON that weir prints and serves: one dialect, made of the pieces below.
 *
 *   schema    each line is an object that begins with "weir": JSON_SCHEMA, which json_line() adds.
 *             It goes up when a key changes its meaning or its type, not when one is added
 *   times     RFC 3339 in UTC, "2026-11-22T01:58:29.125Z"; where programs will reckon with one, the
 *             same name with _ns beside it, in nanoseconds of Unix time. Durations have their unit in
 *             the name (window_s, covered_s, uptime_s)
 *   traffic   {packets, bytes} is a count, {packets_per_second, bits_per_second} a rate, {messages,
 *             bytes} what a process sent or received
 *   unknown   null. A key is always there, and never another type than in another verb; lists are
 *             lists even when they are empty
 *   names     `query` is a query's name in every place; `flows` the cache's, `flow_count` a number of
 *             flows; `queries` the list, `query_count` a number; `distinct` an object by key. No word
 *             that SQL reserves (window, end, group, order)
 *
 * Each function returns a new value, or NULL when there is no memory, which json_pack() and
 * json_line() pass on.
 */
#ifndef VIEW_JSON_H
#define VIEW_JSON_H

#include <jansson.h>
#include <stdio.h>

#include "base/json_text.h"
#include "view/snapshot.h"

#define JSON_SCHEMA 1

/* Prints the object as one line, and takes it. -ENOMEM. What `out` could not
 * take, ferror() tells. */
int json_line(json_t *object, FILE *out);

/* A time with this many digits of its fraction (3, 6, 9; 0 for whole seconds). */
json_t *json_time(__u64 unix_ns, unsigned int digits);
/* null for 0: it never happened. */
json_t *json_time_or_null(__u64 unix_ns, unsigned int digits);
/* null for 0, as well. */
json_t *json_ns(__u64 unix_ns);
/* NAME and NAME_ns. */
int json_set_time(json_t *object, const char *name, __u64 unix_ns, unsigned int digits);

/* null for NULL and "". */
json_t *json_text_or_null(const char *text);

/* Appends the value and takes it. What cannot be had is missed by json_line(): *list is NULL then. */
void json_add(json_t **list, json_t *value);

/* {packets bytes} */
json_t *json_counts(const struct weir_count *count);
/* {packets_per_second bits_per_second} of a sum over `seconds`; null where that is 0. */
json_t *json_rates(const struct weir_count *sum, double seconds);
/* {messages bytes} */
json_t *json_traffic(__u64 messages, __u64 bytes);
/* All counters by name, {packets bytes} each. */
json_t *json_books(const struct weir_books *books);

/* {query match measure window_s covered_s last: rates average: rates distinct}. Of the window
 * covered_s were counted, which `average` is over. */
json_t *json_query(const struct snapshot_query *query);

/*
 * Of a snapshot. What it does not have is null.
 *
 * json_interface()   {name ifindex state why ingress: {hook why} egress: {hook why}
 *                    counted_twice_with: [name]}; `state`: attached, detached, gone, absent,
 *                    foreseen, refused or left_out, and `why` that is
 * json_flows()       {live resident capacity evicted}
 * json_vectors()     {count bytes}
 * json_exporters()   a list of exporting_json()
 * json_reporting()   reporting_json(), null where it reports to nobody
 */
json_t *json_interface(const struct snapshot *s, unsigned int interface);
json_t *json_interfaces(const struct snapshot *s);
json_t *json_flows(const struct snapshot *s);
json_t *json_vectors(const struct snapshot *s);
json_t *json_exporters(const struct snapshot *s);
json_t *json_reporting(const struct snapshot *s);

/* What weir run prints each second and serves at its socket: {time time_ns uptime_s interfaces
 * exporters report queries: [json_query() and reported: {as_of as_of_ns value}] counters flows}. */
json_t *json_second(const struct snapshot *s);
/* And when it stops: {stopped exporters seen counters cached flow_count conserved}. */
json_t *json_stopped(const struct snapshot *s);
/* weir show status, losses. Of the latter, `cached` is in `flow_count` flows of the cache; between
 * `at_least` and `at_most` is accounted for. */
json_t *json_status(const struct snapshot *s);
json_t *json_losses(const struct snapshot *s);
/* weir run --check: of the status what a start would come to, {config refused} besides. */
struct check_facts {
	const char *config;  /* its file; NULL: the built-in defaults */
	bool pinned;         /* something runs already */
	const char *refused; /* why not all would work; NULL */
};
json_t *json_check(const struct snapshot *s, const struct check_facts *facts);

/* Of what another process of weir said: 0 or "" where the object does not have it. */
__u64 json_number_of(const json_t *object, const char *key);
const char *json_text_of(const json_t *object, const char *key);

#endif
