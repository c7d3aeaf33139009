// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/net/certs.h"
#include "unit/export/collector.h"

/* Two CAs, a server and a client of the first, and files for the exporter. */
struct scene {
	struct identity ca, other, server, client;
	char folder[64], ca_file[80], other_file[80], cert_file[80], key_file[80];
	SSL_CTX *context;
	struct collector *collector;
	struct subject subject;
};

static int set_scene(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	*state = s;
	snprintf(s->folder, sizeof(s->folder), "/tmp/weir-test-tls-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->ca_file, sizeof(s->ca_file), "%s/ca", s->folder);
	snprintf(s->other_file, sizeof(s->other_file), "%s/other", s->folder);
	snprintf(s->cert_file, sizeof(s->cert_file), "%s/cert", s->folder);
	snprintf(s->key_file, sizeof(s->key_file), "%s/key", s->folder);
	s->ca = identity_make("a CA", NULL, NULL);
	s->other = identity_make("another CA", NULL, NULL);
	s->server = identity_make("server", "IP:127.0.0.1", &s->ca);
	s->client = identity_make("client", NULL, &s->ca);
	identity_write(&s->ca, s->ca_file, NULL);
	identity_write(&s->other, s->other_file, NULL);
	identity_write(&s->client, s->cert_file, s->key_file);
	s->collector = collector_new();
	return 0;
}

static int clear_scene(void **state)
{
	struct scene *s = *state;

	collector_free(s->collector);
	SSL_CTX_free(s->context);
	subject_free(&s->subject);
	identity_free(&s->ca);
	identity_free(&s->other);
	identity_free(&s->server);
	identity_free(&s->client);
	unlink(s->ca_file);
	unlink(s->other_file);
	unlink(s->cert_file);
	unlink(s->key_file);
	rmdir(s->folder);
	free(s);
	return 0;
}

static void listen_with(struct scene *s, const struct identity *server,
			const struct identity *clients)
{
	s->context = server_context(server, clients);
	collector_start_tcp(s->collector, 0, s->context);
	subject_init(&s->subject, "ipfix+tls", s->collector->port);
}

static void present_certificate(struct scene *s)
{
	s->subject.options.cert = strdup(s->cert_file);
	s->subject.options.key = strdup(s->key_file);
}

static void assert_delivers(struct scene *s)
{
	struct subject *e = &s->subject;

	subject_open(e);
	subject_put(e, 0, 20000);
	collector_wait(s->collector, 20000);
	assert_int_equal(exporter_flush(e->exporter, now_ns() + 30 * SEC), 0);
	subject_put(e, 20000, 40000);
	assert_int_equal(subject_close(e), 0);
	collector_wait(s->collector, 40000);
	collector_assert_exactly_once(s->collector, 40000);
	assert_int_equal(collector_counts(s->collector).gaps, 0);
	assert_int_equal(collector_counts(s->collector).cut, 0);
	assert_int_equal(collector_counts(s->collector).sessions, 1);
}

/* It is refused with this error, and nothing is sent. */
static void assert_refused(struct scene *s, const char *why)
{
	struct exporter_state state;
	char peer[32];

	subject_open(&s->subject);
	subject_put(&s->subject, 0, 1000);
	subject_wait_phase(&s->subject, QUEUE_REFUSED);
	state = subject_state(&s->subject);
	snprintf(peer, sizeof(peer), "127.0.0.1:%u: ", s->collector->port);
	assert_memory_equal(state.error, peer, strlen(peer));
	if (!strstr(state.error, why))
		fail_msg("%s\ninstead of %s", state.error, why);
	assert_int_equal(state.queued.records, 1000);
	assert_int_equal(exporter_close(s->subject.exporter, now_ns()), 1000);
	assert_int_equal(collector_counts(s->collector).flows, 0);
}

static void both_sides_know_each_other_and_records_arrive(void **state)
{
	struct scene *s = *state;

	listen_with(s, &s->server, &s->ca);
	s->subject.options.ca = strdup(s->ca_file);
	present_certificate(s);
	assert_delivers(s);
}

static void tls_1_2_will_do(void **state)
{
	struct scene *s = *state;

	listen_with(s, &s->server, &s->ca);
	SSL_CTX_set_max_proto_version(s->context, TLS1_2_VERSION);
	s->subject.options.ca = strdup(s->ca_file);
	present_certificate(s);
	assert_delivers(s);
}

static void tls_1_1_will_not(void **state)
{
	struct scene *s = *state;

	listen_with(s, &s->server, NULL);
	SSL_CTX_set_security_level(s->context, 0);
	SSL_CTX_set_min_proto_version(s->context, TLS1_1_VERSION);
	SSL_CTX_set_max_proto_version(s->context, TLS1_1_VERSION);
	s->subject.options.ca = strdup(s->ca_file);
	assert_refused(s, "alert protocol version");
}

/* Longer than a TLS record may be. */
static void a_message_may_be_several_tls_records(void **state)
{
	struct scene *s = *state;

	listen_with(s, &s->server, NULL);
	s->subject.options.ca = strdup(s->ca_file);
	s->subject.options.message_bytes = 65535;
	assert_delivers(s);
}

static void a_server_that_issues_no_tickets_is_served_too(void **state)
{
	struct scene *s = *state;

	listen_with(s, &s->server, NULL);
	SSL_CTX_set_num_tickets(s->context, 0);
	s->subject.options.ca = strdup(s->ca_file);
	assert_delivers(s);
}

static void a_server_of_another_ca_is_refused(void **state)
{
	struct scene *s = *state;

	listen_with(s, &s->server, NULL);
	s->subject.options.ca = strdup(s->other_file);
	assert_refused(s, ": the certificate: unable to get local issuer certificate");
}

static void the_systems_cas_do_not_know_ours(void **state)
{
	struct scene *s = *state;

	listen_with(s, &s->server, NULL);
	assert_refused(s, ": the certificate: ");
}

static void a_server_of_another_name_is_refused(void **state)
{
	struct scene *s = *state;
	struct identity elsewhere = identity_make("s", "DNS:elsewhere,IP:192.0.2.1", &s->ca);

	listen_with(s, &elsewhere, NULL);
	s->subject.options.ca = strdup(s->ca_file);
	assert_refused(s, ": the certificate: IP address mismatch");
	identity_free(&elsewhere);
}

static void a_name_is_checked_as_well_as_an_address(void **state)
{
	struct scene *s = *state;
	struct identity named = identity_make("s", "DNS:localhost", &s->ca);
	char to[64];

	listen_with(s, &named, NULL);
	subject_free(&s->subject);
	snprintf(to, sizeof(to), "ipfix+tls://localhost:%u", s->collector->port);
	subject_init_to(&s->subject, to);
	s->subject.options.ca = strdup(s->ca_file);
	assert_delivers(s);
	identity_free(&named);
}

static void without_a_certificate_the_server_turns_us_down_and_nothing_is_lost(void **state)
{
	struct scene *s = *state;

	listen_with(s, &s->server, &s->ca);
	s->subject.options.ca = strdup(s->ca_file);
	assert_refused(s, "alert certificate required");
}

static void a_certificate_of_another_ca_is_turned_down(void **state)
{
	struct scene *s = *state;

	listen_with(s, &s->server, &s->other);
	s->subject.options.ca = strdup(s->ca_file);
	present_certificate(s);
	assert_refused(s, "alert unknown ca");
}

static void files_that_are_not_there_are_named_at_once(void **state)
{
	struct scene *s = *state;
	struct why why = {};
	struct exporter *e;

	subject_init(&s->subject, "ipfix+tls", 1);
	s->subject.options.ca = strdup("/nonexistent/ca.pem");
	assert_true(exporter_open(&s->subject.options, &s->subject.facts, NULL, NULL, &e, &why) <
		    0);
	assert_non_null(strstr(why.text, "/nonexistent/ca.pem: "));
}

static void a_collector_that_restarts_gets_a_new_session(void **state)
{
	struct scene *s = *state;
	struct subject *e = &s->subject;

	listen_with(s, &s->server, NULL);
	e->options.ca = strdup(s->ca_file);
	subject_open(e);
	subject_put(e, 0, 1000);
	collector_wait(s->collector, 1000);
	assert_int_equal(exporter_flush(e->exporter, now_ns() + 30 * SEC), 0);
	collector_stop(s->collector);
	subject_wait_errors(e, 1);
	subject_put(e, 1000, 2000);
	collector_start_tcp(s->collector, s->collector->port, s->context);
	collector_wait(s->collector, 2000);
	assert_int_equal(subject_close(e), 0);
	collector_assert_exactly_once(s->collector, 2000);
	assert_int_equal(collector_counts(s->collector).sessions, 2);
	assert_int_equal(collector_counts(s->collector).gaps, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_scene, clear_scene)
	const struct CMUnitTest tests[] = {
		TEST(both_sides_know_each_other_and_records_arrive),
		TEST(tls_1_2_will_do),
		TEST(tls_1_1_will_not),
		TEST(a_message_may_be_several_tls_records),
		TEST(a_server_that_issues_no_tickets_is_served_too),
		TEST(a_server_of_another_ca_is_refused),
		TEST(the_systems_cas_do_not_know_ours),
		TEST(a_server_of_another_name_is_refused),
		TEST(a_name_is_checked_as_well_as_an_address),
		TEST(without_a_certificate_the_server_turns_us_down_and_nothing_is_lost),
		TEST(a_certificate_of_another_ca_is_turned_down),
		TEST(files_that_are_not_there_are_named_at_once),
		TEST(a_collector_that_restarts_gets_a_new_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
