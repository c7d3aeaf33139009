/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The protocol of user/interval: hosts keep a filter each, one coordinator gives out the widths.
 *
 *   host ──── HELLO, then each tick: TICK{tick, serial, update?} ───→ coordinator
 *        ←─── WELCOME, then when it likes: GRANT{tick, width} ──────
 *
 * What is checked, in every order of events:
 *   a  containment: a present host's value at the answer's tick is inside its interval
 *   b  width: the coordinator's widths at that tick add up to the budget at most
 *   c  the host's width is never above the coordinator's for the same tick
 *   d  an answer called complete has every host, each with a word of its own for that tick
 *
 * Nothing is timed. Hosts' clocks run apart as they like, messages take as long as they like (in
 * order), and grants carry any tick and any width that the rules allow. An answer as of a tick may
 * come at any time: it is checked whenever a host's word for the tick comes, with the hosts that
 * have spoken for it; the others are those found silent. So what holds here needs no bound on
 * delays, and whom an answer waits for is a matter of its completeness, not of its truth.
 *
 * Bounded are the ticks, the grants, the losses (a connection lost at either end, with what is under
 * way or without; a crash of a host; a crash of the coordinator), values and widths. Widths are
 * halves here: an interval is centre +- width. A value inside its interval is put on its edge, for
 * whatever holds the edge holds the rest; courses are constant, for one that travels moves both
 * ends alike.
 *
 * A grant that waits at a host for its tick waits at the head of its channel: until then nobody can
 * tell the difference.
 *
 * -DPERIOD=n   widths halve at the ticks that n divides, at both ends, without a word (adaptive)
 * -DFAULT=n    breaks one rule; the search must find out
 *   1  a lowered width is free as soon as the grant is sent, not when it is confirmed
 *   2  an answer takes what is known of a host that has not spoken for its tick
 *   3  a host takes a width before the grant's tick
 *   4  a host goes on with the last session's width in a new session
 *   5  a freed width is given away from an earlier tick on than that of the confirmation
 *   6  with PERIOD: widths at the coordinator shrink a tick early
 *   7  an answer that lacks a host is called complete
 *   8  a host goes on with the last session's centre in a new session
 *   9  a grant names an earlier tick than the one before it
 * -DREACH=n    claims that something never happens; the search must find that it does
 *   1  a complete answer          2  an incomplete one
 *   3  a complete answer that uses all of the budget
 *   4  one where a host has the width that another has given back
 *   5  a complete answer with some width after a loss
 *   6  one after the coordinator's crash
 *   7  a session taken over       8  a reserved width released
 */
#ifndef TICKS
#define TICKS 4
#endif
#ifndef GRANTS
#define GRANTS 3
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef FAULT
#define FAULT 0
#endif
#ifndef REACH
#define REACH 0
#endif
#define HOSTS 2
#ifndef BUDGET
#define BUDGET 1 /* of the halves of widths */
#endif
#define TOP 2 /* values are 0 ... TOP */
#define NONE 15

/* A width set at tick `from`, at a tick not before it. */
#ifdef PERIOD
#define SHRUNK(width, from, at) ((width) >> ((at) / PERIOD - (from) / PERIOD))
#else
#define SHRUNK(width, from, at) (width)
#endif
#define EARLY(at) ((at) + (FAULT == 6))
#define AT(h, t) ((h) * (TICKS + 1) + (t))
#define MAX(a, b) ((a) > (b) -> (a) : (b))

/* Tick 0 is a HELLO, a WELCOME. A serial counts the session's grants. */
chan up[HOSTS] = [2] of { byte, byte, byte } /* tick, serial, centre or NONE */
chan down[HOSTS] = [2] of { byte, byte }     /* tick, width */

#define OFF 0
#define CALLS 1 /* HELLO is said, WELCOME is awaited */
#define ON 2

/* Hosts. */
byte host[HOSTS];
bool cut[HOSTS]; /* the connection is gone, the host has not noticed */
byte now[HOSTS]; /* the last tick */
byte width[HOSTS], serial[HOSTS];
byte centre[HOSTS] = NONE; /* NONE: not told in this session */

/* The coordinator. */
bool here[HOSTS];
byte course[HOSTS] = NONE;
byte heard[HOSTS];                            /* its last tick */
byte sent[HOSTS], confirmed[HOSTS];           /* serials */
byte base_width[HOSTS], base_tick[HOSTS];     /* confirmed, or reserved since the last session */
byte first_width[HOSTS], first_tick[HOSTS];   /* sent and not confirmed, if there is one; */
byte second_width[HOSTS], second_tick[HOSTS]; /* and the one after it */
byte freed; /* what was given back is free from this tick on */
/* What is known of each tick for which not all have spoken yet. NONE: nothing. */
byte known_width[HOSTS * (TICKS + 1)] = NONE;

byte grants, losses;

/* What is so, by tick, for the checks alone. NONE: not measured, or checked. */
byte true_value[HOSTS * (TICKS + 1)] = NONE, true_width[HOSTS * (TICKS + 1)] = NONE;
#if REACH
bool was_lost, was_crash;
byte was_lowered = NONE; /* a host that has given back width */
#define reached(n) assert(REACH != n)
#define note(what) what
#else
#define reached(n) skip
#define note(what) skip
#endif

/* --- The hosts' steps ----------------------------------------------------------------------- */

inline flush_up(h)
{
	do
	:: nempty(up[h]) -> up[h]?_, _, _
	:: empty(up[h]) -> break
	od
}

inline flush_down(h)
{
	do
	:: nempty(down[h]) -> down[h]?_,_
	:: empty(down[h]) -> break
	od
}

/*
 * The session is over at the host; what it has said last arrives, or does not. A HELLO does not:
 * its WELCOME would go to a connection that is no more.
 */
inline host_ends(h)
{
	if
	:: flush_up(h)
	:: host[h] == ON
	fi;
	d_step {
		flush_down(h);
		host[h] = OFF;
		cut[h] = false;
		serial[h] = 0;
#if FAULT != 4
		width[h] = 0;
#endif
#if FAULT != 8
		centre[h] = NONE
#endif
	}
}

inline take_grants(h)
{
	do
	:: down[h]?<t, w> ->
		if
		:: t <= now[h] || FAULT == 3 ->
			d_step {
				down[h]?t, w;
				width[h] = SHRUNK(w, t, MAX(t, now[h]));
				serial[h]++
			}
		:: else -> break /* it waits for its tick */
		fi
	:: true -> break /* it has not arrived yet */
	od
}

inline value_moves(h)
{
	value = 0;
	update = NONE;
	if
	:: centre[h] == NONE -> update = value
	/* Inside, on the edge. */
	:: centre[h] != NONE && centre[h] + width[h] <= TOP -> value = centre[h] + width[h]
	:: centre[h] != NONE && centre[h] > 0 && centre[h] >= width[h] ->
		value = centre[h] - width[h]
	/* Outside. */
	:: centre[h] != NONE && centre[h] + width[h] < TOP -> value = TOP; update = value
	:: centre[h] != NONE && centre[h] > width[h] -> update = value
	fi;
	if
	:: update != NONE -> centre[h] = update
	:: else
	fi
}

inline say(h)
{
	if
	:: cut[h]
	:: else ->
		true_value[AT(h, now[h])] = value;
		true_width[AT(h, now[h])] = width[h];
		up[h]!now[h], serial[h], update
	fi;
	value = 0; update = 0; t = 0; w = 0
}

inline time_passes(h)
{
	now[h]++;
	width[h] = SHRUNK(width[h], now[h] - 1, now[h])
}

proctype a_host(byte h)
{
	byte value, update, t, w;

	do
	:: atomic { host[h] == OFF && nfull(up[h]) -> host[h] = CALLS; up[h]!0, 0, NONE }
	:: d_step { host[h] == CALLS && !cut[h] && down[h]?[0, _] -> down[h]?0, _; host[h] = ON }
	:: atomic { host[h] == ON && now[h] < TICKS && nfull(up[h]) ->
		time_passes(h);
		take_grants(h);
		value_moves(h);
		d_step { say(h) }
	}
	:: d_step { host[h] != ON && now[h] < TICKS -> time_passes(h) }
	:: atomic { host[h] != OFF && cut[h] -> host_ends(h) }
	:: atomic { host[h] != OFF && losses < LOSSES ->
		losses++;
		note(was_lost = true);
		host_ends(h) }
	od
}

/* --- The coordinator's steps ---------------------------------------------------------------- */

#define PENDING(h) (sent[h] - confirmed[h])

inline wider(w, from, at, out)
{
	out = MAX(out, SHRUNK(w, from, EARLY(MAX(from, at))))
}

/* The widest that host h may be at a tick >= at, as the budget counts it. */
inline hold(h, at, out)
{
	out = 0;
	wider(base_width[h], base_tick[h], at, out);
	if
	:: PENDING(h) >= 1 -> wider(first_width[h], first_tick[h], at, out)
	:: else
	fi;
	if
	:: PENDING(h) >= 2 -> wider(second_width[h], second_tick[h], at, out)
	:: else
	fi
}

/* The width of its interval at a tick: no grant counts before its own. */
inline width_for(h, at, out)
{
	out = 0;
	if
	:: base_tick[h] <= at -> wider(base_width[h], base_tick[h], at, out)
	:: else
	fi;
	if
	:: PENDING(h) >= 1 && first_tick[h] <= at ->
		wider(first_width[h], first_tick[h], at, out)
	:: else
	fi;
	if
	:: PENDING(h) >= 2 && second_tick[h] <= at ->
		wider(second_width[h], second_tick[h], at, out)
	:: else
	fi
}

inline confirm_one(h)
{
	base_width[h] = first_width[h];
	base_tick[h] = first_tick[h];
	first_width[h] = second_width[h];
	first_tick[h] = second_tick[h];
	second_width[h] = 0;
	second_tick[h] = 0;
	confirmed[h]++
}

/* The session is over. The last width stays reserved: the widest that it could become. */
inline session_ends(h)
{
	at = MAX(base_tick[h], MAX(first_tick[h], second_tick[h]));
	hold(h, at, sum);
	base_width[h] = sum;
	base_tick[h] = at;
	first_width[h] = 0;
	first_tick[h] = 0;
	second_width[h] = 0;
	second_tick[h] = 0;
	confirmed[h] = 0;
	sent[h] = 0;
	here[h] = false;
	course[h] = NONE
}

/* So that what a step leaves in its variables makes no states of their own. */
inline tidy()
{
	at = 0; sum = 0; one = 0; i = 0; s = 0; u = 0
}

inline session_begins(h)
{
	if
	:: here[h] -> reached(7); session_ends(h)
	:: else
	fi;
	here[h] = true;
#if FAULT == 8
	course[h] = 0;
#endif
	flush_down(h); /* grants into the connection that it replaces */
	down[h]!0, 0
}

#define SPOKEN(h) (known_width[AT(h, at)] != NONE)

inline forget(h)
{
	true_value[AT(h, i)] = NONE;
	true_width[AT(h, i)] = NONE;
	known_width[AT(h, i)] = NONE
}

inline forget_until(until)
{
	i = 0;
	do
	:: i <= until -> forget(0); forget(1); i++
	:: else -> break
	od
}

/* Host h's own word against what the coordinator makes of it. */
inline check_word(h)
{
	one = known_width[AT(h, at)];
	assert(true_value[AT(h, at)] <= course[h] + one &&
	       true_value[AT(h, at)] + one >= course[h]);                           /* a */
	assert(true_width[AT(h, at)] <= one)                                        /* c */
}

inline add_part(h)
{
	if
	:: FAULT == 2 && !SPOKEN(h) && here[h] && course[h] != NONE &&
	   true_value[AT(h, at)] != NONE ->
		width_for(h, at, known_width[AT(h, at)]);
		check_word(h)
	:: else
	fi;
	if
	:: SPOKEN(h) -> sum = sum + known_width[AT(h, at)]
	:: else
	fi
}

/* The answer as of tick `at`, by what is known now. */
inline answer()
{
	sum = 0;
	add_part(0);
	add_part(1);
	assert(sum <= BUDGET);                                                      /* b */
	if
	:: (SPOKEN(0) && SPOKEN(1)) || FAULT == 7 ->
		assert(true_value[AT(0, at)] != NONE && true_value[AT(1, at)] != NONE); /* d */
		reached(1);
		note(note_complete());
		forget_until(at)
	:: else -> reached(2)
	fi
}

inline note_complete()
{
	if
	:: sum == BUDGET -> reached(3)
	:: else
	fi;
	if
	:: was_lowered != NONE && true_width[AT(1 - was_lowered, at)] > 0 &&
	   true_width[AT(1 - was_lowered, at)] + base_width[was_lowered] == BUDGET -> reached(4)
	:: else
	fi;
	if
	:: was_lost && sum > 0 -> reached(5)
	:: else
	fi;
	if
	:: was_crash && sum > 0 -> reached(6)
	:: else
	fi
}

/* What is checked is not told apart any more; what can be in no complete answer is forgotten. */
inline set_aside(h)
{
	i = 0;
	do
	:: i < at && known_width[AT(h, i)] == NONE -> known_width[AT(1 - h, i)] = NONE; i++
	:: i < at && known_width[AT(h, i)] != NONE -> i++
	:: i == at -> break
	od;
	if
	:: heard[1 - h] >= at -> forget(h)
	:: else
	fi;
#if !REACH
	if
	:: SPOKEN(h) -> true_value[AT(h, at)] = 0; true_width[AT(h, at)] = 0
	:: else
	fi
#endif
}

inline tick_comes(h)
{
	if
	:: u != NONE -> course[h] = u
	:: else
	fi;
	assert(course[h] != NONE && at > heard[h] && s >= confirmed[h] && s <= sent[h]);
	hold(h, heard[h], sum);
	heard[h] = at;
	do
	:: confirmed[h] < s -> confirm_one(h)
	:: else -> break
	od;
	hold(h, at, one);
	if
	:: one < sum ->
		note(was_lowered = h);
#if FAULT != 5
		freed = MAX(freed, at)
#endif
	:: else
	fi;
	width_for(h, at, known_width[AT(h, at)]);
	if
	:: base_tick[h] <= at ->
		base_width[h] = SHRUNK(base_width[h], base_tick[h], at);
		base_tick[h] = at
	:: else
	fi;

	check_word(h);
	answer();
	set_aside(h)
}

inline word_comes(h)
{
	up[h]?at, s, u;
	if
	:: at == 0 -> session_begins(h)
	:: at != 0 && here[h] -> tick_comes(h)
	:: at != 0 && !here[h] -> i = at; forget(h)
	fi;
	tidy()
}

inline put_grant(h)
{
	if
	:: PENDING(h) == 0 -> first_width[h] = u; first_tick[h] = at
	:: else -> second_width[h] = u; second_tick[h] = at
	fi;
#if FAULT == 1
	if
	:: u < one -> base_width[h] = u; base_tick[h] = at
	:: else
	fi;
#endif
	sent[h]++;
	grants++;
	down[h]!at, u
}

/*
 * Any tick that the host has not said yet and no earlier grant is behind, any width: one that lowers is always right, one that
 * raises must be within the budget from its tick on, with all that others may have then.
 */
inline grant_goes(h)
{
	select(at : 1 .. TICKS);
	select(u : 0 .. BUDGET);
	d_step {
		hold(h, at, one);
		hold(1 - h, at, sum);
		if
		:: at > heard[h] && (at >= MAX(base_tick[h], first_tick[h]) || FAULT == 9) &&
		   (u < one || (u > one && at >= freed && sum + u <= BUDGET)) ->
			put_grant(h)
		:: else
		fi;
		tidy()
	}
}

/* Nothing more comes of it, and the host does not know yet. */
inline connection_ends(h)
{
	flush_up(h);
	flush_down(h);
	if
	:: host[h] != OFF -> cut[h] = true
	:: else
	fi;
	i = heard[h] + 1;
	do
	:: i <= TICKS -> forget(h); i++
	:: else -> break
	od
}

inline crash(h)
{
	connection_ends(h);
	session_ends(h);
	base_width[h] = 0;
	base_tick[h] = 0;
	heard[h] = 0
}

/* The reserve of a host that is not there is free from the tick after its last. */
inline release(h)
{
	reached(8);
	base_width[h] = 0;
	base_tick[h] = 0;
	freed = MAX(freed, heard[h] + 1)
}

proctype a_coordinator()
{
	byte at, sum, one, i, s, u;

	do
	:: d_step { nempty(up[0]) -> word_comes(0) }
	:: d_step { nempty(up[1]) -> word_comes(1) }
	:: atomic { here[0] && grants < GRANTS && PENDING(0) < 2 && nfull(down[0]) ->
		grant_goes(0) }
	:: atomic { here[1] && grants < GRANTS && PENDING(1) < 2 && nfull(down[1]) ->
		grant_goes(1) }
	:: d_step { !here[0] && base_width[0] > 0 -> release(0) }
	:: d_step { !here[1] && base_width[1] > 0 -> release(1) }
	:: d_step { here[0] && losses < LOSSES ->
		losses++; note(was_lost = true);
		connection_ends(0); session_ends(0); tidy() }
	:: d_step { here[1] && losses < LOSSES ->
		losses++; note(was_lost = true);
		connection_ends(1); session_ends(1); tidy() }
	:: d_step { losses < LOSSES ->
		losses++; note(was_crash = true);
		crash(0); crash(1);
		freed = 0; forget_until(TICKS); tidy() }
	od
}

init
{
	atomic {
		run a_host(0);
		run a_host(1);
		run a_coordinator()
	}
}
