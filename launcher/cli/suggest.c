/*
 * suggest.c -- "did you mean": the known word with the fewest edits.
 */
#include <string.h>

#include "launcher/cli/cli.h"

#define WORD_BYTES_MAX	128	/* longer words are not compared */

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters inserted, dropped or changed between two words. */
static size_t
distance(const char *a, const char *b)
{
	size_t	 row[WORD_BYTES_MAX + 1], na = strlen(a), nb = strlen(b);

	if (na > WORD_BYTES_MAX || nb > WORD_BYTES_MAX)
		return WORD_BYTES_MAX;
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t	 corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t	 above = row[j];

			row[j] = least(least(row[j - 1], above) + 1, corner + (a[i - 1] != b[j - 1]));
			corner = above;
		}
	}
	return row[nb];
}

const char *
suggest_word(const char *word, const char *(*word_at)(const void *arg, size_t i), const void *arg)
{
	const char	*best = NULL, *w;
	size_t		 best_edits = strlen(word) < 6 ? 3 : strlen(word) / 3 + 1;

	for (size_t i = 0; (w = word_at(arg, i)) != NULL; i++) {
		size_t	 edits = distance(word, w);

		if (edits < best_edits) {
			best_edits = edits;
			best = w;
		}
	}
	return best;
}
