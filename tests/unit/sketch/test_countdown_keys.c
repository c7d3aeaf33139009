// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which cells keys fall in. Keys of real traffic are structured, and must be counted as random ones
 * are. Every test draws from a fixed seed, so that it gives the same result each time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "unit/sketch/vectors.h"

static void draw_seeds(uint64_t *seeds, uint64_t *random)
{
	for (int i = 0; i < WEIR_DISTINCT_SEEDS; i++)
		seeds[i] = draw(random);
}

struct packet {
	struct weir_flow_key key;
	struct weir_pair6 pair;
};

static struct packet packet_of(uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport)
{
	return (struct packet){
		.key =
			{
				.addrs = weir_key_addrs(weir_be32(src), weir_be32(dst)),
				.rest = weir_key_rest(weir_be16(sport), weir_be16(dport), 6, 0, 0),
			},
	};
}

static struct packet packet6_of(uint64_t src_low, uint64_t dst_low)
{
	struct packet packet = {
		.pair.word =
			{
				weir_be64(0x20010db800010000),
				weir_be64(src_low),
				weir_be64(0x20010db800020000),
				weir_be64(dst_low),
			},
	};

	packet.key.addrs = weir_fold6(&packet.pair);
	packet.key.rest = weir_key_rest(weir_be16(1234), weir_be16(443), 6, WEIR_KEY_V6, 0);
	return packet;
}

static uint64_t hash_of(enum weir_distinct distinct, const struct packet *p, const uint64_t *seeds)
{
	const __u64 *words = (const void *)seeds;

	return weir_distinct_hash(distinct, &p->key, p->key.flags & WEIR_KEY_V6 ? &p->pair : NULL,
				  words);
}

static struct packet addresses_in_a_row(uint32_t i)
{
	return packet_of(0x0a000000 + i, 0xc0a80001, 1234, 443);
}

static struct packet addresses_in_steps_of_256(uint32_t i)
{
	return packet_of(0x0a000000 + i * 256, 0xc0a80001, 1234, 443);
}

static struct packet destinations_in_steps_of_65536(uint32_t i)
{
	return packet_of(0x0a000001, i << 16 | i >> 16, 1234, 443);
}

static struct packet ports_in_a_row(uint32_t i)
{
	return packet_of(0x0a000001, 0xc0a80001, i, 443 + (i >> 16));
}

static struct packet services_in_a_row(uint32_t i)
{
	return packet_of(0x0a000001, 0xc0a80001, 1234, i);
}

static struct packet nets_of_addresses_and_ports(uint32_t i)
{
	return packet_of(0x0a000000 + i % 250, 0xc0a80000 + i / 250 % 16, 1024 + i / 4000, 80);
}

static struct packet addresses6_in_a_row(uint32_t i)
{
	return packet6_of(1 + i, 1);
}

static struct packet addresses6_of_many_nets(uint32_t i)
{
	struct packet packet = packet6_of(1, 1);

	packet.pair.word[2] += weir_be64(i << 8);
	return packet;
}

static const struct {
	const char *name;
	enum weir_distinct distinct;
	struct packet (*packet)(uint32_t);
} structures[] = {
	{"addresses in a row", WEIR_DISTINCT_SRC, addresses_in_a_row},
	{"pairs in a row", WEIR_DISTINCT_PAIR, addresses_in_a_row},
	{"addresses in steps of 256", WEIR_DISTINCT_SRC, addresses_in_steps_of_256},
	{"destinations in steps of 65536", WEIR_DISTINCT_DST, destinations_in_steps_of_65536},
	{"ports in a row", WEIR_DISTINCT_FLOW, ports_in_a_row},
	{"services in a row", WEIR_DISTINCT_DPORT, services_in_a_row},
	{"nets of addresses and ports", WEIR_DISTINCT_FLOW, nets_of_addresses_and_ports},
	{"IPv6 addresses in a row", WEIR_DISTINCT_SRC, addresses6_in_a_row},
	{"IPv6 flows in a row", WEIR_DISTINCT_FLOW, addresses6_in_a_row},
	{"IPv6 nets in a row", WEIR_DISTINCT_DST, addresses6_of_many_nets},
};

#define STRUCTURES (sizeof(structures) / sizeof(structures[0]))

/* Sum of squares of `n` standard normal numbers: 1 in 10,000 is outside at either end (Wilson,
 * Hilferty 1931). */
static bool chi_square_is_plausible(double sum, double n)
{
	double by = 2 / (9 * n), low = pow(1 - by - 3.72 * sqrt(by), 3),
	       high = pow(1 - by + 3.72 * sqrt(by), 3);

	return sum > n * low && sum < n * high;
}

/* As of balls thrown into bins: too even is as wrong as too uneven. */
static void structured_keys_occupy_cells_as_chance_has_it(void **state)
{
	enum {
		VECTORS = 40,
		KEYS = 40000
	};
	static uint8_t taken[SLAB_CELLS];
	const double b = SLAB_CELLS, load = KEYS / b;
	const double mean = b * exp(-load),
		     sd = sqrt(b * exp(-load) * (1 - (1 + load) * exp(-load)));

	for (size_t s = 0; s < STRUCTURES; s++) {
		uint64_t random = s, seeds[WEIR_DISTINCT_SEEDS];
		double squares = 0;

		for (int v = 0; v < VECTORS; v++) {
			int empty = SLAB_CELLS;

			draw_seeds(seeds, &random);
			memset(taken, 0, sizeof(taken));
			for (uint32_t i = 0; i < KEYS; i++) {
				struct packet packet = structures[s].packet(i);
				uint64_t hash = hash_of(structures[s].distinct, &packet, seeds);
				struct weir_cell cell = weir_cell_of(hash, 1);
				uint8_t *at = &taken[cell.line * WEIR_CELLS + cell.byte * 2 +
						     (cell.mask == 0xf0)];

				empty -= !*at;
				*at = 1;
			}
			squares += (empty - mean) / sd * ((empty - mean) / sd);
		}
		if (!chi_square_is_plausible(squares, VECTORS))
			fail_msg("%s: %.1f of %d", structures[s].name, squares, VECTORS);
	}
}

static void keys_that_collide_under_one_seed_do_not_under_another(void **state)
{
	enum {
		KEYS = 20000,
		SEEDS = 8
	};
	static uint32_t first_key[SLAB_CELLS];
	uint64_t random = 5, seeds[SEEDS][WEIR_DISTINCT_SEEDS];
	int pairs = 0, again = 0;

	for (int s = 0; s < SEEDS; s++)
		draw_seeds(seeds[s], &random);
	for (uint32_t i = 1; i <= KEYS; i++) {
		struct packet packet = addresses_in_a_row(i), other;
		struct weir_cell cell =
			weir_cell_of(hash_of(WEIR_DISTINCT_SRC, &packet, seeds[0]), 1);
		uint32_t *at =
			&first_key[cell.line * WEIR_CELLS + cell.byte * 2 + (cell.mask == 0xf0)];

		if (!*at) {
			*at = i;
			continue;
		}
		other = addresses_in_a_row(*at);
		for (int s = 1; s < SEEDS; s++) {
			struct weir_cell a, b;

			a = weir_cell_of(hash_of(WEIR_DISTINCT_SRC, &packet, seeds[s]), 1);
			b = weir_cell_of(hash_of(WEIR_DISTINCT_SRC, &other, seeds[s]), 1);
			again += a.line == b.line && a.byte == b.byte && a.mask == b.mask;
			pairs++;
		}
	}
	/* Some 36,000 pairs, of which 1 in 30,720 meets again. */
	assert_in_range(pairs, 30000, 50000);
	assert_in_range(again, 0, 8);
}

static void a_kind_of_value_is_told_by_its_own_fields_only(void **state)
{
	static const struct {
		const char *field;
		bool matters[WEIR_DISTINCT_MAX]; /* flow, src, dst, pair, dport */
	} fields[] = {
		{"src", {1, 1, 0, 1, 0}},   {"dst", {1, 0, 1, 1, 0}},
		{"sport", {1, 0, 0, 0, 0}}, {"dport", {1, 0, 0, 0, 1}},
		{"proto", {1, 0, 0, 0, 0}}, {"out", {0, 0, 0, 0, 0}},
		{"vlan", {0, 0, 0, 0, 0}},  {"ifindex", {0, 0, 0, 0, 0}},
	};
	uint64_t random = 9, seeds[WEIR_DISTINCT_SEEDS];

	draw_seeds(seeds, &random);
	for (size_t f = 0; f < 2 * sizeof(fields) / sizeof(fields[0]); f++) {
		bool v6 = f & 1;
		struct packet a = v6 ? packet6_of(1, 2) : packet_of(1, 2, 3, 4), b = a;

		switch (f / 2) {
		case 0:
			b.key.src4 ^= v6 ? 0 : 1;
			b.pair.src[15] ^= 1;
			break;
		case 1:
			b.key.dst4 ^= v6 ? 0 : 1;
			b.pair.dst[0] ^= 1;
			break;
		case 2:
			b.key.sport ^= 1;
			break;
		case 3:
			b.key.dport ^= 1;
			break;
		case 4:
			b.key.proto = 17;
			break;
		case 5:
			b.key.flags ^= WEIR_KEY_OUT;
			break;
		case 6:
			b.key.vlan = 7;
			break;
		case 7:
			b.key.ifindex = 3;
			break;
		}
		for (int distinct = 0; distinct < WEIR_DISTINCT_MAX; distinct++) {
			bool differ = hash_of(distinct, &a, seeds) != hash_of(distinct, &b, seeds);

			if (differ != fields[f / 2].matters[distinct])
				fail_msg("%s, kind %d, %s", fields[f / 2].field, distinct,
					 v6 ? "IPv6" : "IPv4");
		}
	}
}

static void structured_keys_are_counted_like_any(void **state)
{
	enum {
		VECTORS = 8,
		KEYS = 30000
	};

	for (size_t s = 0; s < STRUCTURES; s++) {
		uint64_t random = 100 + s, seeds[WEIR_DISTINCT_SEEDS];
		double squares = 0;

		for (int v = 0; v < VECTORS; v++) {
			struct weir_line *lines = vector_new(1);
			uint64_t clock = 50 * STEP + draw(&random) % STEP;
			struct countdown_ages ages;
			double error;

			draw_seeds(seeds, &random);
			for (uint32_t i = 0; i < KEYS; i++) {
				struct packet packet = structures[s].packet(i);

				vector_touch(lines, 1,
					     hash_of(structures[s].distinct, &packet, seeds),
					     clock + i * (13 * STEP / KEYS));
			}
			ages = vector_read(lines, 1, clock + 13 * STEP);
			error = countdown_estimate(&ages, 14).count / KEYS - 1;
			error /= countdown_error(1, KEYS);
			squares += error * error;
			free(lines);
		}
		if (!chi_square_is_plausible(squares, VECTORS))
			fail_msg("%s: %.1f of %d", structures[s].name, squares, VECTORS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structured_keys_occupy_cells_as_chance_has_it),
		cmocka_unit_test(keys_that_collide_under_one_seed_do_not_under_another),
		cmocka_unit_test(a_kind_of_value_is_told_by_its_own_fields_only),
		cmocka_unit_test(structured_keys_are_counted_like_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
