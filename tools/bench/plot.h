/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Curves over time as an SVG: panels one below the other, one axis of time below them all. */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#define PLOT_CURVES 6

struct plot_curve {
	const char *name;   /* in the legend */
	const char *colour; /* of SVG */
	double width;
	const double *y; /* plot.points of them */
};

struct plot_panel {
	const char *title;
	double height; /* pixels */
	double low, high, tick;
	const char *unit;                      /* behind the numbers of the axis */
	struct plot_curve curves[PLOT_CURVES]; /* the last on top */
};

/* A stretch of time that is shaded, and named in the first panel. */
struct plot_span {
	double from, until;
	const char *name;
};

struct plot {
	const char *title, *description;
	unsigned int points;
	const double *x; /* seconds, rising */
	double tick;
	const struct plot_panel *panels;
	unsigned int panel_count;
	const struct plot_span *spans;
	unsigned int span_count;
};

/* A curve is cut off at its panel's edges; where it goes furthest beyond is said. */
void plot_write(const char *path, const struct plot *plot);

#endif
