// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sketches.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "bench.h"
#include "sketch/countdown.h"

static void *allocate(size_t count, size_t bytes)
{
	void *memory = calloc(count, bytes);

	if (!memory)
		fail("sketch", ENOMEM);
	return memory;
}

/* --- weir's ------------------------------------------------------------------------------ */

#define CPUS 2

struct lines {
	__u32 slabs, rate, tick_ns;
	double steps;
	__u32 turn; /* packets take the CPUs in turn */
	struct weir_line *part[CPUS];
};

static void *lines_open(const struct sketch_size *size)
{
	struct lines *l = allocate(1, sizeof(*l));
	__u64 window_ns = (__u64)size->window * size->tick_ns;

	l->slabs = size->bytes / (WEIR_SLAB_LINES * sizeof(struct weir_line));
	l->tick_ns = size->tick_ns;
	l->rate = countdown_rate(window_ns);
	l->steps = countdown_steps(window_ns, l->rate);
	for (int cpu = 0; cpu < CPUS; cpu++)
		l->part[cpu] = allocate(l->slabs * WEIR_SLAB_LINES, sizeof(struct weir_line));
	return l;
}

static void lines_close(void *sketch)
{
	struct lines *l = sketch;

	for (int cpu = 0; cpu < CPUS; cpu++)
		free(l->part[cpu]);
	free(l);
}

static __u64 lines_clock(const struct lines *l, __u32 tick)
{
	return weir_countdown_clock((__u64)tick * l->tick_ns, l->rate);
}

static void lines_see(void *sketch, __u32 tick, __u64 hash)
{
	struct lines *l = sketch;
	struct weir_cell cell = weir_cell_of(hash, l->slabs);
	struct weir_line *line = &l->part[l->turn++ % CPUS][cell.line];

	weir_line_age(line, weir_line_epoch(weir_line_clock(lines_clock(l, tick), cell.line)));
	line->cells[cell.byte] |= cell.mask;
}

static double lines_count(void *sketch, __u32 tick)
{
	const struct lines *l = sketch;
	const struct weir_line *part[CPUS] = {l->part[0], l->part[1]};
	struct countdown_ages ages = {0};

	countdown_add(&ages, part, CPUS, 0, l->slabs * WEIR_SLAB_LINES, lines_clock(l, tick));
	return countdown_estimate(&ages, l->steps).count;
}

/* --- Linear counting (Whang, Vander-Zanden, Taylor 1990) ------------------------------------ */

/* Of cells none of which is empty, what it comes to if one were. */
static double linear_count(double cells, double empty)
{
	return cells * log(cells / fmax(empty, 1));
}

static __u32 cell_of(__u64 hash, __u32 cells)
{
	return (hash >> 32) * cells >> 32;
}

/* --- Countdown Vector as published --------------------------------------------------------- */

/* Of every cell a visit takes one each step, of all of them in a circle; a packet sets its cell to
 * `full`. The step is such that a cell reaches 0 a window after the packet, on average. */
struct vector {
	__u32 cells, empty, next;
	__u8 full;
	double visits_per_tick;
	__u64 visits;
	__u8 *left;
};

static struct vector *vector_open(const struct sketch_size *size, __u8 full, unsigned int bits)
{
	struct vector *v = allocate(1, sizeof(*v));

	v->cells = v->empty = size->bytes * 8 / bits;
	v->full = full;
	v->visits_per_tick = v->cells * (full - 0.5) / size->window;
	v->left = allocate(v->cells, 1);
	return v;
}

static void *vector15_open(const struct sketch_size *size)
{
	return vector_open(size, 15, 4);
}

static void *vector255_open(const struct sketch_size *size)
{
	return vector_open(size, 255, 8);
}

static void vector_close(void *sketch)
{
	struct vector *v = sketch;

	free(v->left);
	free(v);
}

static void vector_visit(struct vector *v, __u32 tick)
{
	for (__u64 due = tick * v->visits_per_tick; v->visits < due; v->visits++) {
		__u8 *left = &v->left[v->next];

		if (*left && !--*left)
			v->empty++;
		v->next = v->next + 1 < v->cells ? v->next + 1 : 0;
	}
}

static void vector_see(void *sketch, __u32 tick, __u64 hash)
{
	struct vector *v = sketch;
	__u8 *left = &v->left[cell_of(hash, v->cells)];

	vector_visit(v, tick);
	v->empty -= !*left;
	*left = v->full;
}

static double vector_count(void *sketch, __u32 tick)
{
	struct vector *v = sketch;

	vector_visit(v, tick);
	return linear_count(v->cells, v->empty);
}

/* --- Timestamp Vector ---------------------------------------------------------------------- */

struct stamps {
	__u32 cells, window;
	__u32 *last; /* ticks; 0: never */
};

static struct stamps *stamps_new(__u32 cells, __u32 window)
{
	struct stamps *s = allocate(1, sizeof(*s));

	s->cells = cells;
	s->window = window;
	s->last = allocate(cells, sizeof(*s->last));
	return s;
}

static void *stamps_open(const struct sketch_size *size)
{
	return stamps_new(size->bytes / sizeof(__u32), size->window);
}

static void *ideal_open(const struct sketch_size *size)
{
	return stamps_new(size->bytes / sizeof(struct weir_line) * WEIR_CELLS, size->window);
}

static void stamps_close(void *sketch)
{
	struct stamps *s = sketch;

	free(s->last);
	free(s);
}

static void stamps_see(void *sketch, __u32 tick, __u64 hash)
{
	struct stamps *s = sketch;

	s->last[cell_of(hash, s->cells)] = tick;
}

static double stamps_count(void *sketch, __u32 tick)
{
	const struct stamps *s = sketch;
	__u32 empty = 0;

	for (__u32 i = 0; i < s->cells; i++)
		empty += !s->last[i] || tick - s->last[i] >= s->window;
	return linear_count(s->cells, empty);
}

/* --- Sliding HyperLogLog --------------------------------------------------------------------- */

#define SLIDING_ENTRY_BYTES 5 /* a stamp and a rank */

/* What may yet be a register's maximum: ranks fall as stamps rise, so a rank occurs once. */
struct maxima {
	__u32 count;
	struct {
		__u32 tick;
		__u32 rank;
	} list[64];
};

struct sliding {
	__u32 window;
	unsigned int bits; /* of the hash that choose a register */
	struct maxima *registers;
};

/* The most registers, a power of two, whose lists are expected to fit: m ln(n/m) entries. */
static unsigned int sliding_bits(const struct sketch_size *size)
{
	unsigned int bits = 4;

	for (unsigned int more = bits + 1; 1u << more < size->flows; more++) {
		double registers = 1u << more;

		if (SLIDING_ENTRY_BYTES * registers * log(size->flows / registers) <= size->bytes)
			bits = more;
		else
			break;
	}
	return bits;
}

static void *sliding_open(const struct sketch_size *size)
{
	struct sliding *s = allocate(1, sizeof(*s));

	s->window = size->window;
	s->bits = sliding_bits(size);
	s->registers = allocate(1u << s->bits, sizeof(*s->registers));
	return s;
}

static void sliding_close(void *sketch)
{
	struct sliding *s = sketch;

	free(s->registers);
	free(s);
}

static void maxima_expire(struct maxima *m, __u32 tick, __u32 window)
{
	__u32 old = 0;

	while (old < m->count && tick - m->list[old].tick >= window)
		old++;
	if (!old)
		return;
	m->count -= old;
	for (__u32 i = 0; i < m->count; i++)
		m->list[i] = m->list[i + old];
}

static void sliding_see(void *sketch, __u32 tick, __u64 hash)
{
	struct sliding *s = sketch;
	struct maxima *m = &s->registers[hash >> (64 - s->bits)];
	__u32 rank = __builtin_clzll(hash << s->bits | 1ull << (s->bits - 1)) + 1;

	maxima_expire(m, tick, s->window);
	while (m->count && m->list[m->count - 1].rank <= rank)
		m->count--;
	m->list[m->count].tick = tick;
	m->list[m->count++].rank = rank;
}

/* HyperLogLog's estimate (Flajolet, Fusy, Gandouet, Meunier 2007), with its correction of few. */
static double sliding_count(void *sketch, __u32 tick)
{
	struct sliding *s = sketch;
	__u32 registers = 1u << s->bits, empty = 0;
	double sum = 0, estimate;

	for (struct maxima *m = s->registers; m < s->registers + registers; m++) {
		maxima_expire(m, tick, s->window);
		empty += !m->count;
		sum += m->count ? exp2(-(double)m->list[0].rank) : 1;
	}
	estimate = 0.7213 / (1 + 1.079 / registers) * registers * registers / sum;
	if (estimate <= 2.5 * registers && empty)
		return linear_count(registers, empty);
	return estimate;
}

/* --- All ------------------------------------------------------------------------------------ */

const struct sketch_kind sketches[SKETCHES] = {
	[SKETCH_WEIR] = {"distinct", lines_open, lines_close, lines_see, lines_count},
	[SKETCH_COUNTDOWN15] = {"countdown15", vector15_open, vector_close, vector_see,
				vector_count},
	[SKETCH_COUNTDOWN255] = {"countdown255", vector255_open, vector_close, vector_see,
				 vector_count},
	[SKETCH_TIMESTAMP] = {"timestamp", stamps_open, stamps_close, stamps_see, stamps_count},
	[SKETCH_SLIDINGHLL] = {"slidinghll", sliding_open, sliding_close, sliding_see,
			       sliding_count},
	[SKETCH_IDEAL] = {"ideal", ideal_open, stamps_close, stamps_see, stamps_count},
};
