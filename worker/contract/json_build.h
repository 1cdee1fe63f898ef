/*
 * json_build.h -- of json.c and rows.c: a tree from the scanner's events, without the text once more.
 *
 * The scanner may stand in a larger document: the value begins `outer` containers deep in it.  Text is needed of names,
 * strings and numbers, at their event, and in one piece.
 *
 * A node and its text are one block (cJSON_IsReference keeps cJSON from freeing the text apart; its copies are
 * ordinary ones).  json_wipe() knows such nodes.
 */
#ifndef CONTRACT_JSON_BUILD_H
#define CONTRACT_JSON_BUILD_H

#include "worker/contract/json.h"
#include "worker/contract/scan.h"

#define JSON_LEVELS_FEW	8		/* most documents need no more, and a fresh process pays for each page it touches */

struct json_level {
	cJSON		*open;
	uint64_t	 names;			/* a bit for a name: no two of one where none met another's */
	uint32_t	 children;
	bool		 again;			/* one met another's */
};

struct json_build {
	const char	*text;			/* of the token at hand */
	uint64_t	 text_at;		/* its offset in the document */
	uint64_t	 origin;		/* of the value: messages count from there */
	unsigned int	 outer;
	bool		 names_kept;		/* names are kept for the next value: of lists, where all have the same */
	size_t		 nodes, nodes_max;
	cJSON		*root;			/* once there: the caller's */
	char		*name;			/* of the member now being read */
	bool		 name_kept;
	unsigned int	 name_last;		/* which of the kept ones came before it */
	uint64_t	 name_bit;
	unsigned int	 levels;		/* containers that are open here: the scanner may count one more */
	struct json_level few[JSON_LEVELS_FEW], *level;	/* containers, outermost first; level: those, or enough for any depth */
};

/* json_names.c */
struct kept_name {
	char		*text;		/* NULL: empty */
	size_t		 len;
	uint64_t	 bit;
	unsigned int	 next;		/* the one that came behind it last time */
};
/* NULL: too long, no room for more names, or no memory.  *last, 0 at first: which name came before it; becomes this one. */
const struct kept_name *name_find(const char *text, size_t len, unsigned int *last);
/* One bit, chosen by the name. */
uint64_t name_bit(const char *text, size_t len);

/* json_get.c: every text of the tree overwritten with zeros; the tree is still to be freed. */
void	 json_zero(cJSON *);
/* A number with these digits; NULL: no memory. */
cJSON	*json_number_node(const char *digits, size_t len);
void	 json_build_init(struct json_build *, size_t nodes_max);
/* The next value; what was built must have been taken. */
void	 json_build_next(struct json_build *, unsigned int outer, uint64_t origin);
int	 json_build_event(struct json_build *, const struct scan *, enum scan_event, struct error *);
/* Where it stands, behind the message, as a JSON pointer: at most depth containers deep. */
void	 json_build_tell(const struct json_build *, unsigned int depth, struct error *);
/* Forgets what is under way, and gives back what it holds but for a root: that is to be taken first, or goes too. */
void	 json_build_drop(struct json_build *);

#endif
