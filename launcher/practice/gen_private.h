/*
 * gen_private.h -- what gen.c and gen_render.c share.
 */
#ifndef PRACTICE_GEN_PRIVATE_H
#define PRACTICE_GEN_PRIVATE_H

#include "launcher/practice/gen.h"

#define GEN_DOMAIN	"practice.example"

struct gen_name {
	const char	*shown;		/* UTF-8 */
	const char	*login;		/* ASCII */
};

/* All that is drawn by lot about a user. */
struct gen_look {
	const struct gen_name	*given, *family;
	const char		*title, *department;
	int64_t			 created_s, modified_s;
};

void	 gen_look(const struct gen *, uint64_t user, struct gen_look *);
/* Decimal, with zeros in front up to width. */
char	*gen_put_number(char *p, uint64_t v, unsigned int width);
char	*gen_put_id(const struct gen *, enum kind, uint64_t index, char *p);

#endif
