// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reading a vector. A cell is a number of 4 bits, so a line is turned into 4 planes
 * of bits, plane k with bit k of all its cells: ageing, merging and counting them is
 * then a matter of ands and xors for 128 cells at a time.
 *
 * Estimating. A line at u of its present step (0..1) tells how many of its cells are
 * younger than u, u + 1, ... u + 14 steps, which is to say how many keys per cell
 * there are (linear counting, Whang et al. 1990). The edge of a window falls somewhere
 * between two of those ages:
 *
 *   class 2   ├──────────┼──────────┼────▒▒▒▒▒▒┼──────────┤
 *   class 7   ├──────┼──────────┼────────▒▒┼──────────┼───┤
 *   class 12  ├──┼──────────┼──────────┼─▒▒▒▒▒▒▒▒▒┼───────┤
 *   age       0                          ↑ window
 *
 * To take the nearest is what the published vector does; its answer is the mean of all
 * windows that are up to half a step longer or shorter. Where traffic changed just then,
 * that is not the middle one's: it is off by an eighth of what a step brings more or less.
 * But classes are divided at different ages: together they tell how cells are spread over
 * age to a fraction of a step. The spread is taken to be even but for one sudden change,
 * at every age where it may have been, by how likely it was there. Then each class'
 * divided interval is shared out, and what is empty counted over all classes.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "sketch/countdown.h"

/* --- Reading --------------------------------------------------------------------------- */

#define TRIES 1000 /* the kernel is done with a line within less than 100 ns */

typedef __u64 plane __attribute__((vector_size(16)));

struct cells {
	plane bit[4];
};

/* 0: it is being brought up to date, or was never used. */
static inline __u32 try_line(struct cells *to, const struct weir_line *line)
{
	__u32 epoch = __atomic_load_n(&line->epoch, __ATOMIC_ACQUIRE);

	memcpy(to, line, sizeof(*to));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&line->epoch, __ATOMIC_RELAXED) == epoch ? epoch : 0;
}

static __attribute__((noinline)) __u32 read_again(struct cells *to, const struct weir_line *line)
{
	for (int i = 0; i < TRIES; i++) {
		__u32 epoch = try_line(to, line);
		plane any = to->bit[0] | to->bit[1] | to->bit[2] | to->bit[3];

		if (epoch)
			return epoch;
		if (!(any[0] | any[1]))
			break;
	}
	memset(to, 0, sizeof(*to));
	return 0;
}

static inline __u32 read_line(struct cells *to, const struct weir_line *line)
{
	__u32 epoch = try_line(to, line);

	return epoch ? epoch : read_again(to, line);
}

static inline void exchange(plane *a, plane *b, int shift, __u64 mask)
{
	plane t = (*a >> shift ^ *b) & mask;

	*b ^= t;
	*a ^= t << shift;
}

/* From words of 16 cells to planes; where a cell ends up matters to nobody. */
static inline void slice(struct cells *c)
{
	static const __u8 cells_only[16] __attribute__((aligned(16))) = {
		0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

	c->bit[0] &= *(const plane *)cells_only;
	exchange(&c->bit[0], &c->bit[1], 1, 0x5555555555555555ull);
	exchange(&c->bit[2], &c->bit[3], 1, 0x5555555555555555ull);
	exchange(&c->bit[0], &c->bit[2], 2, 0x3333333333333333ull);
	exchange(&c->bit[1], &c->bit[3], 2, 0x3333333333333333ull);
}

static inline void age(struct cells *c, __u32 steps)
{
	plane borrow = {0};

#pragma GCC unroll 4
	for (int k = 0; k < 4; k++) {
		plane take = (plane){0} - (__u64)(steps >> k & 1);
		plane differ = c->bit[k] ^ take;

		c->bit[k] = differ ^ borrow;
		borrow = (take & differ) | (borrow & ~differ);
	}
#pragma GCC unroll 4
	for (int k = 0; k < 4; k++)
		c->bit[k] &= ~borrow;
}

static inline void merge(struct cells *to, const struct cells *c)
{
	plane younger = {0};

#pragma GCC unroll 4
	for (int k = 0; k < 4; k++) {
		plane differ = to->bit[k] ^ c->bit[k];

		younger = (c->bit[k] & differ) | (younger & ~differ);
	}
#pragma GCC unroll 4
	for (int k = 0; k < 4; k++)
		to->bit[k] ^= (to->bit[k] ^ c->bit[k]) & younger;
}

/* Numbers of cells by value, up to 8 for each byte of a plane and line. */
struct tally {
	plane bytes[WEIR_CELL_FULL + 1];
	unsigned int lines;
};

#define TALLY_LINES 31

static inline plane bits_in_bytes(plane p)
{
	p -= p >> 1 & 0x5555555555555555ull;
	p = (p & 0x3333333333333333ull) + (p >> 2 & 0x3333333333333333ull);
	return (p + (p >> 4)) & 0x0f0f0f0f0f0f0f0full;
}

static inline void tally_add(struct tally *t, const struct cells *c)
{
	const plane *b = c->bit;
	plane low[4] = {~(b[0] | b[1]), b[0] & ~b[1], b[1] & ~b[0], b[0] & b[1]};
	plane high[4] = {~(b[2] | b[3]), b[2] & ~b[3], b[3] & ~b[2], b[2] & b[3]};

	for (int value = 1; value <= WEIR_CELL_FULL; value++)
		t->bytes[value] += bits_in_bytes(low[value & 3] & high[value >> 2]);
	t->lines++;
}

static void tally_move(__u32 *cells, struct tally *t)
{
	cells[0] += t->lines * WEIR_CELLS;
	for (int value = 1; value <= WEIR_CELL_FULL; value++) {
		plane sum = (t->bytes[value] & 0x00ff00ff00ff00ffull) +
			    (t->bytes[value] >> 8 & 0x00ff00ff00ff00ffull);
		__u32 set = (sum[0] + sum[1]) * 0x0001000100010001ull >> 48;

		cells[value] += set;
		cells[0] -= set;
	}
	memset(t, 0, sizeof(*t));
}

void countdown_add(struct countdown_ages *ages, const struct weir_line *const *part,
		   unsigned int parts, __u32 first, __u32 count, __u64 clock)
{
	struct tally tallies[COUNTDOWN_CLASSES];

	ages->part = clock & ~WEIR_PHASES_MASK;
	memset(tallies, 0, sizeof(tallies));
	for (__u32 i = 0; i < count; i++) {
		__u64 line_clock = weir_line_clock(clock, first + i);
		__u32 epoch = weir_line_epoch(line_clock);
		__u32 phase = (__u32)line_clock >> WEIR_PHASE_SHIFT;
		struct cells merged = {0};

		for (unsigned int p = 0; p < parts; p++) {
			struct cells cells;
			__u32 was = read_line(&cells, &part[p][i]);

			slice(&cells);
			age(&cells, weir_line_lag(was, epoch));
			merge(&merged, &cells);
		}
		tally_add(&tallies[phase], &merged);
		if (tallies[phase].lines == TALLY_LINES)
			tally_move(ages->cells[phase], &tallies[phase]);
	}
	for (int phase = 0; phase < COUNTDOWN_CLASSES; phase++)
		tally_move(ages->cells[phase], &tallies[phase]);
}

/* --- Estimating ------------------------------------------------------------------------ */

/*
 * Ages in bins of 1/16 step. The lines of class c are divided at (c + f)/16 steps and whole steps
 * more, f being the clock's part of a bin: that is after bins c, c + 16, c + 32 ... So bin 0 is f
 * wide, all others 1. An edge is told as if bin n reached from n - 1/2 to n + 1/2.
 */
#define BINS_STEP COUNTDOWN_CLASSES
#define BINS (WEIR_CELL_FULL * BINS_STEP)
/* Bins to either side of the edge that have a say in how cells spread there: a step. */
#define REACH BINS_STEP
#define SPREAD_BINS (2 * REACH + 1)
/* Intervals of a class that fit in there. */
#define SPREAD_INTERVALS 3
/* Empty cells needed to tell a number: 2.5 % standard error, and little skew. */
#define EMPTY_MIN 32

/* Cells of a class whose age is in bins from..to. */
struct interval {
	int from, to;
	double cells;
	double older; /* cells whose age is `from` or more */
	double all;   /* cells of the class */
};

static struct interval interval_of(const struct countdown_ages *ages, int phase, int value)
{
	int k = WEIR_CELL_FULL - value;
	struct interval in = {
		.from = k ? (k - 1) * BINS_STEP + phase + 1 : 0,
		.to = k * BINS_STEP + phase,
		.cells = ages->cells[phase][value],
	};

	for (int v = 0; v <= WEIR_CELL_FULL; v++) {
		in.all += ages->cells[phase][v];
		if (v <= value)
			in.older += ages->cells[phase][v];
	}
	return in;
}

/* The interval of a class that the edge divides; `edge` in bins. */
static struct interval interval_at(const struct countdown_ages *ages, int phase, double edge)
{
	int k = ceil((edge - phase - 0.5) / BINS_STEP);

	return interval_of(ages, phase, WEIR_CELL_FULL - (k < 0 ? 0 : k));
}

/* Share of a class' cells in each bin from..to. */
struct spread {
	int from, to;
	double first; /* width of bin 0 */
	double bin[BINS];
};

static double spread_sum(const struct spread *s, const struct interval *in)
{
	double sum = 0;

	for (int bin = in->from; bin <= in->to; bin++)
		sum += s->bin[bin];
	return sum;
}

/* Share of an interval's cells that are younger than the edge. */
static double spread_younger(const struct spread *s, const struct interval *in, double edge)
{
	int bin = floor(edge + 0.5);
	double sum = spread_sum(s, in), younger = 0;

	if (!(sum > 0))
		return 0;
	for (int b = in->from; b < bin; b++)
		younger += s->bin[b];
	younger += s->bin[bin] * (bin ? edge + 0.5 - bin : (edge - 0.5) / s->first + 1);
	return younger / sum;
}

/* The intervals that lie within a spread: the divided one of each class, and its neighbours. */
static int spread_intervals(struct interval *in, const struct countdown_ages *ages,
			    const struct spread *s)
{
	int n = 0;

	for (int phase = 0; phase < COUNTDOWN_CLASSES; phase++) {
		for (int value = WEIR_CELL_FULL; value; value--) {
			struct interval i = interval_of(ages, phase, value);

			if (i.all && i.from >= s->from && i.to <= s->to)
				in[n++] = i;
		}
	}
	return n;
}

/* As if keys came evenly: as many for each cell and bin. */
static void spread_flat(struct spread *s, const struct interval *in, int n)
{
	double keys = 0, bins = 0, cells = 0, expected = 0, left = 1;

	for (int i = 0; i < n; i++) {
		double older = in[i].older + 1;

		keys += in[i].all * log(older / (older - in[i].cells));
		bins += in[i].all * (in[i].to - in[i].from + (in[i].from ? 1 : s->first));
	}
	keys = bins ? keys / bins : 0;
	for (int bin = s->from; bin <= s->to; bin++) {
		s->bin[bin] = left * -expm1(bin ? -keys : -keys * s->first);
		left -= s->bin[bin];
	}
	for (int i = 0; i < n; i++) {
		cells += in[i].cells;
		expected += in[i].all * spread_sum(s, &in[i]);
	}
	for (int bin = s->from; bin <= s->to; bin++)
		s->bin[bin] *= expected > 0 ? cells / expected : 0;
}

#define LEVEL_ROUNDS 5

/*
 * Fits a spread whose bins `change` and older came at another rate than the younger ones: level[0]
 * and level[1] times as often as in `flat`. By expectation maximisation; returns the logarithm of
 * the likelihood.
 */
static double fit_levels(double level[2], const struct spread *flat, const struct interval *in,
			 int n, int change)
{
	double part[COUNTDOWN_CLASSES * SPREAD_INTERVALS][2], all[2] = {0}, likelihood = 0;

	for (int i = 0; i < n; i++) {
		struct interval young = in[i], old = in[i];

		young.to = in[i].to < change ? in[i].to : change - 1;
		old.from = in[i].from < change ? change : in[i].from;
		part[i][0] = spread_sum(flat, &young);
		part[i][1] = spread_sum(flat, &old);
		all[0] += part[i][0] * in[i].all;
		all[1] += part[i][1] * in[i].all;
	}
	level[0] = level[1] = 1;
	for (int round = 0; round <= LEVEL_ROUNDS; round++) {
		double cells[2] = {0};

		likelihood = 0;
		for (int i = 0; i < n; i++) {
			double sum = level[0] * part[i][0] + level[1] * part[i][1];
			double each = sum > 0 ? in[i].cells / sum : 0;

			cells[0] += level[0] * part[i][0] * each;
			cells[1] += level[1] * part[i][1] * each;
			likelihood -= sum * in[i].all;
			if (in[i].cells > 0)
				likelihood += in[i].cells * log(sum);
		}
		if (round == LEVEL_ROUNDS)
			break;
		for (int k = 0; k < 2; k++)
			level[k] = all[k] > 0 ? cells[k] / all[k] : 1;
	}
	return likelihood;
}

/*
 * The mean of the flat spread and of those that change at one bin or another, as likely as they
 * are. A change is two numbers more, so it has to be worth that (Schwarz 1978): chance alone would
 * find one somewhere.
 */
static void spread_levels(struct spread *s, const struct interval *in, int n)
{
	double level[SPREAD_BINS][2], likelihood[SPREAD_BINS], times[SPREAD_BINS] = {0};
	double most = -INFINITY, sum = 0, cells = 1;
	int bins = s->to - s->from + 1;

	for (int i = 0; i < n; i++)
		cells += in[i].cells;
	for (int i = 0; i < bins; i++) {
		likelihood[i] = fit_levels(level[i], s, in, n, s->from + i);
		if (!i) /* all bins are at one level */
			likelihood[i] += log(bins * sqrt(cells));
		most = fmax(most, likelihood[i]);
	}
	for (int i = 0; i < bins; i++) {
		double weight = exp(likelihood[i] - most);

		sum += weight;
		for (int bin = 0; bin < bins; bin++)
			times[bin] += weight * level[i][bin >= i];
	}
	for (int bin = 0; bin < bins; bin++)
		s->bin[s->from + bin] *= times[bin] / sum;
}

/* Cells that no key set within a window. */
struct empties {
	double cells; /* of the vector */
	double empty;
	double variance; /* of `empty`, by where in the divided intervals cells happen to be */
	double most;     /* `empty`, did only half of what the edge splits off count */
};

static struct empties empties_of(const struct countdown_ages *ages, const struct spread *s,
				 double edge)
{
	struct empties e = {0};

	for (int phase = 0; phase < COUNTDOWN_CLASSES; phase++) {
		struct interval in = interval_at(ages, phase, edge);
		double younger = spread_younger(s, &in, edge);

		e.cells += in.all;
		e.empty += in.older - in.cells * younger;
		e.most += in.older - in.cells * younger / 2;
		e.variance += in.cells * younger * (1 - younger);
	}
	return e;
}

/*
 * What the spread does not know of, traffic that comes in bursts say: by how many cells an interval
 * is off beyond chance, but for what chance brings about once in forty times.
 */
static double misfit_of(const struct spread *s, const struct interval *in, int n)
{
	double excess = 0, expected = 0;

	for (int i = 0; i < n; i++) {
		double mean = spread_sum(s, &in[i]) * in[i].all, off = in[i].cells - mean;

		expected += mean;
		excess += off * off - mean;
	}
	excess -= 2 * expected * sqrt(2.0 / n);
	return n && excess > 0 ? sqrt(excess / n) : 0;
}

/* Upper limit, at 99.9 %, of the mean of what counted `n` (Poisson; Wilson, Hilferty 1931). */
static double upper_limit(double n)
{
	double by = 1 / (9 * (n + 1));

	return (n + 1) * pow(1 - by + 3.09 * sqrt(by), 3);
}

/* Variance of linear counting, keys squared, of `load` keys a cell (Whang et al. 1990). */
static double variance_of(double cells, double load)
{
	return load < 1e-4 ? cells * load * load / 2 : cells * (expm1(load) - load);
}

static double keys_of(const struct empties *e)
{
	return e->cells * log(e->cells / e->empty);
}

struct countdown_estimate countdown_estimate(const struct countdown_ages *ages, double steps)
{
	double first = fmax(ldexp(ages->part, -WEIR_PHASE_SHIFT), 1e-3);
	double edge = fmin(steps, WEIR_WINDOW_STEPS) * BINS_STEP + 0.5 - first;
	int bin = floor(edge + 0.5);
	struct spread spread = {.from = bin > REACH ? bin - REACH : 0,
				.to = bin + REACH < BINS ? bin + REACH : BINS - 1,
				.first = first};
	struct interval in[COUNTDOWN_CLASSES * SPREAD_INTERVALS];
	int n = spread_intervals(in, ages, &spread);
	struct countdown_estimate estimate = {0};
	struct empties even, e;
	double scale, differ, misfit;

	spread_flat(&spread, in, n);
	even = empties_of(ages, &spread, edge);
	spread_levels(&spread, in, n);
	e = empties_of(ages, &spread, edge);
	if (e.cells <= 0)
		return estimate;
	if (e.empty < EMPTY_MIN) {
		estimate.saturated = true;
		estimate.count = e.cells * fmax(0, log(e.cells / upper_limit(e.most)));
		return estimate;
	}

	estimate.count = keys_of(&e);
	scale = e.cells / e.empty;
	differ = (estimate.count - keys_of(&even)) / 2;
	/* All classes err alike: the edge may be before the burst or after it. */
	misfit = scale * COUNTDOWN_CLASSES * misfit_of(&spread, in, n);
	estimate.error = sqrt(variance_of(e.cells, estimate.count / e.cells) +
			      scale * scale * e.variance + differ * differ + misfit * misfit);
	/* The logarithm of what scatters is too great by half its variance. */
	estimate.count -= variance_of(e.cells, estimate.count / e.cells) / (2 * e.cells);
	return estimate;
}

/* --- Time and size --------------------------------------------------------------------- */

double countdown_steps(__u64 window_ns, __u32 rate)
{
	return ldexp((double)window_ns * rate, -42);
}

__u32 countdown_rate(__u64 window_ns)
{
	__u64 rate = ((__u64)WEIR_WINDOW_STEPS << 42) / (window_ns ? window_ns : 1);

	return rate < UINT32_MAX ? rate : UINT32_MAX;
}

static double cells_of(__u32 slabs)
{
	return (double)slabs * WEIR_SLAB_LINES * WEIR_CELLS;
}

double countdown_error(__u32 slabs, double keys)
{
	double cells = cells_of(slabs);

	return keys > 0 ? sqrt(variance_of(cells, keys / cells)) / keys : 0;
}

/* Twice as many cells empty as it takes, for their number scatters. */
static bool meets(__u32 slabs, double keys, double error)
{
	double cells = cells_of(slabs);

	return countdown_error(slabs, keys) <= error && cells * exp(-keys / cells) >= 2 * EMPTY_MIN;
}

__u32 countdown_slabs(double expect, double error)
{
	__u32 few = 0, enough = WEIR_SLABS_MAX;

	if (!meets(enough, expect, error))
		return 0;
	while (enough - few > 1) {
		__u32 slabs = few + (enough - few) / 2;

		if (meets(slabs, expect, error))
			enough = slabs;
		else
			few = slabs;
	}
	return enough;
}
