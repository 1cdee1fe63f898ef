/*
 * expr_private.h -- a parsed string, between expr_parse.c and expr.c.
 */
#ifndef REST_EXPR_PRIVATE_H
#define REST_EXPR_PRIVATE_H

#include "connectors/rest/expr.h"

/* A path or a constant. */
struct operand {
	enum root	 root;
	char		*pointer;	/* below it; NULL: constant */
	cJSON		*constant;
};

struct stage {
	const struct filter	*filter;
	struct operand		 args[EXPR_ARGS_MAX];
	size_t			 nargs;
};

/* Literal text, or an expression. */
struct part {
	char		*literal;	/* NULL: an expression */
	struct operand	 source;
	struct stage	*stages;
	size_t		 nstages;
};

struct text {
	struct part	*parts;
	size_t		 n;
};

#endif
