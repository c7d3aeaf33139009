/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "query/lex.h"

#include <stdio.h>
#include <string.h>

#define BLANKS " \t\r\n"
#define SHOWN 32 /* characters of a token in a message */

static const struct {
	const char *text;
	enum token_kind kind;
} symbols[] =
	{
		{"&&", TOKEN_AND},  {"||", TOKEN_OR},   {"!", TOKEN_NOT},   {"(", TOKEN_OPEN},
		{")", TOKEN_CLOSE}, {",", TOKEN_COMMA}, {"&", TOKEN_STRAY}, {"|", TOKEN_STRAY},
},
  operators[] = {
	  {"and", TOKEN_AND},
	  {"or", TOKEN_OR},
	  {"not", TOKEN_NOT},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool token_is(const struct token *token, const char *word)
{
	return token->kind == TOKEN_WORD && strlen(word) == token->length &&
	       !memcmp(token->at, word, token->length);
}

struct token token_next(const char *at)
{
	struct token token = {.kind = TOKEN_WORD};

	token.at = at += strspn(at, BLANKS);
	if (!*at) {
		token.kind = TOKEN_END;
		return token;
	}
	for (size_t i = 0; i < COUNT(symbols); i++) {
		token.length = strlen(symbols[i].text);
		if (!strncmp(at, symbols[i].text, token.length)) {
			token.kind = symbols[i].kind;
			return token;
		}
	}
	token.length = strcspn(at, BLANKS "&|!(),");
	for (size_t i = 0; i < COUNT(operators); i++) {
		if (token_is(&token, operators[i].text)) {
			token.kind = operators[i].kind;
			break;
		}
	}
	return token;
}

void token_show(const struct token *token, char *out, size_t size)
{
	size_t shown = token->length < SHOWN ? token->length : SHOWN;
	char text[SHOWN + 1] = "";

	if (token->kind == TOKEN_END) {
		snprintf(out, size, "the end");
		return;
	}
	for (size_t i = 0; i < shown; i++) {
		unsigned char c = token->at[i];

		text[i] = c < ' ' || c > '~' ? '?' : c;
	}
	snprintf(out, size, "'%s%s'", text, shown < token->length ? "..." : "");
}
