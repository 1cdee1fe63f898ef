/*
 * keys.h -- Idempotency-Key: a write that is asked for twice runs once.
 *
 * A key belongs to its caller.  It is on disk before its invocation starts; whoever comes with it again gets the first
 * outcome, waiting for it where it is not there yet, and never a second run: not after a crash either, when nobody
 * knows the outcome.  Only an invocation that never started gives its key back.
 */
#ifndef SERVE_KEYS_H
#define SERVE_KEYS_H

#include "launcher/serve/accept.h"
#include "launcher/serve/serve.h"

struct ask;
struct exchange;

/* The header's value, "" where there is none or the command only reads.  -1 with *e. */
int	key_read(const struct exchange *, enum command, char key[STORE_KEY_BYTES_MAX + 1], struct error *e);
/*
 * True: it is this invocation's (a->rq.id), which is to be begun now.  False: the request is answered, with the first
 * outcome or a refusal.  The same request is the same values, whatever the order of their members.  connector: its name
 * without a version.
 */
bool	key_take(struct exchange *, const struct accepted *, const struct ask *a, const char *connector, const char *key);
/* 202: where the results of an invocation will be. */
void	answer_accepted(struct exchange *, const char *id);

#endif
