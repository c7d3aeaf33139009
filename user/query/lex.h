/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef QUERY_LEX_H
#define QUERY_LEX_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
	TOKEN_END,
	TOKEN_WORD, /* keywords, numbers, addresses, names */
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_STRAY, /* one & or | */
};

struct token {
	enum token_kind kind;
	const char *at;
	size_t length;
};

/* The token at or after `at`. */
struct token token_next(const char *at);
bool token_is(const struct token *token, const char *word);
/* `token` for a message: quoted, cut short, printable. */
void token_show(const struct token *token, char *out, size_t size);

#endif
