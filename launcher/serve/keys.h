/*
 * keys.h -- Idempotency-Key: a write that is asked for twice runs once.
 *
 * What is kept of a request is a digest (HMAC-SHA-256) under a secret of this installation: it may hold passwords.
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

/*
 * The secret that digests of requests are made with is in a file beside the journal, its name with .key behind it, 0600; made
 * where there is none, and then keys that the journal has of before match no request any more (422): none is run twice.
 * journal: its path; NULL: in memory, and so is the secret.
 */
int	keys_open(const char *journal, struct error *e);
void	keys_close(void);
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
