// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "plot.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "bench.h"

/* Pixels. */
#define WIDTH 860
#define LEFT 64
#define RIGHT 20
#define TOP 40
#define GAP 64 /* above a panel: its title and legend */
#define BOTTOM 48

struct canvas {
	FILE *f;
	const struct plot *plot;
	double top; /* of the panel being drawn */
};

static double x_of(const struct plot *p, double at)
{
	double first = p->x[0], last = p->x[p->points - 1];

	return LEFT + (at - first) / (last - first) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct canvas *c, const struct plot_panel *panel, double value)
{
	return c->top + (panel->high - value) / (panel->high - panel->low) * panel->height;
}

static void draw_text(FILE *f, double x, double y, const char *anchor, const char *text)
{
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
		text);
}

static void draw_line(FILE *f, double x1, double y1, double x2, double y2, const char *colour)
{
	fprintf(f, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1,
		y1, x2, y2, colour);
}

static void draw_spans(const struct canvas *c, const struct plot_panel *panel)
{
	const struct plot *p = c->plot;

	for (unsigned int i = 0; i < p->span_count; i++) {
		const struct plot_span *s = &p->spans[i];
		double from = x_of(p, s->from),
		       until = x_of(p, fmin(s->until, p->x[p->points - 1]));

		fprintf(c->f,
			"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
			"fill=\"#eef1f5\"/>\n",
			from, c->top, until - from, panel->height);
		if (panel == p->panels)
			fprintf(c->f, "<text x=\"%.1f\" y=\"%.1f\" fill=\"#667\">%s</text>\n",
				from + 5, c->top + 15, s->name);
	}
}

static void draw_axes(const struct canvas *c, const struct plot_panel *panel)
{
	const struct plot *p = c->plot;
	double bottom = c->top + panel->height;
	char text[32];

	/* Counted, not added up: 0 is to be 0. */
	for (int i = ceil(panel->low / panel->tick); i * panel->tick <= panel->high; i++) {
		double value = i * panel->tick, y = y_of(c, panel, value);

		draw_line(c->f, LEFT, y, WIDTH - RIGHT, y, i ? "#ddd" : "#888");
		snprintf(text, sizeof(text), "%s%g%s", i < 0 ? "−" : "", fabs(value), panel->unit);
		draw_text(c->f, LEFT - 8, y + 4, "end", text);
	}
	for (int i = ceil(p->x[0] / p->tick); i * p->tick <= p->x[p->points - 1]; i++) {
		double x = x_of(p, i * p->tick);

		draw_line(c->f, x, bottom, x, bottom + 5, "#888");
		snprintf(text, sizeof(text), "%g s", i * p->tick);
		draw_text(c->f, x, bottom + 20, "middle", text);
	}
	fprintf(c->f,
		"<clipPath id=\"panel%d\"><rect x=\"%d\" y=\"%.1f\" width=\"%d\" "
		"height=\"%.1f\"/></clipPath>\n"
		"<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"none\" "
		"stroke=\"#888\"/>\n",
		(int)(panel - p->panels), LEFT, c->top, WIDTH - LEFT - RIGHT, panel->height, LEFT,
		c->top, WIDTH - LEFT - RIGHT, panel->height);
}

static void draw_curve(const struct canvas *c, const struct plot_panel *panel,
		       const struct plot_curve *curve)
{
	fprintf(c->f,
		"<polyline clip-path=\"url(#panel%d)\" fill=\"none\" stroke=\"%s\" "
		"stroke-width=\"%g\" stroke-linejoin=\"round\" points=\"",
		(int)(panel - c->plot->panels), curve->colour, curve->width);
	for (unsigned int i = 0; i < c->plot->points; i++)
		fprintf(c->f, "%s%.1f,%.1f", i % 12 ? " " : "\n", x_of(c->plot, c->plot->x[i]),
			y_of(c, panel, curve->y[i]));
	fprintf(c->f, "\"/>\n");
}

/* Says how far the curve goes where it goes furthest below (side -1) or above (1) the panel. */
static void draw_excess(const struct canvas *c, const struct plot_panel *panel,
			const struct plot_curve *curve, int side)
{
	double edge = side < 0 ? panel->low : panel->high;
	unsigned int most = 0;

	for (unsigned int i = 1; i < c->plot->points; i++) {
		if (side * curve->y[i] > side * curve->y[most])
			most = i;
	}
	if (side * curve->y[most] <= side * edge)
		return;
	fprintf(c->f,
		"<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\" stroke=\"#fff\" stroke-width=\"3\" "
		"paint-order=\"stroke\">%s %s%.0f%s</text>\n",
		x_of(c->plot, c->plot->x[most]) + 7, y_of(c, panel, edge) + (side < 0 ? -8 : 16),
		curve->colour, side < 0 ? "↓" : "↑", side < 0 ? "−" : "", fabs(curve->y[most]),
		panel->unit);
}

/* To the right above the panel, as many as there are; a letter takes 7 pixels at the most. */
static void draw_legend(const struct canvas *c, const struct plot_panel *panel)
{
	double x = WIDTH - RIGHT;

	for (int i = 0; i < PLOT_CURVES && panel->curves[i].name; i++) {
		const struct plot_curve *curve = &panel->curves[i];
		int letters = 0;

		while (curve->name[letters])
			letters++;
		x -= 7 * letters;
		draw_text(c->f, x, c->top - 10, "start", curve->name);
		fprintf(c->f,
			"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
			"stroke-width=\"%g\"/>\n",
			x - 28, c->top - 14, x - 6, c->top - 14, curve->colour, curve->width + 1);
		x -= 44;
	}
}

static void draw_panel(const struct canvas *c, const struct plot_panel *panel)
{
	draw_spans(c, panel);
	draw_axes(c, panel);
	for (int i = 0; i < PLOT_CURVES && panel->curves[i].y; i++)
		draw_curve(c, panel, &panel->curves[i]);
	for (int i = 0; i < PLOT_CURVES && panel->curves[i].y; i++) {
		draw_excess(c, panel, &panel->curves[i], -1);
		draw_excess(c, panel, &panel->curves[i], 1);
	}
	draw_legend(c, panel);
	fprintf(c->f, "<text x=\"%d\" y=\"%.1f\" font-weight=\"bold\">%s</text>\n", LEFT,
		c->top - 10, panel->title);
}

void plot_write(const char *path, const struct plot *plot)
{
	struct canvas c = {.f = fopen(path, "w"), .plot = plot, .top = TOP};
	double height = TOP + BOTTOM;

	if (!c.f)
		fail(path, errno);
	for (unsigned int i = 0; i < plot->panel_count; i++)
		height += plot->panels[i].height + (i ? GAP : 0);
	fprintf(c.f,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" "
		"height=\"%.0f\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
		"<title>%s</title>\n<desc>%s</desc>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		WIDTH, height, WIDTH, height, plot->title, plot->description);
	for (unsigned int i = 0; i < plot->panel_count; i++) {
		draw_panel(&c, &plot->panels[i]);
		c.top += plot->panels[i].height + GAP;
	}
	fprintf(c.f, "</svg>\n");
	if (fclose(c.f))
		fail(path, errno);
}
