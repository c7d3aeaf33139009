/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The lines of a Countdown Vector against the vector as it was published: counters that a visitor
 * really takes down, one line after the other, in the order in which their steps begin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "unit/sketch/vectors.h"

#define LINES WEIR_SLAB_LINES
#define SEEDS 12

/* --- The published vector -------------------------------------------------------------- */

struct published {
	uint8_t counter[LINES][WEIR_CELLS];
	uint32_t order[LINES]; /* lines as they are visited within a step of the clock */
	uint64_t step;         /* steps of the clock begun */
	uint32_t next;         /* in `order` */
};

/* A line's step begins so long after the clock's. */
static uint64_t line_start(uint32_t line)
{
	return (uint32_t) - (line * 0x9e3779b9u >> 28 << 28);
}

static int by_start(const void *a, const void *b)
{
	uint64_t x = line_start(*(const uint32_t *)a), y = line_start(*(const uint32_t *)b);

	return x < y ? -1 : x > y;
}

static void published_init(struct published *p, uint64_t clock)
{
	memset(p, 0, sizeof(*p));
	for (uint32_t line = 0; line < LINES; line++)
		p->order[line] = line;
	qsort(p->order, LINES, sizeof(p->order[0]), by_start);
	p->step = clock >> 32;
}

static void published_visit(struct published *p, uint32_t line)
{
	for (int i = 0; i < WEIR_CELLS; i++)
		p->counter[line][i] -= p->counter[line][i] > 0;
}

/* The visitor goes on to where it is due at `clock`; it never goes back. */
static void published_run(struct published *p, uint64_t clock)
{
	for (;;) {
		uint32_t line = p->order[p->next];
		uint64_t due = (p->step << 32) + line_start(line);

		if ((int64_t)(clock - due) < 0)
			return;
		published_visit(p, line);
		if (++p->next == LINES) {
			p->next = 0;
			p->step++;
		}
	}
}

static void published_touch(struct published *p, uint64_t hash)
{
	struct weir_cell cell = weir_cell_of(hash, 1);

	p->counter[cell.line][cell.byte * 2 + (cell.mask == 0xf0)] = WEIR_CELL_FULL;
}

/* Greatest difference of a cell's two forms at `clock`. */
static int difference(const struct published *p, const struct weir_line *lines, uint64_t clock)
{
	int most = 0;

	for (uint32_t line = 0; line < LINES; line++) {
		struct weir_line now __attribute__((aligned(64))) = lines[line];

		weir_line_age(&now, weir_line_epoch(weir_line_clock(clock, line)));
		for (int i = 0; i < WEIR_CELLS; i++) {
			int cell = now.cells[i / 2] >> i % 2 * 4 & 15;
			int off = abs(cell - p->counter[line][i]);

			most = off > most ? off : most;
		}
	}
	return most;
}

/* From a few packets in a row to silences of 20 steps. */
static uint64_t random_pause(uint64_t *random)
{
	switch (draw(random) % 64) {
	case 0:
		return draw(random) % (20 * STEP);
	case 1:
	case 2:
		return draw(random) % STEP;
	case 3:
		return 0;
	default:
		return draw(random) % (STEP / 64);
	}
}

static void lines_equal_the_decremented_vector_from(uint64_t clock, uint64_t random)
{
	struct weir_line *lines = vector_new(1);
	struct published p;

	published_init(&p, clock);
	published_run(&p, clock);
	for (int i = 0; i < 4000; i++) {
		uint64_t hash = draw(&random);

		clock += random_pause(&random);
		published_run(&p, clock);
		if (i % 8 == 0)
			assert_int_equal(difference(&p, lines, clock), 0);
		published_touch(&p, hash);
		vector_touch(lines, 1, hash, clock);
	}
	free(lines);
}

static void lines_equal_the_decremented_vector_at_every_instant(void **state)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		lines_equal_the_decremented_vector_from((seed * seed + 1) * 1234567891011ull, seed);
}

static void lines_equal_the_decremented_vector_when_the_clock_wraps(void **state)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		lines_equal_the_decremented_vector_from(
			0 - (seed + 1) * 7 * STEP - seed * 123456789, seed);
}

/* A look or a packet just before and at the start of a line's step sees the step change. */
static void a_line_counts_down_exactly_when_its_step_begins(void **state)
{
	for (uint32_t line = 0; line < LINES; line++) {
		uint64_t start = 1000 * STEP + line_start(line);
		uint32_t before = weir_line_epoch(weir_line_clock(start - 1, line));

		assert_int_equal(weir_line_epoch(weir_line_clock(start, line)), before + 1);
		assert_int_equal(weir_line_epoch(weir_line_clock(start + STEP - 1, line)),
				 before + 1);
	}
}

/* Lines that were touched wait for a clock that stepped back by less than a step; the visitor has
 * been to all of them. So cells may be a step apart, until those that were set then are 0. */
static void a_clock_that_steps_back_a_little_costs_a_step_at_most(void **state)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct weir_line *lines = vector_new(1);
		uint64_t clock = (seed + 50) * STEP, random = seed;
		struct published p;

		published_init(&p, clock);
		for (int i = 0; i < 4000; i++) {
			uint64_t hash = draw(&random), back = 0;

			clock += random_pause(&random);
			if (i % 16 == 0 && i < 2000)
				back = draw(&random) % STEP;
			if (i == 2000)
				clock += 16 * STEP;
			published_run(&p, clock);
			if (i % 8 == 0)
				assert_in_range(difference(&p, lines, clock), 0, i < 2000);
			published_touch(&p, hash);
			vector_touch(lines, 1, hash, clock - back);
		}
		free(lines);
	}
}

/* --- Cells of a word, lines of many CPUs ----------------------------------------------- */

static void a_word_ages_as_its_cells_do_one_by_one(void **state)
{
	uint64_t random = 1;

	for (int round = 0; round < 2000; round++) {
		/* First all cells alike, then mixed. */
		uint64_t word = round < 16 ? round * 0x1111111111111111ull : draw(&random);

		for (uint32_t steps = 0; steps <= 15; steps++) {
			uint64_t aged = 0;

			for (int shift = 0; shift < 64; shift += 4) {
				uint64_t cell = word >> shift & 15;

				aged |= (cell > steps ? cell - steps : 0) << shift;
			}
			assert_true(weir_cells_age(word, steps) == aged);
		}
	}
}

static void a_hash_finds_every_cell_of_every_line_alike(void **state)
{
	enum {
		SLABS = 3,
		DRAWS = 40
	};
	static uint32_t hits[SLABS * LINES * WEIR_CELLS];
	uint64_t random = 7;

	for (size_t i = 0; i < DRAWS * sizeof(hits) / sizeof(hits[0]); i++) {
		struct weir_cell cell = weir_cell_of(draw(&random), SLABS);

		assert_in_range(cell.line, 0, SLABS * LINES - 1);
		assert_in_range(cell.byte, 0, WEIR_CELLS / 2 - 1);
		hits[cell.line * WEIR_CELLS + cell.byte * 2 + (cell.mask == 0xf0)]++;
	}
	/* Mean 40, standard deviation 6.3: of 92160 cells none is 7 of them off. */
	for (size_t i = 0; i < sizeof(hits) / sizeof(hits[0]); i++)
		assert_in_range(hits[i], 1, 84);
}

/* What countdown_add() does, cell by cell. */
static void add_plainly(struct countdown_ages *ages, const struct weir_line *const *part,
			unsigned int parts, uint32_t first, uint32_t count, uint64_t clock)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t line_clock = weir_line_clock(clock, first + i);
		uint32_t epoch = weir_line_epoch(line_clock);

		for (int n = 0; n < WEIR_CELLS; n++) {
			int youngest = 0;

			for (unsigned int p = 0; p < parts; p++) {
				const struct weir_line *line = &part[p][i];
				int cell = line->cells[n / 2] >> n % 2 * 4 & 15;
				/* Epochs are 31 bits, and the one above them. */
				int64_t lag = (epoch - line->epoch) & 0x7fffffff;

				lag = lag >= 1 << 30 ? 0 : lag;
				cell = line->epoch ? cell - (lag > 0 ? lag > 15 ? 15 : lag : 0) : 0;
				youngest = cell > youngest ? cell : youngest;
			}
			ages->cells[(line_clock >> 28) % 16][youngest]++;
			ages->part = clock & 0xfffffff;
		}
	}
}

static void cells_are_counted_as_if_looked_at_one_by_one(void **state)
{
	enum {
		PARTS = 5
	};
	struct weir_line *lines[PARTS];
	const struct weir_line *part[PARTS];
	uint64_t random = 3;

	for (int p = 0; p < PARTS; p++)
		part[p] = lines[p] = vector_new(5);
	for (int round = 0; round < 40; round++) {
		uint64_t clock = draw(&random);
		uint32_t first = draw(&random) % 1000, count = draw(&random) % (5 * LINES);
		unsigned int parts = 1 + round % PARTS;
		struct countdown_ages ages = {.cells[3][4] = 5}, expected = ages;

		for (unsigned int p = 0; p < parts; p++) {
			for (uint32_t i = 0; i < count; i++) {
				uint64_t now = weir_line_clock(clock, first + i);

				lines[p][i].epoch =
					draw(&random) % 16
						? weir_line_epoch(now) - (int)(draw(&random) % 20) +
							  2
						: draw(&random) % 2 * (draw(&random) | 1u << 31);
				for (int n = 0; n < WEIR_CELLS / 2; n++)
					lines[p][i].cells[n] = draw(&random) & draw(&random);
			}
		}
		countdown_add(&ages, part, parts, first, count, clock);
		add_plainly(&expected, part, parts, first, count, clock);
		assert_memory_equal(&ages, &expected, sizeof(ages));
	}
	for (int p = 0; p < PARTS; p++)
		free(lines[p]);
}

static void vectors_of_many_cpus_merge_into_the_vector_of_all_packets(void **state)
{
	enum {
		CPUS = 4,
		SLABS = 2
	};
	struct weir_line *lines[CPUS], *all = vector_new(SLABS);
	const struct weir_line *part[CPUS];
	uint64_t random = 11, clock = 77 * STEP;

	for (int cpu = 0; cpu < CPUS; cpu++)
		part[cpu] = lines[cpu] = vector_new(SLABS);
	for (int i = 0; i < 100000; i++) {
		uint64_t hash = draw(&random);

		clock += draw(&random) % (STEP / 1500);
		vector_touch(lines[draw(&random) % CPUS], SLABS, hash, clock);
		vector_touch(all, SLABS, hash, clock);
		if (i % 5000 == 0) {
			struct countdown_ages merged = {0}, ages = vector_read(all, SLABS, clock);

			/* In pieces, as user space may read them. */
			for (uint32_t line = 0; line < SLABS * LINES; line += 128) {
				const struct weir_line *piece[CPUS];

				for (int cpu = 0; cpu < CPUS; cpu++)
					piece[cpu] = part[cpu] + line;
				countdown_add(&merged, piece, CPUS, line, 128, clock);
			}
			assert_memory_equal(&merged, &ages, sizeof(ages));
		}
	}
	for (int cpu = 0; cpu < CPUS; cpu++)
		free(lines[cpu]);
	free(all);
}

/* Counts of line 0 alone, full when it was at `epoch`, at step 100 of the clock. */
static struct countdown_ages read_full_line(uint32_t epoch)
{
	const struct weir_line line __attribute__((aligned(64))) = {
		.epoch = epoch,
		.cells = {[0 ... WEIR_CELLS / 2 - 1] = 0xff},
	};
	const struct weir_line *part = &line;
	struct countdown_ages ages = {0};

	countdown_add(&ages, &part, 1, 0, 1, 100 * STEP);
	return ages;
}

static void a_line_that_lags_is_aged_by_what_it_lags(void **state)
{
	const uint32_t now = 100 + (1u << 31);

	assert_int_equal(read_full_line(now).cells[0][15], WEIR_CELLS);
	assert_int_equal(read_full_line(now - 3).cells[0][12], WEIR_CELLS);
	assert_int_equal(read_full_line(now - 14).cells[0][1], WEIR_CELLS);
	assert_int_equal(read_full_line(now - 15).cells[0][0], WEIR_CELLS);
	assert_int_equal(read_full_line(now - 1000).cells[0][0], WEIR_CELLS);
	assert_int_equal(read_full_line(now - 0x3fffffff).cells[0][0], WEIR_CELLS);
	assert_int_equal(read_full_line(0).cells[0][0], WEIR_CELLS);
	/* The kernel went on since the clock was read. */
	assert_int_equal(read_full_line(now + 1).cells[0][15], WEIR_CELLS);
}

static void a_line_that_stays_torn_counts_as_empty(void **state)
{
	assert_int_equal(read_full_line(0).cells[0][0], WEIR_CELLS);
}

static void many_cells_alike_are_all_counted(void **state)
{
	enum {
		SLABS = 4
	};
	struct weir_line *lines = vector_new(SLABS);
	struct countdown_ages ages;

	memset(lines, 0xff, SLABS * LINES * sizeof(*lines));
	for (uint32_t i = 0; i < SLABS * LINES; i++)
		lines[i].epoch = weir_line_epoch(weir_line_clock(9 * STEP, i));
	ages = vector_read(lines, SLABS, 9 * STEP);
	for (int phase = 0; phase < COUNTDOWN_CLASSES; phase++) {
		/* Phases are spread evenly: of 1024 lines, 64 in each class, give or take 2. */
		assert_in_range(ages.cells[phase][15], 62 * WEIR_CELLS, 66 * WEIR_CELLS);
		assert_int_equal(ages.cells[phase][0], 0);
	}
	free(lines);
}

#define TORN_READS 20000

struct torn {
	struct weir_line line __attribute__((aligned(64)));
	bool done;
};

/* All cells are alike whenever the line is whole; no epoch comes twice. */
static void *tear(void *arg)
{
	struct torn *t = arg;

	for (uint32_t epoch = 2; !__atomic_load_n(&t->done, __ATOMIC_RELAXED); epoch++) {
		weir_line_age(&t->line, epoch);
		if (epoch % 16)
			continue;
		__atomic_store_n(&t->line.epoch, 0, __ATOMIC_SEQ_CST);
		memset(t->line.cells, 0xff, sizeof(t->line.cells));
		__atomic_store_n(&t->line.epoch, ++epoch, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void a_line_is_never_read_half_brought_up_to_date(void **state)
{
	static struct torn t = {.line.epoch = 1};
	const struct weir_line *part = &t.line;
	pthread_t thread;
	int alike = 0;

	assert_int_equal(pthread_create(&thread, NULL, tear, &t), 0);
	for (int i = 0; i < TORN_READS; i++) {
		struct countdown_ages ages = {0};
		int values = 0;

		/* The line is ahead of step 1, so that its cells are taken as they are. */
		countdown_add(&ages, &part, 1, 0, 1, 1 * STEP);
		for (int value = 0; value <= WEIR_CELL_FULL; value++)
			values += ages.cells[0][value] > 0;
		alike += values == 1;
	}
	__atomic_store_n(&t.done, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(alike, TORN_READS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_equal_the_decremented_vector_at_every_instant),
		cmocka_unit_test(lines_equal_the_decremented_vector_when_the_clock_wraps),
		cmocka_unit_test(a_line_counts_down_exactly_when_its_step_begins),
		cmocka_unit_test(a_clock_that_steps_back_a_little_costs_a_step_at_most),
		cmocka_unit_test(a_word_ages_as_its_cells_do_one_by_one),
		cmocka_unit_test(a_hash_finds_every_cell_of_every_line_alike),
		cmocka_unit_test(cells_are_counted_as_if_looked_at_one_by_one),
		cmocka_unit_test(vectors_of_many_cpus_merge_into_the_vector_of_all_packets),
		cmocka_unit_test(a_line_that_lags_is_aged_by_what_it_lags),
		cmocka_unit_test(a_line_that_stays_torn_counts_as_empty),
		cmocka_unit_test(many_cells_alike_are_all_counted),
		cmocka_unit_test(a_line_is_never_read_half_brought_up_to_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
