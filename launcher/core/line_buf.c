/*
 * line_buf.c -- room for what workers write.  What is in it is looked at in relay.c alone.
 */
#include <stdlib.h>
#include <string.h>

#include "launcher/core/line_buf.h"
#include "worker/contract/util.h"

#define PORTION_BYTES_MIN (4 * KIB)		/* the same where relays are many */
#define TOGETHER_BYTES	(4 * MIB)		/* what all of them read at once; more than 64 have less than PORTION_BYTES each */

static size_t	 nrelays;		/* parked workers' among them, which hold nothing */

void
line_bufs_count(int more)
{
	nrelays += (size_t)more;
}

/*
 * What is read at once.  A caller that does not read leaves so much in its worker's buffer: many of them are not to hold
 * more than a few that read well.
 */
size_t
line_buf_portion(void)
{
	size_t	 each = TOGETHER_BYTES / (nrelays > 0 ? nrelays : 1);

	return each > PORTION_BYTES ? PORTION_BYTES : each < PORTION_BYTES_MIN ? PORTION_BYTES_MIN : each;
}

/* A line may be a secret: none is left behind in what is given back. */
static void
data_free(struct line_buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->most);
	free(b->data);
	b->data = NULL;
	b->most = 0;
}

void
line_buf_drop(struct line_buf *b)
{
	data_free(b);
	b->start = b->len = b->seen = b->size = 0;
}

/* Nothing is to be judged in it. */
void
line_buf_rest(struct line_buf *b)
{
	if (b->start == b->len && line_buf_portion() < PORTION_BYTES)
		line_buf_drop(b);
}

/* Room for another `want` bytes. */
int
line_buf_room(struct line_buf *b, size_t want)
{
	size_t	 size = b->len + want;
	char	*data;

	if (size <= b->size)
		return 0;
	if (b->size > 0 && size < 2 * b->size)
		size = 2 * b->size < BUF_BYTES_MAX ? 2 * b->size : BUF_BYTES_MAX;
	if ((data = malloc(size)) == NULL)
		return -1;
	if (b->data != NULL)
		memcpy(data, b->data, b->len);
	data_free(b);
	b->data = data;
	b->size = size;
	b->most = b->len;
	return 0;
}
